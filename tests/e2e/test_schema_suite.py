"""docs/plugins/schema.md tells what the public JSON-Schema-Test-Suite found."""
from schema_suite import PAGE, TABLE, wanted_tables, with_tables


def test_the_tables_of_the_page_are_what_the_suite_finds_now():
    text = PAGE.read_text()
    assert {found[2] for found in TABLE.finditer(text)} == set(wanted_tables())
    assert with_tables(text) == text, "run: tests/e2e/schema_suite.py"

#!/usr/bin/env python3
"""The tables of docs/plugins/schema.md: what the validator makes of the public JSON-Schema-Test-Suite. A table stands
between `<!-- suite NAME -->` and `<!-- end -->`; NAME is `drafts` or `files`.

    EVENTGW_BUILD=build/debug tests/e2e/schema_suite.py    writes the tables anew
"""
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "plugins" / "schema.md"
TABLE = re.compile(r"(<!-- suite (\w+) -->\n).*?(<!-- end -->)", re.S)
NAMES = {"draft7": "draft 7", "draft2020-12": "2020-12",
         "draft7/optional": "draft 7, optional", "draft2020-12/optional": "2020-12, optional"}


def results():
    """[(folder, file, passed, refused, failed)] of all files of the suite."""
    build = ROOT / os.environ.get("EVENTGW_BUILD", "build/debug")
    program = build / "tests" / "plugins" / "unit_plugin_middleware_schema_test_schema_suite"
    out = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout
    return [(folder, name, int(a), int(b), int(c))
            for folder, name, a, b, c in re.findall(r"^suite (\S+) (\S+) (\d+) (\d+) (\d+)$", out, re.M)]


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n" + "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n\n"


def wanted_tables():
    found = results()
    sums = [[name, *(sum(row[i] for row in found if row[0] == folder) for i in (2, 3, 4))]
            for folder, name in NAMES.items()]
    files = [[NAMES[row[0]], f"`{row[1]}`", *row[2:]] for row in found if row[3] or row[4]]
    return {"drafts": table(["part of the suite", "passed", "schema refused", "failed"], sums),
            "files": table(["part", "file", "passed", "schema refused", "failed"], files)}


def with_tables(text):
    tables = wanted_tables()
    return TABLE.sub(lambda found: found[1] + tables[found[2]] + found[3], text)


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))

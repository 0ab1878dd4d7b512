"""docs/operations.md explains every metric that the sources know, and no other."""
import re

from blocks import ROOT


def test_every_metric_is_explained():
    sources = "".join(path.read_text() for path in (ROOT / "core").rglob("*.c"))
    known = set(re.findall(r'\.name = "(eventgateway_\w+)"', sources))
    known |= set(re.findall(r'\{"(process_\w+)",', (ROOT / "core/base/process.c").read_text()))
    page = (ROOT / "docs" / "operations.md").read_text()
    rows = "".join(line.split("|")[1] for line in page.splitlines() if re.match(r"\| `(eventgateway|process)_", line))
    assert len(known) > 15
    assert set(re.findall(r"`(\w+)`", rows)) == known

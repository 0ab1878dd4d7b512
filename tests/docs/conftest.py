"""Needs a built gateway; tells at the end which blocks were not run."""
import pytest

from blocks import all_blocks
from session import GATEWAY


def pytest_sessionstart(session):
    if not GATEWAY.exists():
        raise pytest.UsageError(f"{GATEWAY} is not there: build it, or set EVENTGW_BUILD")


def pytest_terminal_summary(terminalreporter):
    found = all_blocks()
    left_out = [b for b in found if b.mark == "not run"]
    terminalreporter.write_line(f"code blocks: {len(found)}, not run: {len(left_out)}")
    for block in left_out:
        terminalreporter.write_line(f"  {block.where}: {block.argument}")

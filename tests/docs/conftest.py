"""Needs a built gateway; tells at the end which blocks were not run."""
import subprocess

import pytest

from blocks import all_blocks
from session import BUILD, GATEWAY


def pytest_sessionstart(session):
    # ./etc/quickstart builds what has changed. It is to find nothing to do while other tests use the build.
    is_worker = hasattr(session.config, "workerinput")
    if not is_worker and (BUILD / "build.ninja").exists():
        subprocess.run(["cmake", "--build", str(BUILD), "--", "--quiet"], check=True)
    if not GATEWAY.exists():
        raise pytest.UsageError(f"{GATEWAY} is not there: build it, or set EVENTGW_BUILD")


def pytest_terminal_summary(terminalreporter):
    found = all_blocks()
    left_out = [b for b in found if b.mark == "not run"]
    terminalreporter.write_line(f"code blocks: {len(found)}, not run: {len(left_out)}")
    for block in left_out:
        terminalreporter.write_line(f"  {block.where}: {block.argument}")

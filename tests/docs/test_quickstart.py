"""What ./etc/quickstart prints to try works as printed."""
import json
import re

import pytest

from blocks import Block
from session import Session


@pytest.fixture(scope="module")
def quickstart():
    session = Session("etc/quickstart")
    session.start(Block("etc/quickstart", 1, "sh", "./etc/quickstart\n", argument="Ctrl-C stops it"))
    yield session
    session.close()


def lines_to_try(session):
    return re.findall(r"^ +(curl .*)$", session.programs[0].output, re.M)


def run(session, line):
    return session.run(Block("etc/quickstart", 1, "sh", line + "\n"))


def test_the_three_lines_that_it_prints(quickstart):
    api, event, configuration = lines_to_try(quickstart)
    assert run(quickstart, api) == "Hello, world!\n"
    assert run(quickstart, event).startswith("HTTP/1.1 202 ")
    quickstart.wait_for_line('demo function: user.created: {"name": "Ada"}', "etc/quickstart")
    functions = json.loads(run(quickstart, configuration.replace("curl", "curl -s")))["functions"]
    assert [f["functionId"] for f in functions] == ["hello"]

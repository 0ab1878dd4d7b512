"""Every code block of README.md and docs/ does what the page says, in the order of the page."""
import subprocess
import sys

import pytest

from blocks import ROOT, all_blocks
from compare import difference, documents
from session import GATEWAY, Session


def run_sh(session, block):
    output = session.run(block)
    if block.expected:
        wrong = difference(block.expected, output)
        assert wrong is None, wrong + "\nbackground:\n" + session.background_output()


def run_python(session, block):
    script = session.folder / ".block.py"
    script.write_text(session.to_free(block.text))
    done = subprocess.run([sys.executable, str(script)], cwd=session.folder, capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == 0, f"{block.where}:\n{done.stderr}"
    if block.expected:
        wrong = difference(block.expected, session.to_printed(done.stdout))
        assert wrong is None, wrong


def check_conf(session, block):
    """A configuration file: the gateway has to find it valid."""
    name = block.argument or ".block.conf"
    session.write_file(name, block.text)
    done = subprocess.run([str(GATEWAY), "--config", name, "--check", "--data-dir", "check-data"],
                          cwd=session.folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{block.where}:\n{done.stderr}"


def check_c(session, block):
    """A complete file: it has to compile as it stands, without a warning."""
    session.write_file(".block.c", block.text)
    done = subprocess.run(["gcc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
                           f"-I{ROOT / 'include'}", f"-I{ROOT / 'sdk/include'}", ".block.c"],
                          cwd=session.folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{block.where}:\n{done.stderr}"


def check_json(session, block):
    """JSON that is shown and not printed by anything: at least it is JSON."""
    assert documents(block.text)


LANGUAGES = {"sh": run_sh, "python": run_python, "conf": check_conf, "c": check_c, "json": check_json}
# Not for machines: diagrams and messages.
SHOWN = ("text",)


def is_run(block):
    if block.mark == "not run" or block.is_expectation:
        return False
    return bool(block.mark) or block.language not in SHOWN


@pytest.fixture(scope="module")
def session_of():
    """The session of a page; the one of the page before is closed."""
    open_sessions = {}

    def get(page):
        if page not in open_sessions:
            close_all()
            open_sessions[page] = Session(page)
        return open_sessions[page]

    def close_all():
        while open_sessions:
            open_sessions.popitem()[1].close()

    yield get
    close_all()


@pytest.mark.parametrize("block", [b for b in all_blocks() if is_run(b)], ids=str)
def test_block(session_of, block):
    session = session_of(block.page)
    if block.mark == "background":
        session.start(block)
        session.settle()
    elif block.mark == "printed by background":
        wait_for_output(session, block)
    elif block.mark == "file of the repository":
        assert block.text == (ROOT / block.argument).read_text(), f"{block.where}: it is not {block.argument} as it stands"
    elif block.mark == "file" and block.language not in ("conf", "c"):
        session.write_file(block.argument, block.text)
    else:
        if block.mark == "file":
            session.write_file(block.argument, block.text)
        LANGUAGES[block.language](session, block)


def wait_for_output(session, block):
    """Every line of the block, in any order: programs print when they get to it."""
    for line in block.text.splitlines():
        session.wait_for_line(line, block.where)


def test_the_smallest_plugin_is_small():
    assert len((ROOT / "plugins/reacter_log/reacter_log.c").read_text().splitlines()) < 80


def test_every_block_is_run_or_says_why():
    wrong = []
    for block in all_blocks():
        if block.mark == "not run" and len(block.argument) < 10:
            wrong.append(f"{block.where}: it is not run and does not say why")
        if is_run(block) and not block.mark and block.language not in LANGUAGES:
            wrong.append(f"{block.where}: nothing runs the language '{block.language}'")
        if block.mark == "file" and not block.argument:
            wrong.append(f"{block.where}: the file has no name")
    assert not wrong, "\n".join(wrong)

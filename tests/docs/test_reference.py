"""Every public header says what each thing in it is for: Doxygen finds nothing without a comment, and writes
pages in which the comments are."""
import html
import re
import shutil
import subprocess

import pytest

from blocks import ROOT


def doxygen(folder, *changes):
    """Runs it with etc/Doxyfile, and these lines behind; warnings are errors there."""
    text = (ROOT / "etc" / "Doxyfile").read_text()
    text += "\n".join((f"OUTPUT_DIRECTORY = {folder}",) + changes) + "\n"
    return subprocess.run(["doxygen", "-"], input=text, cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    done = doxygen(folder)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return folder / "html"


def words(page):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", page.read_text())))


def test_no_header_says_too_little(pages):
    for header in [*ROOT.glob("include/eventgw/*.h"), *ROOT.glob("sdk/include/eventgw-sdk/*.h")]:
        assert (pages / (header.name.replace("_", "__").replace(".h", "_8h") + ".html")).exists(), header


@pytest.mark.parametrize("page, sentences", [
    ("structeg__middleware__ops", ["Once per event (a batch has several), before it is routed."]),
    ("structeg__life__ops", ["Makes an instance. No I/O."]),
    ("structeg__host", ["name of the component this table belongs to"]),
    ("structeg__http__request", ["client certificate and key, PEM; empty = none"]),
    ("op_8h", ["A second done aborts the process with the plugin's name.", "the function answered"]),
    ("settings_8h", ["Types of settings"]),
    ("fake__host_8h", ["Moves both clocks; nothing runs before the next egx_fake_run."]),
])
def test_the_pages_have_what_the_comments_say(pages, page, sentences):
    told = words(pages / f"{page}.html")
    for sentence in sentences:
        assert sentence in told


def test_a_field_without_a_comment_is_found(tmp_path):
    source = tmp_path / "include"
    shutil.copytree(ROOT / "include" / "eventgw", source)
    header = source / "op.h"
    changed = header.read_text().replace("struct eg_op {\n", "struct eg_op {\n    int32_t fresh;\n\n", 1)
    # Its neighbours are told about, the struct too: a blank line ends what a comment is about.
    header.write_text(changed.replace("/* A call that is to be ended. Owned by the host. */\nstruct eg_op",
                                      "struct eg_op"))
    done = doxygen(tmp_path / "out", f"INPUT = {source}", f"STRIP_FROM_PATH = {tmp_path}")
    assert done.returncode != 0 and "fresh" in done.stderr

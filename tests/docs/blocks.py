"""Finds the fenced code blocks of README.md and docs/**/*.md and what is said about them.

A comment on the line before a block says how it is meant:

  <!-- not run: reason -->      cannot be run by its nature; the reason is counted and printed
  <!-- file: NAME -->           is a file that later blocks use; written to the page's directory
  <!-- background: until "TEXT" -->  a program that goes on running; ready when it prints TEXT
  <!-- printed by background -->    what the programs in the background have printed by now
  <!-- file of the repository: PATH -->  is that file, word for word

A json or text block with nothing but blank lines between it and a sh or python block is the expected
output of that block.
"""
import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(\s*)(```+)\s*(\S*)\s*$")
COMMENT = re.compile(r"^\s*<!--\s*(.*?)\s*-->\s*$")
MARK = re.compile(r"^(not run|file of the repository|file|background|printed by background)(?::\s*(.*))?$")


@dataclasses.dataclass
class Block:
    page: str                 # path below the root
    line: int                 # of the opening fence
    language: str
    text: str
    mark: str = ""            # "not run", "file", "background", ...
    argument: str = ""        # what stands behind the mark's colon
    expected: "Block | None" = None
    is_expectation: bool = False

    @property
    def where(self):
        return f"{self.page}:{self.line}"

    def __str__(self):
        return f"{self.where} {self.language}"


def pages():
    """README.md first, then the pages of docs/ by name."""
    found = [ROOT / "README.md"] if (ROOT / "README.md").exists() else []
    return found + sorted((ROOT / "docs").rglob("*.md"))


def read_mark(block, line):
    comment = COMMENT.match(line)
    mark = MARK.match(comment[1]) if comment else None
    if mark:
        block.mark, block.argument = mark[1], re.sub(r'^until "(.*)"$', r"\1", (mark[2] or "").strip())
    return block


def raw_blocks(page):
    """The blocks in order, each with the number of the line behind it."""
    lines = page.read_text().splitlines()
    name = str(page.relative_to(ROOT))
    at, previous_end = 0, -1
    while at < len(lines):
        fence = FENCE.match(lines[at])
        if not fence:
            at += 1
            continue
        end = at + 1
        while end < len(lines) and lines[end].strip() != fence[2]:
            end += 1
        assert end < len(lines), f"{name}:{at + 1}: the block is never closed"
        text = "\n".join(line.removeprefix(fence[1]) for line in lines[at + 1:end]) + "\n"
        block = read_mark(Block(name, at + 1, fence[3] or "text", text), lines[at - 1] if at else "")
        is_next = previous_end >= 0 and not "".join(lines[previous_end + 1:at]).strip()
        yield block, is_next
        at, previous_end = end + 1, end


def blocks(page):
    found = []
    for block, is_next in raw_blocks(page):
        can_expect = found and found[-1].language in ("sh", "python") and not found[-1].mark
        if is_next and can_expect and block.language in ("json", "text") and not block.mark:
            found[-1].expected = block
            block.is_expectation = True
        found.append(block)
    return found


def all_blocks():
    return [block for page in pages() for block in blocks(page)]

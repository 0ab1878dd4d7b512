"""Links between the pages lead somewhere."""
import re

import pytest

from blocks import FENCE, ROOT, pages

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*$")


def prose(page):
    """The lines outside code blocks."""
    inside = False
    for line in page.read_text().splitlines():
        if FENCE.match(line) or (inside and line.strip().startswith("```")):
            inside = not inside
        elif not inside:
            yield line


def anchors(page):
    """As GitHub makes them: lower case, spaces to dashes, everything else but letters and digits gone."""
    found = set()
    for line in prose(page):
        heading = HEADING.match(line)
        if heading:
            text = re.sub(r"[^\w\- ]", "", heading[1].lower()).replace(" ", "-")
            found.add(text)
    return found


@pytest.mark.parametrize("page", pages(), ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_to_files_and_headings_that_exist(page):
    broken = []
    for line in prose(page):
        for target in LINK.findall(re.sub(r"`[^`]*`", "", line)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            other = (page.parent / path).resolve() if path else page
            if not other.exists() or (anchor and anchor not in anchors(other)):
                broken.append(target)
    assert not broken


def test_readme_links_every_page():
    """What nobody links to, nobody reads: each page is linked from README.md or from a page that is."""
    start = ROOT / "README.md"
    seen, waiting = set(), [start]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        for line in prose(page):
            for target in LINK.findall(line):
                other = (page.parent / target.partition("#")[0]).resolve()
                if other.is_file():
                    waiting.append(other)
    assert not [str(p.relative_to(ROOT)) for p in pages() if p not in seen]

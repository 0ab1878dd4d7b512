"""The comparison itself: what has to be the same, and what `...` stands for."""
import pytest

from blocks import Block
from compare import difference


def holds(language, expected, actual):
    return difference(Block("page", 1, language, expected), actual) is None


@pytest.mark.parametrize("language, expected, actual", [
    ("text", "202\n", "202\n"),
    ("text", "a\n", "a  \r\n"),
    ("text", "one\n...\nfour\n", "one\ntwo\nthree\nfour\n"),
    ("text", "one\n...\ntwo\n", "one\ntwo\n"),
    ("text", "id=... end\n", "id=4711 end\n"),
    ("json", '{"a":1,"b":2}', '{"b":2, "a":1}\n'),
    ("json", '{"id":"..."}', '{"id":7}'),
    ("json", '{"id":"a...z"}', '{"id":"a to z"}'),
    ("json", '{"a":1,"...":"..."}', '{"a":1,"b":2}'),
    ("json", '[1,"..."]', "[1,2,3]"),
    ("json", '{"a":1}\n{"b":2}', '{"a":1}{"b":2}'),
])
def test_same(language, expected, actual):
    assert holds(language, expected, actual)


@pytest.mark.parametrize("language, expected, actual", [
    ("text", "202\n", "503\n"),
    ("text", "202\n", "202\n202\n"),
    ("text", "a.c\n", "abc\n"),
    ("text", "one\n...\nfour\n", "one\nfour\nfive\n"),
    ("text", "id=... end\n", "id=4\n7 end\n"),
    ("json", '{"a":1}', '{"a":2}'),
    ("json", '{"a":1}', '{"a":1,"b":2}'),
    ("json", '{"a":1}', '{"a":true}'),
    ("json", '{"a":1}', '{"a":1}{"a":1}'),
    ("json", '{"a":1,"...":"..."}', '{"b":2}'),
    ("json", '{"id":"a...z"}', '{"id":"a"}'),
    ("json", "[1,2]", "[1,2,3]"),
    ("json", '{"a":1}', "Not Found"),
    ("json", '{"a":1}', ""),
])
def test_different(language, expected, actual):
    assert not holds(language, expected, actual)

"""Holds what a block printed against what the page says it prints.

`...` stands for what varies: in text a line of its own for any lines, inside a line for any characters;
in JSON inside a string for any characters (a value "..." is any value), as last item of an array for
more items, and as member "...": "..." of an object for more members.
"""
import json
import re


def documents(text):
    """All JSON documents of a text, one behind the other."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while True:
        at += len(text[at:]) - len(text[at:].lstrip())
        if at == len(text):
            return found
        value, at = decoder.raw_decode(text, at)
        found.append(value)


def same_text(expected, actual):
    pattern = ""
    for line in expected.splitlines():
        if line.strip() == "...":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += "[^\n]*?".join(re.escape(part) for part in line.rstrip().split("...")) + "\n"
    clean = "".join(line.rstrip() + "\n" for line in actual.splitlines())
    return re.fullmatch(pattern, clean) is not None


def same_string(expected, actual):
    if expected == "...":
        return True
    if not isinstance(actual, str):
        return False
    return re.fullmatch(".*?".join(map(re.escape, expected.split("..."))), actual, re.S) is not None


def same_object(expected, actual):
    if not isinstance(actual, dict):
        return False
    wanted = dict(expected)
    has_more = wanted.pop("...", None) is not None
    if not has_more and set(wanted) != set(actual):
        return False
    return all(key in actual and same_json(value, actual[key]) for key, value in wanted.items())


def same_array(expected, actual):
    if not isinstance(actual, list):
        return False
    if expected and expected[-1] == "...":
        expected, actual = expected[:-1], actual[:len(expected) - 1]
    return len(expected) == len(actual) and all(map(same_json, expected, actual))


def same_json(expected, actual):
    if isinstance(expected, str):
        return same_string(expected, actual)
    if isinstance(expected, dict):
        return same_object(expected, actual)
    if isinstance(expected, list):
        return same_array(expected, actual)
    return type(expected) is type(actual) and expected == actual


def difference(block, actual):
    """None, or a sentence that shows both."""
    if block.language == "json":
        try:
            found = documents(actual)
        except ValueError as error:
            return f"{block.where}: the output is no JSON ({error}):\n{actual}"
        if same_json(documents(block.text), found):
            return None
    elif same_text(block.text, actual):
        return None
    return f"{block.where}: the page says\n{block.text}\nbut printed was\n{actual}"

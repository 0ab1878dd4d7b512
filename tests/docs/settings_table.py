#!/usr/bin/env python3
"""The tables of docs/configuration.md, made of what `event-gateway --help` and `--help-plugin` print, so that
they cannot drift. A table stands between `<!-- settings NAME -->` and `<!-- end -->`, NAME is a section of the
configuration, `process`, `flags`, `plugin NAME` or `function NAME`.

    tests/docs/settings_table.py           writes the tables anew (after a change of settings)
"""
import re
import subprocess

from blocks import ROOT
from session import GATEWAY

PAGE = ROOT / "docs" / "configuration.md"
SAMPLE = ROOT / "etc" / "event-gateway.conf"
PLUGINS = ("http", "embedded", "auth", "log")
TABLE = re.compile(r"(<!-- settings ([a-z ]+) -->\n).*?(<!-- end -->)", re.S)


def printed(*args):
    return subprocess.run([str(GATEWAY), *args], check=True, capture_output=True, text=True).stdout


def columns(header, line):
    starts = [header.index(word) for word in ("NAME", "TYPE", "DEFAULT", "MEANING")]
    return [line[a:b].strip() for a, b in zip(starts, starts[1:] + [None])]


def tables_of(text, name_of):
    """{name: rows} of the tables in a help text; name_of(the line above a table) gives the name."""
    found, lines, above = {}, text.splitlines(), ""
    header, rows = None, None
    for line in lines:
        if re.match(r"  NAME +TYPE", line):
            header, rows = line, found.setdefault(name_of(above), [])
        elif header and line.startswith("  "):
            rows.append(columns(header, line))
        else:
            header = None
            above = line or above
    return found


def section_name(line):
    return line.split(": ")[1] if ": " in line else line.lower()


def live_keys():
    """(section, key) of what the sample marks as (live)."""
    section, found = "process", set()
    for line in SAMPLE.read_text().splitlines():
        begin = re.match(r"(\w+) = \{", line)
        if begin:
            section = begin[1]
        elif line.startswith("};"):
            section = "process"
        key = re.match(r"\s*#\s*(\w+) = .*?#.*\(live\)", line)
        if key:
            found.add((section, key[1]))
    return found


def settings():
    return tables_of(printed("--help"), section_name)


def component_tables(name):
    def table_name(line):
        if line.startswith("Of every middleware"):
            return "common middleware"
        return ("function " if "function" in line else "plugin ") + name
    return tables_of(printed("--help-plugin", name), table_name)


def cell(text):
    return text.replace("|", "\\|")


def default(text):
    return {"": "empty", "-": "empty", "*****": "empty", "(required)": "required"}.get(text, f"`{cell(text)}`")


def setting_lines(name, rows):
    if " " in name:
        yield from ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
        for key, kind, value, meaning in rows:
            yield f"| `{key}` | {kind} | {default(value)} | {cell(meaning)} |"
        return
    live = live_keys()
    prefix = "" if name == "process" else name + "."
    yield from ["| setting | type | default | live | meaning |", "| --- | --- | --- | --- | --- |"]
    for key, kind, value, meaning in rows:
        mark = "yes" if (name, key) in live else ""
        yield f"| `{prefix}{key}` | {kind} | {default(value)} | {mark} | {cell(meaning)} |"


def flag_lines():
    yield from ["| flag | meaning |", "| --- | --- |"]
    for flag, meaning in re.findall(r"^  (--\S+(?: [A-Z]+)?) +(\S.*)$", printed("--help"), re.M):
        yield f"| `{flag}` | {cell(meaning)} |"


def wanted_tables():
    tables = settings()
    for plugin in PLUGINS:
        tables.update(component_tables(plugin))
    wanted = {name: "\n".join(setting_lines(name, rows)) for name, rows in tables.items()}
    wanted["flags"] = "\n".join(flag_lines())
    return wanted


def with_tables(text):
    wanted = wanted_tables()
    return TABLE.sub(lambda found: f"{found[1]}\n{wanted[found[2]]}\n\n{found[3]}", text)


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))

"""docs/configuration.md and the sample file tell the settings that the gateway has."""
import re
import signal
import subprocess
import time

from blocks import ROOT
from session import GATEWAY, PATIENCE
from settings_table import PAGE, TABLE, live_keys, printed, settings, wanted_tables, with_tables


def test_the_page_has_every_table():
    assert sorted(found[2] for found in TABLE.finditer(PAGE.read_text())) == sorted(wanted_tables())


def test_the_tables_of_the_page_are_those_of_the_help():
    text = PAGE.read_text()
    assert with_tables(text) == text, "run: python3 tests/docs/settings_table.py"


def test_the_page_names_every_command():
    listed = re.search(r"^Commands:\n(.*?)\n\n", printed("--help"), re.M | re.S)[1]
    names = re.findall(r"^  (\S+(?: \S+)?) ", listed, re.M)
    assert len(names) > 5 and "plugin check" in names
    text = PAGE.read_text()
    assert not [name for name in names if f"`{name.removesuffix(' [COMMAND]')}`" not in text]


def test_the_page_links_the_page_of_every_component():
    text = PAGE.read_text()
    listed = re.findall(r"^(\S+) +(\S+) +(?:loaded|built in) ", printed("plugin", "list"), re.M)
    assert len(listed) > 10
    pages = [ROOT / "docs" / folder / f"{name}.md" for _, name in listed
             for folder in ("plugins", "providers", "storage")]
    assert not [str(p) for p in pages if p.exists() and f"({p.relative_to(PAGE.parent)})" not in text]


# Where only a component that is installed is a valid value.
COMPONENTS = {"middleware": '( "auth" )', "reacters": '( "log" )', "backend": '"etcd"'}


def other_value(key, kind, value, meaning):
    """A valid value that is not the default."""
    if key in COMPONENTS:
        return COMPONENTS[key]
    choices = re.search(r"\(one of (.*)\)", meaning)
    if choices:
        return next(f'"{c}"' for c in choices[1].split("|") if c != value)
    if kind == "duration":
        return '"7s"'
    if kind == "size":
        return '"65KiB"'
    if kind == "number":
        is_greatest = re.search(rf"to {value}\)", meaning)
        return str(int(value) + (-1 if is_greatest else 1))
    if kind == "bool":
        return "false" if value == "true" else "true"
    return '( "other" )' if kind == "list" else '"other"'


def changed_file():
    """A configuration in which every setting differs from its default."""
    lines = []
    for section, rows in settings().items():
        pairs = [f"{key} = {other_value(key, kind, value, meaning)};" for key, kind, value, meaning in rows]
        lines += pairs if section == "process" else [f"{section} = {{ {' '.join(pairs)} }};"]
    return "\n".join(lines) + "\n"


def test_what_is_marked_as_live_changes_while_serving_and_nothing_else(tmp_path):
    config, log = tmp_path / "event-gateway.conf", tmp_path / "log"
    config.write_text("")
    command = [str(GATEWAY), "--config", str(config), "--set", f"plugins.embedded.path={tmp_path}/data",
               "--set", "plugins.http.redirects=true", "--set", 'plugins.auth.rules=[{"path":"/x","public":true}]']
    start = 'events = { port = 0; listen = "127.0.0.1"; };\nconfig = { port = 0; };\n'
    config.write_text(start)
    with open(log, "w") as err:
        gateway = subprocess.Popen(command, stderr=err)
    try:
        wait_for(log, "serving", gateway)
        config.write_text(changed_file())
        gateway.send_signal(signal.SIGHUP)
        wait_for(log, "reload: done", gateway)
        told = re.findall(r"reload: (\S+) (changed|differs)", log.read_text())
    finally:
        gateway.terminate()
        gateway.wait(60)
    changed = {tuple(name.split(".")) if "." in name else ("process", name)
               for name, what in told if what == "changed"}
    everything = {(section, row[0]) for section, rows in settings().items() for row in rows}
    assert changed == live_keys()
    assert {tuple(n.split(".")) if "." in n else ("process", n) for n, _ in told} >= everything


def wait_for(log, text, process):
    end = time.monotonic() + PATIENCE
    while text not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.01)

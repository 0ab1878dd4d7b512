"""The reacter `log`: system events as JSON lines in a file or on stderr."""
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import cloud_event, run_gateway, wait_for

TYPES = ["event.received", "function.invoking", "function.invoked", "function.invocationFailed"]


def config(path=None, types=None):
    path = f'path = "{path}";' if path else ""
    types = "types = ( " + ", ".join(f'"{t}"' for t in types) + " );" if types else ""
    return f'plugins = {{ reacters = ( "log" ); log = {{ {path} {types} }}; }};'


def route(gateway, answer='{"body":"fine"}'):
    gateway.event_type("e")
    function = gateway.function("f", answer)
    gateway.sync("e", "f")
    gateway.settle()
    return function


def lines_of(path, count):
    """All lines of the file, once there are so many; each is whole and JSON."""
    wait_for(lambda: path.exists() and path.read_text().count("\n") >= count, f"{count} lines")
    text = path.read_text()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def kinds(events):
    return [event["eventType"].removeprefix("eventgateway.") for event in events]


def test_every_system_event_is_a_line(make_gateway, tmp_path):
    gateway = make_gateway(config=config(tmp_path / "events.log"))
    function = route(gateway)
    assert gateway.emit(cloud_event("e", data={"text": "two\nlines \u2603"})).text == "fine"
    events = lines_of(tmp_path / "events.log", 3)
    assert kinds(events) == ["event.received", "function.invoking", "function.invoked"]
    received, invoking, invoked = (event["data"] for event in events)
    assert received["event"]["data"] == {"text": "two\nlines \u2603"}
    assert (invoking["functionId"], invoked["functionId"], invoked["space"]) == ("f", "f", "default")
    assert len(function.calls) == 1


def test_a_failed_call_is_a_line_with_the_reason(make_gateway, tmp_path):
    gateway = make_gateway(config=config(tmp_path / "events.log"))
    route(gateway, (500, "broken"))
    assert gateway.emit(cloud_event("e")).status == 500
    events = lines_of(tmp_path / "events.log", 3)
    assert kinds(events) == ["event.received", "function.invoking", "function.invocationFailed"]
    assert events[2]["data"]["error"]["message"]


@pytest.mark.parametrize("wanted", TYPES[:3])
def test_only_the_types_asked_for_are_written(make_gateway, tmp_path, wanted):
    gateway = make_gateway(config=config(tmp_path / "events.log", ["eventgateway." + wanted]))
    route(gateway)
    for _ in range(3):
        gateway.emit(cloud_event("e"))
    assert kinds(lines_of(tmp_path / "events.log", 3)) == [wanted] * 3


def test_without_a_path_it_writes_to_stderr(make_gateway):
    gateway = make_gateway(config=config(types=["eventgateway.event.received"]))
    gateway.emit(cloud_event("mine"))
    wait_for(lambda: '"eventgateway.event.received"' in gateway.log, "the line")
    line = next(line for line in gateway.lines if "eventgateway.event.received" in line)
    assert json.loads(line)["data"]["event"]["eventType"] == "mine"


def test_a_restart_appends_and_others_may_not_write(make_gateway, tmp_path):
    path = tmp_path / "events.log"
    path.write_text('{"eventType":"eventgateway.old"}\n')
    gateway = make_gateway(config=config(path, ["eventgateway.event.received"]))
    gateway.emit(cloud_event("e"))
    lines_of(path, 2)
    gateway.restart()
    gateway.emit(cloud_event("e"))
    assert kinds(lines_of(path, 3)) == ["old", "event.received", "event.received"]
    assert stat.S_IMODE(os.stat(path).st_mode) & stat.S_IWOTH == 0


def test_lines_of_many_requests_do_not_mix(make_gateway, tmp_path):
    gateway = make_gateway(config=config(tmp_path / "events.log", ["eventgateway.event.received"]), set={"loops": 4})

    def emit(n):
        return gateway.emit(cloud_event("e", data={"n": n, "pad": "x" * 20000})).status
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(emit, range(200))) == {202}
    events = lines_of(tmp_path / "events.log", 200)
    assert sorted(event["data"]["event"]["data"]["n"] for event in events) == list(range(200))


@pytest.mark.parametrize("text,told", [
    (config("/nowhere/at/all/events.log"), "/nowhere/at/all/events.log"),
    (config(types=["eventgateway.nonsense"]), "types"),
    (config(types=["eventgateway.event.received"] * 2), "types"),
])
def test_what_cannot_work_is_told_at_start(tmp_path, text, told):
    file = tmp_path / "event-gateway.conf"
    file.write_text(text)
    code, _, err = run_gateway("--config", str(file), "--data-dir", str(tmp_path / "data"), "--set", "events.port=0",
                               "--set", "config.port=0", "--set", "events.listen=127.0.0.1")
    assert code == 1
    assert told in err


def test_a_full_disk_hurts_no_request(make_gateway):
    gateway = make_gateway(config=config("/dev/full"))
    function = route(gateway)
    for _ in range(20):
        assert gateway.emit(cloud_event("e")).text == "fine"
    assert len(function.calls) == 20

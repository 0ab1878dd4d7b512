"""What every system-event plugin has to keep, held against each of them through the real gateway.

A reacter gets a row in REACTERS: its settings, and how to see which events it was told. A plugin without a
row fails the first test.
"""
import json

import pytest

from harness import PLUGINS, cloud_event, run_gateway, wait_for

TYPES = ["eventgateway.event.received", "eventgateway.function.invoking", "eventgateway.function.invoked",
         "eventgateway.function.invocationFailed"]


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


REACTERS = {
    "log": {
        "plugin": "reacter_log",
        "settings": lambda folder: {"path": str(folder / "events.log")},
        "seen": lambda folder: lines_of(folder / "events.log"),
    },
}


def test_every_reacter_plugin_is_held_to_the_contract():
    built = {path.stem for path in PLUGINS.glob("reacter_*.so")}
    assert built == {row["plugin"] for row in REACTERS.values()}


@pytest.fixture(params=REACTERS)
def reacter(request, make_gateway, tmp_path):
    """start(): a gateway with this reacter, a function that answers at /ok and one that fails at /bad."""
    row = REACTERS[request.param]

    def start(**options):
        settings = {f"plugins.{request.param}.{k}": v for k, v in row["settings"](tmp_path).items()}
        gateway = make_gateway(set={"plugins.reacters": request.param, **settings}, **options)
        gateway.event_type("e")
        for name, answer in (("ok", "{}"), ("bad", (500, "{}"))):
            gateway.function(name, answer)
            gateway.sync("e", name, "/" + name)
        gateway.settle()
        return gateway
    start.name = request.param
    start.seen = lambda: row["seen"](tmp_path)
    return start


def types_of(events):
    return [event["eventType"] for event in events]


def test_an_unknown_setting_is_refused_with_its_name(reacter):
    name = reacter.name
    code, _, err = run_gateway("--set", f"plugins.reacters={name}", "--set", f"plugins.{name}.nosuch=1", "--check")
    assert code == 1
    assert "nosuch" in err and name in err


def test_every_event_is_told_once_and_in_order(reacter):
    gateway = reacter()
    assert gateway.emit(cloud_event("e", eventID="1"), "/ok").status == 200
    assert gateway.emit(cloud_event("e", eventID="2"), "/bad").status == 500
    wait_for(lambda: len(reacter.seen()) >= 6, "six events")
    assert types_of(reacter.seen()) == TYPES[:3] + TYPES[:2] + [TYPES[3]]
    assert [e["data"]["event"]["eventID"] for e in reacter.seen()] == ["1"] * 3 + ["2"] * 3


def test_nothing_is_lost_by_a_stop(reacter):
    gateway = reacter()
    for n in range(50):
        gateway.emit(cloud_event("e", eventID=str(n)), "/ok")
    gateway.stop()
    assert len(reacter.seen()) == 150


def test_it_takes_part_on_every_loop(reacter):
    gateway = reacter(args=["--set", "loops=4"])
    for n in range(40):
        gateway.emit(cloud_event("e", eventID=str(n)), "/ok")
    gateway.stop()
    received = [e for e in reacter.seen() if e["eventType"] == TYPES[0]]
    assert sorted(int(e["data"]["event"]["eventID"]) for e in received) == list(range(40))

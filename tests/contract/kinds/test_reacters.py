"""What every system-event plugin has to keep, held against each of them through the real gateway.

A reacter gets a row in REACTERS: its settings and how to see what it was told. A plugin without a row fails
the first test. Those that want traces and no events have no place to see events in.
"""
import json

import pytest

from harness import PLUGINS, Function, cloud_event, run_gateway, wait_for

TYPES = ["eventgateway.event.received", "eventgateway.function.invoking", "eventgateway.function.invoked",
         "eventgateway.function.invocationFailed"]


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def posted_to(receiver):
    """CloudEvents 1.0, in the words of 0.1 that the tests speak."""
    return [{"eventType": event["type"], "data": event["data"]} for call in receiver.calls for event in call.json]


# component: plugin; settings(folder, receiver); seen(folder, receiver), None for those that want no events.
REACTERS = {
    "log": {
        "plugin": "reacter_log",
        "settings": lambda folder, receiver: {"path": str(folder / "events.log")},
        "seen": lambda folder, receiver: lines_of(folder / "events.log"),
    },
    "webhook_events": {
        "plugin": "reacter_webhook",
        "settings": lambda folder, receiver: {"url": receiver.url, "batch_age": "50ms"},
        "seen": lambda folder, receiver: posted_to(receiver),
    },
    "otel": {
        "plugin": "reacter_otel",
        "settings": lambda folder, receiver: {"endpoint": receiver.url},
        "seen": None,
    },
}


def test_every_reacter_plugin_is_held_to_the_contract():
    built = {path.stem for path in PLUGINS.glob("reacter_*.so")}
    assert built == {row["plugin"] for row in REACTERS.values()}


@pytest.fixture
def receiver():
    function = Function("{}")
    yield function
    function.close()


@pytest.fixture(params=[name for name, row in REACTERS.items() if row["seen"]])
def reacter(request, make_gateway, tmp_path, receiver):
    """start(): a gateway with this reacter, a function that answers at /ok and one that fails at /bad."""
    row = REACTERS[request.param]

    def start(**options):
        settings = {f"plugins.{request.param}.{k}": v for k, v in row["settings"](tmp_path, receiver).items()}
        gateway = make_gateway(set={"plugins.reacters": request.param, **settings}, **options)
        gateway.event_type("e")
        for name, answer in (("ok", "{}"), ("bad", (500, "{}"))):
            gateway.function(name, answer)
            gateway.sync("e", name, "/" + name)
        gateway.settle()
        return gateway
    start.name = request.param
    start.seen = lambda: row["seen"](tmp_path, receiver)
    return start


def types_of(events):
    return [event["eventType"] for event in events]


@pytest.mark.parametrize("name", REACTERS)
def test_an_unknown_setting_is_refused_with_its_name(name):
    code, _, err = run_gateway("--set", f"plugins.reacters={name}", "--set", f"plugins.{name}.nosuch=1", "--check")
    assert code == 1
    assert "nosuch" in err and name in err


def test_every_event_is_told_once_and_on_one_loop_in_order(reacter):
    gateway = reacter(args=["--set", "loops=1"])
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


@pytest.mark.parametrize("name", REACTERS)
def test_it_starts_and_stops_with_requests_in_between(name, make_gateway, tmp_path, receiver):
    row = REACTERS[name]
    settings = {f"plugins.{name}.{k}": v for k, v in row["settings"](tmp_path, receiver).items()}
    gateway = make_gateway(set={"plugins.reacters": name, **settings})
    for _ in range(20):
        assert gateway.emit(cloud_event("e")).status == 202
    gateway.stop()
    assert "timers or watches" not in gateway.log and "did not end" not in gateway.log

"""System events (rows SE-*). Rows about refusing plugins (SE-10..15) run against the test's own reacter,
built by tests/e2e/CMakeLists.txt."""
import base64

import pytest

from harness import BUILD, cloud_event, wait_for

TYPES = ["eventgateway.event.received", "eventgateway.function.invoking", "eventgateway.function.invoked",
         "eventgateway.function.invocationFailed"]


@pytest.fixture
def observed(make_gateway):
    """A gateway with a listener on all four types at POST /."""
    def make(**options):
        gateway = make_gateway(**options)
        listener = gateway.function("listener")
        for name in TYPES:
            gateway.event_type(name)
            gateway.asynchronous(name, "listener")
        gateway.listener = listener
        return gateway
    return make


def seen(gateway, count):
    """The first `count` system events by type, and proof that no more follow: a later event's own."""
    calls = [c.json for c in gateway.listener.wait_calls(count)]
    assert len(calls) == count
    return {c["eventType"]: c for c in calls}, [c["eventType"] for c in calls]


def test_all_types_of_an_async_event(observed):   # SE-01
    gateway = observed()
    function = gateway.function("f", '{"ok":true}')
    gateway.event_type("e")
    gateway.asynchronous("e", "f", "/a")
    gateway.settle()
    event = cloud_event("e")
    gateway.emit(event, "/a", headers={"X-Test": "1"})
    function.wait_calls(1)
    by_type, order = seen(gateway, 3)
    assert sorted(order) == sorted(TYPES[:3])
    received = by_type[TYPES[0]]
    assert received["source"] == "https://serverless.com/event-gateway/#transformationVersion=0.1"
    assert received["contentType"] == "application/json"
    assert received["extensions"]["eventgateway"]["transformed"] == "true"
    assert received["data"]["path"] == "/a"
    assert received["data"]["event"] == event
    assert received["data"]["headers"]["X-Test"] == "1"
    assert by_type[TYPES[1]]["data"] == {"space": "default", "functionId": "f", "event": event}
    assert by_type[TYPES[2]]["data"] == {"space": "default", "functionId": "f", "event": event,
                                         "result": base64.b64encode(b'{"ok":true}').decode()}   # Q13
    # No further ones: the deliveries themselves emit nothing.
    gateway.emit(cloud_event("nobody"), "/b")
    gateway.listener.wait_calls(4)
    assert gateway.listener.calls[3].json["data"]["path"] == "/b"
    assert len(gateway.listener.calls) == 4


def test_a_failed_call(observed):   # SE-02
    gateway = observed()
    gateway.function("f", (500, "boom"))
    gateway.event_type("http.request")
    gateway.sync("http.request", "f", "/r", "GET")
    gateway.settle()
    assert gateway.event("GET", "/r").status == 500
    by_type, order = seen(gateway, 3)
    assert sorted(order) == sorted([TYPES[0], TYPES[1], TYPES[3]])
    assert by_type[TYPES[3]]["data"]["error"]["message"]


def test_no_subscriber_means_received_only(observed):   # SE-03
    gateway = observed()
    gateway.settle()
    gateway.event("GET", "/nobody")
    by_type, order = seen(gateway, 1)
    assert order == [TYPES[0]]


def test_refused_requests_emit_nothing(observed):   # SE-04
    gateway = observed()
    gateway.create("cors", {"method": "GET", "path": "/c"})
    gateway.settle()
    assert gateway.emit({"eventType": "invalid"}).status == 400
    assert gateway.emit(cloud_event("eventgateway.x")).status == 400
    assert gateway.event("OPTIONS", "/c", headers={"Origin": "http://o",
                                                   "Access-Control-Request-Method": "GET"}).status == 200
    gateway.event("GET", "/last")
    seen(gateway, 1)
    assert gateway.listener.calls[0].json["data"]["path"] == "/last"


def test_only_post_on_the_root_is_told(gw):   # SE-06
    listener = gw.function("other")
    gw.event_type(TYPES[0])
    gw.asynchronous(TYPES[0], "other", "/other")
    gw.asynchronous(TYPES[0], "other", "/", "GET")
    witness = gw.function("w")
    gw.asynchronous(TYPES[0], "w")
    gw.settle()
    gw.event("POST", "/other")
    witness.wait_calls(1)
    assert not listener.calls


# ---- reacters ----

def vetoing(make_gateway, stage, **more):
    """A gateway with the test's reacter, which refuses events at one stage and logs what it was asked."""
    return make_gateway(args=["--plugin", str(BUILD / "tests" / "reacter_veto.so"), "-log-level", "debug"],
                        set={"plugins.veto.refuse": stage, **more})


def test_a_refusal_at_received_is_a_403(make_gateway):   # SE-10, Q34
    gateway = vetoing(make_gateway, TYPES[0])
    function = gateway.function("f")
    gateway.event_type("e")
    gateway.sync("e", "f")
    gateway.asynchronous("e", "f")
    gateway.settle()
    answer = gateway.emit(cloud_event("e"))
    assert (answer.status, answer.message) == (403, "refused by the test")
    gateway.stop()
    assert not function.calls


def test_a_refusal_at_invoking_fails_a_sync_call(make_gateway):   # SE-12
    gateway = vetoing(make_gateway, TYPES[1])
    function = gateway.function("f")
    gateway.event_type("e")
    gateway.sync("e", "f")
    gateway.settle()
    answer = gateway.emit(cloud_event("e"))
    assert (answer.status, answer.message) == (500, "Function call failed. Please check logs.")
    assert not function.calls


def test_a_refusal_at_invoking_loses_an_async_delivery(make_gateway):   # SE-13
    gateway = vetoing(make_gateway, TYPES[1])
    function = gateway.function("f")
    gateway.event_type("e")
    gateway.asynchronous("e", "f")
    gateway.settle()
    assert gateway.emit(cloud_event("e")).status == 202
    gateway.stop()
    assert not function.calls


def test_a_refusal_at_invoked_changes_nothing(make_gateway):   # SE-14
    gateway = vetoing(make_gateway, TYPES[2])
    gateway.function("f", '{"body":"fine"}')
    gateway.event_type("e")
    gateway.sync("e", "f")
    gateway.settle()
    assert gateway.emit(cloud_event("e")).text == "fine"


def test_failed_calls_reach_plugins(make_gateway):   # SE-15, Q32
    gateway = vetoing(make_gateway, "none")
    gateway.function("f", (500, "{}"))
    gateway.event_type("e")
    gateway.sync("e", "f")
    gateway.settle()
    gateway.emit(cloud_event("e"))
    wait_for(lambda: f"asked {TYPES[3]}" in gateway.log, "the plugin to be told")

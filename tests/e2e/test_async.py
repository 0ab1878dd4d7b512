"""Asynchronous delivery (rows AS-*; AS-16 is in test_process.py)."""
import base64
import threading

import pytest

from harness import cloud_event, wait_for


def test_legacy_emoji(route):   # AS-01
    function, path = route("async", "smileys")
    answer = route.gateway.event("POST", path, "😀", {"Event": "smileys"})
    assert (answer.status, answer.body) == (202, b"")
    call = function.wait_calls(1)[0]
    assert call.json["data"] == base64.b64encode("😀".encode()).decode()


def subscribe(gateway, space, kind, name, path, answer="{}"):
    function = gateway.function(name, answer, space)
    gateway.subscribe(kind, "e", name, path, "POST", space)
    return function


def test_the_sync_subscriber_answers_and_all_are_called(shared, space):   # AS-02
    shared.event_type("e", space=space)
    path = f"/{space}"
    functions = [subscribe(shared, space, "async", n, path) for n in ("f1", "f2")]
    functions.append(subscribe(shared, space, "sync", "s", path, '{"body":"from s"}'))
    shared.settle()
    assert shared.emit(cloud_event("e"), path).text == "from s"
    for function in functions:
        function.wait_calls(1)
    assert [len(f.calls) for f in functions] == [1, 1, 1]


def test_a_failing_sync_subscriber_does_not_stop_the_others(shared, space):   # AS-03
    shared.event_type("e", space=space)
    function = subscribe(shared, space, "async", "f1", f"/{space}")
    subscribe(shared, space, "sync", "s", f"/{space}", (500, "{}"))
    shared.settle()
    assert shared.emit(cloud_event("e"), f"/{space}").status == 500
    function.wait_calls(1)


def test_raw_requests_have_null_params(route):   # AS-08
    function, path = route("async", "http.request", method="GET")
    assert route.gateway.event("GET", path).status == 202
    assert function.wait_calls(1)[0].json["data"]["params"] is None


def test_one_function_on_two_paths(shared, space):   # AS-09
    shared.event_type("e", space=space)
    function = subscribe(shared, space, "async", "f", f"/{space}/a")
    shared.asynchronous("e", "f", f"/{space}/b", space=space)
    shared.settle()
    for path in ("a", "b"):
        shared.emit(cloud_event("e", eventID=path), f"/{space}/{path}")
    calls = function.wait_calls(2)
    assert sorted(c.json["eventID"] for c in calls) == ["a", "b"]


def test_an_updated_subscription_delivers_once_and_a_deleted_one_not(shared, space):   # AS-10, 11, Q25
    shared.event_type("e", space=space)
    path = f"/{space}"
    function = subscribe(shared, space, "async", "f", path)
    witness = subscribe(shared, space, "async", "w", path)
    subscriptions = shared.config("GET", f"/v1/spaces/{space}/subscriptions").json["subscriptions"]
    mine = next(s for s in subscriptions if s["functionId"] == "f")
    url = f"/v1/spaces/{space}/subscriptions/{mine['subscriptionId']}"
    assert shared.config("PUT", url, {**mine, "metadata": {"a": "b"}}).status == 200
    shared.settle()
    shared.emit(cloud_event("e"), path)
    function.wait_calls(1)
    assert shared.config("DELETE", url).status == 204
    shared.settle()
    shared.emit(cloud_event("e", eventID="2"), path)
    witness.wait_calls(2)
    assert [c.json["eventID"] for c in function.calls] == ["1"]


def test_a_function_update_takes_effect(shared, space):   # AS-12
    shared.event_type("e", space=space)
    old = subscribe(shared, space, "async", "f", f"/{space}")
    new = shared.function("g", space=space)
    shared.config("PUT", f"/v1/spaces/{space}/functions/f", {"type": "http", "provider": {"url": new.url}})
    shared.settle()
    shared.emit(cloud_event("e"), f"/{space}")
    new.wait_calls(1)
    assert not old.calls


def eight_quick_events(make_gateway, overflow):
    gateway = make_gateway(args=["-workers", "1", "-workers-backlog", "2"], set={"events.overflow": overflow})
    function = gateway.function("f")
    gateway.event_type("e")
    gateway.asynchronous("e", "f")
    gateway.settle()
    function.gate.clear()
    first = gateway.emit(cloud_event("e", eventID="0"))
    function.wait_calls(1)     # the worker is taken, the queue is empty
    answers = [first] + [gateway.emit(cloud_event("e", eventID=str(n))) for n in range(1, 8)]
    assert gateway.metric("eventgateway_events_backlog") == 2
    function.gate.set()
    function.wait_calls(3)
    wait_for(lambda: gateway.metric("eventgateway_events_backlog") == 0, "an empty backlog")
    return gateway, function, answers


def test_a_full_backlog_refuses_and_counts(make_gateway):   # AS-13, Q23
    gateway, function, answers = eight_quick_events(make_gateway, "refuse")
    assert [a.status for a in answers] == [202] * 3 + [503] * 5
    assert answers[-1].message
    assert int(answers[-1].header("Retry-After")) >= 1
    assert len(function.calls) == 3
    assert gateway.metric("eventgateway_events_dropped_total", space="", type="custom") == 5


def test_a_full_backlog_drops_like_the_original(make_gateway):   # AS-13, Q23
    gateway, function, answers = eight_quick_events(make_gateway, "drop")
    assert [a.status for a in answers] == [202] * 8
    assert len(function.calls) == 3
    assert gateway.metric("eventgateway_events_dropped_total", space="", type="custom") == 5


def test_room_is_reserved_for_all_subscribers_or_none(make_gateway):
    gateway = make_gateway(args=["-workers", "1", "-workers-backlog", "2"])
    blocker = gateway.function("b")
    functions = [gateway.function(f"f{n}") for n in range(3)]
    gateway.event_type("e")
    gateway.asynchronous("e", "b", "/block")
    for n in range(3):
        gateway.asynchronous("e", f"f{n}", "/three")
    gateway.settle()
    blocker.gate.clear()
    gateway.emit(cloud_event("e"), "/block")
    blocker.wait_calls(1)
    assert gateway.emit(cloud_event("e"), "/three").status == 503
    blocker.gate.set()
    gateway.emit(cloud_event("e"), "/block")
    blocker.wait_calls(2)
    assert not any(f.calls for f in functions)


def test_many_events_at_once_are_all_delivered(make_gateway):
    gateway = make_gateway(args=["-workers", "8", "-workers-backlog", "4000"])
    function = gateway.function("f")
    gateway.event_type("e")
    gateway.asynchronous("e", "f")
    gateway.settle()
    statuses = []

    def client(first):
        for n in range(first, first + 50):
            statuses.append(gateway.emit(cloud_event("e", eventID=str(n))).status)
    threads = [threading.Thread(target=client, args=(t * 50,)) for t in range(6)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert set(statuses) == {202}
    function.wait_calls(300, 60)
    assert sorted(int(c.json["eventID"]) for c in function.calls) == list(range(300))


def test_a_slow_function_does_not_hold_up_the_others(make_gateway):
    gateway = make_gateway(set={"loops": 1})
    slow, *fast = [gateway.function(f"f{n}") for n in range(4)]
    gateway.event_type("e")
    for n in range(4):
        gateway.asynchronous("e", f"f{n}")   # the slow one is the first
    gateway.settle()
    slow.gate.clear()
    for n in range(40):
        assert gateway.emit(cloud_event("e", eventID=str(n))).status == 202
    for function in fast:
        function.wait_calls(40)
        assert sorted(int(c.json["eventID"]) for c in function.calls) == list(range(40))
    slow.wait_calls(40)   # none of them is answered, and each has a connection of its own
    assert gateway.metric("eventgateway_events_backlog") == 0
    slow.gate.set()


def test_a_function_that_never_answers_does_not_take_all_workers(make_gateway):
    gateway = make_gateway(args=["-workers", "8", "-workers-backlog", "200"], set={"loops": 1})
    functions = {name: gateway.function(name) for name in ("stuck", "other")}
    gateway.event_type("e")
    for name in functions:
        gateway.asynchronous("e", name, f"/{name}")
    gateway.settle()
    stuck, other = functions.values()
    stuck.gate.clear()
    for n in range(60):
        assert gateway.emit(cloud_event("e", eventID=str(n)), "/stuck").status == 202
    for n in range(100):
        assert gateway.emit(cloud_event("e", eventID=str(n)), "/other").status == 202
    other.wait_calls(100)
    assert sorted(int(c.json["eventID"]) for c in other.calls) == list(range(100))
    wait_for(lambda: gateway.metric("eventgateway_events_backlog") == 55, "deliveries to the stuck one alone")
    assert len(stuck.wait_calls(5)) == 5
    stuck.gate.set()
    stuck.wait_calls(60)
    assert sorted(int(c.json["eventID"]) for c in stuck.calls) == list(range(60))
    wait_for(lambda: gateway.metric("eventgateway_events_backlog") == 0, "an empty backlog")


def test_deliveries_to_one_target_share_connections(make_gateway):
    gateway = make_gateway(set={"loops": 1})
    function = gateway.function("f0")
    gateway.event_type("e")
    gateway.asynchronous("e", "f0")
    for n in range(1, 5):
        gateway.create("functions", {"functionId": f"f{n}", "type": "http",
                                     "provider": {"url": f"{function.url}{n}"}})
        gateway.asynchronous("e", f"f{n}")
    gateway.settle()
    for n in range(1, 21):
        gateway.emit(cloud_event("e"))
        function.wait_calls(5 * n)
        wait_for(lambda: gateway.metric("eventgateway_events_processed_total", space="default", type="custom") == 5 * n,
                 "the ends of all deliveries")
    assert {c.path for c in function.calls} == {"/", "/1", "/2", "/3", "/4"}
    assert len(function.sockets) <= 5


def test_async_paths_match_literally(route):   # Q49
    function, path = route("async", "e", suffix="/:id")
    witness, other = route("async", "e")
    route.gateway.emit(cloud_event("e"), path + "/5")
    route.gateway.emit(cloud_event("e"), path + "/:id")
    function.wait_calls(1)
    route.gateway.emit(cloud_event("e"), other)
    witness.wait_calls(1)
    assert len(function.calls) == 1

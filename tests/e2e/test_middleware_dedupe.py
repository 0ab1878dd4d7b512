"""The middleware `dedupe`: events that were there before, through the real Events API."""
import json
import threading

import pytest

from harness import Gateway, cloud_event, wait_for

CONFIG = """
loops = 2;
limits = { middleware_timeout = "%s"; };
plugins = { middleware = ( "auth", "dedupe" );
            auth = { rules = ( { path = "/keys"; api_keys = ( { name = "alice"; key = "key-of-alice"; },
                                                              { name = "bob"; key = "key-of-bob"; } ); } ); }; };
"""
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
count = iter(range(1, 1000000))


def make(patience="20s"):
    gateway = Gateway(config=CONFIG % patience)
    gateway.f = gateway.function("f", '{"statusCode":201,"headers":{"X-F":"1"},"body":"made"}')
    gateway.bad = gateway.function("bad", '{"statusCode":503,"body":"later"}')
    gateway.event_type("e")
    gateway.event_type("http.request")
    for path in ("/", "/other", "/keys"):
        gateway.sync("e", "f", path)
    gateway.sync("e", "bad", "/bad")
    gateway.sync("http.request", "f", "/http")
    gateway.asynchronous("e", "f", "/async")
    gateway.settle()
    return gateway


@pytest.fixture(scope="module")
def gateway():
    gateway = make()
    yield gateway
    gateway.close()


def new_event(**more):
    return cloud_event("e", **{"eventID": f"n{next(count)}", **more})


def is_replayed(answer):
    return answer.header("Idempotency-Replayed") == "true"


def calls_of(function, work):
    before = len(function.calls)
    result = work()
    return result, len(function.calls) - before


def test_a_duplicate_is_answered_like_the_first_and_calls_nothing(gateway):
    event = new_event()
    answers, calls = calls_of(gateway.f, lambda: [gateway.emit(event) for _ in range(20)])   # over both loops
    assert calls == 1
    assert {(a.status, a.text, a.header("X-F")) for a in answers} == {(201, "made", "1")}
    assert [is_replayed(a) for a in answers] == [False] + [True] * 19
    assert len({a.header("x-request-id") for a in answers}) == 20


def test_cors_headers_of_a_function_are_the_only_ones_the_second_time_too(gateway):
    allow = {"Access-Control-Allow-Origin": "https://f.example"}
    gateway.function("cors", json.dumps({"statusCode": 200, "headers": allow, "body": "made"}))
    gateway.sync("e", "cors", "/cors")
    gateway.create("cors", {"method": "POST", "path": "/cors", "allowedOrigins": ["https://page.example"]})
    gateway.settle()
    event = new_event()
    answers = [gateway.emit(event, "/cors", headers={"Origin": "https://page.example"}) for _ in range(2)]
    assert [is_replayed(a) for a in answers] == [False, True]
    assert [a.headers("Access-Control-Allow-Origin") for a in answers] == [["https://f.example"]] * 2


def test_another_path_source_or_caller_makes_it_another_event(gateway):
    event = new_event()
    alice, bob = {"x-api-key": "key-of-alice"}, {"x-api-key": "key-of-bob"}
    _, calls = calls_of(gateway.f, lambda: [
        gateway.emit(event), gateway.emit(event, "/other"), gateway.emit({**event, "source": "/y"}),
        gateway.emit(event, "/keys", headers=alice), gateway.emit(event, "/keys", headers=bob),
        gateway.emit(event, headers={"Authorization": "Bearer x"})])
    assert calls == 6
    assert gateway.emit(event, "/keys").status == 401   # nobody gets Alice's answer
    assert is_replayed(gateway.emit(event, "/keys", headers=alice))


def test_nobody_gets_around_an_authorizer_that_looks_at_the_query(gateway):
    def judge(call):
        asked = json.loads(call.body)["request"]["query"].get("token")
        return {"authorization": {"principalId": "x"}} if asked in ("secret", ["secret"]) else {}
    gateway.function("judge", judge)
    gateway.event_type("guarded", "judge")
    gateway.sync("guarded", "f", "/guarded")
    gateway.settle()
    event = new_event(eventType="guarded")
    assert gateway.emit(event, "/guarded?token=secret").status == 201
    assert is_replayed(gateway.emit(event, "/guarded?token=secret"))
    assert gateway.emit(event, "/guarded?token=guess").status == 403
    assert gateway.emit(event, "/guarded").status == 403
    other = {**event, "eventType": "e"}   # of a type that has no authorizer, and no subscription there
    assert not is_replayed(gateway.emit(other, "/guarded?token=secret"))


def test_plain_requests_are_never_duplicates(gateway):
    _, calls = calls_of(gateway.f, lambda: [gateway.event("POST", "/http", b"the same") for _ in range(3)])
    assert calls == 3


def test_an_asynchronous_event_is_delivered_once(gateway):
    event = new_event()
    before = len(gateway.f.calls)
    assert [gateway.emit(event, "/async").status for _ in range(5)] == [202] * 5
    assert gateway.emit(new_event(), "/async").status == 202
    gateway.f.wait_calls(before + 2)
    assert len(gateway.f.calls) == before + 2


def test_a_first_that_failed_is_processed_again(gateway):
    event = new_event()
    answers, calls = calls_of(gateway.bad, lambda: [gateway.emit(event, "/bad") for _ in range(2)])
    assert calls == 2
    assert not any(is_replayed(a) for a in answers)


def test_duplicates_wait_for_the_first_on_whatever_loop_they_are(gateway):
    event, answers = new_event(), []
    before = len(gateway.f.calls)
    waited = gateway.metric("eventgateway_dedupe_events_total", result="waited")
    gateway.f.gate.clear()
    threads = [threading.Thread(target=lambda: answers.append(gateway.emit(event))) for _ in range(12)]
    try:
        [t.start() for t in threads]
        gateway.f.wait_calls(before + 1)
        assert not answers
    finally:
        gateway.f.gate.set()
    [t.join() for t in threads]
    assert len(gateway.f.calls) == before + 1
    assert {(a.status, a.text) for a in answers} == {(201, "made")}
    assert sum(is_replayed(a) for a in answers) == 11
    assert gateway.metric("eventgateway_dedupe_events_total", result="waited") > waited


def test_duplicates_in_a_batch_and_of_a_batch_are_not_processed_again(gateway):
    first, second = ({"specversion": "1.0", "type": "e", "source": "/b", "id": f"b{next(count)}"} for _ in range(2))
    answer, calls = calls_of(gateway.f, lambda: gateway.event("POST", "/", [first, second, first], BATCH))
    assert (answer.status, calls) == (202, 2)
    answer, calls = calls_of(gateway.f, lambda: gateway.event("POST", "/", [second, first], BATCH))
    assert (answer.status, calls) == (202, 0)
    answer, calls = calls_of(gateway.f, lambda: gateway.emit(first))
    assert (answer.status, answer.text, is_replayed(answer), calls) == (202, "", True, 0)


def test_a_batch_with_a_refused_event_is_processed_again(gateway):
    good, bad = ({"specversion": "1.0", "type": "e", "source": "/b", "id": f"b{next(count)}"} for _ in range(2))
    assert gateway.event("POST", "/bad", [good, bad], BATCH).status == 400
    _, calls = calls_of(gateway.bad, lambda: gateway.event("POST", "/bad", [good, bad], BATCH))
    assert calls == 2


def test_who_has_waited_too_long_is_told_to_come_back():
    gateway = make("500ms")
    gateway.f.gate.clear()
    event, first = new_event(), []
    thread = threading.Thread(target=lambda: first.append(gateway.emit(event)))
    try:
        thread.start()
        gateway.f.wait_calls(1)
        answer = gateway.emit(event)
        assert (answer.status, answer.header("Retry-After")) == (503, "1")
        assert "the same event is still being processed" in answer.message
        gateway.f.gate.set()
        thread.join()
        assert first[0].status == 201
        wait_for(lambda: is_replayed(gateway.emit(event)), "the answer to be kept")
        assert len(gateway.f.calls) == 1
    finally:
        gateway.f.gate.set()
        gateway.close()


def test_what_is_known_is_counted(gateway):
    gateway.emit(new_event())
    assert gateway.metric("eventgateway_dedupe_entries") > 0
    assert gateway.metric("eventgateway_dedupe_bytes") > 0
    assert gateway.metric("eventgateway_dedupe_evictions_total") == 0
    assert gateway.metric("eventgateway_dedupe_events_total", result="first") > 0

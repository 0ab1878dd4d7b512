"""Functions of type weighted through the real gateway: who is called, what comes back, weights that change while
requests flow. How evenly numbers are thrown is a matter of the unit tests."""
import itertools
import json
import signal
import threading

import pytest

from harness import BUILD, cloud_event, wait_for

TRACES = str(BUILD / "tests" / "reacter_traces.so")
FUNCTIONS = "/v1/spaces/default/functions"
FAILED = "Function call failed. Please check logs."
REFUSED = "Function doesn't validate. Validation error: "


def entries(**weights):
    return [{"functionId": name, "weight": weight} for name, weight in weights.items()]


def provider(sticky=None, **weights):
    return {"weighted": entries(**weights), **({"stickyBy": sticky} if sticky else {})}


@pytest.fixture
def split(make_gateway):
    """split(kind, sticky, options, **weights): a gateway with the functions `stable` and `canary` and the weighted
    `front`, subscribed to e at /."""
    def make(kind="sync", sticky=None, options=None, **weights):
        gateway = make_gateway(**(options or {}))
        gateway.stable = gateway.function("stable", {"body": "stable"})
        gateway.canary = gateway.function("canary", {"body": "canary"})
        gateway.create("functions", {"functionId": "front", "type": "weighted", "provider": provider(sticky, **weights)})
        gateway.event_type("e")
        gateway.subscribe(kind, "e", "front")
        gateway.settle()
        return gateway
    return make


def turn(gateway, sticky=None, **weights):
    answer = gateway.config("PUT", FUNCTIONS + "/front",
                            {"functionId": "front", "type": "weighted", "provider": provider(sticky, **weights)})
    assert answer.status == 200, answer


def calls(gateway, kind, name):
    return gateway.metric("eventgateway_provider_calls_total", provider=kind, **{"class": name}) or 0


# ---- who is called ----

def test_each_call_goes_to_one_of_the_functions_that_have_a_weight(split):
    gateway = split(stable=1, canary=1, nobody=0)
    for _ in range(1000):   # both, but for one run in 2^999
        answer = gateway.emit(cloud_event("e"))
        assert answer.status == 200 and answer.text in ("stable", "canary"), answer
        if gateway.stable.calls and gateway.canary.calls:
            break
    sent = len(gateway.stable.calls) + len(gateway.canary.calls)
    assert gateway.stable.calls and gateway.canary.calls
    assert calls(gateway, "weighted", "ok") == calls(gateway, "http", "ok") == sent


def test_the_function_gets_what_it_would_get_without_the_weighted_one(split):
    gateway = split(canary=1)
    event = cloud_event("e", eventID="42")
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert gateway.emit(event, headers={"traceparent": parent}).text == "canary"
    call, = gateway.canary.calls
    assert call.json == event
    assert call.headers["traceparent"] == parent


def test_the_whole_answer_of_the_function_is_the_reply(split):
    gateway = split(canary=1)
    gateway.canary.answer = {"statusCode": 418, "headers": {"x-pot": "tea"}, "body": "short"}
    answer = gateway.emit(cloud_event("e"))
    assert (answer.status, answer.header("x-pot"), answer.text) == (418, "tea", "short")


def test_deliveries_are_spread_too(split):
    gateway = split("async", stable=1, canary=1)
    total = itertools.count(1)
    while not (gateway.stable.calls and gateway.canary.calls):
        assert next(total) < 1000
        assert gateway.emit(cloud_event("e")).status == 202
    gateway.stop()


def test_a_space_has_functions_of_its_own(split):
    gateway = split(canary=1)
    gateway.create("functions", {"functionId": "front", "type": "weighted", "provider": provider(canary=1)}, "other")
    gateway.event_type("o", space="other")
    gateway.sync("o", "front", "/o", space="other")
    gateway.settle()
    assert gateway.emit(cloud_event("o"), "/o").status == 500
    assert gateway.canary.calls == []


def test_an_authorizer_may_be_weighted(make_gateway):
    gateway = make_gateway()
    yes = gateway.function("yes", {"authorization": {"principalId": "u1", "context": None}})
    gateway.function("no", {"error": {"message": "denied"}})
    f = gateway.function("f", {"body": "in"})
    gateway.create("functions", {"functionId": "front", "type": "weighted", "provider": provider("/subject", yes=1, no=0)})
    gateway.event_type("e", authorizer="front")
    gateway.sync("e", "f")
    gateway.settle()
    event = cloud_event("e")
    assert gateway.emit(event, "/?q=1").text == "in"
    payload, = [call.json for call in yes.calls]
    assert payload["event"] == event and payload["request"]["query"] == {"q": ["1"]}
    assert f.calls[0].json["extensions"]["eventgateway"]["authorization"]["principalId"] == "u1"
    turn(gateway, yes=0, no=1)
    gateway.settle()
    assert gateway.emit(event).status == 403


def test_an_authorizer_gets_the_event_in_its_own_version_too(make_gateway):
    gateway = make_gateway()
    yes = gateway.function("yes", {"authorization": {"principalId": "u1"}}, cloudEvents="1.0")
    gateway.function("f", {"body": "in"})
    gateway.create("functions", {"functionId": "front", "type": "weighted", "provider": provider(yes=1)})
    gateway.event_type("e", authorizer="front")
    gateway.sync("e", "f")
    gateway.settle()
    assert gateway.emit(cloud_event("e")).text == "in"
    assert yes.calls[0].json["event"]["specversion"] == "1.0"


# ---- weights that change ----

def test_weights_change_while_requests_flow_and_none_fails(split):
    gateway = split(options={"args": ["-workers", "8"]}, stable=100, canary=0)
    answers, stop = [], threading.Event()

    def send():
        while not stop.is_set():
            answers.append(gateway.emit(cloud_event("e")))
    threads = [threading.Thread(target=send) for _ in range(6)]
    [t.start() for t in threads]
    try:
        gateway.stable.wait_calls(20)
        assert not gateway.canary.calls
        for weights in ({"stable": 90, "canary": 10}, {"stable": 1, "canary": 1}):
            turn(gateway, **weights)
            gateway.settle()
            seen = len(gateway.stable.calls), len(gateway.canary.calls)
            gateway.stable.wait_calls(seen[0] + 1)
            gateway.canary.wait_calls(seen[1] + 1)
        turn(gateway, stable=0, canary=1)
        gateway.settle()
        under_way = len(threads)   # those that began with the weights of before
        until = len(gateway.canary.calls) + 50
        stable = len(gateway.stable.calls)
        gateway.canary.wait_calls(until)
        assert len(gateway.stable.calls) <= stable + under_way
    finally:
        stop.set()
        [t.join() for t in threads]
    assert {(a.status, a.text) for a in answers} == {(200, "stable"), (200, "canary")}
    assert gateway.emit(cloud_event("e")).text == "canary"
    assert len(answers) + 1 == len(gateway.stable.calls) + len(gateway.canary.calls)


def test_the_same_caller_stays_with_the_same_function_and_only_moves_to_where_weight_is_added(split):
    gateway = split(sticky="/data/userId", stable=90, canary=10)

    def who():
        return {user: gateway.emit(cloud_event("e", {"userId": user})).text for user in range(100)}
    few = who()
    assert who() == few and set(few.values()) == {"stable", "canary"}
    turn(gateway, "/data/userId", stable=1, canary=1)
    gateway.settle()
    more = who()
    assert {u for u in few if few[u] == "canary"} < {u for u in more if more[u] == "canary"}
    gateway.restart()
    assert who() == more


def test_what_callers_are_told_apart_by_is_the_same_in_every_mode_and_version(split):
    gateway = split(sticky="/subject", stable=1, canary=1)
    for user in range(10):
        structured = gateway.emit({"specversion": "1.0", "type": "e", "source": "/x", "id": "1", "subject": f"u{user}"})
        for n in range(3):
            binary = gateway.event("POST", "/", "text", {
                "ce-specversion": "1.0", "ce-type": "e", "ce-source": "/x", "ce-id": str(n), "ce-subject": f"u{user}",
                "Content-Type": "text/plain"})
            assert binary.text == structured.text


def test_callers_of_http_may_be_told_apart_by_a_header(split):
    gateway = split(sticky="/data/headers/X-User", stable=1, canary=1)
    gateway.event_type("http.request")
    gateway.sync("http.request", "front", "/page", "GET")
    gateway.settle()

    def who():
        return [gateway.event("GET", "/page", headers={"x-user": f"u{n}"}).text for n in range(40)]
    first = who()
    assert who() == first and set(first) == {"stable", "canary"}


# ---- what goes wrong ----

def test_a_function_that_is_missing_is_a_failure_that_will_not_go_away(split):
    gateway = split(nobody=1)
    answer = gateway.emit(cloud_event("e"))
    assert (answer.status, answer.message) == (500, FAILED)
    assert calls(gateway, "weighted", "permanent") == 1
    assert "unable to look up registered function" in gateway.log
    assert '"chosen":"nobody"' in gateway.log
    gateway.function("nobody", {"body": "here"})
    gateway.settle()
    assert gateway.emit(cloud_event("e")).text == "here"


def test_a_weighted_function_behind_a_weighted_function_is_refused(split):
    gateway = split(inner=1)
    gateway.create("functions", {"functionId": "inner", "type": "weighted", "provider": provider(canary=1)})
    gateway.settle()
    assert gateway.emit(cloud_event("e")).status == 500
    turn(gateway, front=1)   # itself
    gateway.settle()
    assert gateway.emit(cloud_event("e")).status == 500
    assert gateway.canary.calls == []
    assert gateway.log.count("a weighted function cannot choose another weighted function") == 4   # outer and inner
    assert calls(gateway, "weighted", "permanent") == 4


@pytest.mark.parametrize("answer, name", [((500, "{}"), "function"), ((503, "x"), "transient")])
def test_a_failure_of_the_function_is_one_of_the_weighted_function(split, answer, name):
    gateway = split(canary=1)
    gateway.canary.answer = answer
    reply = gateway.emit(cloud_event("e"))
    assert (reply.status, reply.message) == (500, FAILED)
    assert calls(gateway, "weighted", name) == calls(gateway, "http", name) == 1
    assert f"HTTP status code: {answer[0]}" in gateway.log


def test_a_failure_is_told_in_system_events_as_that_of_the_weighted_function(split):
    gateway = split(canary=1)
    failed = gateway.function("failed")
    gateway.event_type("eventgateway.function.invocationFailed")
    gateway.asynchronous("eventgateway.function.invocationFailed", "failed")
    gateway.settle()
    gateway.canary.answer = (500, "{}")
    assert gateway.emit(cloud_event("e")).status == 500
    call, = failed.wait_calls(1)
    assert call.json["data"]["functionId"] == "front"
    gateway.stop()
    assert len(failed.calls) == 1


def test_both_calls_end_at_one_deadline(split):
    gateway = split(options={"set": {"compat.function_timeout": "2s"}}, canary=1)   # enough for the last call
    gateway.canary.gate.clear()
    answer = gateway.emit(cloud_event("e"))
    assert (answer.status, answer.message) == (500, FAILED)
    wait_for(lambda: calls(gateway, "weighted", "transient") == calls(gateway, "http", "transient") == 1, "both ends")
    gateway.canary.gate.set()
    assert gateway.emit(cloud_event("e")).text == "canary"


def test_a_stop_waits_for_the_function(split):
    gateway = split(canary=1)
    gateway.canary.gate.clear()
    answers = []
    caller = threading.Thread(target=lambda: answers.append(gateway.emit(cloud_event("e"))))
    caller.start()
    gateway.canary.wait_calls(1)
    gateway.signal(signal.SIGTERM)
    wait_for(lambda: "stopping" in gateway.log, "the stop to begin")
    gateway.canary.gate.set()
    caller.join()
    assert gateway.wait_exit() == 0
    assert [a.text for a in answers] == ["canary"]


def test_a_stop_that_does_not_wait_cancels_both_calls(split):
    gateway = split("async", options={"set": {"drain_timeout": "50ms"}}, canary=1)
    gateway.canary.gate.clear()
    for _ in range(3):
        assert gateway.emit(cloud_event("e")).status == 202
    gateway.canary.wait_calls(3)
    gateway.stop()
    assert "drain_timeout passed" in gateway.log
    assert "did not end" not in gateway.log, gateway.log   # the plugins were closed


def test_a_reload_of_plugins_lets_calls_end(split):
    config = 'plugins = { http = { max_response = "%s"; }; };'
    gateway = split(options={"config": config % "1MiB"}, canary=1)
    gateway.canary.gate.clear()
    answers = []
    caller = threading.Thread(target=lambda: answers.append(gateway.emit(cloud_event("e"))))
    caller.start()
    gateway.canary.wait_calls(1)
    gateway.config_file.write_text(config % "2MiB")
    assert gateway.config("POST", "/v1/plugins/reload").status == 200
    gateway.canary.gate.set()
    caller.join()
    assert answers[0].text == "canary"
    assert gateway.emit(cloud_event("e")).text == "canary"


def test_the_trace_has_a_span_for_both_calls(split, tmp_path):
    file = tmp_path / "traces"
    gateway = split(options={"args": ["--plugin", TRACES], "set": {"plugins.traces.file": str(file)}}, canary=1)
    assert gateway.emit(cloud_event("e"), headers={"x-request-id": "one"}).text == "canary"

    def told():
        traces = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return next((t for t in traces if t["request_id"] == "one"), None)
    spans = {s["name"]: s for s in wait_for(told, "the trace")["spans"]}
    front, canary = spans["default/front"], spans["default/canary"]
    assert canary["parent"] == front["id"]
    assert gateway.canary.calls[0].headers["traceparent"].split("-")[2] == canary["id"]
    assert canary["start"] + canary["duration"] <= front["start"] + front["duration"]


# ---- configuration ----

@pytest.mark.parametrize("given, sentence", [
    ({}, "missing required fields for weighted function"),
    ({"weighted": []}, "missing required fields for weighted function"),
    ({"weighted": entries(a=0, b=0)}, "function weights sum to zero"),
    ({"weighted": entries(a=1, b=-1)}, "weight of entry 2 is negative"),
    ({"weighted": [{"functionId": "", "weight": 1}]}, "entry 1 of weighted has no functionId"),
    ({"weighted": [{"functionId": "a", "weight": 0.5}]}, "weight of entry 1 has to be a whole number below 2^63"),
    ({"weighted": entries(a=2 ** 63)}, "weight of entry 1 has to be a whole number below 2^63"),
    ({"weighted": entries(a=2 ** 63 - 1, b=1)}, "function weights are too big: their sum has no room"),
    ({"weighted": entries(**{f"f{n}": 1 for n in range(1001)})}, "weighted has to be a list of at most 1000 functions"),
    ({"weighted": "a"}, "unable to load function provider config: 'weighted' has to be a group or a list"),
    ({"weighted": entries(a=1), "stickyBy": "userId"},
     "stickyBy has to be a JSON pointer into the event, like /data/userId"),
])
def test_refused(shared, space, given, sentence):
    answer = shared.config("POST", f"/v1/spaces/{space}/functions",
                           {"functionId": "front", "type": "weighted", "provider": given})
    assert answer.status == 400
    assert answer.message == REFUSED + sentence


def test_names_count_without_regard_to_case_and_what_is_stored_is_answered(shared, space):
    given = {"WEIGHTED": [{"FunctionID": "a", "WEIGHT": 1}], "stickyby": "/subject", "other": 1}
    stored = shared.create("functions", {"functionId": "front", "type": "weighted", "provider": given}, space)
    assert stored["provider"] == {"weighted": given["WEIGHTED"], "stickyBy": "/subject"}
    assert shared.config("GET", f"/v1/spaces/{space}/functions/front").json == stored

"""Traces: W3C Trace Context taken over and passed on, one trace a request with a span for each piece of work, told
to reacters that want them."""
import json
import re

import pytest

from harness import BUILD, Gateway, cloud_event, wait_for

TRACES = str(BUILD / "tests" / "reacter_traces.so")
MARK = str(BUILD / "tests" / "middleware_mark.so")
TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"
REQUEST, MIDDLEWARE, AUTHORIZER, FUNCTION = 1, 2, 3, 4


class Traced:
    """A gateway with the test's reacter and middleware; the traces by request id."""

    def __init__(self, file):
        self.file = file
        self.gateway = gateway = Gateway(args=["--plugin", TRACES, "--plugin", MARK],
                                         set={"plugins.traces.file": str(file)})
        self.f = gateway.function("f", '{"statusCode":201,"body":"made"}')
        self.g = gateway.function("g")
        self.broken = gateway.function("broken", (503, "down"))
        self.auth = gateway.function("auth", '{"authorization":{"principalId":"p","context":null}}')
        gateway.event_type("http.request")
        gateway.event_type("e")
        gateway.event_type("guarded", authorizer="auth")
        gateway.sync("http.request", "f", "/users/:id", "GET")
        gateway.sync("http.request", "broken", "/broken", "GET")
        gateway.sync("e", "f", "/e")
        gateway.asynchronous("e", "g", "/e")
        gateway.sync("guarded", "f", "/guarded")
        gateway.settle()

    def traces(self):
        whole = self.file.read_text().rpartition("\n")[0]   # the last line may be half written
        return {t["request_id"]: t for t in map(json.loads, whole.splitlines())}

    def trace(self, request_id):
        return wait_for(lambda: self.traces().get(request_id), f"the trace of {request_id}")


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    traced = Traced(tmp_path_factory.mktemp("traces") / "traces")
    yield traced
    traced.gateway.close()


def kinds(trace):
    return [(s["kind"], s["name"]) for s in trace["spans"]]


def test_a_request_is_one_trace(traced):
    answer = traced.gateway.event("GET", "/users/7?token=secret", headers={"x-request-id": "one"})
    assert answer.status == 201
    trace = traced.trace("one")
    assert kinds(trace) == [
        (REQUEST, "GET /users/:id"), (MIDDLEWARE, "mark on_request"), (MIDDLEWARE, "mark2 on_request"),
        (MIDDLEWARE, "mark on_event"), (MIDDLEWARE, "mark2 on_event"), (FUNCTION, "default/f"),
        (MIDDLEWARE, "mark2 on_reply"), (MIDDLEWARE, "mark on_reply")]
    root, function = trace["spans"][0], trace["spans"][5]
    assert root["http_status"] == 201 and root["status"] == 0 and root["parent"] == "0" * 16
    assert {s["parent"] for s in trace["spans"][1:]} == {root["id"]}
    assert len({s["id"] for s in trace["spans"]}) == len(trace["spans"])
    assert root["attributes"].items() >= {
        "http.request.method": "GET", "url.path": "/users/7", "url.scheme": "http", "http.route": "/users/:id",
        "http.response.status_code": "201", "client.address": "127.0.0.1",
        "cloudevents.event_type": "http.request"}.items()
    assert function["attributes"].items() >= {
        "faas.invoked_name": "f", "faas.invoked_provider": "http", "eventgateway.space": "default",
        "eventgateway.async": "false", "http.response.status_code": "200"}.items()
    assert root["start"] <= function["start"]
    assert function["start"] + function["duration"] <= root["start"] + root["duration"]
    assert "secret" not in json.dumps(trace)


def test_the_function_gets_the_trace_as_header_and_extension(traced):
    traced.gateway.emit(cloud_event("e"), "/e", headers={
        "x-request-id": "passed", "traceparent": PARENT, "tracestate": "rojo=1, congo=2"})
    trace = traced.trace("passed")
    assert trace["id"] == TRACE and trace["tracestate"] == "rojo=1,congo=2" and trace["flags"] == 1
    spans = {(s["name"], s["attributes"].get("eventgateway.async")): s for s in trace["spans"]}
    root = trace["spans"][0]
    assert root["parent"] == SPAN
    for function, key in ((traced.f, ("default/f", "false")), (traced.g, ("default/g", "true"))):
        call = function.calls[-1]
        assert call.headers["traceparent"] == f"00-{TRACE}-{spans[key]['id']}-01"
        assert call.headers["tracestate"] == "rojo=1,congo=2"
        assert call.json["extensions"]["traceparent"] == f"00-{TRACE}-{root['id']}-01"
        assert call.json["extensions"]["tracestate"] == "rojo=1,congo=2"


def test_a_trace_is_told_when_the_asynchronous_calls_have_ended(traced):
    traced.g.gate.clear()
    answer = traced.gateway.emit(cloud_event("e"), "/e", headers={"x-request-id": "slow"})
    assert answer.status == 201
    traced.gateway.event("GET", "/users/1", headers={"x-request-id": "after-slow"})
    traced.trace("after-slow")
    assert "slow" not in traced.traces()
    traced.g.gate.set()
    trace = traced.trace("slow")
    assert [s["name"] for s in trace["spans"] if s["kind"] == FUNCTION] == ["default/f", "default/g"]


def test_an_event_may_bring_its_trace(traced):
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "e", "traceparent": PARENT}
    traced.gateway.emit(event, "/e", headers={"x-request-id": "brought"})
    trace = traced.trace("brought")
    assert trace["id"] == TRACE and trace["spans"][0]["parent"] == SPAN
    assert traced.f.calls[-1].json["traceparent"] == PARENT   # as it came
    assert traced.f.calls[-1].headers["traceparent"].startswith(f"00-{TRACE}-")


@pytest.mark.parametrize("number, headers", enumerate([
    [("traceparent", PARENT[:-1])],
    [("traceparent", PARENT + "-00")],
    [("traceparent", PARENT.upper())],
    [("traceparent", "ff" + PARENT[2:])],
    [("traceparent", f"00-{'0' * 32}-{SPAN}-01")],
    [("traceparent", PARENT), ("traceparent", PARENT)],
    [("tracestate", "a=1")],
]))
def test_what_is_not_valid_begins_a_new_trace(traced, number, headers):
    name = f"restart-{number}"
    traced.gateway.event("GET", "/users/7", headers=[("x-request-id", name), ("tracestate", "x=1"), *headers])
    trace = traced.trace(name)
    assert trace["id"] not in (TRACE, "0" * 32) and trace["tracestate"] == ""
    assert trace["spans"][0]["parent"] == "0" * 16
    assert "tracestate" not in traced.f.calls[-1].headers


def test_an_unsampled_trace_is_passed_on_and_not_told(traced):
    traced.gateway.event("GET", "/users/7", headers={"x-request-id": "unsampled", "traceparent": PARENT[:-2] + "00"})
    passed = traced.f.calls[-1].headers["traceparent"]
    assert re.fullmatch(f"00-{TRACE}-[0-9a-f]{{16}}-00", passed) and SPAN not in passed
    traced.gateway.event("GET", "/users/7", headers={"x-request-id": "after-unsampled"})
    traced.trace("after-unsampled")
    assert "unsampled" not in traced.traces()


def test_a_failed_call_is_told_with_its_reason(traced):
    assert traced.gateway.event("GET", "/broken", headers={"x-request-id": "broken"}).status == 500
    root, *others = traced.trace("broken")["spans"]
    call = next(s for s in others if s["kind"] == FUNCTION)
    assert call["status"] < 0 and call["http_status"] == 503 and call["message"]
    assert root["status"] < 0 and root["http_status"] == 500 and root["attributes"]["error.type"] == "500"


def test_an_authorizer_has_a_span_and_its_header(traced):
    traced.gateway.emit(cloud_event("guarded"), "/guarded", headers={"x-request-id": "guarded", "traceparent": PARENT})
    span = next(s for s in traced.trace("guarded")["spans"] if s["kind"] == AUTHORIZER)
    assert span["name"] == "default/auth"
    assert traced.auth.calls[-1].headers["traceparent"] == f"00-{TRACE}-{span['id']}-01"


def test_names_have_few_values(traced):
    for number, path in enumerate(("/nobody/1", "/nobody/2")):
        traced.gateway.event("GET", path, headers={"x-request-id": f"few-{number}"})
        assert traced.trace(f"few-{number}")["spans"][0]["name"] == "GET"


def test_a_request_that_is_no_event_is_a_trace_too(traced):
    traced.gateway.event("POST", "/", "{", {"Content-Type": "application/cloudevents+json", "x-request-id": "bad"})
    trace = traced.trace("bad")
    assert [s["name"] for s in trace["spans"]][:2] == ["POST", "mark on_request"]
    assert trace["spans"][0]["http_status"] == 400 and trace["spans"][0]["status"] == 0


def test_sampling_is_set_and_reloaded(make_gateway, tmp_path):
    file = tmp_path / "traces"
    config = 'trace = {{ sample_percent = {}; }};'
    gateway = make_gateway(config=config.format(0), args=["--plugin", TRACES], set={"plugins.traces.file": str(file)})
    function = gateway.function("f")
    gateway.event_type("http.request")
    gateway.sync("http.request", "f", "/", "GET")
    gateway.settle()
    gateway.event("GET", "/")
    assert function.calls[-1].headers["traceparent"].endswith("-00")
    gateway.event("GET", "/", headers={"traceparent": PARENT})
    assert function.calls[-1].headers["traceparent"].endswith("-01")
    gateway.config_file.write_text(config.format(100))
    gateway.signal(1)
    wait_for(lambda: "reload: done" in gateway.log, "the reload")
    gateway.event("GET", "/")
    assert function.calls[-1].headers["traceparent"].endswith("-01")
    wait_for(lambda: len(file.read_text().splitlines()) == 2, "two traces")


def test_without_a_tracer_headers_are_passed_on_as_they_came(make_gateway):
    gateway = make_gateway()
    function = gateway.function("f")
    gateway.event_type("http.request")
    gateway.event_type("e")
    gateway.sync("http.request", "f", "/", "GET")
    gateway.sync("e", "f", "/")
    gateway.settle()
    gateway.event("GET", "/", headers=[("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2")])
    assert function.calls[-1].headers["traceparent"] == PARENT
    assert function.calls[-1].headers["tracestate"] == "a=1,b=2"
    gateway.emit(cloud_event("e"), headers={"traceparent": PARENT})
    assert "extensions" not in function.calls[-1].json
    gateway.event("GET", "/", headers={"traceparent": "nonsense", "tracestate": "a=1"})
    assert "traceparent" not in function.calls[-1].headers
    assert "tracestate" not in function.calls[-1].headers


def test_a_reacter_that_never_ends_is_bounded_and_counted(make_gateway):
    gateway = make_gateway(args=["--plugin", str(BUILD / "tests" / "reacter_stuck.so")], set={
        "loops": 1, "limits.reacter_pending": 3, "limits.middleware_timeout": "1h", "drain_timeout": 0})
    for _ in range(5):
        assert gateway.event("GET", "/").status == 202
    assert gateway.metric("eventgateway_reacter_dropped_total", reacter="stuck") == 2
    line = wait_for(lambda: next((ln for ln in gateway.lines if "too slow" in ln), None), "the log line")
    assert "stuck" in line

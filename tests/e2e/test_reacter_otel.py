"""The reacter `otel`: a trace per request, over OTLP/HTTP in JSON, to something that records what it gets. Against
the published schema and a real collector: tests/providers/otel."""
import gzip
import json

import pytest

from harness import Function, cloud_event, run_gateway, wait_for

SERVER, INTERNAL, CLIENT = 2, 1, 3
ERROR = 2
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def collector():
    function = Function((200, "{}", [("Content-Type", "application/json")]))
    yield function
    function.close()


def config(collector, settings="", more=""):
    return (f'plugins = {{ reacters = ( "otel" ); otel = {{ endpoint = "{collector.url}"; batch_age = "50ms"; '
            f'{settings} }}; {more} }};')


def route(gateway, answer='{"body":"fine"}', path="/users"):
    gateway.event_type("e")
    function = gateway.function("f", answer)
    gateway.sync("e", "f", path)
    gateway.settle()
    return function


def value_of(value):
    (kind, raw), = value.items()
    return int(raw) if kind == "intValue" else raw


def attributes(thing):
    return {a["key"]: value_of(a["value"]) for a in thing["attributes"]}


def bodies_of(collector):
    return [json.loads(gzip.decompress(call.body) if call.headers["Content-Encoding"] == "gzip" else call.body)
            for call in collector.calls]


def spans_of(collector):
    return [span for body in bodies_of(collector) for resource in body["resourceSpans"]
            for scope in resource["scopeSpans"] for span in scope["spans"]]


def wait_spans(collector, count):
    wait_for(lambda: len(spans_of(collector)) >= count, f"{count} spans")
    return spans_of(collector)


def lost(gateway, reason):
    return gateway.metric("eventgateway_outbox_lost_total", component="otel", reason=reason)


def test_a_request_is_a_trace_with_a_span_for_the_call(make_gateway, collector):
    gateway = make_gateway(config=config(collector, 'service_name = "shop"; resource = ( "a.b=c" );'))
    route(gateway)
    assert gateway.emit(cloud_event("e"), "/users").text == "fine"
    wait_spans(collector, 2)
    call, = collector.calls
    assert (call.method, call.path) == ("POST", "/v1/traces")
    assert call.headers["Content-Type"] == "application/json"
    resource, = bodies_of(collector)[0]["resourceSpans"]
    told = attributes(resource["resource"])
    assert told["service.name"] == "shop" and told["a.b"] == "c" and told["service.instance.id"]
    assert resource["scopeSpans"][0]["scope"] == {"name": "event-gateway", "version": told["service.version"]}
    spans = {span["kind"]: span for span in spans_of(collector)}
    request, function = spans[SERVER], spans[CLIENT]
    assert request["name"].startswith("POST") and function["name"] == "default/f"
    assert "parentSpanId" not in request and function["parentSpanId"] == request["spanId"]
    assert request["traceId"] == function["traceId"] and len(request["traceId"]) == 32
    assert int(request["startTimeUnixNano"]) <= int(function["startTimeUnixNano"])
    assert int(function["endTimeUnixNano"]) <= int(request["endTimeUnixNano"])
    assert attributes(request)["http.response.status_code"] == 200
    assert attributes(function)["eventgateway.async"] is False
    assert "status" not in request and "status" not in function


def test_the_trace_of_the_caller_goes_on(make_gateway, collector):
    gateway = make_gateway(config=config(collector))
    function = route(gateway)
    gateway.emit(cloud_event("e"), "/users", headers={"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "a=b"})
    spans = {span["kind"]: span for span in wait_spans(collector, 2)}
    assert {span["traceId"] for span in spans.values()} == {TRACE}
    assert spans[SERVER]["parentSpanId"] == PARENT
    assert spans[SERVER]["flags"] == 0x301 and spans[CLIENT]["flags"] == 0x101
    assert {span["traceState"] for span in spans.values()} == {"a=b"}
    assert function.calls[0].headers["traceparent"].split("-")[1:3] == [TRACE, spans[CLIENT]["spanId"]]


def test_a_function_that_fails_is_an_error(make_gateway, collector):
    gateway = make_gateway(config=config(collector))
    route(gateway, (500, "broken"))
    assert gateway.emit(cloud_event("e"), "/users").status == 500
    for span in wait_spans(collector, 2):
        assert span["status"]["code"] == ERROR
        assert attributes(span)["error.type"]


def test_middleware_has_spans_of_its_own(make_gateway, collector):
    more = 'middleware = ( "auth" ); auth = { rules = ( { path = "/"; public = true; } ); };'
    gateway = make_gateway(config=config(collector, more=more))
    gateway.emit(cloud_event("e"))
    spans = wait_spans(collector, 2)
    assert {span["kind"] for span in spans} == {SERVER, INTERNAL}
    assert [attributes(span)["eventgateway.middleware"] for span in spans if span["kind"] == INTERNAL] == ["auth"]


def test_traces_of_many_requests_share_batches(make_gateway, collector):
    gateway = make_gateway(config=config(collector, 'batch_age = "1h"; compression = "gzip";').replace(
        'batch_age = "50ms"; ', ""), set={"loops": 1})
    for _ in range(40):
        assert gateway.emit(cloud_event("e")).status == 202
    gateway.stop()
    spans = spans_of(collector)
    assert len({span["traceId"] for span in spans}) == 40
    assert len(collector.calls) == 1 and collector.calls[0].headers["Content-Encoding"] == "gzip"


def test_what_is_retryable_is_tried_again_and_the_rest_is_lost(make_gateway, collector):
    answers = iter([(503, "", [("Retry-After", "1")]), (200, "{}"), (400, "{}")])
    collector.answer = lambda call: next(answers, (200, "{}"))
    gateway = make_gateway(config=config(collector))
    gateway.emit(cloud_event("e"))
    collector.wait_calls(2)
    assert collector.calls[0].body == collector.calls[1].body
    gateway.emit(cloud_event("e"))
    wait_for(lambda: lost(gateway, "refused") == 1, "the loss to be counted")
    assert len(collector.calls) == 3


def test_what_the_collector_rejects_is_logged_and_counted(make_gateway, collector):
    collector.answer = (200, {"partialSuccess": {"rejectedSpans": "1", "errorMessage": "too old"}})
    gateway = make_gateway(config=config(collector))
    gateway.emit(cloud_event("e"))
    wait_for(lambda: lost(gateway, "refused") == 1, "the loss to be counted")
    assert "the collector rejected 1 spans: too old" in gateway.log


def test_a_collector_that_hangs_delays_no_request(make_gateway, collector):
    collector.gate.clear()
    gateway = make_gateway(config=config(collector, "queue_count = 5; batch_count = 1;"), set={"loops": 1})
    route(gateway)
    for _ in range(20):
        assert gateway.emit(cloud_event("e"), "/users").text == "fine"
    wait_for(lambda: (lost(gateway, "queue_full") or 0) > 0, "the losses to be counted")
    collector.gate.set()


@pytest.mark.parametrize("settings,told", [
    ('endpoint = "127.0.0.1:4318";', "'endpoint'"),
    ('service_name = "";', "'service_name'"),
    ('resource = ( "service.name=x" );', "'resource'"),
    ('compression = "zip";', "compression"),
    ('endpoint = "http://example.com"; headers = "x: s3cret-line";', "allow_http"),
])
def test_what_cannot_work_is_told_at_start_without_secrets(tmp_path, settings, told):
    file = tmp_path / "event-gateway.conf"
    file.write_text(f'plugins = {{ reacters = ( "otel" ); otel = {{ {settings} }}; }};')
    code, _, err = run_gateway("--config", str(file), "--check")
    assert code == 1
    assert told in err and "s3cret" not in err

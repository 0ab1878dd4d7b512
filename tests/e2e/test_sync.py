"""Synchronous answers (rows SY-*). Those of the AWS types (SY-34..37) are in
tests/providers/aws; SY-20 is superseded: header values may be arrays, they become repeated headers."""
import base64
import json

import pytest

MALFORMED = "HTTP response object malformed"
FAILED = "Function call failed. Please check logs."


@pytest.fixture
def get(route):
    """get(answer of the function) = answer of the gateway."""
    def call(answer, method="GET"):
        function, path = route("sync", "http.request", answer, method)
        call.function = function
        return route.gateway.event(method, path)
    return call


@pytest.mark.parametrize("text, status, headers, body", [
    ("{}", 200, {}, ""),                                                                       # SY-01
    ('{"statusCode":206,"headers":{"x-custom":"custom value"}}', 206, {"X-Custom": "custom value"}, ""),
    ('{"statusCode":201,"headers":{"content-type":"text/html"},"body":"<head></head>"}', 201,
     {"Content-Type": "text/html"}, "<head></head>"),                                          # SY-03
    (r'{"body":"{\"a\":1}"}', 200, {"Content-Type": "text/plain; charset=utf-8"}, '{"a":1}'),  # SY-04
    ("null", 200, {}, ""),                                                                     # SY-06
    ('{"STATUSCODE":201,"Body":"u","HEADERS":{"a":"b"}}', 201, {"A": "b"}, "u"),               # SY-08
    ('{"statusCode":302,"headers":{"Location":"/x"}}', 302, {"Location": "/x"}, ""),           # SY-23
    ('{"headers":{"Content-Length":"999"},"body":"hi"}', 200, {"Content-Length": "2"}, "hi"),  # SY-24
    ('{"headers":{"a":null}}', 200, {"A": ""}, ""),                                            # SY-25
    ('  {"body":"é😀","statusCode":null}  ', 200, {}, "é😀"),
    ('{"body":"<!DOCTYPE html><p>"}', 200, {"Content-Type": "text/html; charset=utf-8"}, "<!DOCTYPE html><p>"),
    ('{"statusCode":404,"body":"no"}', 404, {}, "no"), ('{"statusCode":503}', 503, {}, "")])
def test_the_response_object_is_mapped(get, text, status, headers, body):
    answer = get(text)
    assert (answer.status, answer.text) == (status, body)
    for name, value in headers.items():
        assert answer.headers(name) == [value]


def test_header_arrays_are_repeated_headers(get):   # instead of SY-20
    answer = get('{"headers":{"Set-Cookie":["a=1","b=2"]}}')
    assert answer.headers("Set-Cookie") == ["a=1", "b=2"]


def test_base64_bodies_are_binary(get):
    data = bytes(range(256))
    answer = get({"isBase64Encoded": True, "body": base64.b64encode(data).decode(),
                  "headers": {"Content-Type": "application/octet-stream"}})
    assert answer.body == data


@pytest.mark.parametrize("text", [
    "", "not JSON", '"x"', "1", "[]", "true", "{} x", '{"headers":{"a":1}}', '{"headers":[]}',  # SY-11, 13, 19
    '{"statusCode":"200"}', '{"statusCode":200.5}', '{"statusCode":0}', '{"statusCode":99}',
    '{"statusCode":101}', '{"statusCode":1000}', '{"body":1}', '{"isBase64Encoded":true,"body":"*"}'])
def test_anything_else_is_malformed(get, text):
    answer = get(text)
    assert (answer.status, answer.message) == (500, MALFORMED)


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_body(get, status):
    answer = get({"statusCode": status, "body": "dropped"})
    assert (answer.status, answer.body) == (status, b"")


@pytest.mark.parametrize("headers", [
    {"a": "x\r\nInjected: 1"}, {"a\r\nInjected": "1"}, {"a b": "1"}, {"": "1"}, {"a": "x\u0000y"},
    {"Transfer-Encoding": "chunked"}, {"Connection": "keep-alive, Injected"}])
def test_a_function_injects_no_headers(get, headers):
    answer = get({"headers": headers, "body": "ok"})
    assert answer.header("Injected") is None
    assert answer.status in (200, 500)
    assert answer.header("Transfer-Encoding") is None


def test_status_500_of_a_function_is_a_failure(get):   # SY-26
    answer = get((500, '{"statusCode":200}'))
    assert (answer.status, answer.message) == (500, FAILED)


def test_status_404_of_a_function_is_a_result(get):   # SY-27
    answer = get((404, '{"statusCode":200,"body":"from 404"}'))
    assert (answer.status, answer.text) == (200, "from 404")


@pytest.mark.parametrize("settings, status", [({}, 500), ({"compat.http_status": "500-only"}, 200)])   # SY-28
def test_other_5xx_are_failures_by_default(make_gateway, settings, status):
    gateway = make_gateway(set=settings)
    gateway.function("f", (503, "{}"))
    gateway.event_type("http.request")
    gateway.sync("http.request", "f", "/r", "GET")
    gateway.settle()
    assert gateway.event("GET", "/r").status == status


def test_a_slow_function_is_given_up(make_gateway):   # SY-31
    gateway = make_gateway(set={"compat.function_timeout": "200ms"})
    function = gateway.function("f", '{"body":"too late"}')
    gateway.event_type("http.request")
    gateway.sync("http.request", "f", "/r", "GET")
    gateway.settle()
    function.gate.clear()
    answer = gateway.event("GET", "/r")
    assert (answer.status, answer.message) == (500, FAILED)
    function.gate.set()
    assert gateway.event("GET", "/r").text == "too late"


def test_a_scheme_that_cannot_be_called(shared, space):   # SY-32
    shared.create("functions", {"functionId": "m", "type": "http", "provider": {"url": "mailto:x"}}, space)
    shared.event_type("http.request", space=space)
    shared.sync("http.request", "m", f"/{space}/m", "GET", space)
    shared.settle()
    answer = shared.event("GET", f"/{space}/m")
    assert (answer.status, answer.message) == (500, FAILED)


def test_what_a_function_sees(get):   # SY-33
    get("{}")
    call = get.function.calls[0]
    assert call.method == "POST"
    assert call.headers["Content-Type"] == "application/cloudevents+json"
    assert int(call.headers["Content-Length"]) == len(call.body)


def test_redirects_are_followed(route):
    target, _ = route("async", "unused", '{"body":"moved"}')
    _, path = route("sync", "http.request", (307, "", [("Location", target.url + "next")]), "GET")
    assert route.gateway.event("GET", path).text == "moved"
    assert (target.calls[0].method, target.calls[0].path) == ("POST", "/next")
    _, path = route("sync", "http.request", (302, "", [("Location", target.url)]), "GET")
    route.gateway.event("GET", path)
    assert (target.calls[1].method, target.calls[1].body) == ("GET", b"")


def test_an_endless_redirect_is_a_failure(route):
    function, path = route("sync", "http.request", "", "GET")
    function.answer = (302, "", [("Location", function.url)])
    assert route.gateway.event("GET", path).status == 500
    assert len(function.calls) <= 11


def test_a_huge_answer_is_refused(make_gateway):
    gateway = make_gateway(set={"limits.response": "64KiB"})
    gateway.function("f", json.dumps({"body": "x" * 100000}))
    gateway.event_type("http.request")
    gateway.sync("http.request", "f", "/r", "GET")
    gateway.settle()
    answer = gateway.event("GET", "/r")
    assert (answer.status, answer.message) == (500, FAILED)


def test_a_deep_answer_is_malformed(get):
    answer = get('{"x":' + "[" * 5000 + "]" * 5000 + "}")
    assert (answer.status, answer.message) == (500, MALFORMED)


def test_head_has_the_headers_of_get_and_no_body(get):
    answer = get({"body": "four", "headers": {"a": "b"}}, "HEAD")
    assert (answer.status, answer.header("A"), answer.body) == (200, "b", b"")

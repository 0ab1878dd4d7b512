"""The Events API of 2017 on the events listener, `api.v2017 = true` (rows O17-21 to O17-31).

Everything is configured by the present API: both see the same objects of the space `default`."""
import base64
import itertools
import json
import re
import time

import pytest

from harness import Connection, Gateway, cloud_event, wait_for

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
LOST = "unable to look up registered function"
TEXT = "text/plain; charset=utf-8"
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def old():
    """One gateway for the file: all live in one space, so each test has names of its own."""
    gateway = Gateway(set={"api.v2017": "true"})
    for name in ("http.request", "user.created", "gateway.info.functionError"):
        gateway.event_type(name)
    yield gateway
    gateway.close()


def custom(gateway, name, function, answer="{}", **provider):
    """A function, and its async subscription to an event type that may be there already."""
    recorder = gateway.function(function, answer, **provider)
    if gateway.config("GET", f"/v1/spaces/default/eventtypes/{name}").status == 404:
        gateway.event_type(name)
    gateway.asynchronous(name, function)
    gateway.settle()
    return recorder


def http(gateway, function, method, path, answer="{}", **provider):
    recorder = gateway.function(function, answer, **provider)
    gateway.sync("http.request", function, path, method)
    gateway.settle()
    return recorder


def post(gateway, name, body=None, content_type="application/json", path="/", **headers):
    return gateway.event("POST", path, body, {"Event": name, "Content-Type": content_type, **headers})


def invoke(gateway, function, body=None, method="POST", path="/", **headers):
    return gateway.event(method, path, body, {"Event": "invoke", "Function-ID": function, **headers})


def refused(answer, status, text):
    """All errors are plain text."""
    assert (answer.status, answer.text) == (status, text), answer
    assert answer.header("Content-Type") == TEXT
    assert answer.header("X-Content-Type-Options") == "nosniff"
    return True


# ---- events and their form ----

def test_a_custom_event_reaches_its_subscriber_in_the_form_of_2017(old):   # O17-21
    function = custom(old, "user.created", "o21")
    before = time.time() * 1000
    answer = post(old, "user.created", '{"name":"Max"}')
    assert (answer.status, answer.body) == (202, b"")
    call = function.wait_calls(1)[0]
    assert (call.method, call.headers["Content-Type"]) == ("POST", "application/json")
    event = call.json
    assert list(event) == ["event", "id", "receivedAt", "data", "dataType"]
    assert UUID.fullmatch(event["id"])
    assert isinstance(event["receivedAt"], int)
    assert before - 1 <= event["receivedAt"] <= time.time() * 1000
    assert (event["event"], event["data"], event["dataType"]) == ("user.created", {"name": "Max"}, "application/json")


@pytest.mark.parametrize("body, content_type, data", [
    ("[1]", "application/json", [1]),
    ("", "application/json", ""),
    (None, "application/json", ""),
    (" 1.50 ", "application/json", 1.5),
    ('"x"', "application/json", "x"),
    ("null", "application/json", None),
    ("[1]", "application/json; charset=utf-8", base64.b64encode(b"[1]").decode()),
    ("[1]", "Application/JSON", base64.b64encode(b"[1]").decode()),
    ("a=b", "application/x-www-form-urlencoded", base64.b64encode(b"a=b").decode()),
    (b"\x00\xff", "image/png", base64.b64encode(b"\x00\xff").decode()),
    ("", "no media type", ""),
])
def test_what_data_becomes(old, body, content_type, data):   # O17-23
    name = f"o23-{next(numbers)}"
    function = old.function(name)
    old.settle()
    assert invoke(old, name, body, **{"Content-Type": content_type}).status == 200
    event = function.wait_calls(1)[0].json
    assert (event["event"], event["data"], event["dataType"]) == ("invoke", data, content_type)


def test_a_body_without_a_content_type_is_octets(old):
    function = old.function("octets")
    old.settle()
    assert invoke(old, "octets", "{}").status == 200
    event = function.wait_calls(1)[0].json
    assert (event["data"], event["dataType"]) == ("e30=", "application/octet-stream")


@pytest.mark.parametrize("body, text", [
    ("{", "unexpected end of JSON input"),
    ("  ", "unexpected end of JSON input"),
    ("{x", "invalid character 'x' looking for beginning of object key string"),
    ("1 2", "invalid character '2' after top-level value"),
])
def test_broken_json_is_told_in_the_words_of_the_parser(old, body, text):   # O17-23
    refused(post(old, "whatever", body), 500, text)
    refused(invoke(old, "nobody", body, **{"Content-Type": "application/json"}), 500, text)
    refused(old.event("GET", "/nowhere", body, {"Content-Type": "application/json"}), 500, text)


def test_json_nested_too_deep_is_refused(old):
    body = "[" * 100000 + "]" * 100000
    answer = post(old, "whatever", body)
    assert answer.status == 500 and "nested deeper" in answer.text
    assert answer.header("Content-Type") == TEXT


def test_other_paths_and_methods_are_200_and_deliver_nothing(old):   # O17-24
    function = custom(old, "o24", "o24")
    for method, path in (("POST", "/foo"), ("GET", "/"), ("POST", "/?a=b/"), ("PUT", "/"), ("post", "/")):
        answer = old.event(method, path, None, {"Event": "o24"})
        expected = 202 if path.startswith("/?") else 200
        assert (answer.status, answer.body) == (expected, b""), (method, path, answer)
    assert post(old, "o24", '"last"').status == 202
    calls = function.wait_calls(2)
    assert [c.json["data"] for c in calls] == ["", "last"]


def test_an_event_without_subscribers_is_202(old):
    assert post(old, "nobody.cares", "{}").status == 202


def test_a_function_gets_an_event_once_however_many_subscriptions(old):
    function = custom(old, "once", "once1")
    other = custom(old, "once", "once2")
    old.asynchronous("once", "once1", "/elsewhere")
    old.asynchronous("once", "once1", "/", "GET")
    old.settle()
    assert post(old, "once", "1").status == 202
    assert post(old, "once", "2").status == 202
    other.wait_calls(2)
    calls = function.wait_calls(2)
    assert sorted(c.json["data"] for c in calls) == [1, 2]


def test_subscriptions_of_other_spaces_are_none(old):
    old.event_type("far", space="other")
    function = old.function("far", space="other")
    witness = custom(old, "far", "near")
    old.asynchronous("far", "far", space="other")
    old.settle()
    assert post(old, "far").status == 202
    witness.wait_calls(1)
    refused(invoke(old, "far"), 500, LOST)
    assert not function.calls


def test_a_native_path_of_a_subscription_does_not_matter(old):
    function = old.function("anywhere")
    old.event_type("anywhere")
    old.asynchronous("anywhere", "anywhere", "/deep/down", "GET")
    old.settle()
    assert post(old, "anywhere").status == 202
    function.wait_calls(1)


# ---- http ----

def test_an_http_event_has_the_request_as_data(old):   # O17-25
    function = http(old, "o25", "GET", "/o25", "not JSON")
    answer = old.event("GET", "/o25?a=1&a=2&b=%20c", None, {"X-A": "1", "x-list": "a, b"})
    assert (answer.status, answer.body) == (200, b"not JSON")
    assert answer.header("Content-Type") == TEXT
    event = function.wait_calls(1)[0].json
    headers = event["data"].pop("headers")
    assert (event["event"], event["dataType"]) == ("http", "application/octet-stream")
    assert event["data"] == {"query": {"a": ["1", "2"], "b": [" c"]}, "body": "", "path": "/o25", "method": "GET"}
    assert (headers["X-A"], headers["X-List"]) == (["1"], ["a, b"])
    assert "Host" not in headers


def test_repeated_headers_are_an_array_in_order(old):
    function = http(old, "repeated", "POST", "/repeated")
    pairs = [("x-b", "1"), ("X-B", "2"), ("Content-Type", "application/json"), ("x-B", "3")]
    assert old.event("POST", "/repeated", '{"a":[]}', pairs).status == 200
    data = function.wait_calls(1)[0].json["data"]
    assert data["headers"]["X-B"] == ["1", "2", "3"]
    assert data["body"] == {"a": []}


def test_a_binary_body_of_an_http_event_is_base64(old):
    function = http(old, "binary", "POST", "/binary")
    assert old.event("POST", "/binary", b"\xff\x00", {"Event": "http", "Content-Type": "a/b"}).status == 200
    event = function.wait_calls(1)[0].json
    assert (event["data"]["body"], event["dataType"]) == ("/wA=", "a/b")


def test_paths_are_escaped_as_sent_and_told_decoded(old):
    function = http(old, "escaped", "GET", "/a%20b")
    assert old.event("GET", "/a%20b").status == 200
    assert function.wait_calls(1)[0].json["data"]["path"] == "/a b"
    refused(old.event("GET", "/a+b"), 404, "Resource not found")


def test_paths_are_exact_and_have_no_parameters(old):
    function = http(old, "exact", "GET", "/exact/:id")
    refused(old.event("GET", "/exact/1"), 404, "Resource not found")
    answer = old.event("GET", "/exact/:id")
    assert answer.status == 200
    assert "params" not in function.wait_calls(1)[0].json["data"]
    for method, path in (("POST", "/exact/:id"), ("GET", "/exact/:id/"), ("GET", "/Exact/:id"), ("HEAD", "/exact/:id")):
        assert old.event(method, path).status == 404, (method, path)


def test_the_method_is_compared_in_upper_case_and_told_as_sent(old):
    function = http(old, "lower", "GET", "/lower")
    assert old.event("get", "/lower").status == 200
    assert function.wait_calls(1)[0].json["data"]["method"] == "get"


def test_a_path_that_another_space_has_taken_is_found(old):
    old.event_type("http.request", space="first")
    first = old.function("taker", "of the other space", space="first")
    old.sync("http.request", "taker", "/taken", "GET", space="first")
    mine = http(old, "loser", "GET", "/taken", "of default")
    assert old.event("GET", "/taken").text == "of default"
    assert (len(first.calls), len(mine.calls)) == (0, 1)


def test_head_has_no_body(old):
    http(old, "head", "HEAD", "/head", "long text")
    answer = old.event("HEAD", "/head")
    assert (answer.status, answer.body) == (200, b"")
    assert old.event("HEAD", "/headless").status == 404
    assert old.event("HEAD", "/", None, {"Event": "x"}).status == 200


# ---- invoke ----

@pytest.mark.parametrize("method, path", [("POST", "/"), ("GET", "/some/path?q=1"), ("DELETE", "/x"), ("OPTIONS", "/")])
def test_invoke_needs_no_subscription(old, method, path):   # O17-27
    name = f"o27-{method}"
    function = old.function(name, "<html>raw")
    old.settle()
    answer = invoke(old, name, '{"a":1}', method, path, **{"Content-Type": "application/json"})
    assert (answer.status, answer.text) == (200, "<html>raw")
    assert answer.header("Content-Type") == "text/html; charset=utf-8"
    call = function.wait_calls(1)[0]
    assert call.headers["Content-Type"] == "application/json"
    assert (call.json["event"], call.json["data"]) == ("invoke", {"a": 1})


def test_invoke_of_nobody_is_a_500(old):   # O17-28
    refused(invoke(old, "nope"), 500, LOST)
    refused(invoke(old, ""), 500, LOST)
    refused(invoke(old, "a/../b\x80"), 500, LOST)
    refused(invoke(old, "x" * 4000), 500, LOST)
    refused(old.event("POST", "/", "{}", {"Event": "invoke"}), 500, LOST)


def test_there_is_no_response_object(old):   # O17-30
    body = '{"statusCode":201,"body":"x"}'
    old.function("o30", (404, body, [("X-Secret", "1")]))
    old.settle()
    answer = invoke(old, "o30")
    assert (answer.status, answer.text) == (200, body)
    assert answer.header("X-Secret") is None
    assert answer.header("Content-Type") == TEXT


def test_an_empty_answer_is_empty(old):
    old.function("empty", (204, ""))
    old.settle()
    answer = invoke(old, "empty")
    assert (answer.status, answer.body, answer.header("Content-Type")) == (200, b"", None)


def test_invokes_are_counted_by_themselves(old):
    old.function("counted")
    old.settle()

    def value(name):
        return old.metric(f"eventgateway_events_{name}_total", space="default", type="invoke") or 0

    before = value("received"), value("processed")
    invoke(old, "counted")
    invoke(old, "nobody")
    assert (value("received"), value("processed")) == (before[0] + 1, before[1] + 1)


def test_one_of_several_functions_is_invoked(old):
    """Whoever stands behind a weighted function is sent what it would be sent itself."""
    plain = old.function("behind-plain", "plain")
    modern = old.function("behind-modern", "modern", cloudEvents="1.0")
    for name, behind in (("weighted-plain", "behind-plain"), ("weighted-modern", "behind-modern")):
        old.create("functions", {"functionId": name, "type": "weighted",
                                 "provider": {"weighted": [{"functionId": behind, "weight": 1}]}})
    old.settle()
    assert invoke(old, "weighted-plain").text == "plain"
    call = plain.wait_calls(1)[0]
    assert (call.headers["Content-Type"], call.json["event"]) == ("application/json", "invoke")
    assert invoke(old, "weighted-modern").text == "modern"
    call = modern.wait_calls(1)[0]
    assert (call.headers["Content-Type"], call.json["type"]) == ("application/cloudevents+json", "invoke")


# ---- failures ----

def test_a_failed_call_is_told_in_full(old):
    old.function("broken", (500, "secret"))
    old.function("gateway-time-out", (503, "x"))
    old.create("functions", {"functionId": "away", "type": "http", "provider": {"url": "http://127.0.0.1:1/"}})
    old.settle()
    refused(invoke(old, "broken"), 500,
            'Function call failed because of runtime error. Error: "HTTP status code: 500"')
    refused(invoke(old, "gateway-time-out"), 500, 'Function call failed. Error: "HTTP status code: 503"')
    answer = invoke(old, "away")
    assert re.fullmatch(r'Function call failed\. Error: "[^"\n]+"', answer.text), answer


def test_a_function_error_is_an_event(old):
    witness = custom(old, "gateway.info.functionError", "witness")
    old.function("failing", (500, "x"))
    old.function("unavailable", (502, "x"))
    async_failing = custom(old, "fails", "failing-too", (500, "x"))
    old.settle()
    invoke(old, "unavailable")   # no error of the function
    invoke(old, "nobody")
    invoke(old, "failing")
    event = witness.wait_calls(1)[0].json
    assert list(event) == ["event", "id", "receivedAt", "data", "dataType"]
    assert (event["event"], event["data"], event["dataType"]) == \
        ("gateway.info.functionError", {"functionId": "failing"}, "application/json")
    post(old, "fails")
    async_failing.wait_calls(1)
    assert witness.wait_calls(2)[1].json["data"] == {"functionId": "failing-too"}


def test_a_function_error_of_its_own_delivery_makes_no_other(make_gateway):
    gateway = make_gateway(set={"api.v2017": "true"})
    loop = custom(gateway, "gateway.info.functionError", "loop", (500, "x"))
    gateway.function("ok")
    gateway.settle()
    invoke(gateway, "loop")          # fails, and is told to itself, which fails
    loop.wait_calls(2)
    wait_for(lambda: gateway.metric("eventgateway_events_processed_total", space="default", type="custom") == 1,
             "the delivery to end")
    assert invoke(gateway, "ok").status == 200
    assert len(loop.calls) == 2
    # A client that says so itself is a client like any other.
    assert post(gateway, "gateway.info.functionError", '{"functionId":"x"}').status == 202
    loop.wait_calls(4)


def test_system_types_are_the_gateways(old):
    refused(post(old, "eventgateway.event.received"), 400,
            'Event type "eventgateway.event.received" is reserved for system events.')


def test_system_events_come_in_the_form_of_2017_too(make_gateway):
    gateway = make_gateway(set={"api.v2017": "true"})
    witness = gateway.function("witness")
    function = gateway.function("f")
    gateway.event_type("eventgateway.function.invoking")
    gateway.asynchronous("eventgateway.function.invoking", "witness")
    gateway.settle()
    assert invoke(gateway, "f", "[1]", **{"Content-Type": "application/json"}).status == 200
    told = witness.wait_calls(1)[0].json
    assert told["event"] == "eventgateway.function.invoking"
    assert told["data"]["event"] == function.wait_calls(1)[0].json
    assert (told["data"]["functionId"], told["dataType"]) == ("f", "application/json")


# ---- functions that want CloudEvents, authorizers, middleware ----

def test_a_function_may_ask_for_cloudevents(old):
    for version in ("0.1", "0.2", "0.3", "1.0"):
        function = old.function(f"ce-{version}", cloudEvents=version)
        old.settle()
        assert invoke(old, f"ce-{version}", '{"a":1}', **{"Content-Type": "application/json"}).status == 200
        call = function.wait_calls(1)[0]
        assert call.headers["Content-Type"] == "application/cloudevents+json"
        event = call.json
        names = ("eventType", "eventID", "source", "cloudEventsVersion", "contentType", "eventTime") \
            if version == "0.1" else ("type", "id", "source", "specversion",
                                      "contenttype" if version == "0.2" else "datacontenttype", "time")
        assert all(event[name] for name in names), event
        assert (event[names[0]], event[names[3]], event["data"]) == ("invoke", version, {"a": 1})
        assert event[names[4]] == "application/json"


def test_binary_data_are_binary_data_of_a_cloudevent(old):
    function = old.function("ce-binary", cloudEvents="1.0")
    old.settle()
    assert invoke(old, "ce-binary", b"\x00", **{"Content-Type": "image/png"}).status == 200
    event = function.wait_calls(1)[0].json
    assert (event["data_base64"], event["datacontenttype"]) == ("AA==", "image/png")
    assert "data" not in event


def test_an_authorizer_is_asked(old):
    yes = json.dumps({"authorization": {"principalId": "p"}})
    no = json.dumps({"authorizationError": {"message": "no"}})
    authorizer = old.function("authorizer", yes)
    old.event_type("guarded", "authorizer")
    function = old.function("guarded")
    old.asynchronous("guarded", "guarded")
    old.settle()
    assert post(old, "guarded", "1").status == 202
    function.wait_calls(1)
    payload = authorizer.wait_calls(1)[0].json
    assert payload["event"]["event"] == "guarded"
    assert payload["request"]["headers"]["Event"] == "guarded"
    authorizer.answer = no
    assert post(old, "guarded", "2").status == 202
    authorizer.wait_calls(2)
    authorizer.answer = yes
    assert post(old, "guarded", "3").status == 202
    function.wait_calls(2)
    assert [c.json["data"] for c in function.calls] == [1, 3]


def test_an_authorizer_of_http_refuses_in_plain_text(make_gateway):
    gateway = make_gateway(set={"api.v2017": "true"})
    gateway.function("authorizer", json.dumps({"authorizationError": {"message": "no"}}))
    gateway.event_type("http.request", "authorizer")
    function = gateway.function("f")
    gateway.sync("http.request", "f", "/x", "GET")
    gateway.settle()
    refused(gateway.event("GET", "/x"), 403, "Forbidden")
    assert not function.calls


def test_a_middleware_that_refuses_does_it_in_plain_text(make_gateway):
    config = """
api: { v2017 = true; };
plugins: { middleware = ( "schema" ); };
"""
    gateway = make_gateway(config=config)
    schema = {"type": "object", "required": ["name"]}
    gateway.create("eventtypes", {"name": "checked", "schema": schema})
    function = gateway.function("f")
    gateway.asynchronous("checked", "f", "/other/path")
    gateway.settle()
    answer = post(gateway, "checked", "{}")
    assert (answer.status, answer.header("Content-Type")) == (400, TEXT), answer
    assert "name" in answer.text and not answer.text.startswith("{")
    assert post(gateway, "checked", '{"name":"Max"}').status == 202
    assert function.wait_calls(1)[0].json["data"] == {"name": "Max"}


def test_the_schema_of_http_events_is_about_the_request_whatever_its_content_type(make_gateway):
    config = """
api: { v2017 = true; };
plugins: { middleware = ( "schema" ); };
"""
    gateway = make_gateway(config=config)
    schema = {"type": "object", "properties": {"query": {"type": "object", "required": ["id"]}}}
    gateway.create("eventtypes", {"name": "http.request", "schema": schema})
    function = gateway.function("f", cloudEvents="1.0")
    gateway.sync("http.request", "f", "/x", "GET")
    gateway.settle()
    for headers in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/json"}):
        assert gateway.event("GET", "/x", None, headers).status == 400
        assert gateway.event("GET", "/x?id=1", None, headers).status == 200
    assert [c.json["datacontenttype"] for c in function.wait_calls(3)] == ["application/json"] * 3


def test_what_middleware_changes_is_seen(make_gateway):
    config = """
api: { v2017 = true; };
plugins: { middleware = ( "transform" ); transform: { rules = ( { event = { jq =
    ".type = \\"other\\" | .id = \\"7\\" | .time = \\"2017-08-17T12:00:00.5+02:00\\" | .data.added = 1"; }; } ); }; };
"""
    gateway = make_gateway(config=config)
    function = gateway.function("f")
    gateway.event_type("other")
    gateway.asynchronous("other", "f")
    gateway.settle()
    assert post(gateway, "first", '{"a":true}').status == 202
    assert function.wait_calls(1)[0].json == {
        "event": "other", "id": "7", "receivedAt": 1502964000500, "data": {"a": True, "added": 1},
        "dataType": "application/json"}


def guarded(match):
    """Middleware that wants an API key, for these only."""
    return f"""
api: {{ v2017 = true; }};
plugins: {{ middleware = ( "auth" ); auth: {{ match = {{ {match} }};
    rules = ( {{ path = "/"; api_keys = ( {{ name = "ali"; key = "sesame"; }} ); }} ); }}; }};
"""


def test_a_guard_by_path_is_none_for_invoke_and_one_by_type_is(make_gateway):
    by_path = make_gateway(config=guarded('paths = ( "/in" );'))
    by_type = make_gateway(config=guarded('event_types = ( "invoke", "http" );'))
    for gateway in (by_path, by_type):
        gateway.event_type("http.request")
        http(gateway, "f", "GET", "/in", "secret")
        refused(gateway.event("GET", "/in"), 401, "Authentication required.")
        assert gateway.event("GET", "/in", None, {"x-api-key": "sesame"}).text == "secret"
    for path in ("/", "/x", "/in"):
        answer = invoke(by_path, "f", path=path)
        assert answer.text == ("secret" if path != "/in" else "Authentication required.")
        refused(invoke(by_type, "f", path=path), 401, "Authentication required.")
        assert invoke(by_type, "f", path=path, **{"x-api-key": "sesame"}).text == "secret"


def test_an_http_event_has_not_the_type_of_the_present_api(make_gateway):
    gateway = make_gateway(config=guarded('event_types = ( "http.request" );'))
    gateway.event_type("http.request")
    http(gateway, "f", "GET", "/in", "secret")
    assert gateway.event("GET", "/in").text == "secret"


def test_invoke_asks_no_authorizer_and_reaches_it_too(make_gateway):
    gateway = make_gateway(set={"api.v2017": "true"})
    no = json.dumps({"authorizationError": {"message": "no"}})
    authorizer = gateway.function("authorizer", no)
    gateway.event_type("http.request", "authorizer")
    http(gateway, "f", "GET", "/in", "secret")
    refused(gateway.event("GET", "/in"), 403, "Forbidden")
    assert invoke(gateway, "f").text == "secret"
    assert len(authorizer.calls) == 1
    assert invoke(gateway, "authorizer").text == no


def test_who_calls_is_told_to_functions_with_cloudevents(make_gateway):
    gateway = make_gateway(config=guarded('event_types = ( "invoke" );'))
    old, new = gateway.function("old"), gateway.function("new", cloudEvents="1.0")
    gateway.settle()
    for name in ("old", "new"):
        assert invoke(gateway, name, **{"x-api-key": "sesame"}).status == 200
    assert list(old.wait_calls(1)[0].json) == ["event", "id", "receivedAt", "data", "dataType"]
    told = json.loads(new.wait_calls(1)[0].json["eventgatewayauthorization"])
    assert told["principalId"] == "ali"


# ---- CORS ----

def test_every_origin_is_allowed(old):   # O17-31
    http(old, "cors", "GET", "/cors", "x")
    old.function("cors2")
    old.settle()
    origin = {"Origin": "https://a.example"}
    for answer in (old.event("GET", "/cors", None, origin), invoke(old, "cors2", **origin), invoke(old, "nope", **origin),
                   post(old, "e", **origin), old.event("GET", "/nowhere", None, origin)):
        assert answer.headers("Access-Control-Allow-Origin") == ["https://a.example"], answer
        assert answer.headers("Access-Control-Allow-Credentials") == ["true"]
        assert answer.headers("Vary") == ["Origin"]
    answer = old.event("GET", "/cors")
    assert answer.headers("Vary") == ["Origin"]
    assert answer.header("Access-Control-Allow-Origin") is None


def test_a_preflight_is_answered_before_anything_else(old):   # O17-31
    function = http(old, "preflight", "OPTIONS", "/preflight")
    for method in ("HEAD", "GET", "POST", "PUT", "PATCH", "DELETE"):
        for extra in ({}, {"Event": "invoke"}, {"Event": "eventgateway.x"}):
            answer = old.event("OPTIONS", "/preflight", None, {
                "Origin": "https://a.example", "Access-Control-Request-Method": method,
                "Access-Control-Request-Headers": "event, function-id", **extra})
            assert (answer.status, answer.body) == (200, b"")
            assert answer.header("Access-Control-Allow-Origin") == "https://a.example"
            assert answer.header("Access-Control-Allow-Credentials") == "true"
            assert answer.header("Access-Control-Allow-Methods") == method
            assert answer.header("Access-Control-Allow-Headers") == "Event, Function-Id"
            assert answer.headers("Vary") == ["Origin", "Access-Control-Request-Method",
                                              "Access-Control-Request-Headers"]
    answer = old.event("OPTIONS", "/preflight", None, {"Origin": "null", "Access-Control-Request-Method": "TRACE"})
    assert (answer.status, answer.header("Access-Control-Allow-Origin")) == (200, None)
    assert not function.calls
    answer = old.event("OPTIONS", "/preflight", None, {"Origin": "https://a.example"})   # no preflight
    assert (answer.status, len(function.calls)) == (200, 1)
    assert answer.header("Access-Control-Allow-Origin") == "https://a.example"


def test_cors_objects_are_not_looked_at(old):
    http(old, "rule", "GET", "/rule")
    old.create("cors", {"method": "GET", "path": "/rule", "allowedOrigins": ["https://only.example"]})
    old.settle()
    answer = old.event("GET", "/rule", None, {"Origin": "https://a.example"})
    assert answer.headers("Access-Control-Allow-Origin") == ["https://a.example"]


# ---- odd and hostile requests ----

def test_what_is_no_request_is_refused_in_plain_text_too(make_gateway):
    gateway = make_gateway(set={"api.v2017": "true", "limits.body": "1KiB"})
    refused(post(gateway, "e", "x" * 2000), 413, "the request body is too big")
    answer = gateway.event("BREW", "/")
    refused(answer, 501, "method not implemented")
    assert "GET" in answer.header("Allow")
    answer = gateway.event("GET", "/%zz")
    assert (answer.status, answer.header("Content-Type")) == (400, TEXT)
    assert gateway.event("POST", "/", "x" * 2000, {"Event": "e"}).header("X-Content-Type-Options") == "nosniff"


def test_the_first_of_repeated_headers_counts(old):
    first = custom(old, "first", "first")
    second = custom(old, "second", "second")
    assert old.event("POST", "/", None, [("Event", "first"), ("event", "second")]).status == 202
    first.wait_calls(1)
    pairs = [("Event", "invoke"), ("Function-ID", "second"), ("Function-ID", "first")]
    assert old.event("POST", "/", None, pairs).status == 200
    assert (len(first.calls), len(second.calls)) == (1, 1)


def test_an_empty_event_header_is_none(old):
    refused(old.event("GET", "/nothing", None, {"Event": ""}), 404, "Resource not found")
    refused(old.event("GET", "/nothing", None, {"Event": "http"}), 404, "Resource not found")


@pytest.mark.parametrize("name", ["HTTP", "Invoke", "a b", "\u00e4\u20ac", '"\\', "%2F", "x" * 6000, "http.request"])
def test_other_names_are_custom_events(old, name):
    assert old.event("POST", "/", "{}", {"Event": name}).status == 202
    assert old.event("GET", "/", None, {"Event": name}).status == 200


def test_an_odd_name_is_told_as_it_is(make_gateway):
    gateway = make_gateway(set={"api.v2017": "true"})
    witness = gateway.function("witness")
    gateway.event_type("eventgateway.event.received")
    gateway.asynchronous("eventgateway.event.received", "witness")
    gateway.settle()
    for name in ('a"b\\c', "\u00e4"):
        assert gateway.event("POST", "/", None, {"Event": name}).status == 202
    assert gateway.event("POST", "/", None, [("Event", "\udcff".encode("utf-8", "surrogateescape").decode("latin-1"))]
                         ).status == 202
    names = [c.json["data"]["event"]["event"] for c in witness.wait_calls(3)]
    assert {'a"b\\c', "\u00e4"} <= set(names)


def test_a_big_body_arrives_whole(old):
    function = old.function("big")
    old.settle()
    text = json.dumps(["x" * 1000] * 1000)
    assert invoke(old, "big", text, **{"Content-Type": "application/json"}).status == 200
    assert function.wait_calls(1)[0].json["data"] == ["x" * 1000] * 1000
    assert invoke(old, "big", text.encode()).status == 200
    assert base64.b64decode(function.wait_calls(2)[1].json["data"]) == text.encode()


def test_requests_in_a_row_on_one_connection(old):
    old.function("row", lambda call: json.dumps(call.json["data"]))
    old.settle()
    head = "POST / HTTP/1.1\r\nHost: x\r\nEvent: invoke\r\nFunction-ID: row\r\nContent-Type: application/json\r\n"
    with Connection(old.events_port) as connection:
        connection.send("".join(f"{head}Content-Length: 1\r\n\r\n{n}" for n in range(5)))
        connection.send(f"{head}Transfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n3\r\n,2]\r\n0\r\n\r\n")
        connection.send("OPTIONS /x HTTP/1.1\r\nHost: x\r\nAccess-Control-Request-Method: GET\r\n\r\n")
        connection.send("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
        assert [connection.read().text for _ in range(5)] == ["0", "1", "2", "3", "4"]
        assert connection.read().json == [1, 2]
        assert connection.read().status == 200
        refused(connection.read(), 404, "Resource not found")


def test_cloudevents_are_requests_like_any_other(old):
    """There are no CloudEvents in 2017: without the header it is an http event."""
    refused(old.emit(cloud_event("user.created")), 404, "Resource not found")
    function = custom(old, "ce", "ce")
    assert post(old, "ce", cloud_event("user.created")).status == 202
    assert function.wait_calls(1)[0].json["data"]["eventType"] == "user.created"


def test_a_full_backlog_is_a_503_in_plain_text(make_gateway):
    gateway = make_gateway(args=["-workers", "1", "-workers-backlog", "1"], set={"api.v2017": "true"})
    function = custom(gateway, "e", "f")
    function.gate.clear()
    assert post(gateway, "e").status == 202
    function.wait_calls(1)
    assert post(gateway, "e").status == 202
    answer = post(gateway, "e")
    refused(answer, 503, "Service Unavailable: the backlog of events is full")
    assert int(answer.header("Retry-After")) >= 1
    function.gate.set()
    function.wait_calls(2)


def test_draining_is_a_503(make_gateway):
    gateway = make_gateway(set={"api.v2017": "true", "loops": "1"})
    function = gateway.function("f")
    gateway.settle()
    function.gate.clear()
    request = "POST / HTTP/1.1\r\nHost: x\r\nEvent: invoke\r\nFunction-ID: f\r\nContent-Length: 0\r\n\r\n"
    with Connection(gateway.events_port) as busy, Connection(gateway.events_port) as late:
        late.send("GET /first HTTP/1.1\r\nHost: x\r\n\r\n")
        assert late.read().status == 404
        late.send(request[:20])
        busy.send(request)
        function.wait_calls(1)
        gateway.signal(15)
        wait_for(lambda: "drain" in gateway.log or "stopping" in gateway.log, "the drain to begin")
        late.send(request[20:])
        refused(late.read(), 503, "Service Unavailable")
        function.gate.set()
        assert busy.read().status == 200
    assert gateway.wait_exit() == 0


def test_without_the_setting_nothing_of_it_is_there(gw):
    gw.function("f")
    gw.settle()
    assert invoke(gw, "f").status == 202   # a legacy event of the type invoke

"""@serverless/event-gateway-sdk 0.11.0 (and 0.3.0) against a running gateway: compatibility 13.1, 13.3;
rows JS-03, JS-10, JS-11."""
import base64

import pytest

from conftest import ClientError, Sdk
from harness import cloud_event

ASYNC_ID = "YXN5bmMsdXNlci5jcmVhdGVkLGYxLCUyRixQT1NU"
URL = "http://example.com/f"


def function(name, **more):
    return {"functionId": name, "type": "http", "provider": {"url": URL}, **more}


def rejection(call, *args):
    """The text that the client rejects with."""
    with pytest.raises(ClientError) as told:
        call(*args)
    assert told.value.name == "Error", told.value
    return str(told.value)


# ---- event types ----

def test_event_types_from_create_to_delete(sdk):
    sdk.createFunction(function("auth"))
    created = sdk.createEventType({"name": "user.created", "metadata": {"service": "users"}})
    assert created == {"space": "default", "name": "user.created", "metadata": {"service": "users"}}
    updated = sdk.updateEventType({"name": "user.created", "authorizerId": "auth"})
    assert updated == {"space": "default", "name": "user.created", "authorizerId": "auth"}
    assert sdk.listEventTypes() == [updated]
    assert sdk.deleteEventType({"name": "user.created"}) is None
    assert sdk.listEventTypes() == []


def test_event_type_refusals_carry_the_gateway_s_text(sdk):
    sdk.createEventType({"name": "e"})
    assert rejection(sdk.createEventType, {"name": "e"}) == \
        'Failed to create e event type due the error: Event Type "e" already exists.'
    assert rejection(sdk.createEventType, {"name": "x", "authorizerId": "nope"}) == \
        "Failed to create x event type due the error: Authorizer function doesn't exists."
    assert rejection(sdk.updateEventType, {"name": "none"}) == \
        'Failed to update none event type due the error: Event Type "none" not found.'
    assert rejection(sdk.deleteEventType, {"name": "none"}) == \
        'Failed to delete none event type due the error: Event Type "none" not found.'


# ---- functions ----

def test_functions_from_create_to_delete(sdk):
    created = sdk.createFunction(function("f1", metadata={"service": "users"}))
    assert created == {"space": "default", **function("f1", metadata={"service": "users"})}
    updated = sdk.updateFunction({**created, "provider": {"url": "http://example.com/other"}})
    assert updated == {**created, "provider": {"url": "http://example.com/other"}}
    assert sdk.listFunctions() == [updated]
    assert sdk.deleteFunction({"functionId": "f1"}) is None
    assert sdk.listFunctions() == []


def test_function_refusals_carry_the_gateway_s_text(sdk):
    sdk.createFunction(function("f1"))
    assert rejection(sdk.createFunction, function("f1")) == \
        'Failed to create the function f1 due the error: Function "f1" already registered.'
    assert rejection(sdk.createFunction, {"functionId": "x", "type": "http"}) == (
        "Failed to create the function x due the error: Function doesn't validate. Validation error: "
        "missing required fields for HTTP endpoint")
    assert rejection(sdk.createFunction, {"functionId": "x"}) == (
        "Failed to create the function x due the error: Function doesn't validate. Validation error: "
        "provider configuration not set")
    assert rejection(sdk.updateFunction, function("none")) == \
        'Failed to update the function none due the error: Function "none" not found.'
    assert rejection(sdk.deleteFunction, {"functionId": "none"}) == \
        'Failed to delete the function none due the error: Function "none" not found.'
    sdk.createEventType({"name": "e"})
    sdk.subscribe({"type": "async", "eventType": "e", "functionId": "f1"})
    assert rejection(sdk.deleteFunction, {"functionId": "f1"}) == (
        "Failed to delete the function f1 due the error: "
        "Function cannot be deleted because it's subscribed to a least one event.")


# ---- subscriptions ----

def test_subscribe_answers_the_ids_of_the_original(sdk):   # JS-03
    sdk.createEventType({"name": "user.created"})
    sdk.createEventType({"name": "http.request"})
    sdk.createFunction(function("f1"))
    params = {"type": "async", "eventType": "user.created", "functionId": "f1"}
    created = sdk.subscribe(params)
    assert created == {"space": "default", "subscriptionId": ASYNC_ID, **params, "path": "/", "method": "POST"}
    assert rejection(sdk.subscribe, params) == (
        "Failed to subscribe the event user.created to the function f1 due the error: "
        f'Subscription "{ASYNC_ID}" already exists.')
    sync = sdk.subscribe({"type": "sync", "eventType": "http.request", "functionId": "f1", "method": "get",
                          "path": "users/:id"})
    assert sync["subscriptionId"] == "c3luYyxodHRwLnJlcXVlc3QsJTJGdXNlcnMlMkY6aWQsR0VU"
    assert (sync["path"], sync["method"]) == ("/users/:id", "GET")
    wild = sdk.subscribe({"type": "sync", "eventType": "http.request", "functionId": "f1", "method": "GET",
                          "path": "/w/*x"})
    assert wild["subscriptionId"] == "c3luYyxodHRwLnJlcXVlc3QsJTJGdyUyRiUyQXgsR0VU"
    assert {s["subscriptionId"] for s in sdk.listSubscriptions()} == \
        {ASYNC_ID, sync["subscriptionId"], wild["subscriptionId"]}
    for subscription in (created, sync, wild):
        assert sdk.unsubscribe({"subscriptionId": subscription["subscriptionId"]}) is None
    assert sdk.listSubscriptions() == []


def test_a_subscription_without_type_is_told(sdk):   # JS-03
    assert rejection(sdk.subscribe, {"functionId": "f1", "eventType": "e"}) == (
        "Failed to subscribe the event e to the function f1 due the error: Subscription doesn't validate. "
        "Validation error: Key: 'Subscription.Type' Error:Field validation for 'Type' failed on the 'required' tag")


def test_unsubscribing_a_missing_subscription_is_told(sdk):   # JS-03
    assert rejection(sdk.unsubscribe, {"subscriptionId": "xxx"}) == (
        'Failed to unsubscribe the subscription xxx due the error: Subscription "xxx" not found.')


def test_subscriptions_to_what_is_missing_are_told(sdk):
    missing = {"type": "sync", "eventType": "nope", "functionId": "nope"}
    begin = "Failed to subscribe the event nope to the function nope due the error: "
    assert rejection(sdk.subscribe, missing) == begin + 'Event Type "nope" not found.'
    sdk.createEventType({"name": "nope"})
    assert rejection(sdk.subscribe, missing) == begin + 'Function "nope" not found.'


# ---- CORS ----

def test_cors_from_create_to_delete_with_unescaped_ids(sdk):
    created = sdk.createCORS({"method": "GET", "path": "/hello"})
    assert created == {"space": "default", "corsId": "GET%2Fhello", "method": "GET", "path": "/hello",
                       "allowedOrigins": ["*"], "allowedMethods": ["HEAD", "GET", "POST"],
                       "allowedHeaders": ["Origin", "Accept", "Content-Type"], "allowCredentials": False}
    updated = sdk.updateCORS({**created, "allowedOrigins": ["http://example.com"]})
    assert updated == {**created, "allowedOrigins": ["http://example.com"]}
    assert sdk.listCORS() == [updated]
    assert sdk.deleteCORS({"corsId": "GET%2Fhello"}) is None
    assert sdk.listCORS() == []


def test_cors_ids_with_more_to_escape_go_round_too(sdk):
    created = sdk.createCORS({"method": "POST", "path": "/a b/:id/*rest"})
    assert created["corsId"] == "POST%2Fa%20b%2F:id%2F%2Arest"
    assert sdk.updateCORS({**created, "allowCredentials": True})["allowCredentials"] is True
    assert sdk.deleteCORS({"corsId": created["corsId"]}) is None


def test_cors_refusals_carry_the_gateway_s_text(sdk):
    sdk.createCORS({"method": "GET", "path": "/hello"})
    assert rejection(sdk.createCORS, {"method": "GET", "path": "/hello"}) == (
        "Failed to create CORS configuration due the error: "
        'CORS configuration "GET%2Fhello" already exists.')
    assert rejection(sdk.updateCORS, {"corsId": "GET%2Fnone", "method": "GET", "path": "/none"}) == (
        "Failed to update GET%2Fnone CORS configuration due the error: "
        'CORS configuration "GET%2Fnone" not found.')
    assert rejection(sdk.updateCORS, {"corsId": "GET%2Fhello", "method": "GET", "path": "/b"}) == (
        "Failed to update GET%2Fhello CORS configuration due the error: "
        "Invalid update. 'Path' of existing CORS configuration cannot be updated.")
    assert rejection(sdk.deleteCORS, {"corsId": "GET%2Fnone"}) == (
        "Failed to delete GET%2Fnone CORS configuration due the error: "
        'CORS configuration "GET%2Fnone" not found.')


# ---- lists ----

def test_metadata_filters_choose_from_every_list(sdk):
    mine, other = {"metadata": {"service": "a", "stage": "dev"}}, {"metadata": {"service": "b", "stage": "dev"}}
    for name, metadata in (("x", mine), ("y", other), ("z", {})):
        sdk.createFunction(function(name, **metadata))
        sdk.createEventType({"name": name, **metadata})
        sdk.subscribe({"type": "async", "eventType": name, "functionId": name, **metadata})
        sdk.createCORS({"method": "GET", "path": "/" + name, **metadata})
    for listing, field, first in ((sdk.listFunctions, "functionId", "x"), (sdk.listEventTypes, "name", "x"),
                                  (sdk.listSubscriptions, "eventType", "x"), (sdk.listCORS, "path", "/x")):
        def found(**filters):
            return [item[field] for item in listing({f"metadata.{k}": v for k, v in filters.items()})]
        assert found(service="a") == [first]
        assert found(service="a", stage="dev") == [first]
        assert found(service="a", stage="prod") == []
        assert len(found(stage="dev")) == 2
        assert len(listing()) == 3


def test_spaces_are_apart_and_a_fresh_one_lists_nothing(gw, node):
    one, other = Sdk(gw, node, space="one"), Sdk(gw, node, space="other")
    assert one.createFunction(function("f"))["space"] == "one"
    assert other.listFunctions() == []
    assert [f["functionId"] for f in one.listFunctions()] == ["f"]


# ---- emit ----

@pytest.fixture
def recorder(gw):
    gw.event_type("user.created")
    made = gw.function("f1", '{"statusCode":201,"headers":{"x-by":"f1"},"body":"hello"}')
    gw.sync("user.created", "f1")
    gw.settle()
    return made


def test_emit_gives_the_function_s_answer(sdk, recorder):
    answer = sdk.emit(cloud_event("user.created"))
    assert (answer["status"], answer["body"], answer["headers"]["x-by"]) == (201, "hello", ["f1"])
    event = recorder.calls[0].json
    assert (event["eventType"], event["data"]) == ("user.created", {"foo": "bar"})


def test_emit_takes_path_and_headers(gw, sdk):
    gw.event_type("http.request")
    gw.event_type("e")
    at_path = gw.function("at-path", '{"body":"at path"}')
    gw.sync("e", "at-path", "/deep/path")
    gw.settle()
    answer = sdk.emit(cloud_event("e"), {"path": "deep/path", "headers": {"X-Mine": "1"}})
    assert answer["body"] == "at path"
    answer = sdk.emit({"a": 1}, {"path": "/deep/path", "headers": {
        "Content-Type": "application/json", "CE-EventType": "e", "CE-EventID": "7", "CE-Source": "/x",
        "CE-CloudEventsVersion": "0.1"}})
    assert answer["body"] == "at path"
    assert (at_path.calls[1].json["eventID"], at_path.calls[1].json["data"]) == ("7", {"a": 1})


def test_emit_without_a_subscriber_is_accepted(sdk):
    answer = sdk.emit(cloud_event("nobody.cares"))
    assert (answer["status"], answer["body"]) == (202, "")


def test_emit_with_a_trailing_slash_posts_to_a_double_slash(gw, node, recorder):   # JS-10
    slashed = Sdk(gw, node, suffix="/")
    assert slashed.emit(cloud_event("user.created"))["status"] == 202
    assert recorder.calls == []
    double = gw.function("double", '{"body":"double"}')
    gw.sync("user.created", "double", "//")
    gw.settle()
    assert slashed.emit(cloud_event("user.created"))["body"] == "double"
    assert (len(double.calls), recorder.calls) == (1, [])


def test_emit_rejects_what_is_no_event(sdk):
    said = rejection(sdk.emit, {"eventType": "e"})
    assert said.startswith("Failed to emit the event e due the error: ")
    assert "'EventID'" in said


def test_emit_of_a_system_event_rejects_and_the_program_lives_on(sdk):   # Q14
    said = rejection(sdk.emit, cloud_event("eventgateway.mine"))
    assert said.startswith("Failed to emit the event eventgateway.mine due the error: ")
    assert sdk.emit(cloud_event("e"))["status"] == 202


def test_emit_that_an_authorizer_refuses_rejects_and_the_program_lives_on(gw, sdk):   # Q14
    gw.function("auth", '{"error":{"message":"denied"}}')
    gw.function("f")
    gw.event_type("e", authorizer="auth")
    gw.sync("e", "f")
    gw.settle()
    said = rejection(sdk.emit, cloud_event("e"))
    assert said.startswith("Failed to emit the event e due the error: ")
    assert sdk.emit(cloud_event("other"))["status"] == 202


@pytest.mark.parametrize("reply", [(500, ""), "no JSON", '{"statusCode":"x"}'])
def test_emit_to_a_failing_function_rejects_and_the_program_lives_on(gw, sdk, reply):
    gw.function("f", reply)
    gw.event_type("e")
    gw.sync("e", "f")
    gw.settle()
    said = rejection(sdk.emit, cloud_event("e"))
    assert said in ("Failed to emit the event e due the error: Function call failed. Please check logs.",
                    "Failed to emit the event e due the error: HTTP response object malformed")
    assert sdk.emit(cloud_event("other"))["status"] == 202


def test_emit_into_a_full_backlog_rejects_and_the_program_lives_on(make_gateway, node):   # Q23
    gateway = make_gateway(args=["-workers", "1", "-workers-backlog", "1"])
    slow = gateway.function("slow")
    slow.gate.clear()
    gateway.event_type("e")
    gateway.asynchronous("e", "slow")
    gateway.settle()
    sdk = Sdk(gateway, node)
    accepted = 0
    with pytest.raises(ClientError, match="^Failed to emit the event e due the error: .+"):
        while accepted < 10:
            assert sdk.emit(cloud_event("e"))["status"] == 202
            accepted += 1
    assert accepted in (1, 2), "one running, one waiting"
    assert sdk.emit(cloud_event("other"))["status"] == 202


def test_emit_of_a_huge_event_rejects_with_the_reason(sdk):
    said = rejection(sdk.emit, cloud_event("e", data="x" * (1 << 21)))
    assert said.startswith("Failed to emit the event e due the error: ")
    assert sdk.emit(cloud_event("other"))["status"] == 202


def test_emit_keeps_all_of_unicode(gw, sdk, recorder):
    text = "h\u00e9 \u2603 \U0001f600 \u2028 \u0000 \" \\ </script>"
    sdk.emit(cloud_event("user.created", data={"text": text}))
    assert recorder.calls[0].json["data"] == {"text": text}


# ---- keys ----

def test_an_access_key_is_ignored_by_an_open_gateway(gw, make_node):
    sdk = Sdk(gw, make_node({"EVENT_GATEWAY_ACCESS_KEY": "whatever"}))
    assert sdk.createFunction(function("f"))["functionId"] == "f"


def test_the_access_key_is_the_token_of_a_closed_gateway(make_gateway, make_node):
    gateway = make_gateway(set={"config.token": "the-key"})
    right = Sdk(gateway, make_node({"EVENT_GATEWAY_ACCESS_KEY": "the-key"}))
    wrong = Sdk(gateway, make_node({"EVENT_GATEWAY_ACCESS_KEY": "other"}))
    assert right.createFunction(function("f"))["functionId"] == "f"
    assert right.deleteFunction({"functionId": "f"}) is None
    assert rejection(wrong.createFunction, function("f")).startswith(
        "Failed to create the function f due the error: ")
    assert rejection(wrong.listFunctions).startswith("Failed to fetch the function list due the error: ")


# ---- 0.3.0 ----

def test_the_old_sdk_emits_and_its_invoke_rejects(gw, node):   # JS-11
    old = Sdk(gw, node, version="0.3.0")
    made = gw.function("f")
    gw.event_type("user.created")
    gw.asynchronous("user.created", "f")
    gw.settle()
    assert old.emit({"event": "user.created", "data": {"a": 1}})["status"] == 202
    assert made.wait_calls(1)[0].json["data"] == {"a": 1}
    assert rejection(old.invoke, {"functionId": "f", "data": {"a": 1}}) == \
        "Failed to invoke function f and couldn't parse error body."
    assert len(made.calls) == 1
    assert [f["functionId"] for f in old.listFunctions()] == ["f"]
    assert len(old.listSubscriptions()) == 1
    assert old.unsubscribe({"subscriptionId": old.listSubscriptions()[0]["subscriptionId"]}) is None
    assert old.deleteFunction({"functionId": "f"}) is None


def test_the_old_sdk_s_functions_of_the_old_form_are_refused(gw, node):
    old = Sdk(gw, node, version="0.3.0")
    said = rejection(old.registerFunction, {"functionId": "f", "provider": {"type": "http", "url": URL}})
    assert said == ("Failed to register the function f due the error: Function doesn't validate. "
                    "Validation error: provider configuration not set")


def test_an_event_of_another_form_is_base64(gw, node):
    old = Sdk(gw, node, version="0.3.0")
    made = gw.function("f")
    gw.event_type("e")
    gw.asynchronous("e", "f")
    gw.settle()
    assert old.emit({"event": "e", "data": "hi there", "dataType": "application/octet-stream"})["status"] == 202
    assert base64.b64decode(made.wait_calls(1)[0].json["data"]) == b"hi there"

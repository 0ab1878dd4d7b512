"""@serverless/fdk 0.3.5, 0.5.1 and 0.7.1, the clients of the API of 2017, against a gateway with api.v2017:
compatibility 15.7; rows JS-12, JS-13, JS-16. What the versions have in common runs with all of them."""
import base64
import json
import re

import pytest

from conftest import ClientError, Fdk
from harness import request

URL = "http://example.com/f"
OLD, NEWER = "0.3.5", ("0.5.1", "0.7.1")
ALL = (OLD, *NEWER)
PAGE = "https://shop.example.com"


def function(name, url=URL):
    return {"functionId": name, "provider": {"type": "http", "url": url}}


def custom(name, event="user.created"):
    return {"event": event, "functionId": name}


def http(name, path="/users", method="GET"):
    return {"event": "http", "functionId": name, "method": method, "path": path}


def rejection(call, *args):
    """The text that the client rejects with."""
    with pytest.raises(ClientError) as told:
        call(*args)
    assert told.value.name == "Error", told.value
    return str(told.value)


@pytest.fixture(params=ALL)
def any_fdk(request, v17, node):
    return Fdk(v17, node, request.param)


@pytest.fixture(params=NEWER)
def fdk(request, v17, node):
    return Fdk(v17, node, request.param)


@pytest.fixture
def old_fdk(v17, node):
    return Fdk(v17, node, OLD)


def is_empty(client):
    return (client.listFunctions(), client.listSubscriptions()) == ({"functions": []}, {"subscriptions": []})


# ---- functions ----

def test_functions_are_registered_listed_and_deleted(fdk):
    assert fdk.registerFunction(function("g")) == function("g")
    lambda_ = {"functionId": "f", "provider": {"type": "awslambda", "region": "us-east-1",
                                               "arn": "arn:aws:lambda:us-east-1:123456789012:function:f"}}
    assert fdk.registerFunction(lambda_) == lambda_
    assert fdk.listFunctions() == {"functions": [lambda_, function("g")]}
    assert fdk.deleteFunction({"functionId": "f"}) is None
    assert fdk.listFunctions() == {"functions": [function("g")]}


def test_refusals_of_functions_carry_the_gateway_s_text(fdk):
    fdk.registerFunction(function("f1"))
    assert rejection(fdk.registerFunction, function("f1")) == \
        'Failed to register the function f1 due the error: Function "f1" already registered.'
    assert rejection(fdk.registerFunction, {"functionId": "x", "provider": {"type": "http"}}) == (
        "Failed to register the function x due the error: Function doesn't validate. Validation error: "
        '"Missing required fields for HTTP endpoint."')
    assert "Function.Provider" in rejection(fdk.registerFunction, {"functionId": "x"})
    assert rejection(fdk.deleteFunction, {"functionId": "nope"}) == \
        'Failed to delete the function nope due the error: Function "nope" not found.'


def test_a_function_that_is_subscribed_is_not_deleted(fdk):   # Q50
    fdk.registerFunction(function("f1"))
    fdk.subscribe(custom("f1"))
    assert rejection(fdk.deleteFunction, {"functionId": "f1"}) == (
        "Failed to delete the function f1 due the error: "
        "Function cannot be deleted because it's subscribed to a least one event.")
    assert fdk.unsubscribe({"subscriptionId": "user.created-f1"}) is None
    assert fdk.deleteFunction({"functionId": "f1"}) is None


# ---- subscriptions ----

def test_subscriptions_are_made_listed_and_deleted_by_the_ids_of_2017(fdk):   # JS-12
    fdk.registerFunction(function("f1"))
    made = fdk.subscribe(custom("f1"))
    assert made == {"subscriptionId": "user.created-f1", **custom("f1")}
    made_http = fdk.subscribe(http("f1", path="users", method="get"))
    assert made_http == {"subscriptionId": "http-GET-%2Fusers", **http("f1")}
    assert fdk.listSubscriptions() == {"subscriptions": [made_http, made]}
    # The client puts the id into the URL as it is (Q43).
    assert fdk.unsubscribe({"subscriptionId": "http-GET-%2Fusers"}) is None
    assert fdk.unsubscribe({"subscriptionId": "user.created-f1"}) is None
    assert fdk.listSubscriptions() == {"subscriptions": []}


@pytest.mark.parametrize("path", ["/", "/a/b/c", "/a b", "/caf\u00e9", "/100%25", "/:id/*rest", "/a%2Fb", "/?x"])
def test_each_http_subscription_can_be_deleted_by_the_id_it_was_given(fdk, path):   # Q43
    fdk.registerFunction(function("f1"))
    made = fdk.subscribe(http("f1", path=path))
    assert made["path"] == path
    assert re.fullmatch(r"http-GET-%2F[^/?# ]*", made["subscriptionId"]), made
    assert fdk.unsubscribe({"subscriptionId": made["subscriptionId"]}) is None
    assert fdk.listSubscriptions() == {"subscriptions": []}


def test_refusals_of_subscriptions_carry_the_gateway_s_text(fdk):
    fdk.registerFunction(function("f1"))
    fdk.subscribe(custom("f1"))
    begin = "Failed to subscribe the event user.created to the function f1 due the error: "
    assert rejection(fdk.subscribe, custom("f1")) == begin + 'Subscription "user.created-f1" already exits.'
    assert rejection(fdk.subscribe, custom("nope")) == (
        'Failed to subscribe the event user.created to the function nope due the error: Function "nope" not found.')
    said = rejection(fdk.subscribe, {"event": "http", "functionId": "f1"})
    assert said.startswith("Failed to subscribe the event http to the function f1 due the error: ")
    assert "Missing required fields (method, path) for HTTP event." in said
    assert rejection(fdk.unsubscribe, {"subscriptionId": "nope"}) == (
        'Failed to unsubscribe the subscription nope due the error: Subscription "nope" not found.')


# ---- configure, resetConfiguration ----

def everything(url=URL):
    return {"functions": [function("f1", url), function("f2", url)],
            "subscriptions": [custom("f1"), http("f2"), http("f1", "/users", "POST"), custom("f2")]}


def with_ids(wanted):
    ids = ("user.created-f1", "http-GET-%2Fusers", "http-POST-%2Fusers", "user.created-f2")
    return {"functions": wanted["functions"],
            "subscriptions": [{"subscriptionId": id, **s} for id, s in zip(ids, wanted["subscriptions"])]}


def test_configure_gives_all_back_in_the_order_it_was_told(any_fdk):   # JS-12
    assert any_fdk.configure(everything()) == with_ids(everything())
    assert [f["functionId"] for f in any_fdk.listFunctions()["functions"]] == ["f1", "f2"]
    assert [s["subscriptionId"] for s in any_fdk.listSubscriptions()["subscriptions"]] == \
        ["http-GET-%2Fusers", "http-POST-%2Fusers", "user.created-f1", "user.created-f2"]


def test_configure_takes_only_functions_or_nothing(any_fdk):
    assert any_fdk.configure({"functions": [function("f1")]}) == {"functions": [function("f1")], "subscriptions": []}
    assert any_fdk.configure({}) == {"functions": [], "subscriptions": []}


def test_configuring_twice_is_refused(fdk):   # JS-13
    wanted = {"functions": [function("f1")], "subscriptions": [custom("f1")]}
    fdk.configure(wanted)
    assert rejection(fdk.configure, wanted) == (
        "Failed to configure the Event Gateway. Failed to register the function f1 due the error: "
        'Function "f1" already registered.')


def test_configure_tells_which_subscription_is_refused(fdk):
    # The client wraps the text of a subscription twice.
    assert rejection(fdk.configure, {"functions": [function("f1")], "subscriptions": [custom("nope")]}) == (
        "Failed to configure the Event Gateway. Failed to configure the Event Gateway. "
        'Failed to subscribe the event user.created to the function nope due the error: Function "nope" not found.')


def test_configure_stands_many_requests_at_once(any_fdk):
    names = [f"f{number:03}" for number in range(60)]
    wanted = {"functions": [function(name) for name in names],
              "subscriptions": [custom(name) for name in names] + [http(name, f"/{name}") for name in names]}
    done = any_fdk.configure(wanted)
    assert [f["functionId"] for f in done["functions"]] == names
    assert [s["functionId"] for s in done["subscriptions"]] == names + names
    assert len(any_fdk.listSubscriptions()["subscriptions"]) == 120


def test_reset_removes_all_http_subscriptions_included(fdk):   # Q43: the original rejected here
    fdk.configure(everything())
    assert fdk.resetConfiguration() is None
    assert is_empty(fdk)
    assert fdk.configure(everything()) == with_ids(everything())
    assert fdk.resetConfiguration() is None
    assert fdk.resetConfiguration() is None


def test_reset_leaves_what_2017_cannot_say(v17, fdk):
    """A sync subscription to another event type, of the newer API."""
    fdk.configure(everything())
    v17.create("subscriptions", {"type": "sync", "eventType": "user.created", "functionId": "f1", "path": "/x"})
    said = rejection(fdk.resetConfiguration)
    assert said == ("Failed to reset the Event Gateway configuration. Failed to reset the Event Gateway configuration. "
                    "Failed to delete the function f1 due the error: "
                    "Function cannot be deleted because it's subscribed to a least one event.")
    assert fdk.listSubscriptions() == {"subscriptions": []}
    assert fdk.listFunctions() == {"functions": [function("f1")]}


# ---- emit ----

def test_an_emitted_event_reaches_each_function_once(v17, any_fdk, make_function):   # JS-12, O17-21
    first, second = make_function(), make_function()
    any_fdk.configure({"functions": [function("f1", first.url), function("f2", second.url)],
                       "subscriptions": [custom("f1"), custom("f2"), {**custom("f1"), "path": "/elsewhere"}]})
    v17.settle()
    answer = any_fdk.emit({"event": "user.created", "data": {"name": "Max"}})
    assert (answer["status"], answer["body"]) == (202, "")
    for made in (first, second):
        (call,) = made.wait_calls(1)
        event = call.json
        assert list(event) == ["event", "id", "receivedAt", "data", "dataType"]
        assert (event["event"], event["data"], event["dataType"]) == \
            ("user.created", {"name": "Max"}, "application/json")
        assert (call.method, call.headers["Content-Type"]) == ("POST", "application/json")
    v17.stop()   # drains: what was to be delivered is
    assert (len(first.calls), len(second.calls)) == (1, 1)


@pytest.mark.parametrize("data", [[1, 2], "text", 7, None, True, {"deep": [{"a": None}]},
                                  "h\u00e9 \u2603 \U0001f600 \u2028"])
def test_data_of_any_json_kind_arrive_as_they_are(v17, any_fdk, make_function, data):
    made = make_function()
    any_fdk.configure({"functions": [function("f1", made.url)], "subscriptions": [custom("f1")]})
    v17.settle()
    assert any_fdk.emit({"event": "user.created", "data": data})["status"] == 202
    assert made.wait_calls(1)[0].json["data"] == data


def test_data_of_a_type_of_their_own_arrive_as_base64(v17, any_fdk, make_function):
    made = make_function()
    any_fdk.configure({"functions": [function("f1", made.url)], "subscriptions": [custom("f1")]})
    v17.settle()
    any_fdk.emit({"event": "user.created", "data": "This is a string message.", "dataType": "text/plain"})
    event = made.wait_calls(1)[0].json
    assert base64.b64decode(event["data"]) == b"This is a string message."
    assert event["dataType"] == "text/plain"


def test_an_event_that_nobody_wants_is_accepted(any_fdk):
    assert any_fdk.emit({"event": "nobody.cares", "data": 1})["status"] == 202


BROKEN = {"event": "user.created", "data": "{", "dataType": "application/json"}


def test_an_event_that_is_refused_rejects(fdk):
    assert rejection(fdk.emit, BROKEN) == "Failed to emit the event user.created"
    assert rejection(fdk.emit, {"event": "eventgateway.function.invoked", "data": {}}) == \
        "Failed to emit the event eventgateway.function.invoked"
    assert fdk.emit({"event": "user.created", "data": {}})["status"] == 202


def test_emitting_to_another_path_than_the_root_rejects(v17, node):   # O17-24
    """It was answered 200 then, too, and not delivered."""
    client = Fdk(v17, node, "0.7.1", url=f"http://127.0.0.1:{v17.events_port}/elsewhere")
    assert rejection(client.emit, {"event": "user.created", "data": {}}) == "Failed to emit the event user.created"


def test_the_oldest_client_hands_refusals_over_as_answers(old_fdk):
    answer = old_fdk.emit(BROKEN)
    assert answer["status"] == 500
    assert answer["headers"]["content-type"] == ["text/plain; charset=utf-8"]
    assert answer["body"] != ""


# ---- invoke ----

def test_invoke_answers_the_function_s_bytes(any_fdk, v17, make_function):   # JS-12, O17-27
    made = make_function('{"greeting": "Hello, Max!"}\n')
    any_fdk.registerFunction(function("greet", made.url))
    v17.settle()
    answer = any_fdk.invoke({"functionId": "greet", "data": {"name": "Max"}})
    assert (answer["status"], answer["body"]) == (200, '{"greeting": "Hello, Max!"}\n')
    event = made.calls[0].json
    assert (event["event"], event["data"], event["dataType"]) == ("invoke", {"name": "Max"}, "application/json")


def test_a_response_object_is_only_text_to_invoke(any_fdk, v17, make_function):   # O17-30
    made = make_function((404, '{"statusCode":201,"body":"x"}'))
    any_fdk.registerFunction(function("f1", made.url))
    v17.settle()
    answer = any_fdk.invoke({"functionId": "f1", "data": 1})
    assert (answer["status"], answer["body"]) == (200, '{"statusCode":201,"body":"x"}')


def test_invoke_sends_data_of_a_type_of_their_own(any_fdk, v17, make_function):
    made = make_function("ok")
    any_fdk.registerFunction(function("f1", made.url))
    v17.settle()
    assert any_fdk.invoke({"functionId": "f1", "data": "Max", "dataType": "text/plain"})["body"] == "ok"
    assert base64.b64decode(made.calls[0].json["data"]) == b"Max"


def test_invoking_what_is_not_there_carries_the_gateway_s_text(fdk):   # O17-28
    assert rejection(fdk.invoke, {"functionId": "nope", "data": 1}).rstrip("\n") == \
        "Failed to invoke function nope due the error: unable to look up registered function"


def test_a_failing_function_carries_the_gateway_s_text(fdk, v17, make_function):
    made = make_function((500, "oh no"))
    fdk.registerFunction(function("f1", made.url))
    v17.settle()
    assert rejection(fdk.invoke, {"functionId": "f1", "data": 1}).rstrip("\n") == (
        "Failed to invoke function f1 due the error: Function call failed because of runtime error. "
        'Error: "HTTP status code: 500"')
    made.close()
    assert rejection(fdk.invoke, {"functionId": "f1", "data": 1}).startswith(
        "Failed to invoke function f1 due the error: Function call failed")


def test_the_oldest_client_hands_failures_of_invoke_over_as_answers(old_fdk):
    answer = old_fdk.invoke({"functionId": "nope", "data": 1})
    assert answer["status"] == 500
    assert answer["body"].rstrip("\n") == "unable to look up registered function"


# ---- functions of the types that only 2017 had ----

def test_a_weighted_function_calls_one_of_those_that_it_names(v17, any_fdk, make_function):
    stable, canary = make_function("stable"), make_function("canary")
    weighted = {"type": "weighted",
                "weighted": [{"functionId": "stable", "weight": 0}, {"functionId": "canary", "weight": 3}]}
    # All at once: the one that names others may be there before them.
    done = any_fdk.configure({
        "functions": [{"functionId": "hello", "provider": weighted}, function("stable", stable.url),
                      function("canary", canary.url)],
        "subscriptions": [http("hello", "/hello"), custom("hello")]})
    assert done["functions"][0] == {"functionId": "hello", "provider": weighted}
    v17.settle()
    assert any_fdk.invoke({"functionId": "hello", "data": {"n": 1}})["body"] == "canary"
    assert v17.event("GET", "/hello").text == "canary"
    assert any_fdk.emit({"event": "user.created", "data": {"n": 2}})["status"] == 202
    assert [call.json["event"] for call in canary.wait_calls(3)] == ["invoke", "http", "user.created"]
    assert stable.calls == []


def test_a_function_of_the_emulator_gets_id_and_event(v17, any_fdk, make_function):
    emulator = make_function("from the emulator")
    there = {"type": "emulator", "emulatorUrl": emulator.url.rstrip("/"), "apiVersion": "v0"}
    any_fdk.configure({"functions": [{"functionId": "f", "provider": there}]})
    v17.settle()
    assert any_fdk.invoke({"functionId": "f", "data": {"n": 1}})["body"] == "from the emulator"
    (call,) = emulator.calls
    assert call.path == "/v0/emulator/api/functions/invoke"
    assert (call.json["functionId"], call.json["payload"]["event"], call.json["payload"]["data"]) == \
        ("f", "invoke", {"n": 1})


# ---- functions that call functions ----

@pytest.mark.parametrize("modules", [("@serverless/fdk/lib/handler", "@serverless/fdk"),
                                     ("fdk-0.5.1/lib/handler", "fdk-0.5.1"), ("fdk-0.3.5/handler", "fdk-0.3.5")])
def test_a_function_invokes_another_one_and_emits(v17, any_fdk, make_function, modules):
    check, mail = make_function('{"ok":true}'), make_function()
    create = make_function(modules=modules)
    any_fdk.configure({
        "functions": [function("createUser", create.url), function("check", check.url), function("mail", mail.url)],
        "subscriptions": [http("createUser", "/users", "POST"), custom("mail")]})
    v17.settle()
    answer = v17.event("POST", "/users", {"name": "Max"}, {"Content-Type": "application/json"})
    assert (answer.status, answer.json) == (200, {"ok": True})
    assert mail.wait_calls(1)[0].json["data"] == {"name": "Max", "by": "http"}
    answer = any_fdk.invoke({"functionId": "createUser", "data": {"name": "Ada"}})
    assert (answer["status"], json.loads(answer["body"])) == (200, {"ok": True})
    assert mail.wait_calls(2)[1].json["data"] == {"name": "Ada", "by": "invoke"}
    assert [call.json["data"] for call in check.calls] == [{"name": "Max"}, {"name": "Ada"}]
    # The handler turns a throw into an error of the call.
    answer = v17.event("POST", "/users", "", {"Content-Type": "application/json"})
    assert answer.status == 500
    assert answer.text.rstrip("\n") == \
        'Function call failed because of runtime error. Error: "HTTP status code: 500"'


def test_a_function_that_fails_is_told_by_the_system_event_of_2017(v17, any_fdk, make_function):
    broken, watcher = make_function((500, "oh no")), make_function()
    any_fdk.configure({"functions": [function("broken", broken.url), function("watcher", watcher.url)],
                       "subscriptions": [custom("watcher", "gateway.info.functionError")]})
    v17.settle()
    assert v17.event("POST", "/", "1", {"Event": "invoke", "Function-ID": "broken"}).status == 500
    event = watcher.wait_calls(1)[0].json
    assert (event["event"], event["data"], event["dataType"]) == \
        ("gateway.info.functionError", {"functionId": "broken"}, "application/json")


# ---- 0.3.5 takes 204 for a failure ----

def test_the_oldest_client_takes_a_delete_for_a_failure(old_fdk):   # JS-16, Q45
    old_fdk.configure({"functions": [function("f1")], "subscriptions": [custom("f1"), http("f1")]})
    for name in ("user.created-f1", "http-GET-%2Fusers"):
        assert rejection(old_fdk.unsubscribe, {"subscriptionId": name}) == "Failed to remove the subscription."
    assert rejection(old_fdk.deleteFunction, {"functionId": "f1"}) == "Failed to remove the function."
    assert is_empty(old_fdk)


def test_the_oldest_client_s_reset_rejects_and_goes_on_when_repeated(old_fdk):
    old_fdk.configure({"functions": [function("f1")], "subscriptions": [custom("f1")]})
    assert rejection(old_fdk.resetConfiguration) == "Failed to remove certain subscriptions and functions.\n"
    assert old_fdk.listSubscriptions() == {"subscriptions": []}
    assert rejection(old_fdk.resetConfiguration) == "Failed to remove certain subscriptions and functions.\n"
    assert is_empty(old_fdk)
    assert old_fdk.resetConfiguration() is None


def test_refusals_to_the_oldest_client_are_told_without_text(old_fdk):
    old_fdk.registerFunction(function("f1"))
    assert rejection(old_fdk.registerFunction, function("f1")) == "Failed to add the function."
    assert rejection(old_fdk.subscribe, custom("nope")) == "Failed to add the subscription."
    assert rejection(old_fdk.configure, {"functions": [function("f1")]}) == \
        "Failed to register at least one function.\n"


# ---- where the gateway is ----

@pytest.mark.parametrize("version", ALL)
def test_without_configuration_url_it_is_port_4001_of_the_same_host(v17, node, version):
    client = Fdk(v17, node, version, url="http://127.0.0.1:4000", configurationUrl=None,
                 fetch={"ports": {"4000": v17.events_port, "4001": v17.config_port}})
    assert client.registerFunction(function("f1")) == function("f1")
    assert client.listFunctions() == {"functions": [function("f1")]}
    assert client.emit({"event": "e", "data": {}})["status"] == 202


@pytest.mark.parametrize("version", ALL)
def test_urls_may_end_in_a_slash(v17, node, version):
    client = Fdk(v17, node, version, url=f"http://127.0.0.1:{v17.events_port}/",
                 configurationUrl=f"http://127.0.0.1:{v17.config_port}/")
    assert client.registerFunction(function("f1")) == function("f1")
    assert client.emit({"event": "e", "data": {}})["status"] == 202


# ---- tokens ----

@pytest.fixture
def closed(make_gateway):
    return make_gateway(set={"api.v2017": "true", "config.token": "the-key"})


def test_the_token_of_the_environment_opens_all_but_the_lists(closed, make_node):
    """0.7.1 does not send it with the lists, so they and resetConfiguration stay closed."""
    client = Fdk(closed, make_node({"EVENT_GATEWAY_TOKEN": "the-key"}), "0.7.1")
    assert client.configure({"functions": [function("f1")], "subscriptions": [custom("f1"), http("f1")]})
    wanted = "due the error: A bearer token is required."
    assert rejection(client.listFunctions) == f"Failed to fetch the function list {wanted}"
    assert rejection(client.listSubscriptions) == f"Failed to fetch the subscriptions list {wanted}"
    assert rejection(client.resetConfiguration) in (f"Failed to fetch the function list {wanted}",
                                                    f"Failed to fetch the subscriptions list {wanted}")
    assert client.emit({"event": "user.created", "data": {}})["status"] == 202
    for name in ("user.created-f1", "http-GET-%2Fusers"):
        assert client.unsubscribe({"subscriptionId": name}) is None
    assert client.deleteFunction({"functionId": "f1"}) is None


def test_a_wrong_token_is_refused(closed, make_node):
    client = Fdk(closed, make_node({"EVENT_GATEWAY_TOKEN": "other"}), "0.7.1")
    told = "due the error: The bearer token is not the right one."
    assert rejection(client.registerFunction, function("f1")) == f"Failed to register the function f1 {told}"
    assert rejection(client.unsubscribe, {"subscriptionId": "x"}) == f"Failed to unsubscribe the subscription x {told}"


def test_a_token_is_ignored_by_an_open_gateway(v17, make_node):
    client = Fdk(v17, make_node({"EVENT_GATEWAY_TOKEN": "whatever"}), "0.7.1")
    assert client.registerFunction(function("f1")) == function("f1")


@pytest.mark.parametrize("version", ALL)
def test_a_fetch_that_adds_the_token_opens_all(closed, node, version):   # as docs/v2017.md says
    client = Fdk(closed, node, version, fetch={"token": "the-key"})
    client.configure({"functions": [function("f1")], "subscriptions": [custom("f1"), http("f1")]})
    assert client.listFunctions() == {"functions": [function("f1")]}
    if version != OLD:
        assert client.resetConfiguration() is None
        assert is_empty(client)


# ---- in a browser ----

@pytest.mark.parametrize("version", NEWER)
def test_a_page_of_anywhere_may_do_all_with_the_bundle_for_browsers(v17, node, version, make_function):   # O17-31
    made = make_function("hi")
    page = Fdk(v17, node, f"{version} of a page", fetch={"origin": PAGE})
    page.configure({"functions": [function("f1", made.url)], "subscriptions": [custom("f1"), http("f1")]})
    assert [s["subscriptionId"] for s in page.listSubscriptions()["subscriptions"]] == \
        ["http-GET-%2Fusers", "user.created-f1"]
    assert page.invoke({"functionId": "f1", "data": 1})["body"] == "hi"
    assert page.emit({"event": "user.created", "data": {}})["status"] == 202
    # Refusals can be read by a page, too.
    assert rejection(page.invoke, {"functionId": "nope", "data": 1}).rstrip("\n") == \
        "Failed to invoke function nope due the error: unable to look up registered function"
    assert rejection(page.deleteFunction, {"functionId": "nope"}) == \
        'Failed to delete the function nope due the error: Function "nope" not found.'
    assert page.resetConfiguration() is None
    assert is_empty(page)


def test_a_page_sends_the_token_across_origins(closed, node):
    """A browser sends no Authorization with a preflight, so that one has to be open."""
    page = Fdk(closed, node, "0.7.1 of a page", fetch={"origin": PAGE, "token": "the-key"})
    assert page.registerFunction(function("f1")) == function("f1")
    assert page.listFunctions() == {"functions": [function("f1")]}
    assert page.deleteFunction({"functionId": "f1"}) is None
    stranger = Fdk(closed, node, "0.7.1 of a page", fetch={"origin": PAGE})
    assert rejection(stranger.listFunctions) == \
        "Failed to fetch the function list due the error: A bearer token is required."


def test_the_fetch_of_these_tests_finds_a_gateway_that_pages_may_not_call(gw, node):
    """Without the mode nothing is allowed to a page."""
    page = Fdk(gw, node, "0.7.1 of a page", fetch={"origin": PAGE})
    with pytest.raises(ClientError, match="^blocked by CORS policy: "):
        page.emit({"event": "e", "data": {}})
    with pytest.raises(ClientError, match="^blocked by CORS policy: "):
        page.listFunctions()


# ---- without the mode ----

@pytest.mark.parametrize("version", NEWER)
def test_without_the_mode_the_pages_of_2017_are_not_there(gw, node, version):
    client = Fdk(gw, node, version)
    assert rejection(client.registerFunction, function("f1")) == \
        "Failed to register the function f1 and couldn't parse error body."
    assert request(gw.config_port, "GET", "/v1/functions").status == 404

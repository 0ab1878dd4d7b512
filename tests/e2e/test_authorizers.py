"""Authorizers (rows AU-*)."""
import pytest

from harness import cloud_event

ALLOW = {"authorization": {"principalId": "u1", "context": {"a": "b"}}}


@pytest.fixture
def guarded(shared, space):
    """guarded(authorizer's answer, kinds) = (authorizer, {kind: function}, path) with event type e."""
    def make(answer, kinds=("sync",)):
        authorizer = shared.function("auth", answer, space)
        shared.event_type("e", authorizer="auth", space=space)
        functions = {}
        for kind in kinds:
            functions[kind] = shared.function(kind, space=space)
            shared.subscribe(kind, "e", kind, f"/{space}", "POST", space)
        shared.settle()
        return authorizer, functions, f"/{space}"
    return make


def test_allowed(guarded, shared):   # AU-01
    authorizer, functions, path = guarded(ALLOW)
    event = cloud_event("e", extensions={"mine": 1})
    assert shared.emit(event, path + "?q=1").status == 200
    payload = authorizer.calls[0].json
    assert payload["event"] == event
    request = payload["request"]
    assert list(request) == ["headers", "query", "body", "host", "path", "method", "params"]
    assert request["query"] == {"q": ["1"]}
    assert request["path"] == path
    assert request["method"] == "POST"
    assert request["params"] is None
    assert request["body"] == event   # Q12
    received = functions["sync"].calls[0].json
    assert received["extensions"] == {"mine": 1, "eventgateway": {"authorization": ALLOW["authorization"]}}


@pytest.mark.parametrize("answer", [
    {"error": {"message": "denied"}}, {}, None, "", "no JSON", {"error": {}}, [], (500, "{}"),   # AU-02, 03, 05, 09
    {**ALLOW, "error": {"message": "x"}}, {"error": "text"},
    {"authorization": {"principalId": "u", "context": {"a": 1}}},                                # AU-11
    {"authorization": {}}, {"authorization": {"principalId": ""}}, {"authorization": "u"}])
def test_refused(guarded, shared, answer):
    _, functions, path = guarded(answer)
    reply = shared.emit(cloud_event("e"), path)
    assert reply.status == 403
    assert reply.message
    assert not functions["sync"].calls


def test_a_null_error_and_no_context_are_fine(guarded, shared):   # AU-12
    _, functions, path = guarded({"authorization": {"principalId": "u"}, "error": None})
    assert shared.emit(cloud_event("e"), path).status == 200
    assert functions["sync"].calls[0].json["extensions"]["eventgateway"]["authorization"] == {
        "principalId": "u", "context": None}


def test_every_subscriber_is_authorized(guarded, shared):   # AU-19
    authorizer, functions, path = guarded({}, ("sync", "async"))
    assert shared.emit(cloud_event("e"), path).status == 403
    authorizer.wait_calls(2)
    assert not functions["sync"].calls and not functions["async"].calls


def test_a_refused_async_event_is_accepted_and_not_delivered(guarded, shared):
    authorizer, functions, path = guarded(lambda call: ALLOW if b'"yes"' in call.body else {}, ("async",))
    assert shared.emit(cloud_event("e", eventID="no"), path).status == 202
    assert shared.emit(cloud_event("e", eventID="yes"), path).status == 202
    functions["async"].wait_calls(1)
    authorizer.wait_calls(2)
    assert [c.json["eventID"] for c in functions["async"].calls] == ["yes"]


@pytest.mark.parametrize("forged", ["text", {"authorization": {"principalId": "root", "context": None}}, 1, None])
def test_a_client_cannot_forge_an_authorization(guarded, shared, space, forged):   # AU-23, Q11
    _, functions, path = guarded(ALLOW)
    event = cloud_event("e", extensions={"eventgateway": forged, "mine": "kept"})
    assert shared.emit(event, path).status == 200
    extensions = functions["sync"].calls[0].json["extensions"]
    assert extensions["eventgateway"]["authorization"] == ALLOW["authorization"]
    assert extensions["mine"] == "kept"
    # Without an authorizer the forged one does not get through either.
    open_function = shared.function("open", space=space)
    shared.event_type("o", space=space)
    shared.sync("o", "open", path + "/open", space=space)
    shared.settle()
    shared.emit({**event, "eventType": "o"}, path + "/open")
    got = open_function.calls[0].json.get("extensions", {})
    assert "authorization" not in (got.get("eventgateway") or {})


def test_legacy_events_keep_their_marks(guarded, shared):   # AU-24
    _, functions, path = guarded(ALLOW)
    assert shared.event("POST", path, "x", {"Event": "e"}).status == 200
    assert functions["sync"].calls[0].json["extensions"]["eventgateway"] == {
        "transformed": "true", "transformation-version": "0.1", "authorization": ALLOW["authorization"]}


@pytest.mark.parametrize("system_type", ["eventgateway.function.invoking", "eventgateway.event.received"])
def test_system_events_are_never_authorized(gw, system_type):   # AU-26, 27, Q12b
    authorizer = gw.function("auth", {})
    listener = gw.function("listener")
    gw.event_type(system_type, authorizer="auth")
    gw.asynchronous(system_type, "listener")
    function = gw.function("f")
    gw.event_type("e")
    gw.asynchronous("e", "f")
    gw.settle()
    assert gw.emit(cloud_event("e")).status == 202
    function.wait_calls(1)
    listener.wait_calls(1)
    assert not authorizer.calls


def test_a_missing_authorizer_refuses(gw):
    gw.function("auth", ALLOW)
    function = gw.function("f")
    gw.event_type("e", authorizer="auth")
    gw.sync("e", "f")
    gw.settle()
    # The authorizer goes bad: its server is gone.
    gw.functions[0].close()
    assert gw.emit(cloud_event("e")).status == 403
    assert not function.calls


def test_events_of_1_0_carry_the_authorization_as_text(guarded, shared):
    import json
    _, functions, path = guarded(ALLOW)
    event = {"specversion": "1.0", "type": "e", "source": "/x", "id": "1", "data": 1}
    assert shared.emit(event, path).status == 200
    received = functions["sync"].calls[0].json
    assert json.loads(received["eventgatewayauthorization"]) == ALLOW["authorization"]

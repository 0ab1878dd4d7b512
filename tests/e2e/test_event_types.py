"""Event types: rows ET-*."""
import json

import pytest


@pytest.fixture
def api(shared, space):
    """call(method, id or "", body) on the event types of a space of its own."""
    def call(method, name="", body=None, query=""):
        path = f"/v1/spaces/{space}/eventtypes" + (f"/{name}" if name else "") + query
        return shared.config(method, path, body)
    call.space = space
    call.gateway = shared
    return call


def test_create_answers_the_object_and_the_path_s_space(api):   # ET-01
    answer = api("POST", body={"name": "user.created", "space": "zzz"})
    assert answer.status == 201
    assert answer.text == f'{{"space":"{api.space}","name":"user.created"}}\n'


def test_create_twice_is_a_conflict(api):
    api("POST", body={"name": "a"})
    answer = api("POST", body={"name": "a"})
    assert (answer.status, answer.message) == (409, 'Event Type "a" already exists.')


def test_create_with_authorizer_and_metadata(api):   # ET-04
    api.gateway.function("auth", space=api.space)
    answer = api("POST", body={"name": "a", "authorizerId": "auth", "metadata": {"a": "b"}})
    assert answer.status == 201
    assert answer.json == {"space": api.space, "name": "a", "authorizerId": "auth", "metadata": {"a": "b"}}


@pytest.mark.parametrize("authorizer", ["nope", ""])
def test_a_missing_authorizer_is_refused(api, authorizer):   # ET-05, 06
    answer = api("POST", body={"name": "a", "authorizerId": authorizer})
    assert (answer.status, answer.message) == (400, "Authorizer function doesn't exists.")


def test_a_null_authorizer_is_none(api):   # ET-07
    answer = api("POST", body={"name": "a", "authorizerId": None})
    assert answer.status == 201
    assert "authorizerId" not in answer.json


def test_the_authorizer_is_looked_up_in_the_own_space(api):   # ET-09
    api.gateway.function("auth", space=api.space + "-other")
    assert api("POST", body={"name": "a", "authorizerId": "auth"}).status == 400


def test_system_types_can_be_registered(api):   # ET-11
    assert api("POST", body={"name": "eventgateway.event.received"}).status == 201


@pytest.mark.parametrize("name, tag", [("a/b", "eventType"), ("a b", "eventType"), ("", "required")])
def test_names_follow_the_rule_of_subscriptions(api, name, tag):   # Q33
    answer = api("POST", body={"name": name})
    assert answer.status == 400
    assert answer.message.endswith(
        f"Key: 'Type.Name' Error:Field validation for 'Name' failed on the '{tag}' tag")


def test_get(api):   # ET-12
    api("POST", body={"name": "test.event"})
    answer = api("GET", "test.event")
    assert (answer.status, answer.json) == (200, {"space": api.space, "name": "test.event"})


def test_list_is_descending(api):   # ET-14
    for name in "abc":
        api("POST", body={"name": name})
    assert [t["name"] for t in api("GET").json["eventTypes"]] == ["c", "b", "a"]


def test_list_filters_by_metadata(api):   # ET-15
    api("POST", body={"name": "a", "metadata": {"key1": "val1"}})
    api("POST", body={"name": "b"})
    answer = api("GET", query="?metadata.key1=val1")
    assert [t["name"] for t in answer.json["eventTypes"]] == ["a"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "GET"])
def test_what_is_missing_is_a_404(api, method):   # ET-19, 22
    answer = api(method, "none", {} if method == "PUT" else None)
    assert (answer.status, answer.message) == (404, 'Event Type "none" not found.')


def test_update_replaces_authorizer_and_metadata(api):
    api.gateway.function("auth", space=api.space)
    api("POST", body={"name": "a", "authorizerId": "auth", "metadata": {"a": "b"}})
    answer = api("PUT", "a", {"name": "ignored"})
    assert (answer.status, answer.json) == (200, {"space": api.space, "name": "a"})
    missing = api("PUT", "a", {"authorizerId": "nope"})
    assert (missing.status, missing.message) == (400, "Authorizer function doesn't exists.")


def test_a_schema_is_kept_as_compact_text_and_replaced_by_updates(api):
    schema = {"type": "object", "properties": {"id": {"type": "integer", "maximum": 2 ** 53}}, "required": ["id"]}
    answer = api("POST", body={"schema": schema, "name": "a"})
    assert answer.status == 201
    text = json.dumps(schema, separators=(",", ":"))
    assert answer.text == f'{{"space":"{api.space}","name":"a","schema":{text}}}\n'
    assert api("GET", "a").text == answer.text
    assert api("PUT", "a", {"schema": False}).text == f'{{"space":"{api.space}","name":"a","schema":false}}\n'
    assert api("PUT", "a", {}).text == f'{{"space":"{api.space}","name":"a"}}\n'


@pytest.mark.parametrize("schema, reason", [
    (1, "a JSON Schema is an object or a boolean, 'schema' is a number"),
    ([], "a JSON Schema is an object or a boolean, 'schema' is a array"),
    ({"x": "y" * 262144}, "'schema' has 262152 bytes without blanks; at most 262144 are possible"),
])
def test_what_is_no_schema_is_refused(api, schema, reason):
    answer = api("POST", body={"name": "a", "schema": schema})
    assert (answer.status, answer.message) == (400, f"Event Type doesn't validate. Validation error: {reason}")


def test_delete(api):   # ET-20
    api("POST", body={"name": "a"})
    answer = api("DELETE", "a")
    assert (answer.status, answer.body) == (204, b"")
    assert api("GET", "a").status == 404


def test_a_subscribed_type_cannot_be_deleted(api):
    api("POST", body={"name": "a"})
    api.gateway.function("f", space=api.space)
    api.gateway.asynchronous("a", "f", space=api.space)
    answer = api("DELETE", "a")
    assert (answer.status, answer.message) == (
        400, "Event type cannot be deleted because there are subscriptions using it.")

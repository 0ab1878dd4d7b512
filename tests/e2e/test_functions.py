"""Functions and their provider configuration: rows FN-*. Those of the AWS types (FN-18..24, 35) are in
tests/providers/aws."""
import pytest

PREFIX = "Function doesn't validate. Validation error: "
NO_URL = PREFIX + "missing required fields for HTTP endpoint"
F1 = {"functionId": "f1", "type": "http", "provider": {"url": "http://e.com"}}


@pytest.fixture
def api(shared, space):
    def call(method, name="", body=None, query=""):
        path = f"/v1/spaces/{space}/functions" + (f"/{name}" if name else "") + query
        return shared.config(method, path, body)
    call.space = space
    call.gateway = shared
    return call


def test_create_answers_the_object(api):   # FN-01
    answer = api("POST", body=F1)
    assert answer.status == 201
    assert answer.text == (f'{{"space":"{api.space}","functionId":"f1","type":"http",'
                           '"provider":{"url":"http://e.com"}}\n')


def test_create_twice_is_a_conflict(api):   # FN-02
    api("POST", body=F1)
    answer = api("POST", body=F1)
    assert (answer.status, answer.message) == (409, 'Function "f1" already registered.')


def test_space_and_unknown_fields_of_the_body_are_dropped(api):   # FN-03
    answer = api("POST", body={**F1, "space": "other", "zzz": 1, "provider": {"url": "http://e.com", "y": 2}})
    assert answer.status == 201
    assert answer.json == {"space": api.space, **F1}


def test_text_after_the_value_is_ignored(api):   # FN-05
    body = '{"functionId":"f1","type":"http","provider":{"url":"http://e.com"}}}}} junk'
    assert api("POST", body=body).status == 201


def test_of_repeated_fields_the_last_counts(api):   # FN-06
    body = '{"functionId":"zz","functionId":"f5","type":"http","provider":{"url":"http://e.com"}}'
    assert api("POST", body=body).json["functionId"] == "f5"


def test_the_id_is_required(api):   # FN-08
    answer = api("POST", body={"type": "http", "provider": {"url": "http://e.com"}})
    assert answer.status == 400
    assert answer.message == (PREFIX + "Key: 'Function.ID' Error:Field validation for 'ID' failed on "
                              "the 'required' tag")


@pytest.mark.parametrize("kind", [{}, {"type": ""}, {"type": None}])
def test_a_missing_type_is_told(api, kind):   # FN-10
    answer = api("POST", body={"functionId": "f1", "provider": {"url": "http://e.com"}, **kind})
    assert (answer.status, answer.message) == (400, PREFIX + "provider configuration not set")


def test_an_unknown_type_is_told(api):   # FN-11
    answer = api("POST", body={**F1, "type": "nosuch"})
    assert (answer.status, answer.message) == (400, PREFIX + "provider nosuch not supported")


@pytest.mark.parametrize("provider", [{}, {"provider": None}, {"provider": {}}, {"provider": {"url": ""}},
                                      {"provider": {"url": "foo"}}, {"provider": {"url": "/foo"}}])
def test_http_needs_an_absolute_url(api, provider):   # FN-12, 13
    answer = api("POST", body={"functionId": "f1", "type": "http", **provider})
    assert (answer.status, answer.message) == (400, NO_URL)


@pytest.mark.parametrize("url", ["ftp://x", "mailto:x", "localhost:80"])
def test_any_scheme_passes(api, url):
    assert api("POST", body={**F1, "provider": {"url": url}}).status == 201


def test_a_wrong_type_in_the_provider_is_told(api):
    answer = api("POST", body={**F1, "provider": {"url": 1}})
    assert answer.status == 400
    assert answer.message.startswith(PREFIX + "unable to load function provider config: ")


@pytest.mark.parametrize("metadata", [{}, None])
def test_empty_metadata_is_absent(api, metadata):   # FN-29
    answer = api("POST", body={**F1, "metadata": metadata})
    assert answer.status == 201
    assert "metadata" not in answer.json


@pytest.mark.parametrize("query, found", [
    ("metadata.a=1&metadata.b=2", ["m1"]), ("metadata.a=1&metadata.b=3", []),      # FN-30
    ("metadata.b=2&metadata.b=3", ["m1"]),                                         # FN-31
    ("foo=bar&metadata.b=2", ["m1"]), ("functionId=zz", ["m1"]),                   # FN-32
    ("metadata.b=", []), ("metadata.=2", [])])                                     # FN-33
def test_list_filters(api, query, found):
    api("POST", body={**F1, "functionId": "m1", "metadata": {"b": "2", "a": "1"}})
    assert [f["functionId"] for f in api("GET", query="?" + query).json["functions"]] == found


def test_update_of_a_missing_function(api):   # FN-36
    answer = api("PUT", "nope", F1)
    assert (answer.status, answer.message) == (404, 'Function "nope" not found.')


def test_the_id_of_the_path_is_validated_on_update(api):   # FN-37
    answer = api("PUT", "a%20b", F1)
    assert answer.status == 400
    assert "'functionid' tag" in answer.message


def test_update_checks_the_provider_and_replaces(api):   # FN-38
    api("POST", body={**F1, "metadata": {"a": "b"}})
    assert api("PUT", "f1", {**F1, "provider": {}}).status == 400
    answer = api("PUT", "f1", {**F1, "functionId": "ignored", "provider": {"url": "http://new.com"}})
    assert answer.json == {"space": api.space, **F1, "provider": {"url": "http://new.com"}}


def test_list_is_descending(api):   # FN-40
    api("POST", body={**F1, "functionId": "a"})
    api("POST", body={**F1, "functionId": "b"})
    assert [f["functionId"] for f in api("GET").json["functions"]] == ["b", "a"]


def test_delete(api):   # FN-41
    api("POST", body=F1)
    assert api("DELETE", "f1").status == 204
    answer = api("DELETE", "f1")
    assert (answer.status, answer.message) == (404, 'Function "f1" not found.')


def test_a_subscribed_function_cannot_be_deleted(api):   # FN-42
    api("POST", body=F1)
    api.gateway.event_type("e", space=api.space)
    api.gateway.asynchronous("e", "f1", space=api.space)
    answer = api("DELETE", "f1")
    assert (answer.status, answer.message) == (
        400, "Function cannot be deleted because it's subscribed to a least one event.")


def test_an_authorizer_cannot_be_deleted_until_it_is_free(api):   # FN-43, 44
    api("POST", body={**F1, "functionId": "auth"})
    api.gateway.event_type("e", authorizer="auth", space=api.space)
    answer = api("DELETE", "auth")
    assert (answer.status, answer.message) == (
        400, "Function auth cannot be deleted because is used as an authorizer for e event type.")
    api.gateway.config("PUT", f"/v1/spaces/{api.space}/eventtypes/e", {})
    assert api("DELETE", "auth").status == 204


def test_a_function_may_ask_for_a_cloudevents_version(api):
    body = {**F1, "provider": {"url": "http://e.com", "cloudEvents": "1.0"}}
    assert api("POST", body=body).json["provider"] == body["provider"]
    body["provider"]["cloudEvents"] = "7"
    assert api("PUT", "f1", body).status == 400

"""CORS configuration objects: rows COR-*."""
import pytest

DEFAULTS = {"allowedOrigins": ["*"], "allowedMethods": ["HEAD", "GET", "POST"],
            "allowedHeaders": ["Origin", "Accept", "Content-Type"], "allowCredentials": False}


@pytest.fixture
def api(shared, space):
    def call(method, name="", body=None, query=""):
        path = f"/v1/spaces/{space}/cors" + (f"/{name}" if name else "") + query
        return shared.config(method, path, body)
    call.space = space
    return call


def test_create_fills_in_defaults(api):   # COR-01
    answer = api("POST", body={"method": "GET", "path": "/hello"})
    assert answer.status == 201
    assert answer.json == {"space": api.space, "corsId": "GET%2Fhello", "method": "GET", "path": "/hello",
                           **DEFAULTS}


def test_create_twice_is_a_conflict(api):   # COR-02
    api("POST", body={"method": "GET", "path": "/hello"})
    answer = api("POST", body={"method": "GET", "path": "/hello"})
    assert (answer.status, answer.message) == (409, 'CORS configuration "GET%2Fhello" already exists.')


def test_all_fields(api):   # COR-03
    body = {"method": "POST", "path": "/a/:b/*c", "corsId": "ignored", "allowedOrigins": ["http://o"],
            "allowedMethods": ["PUT"], "allowedHeaders": ["X-A"], "allowCredentials": True,
            "metadata": {"k": "v"}}
    answer = api("POST", body=body)
    assert answer.json == {"space": api.space, **body, "corsId": "POST%2Fa%2F:b%2F%2Ac"}


def test_the_id_escapes_the_path(api):   # COR-04
    answer = api("POST", body={"method": "GET", "path": "/a b/é?x=1;y,z:@&=+$"})
    assert answer.json["corsId"] == "GET%2Fa%20b%2F%C3%A9%3Fx=1%3By%2Cz:@&=+$"


@pytest.mark.parametrize("body", [{"method": "GET", "path": "q"}, {"method": "GET"}])
def test_a_path_begins_with_a_slash(api, body):   # COR-06
    answer = api("POST", body=body)
    assert answer.status == 400
    assert answer.message.endswith(
        "Key: 'CORS.Path' Error:Field validation for 'Path' failed on the 'path' tag")


def test_empty_and_null_lists_take_the_default(api):   # COR-07
    answer = api("POST", body={"method": "GET", "path": "/x", "allowedOrigins": [], "allowedHeaders": None})
    assert answer.json["allowedOrigins"] == DEFAULTS["allowedOrigins"]
    assert answer.json["allowedHeaders"] == DEFAULTS["allowedHeaders"]


@pytest.mark.parametrize("field, value", [("allowedOrigins", "*"), ("method", "get"), ("allowCredentials", "x")])
def test_wrong_values_are_refused(api, field, value):   # COR-09
    assert api("POST", body={"method": "GET", "path": "/x", field: value}).status == 400


@pytest.mark.parametrize("spelling", ["GET%2Fhello", "GET%2fhello", "GET%252Fhello", "GET/hello"])
def test_the_id_may_be_spelled_in_several_ways(api, spelling):   # COR-10, 11
    created = api("POST", body={"method": "GET", "path": "/hello"}).json
    answer = api("GET", spelling)
    assert (answer.status, answer.json) == (200, created)
    assert api("DELETE", spelling).status == 204


def test_a_missing_one_is_told_with_its_id(api):   # Q9
    answer = api("GET", "GET%2Fnope")
    assert (answer.status, answer.message) == (404, 'CORS configuration "GET%2Fnope" not found.')
    assert api("DELETE", "missing").message == 'CORS configuration "missing" not found.'


def test_list_filters_by_metadata(api):   # COR-13
    api("POST", body={"method": "GET", "path": "/a", "metadata": {"a": "b"}})
    api("POST", body={"method": "GET", "path": "/b"})
    assert [c["path"] for c in api("GET", query="?metadata.a=b").json["cors"]] == ["/a"]


def test_update_replaces(api):   # COR-14
    api("POST", body={"method": "GET", "path": "/hello", "metadata": {"a": "b"}})
    answer = api("PUT", "GET%2Fhello", {"method": "GET", "path": "/hello", "allowedOrigins": ["http://o"]})
    assert answer.status == 200
    assert answer.json == {"space": api.space, "corsId": "GET%2Fhello", "method": "GET", "path": "/hello",
                           **DEFAULTS, "allowedOrigins": ["http://o"]}


@pytest.mark.parametrize("change, field", [({"method": "POST"}, "Method"), ({"path": "/x"}, "Path")])
def test_method_and_path_are_immutable(api, change, field):   # Q8
    api("POST", body={"method": "GET", "path": "/hello"})
    answer = api("PUT", "GET%2Fhello", {"method": "GET", "path": "/hello", **change})
    assert (answer.status, answer.message) == (
        400, f"Invalid update. '{field}' of existing CORS configuration cannot be updated.")

"""Subscriptions and path conflicts: rows SUB-* and PC-*."""
import pytest

PREFIX = "Subscription doesn't validate. Validation error: "
METHODS = "eq=GET|eq=POST|eq=DELETE|eq=PUT|eq=PATCH|eq=HEAD|eq=OPTIONS"
ASYNC_ID = "YXN5bmMsdXNlci5jcmVhdGVkLGYxLCUyRixQT1NU"
ASYNC = {"type": "async", "eventType": "user.created", "functionId": "f1"}


def line(field, tag):
    return f"Key: 'Subscription.{field}' Error:Field validation for '{field}' failed on the '{tag}' tag"


@pytest.fixture
def api(shared, space):
    """call(...) on subscriptions of a space that has the functions f1, f2 and some event types."""
    for name in ("f1", "f2"):
        shared.create("functions", {"functionId": name, "type": "http",
                                    "provider": {"url": "http://e.com"}}, space)
    for name in ("user.created", "http.request", "other"):
        shared.event_type(name, space=space)

    def call(method, name="", body=None, query=""):
        path = f"/v1/spaces/{space}/subscriptions" + (f"/{name}" if name else "") + query
        return shared.config(method, path, body)
    call.space = space
    call.gateway = shared
    return call


def test_create_fills_in_path_method_and_id(api):   # SUB-01
    answer = api("POST", body=ASYNC)
    assert answer.status == 201
    assert answer.text == (
        f'{{"space":"{api.space}","subscriptionId":"{ASYNC_ID}","type":"async",'
        '"eventType":"user.created","functionId":"f1","path":"/","method":"POST"}\n')


def test_create_twice_is_a_conflict(api):   # SUB-04
    api("POST", body=ASYNC)
    for body in (ASYNC, {**ASYNC, "path": "", "method": "post"}):
        answer = api("POST", body=body)
        assert (answer.status, answer.message) == (409, f'Subscription "{ASYNC_ID}" already exists.')


def test_path_and_method_are_normalised(api):   # SUB-05
    answer = api("POST", body={**ASYNC, "functionId": "f2", "path": "foo/bar baz", "method": "get",
                               "space": "x", "subscriptionId": "y"})
    assert answer.json == {
        "space": api.space, "type": "async", "eventType": "user.created", "functionId": "f2",
        "subscriptionId": "YXN5bmMsdXNlci5jcmVhdGVkLGYyLCUyRmZvbyUyRmJhciUyMGJheixHRVQ",
        "path": "/foo/bar baz", "method": "GET"}


def test_the_function_is_no_part_of_a_sync_id(api):   # SUB-06
    body = {"type": "sync", "eventType": "http.request", "functionId": "f1", "path": "/users/:id",
            "method": "GET"}
    assert api("POST", body=body).json["subscriptionId"] == "c3luYyxodHRwLnJlcXVlc3QsJTJGdXNlcnMlMkY6aWQsR0VU"
    assert api("POST", body={**body, "functionId": "f2"}).status == 409


def test_all_missing_fields_are_told(api):   # SUB-07
    answer = api("POST", body={})
    assert (answer.status, answer.message) == (
        400, PREFIX + "\n".join(line(f, "required") for f in ("Type", "EventType", "FunctionID")))


@pytest.mark.parametrize("change, text", [
    ({"method": "TRACE"}, line("Method", METHODS)),                       # SUB-09
    ({"eventType": "a b"}, line("EventType", "eventType")),              # SUB-10
    ({"type": "both"}, line("Type", "eq=async|eq=sync"))])
def test_bad_fields_are_told(api, change, text):
    answer = api("POST", body={**ASYNC, **change})
    assert (answer.status, answer.message) == (400, PREFIX + text)


def test_a_missing_event_type_is_told_before_a_missing_function(api):   # SUB-11, 13
    for function in ("f1", "nope"):
        answer = api("POST", body={**ASYNC, "eventType": "nope", "functionId": function})
        assert (answer.status, answer.message) == (400, 'Event Type "nope" not found.')
    answer = api("POST", body={**ASYNC, "functionId": "nope"})
    assert (answer.status, answer.message) == (400, 'Function "nope" not found.')


def test_get(api):   # SUB-15
    created = api("POST", body=ASYNC).json
    assert api("GET", ASYNC_ID).json == created
    answer = api("GET", "none")
    assert (answer.status, answer.message) == (404, 'Subscription "none" not found.')


def test_update_changes_metadata_only(api):   # SUB-18, 19
    api("POST", body=ASYNC)
    answer = api("PUT", ASYNC_ID, {**ASYNC, "path": "/", "method": "POST", "metadata": {"a": "b"}})
    assert (answer.status, answer.json["metadata"]) == (200, {"a": "b"})
    answer = api("PUT", ASYNC_ID, ASYNC)
    assert answer.status == 200
    assert "metadata" not in answer.json


@pytest.mark.parametrize("change, field", [
    ({"type": "sync"}, "Type"), ({"eventType": "other"}, "EventType"), ({"functionId": "f2"}, "FunctionID"),
    ({"path": "/x"}, "Path"), ({"method": "GET"}, "Method")])
def test_the_rest_is_immutable(api, change, field):   # SUB-20..24
    api("POST", body=ASYNC)
    answer = api("PUT", ASYNC_ID, {**ASYNC, **change})
    assert (answer.status, answer.message) == (
        400, f"Invalid update. '{field}' of existing subscription cannot be updated.")


def test_update_validates_before_it_looks(api):   # SUB-26, 27
    answer = api("PUT", "none", ASYNC)
    assert (answer.status, answer.message) == (404, 'Subscription "none" not found.')
    assert api("PUT", "none", {}).message.startswith(PREFIX)


def test_delete(api):   # SUB-28
    api("POST", body=ASYNC)
    assert api("DELETE", ASYNC_ID).status == 204
    assert api("DELETE", ASYNC_ID).status == 404


def test_one_function_on_two_paths(api):   # SUB-29
    ids = {api("POST", body={**ASYNC, "path": p}).json["subscriptionId"] for p in ("/a", "/b")}
    assert len(ids) == 2


CONFLICT = "Subscription path conflict: "
CONFLICTS = [   # existing, new, reason (None = 201)
    (["/:name"], "/:id", 'parameter with different name ("name") already defined: for route: /:id'),   # 02
    (["/users/:id"], "/users/foo",
     'parameter with different name ("id") already defined: for route: /users/foo'),                   # 03
    (["/users/:id"], "/users/:id/posts", None),                                                        # 05
    (["/users/:id"], "/users", None),                                                                  # 06
    (["/other", "/users"], "/:x", "static route already defined for route: /:x"),                      # 09
    ([], "/w/*x/y", "wildcard must be the last parameter"),                                            # 11
    (["/*foo"], "/*bar", 'wildcard with different name ("foo") already defined: for route: /*bar'),    # 13
    (["/:foo"], "/*bar", 'wildcard with different name ("foo") already defined: for route: /*bar'),    # 15
    (["/w/*x"], "/w", None),                                                                           # 16
    (["/*all"], "/", None),                                                                            # 17
    (["/other"], "/other/", None),                                                                     # 18
]


@pytest.mark.parametrize("existing, path, reason", CONFLICTS)
def test_path_conflicts(api, existing, path, reason):
    body = {"type": "sync", "eventType": "http.request", "functionId": "f1", "method": "GET"}
    for other in existing:
        assert api("POST", body={**body, "path": other}).status == 201
    answer = api("POST", body={**body, "path": path})
    if reason is None:
        assert answer.status == 201
    else:
        assert (answer.status, answer.message) == (400, CONFLICT + reason)


def test_the_same_root_is_the_same_object_but_not_in_another_space(api, shared):   # PC-01
    body = {"type": "sync", "eventType": "http.request", "functionId": "f1", "path": "/", "method": "GET"}
    assert api("POST", body=body).status == 201
    assert api("POST", body=body).status == 409
    other = api.space + "-b"
    shared.create("functions", {"functionId": "f1", "type": "http", "provider": {"url": "http://e.com"}}, other)
    shared.event_type("http.request", space=other)
    assert shared.config("POST", f"/v1/spaces/{other}/subscriptions", body).status == 201


def test_other_methods_types_kinds_and_spaces_do_not_conflict(api, shared):   # PC-07, 21, 22
    body = {"type": "sync", "eventType": "http.request", "functionId": "f1", "path": "/users/:id",
            "method": "GET"}
    assert api("POST", body={**body, "type": "async"}).status == 201
    assert api("POST", body={**body, "path": "/users/:name"}).status == 201
    assert api("POST", body={**body, "method": "POST"}).status == 201
    assert api("POST", body={**body, "eventType": "other"}).status == 201
    other = api.space + "-c"
    shared.create("functions", {"functionId": "f1", "type": "http", "provider": {"url": "http://e.com"}}, other)
    shared.event_type("http.request", space=other)
    assert shared.config("POST", f"/v1/spaces/{other}/subscriptions", body).status == 201


def test_a_setting_refuses_conflicts_across_spaces(make_gateway):   # Q27
    gateway = make_gateway(set={"events.refuse_cross_space_conflicts": "true"})
    body = {"type": "sync", "eventType": "http.request", "functionId": "f1", "path": "/users/:id",
            "method": "GET"}
    for space in ("aaa", "bbb"):
        gateway.create("functions", {"functionId": "f1", "type": "http",
                                     "provider": {"url": "http://e.com"}}, space)
        gateway.event_type("http.request", space=space)
    assert gateway.config("POST", "/v1/spaces/aaa/subscriptions", body).status == 201
    gateway.settle()
    answer = gateway.config("POST", "/v1/spaces/bbb/subscriptions", {**body, "path": "/users/:name"})
    assert answer.status == 400
    assert answer.message.startswith(CONFLICT)

"""Data of http.request events and path matching (rows RAW-*)."""
import json

import pytest


@pytest.fixture
def api(route, shared, space):
    """paths(...): a gateway-wide echo on paths below /<space>; matched(path) = params or None."""
    shared.event_type("http.request", space=space)

    class Paths:
        prefix = "/" + space

        def add(self, path, method="GET"):
            name = "p" + str(len(shared.functions))
            function = shared.function(name, lambda call: {"body": json.dumps(
                {"by": path, "data": call.json["data"]})}, space)
            sub = shared.sync("http.request", name, self.prefix + path, method, space)
            shared.settle()
            return sub["subscriptionId"], function

        def remove(self, subscription):
            assert shared.config("DELETE", f"/v1/spaces/{space}/subscriptions/{subscription}").status == 204
            shared.settle()

        def get(self, path, method="GET"):
            answer = shared.event(method, self.prefix + path)
            if answer.status == 202:
                return None
            assert answer.status == 200, answer
            return json.loads(answer.body)
    return Paths()


def test_the_fields(route):   # RAW-01
    function, path = route("sync", "http.request", method="GET")
    gateway = route.gateway
    assert gateway.event("GET", path, headers=[("X-Multi", "1"), ("x-multi", "2")]).status == 200
    event = function.calls[0].json
    host = f"127.0.0.1:{gateway.events_port}"
    assert event["contentType"] == "application/json"
    assert event["data"] == {"headers": {"X-Multi": "1, 2", "Connection": "close"}, "query": {}, "body": "",
                             "host": host, "path": path, "method": "GET", "params": {}}
    order = [*event["data"]]
    assert order == ["headers", "query", "body", "host", "path", "method", "params"]


def test_query(api):   # RAW-02
    api.add("/h")
    data = api.get("/h?a=1&b=2&a=3&c=&d&e=%20x+y")["data"]
    assert data["query"] == {"a": ["1", "3"], "b": ["2"], "c": [""], "d": [""], "e": [" x y"]}


def test_params_stay_escaped_and_the_path_is_decoded(api):   # RAW-07, Q36
    api.add("/users/:id/*rest")
    data = api.get("/users/4%2F2/a%20b/c%2Fd")["data"]
    assert data["params"] == {"id": "4%2F2", "rest": "a%20b/c%2Fd"}
    assert data["path"] == api.prefix + "/users/4/2/a b/c/d"


def test_a_wildcard_needs_its_slash(api):   # RAW-08
    api.add("/users/:id/*rest")
    assert api.get("/users/1/")["data"]["params"] == {"id": "1", "rest": ""}
    assert api.get("/users/1") is None


def test_a_parameter_may_be_empty(api):   # RAW-09
    api.add("/users/:id/*rest")
    assert api.get("/users//x")["data"]["params"] == {"id": "", "rest": "x"}


def test_paths_are_exact(api):   # RAW-11
    api.add("/h")
    for path in ("/h/", "/./h", "//h"):
        assert api.get(path) is None


def test_the_root_is_apart_from_a_wildcard(gw):   # RAW-12, Q37
    function = gw.function("f")
    gw.event_type("http.request")
    gw.sync("http.request", "f", "/*all", "GET")
    gw.settle()
    assert gw.event("GET", "/").status == 202
    for path, rest in (("//a", "/a"), ("/a/b", "a/b")):
        assert gw.event("GET", path).status == 200
        assert function.calls[-1].json["data"]["params"] == {"all": rest}


def test_the_root_has_null_params(gw):
    function = gw.function("f")
    gw.event_type("http.request")
    gw.sync("http.request", "f", "/", "GET")
    gw.settle()
    gw.event("GET", "/")
    assert function.calls[0].json["data"]["params"] is None


def test_parts_of_a_path_do_not_match(api):   # RAW-15
    api.add("/a/b/c/d")
    assert api.get("/b") is None
    assert api.get("/a/b") is None


def test_deleting_a_path_leaves_its_extension(api):   # RAW-16
    first, _ = api.add("/a")
    api.add("/a/b")
    api.remove(first)
    assert api.get("/a") is None
    assert api.get("/a/b")["by"] == "/a/b"


def test_deleting_a_parameter_leaves_its_extension(api):   # RAW-17
    first, _ = api.add("/:foo")
    api.add("/:foo/bar")
    api.remove(first)
    assert api.get("/a") is None
    assert api.get("/a/bar")["data"]["params"] == {"foo": "a"}


@pytest.mark.parametrize("deleted, created, asked", [("/:foo", "/a", "/a"),               # RAW-18
                                                     ("/a/:b/c", "/a/x", "/a/x")])        # RAW-19
def test_a_deleted_path_blocks_nothing(api, deleted, created, asked):
    api.remove(api.add(deleted)[0])
    api.add(created)
    assert api.get(asked)["by"] == created


def test_non_ascii_paths(route):   # RAW-20
    function, path = route("sync", "http.request", method="GET", suffix="/caf%C3%A9")
    gateway = route.gateway
    assert gateway.event("GET", path + "/caf%C3%A9").status == 200
    assert gateway.event("GET", (path + "/café").encode()).status == 200
    assert [c.json["data"]["path"] for c in function.calls] == [path + "/café"] * 2


def test_methods_are_compared_as_sent(route):   # RAW-21
    _, path = route("sync", "http.request", method="GET")
    assert route.gateway.event("HEAD", path).status == 202
    assert route.gateway.event("get", path).status == 202


def test_custom_events_on_a_parameter_path_pass_unchanged(route):   # RAW-22, 23
    from harness import cloud_event
    function, path = route("sync", "my.event", suffix="/:x")
    assert route.gateway.emit(cloud_event("my.event"), path + "/v1").status == 200
    assert function.calls[0].json == cloud_event("my.event")
    assert route.gateway.emit(cloud_event("my.event"), path + "/v1", method="GET").status == 202


def test_a_client_sent_http_request_event_is_delivered(route):   # Q16
    from harness import cloud_event
    function, path = route("sync", "http.request")
    assert route.gateway.emit(cloud_event("http.request"), path).status == 200
    assert function.calls[0].json == cloud_event("http.request")

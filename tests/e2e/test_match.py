"""The common setting `match` of middleware: which requests and events one takes part in, and that a guard
limited by it stays a guard."""
import json

import pytest

from harness import BUILD, Gateway, cloud_event, run_gateway

MARK = str(BUILD / "tests" / "middleware_mark.so")
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
# A guard by event type and one by space; a third by path that tells its hooks.
CONFIG = """
plugins = {
    middleware = ( "auth" );
    auth = {
        match = { event_types = ( "user.*" ); methods = ( "post", "PUT" ); };
        rules = ( { path = "/"; api_keys = ( { name = "ali"; key = "sesame"; } ); } );
    };
    mark = { match = { paths = ( "/marked" ); }; };
    mark2 = { refuse = true; match = { spaces = ( "closed", "shut" ); }; };
};
"""
KEY = {"x-api-key": "sesame"}


@pytest.fixture(scope="module")
def gateway():
    gateway = Gateway(config=CONFIG, args=["--plugin", MARK])
    for space in ("default", "closed", "shut"):
        for name in ("http.request", "user.created", "order.created", "both"):
            gateway.event_type(name, space=space)
        gateway.functions_of = getattr(gateway, "functions_of", {})
        gateway.functions_of[space] = gateway.function("f", '{"body":"in"}', space)
    for path in ("/", "/*rest"):
        for method in ("GET", "POST"):
            gateway.sync("http.request", "f", path, method)
        gateway.sync("user.created", "f", path)
    gateway.sync("order.created", "f", "/")
    gateway.sync("both", "f", "/two")
    gateway.asynchronous("both", "f", "/two", space="shut")
    gateway.sync("order.created", "f", "/closed", space="closed")
    gateway.settle()
    yield gateway
    gateway.close()


def marks(answer):
    return answer.headers("x-mark")


ALL = ["mark on_request", "mark on_event", "mark on_reply"]


@pytest.mark.parametrize("path", [
    "/marked", "/marked/", "/marked/x?y", "/%6darked", "/marked%2Fx", "//marked", "/x/../marked", "/./marked",
    "/x%2F..%2Fmarked", "/x%2Fy/../marked", "/x\\..\\marked", "//host/marked", "/marked;a=b/x", "/x/..;/marked",
    "/%256darked",
])
def test_a_path_matches_in_every_way_it_may_be_read(gateway, path):
    answer = gateway.event("GET", path)
    assert answer.status == 200
    assert marks(answer) == ALL


@pytest.mark.parametrize("path", ["/", "/mark", "/markedly", "/Marked", "/%25256darked", "/x/marked"])
def test_other_paths_are_passed_over(gateway, path):
    answer = gateway.event("GET", path)
    assert answer.status == 200
    assert marks(answer) == []


def test_a_guard_by_event_type_asks_for_its_events_only(gateway):
    assert gateway.emit(cloud_event("order.created")).status == 200
    assert gateway.event("GET", "/").status == 200
    assert gateway.emit(cloud_event("user.created")).status == 401
    answer = gateway.emit(cloud_event("user.created"), headers=KEY)
    assert (answer.status, answer.text) == (200, "in")
    # what is no event of these types by its mode is none by another
    assert gateway.event("POST", "/", "{}", {"Event": "user.created"}).status == 401
    binary = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "user.created"}
    assert gateway.event("POST", "/", "{}", binary).status == 401
    assert gateway.event("POST", "/", "{}", {**binary, **KEY}).status == 200


def test_who_the_guard_let_in_is_told_to_the_function(gateway):
    gateway.emit(cloud_event("user.created"), headers=KEY)
    event = gateway.functions_of["default"].calls[-1].json
    assert event["extensions"]["eventgateway"]["authorization"]["principalId"] == "ali"


def test_a_guard_by_space_stands_before_all_that_is_routed_there(gateway):
    refused = gateway.emit(cloud_event("order.created"), "/closed")
    assert (refused.status, refused.message) == (403, "refused by the mark")
    assert marks(refused) == ["mark2 on_request", "mark2 on_reply"]
    # a subscription of another space does not open the door of this one
    assert gateway.emit(cloud_event("both"), "/two").status == 403
    assert not gateway.functions_of["closed"].calls and not gateway.functions_of["shut"].calls
    assert gateway.emit(cloud_event("order.created")).status == 200
    assert gateway.emit(cloud_event("nobody.subscribed"), "/closed").status == 202


def event(event_type):
    return {"specversion": "1.0", "id": "1", "source": "/s", "type": event_type}


def test_no_event_of_a_batch_slips_by_a_guard(gateway):
    calls = gateway.functions_of["default"].calls
    before = len(calls)
    body = json.dumps([event(t) for t in ("order.created", "user.created", "user.created", "order.created")])
    answer = gateway.event("POST", "/", body, BATCH)
    assert answer.status == 400
    assert answer.message.startswith("event 1 of the batch: ")
    assert [c.json["type"] for c in calls[before:]] == ["order.created"] * 2
    assert gateway.event("POST", "/", body, {**BATCH, **KEY}).status == 202
    assert len(calls) == before + 6


def test_later_middleware_is_judged_by_the_new_type(make_gateway):
    config = """plugins = {
        mark = { rename = "renamed"; };
        mark2 = { match = { event_types = ( "renamed" ); }; };
    };"""
    gateway = make_gateway(config=config, args=["--plugin", MARK])
    answer = gateway.emit(cloud_event("original"))
    assert marks(answer) == ["mark on_request", "mark on_event", "mark2 on_request", "mark2 on_event",
                             "mark2 on_reply", "mark on_reply"]


@pytest.mark.parametrize("match, told", [
    ("{ path = ( \"/a\" ); }", "unknown key 'plugins.mark.match.path'; did you mean 'paths'?"),
    ("{ paths = ( ); }", "'plugins.mark.match.paths' has to be a list of at least one text"),
    ("{ paths = \"/a\"; }", "'plugins.mark.match.paths' has to be a list of at least one text"),
    ("{ paths = ( \"a\" ); }", "'plugins.mark.match.paths': 'a' is not a path"),
    ("{ paths = ( \"/a/*\" ); }", "'plugins.mark.match.paths': '/a/*' is not a path"),
    ("{ methods = ( 1 ); }", "'plugins.mark.match.methods': '' is not an HTTP method"),
    ("{ event_types = ( \"*.created\" ); }", "'plugins.mark.match.event_types': '*.created' is not"),
    ("{ }", "'plugins.mark.match' has to be a group with spaces, paths, methods or event_types"),
    ("( )", "'plugins.mark.match' has to be a group with spaces, paths, methods or event_types"),
    ("\"/a\"", "'plugins.mark.match' has to be a group"),
])
@pytest.mark.parametrize("is_used", [True, False])
def test_mistakes_are_told_with_their_place(tmp_path, match, told, is_used):
    config = tmp_path / "event-gateway.conf"
    used = '"mark"' if is_used else ""
    config.write_text(f'plugins = {{\n    load = ( "{MARK}" );\n    middleware = ( {used} );\n'
                      f"    mark = {{\n        match = {match};\n    }};\n}};")
    code, _, err = run_gateway("--config", str(config), "--check", "--data-dir", str(tmp_path / "data"))
    assert code == 1
    assert f"event-gateway.conf:5: {told}" in err, err


def test_it_can_be_set_on_the_command_line(make_gateway):
    gateway = make_gateway(args=["--plugin", MARK], set={
        "plugins.mark.match": '{"paths": ["/a"]}', "plugins.mark2.match": '{"methods": ["PUT"]}'})
    assert marks(gateway.event("GET", "/a"))
    assert not marks(gateway.event("GET", "/b"))


def test_it_is_explained_for_middleware_only():
    code, out, _ = run_gateway("--help-plugin", "auth")
    assert code == 0 and "Of every middleware" in out and "\n  match " in out
    for other in ("http", "embedded", "log"):
        assert "match" not in run_gateway("--help-plugin", other)[1]

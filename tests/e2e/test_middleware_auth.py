"""The middleware `auth`: rules of a configuration file in front of the real Events API."""
import json
import re

import pytest

from harness import Connection, Gateway, cloud_event, run_gateway

SECRETS = ("key-of-all", "key-of-alice", "token-of-bob", "key-for-posts", "key-of-root-x")
RULES = """
plugins = {
    middleware = ( "auth" );
    auth = {
        realm = "the gate";
        rules = (
            { path = "/admin";
              api_keys = ( "key-of-all", { name = "alice"; key = "key-of-alice"; } );
              tokens = ( { name = "bob"; token = "token-of-bob"; } ); },
            { path = "/admin"; methods = ( "POST" ); api_keys = ( "key-for-posts" ); },
            { path = "/admin/public/"; public = true; },
            { path = "/keys"; api_keys = ( "key-of-all" ); },
            { path = "/tokens"; tokens = ( "token-of-bob" ); },
            { path = "/caf\\xc3\\xa9"; api_keys = ( "key-of-all" ); }
        );
    };
};
log = { level = "debug"; };
"""
KEY = {"x-api-key": "key-of-all"}


@pytest.fixture(scope="module")
def gateway():
    gateway = Gateway(config=RULES)
    gateway.event_type("http.request")
    gateway.event_type("e")
    gateway.all = gateway.function("all", '{"body":"in"}')
    for method in ("GET", "POST"):
        gateway.sync("http.request", "all", "/", method)
        gateway.sync("http.request", "all", "/*rest", method)
    gateway.sync("e", "all", "/admin/events")
    gateway.settle()
    yield gateway
    gateway.close()
    for secret in SECRETS:
        assert secret not in gateway.log


def is_open(gateway, path, headers=None, method="GET"):
    answer = gateway.event(method, path, headers=headers)
    assert answer.status in (200, 401, 403), answer
    return answer.status == 200


@pytest.mark.parametrize("path", ["/", "/other", "/administrator", "/x/admin", "/Admin"])
def test_paths_without_a_rule_are_open(gateway, path):
    assert is_open(gateway, path)
    assert is_open(gateway, path, {"x-api-key": "whatever"})


@pytest.mark.parametrize("headers", [
    {}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}, {"Authorization": "token-of-bob"},
    {"x-api-key": ""}, {"Cookie": "x-api-key=key-of-all"},
])
def test_without_a_credential_it_is_401_with_a_challenge(gateway, headers):
    seen = len(gateway.all.calls)
    answer = gateway.event("GET", "/admin", headers=headers)
    assert answer.status == 401
    assert answer.message == "Authentication required."
    assert answer.header("WWW-Authenticate") == 'Bearer realm="the gate"'
    assert answer.header("x-request-id")
    assert len(gateway.all.calls) == seen


@pytest.mark.parametrize("headers", [
    {"x-api-key": "key-of-al"}, {"x-api-key": "key-of-all2"}, {"x-api-key": "KEY-OF-ALL"},
    {"x-api-key": "token-of-bob"}, {"x-api-key": "key-for-posts"}, {"x-api-key": "x" * 8000},
    {"Authorization": "Bearer token-of-bo"}, {"Authorization": "Bearer key-of-all"},
    {"Authorization": "Bearer token-of-bob, token-of-bob"}, {"x-api-key": "key-of-all, x"},
])
def test_a_wrong_credential_is_403(gateway, headers):
    seen = len(gateway.all.calls)
    answer = gateway.event("GET", "/admin/deep/path", headers=headers)
    assert answer.status == 403
    assert answer.message == "Access denied."
    assert len(gateway.all.calls) == seen


@pytest.mark.parametrize("headers", [
    KEY, {"X-API-KEY": "key-of-alice"}, {"Authorization": "Bearer token-of-bob"},
    {"authorization": "bearer   token-of-bob"}, {"x-api-key": "wrong", "Authorization": "Bearer token-of-bob"},
])
def test_a_right_credential_opens_everything_below(gateway, headers):
    for path in ("/admin", "/admin/", "/admin/deep/path", "/admin?x=1"):
        assert is_open(gateway, path, headers), path


def test_the_rule_of_a_method_comes_before_the_one_of_all(gateway):
    assert not is_open(gateway, "/admin", KEY, "POST")
    assert is_open(gateway, "/admin", {"x-api-key": "key-for-posts"}, "POST")
    assert not is_open(gateway, "/admin", {"x-api-key": "key-for-posts"}, "GET")


def test_the_longest_path_wins(gateway):
    assert is_open(gateway, "/admin/public")
    assert is_open(gateway, "/admin/public/x")
    assert not is_open(gateway, "/admin/publicity")


def test_keys_and_tokens_are_apart(gateway):
    bearer = {"Authorization": "Bearer token-of-bob"}
    assert is_open(gateway, "/keys", KEY) and not is_open(gateway, "/keys", bearer)
    assert is_open(gateway, "/tokens", bearer) and not is_open(gateway, "/tokens", KEY)


@pytest.mark.parametrize("path", [
    "/%61dmin", "/%61%64%6d%69%6e/x", "/admi%6E", "/admin%2Fx", "/admin%2fpublic", "/admin/public%2F..", "/caf%C3%A9", "/caf%c3%a9/x",
    "/caf\u00e9",
])
def test_escapes_open_no_door(gateway, path):
    assert not is_open(gateway, path)
    assert is_open(gateway, path, KEY)


def test_an_absolute_target_opens_no_door(gateway):
    target = f"http://127.0.0.1:{gateway.events_port}/admin"
    assert not is_open(gateway, target)
    assert is_open(gateway, target, KEY)


def test_a_key_given_twice_is_not_added_up(gateway):
    answer = gateway.event("GET", "/admin", headers=[("x-api-key", "wrong"), ("x-api-key", "wrong too")])
    assert answer.status == 403


def test_refusals_leave_the_connection_usable(gateway):
    with Connection(gateway.events_port) as connection:
        for headers, status in (("", 401), ("x-api-key: wrong\r\n", 403), ("x-api-key: key-of-all\r\n", 200)) * 3:
            connection.send(f"GET /admin HTTP/1.1\r\nHost: a\r\n{headers}\r\n")
            assert connection.read().status == status


def test_events_of_every_mode_are_refused_before_they_are_looked_at(gateway):
    received = gateway.metric("eventgateway_events_received_total", space="default", type="e") or 0
    for answer in (gateway.emit(cloud_event("e"), "/admin/events"), gateway.emit("{broken", "/admin/events"),
                   gateway.event("POST", "/admin/events", "x", {"Event": "e"})):
        assert answer.status == 401
    assert (gateway.metric("eventgateway_events_received_total", space="default", type="e") or 0) == received
    key = {"x-api-key": "key-for-posts"}
    assert gateway.emit(cloud_event("e"), "/admin/events", headers=key).status == 200


@pytest.mark.parametrize("headers,name", [
    ({"x-api-key": "key-of-alice"}, "alice"), ({"Authorization": "Bearer token-of-bob"}, "bob"), (KEY, None),
])
def test_the_consumer_goes_to_the_function_as_principal(gateway, headers, name):
    assert is_open(gateway, "/admin/me", headers)
    extensions = gateway.all.calls[-1].json.get("extensions", {}).get("eventgateway", {})
    assert extensions.get("authorization", {}).get("principalId") == name


def test_a_client_cannot_name_itself_the_principal(gateway):
    forged = {"eventgateway": {"authorization": {"principalId": "root"}}}
    event = cloud_event("e", extensions=forged)
    assert gateway.emit(event, "/admin/events", headers={"x-api-key": "key-for-posts"}).status == 200
    assert "root" not in json.dumps(gateway.all.calls[-1].json)


def test_a_rule_for_the_root_closes_everything(make_gateway):
    gateway = make_gateway(config='plugins = { middleware = ( "auth" ); auth = { rules = ('
                                  '{ path = "/"; api_keys = ( "key-of-root-x" ); } ); }; };')
    for path in ("/", "/a/b", "/%2F", "//"):
        assert gateway.event("POST", path).status == 401
        assert gateway.event("POST", path, headers={"x-api-key": "key-of-root-x"}).status == 202
    assert gateway.config("GET", "/v1/status").status == 200, "the Config API has a token of its own"
    answer = gateway.event("OPTIONS", "/a", headers={"Origin": "http://a", "Access-Control-Request-Method": "GET"})
    assert answer.status in (200, 401)


@pytest.mark.parametrize("rules,told", [
    ('{ path = "/a"; }', "'api_keys' or 'tokens'"),
    ('{ path = "/a"; api_keys = (); }', "'api_keys' or 'tokens'"),
    ('{ path = "/a"; api_keys = ( "" ); }', "credential"),
    ('{ path = "/a"; api_keys = ( "k" ); public = true; }', "'public = true'"),
    ('{ path = "a"; api_keys = ( "k" ); }', "has to begin with /"),
    ('{ api_keys = ( "k" ); }', "has to begin with /"),
    ('{ path = "/a"; api_keyss = ( "k" ); }', "unknown key 'api_keyss'"),
    ('{ path = "/a"; api_keys = "k"; }', "has to be a list"),
    ('{ path = "/a"; methods = ( 1 ); api_keys = ( "k" ); }', "list of texts"),
    ('{ path = "/a"; tokens = ( { name = "x"; key = "k"; } ); }', "unknown key 'key'"),
    ('{ path = "/a"; api_keys = ( "k" ); }, { path = "/a/"; tokens = ( "t" ); }', "same path and method"),
    ('"/a"', "has to be a group"),
])
def test_mistakes_in_rules_are_refused_at_start(tmp_path, rules, told):
    config = tmp_path / "event-gateway.conf"
    config.write_text(f'plugins = {{ middleware = ( "auth" ); auth = {{ rules = ( {rules} ); }}; }};')
    code, _, err = run_gateway("--config", str(config), "--check", "--data-dir", str(tmp_path / "data"))
    assert code != 0
    assert told in err and re.search(r"rule [12]", err), err


def test_settings_are_explained():
    code, out, _ = run_gateway("--help-plugin", "auth")
    assert code == 0 and "rules" in out and "realm" in out

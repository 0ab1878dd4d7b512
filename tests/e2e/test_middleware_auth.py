"""The middleware `auth`: rules of a configuration file in front of the real Events API."""
import base64
import concurrent.futures
import hashlib
import json
import re
import subprocess

import pytest

from harness import Connection, Gateway, cloud_event, run_gateway, wait_for

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


@pytest.mark.parametrize("path", ["/%61dmin", "/%61%64%6d%69%6e/x", "/admi%6E", "/caf%C3%A9", "/caf%c3%a9/x", "/caf\u00e9"])
def test_escapes_open_no_door(gateway, path):
    assert not is_open(gateway, path)
    assert is_open(gateway, path, KEY)


@pytest.mark.parametrize("path", [
    "//admin", "/./admin", "/x/../admin", "/%2e/admin", "/x/%2E%2e/admin", "/x%2f..%2fadmin", "/admin%2Fx", "/admin%2fpublic",
    "/admin/public%2Fx", "/admin/public/..", "/%2fadmin", "/x\\..\\admin", "/\\host/admin", "//host/admin", "/x/..;/admin", "/admin;x=1",
    "/%2561dmin", "/x%252F..%252Fadmin", "/x;/" + "y" * 600,
])
def test_a_path_that_a_function_may_read_as_another_one_is_refused(gateway, path):
    seen = len(gateway.all.calls)
    for headers in ({}, KEY):
        answer = gateway.event("GET", path, headers=headers)
        assert answer.status == 400
        assert answer.message == "This path can be read in several ways: write it without //, ., .., ;, backslashes, %2F and %25."
    assert len(gateway.all.calls) == seen


@pytest.mark.parametrize("path", ["/admin/", "/admin//", "/admin/a%2Fb", "/admin/./a/../b//c"])
def test_odd_paths_within_one_rule_are_as_good_as_others(gateway, path):
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
    assert gateway.event("OPTIONS", "*").status == 401
    assert gateway.event("OPTIONS", "*", headers={"x-api-key": "key-of-root-x"}).status == 202
    answer = gateway.event("OPTIONS", "/a", headers={"Origin": "http://a", "Access-Control-Request-Method": "GET"})
    assert answer.status in (200, 401)


@pytest.mark.parametrize("rules,told", [
    ('{ path = "/a"; }', "'api_keys' or 'tokens'"),
    ('{ path = "/a"; api_keys = (); }', "'api_keys' is an empty list"),
    ('{ path = "/users/:id"; api_keys = ( "k" ); }', "and wildcards"),
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


# ---- consumers, passwords, addresses ----

CONSUMERS = """
plugins = {
    middleware = ( "auth" );
    auth = {
        key_header = "x-my-key";
        trusted_proxies = ( "127.0.0.1" );
        deny_ips = ( "192.0.2.66" );
        password_checks = 64;
        consumers = (
            { name = "alice"; metadata = { plan = "gold"; }; password = "%(password)s";
              api_keys = ( "sha256:%(hash)s", "a-second-key-of-alice" ); },
            { name = "bob"; tokens = ( "token-of-bob" ); }
        );
        rules = ( { path = "/all"; consumers = ( "*" ); },
                  { path = "/bob"; consumers = ( "bob" ); },
                  { path = "/near"; public = true; allow_ips = ( "203.0.113.0/24", "2001:db8::/32" ); } );
    };
};
"""


@pytest.fixture(scope="module")
def consumers():
    hashed = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input="correct horse", text=True, check=True,
                            capture_output=True).stdout.strip()
    digest = hashlib.sha256(b"a-key-of-alice").hexdigest()
    gateway = Gateway(config=CONSUMERS % {"password": hashed, "hash": digest})
    gateway.event_type("http.request")
    gateway.all = gateway.function("all", '{"body":"in"}')
    for path in ("/all", "/bob", "/near", "/free"):
        gateway.sync("http.request", "all", path, "GET")
    gateway.settle()
    yield gateway
    gateway.close()
    assert "correct horse" not in gateway.log and "a-second-key" not in gateway.log


def basic(name, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


ALICE = {"principalId": "alice", "context": {"plan": "gold"}}


@pytest.mark.parametrize("headers,told", [
    ({"x-my-key": "a-key-of-alice"}, ALICE), ({"x-my-key": "a-second-key-of-alice"}, ALICE),
    (basic("alice", "correct horse"), ALICE),
    ({"Authorization": "Bearer token-of-bob"}, {"principalId": "bob", "context": None}),
])
def test_consumers_and_their_metadata_go_to_the_function(consumers, headers, told):
    for _ in range(2):
        assert is_open(consumers, "/all", headers)
        assert consumers.all.calls[-1].json["extensions"]["eventgateway"]["authorization"] == told


@pytest.mark.parametrize("headers,status", [
    ({"x-my-key": "sha256:" + hashlib.sha256(b"a-key-of-alice").hexdigest()}, 403),
    ({"x-api-key": "a-key-of-alice"}, 401), (basic("alice", "correct"), 401), (basic("bob", "correct horse"), 401),
    (basic("nobody", "correct horse"), 401), (basic("alice", ""), 401), ({"Authorization": "Basic !"}, 401),
    ({"Authorization": "Basic " + "A" * 6000}, 401), (basic("alice", "x" * 500), 401),
])
def test_what_is_no_credential_of_a_consumer_is_refused(consumers, headers, status):
    answer = consumers.event("GET", "/all", headers=headers)
    assert answer.status == status
    assert status == 403 or "Basic realm=" in ", ".join(answer.headers("WWW-Authenticate"))


def test_a_consumer_opens_only_rules_that_name_them(consumers):
    assert not is_open(consumers, "/bob", {"x-my-key": "a-key-of-alice"})
    assert not is_open(consumers, "/bob", basic("alice", "correct horse"))
    assert is_open(consumers, "/bob", {"Authorization": "Bearer token-of-bob"})


def test_passwords_are_checked_at_the_same_time(consumers):
    def ask(number):
        right = number % 2 == 0
        return right, consumers.event("GET", "/all", headers=basic("alice", "correct horse" if right else f"w{number}"))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for right, answer in pool.map(ask, range(24)):
            assert answer.status == (200 if right else 401)


@pytest.mark.parametrize("path,forwarded,is_in", [
    ("/near", "203.0.113.9", True), ("/near", "2001:db8::1", True), ("/near", "::ffff:203.0.113.9", True),
    ("/near", "198.51.100.1", False), ("/near", "203.0.113.9, 198.51.100.1", False), ("/near", None, False),
    ("/near", "unknown", False), ("/free", "192.0.2.66", False), ("/free", "192.0.2.67", True), ("/free", None, True),
])
def test_addresses_are_let_in_or_not(consumers, path, forwarded, is_in):
    answer = consumers.event("GET", path, headers={"X-Forwarded-For": forwarded} if forwarded else {})
    assert answer.status == (200 if is_in else 403)


def test_the_line_that_the_proxy_added_counts_however_many_the_client_sent(consumers):
    for count in (1, 63, 64, 65, 150):
        lines = [("X-Forwarded-For", "203.0.113.9")] * count + [("X-Forwarded-For", "198.51.100.1")]
        assert consumers.event("GET", "/near", headers=lines).status == 403, count
        assert consumers.event("GET", "/near", headers=lines[::-1]).status == 200, count


@pytest.mark.parametrize("is_hidden", [False, True])
def test_functions_may_be_kept_from_seeing_the_credential(make_gateway, is_hidden):
    hashed = subprocess.run(["openssl", "passwd", "-6", "pw"], text=True, check=True, capture_output=True).stdout.strip()
    gateway = make_gateway(config=CONSUMERS % {"password": hashed, "hash": "0" * 64},
                           set={"plugins.auth.hide_credentials": str(is_hidden).lower()})
    gateway.event_type("http.request")
    gateway.all = gateway.function("all", '{"body":"in"}')
    gateway.sync("http.request", "all", "/all", "GET")
    gateway.settle()
    for secret, headers in (("a-second-key-of-alice", {"x-my-key": "a-second-key-of-alice", "x-other": "stays"}),
                            ("token-of-bob", {"Authorization": "Bearer token-of-bob", "x-other": "stays"}),
                            ("Basic", {**basic("alice", "pw"), "x-other": "stays"})):
        assert is_open(gateway, "/all", headers)
        seen = json.dumps(gateway.all.calls[-1].json)
        assert (secret in seen) != is_hidden and "stays" in seen


@pytest.mark.parametrize("header,match", [("te", ""), ("x-api-key", 'match = { event_types = ( "http.request" ); };')])
def test_a_credential_that_cannot_be_hidden_lets_nobody_in(make_gateway, header, match):
    gateway = make_gateway(config=f"""plugins = {{ middleware = ( "auth" ); auth = {{ {match} key_header = "{header}";
        hide_credentials = true; rules = ( {{ path = "/"; api_keys = ( "the-key" ); }} ); }}; }};""")
    gateway.event_type("http.request")
    function = gateway.function("all", '{"body":"in"}')
    gateway.sync("http.request", "all", "/all", "GET")
    gateway.settle()
    assert gateway.event("GET", "/all", headers={header: "the-key"}).status == 500
    assert not function.calls
    wait_for(lambda: f"'{header}' cannot be taken out of requests" in gateway.log, "the log")


def test_what_was_refused_and_let_in_is_counted(consumers):
    before = consumers.metric("eventgateway_auth_accepted_total", by="token") or 0
    assert is_open(consumers, "/bob", {"Authorization": "Bearer token-of-bob"})
    assert consumers.metric("eventgateway_auth_accepted_total", by="token") == before + 1
    refused = consumers.metric("eventgateway_auth_refused_total", reason="address") or 0
    assert consumers.event("GET", "/near").status == 403
    assert consumers.metric("eventgateway_auth_refused_total", reason="address") == refused + 1

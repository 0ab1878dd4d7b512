"""JSON Web Tokens and the middleware `auth`: every algorithm, a server of keys that rotate and that goes away,
and tokens that nobody should take."""
import json
import socket
import time

import pytest

from harness import Gateway, wait_for
from jose import Key, KeyServer, b64, token

ALGORITHMS = ("RS256", "RS512", "PS256", "PS384", "ES256", "ES384", "ES512", "EdDSA")
SECRET = b"a secret of thirty-two bytes, or more"
CONFIG = """
plugins = {
    middleware = ( "auth" );
    auth = {
        issuers = (
            { name = "remote"; issuer = "https://id.example"; audiences = ( "api" ); keys_url = "%(url)s";
              algorithms = ( "RS256", "RS512", "PS256", "PS384", "ES256", "ES384", "ES512", "EdDSA" );
              claims = ( "email", "roles" ); cooldown = 1; refresh = 1; max_stale = 3600; },
            { name = "shared"; issuer = "machine"; audiences = ( "api" ); secret = "%(secret)s";
              algorithms = ( "HS256" ); },
            { name = "fixed"; issuer = "fixed"; audiences = ( "api" ); algorithms = ( "%(fixed)s" );
              public_key = "%(pem)s"; }
        );
        rules = (
            { path = "/a"; issuers = ( "remote", "shared", "fixed" ); },
            { path = "/write"; issuers = ( "remote" ); scopes = ( "write" ); },
            { path = "/shared"; issuers = ( "shared" ); tokens = ( "a-static-one" ); }
        );
    };
};
log = { level = "debug"; };
"""


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return {algorithm: Key(folder, algorithm.lower(), algorithm) for algorithm in ALGORITHMS}


@pytest.fixture(scope="module")
def server(keys):
    server = KeyServer(list(keys.values()))
    yield server
    server.close()


def start(url, pem, fixed="EdDSA", maker=Gateway, **options):
    values = {"url": url, "secret": SECRET.decode(), "pem": pem.replace("\n", "\\n"), "fixed": fixed}
    gateway = maker(config=CONFIG % values, **options)
    gateway.all = gateway.function("all", '{"body":"in"}')
    gateway.event_type("http.request")
    for path in ("/a", "/write", "/shared"):
        gateway.sync("http.request", "all", path, "GET")
    gateway.settle()
    return gateway


@pytest.fixture(scope="module")
def gateway(server, keys):
    gateway = start(server.url, keys["RS256"].pem, "RS256")
    yield gateway
    gateway.close()
    assert SECRET.decode() not in gateway.log


def claims(**more):
    now = int(time.time())
    return {"iss": "https://id.example", "aud": "api", "sub": "alice", "iat": now, "exp": now + 600, **more}


def ask(gateway, bearer, path="/a"):
    return gateway.event("GET", path, headers={"Authorization": f"Bearer {bearer}"})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_tokens_of_every_algorithm_are_taken(gateway, keys, algorithm):
    bearer = token(keys[algorithm], claims())
    for _ in range(3):   # verified, and out of the cache
        assert ask(gateway, bearer).status == 200
    head, body, signature = bearer.split(".")
    flipped = ("A" if signature[5] != "A" else "B").join((signature[:5], signature[6:]))
    assert ask(gateway, f"{head}.{body}.{flipped}").status == 401
    other = b64(claims(sub="mallory"))
    assert ask(gateway, f"{head}.{other}.{signature}").status == 401


def test_a_secret_and_a_fixed_key_are_taken(gateway, keys):
    assert ask(gateway, token(SECRET, claims(iss="machine"))).status == 200
    assert ask(gateway, token(keys["RS256"], claims(iss="fixed"), kid=None)).status == 200
    assert ask(gateway, token(SECRET + b"!", claims(iss="machine"))).status == 401


def test_the_subject_and_chosen_claims_go_to_the_function(gateway, keys):
    bearer = token(keys["ES256"], claims(email="a@example.com", roles=["x", "y"], other="z"))
    assert ask(gateway, bearer).status == 200
    told = gateway.all.calls[-1].json["extensions"]["eventgateway"]["authorization"]
    assert told == {"principalId": "alice", "context": {"email": "a@example.com", "roles": "x y"}}


def test_scopes_decide(gateway, keys):
    assert ask(gateway, token(keys["ES256"], claims(scope="read write")), "/write").status == 200
    answer = ask(gateway, token(keys["ES256"], claims(scope="read")), "/write")
    assert answer.status == 403
    assert answer.header("WWW-Authenticate") == \
        'Bearer realm="event-gateway", error="insufficient_scope", scope="write"'


def hostile(keys):
    rsa = keys["RS256"]
    head = b64({"alg": "none"})
    deep = b64(b'{"a":' * 3000 + b"1" + b"}" * 3000)
    return {
        "wrong audience": token(rsa, claims(aud="other")),
        "wrong issuer": token(rsa, claims(iss="https://evil.example")),
        "issuer of another source": token(rsa, claims(iss="machine")),
        "expired": token(rsa, claims(exp=int(time.time()) - 31)),
        "exp is a text": token(rsa, claims(exp="9999999999")),
        "exp is negative": token(rsa, claims(exp=-1)),
        "exp is far too big": token(rsa, claims(exp=10 ** 30)),
        "nbf is to come": token(rsa, claims(nbf=int(time.time()) + 100)),
        "no exp": token(rsa, {k: v for k, v in claims().items() if k != "exp"}),
        "wrong typ": token(rsa, claims(), typ="logout+jwt"),
        "crit": token(rsa, claims(), crit=["exp"]),
        "none, unsigned": f"{head}.{b64(claims())}.",
        "none, signed": f"{head}.{b64(claims())}.AAAA",
        "public key as secret": token(rsa.pem.encode(), claims(), kid=rsa.kid),
        "public key as secret, fixed": token(rsa.pem.encode(), claims(iss="fixed")),
        "a key of its own": token(rsa, claims(), kid="mine", jwk=rsa.jwk),
        "kid of another key": token(rsa, claims(), kid=keys["RS512"].kid),
        "algorithm of another key": token(keys["RS256"], claims(), alg="PS256"),
        "a claim twice": token(rsa, json.dumps(claims())[:-1].encode() + b', "sub": "root"}'),
        "a claim twice, escaped": token(rsa, json.dumps(claims())[:-1].encode() + b', "s\\u0075b": "root"}'),
        "many dots": "." * 9000,
        "huge": "A" * 15000 + "." + "A" * 9000 + ".AA",
        "deep claims": f"{b64({'alg': 'RS256'})}.{deep}.AAAA",
        "deep header": f"{deep}.e30.AAAA",
        "not base64url": "****.****.****",
        "opaque": "0123456789abcdef",
    }


def test_hostile_tokens_are_refused_without_a_word_why(gateway, keys):
    seen = len(gateway.all.calls)
    for name, bearer in hostile(keys).items():
        answer = ask(gateway, bearer)
        assert answer.status == 401, name
        assert answer.message == "This token is not accepted: get a new one.", name
        assert answer.header("WWW-Authenticate") == 'Bearer realm="event-gateway", error="invalid_token"', name
    assert len(gateway.all.calls) == seen
    wait_for(lambda: "its alg is none of those of its issuer" in gateway.log, "the log")


def test_static_tokens_stand_beside_issuers(gateway):
    assert ask(gateway, "a-static-one", "/shared").status == 200
    assert ask(gateway, token(SECRET, claims(iss="machine")), "/shared").status == 200
    assert ask(gateway, "another", "/shared").status == 401
    assert gateway.event("GET", "/shared").status == 401


def test_a_client_cannot_write_the_authorization_itself(gateway, keys):
    bearer = token(keys["ES256"], claims())
    forged = json.dumps({"eventgateway": {"authorization": {"principalId": "root"}}})
    answer = gateway.event("GET", "/a", headers={"Authorization": f"Bearer {bearer}", "CE-Eventgateway": forged})
    assert answer.status == 200
    assert gateway.all.calls[-1].json["extensions"]["eventgateway"]["authorization"]["principalId"] == "alice"


def test_keys_rotate_and_their_server_may_go_away(tmp_path):
    old, new = Key(tmp_path, "old", "ES256"), Key(tmp_path, "new", "EdDSA")
    server = KeyServer([old])
    gateway = start(server.url, PEM, set={"loops": 1})   # each loop asks for itself
    try:
        of_old, of_new = token(old, claims()), token(new, claims())
        assert ask(gateway, of_old).status == 200
        assert ask(gateway, of_new).status == 401

        server.keys = [new]
        # cooldown is a second; until then nobody asks again
        wait_for(lambda: ask(gateway, of_new).status == 200, "the new key")
        wait_for(lambda: ask(gateway, of_old).status == 401, "the end of the old key")

        server.is_away = True
        count = server.count
        wait_for(lambda: ask(gateway, of_new).status == 200 and server.count > count, "a fetch that fails")
        assert ask(gateway, of_new).status == 200
        assert (gateway.metric("eventgateway_auth_key_fetches_total", outcome="failed") or 0) > 0

        before = server.count
        for _ in range(50):   # unknown keys do not become requests one by one
            ask(gateway, token(new, claims(), kid="unknown"))
        assert server.count - before < 30
    finally:
        gateway.close()
        server.close()


def test_a_reload_keeps_the_keys_unless_it_changes_the_settings(tmp_path):
    key = Key(tmp_path, "k", "EdDSA")
    server = KeyServer([key])
    gateway = start(server.url, PEM, set={"loops": 1})
    try:
        bearer = token(key, claims())
        assert ask(gateway, bearer).status == 200
        server.is_away = True
        for change, status in (("3600", 200), ("3601", 503)):
            gateway.config_file.write_text(gateway.config_file.read_text().replace("max_stale = 3600", f"max_stale = {change}"))
            assert gateway.config("POST", "/v1/plugins/reload").status == 200
            wait_for(lambda wanted=status: ask(gateway, bearer).status == wanted, f"a {status}")
        server.is_away = False
        wait_for(lambda: ask(gateway, bearer).status == 200, "the keys")
    finally:
        gateway.close()
        server.close()


def test_without_keys_the_answer_is_503(make_gateway):
    gateway = start("http://127.0.0.1:1/keys", PEM, maker=make_gateway)
    answer = ask(gateway, f"{b64({'alg': 'ES256', 'kid': 'x'})}.{b64(claims())}.AAAA")
    assert answer.status == 503
    assert answer.header("Retry-After") == "1"
    assert ask(gateway, token(SECRET, claims(iss="machine"))).status == 200, "others do not care"


def test_a_key_server_that_never_answers_is_503_as_well(make_gateway):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        gateway = start(f"http://127.0.0.1:{silent.getsockname()[1]}/keys", PEM, maker=make_gateway)
        answer = ask(gateway, f"{b64({'alg': 'ES256', 'kid': 'x'})}.{b64(claims())}.AAAA")
        assert answer.status == 503
        assert ask(gateway, token(SECRET, claims(iss="machine"))).status == 200
        gateway.stop()   # and nothing waits for it


# RFC 8037 A.2, in PEM; for an issuer that nobody uses here.
PEM = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
"""

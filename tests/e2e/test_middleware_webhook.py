"""The middleware `webhook`: signed requests to the real gateway, and the handshake of CloudEvents."""
import base64
import hashlib
import hmac
import http.server
import json
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import PATIENCE, Connection, Gateway, cloud_event, run_gateway, wait_for

STANDARD = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
CONFIG = """
plugins = {
    middleware = ( "webhook" );
    webhook = {
        principal = true;
        extension = "hook";
        allowed_origins = ( "*.example.com" );
        allowed_rate = 120;
        rules = (
            { path = "/standard"; name = "billing"; scheme = "standard"; secrets = ( "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" ); },
            { path = "/github"; scheme = "github"; secrets = ( "new-secret", "old-secret" ); },
            { path = "/stripe"; scheme = "stripe"; secrets = ( "whsec_of_stripe" ); },
            { path = "/slack"; scheme = "slack"; secrets = ( "secret-of-slack" ); },
            { path = "/shopify"; scheme = "shopify"; secrets = ( "secret-of-shopify" ); },
            { path = "/own"; scheme = "hmac"; secrets = ( "secret-of-our-own" ); header = "X-Sum"; algorithm = "sha512"; encoding = "base64";
              signed = "{timestamp}|{body}"; timestamp_header = "X-Time"; },
            { path = "/github/status"; scheme = "none"; }
        );
    };
};
log = { level = "debug"; };
"""
SECRETS = ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "new-secret", "old-secret", "whsec_of_stripe", "secret-of")


def mac(key, text, algorithm="sha256"):
    return hmac.new(key if isinstance(key, bytes) else key.encode(), text, algorithm)


def b64(digest):
    return base64.b64encode(digest).decode()


def standard(body, now, key=STANDARD, number=[0]):
    number[0] += 1
    ident = f"msg_{number[0]}"
    return {"webhook-id": ident, "webhook-timestamp": str(now),
            "webhook-signature": "v1," + b64(mac(key, f"{ident}.{now}.".encode() + body).digest())}


def github(body, now, key="new-secret"):
    return {"X-Hub-Signature-256": "sha256=" + mac(key, body).hexdigest(), "X-GitHub-Delivery": "d-1"}


def stripe(body, now, key="whsec_of_stripe"):
    return {"Stripe-Signature": f"t={now},v1={mac(key, f'{now}.'.encode() + body).hexdigest()},v0=00"}


def slack(body, now, key="secret-of-slack"):
    return {"X-Slack-Request-Timestamp": str(now),
            "X-Slack-Signature": "v0=" + mac(key, f"v0:{now}:".encode() + body).hexdigest()}


def shopify(body, now, key="secret-of-shopify"):
    return {"X-Shopify-Hmac-Sha256": b64(mac(key, body).digest())}


def own(body, now, key="secret-of-our-own"):
    return {"X-Time": str(now), "X-Sum": b64(mac(key, f"{now}|".encode() + body, "sha512").digest())}


SCHEMES = {"standard": standard, "github": github, "stripe": stripe, "slack": slack, "shopify": shopify, "own": own}
TIMED = ["standard", "stripe", "slack", "own"]


@pytest.fixture(scope="module")
def gateway():
    gateway = Gateway(config=CONFIG)
    gateway.event_type("http.request")
    gateway.event_type("e")
    gateway.all = gateway.function("all", '{"body":"in"}')
    gateway.sync("http.request", "all", "/*rest", "POST")
    gateway.sync("e", "all", "/*rest")
    gateway.settle()
    yield gateway
    gateway.close()
    for secret in SECRETS:
        assert secret not in gateway.log


def now():
    return int(time.time())


_count = iter(range(10**9))


def fresh():
    """A body that no other test sends: bytes that are no text, since bytes are signed."""
    return b"\x00\xff{%d}\r\n" % next(_count)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_signed_request_comes_through_byte_by_byte(gateway, scheme):
    body = fresh()
    answer = gateway.event("POST", f"/{scheme}/x?a=b", body, SCHEMES[scheme](body, now()))
    assert (answer.status, answer.text) == (200, "in")
    assert base64.b64decode(gateway.all.calls[-1].json["data"]["body"]) == body


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("spoil", ["body", "key", "header", "flip"])
def test_what_is_not_signed_rightly_is_401_and_calls_nothing(gateway, scheme, spoil):
    body, seen = fresh(), len(gateway.all.calls)
    headers = SCHEMES[scheme](body, now(), *([STANDARD[::-1] if scheme == "standard" else "another"] if spoil == "key" else []))
    name = [n for n in headers if "ign" in n or n in ("X-Sum", "X-Shopify-Hmac-Sha256")][0]
    if spoil == "header":
        del headers[name]
    if spoil == "flip":
        text = headers[name]
        at = max(text.rfind("v1=") + 3, len(text) - 20 if "v1=" not in text else 0)
        headers[name] = text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1:]
    answer = gateway.event("POST", f"/{scheme}", body + (b" " if spoil == "body" else b""), headers)
    assert answer.status == 401
    assert answer.header("WWW-Authenticate").startswith("Webhook scheme=")
    assert answer.message == (f"This path takes signed requests only: there is no header '{name.lower() if scheme != 'own' else name}'."
                              if spoil == "header" else "The signature of this request is not right.")
    assert len(gateway.all.calls) == seen


@pytest.mark.parametrize("scheme", TIMED)
def test_a_time_that_is_too_far_is_401(gateway, scheme):
    body = fresh()
    for shift in (-400, 400):
        answer = gateway.event("POST", f"/{scheme}", body, SCHEMES[scheme](body, now() + shift))
        assert (answer.status, answer.message) == (401, "The time of this request is too far from now.")
    assert gateway.event("POST", f"/{scheme}", body, SCHEMES[scheme](body, now() - 200)).status == 200


@pytest.mark.parametrize("scheme", TIMED)
def test_the_same_delivery_is_not_accepted_twice(gateway, scheme):
    body = fresh()
    headers = SCHEMES[scheme](body, now())
    assert gateway.event("POST", f"/{scheme}", body, headers).status == 200
    seen = len(gateway.all.calls)
    answer = gateway.event("POST", f"/{scheme}", body, headers)
    assert (answer.status, answer.message) == (409, "This delivery was accepted already.")
    assert len(gateway.all.calls) == seen


def test_of_many_at_once_one_is_accepted(make_gateway):
    gateway = make_gateway(config=CONFIG, set={"loops": 4})
    body = b"{}"
    headers = stripe(body, now())
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: gateway.event("POST", "/stripe", body, headers).status, range(64)))
    assert sorted(answers) == [202] + [409] * 63


def test_a_failed_delivery_may_be_repeated(gateway):
    body = fresh()
    headers = stripe(body, now())
    gateway.all.answer = (500, "broken")
    try:
        assert gateway.event("POST", "/stripe", body, headers).status == 500
    finally:
        gateway.all.answer = '{"body":"in"}'
    assert gateway.event("POST", "/stripe", body, headers).status == 200
    assert gateway.event("POST", "/stripe", body, headers).status == 409


def test_the_old_secret_works_until_it_is_taken_out(gateway):
    body = fresh()
    assert gateway.event("POST", "/github", body, github(body, 0, "old-secret")).status == 200
    assert gateway.event("POST", "/github", body, github(body, 0, "oldest-secret")).status == 401


@pytest.mark.parametrize("headers", [
    {"X-Hub-Signature-256": "sha256=" + "0" * 63}, {"X-Hub-Signature-256": "sha256=" + "g" * 64},
    {"X-Hub-Signature-256": "sha1=" + "0" * 40}, {"X-Hub-Signature-256": "x" * 8000},
])
def test_what_cannot_be_read_is_400(gateway, headers):
    answer = gateway.event("POST", "/github", "{}", headers)
    assert (answer.status, answer.message) == (400, "The header 'x-hub-signature-256' cannot be read.")


def test_a_signature_that_is_there_twice_is_400(gateway):
    body = fresh()
    right = github(body, 0)["X-Hub-Signature-256"]
    for pair in ((right, right), ("sha256=" + "0" * 64, right), (right, "")):
        answer = gateway.event("POST", "/github", body, [("X-Hub-Signature-256", value) for value in pair])
        assert (answer.status, answer.message) == (400, "The header 'x-hub-signature-256' may be there once only.")


@pytest.mark.parametrize("path,status", [
    ("/github/status", 200), ("/other", 200), ("/githubs", 200), ("/%67ithub", 401), ("/github//x", 401), ("/github%2Fx", 400),
    ("/github/status%2F..", 400), ("/github/status/../x", 400), ("//github", 400), ("/x/../github", 400), ("/other//x", 200),
    ("/x\\..\\github", 400), ("//host/github", 400), ("/x/..;/github", 400), ("/%2567ithub", 400), ("/other;x=1", 200),
    ("/x;/" + "y" * 600, 400), ("/x/" + "y" * 600, 200),
])
def test_rules_are_per_path(gateway, path, status):
    assert gateway.event("POST", path, "{}").status == status


def test_a_chunked_body_is_verified_as_a_whole(gateway):
    body = b'{"a":"' + b"x" * 70000 + b'"}'
    headers = "".join(f"{n}: {v}\r\n" for n, v in github(body, 0).items())
    with Connection(gateway.events_port) as connection:
        connection.send(f"POST /github HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n{headers}\r\n")
        for start in range(0, len(body), 9000):
            piece = body[start:start + 9000]
            connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        connection.send(b"0\r\n\r\n")
        assert connection.read().status == 200


def test_the_function_learns_who_sent_it_and_a_client_cannot_pretend(gateway):
    forged = {"hook": "forged", "hookid": "forged"}
    body = json.dumps(cloud_event("e", extensions=forged)).encode()
    headers = standard(body, now())
    answer = gateway.event("POST", "/standard", body, {"Content-Type": "application/cloudevents+json", **headers})
    assert answer.status == 200
    extensions = gateway.all.calls[-1].json["extensions"]
    assert (extensions["hook"], extensions["hookid"]) == ("billing", headers["webhook-id"])
    authorization = extensions["eventgateway"]["authorization"]
    assert authorization["principalId"] == "billing"
    assert authorization["context"] == {"scheme": "standard", "id": headers["webhook-id"]}
    assert gateway.event("POST", "/other", body, {"Content-Type": "application/cloudevents+json"}).status == 200
    assert "forged" not in gateway.all.calls[-1].body.decode()


def test_everything_is_counted(gateway):
    def count(name, **labels):
        return gateway.metric(f"eventgateway_webhook_{name}_total", **labels) or 0
    before = count("verified", scheme="github"), count("refused", scheme="github", reason="signature")
    gateway.event("POST", "/github", b"{}", github(b"{}", 0))
    gateway.event("POST", "/github", b"{}")
    assert (count("verified", scheme="github"), count("refused", scheme="github", reason="signature")) == (before[0] + 1, before[1] + 1)


def knock(gateway, origin, **headers):
    return gateway.event("OPTIONS", "/standard", headers={"WebHook-Request-Origin": origin, **headers})


def test_the_handshake_grants_allowed_origins(gateway):
    answer = knock(gateway, "eventemitter.example.com", **{"WebHook-Request-Rate": "120"})
    assert answer.status == 200
    assert answer.header("WebHook-Allowed-Origin") == "eventemitter.example.com"
    assert answer.header("WebHook-Allowed-Rate") == "120"
    assert "POST" in answer.header("Allow")
    answer = knock(gateway, "example.com")
    assert (answer.status, answer.header("WebHook-Allowed-Origin")) == (403, None)


def test_the_handshake_goes_beside_cors(gateway):
    """A preflight is answered before middleware; a validation request is none, as it names no method."""
    gateway.create("cors", {"method": "POST", "path": "/standard"})
    gateway.settle()
    answer = knock(gateway, "a.example.com", Origin="http://o")
    assert (answer.status, answer.header("WebHook-Allowed-Origin")) == (200, "a.example.com")
    answer = knock(gateway, "a.example.com", Origin="http://o", **{"Access-Control-Request-Method": "POST"})
    assert (answer.header("Access-Control-Allow-Origin"), answer.header("WebHook-Allowed-Origin")) == ("*", None)


@pytest.fixture
def confirmer(tmp_path):
    """An https server that records what it is asked; its certificate is its own authority."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert], check=True, capture_output=True)
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append((self.path, self.headers["WebHook-Allowed-Origin"], self.headers["WebHook-Allowed-Rate"]))
            self.send_response(302 if "away" in self.path else 200)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.asked, server.cert, server.host = asked, cert, f"localhost:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()


def test_a_callback_is_called_when_its_host_is_listed(make_gateway, confirmer):
    gateway = make_gateway(config='plugins = { middleware = ( "webhook" ); webhook = { allowed_origins = ( "*" );'
                                  f' callback_hosts = ( "{confirmer.host}" ); ca_file = "{confirmer.cert}"; }}; }};')
    answer = knock(gateway, "a.example", **{"WebHook-Request-Callback": f"https://{confirmer.host}/confirm?key=k"})
    assert (answer.status, answer.header("WebHook-Allowed-Origin")) == (202, None)

    def is_told():
        failed = gateway.metric("eventgateway_webhook_callbacks_failed_total")
        assert not failed, gateway.log
        return confirmer.asked
    wait_for(is_told, "the callback")
    assert confirmer.asked == [("/confirm?key=k", "a.example", "*")]
    answer = knock(gateway, "a.example", **{"WebHook-Request-Callback": f"https://{confirmer.host}/away"})
    wait_for(lambda: gateway.metric("eventgateway_webhook_callbacks_failed_total") == 1, "the redirect to be refused")
    assert [path for path, _, _ in confirmer.asked] == ["/confirm?key=k", "/away"]
    answer = knock(gateway, "a.example", **{"WebHook-Request-Callback": "https://elsewhere.example/x"})
    assert (answer.status, answer.header("WebHook-Allowed-Origin")) == (200, "a.example")


@pytest.mark.parametrize("webhook,told", [
    ("", "it needs 'rules' or 'allowed_origins'"),
    ('rules = ( { scheme = "github"; } );', "rule 1: it needs 'secrets'"),
    ('rules = ( { scheme = "github"; secrets = ( "s" ); tolerence = "5m"; } );', "rule 1: unknown key 'tolerence'"),
    ('rules = ( { scheme = "standard"; secrets = ( "s" ); } );', "whsec_ or whpk_ and base64"),
])
def test_mistakes_are_refused_at_start(tmp_path, webhook, told):
    config = tmp_path / "event-gateway.conf"
    config.write_text(f'plugins = {{ middleware = ( "webhook" ); webhook = {{ {webhook} }}; }};')
    code, _, err = run_gateway("--config", str(config), "--check", "--data-dir", str(tmp_path / "data"), patience=PATIENCE)
    assert code != 0 and told in err, err

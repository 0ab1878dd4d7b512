"""Client certificates: listeners that ask for them, what clients without a good one see, and the middleware
`auth` that reads them."""
import socket
import ssl

import pytest

from harness import Gateway, run_gateway
from jose import openssl

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
CONFIG = """
plugins = {
    middleware = ( "auth" );
    auth = {
        consumers = (
            { name = "robot"; metadata = { team = "metal"; }; certificates = ( "CN=robot-*,O=Example" ); },
            { name = "alice"; certificates = ( "sha256:%(alice)s" ); }
        );
        rules = (
            { path = "/any"; certificates = ( "*" ); },
            { path = "/named"; consumers = ( "robot", "alice" ); },
            { path = "/either"; consumers = ( "robot" ); api_keys = ( "the-key" ); }
        );
    };
};
"""


def issue(folder, name, subject, *, ca="ca", extension="", days=2):
    openssl("req", *EC, "-subj", subject, "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr")
    (folder / "extension").write_text(extension)
    openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / f"{ca}.pem", "-CAkey",
            folder / f"{ca}.key", "-CAcreateserial", "-days", str(days), "-extfile", folder / "extension", "-out",
            folder / f"{name}.pem")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("ca", "other"):
        openssl("req", "-x509", *EC, "-days", "2", "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key",
                "-out", folder / f"{name}.pem")
    openssl("req", "-x509", *EC, "-days", "2", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=IP:127.0.0.1", "-keyout", folder / "server.key", "-out", folder / "server.pem")
    issue(folder, "alice", "/O=Example/CN=alice")
    issue(folder, "robot", "/O=Example/CN=robot-7")
    issue(folder, "sly", "/CN=robot-7,O=Example")   # a comma in a name is no part of its own
    issue(folder, "mallory", "/O=Example/CN=alice", ca="other")
    issue(folder, "late", "/O=Example/CN=alice", days=-1)
    issue(folder, "web", "/O=Example/CN=alice", extension="extendedKeyUsage=serverAuth\n")
    return folder


def fingerprint(folder, name):
    text = openssl("x509", "-in", folder / f"{name}.pem", "-noout", "-fingerprint", "-sha256").decode()
    return text.strip().split("=")[1].replace(":", "").lower()


def tls_settings(folder, auth):
    return {"events.tls_cert": folder / "server.pem", "events.tls_key": folder / "server.key",
            "events.tls_client_ca": folder / "ca.pem", "events.tls_client_auth": auth}


def ask(gateway, folder, name=None, path="/", version=None, header=""):
    """Status and body of a request, or the alert's name."""
    context = ssl.create_default_context(cafile=folder / "server.pem")
    if version:
        context.minimum_version = context.maximum_version = version
    if name:
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    try:
        with socket.create_connection(("127.0.0.1", gateway.events_port), timeout=30) as raw:
            with context.wrap_socket(raw, server_hostname="127.0.0.1") as tls:
                tls.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{header}\r\n".encode())
                answer = b""
                while piece := tls.recv(65536):
                    answer += piece
                return int(answer.split()[1]), answer.decode().partition("\r\n\r\n")[2]
    except ssl.SSLError as error:
        return error.reason, ""


def start(folder, auth, maker=Gateway):
    gateway = maker(config=CONFIG % {"alice": fingerprint(folder, "alice")}, set=tls_settings(folder, auth))
    gateway.all = gateway.function("all", '{"body":"in"}')
    gateway.event_type("http.request")
    for path in ("/any", "/named", "/either", "/open"):
        gateway.sync("http.request", "all", path, "GET")
    gateway.settle()
    return gateway


@pytest.fixture(scope="module", params=["optional", "required"])
def gateway(request, folder):
    gateway = start(folder, request.param)
    gateway.auth = request.param
    yield gateway
    gateway.close()


VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_good_certificate_gets_in(gateway, folder, version):
    assert ask(gateway, folder, "alice", "/open", version) == (200, "in")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name,alert", [("mallory", "BAD_CERTIFICATE"), ("web", "BAD_CERTIFICATE"),
                                        ("late", "CERTIFICATE_EXPIRED")])
def test_a_bad_certificate_gets_an_alert(gateway, folder, version, name, alert):
    received = len(gateway.all.calls)
    assert ask(gateway, folder, name, "/open", version)[0].endswith("ALERT_" + alert)
    assert len(gateway.all.calls) == received
    assert ask(gateway, folder, "alice", "/open", version)[0] == 200, "others go on"


@pytest.mark.parametrize("version,alert", zip(VERSIONS, ("ALERT_HANDSHAKE_FAILURE", "ALERT_CERTIFICATE_REQUIRED")))
def test_no_certificate_is_an_alert_or_nothing_at_all(gateway, folder, version, alert):
    got = ask(gateway, folder, None, "/open", version)[0]
    assert got == 200 if gateway.auth == "optional" else got.endswith(alert)


def principal(gateway):
    return gateway.all.calls[-1].json["extensions"]["eventgateway"]["authorization"]


def test_the_subject_is_the_principal(gateway, folder):
    assert ask(gateway, folder, "alice", "/any")[0] == 200
    assert principal(gateway) == {"principalId": "CN=alice,O=Example", "context": {
        "subject": "CN=alice,O=Example", "issuer": "CN=ca", "fingerprint": fingerprint(folder, "alice")}}


def test_consumers_are_found_by_subject_and_by_fingerprint(gateway, folder):
    assert ask(gateway, folder, "robot", "/named")[0] == 200
    assert principal(gateway) == {"principalId": "robot", "context": {"team": "metal"}}
    assert ask(gateway, folder, "alice", "/named")[0] == 200
    assert principal(gateway)["principalId"] == "alice"
    assert ask(gateway, folder, "sly", "/named")[0] == 403
    assert ask(gateway, folder, "sly", "/any")[0] == 200


def test_a_key_will_do_where_the_rule_has_both(gateway, folder):
    assert ask(gateway, folder, "robot", "/either")[0] == 200
    assert ask(gateway, folder, "alice", "/either")[0] == 403
    assert ask(gateway, folder, "alice", "/either", header="x-api-key: the-key\r\n")[0] == 200


def test_without_a_certificate_the_rules_say_what_is_needed(folder, make_gateway):
    gateway = start(folder, "optional", make_gateway)
    status, body = ask(gateway, folder, None, "/any")
    assert status == 403 and "A client certificate is needed." in body
    assert ask(gateway, folder, None, "/either")[0] == 401
    assert ask(gateway, folder, None, "/either", header="x-api-key: the-key\r\n")[0] == 200


def get_again(gateway, context, session):
    """A GET of /any with this TLS session: status, whether the session was resumed, and the session."""
    with socket.create_connection(("127.0.0.1", gateway.events_port), timeout=30) as raw:
        with context.wrap_socket(raw, server_hostname="127.0.0.1", session=session) as tls:
            tls.sendall(b"GET /any HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            answer = b""
            while piece := tls.recv(65536):
                answer += piece
            return int(answer.split()[1]), tls.session_reused, tls.session


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_of_before_is_no_way_round_the_certificate(gateway, folder, version):
    context = ssl.create_default_context(cafile=folder / "server.pem")
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(folder / "alice.pem", folder / "alice.key")
    status, _, session = get_again(gateway, context, None)
    assert status == 200
    assert get_again(gateway, context, session)[:2] == (200, False), "whoever comes again is judged again"


def test_many_refused_handshakes_leave_nothing_behind(gateway, folder):
    for _ in range(30):
        ask(gateway, folder, "mallory")
    assert ask(gateway, folder, "alice", "/open")[0] == 200


def test_the_config_listener_asks_as_well(folder, make_gateway):
    settings = {key.replace("events.", "config."): value for key, value in tls_settings(folder, "required").items()}
    gateway = make_gateway(set=settings)
    gateway.events_port = gateway.config_port
    assert ask(gateway, folder, "alice", "/v1/status")[0] == 200
    assert ask(gateway, folder, "mallory", "/v1/status")[0].endswith("ALERT_BAD_CERTIFICATE")


@pytest.mark.parametrize("settings,told", [
    ({"events.tls_client_auth": "required"}, "tls_client_ca"),
    ({"events.tls_client_ca": "ca.pem"}, "tls_client_auth"),
    ({"events.tls_client_auth": "yes"}, "optional"),
    ({"events.tls_client_ca": "/nosuch", "events.tls_client_auth": "optional"}, "/nosuch"),
    ({"events.tls_client_ca": "server.key", "events.tls_client_auth": "optional"}, "no certificate can be read"),
])
def test_settings_that_cannot_work_are_refused(folder, tmp_path, settings, told):
    files = {"events.tls_cert": "server.pem", "events.tls_key": "server.key", **settings}
    flags = []
    for key, value in files.items():
        flags += ["--set", f"{key}={folder / value if value.endswith(('.pem', '.key')) else value}"]
    code, _, err = run_gateway("--check", "--data-dir", str(tmp_path), *flags)
    assert code != 0 and told in err, err

"""What goes wrong between the gateway and a function, and between the gateway and Google: each has its class,
nothing hangs, and other functions do not notice."""
import contextlib
import datetime
import email.utils
import json
import socket
import ssl
import subprocess
import threading
import time

import pytest

from harness import PATIENCE, Function, free_port, wait_for

TYPE = "googlecloudfunction"
EVENT = {"specversion": "1.0", "type": "t", "source": "/s", "id": "1", "data": 1}


@contextlib.contextmanager
def raw_server(answer, context=None):
    """A server that reads a request's head and then does answer(socket). Yields its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    opened = []

    def serve(client):
        with contextlib.suppress(OSError):
            if context:
                client = context.wrap_socket(client, server_side=True)
                opened.append(client)
            seen = b""
            while b"\r\n\r\n" not in seen:
                got = client.recv(65536)
                if not got:
                    return
                seen += got
            answer(client)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                opened.append(client)
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        for each in [listener, *opened]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def reply(head, body=b""):
    def answer(client):
        client.sendall(f"HTTP/1.1 {head}\r\nConnection: close\r\n\r\n".encode() + body)
        client.shutdown(socket.SHUT_WR)
    return answer


def calls(gateway, call_class):
    return gateway.metric("eventgateway_provider_calls_total", provider=TYPE, **{"class": call_class}) or 0


def serve(gateway, url, name="f", event_type="t", **provider):
    gateway.create("functions", {"functionId": name, "type": TYPE, "provider": {"url": url, "auth": "none", **provider}})
    gateway.event_type(event_type)
    gateway.sync(event_type, name, path=f"/{name}")
    gateway.settle()


def fails(gateway, call_class, path="/f"):
    before = calls(gateway, call_class)
    answer = gateway.emit(EVENT, path=path)
    assert answer.status == 500 and answer.message == "Function call failed. Please check logs.", answer
    assert calls(gateway, call_class) == before + 1, gateway.log


@pytest.fixture
def local(make_gateway, monkeypatch):
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST"):
        monkeypatch.delenv(name, raising=False)

    def make(settings="", **options):
        return make_gateway(config='plugins = { googlecloudfunction = { %s }; };' % settings, **options)
    return make


def test_refused_connections_are_transient(local):
    gateway = local()
    port = free_port()
    serve(gateway, f"http://127.0.0.1:{port}/")
    fails(gateway, "transient")


def test_a_hanging_function_ends_at_its_timeout_and_delays_no_other(local):
    gateway = local()
    other = gateway.function("other", {"statusCode": 200, "body": "quick"})
    gateway.event_type("u")
    gateway.sync("u", "other", path="/other")
    release = threading.Event()
    with raw_server(lambda client: release.wait(PATIENCE)) as port:
        serve(gateway, f"http://127.0.0.1:{port}/", timeout="2s")
        statuses = []
        slow = threading.Thread(target=lambda: statuses.append(gateway.emit(EVENT, path="/f").status))
        begun = time.monotonic()
        slow.start()
        answer = gateway.emit(dict(EVENT, type="u"), path="/other")
        assert answer.status == 200 and not statuses, "the other function waited"
        slow.join()
        release.set()
    assert statuses == [500] and time.monotonic() - begun >= 2
    assert len(other.calls) == 1
    wait_for(lambda: calls(gateway, "transient") == 1, "the call to be counted")   # after the answer


def test_a_slow_function_is_waited_for(local):
    gateway = local()

    def drip(client):
        for byte in b'HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{"statusCode":202}':
            client.sendall(bytes([byte]))
            time.sleep(0.005)
    with raw_server(drip) as port:
        serve(gateway, f"http://127.0.0.1:{port}/")
        assert gateway.emit(EVENT, path="/f").status == 202


def test_a_truncated_answer_is_transient(local):
    gateway = local()
    with raw_server(reply("200 OK\r\nContent-Length: 100", b'{"statusCode":200')) as port:
        serve(gateway, f"http://127.0.0.1:{port}/")
        fails(gateway, "transient")


def test_an_oversized_answer_is_permanent(local):
    gateway = local('max_response = "1KiB";')
    with raw_server(reply("200 OK", b"x" * 4096)) as port:
        serve(gateway, f"http://127.0.0.1:{port}/")
        fails(gateway, "permanent")


def test_an_answer_that_is_no_http_is_transient(local):
    gateway = local()
    with raw_server(lambda client: client.sendall(b"SSH-2.0-hello\r\n")) as port:
        serve(gateway, f"http://127.0.0.1:{port}/", timeout="5s")
        fails(gateway, "transient")


def test_a_result_that_is_no_json_is_malformed(local):
    gateway = local()
    with raw_server(reply("200 OK\r\nContent-Length: 5", b"hello")) as port:
        serve(gateway, f"http://127.0.0.1:{port}/")
        answer = gateway.emit(EVENT, path="/f")
        assert answer.status == 500 and answer.message == "HTTP response object malformed"


@pytest.mark.parametrize("head, call_class", [
    ("429 Too Many Requests", "throttled"),
    ("429 Too Many Requests\r\nRetry-After: 7", "throttled"),
    ("429 Too Many Requests\r\nRetry-After: " + email.utils.format_datetime(
        datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc), usegmt=True), "throttled"),
    ("429 Too Many Requests\r\nRetry-After: soon", "throttled"),
    ("503 Service Unavailable\r\nRetry-After: 1", "throttled"),
    ("503 Service Unavailable", "transient"),
    ("500 Internal Server Error", "function"),
    ("502 Bad Gateway", "transient"),
    ("404 Not Found", "permanent"),
    ("403 Forbidden", "auth"),
    ("302 Found\r\nLocation: http://127.0.0.1:1/", "permanent"),
    ("413 Content Too Large", "permanent"),
])
def test_a_status_has_its_class(local, head, call_class):
    gateway = local()
    with raw_server(reply(head + "\r\nContent-Length: 2", b"{}")) as port:
        serve(gateway, f"http://127.0.0.1:{port}/")
        fails_as = calls(gateway, call_class)
        assert gateway.emit(EVENT, path="/f").status == 500
        assert calls(gateway, call_class) == fails_as + 1, gateway.log


# ---- TLS ----

@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for localhost that nobody trusts: (certificate, key)."""
    directory = tmp_path_factory.mktemp("tls")
    cert, key = directory / "cert.pem", directory / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    return cert, key


@pytest.fixture
def tls_server(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with raw_server(reply("200 OK\r\nContent-Length: 18", b'{"statusCode":202}'), context) as port:
        yield port


def test_a_certificate_that_nobody_trusts_is_refused(local, tls_server):
    gateway = local()
    serve(gateway, f"https://localhost:{tls_server}/")
    fails(gateway, "transient")
    wait_for(lambda: "certificate" in gateway.log.lower(), "the log to say why")


def test_a_certificate_of_another_name_is_refused_although_it_is_trusted(local, tls_server, certificate):
    gateway = local(f'ca_file = "{certificate[0]}";')
    serve(gateway, f"https://127.0.0.1:{tls_server}/")
    fails(gateway, "transient")


def test_an_authority_of_ones_own_can_be_trusted(local, tls_server, certificate):
    gateway = local(f'ca_file = "{certificate[0]}";')
    serve(gateway, f"https://localhost:{tls_server}/")
    assert gateway.emit(EVENT, path="/f").status == 202


# ---- without a token ----

def test_without_a_metadata_server_the_call_fails_and_the_next_tries_anew(local):
    port = free_port()
    gateway = local(f'metadata_host = "127.0.0.1:{port}";')
    function = Function()
    serve(gateway, function.url, auth="metadata")
    fails(gateway, "transient")
    fails(gateway, "transient")
    assert function.calls == []
    wait_for(lambda: "the metadata server: " in gateway.log, "the log to say why")
    function.close()


def test_a_hanging_metadata_server_holds_up_nobody_else(local, cloud):
    cloud.set(metadata="hang")
    gateway = local(f'metadata_host = "{cloud.metadata_host}";')
    function = Function({"statusCode": 202})
    serve(gateway, function.url, auth="metadata", timeout="2s")
    serve(gateway, function.url, name="public", event_type="p")
    statuses = []
    waiting = [threading.Thread(target=lambda: statuses.append(gateway.emit(EVENT, path="/f").status))
               for _ in range(3)]
    for thread in waiting:
        thread.start()
    wait_for(lambda: cloud.state["asked"]["metadata"], "the metadata server to be asked")
    assert gateway.emit(dict(EVENT, type="p"), path="/public").status == 202 and statuses == []
    for thread in waiting:
        thread.join()
    assert statuses == [500] * 3 and len(function.calls) == 1
    function.close()


@pytest.mark.parametrize("state, call_class, text", [
    ({"metadata": 404}, "auth", "the metadata server gives no ID token: HTTP status code: 404"),
    ({"metadata": 500}, "transient", "the metadata server: HTTP status code: 500"),
    ({"metadata": "foreign"}, "auth", "is not Google's metadata server"),
])
def test_a_metadata_server_without_a_token_is_told(local, cloud, state, call_class, text):
    cloud.set(**state)
    gateway = local(f'metadata_host = "{cloud.metadata_host}";')
    serve(gateway, "http://127.0.0.1:1/", auth="metadata")
    assert gateway.emit(EVENT, path="/f").status == 500
    assert calls(gateway, call_class) == 1
    wait_for(lambda: text in gateway.log, f"the log to say {text}")
    assert cloud.state["asked"]["metadata"] == (3 if call_class == "transient" else 1)


@pytest.mark.parametrize("endpoint, call_class, text", [
    ("revoked", "auth", "HTTP status code: 400, invalid_grant: Invalid JWT Signature."),
    (503, "transient", "the token endpoint: HTTP status code: 503"),
    (404, "auth", "the token endpoint gives no ID token: HTTP status code: 404"),
])
def test_a_token_endpoint_without_a_token_is_told(local, cloud, tmp_path, endpoint, call_class, text):
    cloud.set(endpoint=endpoint)
    gateway = local()
    serve(gateway, "http://127.0.0.1:1/", auth="serviceAccount", serviceAccountKey=json.dumps(cloud.key))
    assert gateway.emit(EVENT, path="/f").status == 500
    assert calls(gateway, call_class) == 1
    wait_for(lambda: text in gateway.log, f"the log to say {text}")


def test_the_gateway_stops_while_a_token_is_waited_for(local, cloud):
    cloud.set(metadata="hang")
    gateway = local(f'metadata_host = "{cloud.metadata_host}";')
    serve(gateway, "http://127.0.0.1:1/", auth="metadata")
    answers = []

    def emit():
        with contextlib.suppress(OSError, AssertionError):
            answers.append(gateway.emit(EVENT, path="/f").status)
    thread = threading.Thread(target=emit)
    thread.start()
    wait_for(lambda: cloud.state["asked"]["metadata"], "the metadata server to be asked")
    gateway.stop()   # checks the exit code and the sanitizers
    thread.join()
    assert answers in ([500], [503], [])

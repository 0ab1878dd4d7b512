"""Hostile requests against the real binary: what two parsers may read differently is refused, and bytes
behind it are never answered as a request of their own (RFC 9112 11.2). Time and size limits are in
test_ingress_limits.py."""
import random
import re
import socket
import uuid

import pytest

from harness import Connection, Gateway, cloud_event, request

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def gateway(engine):
    gateway = Gateway(set=engine)
    gateway.event_type("http.request")
    gateway.plain = gateway.function("plain", '{"body":"fine"}')
    gateway.smuggled = gateway.function("smuggled", '{"body":"smuggled"}')
    for method in ("GET", "POST"):
        gateway.sync("http.request", "plain", "/", method)
    gateway.sync("http.request", "smuggled", "/smuggled", "GET")
    gateway.settle()
    yield gateway
    gateway.close()


@pytest.fixture(scope="module")
def shared(engine):
    gateway = Gateway(set=engine)
    yield gateway
    gateway.close()


def talk(gateway, data, port=None):
    """Sends the bytes and gives all that comes back until the gateway closes."""
    with Connection(port or gateway.events_port) as connection:
        try:
            connection.send(data)
        except OSError:
            pass   # refused before it was all sent; the answer is there nevertheless
        return read_all(connection)


def read_all(connection):
    said = b""
    while True:
        try:
            piece = connection.sock.recv(65536)
        except ConnectionResetError:
            return said
        if not piece:
            return said
        said += piece


def statuses(said):
    """Statuses of all answers in the bytes, 100 Continue left out."""
    found = [int(s) for s in re.findall(rb"(?:^|\n|\})HTTP/1\.[01] (\d{3}) ", said)]
    return [s for s in found if s != 100]


def head(*lines, start=b"POST / HTTP/1.1", host=b"Host: a"):
    lines = [start] + ([host] if host else []) + list(lines)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def chunks(*raw):
    return head(b"Transfer-Encoding: chunked") + b"".join(raw)


# Each is followed by a whole smuggled request; one refusal and the end of the connection are expected.
AMBIGUOUS = {
    "CL and TE": head(b"Content-Length: 4", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "TE and CL": head(b"Transfer-Encoding: chunked", b"Content-Length: 4") + b"0\r\n\r\n",
    "two different CL": head(b"Content-Length: 0", b"Content-Length: 35"),
    "two equal CL": head(b"Content-Length: 0", b"Content-Length: 0"),
    "CL list": head(b"Content-Length: 0, 0"),
    "CL plus": head(b"Content-Length: +0"),
    "CL minus": head(b"Content-Length: -1"),
    "CL hex": head(b"Content-Length: 0x0"),
    "CL empty": head(b"Content-Length:"),
    "CL with a space inside": head(b"Content-Length: 1 0"),
    "CL huge": head(b"Content-Length: 18446744073709551616"),
    "CL with space before the colon": head(b"Content-Length : 0"),
    "CL with an underscore beside": head(b"Content-Length: 4", b"Content-Length\x00: 0"),
    "TE chunked with trailing word": head(b"Transfer-Encoding: chunked, identity") + b"0\r\n\r\n",
    "TE identity": head(b"Transfer-Encoding: identity"),
    "TE gzip, chunked": head(b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
    "TE twice": head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "TE chunked twice in a list": head(b"Transfer-Encoding: chunked, chunked") + b"0\r\n\r\n",
    "TE xchunked": head(b"Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    "TE with vertical tab": head(b"Transfer-Encoding: \x0bchunked") + b"0\r\n\r\n",
    "TE in quotes": head(b'Transfer-Encoding: "chunked"') + b"0\r\n\r\n",
    "TE empty": head(b"Transfer-Encoding:"),
    "TE with space before the colon": head(b"Transfer-Encoding : chunked") + b"0\r\n\r\n",
    "TE behind a fold": head(b"X: y", b" Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "TE value in a fold": head(b"Transfer-Encoding:", b" chunked") + b"0\r\n\r\n",
    "TE on HTTP/1.0": head(b"Transfer-Encoding: chunked", start=b"POST / HTTP/1.0") + b"0\r\n\r\n",
    "header begins with a space": head(b" X: y"),
    "first header begins with a space": b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    "fold with a tab": head(b"X: y", b"\tz"),
    "header without colon": head(b"Nonsense"),
    "header with empty name": head(b": x"),
    "header name with a space": head(b"X Y: z"),
    "header name with a control byte": head(b"X\x01: z"),
    "header name with a bracket": head(b"X(: z"),
    "header name with a high byte": head(b"X\xc3\xa9: z"),
    "NUL in a value": head(b"X: a\x00b"),
    "NUL in a name": head(b"X\x00Y: a"),
    "bare CR in a value": head(b"X: a\rY: b"),
    "bare CR in the request line": b"GET / HTTP/1.1\rHost: a\r\n\r\n",
    "bare CR as the end of lines": b"GET / HTTP/1.1\rHost: a\r\r",
    "bare LF in the request line": b"GET / HTTP/1.1\nHost: a\r\n\r\n",
    "bare LF behind a header": b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
    "bare LF as the end of the head": b"GET / HTTP/1.1\r\nHost: a\r\n\n",
    "DEL in a value": head(b"X: a\x7fb"),
    "no Host": head(host=None),
    "two Hosts": head(b"Host: b"),
    "two equal Hosts": head(b"Host: a"),
    "empty Host": head(host=b"Host:"),
    "Host with a space": head(host=b"Host: a b"),
    "Host list": head(host=b"Host: a, b"),
    "Host with a path": head(host=b"Host: a/b"),
    "Host with user info": head(host=b"Host: u@a"),
    "Host with a bad port": head(host=b"Host: a:8x"),
    "Host differs from an absolute target": head(start=b"GET http://b/ HTTP/1.1"),
    "target with a control escape %00": head(start=b"GET /%00 HTTP/1.1"),
    "target with %0d%0a": head(start=b"GET /%0d%0aX:y HTTP/1.1"),
    "target with %7F": head(start=b"GET /%7F HTTP/1.1"),
    "target with a broken escape": head(start=b"GET /%zz HTTP/1.1"),
    "target with half an escape": head(start=b"GET /%4 HTTP/1.1"),
    "target with a fragment": head(start=b"GET /#x HTTP/1.1"),
    "target with a space": head(start=b"GET /a b HTTP/1.1"),
    "target with a tab": head(start=b"GET /a\tb HTTP/1.1"),
    "target without slash": head(start=b"GET smuggled HTTP/1.1"),
    "target of invalid UTF-8": head(start=b"GET /\xff\xfe HTTP/1.1"),
    "target * with GET": head(start=b"GET * HTTP/1.1"),
    "target of another scheme": head(start=b"GET ftp://a/ HTTP/1.1"),
    "CONNECT": head(start=b"CONNECT a:80 HTTP/1.1"),
    "TRACE": head(start=b"TRACE / HTTP/1.1"),
    "unknown method": head(start=b"BREW / HTTP/1.1"),
    "method with a control byte": head(start=b"GE\x01T / HTTP/1.1"),
    "two spaces behind the method": head(start=b"GET  / HTTP/1.1"),
    "two spaces before the version": head(start=b"GET /  HTTP/1.1"),
    "space behind the version": head(start=b"GET / HTTP/1.1 "),
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/0.9 with its version": head(start=b"GET / HTTP/0.9"),
    "HTTP/1.2": head(start=b"GET / HTTP/1.2"),
    "HTTP/2.0": head(start=b"GET / HTTP/2.0"),
    "HTTP/1.10": head(start=b"GET / HTTP/1.10"),
    "http/1.1 in small letters": head(start=b"GET / http/1.1"),
    "no version digits": head(start=b"GET / HTTP/"),
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "chunk size with 0x": chunks(b"0x1\r\na\r\n0\r\n\r\n"),
    "chunk size with a sign": chunks(b"+1\r\na\r\n0\r\n\r\n"),
    "chunk size negative": chunks(b"-1\r\na\r\n0\r\n\r\n"),
    "chunk size empty": chunks(b"\r\na\r\n0\r\n\r\n"),
    "chunk size no hex": chunks(b"g\r\na\r\n0\r\n\r\n"),
    "chunk size with a leading space": chunks(b" 1\r\na\r\n0\r\n\r\n"),
    "chunk size with a trailing space": chunks(b"1 \r\na\r\n0\r\n\r\n"),
    "chunk size with an underscore": chunks(b"1_0\r\na\r\n0\r\n\r\n"),
    "chunk size overflows": chunks(b"10000000000000001\r\na\r\n0\r\n\r\n"),
    "chunk size ends in bare LF": chunks(b"1\na\r\n0\r\n\r\n"),
    "chunk size ends in bare CR": chunks(b"1\ra\r\n0\r\n\r\n"),
    "chunk longer than its size": chunks(b"1\r\nab\r\n0\r\n\r\n"),
    "chunk data ends in bare LF": chunks(b"1\r\na\n0\r\n\r\n"),
    "chunk extension with bare LF": chunks(b"1;x\na\r\n0\r\n\r\n"),
    "chunk size line without end": chunks(b"1" * 40000),
}
# No line of a request at all: the end of the connection without a word is an answer too (RFC 9112 2.2).
NO_REQUEST = {
    "NUL in the target": head(start=b"GET /\x00 HTTP/1.1"),
    "tab behind the method": head(start=b"GET\t/ HTTP/1.1"),
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40 + b"\r\n\r\n",
    "only NULs": b"\x00" * 64 + b"\r\n\r\n",
    "a dump of bytes": bytes(range(256)) + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_ambiguous_requests_are_refused_and_the_connection_ends(gateway, name):
    said = talk(gateway, AMBIGUOUS[name] + SMUGGLED)
    found = statuses(said)
    assert len(found) == 1 and 400 <= found[0] <= 599, said
    assert gateway.smuggled.calls == []


@pytest.mark.parametrize("name", NO_REQUEST)
def test_what_is_no_request_ends_the_connection(gateway, name):
    found = statuses(talk(gateway, NO_REQUEST[name] + SMUGGLED))
    assert found == [] or (len(found) == 1 and 400 <= found[0] <= 599), found
    assert gateway.smuggled.calls == []


@pytest.mark.parametrize("name", sorted(AMBIGUOUS)[::3])
def test_the_config_listener_refuses_them_too(gateway, name):
    listed = b"GET /v1/spaces/default/functions HTTP/1.1\r\nHost: a\r\n\r\n"
    said = talk(gateway, AMBIGUOUS[name] + listed, gateway.config_port)
    found = statuses(said)
    assert len(found) == 1 and 400 <= found[0] <= 599, said
    assert b"functionId" not in said


@pytest.mark.parametrize("start,headers", [
    (b"GET /%00 HTTP/1.1", []), (b"GET / HTTP/1.1", [b"Host: b"]), (b"BREW / HTTP/1.1", []),
    (b"POST / HTTP/1.1", [b"Content-Length: 2000000"]),
])
def test_refusals_of_the_guard_are_envelopes_with_a_reason(gateway, start, headers):
    with Connection(gateway.events_port) as connection:
        connection.send(head(*headers, start=start))
        answer = connection.read()
        assert len(answer.message) > 10
        assert connection.is_closed_by_peer()


# ---- what is allowed stays allowed ----

def test_chunked_bodies_arrive_whole_and_trailers_are_ignored(gateway):
    seen = len(gateway.plain.calls)
    body = b"3\r\nabc\r\n00002\r\nde\r\n0\r\nContent-Length: 7\r\nX-Trailer: t\r\nHost: evil\r\n\r\n"
    with Connection(gateway.events_port) as connection:
        connection.send(head(b"Transfer-Encoding: chunked", b"Content-Type: text/plain") + body)
        connection.send(head(start=b"GET / HTTP/1.1"))
        assert connection.read().text == "fine"
        assert connection.read().text == "fine"
    first, second = gateway.plain.calls[seen:]
    assert first.json["data"]["body"] == "YWJjZGU="
    assert "X-Trailer" not in first.json["data"]["headers"]
    assert first.json["data"]["host"] == "a"
    assert second.json["data"]["method"] == "GET"


@pytest.mark.parametrize("start,host,path", [
    (b"GET http://a:80/ HTTP/1.1", b"Host: a:80", "/"), (b"GET http://a HTTP/1.1", b"Host: a", "/"),
    (b"GET HTTP://a/?x=1 HTTP/1.1", b"Host: A", "/"),
])
def test_absolute_targets_are_routed_by_their_path(gateway, start, host, path):
    with Connection(gateway.events_port) as connection:
        connection.send(head(start=start, host=host))
        assert connection.read().text == "fine"
    assert gateway.plain.calls[-1].json["data"]["path"] == path


@pytest.mark.parametrize("host", [b"a.example.com", b"a:4000", b"127.0.0.1", b"[::1]:4000", b"x_y-z.test"])
def test_usual_hosts_pass(gateway, host):
    with Connection(gateway.events_port) as connection:
        connection.send(head(start=b"GET / HTTP/1.1", host=b"Host: " + host))
        assert connection.read().status == 200
    assert gateway.plain.calls[-1].json["data"]["host"] == host.decode()


def test_options_of_everything_is_answered(gateway):
    with Connection(gateway.events_port) as connection:
        connection.send(head(start=b"OPTIONS * HTTP/1.1"))
        assert connection.read().status in (200, 202)


# ---- HEAD, Expect, HTTP/1.0, persistent connections ----

def test_head_has_no_body_and_the_connection_goes_on(route, shared):
    function, path = route("sync", "http.request", '{"headers":{"x-a":"1"},"body":"12345"}', "HEAD")
    with Connection(shared.events_port) as connection:
        connection.send(head(start=f"HEAD {path} HTTP/1.1".encode()))
        answer = connection.read(is_head=True)
        assert (answer.status, answer.header("x-a")) == (200, "1")
        connection.send(head(start=b"HEAD /unrouted HTTP/1.1"))
        assert connection.read(is_head=True).status == 202
    assert function.calls[0].json["data"]["method"] == "HEAD"


def test_expect_100_continue_is_answered_before_the_body(gateway):
    with Connection(gateway.events_port) as connection:
        connection.send(head(b"Content-Length: 2", b"Expect: 100-continue"))
        assert connection.file.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert connection.file.readline() == b"\r\n"
        connection.send("hi")
        assert connection.read().text == "fine"


def test_a_body_too_big_gets_413_instead_of_100(gateway):
    said = talk(gateway, head(b"Content-Length: 2000000", b"Expect: 100-continue"))
    assert statuses(said) == [413]
    assert b" 100 " not in said


def test_an_old_client_gets_its_answer_and_the_end_of_the_connection(gateway):
    said = talk(gateway, b"GET / HTTP/1.0\r\n\r\n")
    assert statuses(said) == [200] and said.endswith(b"\r\n\r\nfine")
    assert b"chunked" not in said.lower()


def test_connection_close_is_kept(gateway):
    said = talk(gateway, head(b"Connection: close", start=b"GET / HTTP/1.1") + SMUGGLED)
    assert statuses(said) == [200]
    assert gateway.smuggled.calls == []


def test_one_connection_serves_many_requests(gateway):
    with Connection(gateway.events_port) as connection:
        for n in range(200):
            connection.send(head(b"Content-Length: 1") + b"x")
            assert connection.read().text == "fine", n


def test_pipelined_requests_are_answered_in_order_although_the_first_is_slow(route, shared):
    slow, slow_path = route("sync", "http.request", '{"body":"slow"}', "GET")
    quick, quick_path = route("sync", "http.request", '{"body":"quick"}', "GET")
    slow.gate.clear()
    with Connection(shared.events_port) as connection:
        connection.send(b"".join(head(start=f"GET {path} HTTP/1.1".encode())
                                 for path in (slow_path, quick_path, slow_path, "/unrouted")))
        slow.wait_calls(1)
        assert quick.calls == []
        slow.gate.set()
        answers = [connection.read() for _ in range(4)]
    assert [(a.status, a.text) for a in answers] == [(200, "slow"), (200, "quick"), (200, "slow"), (202, "")]


def test_clients_that_end_their_stream_with_the_request_are_answered_and_let_go(gateway):
    for _ in range(50):
        with Connection(gateway.events_port) as connection:
            connection.send(head(start=b"GET / HTTP/1.1"))
            connection.sock.shutdown(socket.SHUT_WR)
            assert connection.read().text == "fine"
            assert connection.is_closed_by_peer()   # long before the time-out of idle connections


def test_a_request_in_single_bytes_is_understood(gateway):
    with Connection(gateway.events_port) as connection:
        for byte in head(b"Content-Length: 2", b"X-A: b") + b"hi":
            connection.send(bytes([byte]))
        assert connection.read().text == "fine"


# ---- request ids ----

@pytest.mark.parametrize("given", ["abc-1.2_3", "x" * 128])
def test_a_clean_request_id_is_echoed(gateway, given):
    for port in (gateway.events_port, gateway.config_port):
        assert request(port, "GET", "/v1/status", headers={"x-request-id": given}).headers("x-request-id") == [given]


@pytest.mark.parametrize("given", [None, "", "x" * 129, "a b", "a,b", '"a"', "h\u00e9", "<script>"])
def test_any_other_request_id_is_replaced(gateway, given):
    for port in (gateway.events_port, gateway.config_port):
        headers = {} if given is None else {"X-Request-Id": given}
        made = request(port, "GET", "/v1/status", headers=headers).headers("x-request-id")
        assert len(made) == 1 and str(uuid.UUID(made[0])) == made[0]


# ---- nonsense ----

def garbage(generator):
    """Bytes of all kinds: noise, and requests with a few bytes turned, cut, or doubled."""
    seed = bytearray(generator.choice([
        head(b"Content-Length: 5") + b"hello", chunks(b"5\r\nhello\r\n0\r\n\r\n"),
        head(b"Content-Type: application/cloudevents+json", b"Content-Length: 20") + b'{"eventType":"a","b"}',
        head(b"X: y", start=b"GET /a/%41?b=c HTTP/1.1"), generator.randbytes(300)]))
    for _ in range(generator.randint(1, 8)):
        at = generator.randrange(len(seed))
        kind = generator.randrange(4)
        if kind == 0:
            seed[at] = generator.randrange(256)
        elif kind == 1:
            del seed[at:at + generator.randint(1, 20)]
        elif kind == 2:
            seed[at:at] = generator.choice([b"\r\n", b"\n", b"\x00", b":", b" ", b"%", b"\xff", b"{" * 40])
        else:
            seed += seed[at:at + 50]
        seed = seed or bytearray(b"x")
    return bytes(seed)


def test_500_random_requests_leave_the_gateway_well(make_gateway, engine):
    """What is cut in the middle ends by the deadlines at the latest, hence the short ones."""
    gateway = make_gateway(set={f"limits.{stage}_timeout": "300ms" for stage in ("head", "body", "idle")} | engine)
    generator = random.Random(20180917)
    for n in range(500):
        with Connection(gateway.events_port if n % 4 else gateway.config_port) as connection:
            try:
                connection.send(garbage(generator))
                connection.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass   # cut already
            for status in statuses(read_all(connection)):
                assert status < 500 or status in (501, 505), n
    assert gateway.emit(cloud_event("nobody")).status == 202
    assert gateway.config("GET", "/v1/status").status == 200

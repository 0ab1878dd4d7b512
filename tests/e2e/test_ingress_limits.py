"""Limits of the listeners: sizes, deadlines of slow clients, numbers of connections, and that nothing is
left behind by clients that are many, slow, or gone."""
import json
import os
import socket
import threading
import time

import pytest

from harness import GATEWAY, Connection, Gateway, cloud_event, request, wait_for

IS_SANITIZED = b"__asan_init" in GATEWAY.read_bytes() or b"__tsan_init" in GATEWAY.read_bytes()


def descriptors(gateway):
    return len(os.listdir(f"/proc/{gateway.process.pid}/fd"))


def clients(gateway):
    """Connections that the gateway holds to clients of the Events API, in whatever state."""
    rows = [line.split() for line in open("/proc/net/tcp").read().splitlines()[1:]]
    port, listening, nobody = f":{gateway.events_port:04X}", "0A", "0"
    return sum(r[1].endswith(port) and r[3] != listening and r[9] != nobody for r in rows)


def resident_kib(gateway):
    for line in open(f"/proc/{gateway.process.pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1])


def refused(gateway, status):
    return sum(gateway.metric("eventgateway_http_refused_total", listener=listener, status=status) or 0
               for listener in ("events", "config"))


def head(*lines, start="POST / HTTP/1.1"):
    return "\r\n".join((start, "Host: a") + lines) + "\r\n\r\n"


@pytest.fixture
def make_gateway(make_gateway, engine):
    """With either engine of the HTTP server; `gw` is made by it, too."""
    return lambda set={}: make_gateway(set=engine | set)


# ---- sizes ----

@pytest.fixture(scope="module")
def small(engine):
    gateway = Gateway(set={"limits.body": "1000", "limits.head": "4KiB", "limits.target": "1000",
                           "limits.json_depth": "10"} | engine)
    gateway.event_type("http.request")
    gateway.event_type("e")
    gateway.echo = gateway.function("f", '{"body":"fine"}')
    gateway.sync("http.request", "f", "/")
    gateway.sync("e", "f", "/e")
    gateway.sync("http.request", "f", "/*rest", "GET")
    gateway.settle()
    yield gateway
    gateway.close()


def test_bodies_up_to_the_limit_pass_and_one_byte_more_is_413(small):
    assert small.event("POST", "/", "x" * 1000).text == "fine"
    for port in (small.events_port, small.config_port):
        answer = request(port, "POST", "/v1/spaces/default/functions", "x" * 1001)
        assert (answer.status, answer.header("Connection")) == (413, "close")
        assert len(answer.header("x-request-id")) == 36
        assert "too big" in answer.message


def test_chunked_bodies_over_the_limit_are_413(small):
    for pieces in (1, 1001):
        with Connection(small.events_port) as connection:
            size = 1001 // pieces
            connection.send(head("Transfer-Encoding: chunked"))
            connection.send(f"{size:x}\r\n{'x' * size}\r\n" * pieces + "0\r\n\r\n")
            answer = connection.read()
            assert answer.status == 413 and "too big" in answer.message
            assert connection.is_closed_by_peer()


def test_an_endless_body_is_neither_kept_nor_read_for_ever(small):
    before = resident_kib(small)
    sent = 0
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with Connection(small.events_port, timeout=1) as connection:
        connection.send(head("Transfer-Encoding: chunked"))
        with pytest.raises(OSError):   # reset, or nobody reads any more
            while sent < 1 << 28:
                connection.send(piece)
                sent += len(piece)
        wait_for(lambda: clients(small) == 0, "the connection to be cut")
        assert connection.read().status == 413
    assert sent < 64 << 20
    assert IS_SANITIZED or resident_kib(small) < before + 16 * 1024
    assert small.event("POST", "/", "x").text == "fine"


def test_targets_up_to_the_limit_pass_and_longer_ones_are_414(small):
    assert small.event("GET", "/" + "x" * 999).text == "fine"
    for length in (1001, 3000):
        answer = small.event("GET", "/" + "x" * (length - 1))
        assert answer.status == 414 and len(answer.message) > 10
    assert small.event("GET", "/?" + "x" * 1000).status == 414


def test_head_blocks_over_the_limit_are_431(small):
    assert small.event("GET", "/x", headers={"X-A": "x" * 3000}).text == "fine"
    answer = small.event("GET", "/", headers={"X-A": "x" * 4100})
    assert answer.status == 431 and len(answer.message) > 10
    assert small.event("GET", "/", headers=[(f"X-{n}", "x") for n in range(1000)]).status == 431
    for size in (8, 64, 1024):   # far more than any buffer
        assert small.event("GET", "/", headers={"X-A": "x" * size * 1024}).status == 431


def test_many_headers_within_the_limit_all_arrive(gw):
    gw.event_type("http.request")
    function = gw.function("f")
    gw.sync("http.request", "f", "/", "GET")
    gw.settle()
    names = [f"X-{n}" for n in range(300)]
    assert gw.event("GET", "/", headers=[(name, "v") for name in names]).status == 200
    assert set(names) <= set(function.calls[0].json["data"]["headers"])


def test_json_deeper_than_the_limit_is_refused_with_the_reason(small):
    def nested(depth):
        return "[" * depth + "]" * depth
    event = json.dumps(cloud_event("e", data="@"))
    assert small.emit(event.replace('"@"', nested(9)), "/e").status == 200
    answer = small.emit(event.replace('"@"', nested(400)), "/e")
    assert answer.status == 400 and len(answer.message) > 10
    answer = small.config("POST", "/v1/spaces/default/functions", '{"functionId":' + nested(400) + "}")
    assert answer.status == 400 and len(answer.message) > 10


# ---- slow clients ----

@pytest.fixture(scope="module")
def hasty(engine):
    gateway = Gateway(set={"limits.head_timeout": "300ms", "limits.body_timeout": "300ms",
                           "limits.idle_timeout": "300ms"} | engine)
    yield gateway
    gateway.close()


def drip(connection, data, limit_s=10):
    """Sends a byte each 20 ms until the gateway ends it; the seconds that took."""
    begun = time.monotonic()
    connection.sock.settimeout(0.02)
    for byte in data * 1000:
        try:
            connection.sock.send(bytes([byte]))
            if connection.sock.recv(1, socket.MSG_PEEK) is not None:
                break
        except TimeoutError:
            pass
        except OSError:
            break
        assert time.monotonic() - begun < limit_s, "it drips and drips"
    connection.sock.settimeout(10)
    return time.monotonic() - begun


@pytest.mark.parametrize("begin,dripped", [
    ("", b"G"), ("GET /", b"x"), ("GET / HTTP/1.1\r\n", b"X-A: b\r\n"), ("GET / HTTP/1.1\r\nHost: a\r\nX: ", b"x"),
])
def test_a_dripping_head_is_cut(hasty, begin, dripped):
    with Connection(hasty.events_port) as connection:
        connection.send(begin)
        assert 0.25 < drip(connection, dripped)
        answer = connection.read()
        assert answer is None or answer.status in (400, 408), answer
    assert hasty.event("POST", "/").status == 202


@pytest.mark.parametrize("framing,dripped", [
    ("Content-Length: 100000", b"x"), ("Transfer-Encoding: chunked", b"1\r\nx\r\n"),
    ("Transfer-Encoding: chunked", b"0"),
])
def test_a_dripping_body_is_cut_with_408(hasty, framing, dripped):
    before = refused(hasty, 408)
    with Connection(hasty.events_port) as connection:
        connection.send(head(framing))
        assert 0.25 < drip(connection, dripped)
        answer = connection.read()
        assert answer.status == 408 and "in time" in answer.message
    assert refused(hasty, 408) == before + 1


def test_clients_that_say_nothing_are_sent_away(hasty):
    with Connection(hasty.events_port) as connection:
        assert connection.is_closed_by_peer(10)


def test_idle_connections_are_closed(hasty):
    with Connection(hasty.events_port) as connection:
        connection.send(head("Content-Length: 0"))
        assert connection.read().status == 202
        assert connection.is_closed_by_peer(10)


def test_a_waiting_request_is_not_idle(hasty):
    function = hasty.function("slow", '{"body":"at last"}')
    hasty.event_type("http.request")
    hasty.sync("http.request", "slow", "/slow")
    hasty.settle()
    function.gate.clear()
    with Connection(hasty.events_port) as connection:
        connection.send(head("Content-Length: 0", start="POST /slow HTTP/1.1"))
        function.wait_calls(1)
        time.sleep(0.7)   # more than each of the deadlines
        function.gate.set()
        assert connection.read().text == "at last"


def test_slow_clients_do_not_hinder_the_others(make_gateway):
    gateway = make_gateway()
    slow = [Connection(gateway.events_port) for _ in range(100)]
    for connection in slow:
        connection.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe")
    for _ in range(50):
        assert gateway.event("POST", "/").status == 202
    for connection in slow:
        connection.send("llo")
        assert connection.read().status == 202
        connection.close()


# ---- numbers of connections ----

@pytest.mark.parametrize("setting", ["limits.connections", "limits.connections_per_ip"])
def test_connections_over_the_limit_get_503_and_a_free_place_serves_again(make_gateway, setting):
    gateway = make_gateway(set={setting: 5, "loops": 1})
    held = [Connection(gateway.events_port) for _ in range(5)]
    for connection in held:
        connection.send(head("Content-Length: 0"))
        assert connection.read().status == 202
    with Connection(gateway.events_port) as connection:
        answer = connection.read()
        assert answer.status == 503 and "too many connections" in answer.message
        assert connection.is_closed_by_peer()
    held.pop().close()
    wait_for(lambda: gateway.event("POST", "/").status == 202, "a free place")
    for connection in held:
        connection.close()
    assert refused(gateway, 503) >= 1


def test_loops_get_as_many_connections_each_so_that_none_is_full_before_the_others(make_gateway):
    gateway = make_gateway(set={"limits.connections": 40, "loops": 4})
    for _ in range(3):
        held = [Connection(gateway.events_port) for _ in range(40)]
        for connection in held:
            connection.send(head("Content-Length: 0"))
            assert connection.read().status == 202
        with Connection(gateway.events_port) as connection:
            assert connection.read().status == 503
        for connection in held:
            connection.close()
        wait_for(lambda: clients(gateway) == 0, "the clients' connections to be closed")


def test_a_flood_of_connections_over_the_limit_is_refused_and_those_with_a_place_are_served(make_gateway):
    gateway = make_gateway(set={"limits.connections": 8, "loops": 2})
    held = [Connection(gateway.events_port) for _ in range(8)]
    told = refused_by_system = 0
    for connection in held:
        connection.send(head("Content-Length: 0"))
        assert connection.read().status == 202
    for _ in range(300):
        try:
            with Connection(gateway.events_port) as connection:
                told += connection.read().status == 503
        except ConnectionError:
            refused_by_system += 1
    assert told > 0 and refused_by_system > 0 and told + refused_by_system == 300
    for connection in held:
        connection.send(head("Content-Length: 0"))
        assert connection.read().status == 202
        connection.close()

    def is_served():
        try:
            return gateway.event("POST", "/").status == 202
        except ConnectionError:
            return False
    wait_for(is_served, "a free place")


def test_200_connections_at_once_are_served(gw):
    gw.event_type("http.request")
    function = gw.function("f", lambda call: {"body": call.json["data"]["query"]["n"][0]})
    gw.sync("http.request", "f", "/", "GET")
    gw.settle()
    for _ in range(2):
        connections = [Connection(gw.events_port) for _ in range(200)]
        for _ in range(2):
            for n, connection in enumerate(connections):
                connection.send(head(start=f"GET /?n={n} HTTP/1.1"))
            for n, connection in enumerate(connections):
                assert connection.read().text == str(n)
        for connection in connections:
            connection.close()
        wait_for(lambda: clients(gw) == 0, "the clients' connections to be closed")
    assert len(function.calls) == 800


# ---- clients that go away ----

@pytest.mark.parametrize("is_reset", [True, False])
def test_clients_that_leave_while_the_function_runs_leave_nothing_behind(gw, is_reset):
    gw.event_type("http.request")
    function = gw.function("f", '{"body":"for nobody"}')
    gw.sync("http.request", "f", "/", "GET")
    gw.settle()
    before = descriptors(gw)
    for _ in range(3):
        function.gate.clear()
        calls = len(function.calls)
        connections = [Connection(gw.events_port) for _ in range(20)]
        for connection in connections:
            connection.send(head(start="GET / HTTP/1.1"))
        function.wait_calls(calls + 20)
        for connection in connections:
            if is_reset:
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
        function.gate.set()
        assert gw.event("GET", "/").text == "for nobody"
        wait_for(lambda: clients(gw) == 0, "the clients' connections to be closed")
    # Those to the function stay in the pools of the loops, but no other ones.
    assert descriptors(gw) <= before + 3 + 2 * 21


def test_clients_that_leave_while_they_send_leave_nothing_behind(hasty):
    before = descriptors(hasty)
    for part in ("P", "POST / HTTP/1.1\r\nHo", head("Content-Length: 9"), head("Content-Length: 9") + "abc",
                 head("Transfer-Encoding: chunked") + "5\r\nab"):
        for _ in range(20):
            with Connection(hasty.events_port) as connection:
                connection.send(part)
    wait_for(lambda: descriptors(hasty) <= before, "the descriptors to be free")


def test_clients_that_do_not_read_do_not_hold_up_the_others(gw):
    gw.event_type("http.request")
    gw.function("big", lambda call: {"body": "x" * (4 << 20)})
    gw.function("small", '{"body":"small"}')
    gw.sync("http.request", "big", "/big", "GET")
    gw.sync("http.request", "small", "/small", "GET")
    gw.settle()
    deaf = [Connection(gw.events_port) for _ in range(5)]
    for connection in deaf:
        connection.send(head(start="GET /big HTTP/1.1"))
    for _ in range(20):
        assert gw.event("GET", "/small").text == "small"
    assert len(gw.event("GET", "/big").body) == 4 << 20
    for connection in deaf:
        connection.close()


@pytest.mark.skipif(IS_SANITIZED, reason="sanitizers keep freed memory")
def test_memory_does_not_grow_with_the_number_of_requests(gw):
    gw.event_type("http.request")
    gw.function("f", '{"body":"fine"}')
    gw.sync("http.request", "f", "/")
    gw.settle()

    def load(count):
        def one():
            with Connection(gw.events_port) as connection:
                for _ in range(count // 8):
                    connection.send(head("Content-Length: 8192") + "x" * 8192)
                    assert connection.read().status == 200
        threads = [threading.Thread(target=one) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    load(800)
    before = resident_kib(gw)
    load(2400)
    assert resident_kib(gw) < before + 4096

"""The load generator inside the upstream, against a gateway made of threads that answers first and delivers later."""
import json
import os
import queue
import socket
import threading
from http.client import RemoteDisconnected

import loads
import programs
import pytest

CONNECTIONS = 4


class Gateway:
    """Answers each request at once. Deliveries of an event begin when as many events wait as there are connections,
    so a load that waited for fewer would stand still, and one that did not wait would be seen to have more."""

    def __init__(self, upstream_port, deliveries, status=b"202 Accepted"):
        self.upstream_port, self.deliveries, self.status = upstream_port, deliveries, status
        self.lock, self.events = threading.Lock(), queue.Queue()
        self.requests, self.received, self.finished, self.most = [], 0, 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        for work in (self.accept, self.deliver):
            threading.Thread(target=work, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            while request := connection.recv(65536):
                with self.lock:
                    self.requests.append(request)
                    self.received += 1
                    self.most = max(self.most, self.received - self.finished)
                connection.sendall(b"HTTP/1.1 " + self.status + b"\r\nContent-Length: 2\r\n\r\n{}")
                self.events.put(None)

    def call(self):
        with socket.create_connection(("127.0.0.1", self.upstream_port)) as call:
            call.sendall(b"POST /fn1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")
            call.recv(4096)

    def deliver(self):
        while True:
            for _ in range(CONNECTIONS):
                self.events.get()
            for _ in range(CONNECTIONS):
                for last in range(self.deliveries, 0, -1):
                    if last == 1:
                        with self.lock:
                            self.finished += 1
                    self.call()


@pytest.fixture
def upstream(tmp_path):
    started = programs.Upstream(max(os.sched_getaffinity(0)), tmp_path)
    yield started
    started.stop()


def run(upstream, gateway, deliveries, patience_s=10):
    return loads.by_closed_loop(upstream.port, gateway.port, "/async", loads.POST, deliveries, 0.3, CONNECTIONS, patience_s)


@pytest.mark.parametrize("deliveries", [1, 3])
def test_as_many_events_are_unfinished_as_there_are_connections_and_never_more(upstream, deliveries):
    gateway = Gateway(upstream.port, deliveries)
    # Only whole fours are delivered, and the time may end within one: what is missing then is at most that.
    result = run(upstream, gateway, deliveries, 0.2)
    assert gateway.most == CONNECTIONS
    assert gateway.received > CONNECTIONS and result["requests"] == gateway.received
    assert 0 <= result["missing"] <= (CONNECTIONS - 1) * deliveries
    assert result["missing"] + upstream.count() == gateway.received * deliveries
    assert result["bad_status"] == result["broken"] == 0


def test_deliveries_that_never_come_are_reported_as_missing(upstream):
    gateway = Gateway(upstream.port, 1)
    result = run(upstream, gateway, 2, 0.2)   # two are wanted, one is made
    assert result["missing"] == 2 * gateway.received - upstream.count() > 0
    assert gateway.received <= CONNECTIONS + CONNECTIONS // 2   # one more for each two deliveries


def test_answers_that_are_no_success_are_counted(upstream):
    gateway = Gateway(upstream.port, 1, b"503 Service Unavailable")
    result = run(upstream, gateway, 1, 0.2)
    assert result["bad_status"] == result["requests"] == gateway.received > 0


def test_a_connection_that_is_closed_is_a_broken_request(upstream):
    listener = socket.create_server(("127.0.0.1", 0))
    def close_all():
        for _ in range(CONNECTIONS):
            listener.accept()[0].close()
    threading.Thread(target=close_all, daemon=True).start()
    result = loads.by_closed_loop(upstream.port, listener.getsockname()[1], "/", loads.GET, 1, 0.1, CONNECTIONS, 0.1)
    assert result["broken"] == CONNECTIONS and result["requests"] == 0
    listener.close()


def test_requests_are_sent_as_given(upstream):
    gateway = Gateway(upstream.port, 1)
    run(upstream, gateway, 1, 0.2)
    assert set(gateway.requests) == {loads.POST.raw(gateway.port, "/async")}


def test_two_loads_at_once_are_refused_and_the_first_goes_on(upstream):
    gateway = Gateway(upstream.port, 1)
    first = []
    thread = threading.Thread(target=lambda: first.append(run(upstream, gateway, 1, 0.2)))
    thread.start()
    programs.wait_until(lambda: gateway.received, "the first load")
    with pytest.raises(RemoteDisconnected):
        run(upstream, gateway, 1)
    thread.join()
    assert first[0]["requests"] == gateway.received


def test_the_long_body_is_json_of_the_size_it_claims():
    assert len(loads.LONG.body) == 10240 and json.loads(loads.LONG.body)["orders"]

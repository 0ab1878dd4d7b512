"""Calls to functions on the wire: what a function's HTTP server may say, connections that are kept, the engines."""
import concurrent.futures
import socket
import threading

import pytest

from harness import PATIENCE, wait_for

FAILED = "Function call failed. Please check logs."
OBJECT = '{"body":"hello"}'
GOOD = f"HTTP/1.1 200 OK\r\nContent-Length: {len(OBJECT)}\r\n\r\n{OBJECT}"
BOTH = f"HTTP/1.1 200 OK\r\nContent-Length: {len(OBJECT)}\r\nTransfer-Encoding: chunked\r\n\r\n{len(OBJECT):x}\r\n{OBJECT}\r\n0\r\n\r\n"
BARE_LF = GOOD.replace("\r\n", "\n")
AUTO, CURL = {}, {"egress.engine": "curl"}


def shut(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass   # closed already


class RawFunction:
    """Answers each request with the bytes it is told, and counts connections and requests."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.connections, self.requests, self.ended = [], 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        stream = connection.makefile("rb")
        while stream.readline():
            length = 0
            while (line := stream.readline().strip()):
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            stream.read(length)
            self.requests += 1
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if answer is None:
                break
            connection.sendall(answer.encode())
        self.ended += 1
        shut(connection)

    def drop_connections(self):
        for connection in self.connections:
            shut(connection)

    def close(self):
        """Nobody listens any more."""
        shut(self.listener)   # or the thread that waits in accept would keep it open
        self.listener.close()
        self.drop_connections()


@pytest.fixture
def serve(make_gateway):
    """serve(settings, *answers): a gateway whose path /f calls a function that answers so."""
    made = []

    def make(settings, *answers):
        function = RawFunction(*answers)
        made.append(function)
        gateway = make_gateway(set={"loops": 1, **settings})
        gateway.create("functions", {"functionId": "f", "type": "http", "provider": {"url": function.url}})
        gateway.event_type("http.request")
        gateway.sync("http.request", "f", "/f")
        gateway.settle()
        return gateway, function

    yield make
    for function in made:
        function.close()


def call(gateway):
    return gateway.event("POST", "/f", b"{}", {"Content-Type": "application/json"})


@pytest.mark.parametrize("text, reason", [
    (BOTH, "the answer has both Content-Length and Transfer-Encoding"),
    (BARE_LF, "a line of the answer does not end with CR LF"),
    (GOOD.replace("OK\r\n", "OK\r\nContent-Length: 16\r\n"), "the answer has more than one Content-Length"),
    ("HTTP/1.1 102 Wait\r\n\r\n" * 2000 + GOOD, "there are too many interim answers"),
    ("SSH-2.0-OpenSSH_9.2\r\n", "the answer is no HTTP/1.1")])
def test_an_answer_that_breaks_the_rules_is_a_failed_call_with_the_reason_in_the_log(serve, text, reason):
    gateway, _ = serve(AUTO, text)
    answer = call(gateway)
    assert (answer.status, answer.message) == (500, FAILED)
    assert reason in gateway.log


@pytest.mark.parametrize("text", [BOTH, BARE_LF])
def test_the_other_engine_is_more_tolerant(serve, text):
    gateway, _ = serve(CURL, text)
    answer = call(gateway)
    assert (answer.status, answer.text) == (200, "hello")


@pytest.mark.parametrize("settings", [AUTO, CURL])
def test_a_function_that_cannot_be_reached_is_named_in_the_log(serve, settings):
    gateway, function = serve(settings, GOOD)
    function.close()
    assert (call(gateway).status, "Failed to connect to 127.0.0.1 port" in gateway.log) == (500, True)


@pytest.mark.parametrize("settings", [AUTO, CURL])
def test_a_proxy_in_the_environment_is_not_used(serve, settings, monkeypatch):
    for name in ("http_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    gateway, _ = serve(settings, GOOD)
    assert call(gateway).text == "hello"


@pytest.mark.parametrize("settings", [AUTO, CURL])
def test_connections_are_used_again_and_those_that_were_closed_are_not(serve, settings):
    gateway, function = serve(settings, GOOD)
    for _ in range(5):
        assert call(gateway).text == "hello"
    assert len(function.connections) == 1
    function.drop_connections()
    for _ in range(5):
        assert call(gateway).text == "hello"
    assert (len(function.connections), function.requests) == (2, 10)


@pytest.mark.parametrize("settings", [AUTO, CURL])
def test_a_request_whose_kept_connection_ends_without_an_answer_is_sent_once_more(serve, settings):
    gateway, function = serve(settings, GOOD, None, GOOD)
    assert call(gateway).text == "hello"
    assert call(gateway).text == "hello"
    assert (function.requests, len(function.connections)) == (3, 2)


def test_a_request_on_a_new_connection_that_ends_without_an_answer_is_not_sent_again(serve):
    gateway, function = serve(AUTO, None)
    assert call(gateway).status == 500
    assert function.requests == 1
    assert "the connection was closed before an answer came" in gateway.log


@pytest.mark.parametrize("settings", [AUTO, CURL])
def test_many_calls_share_the_connections_there_may_be(serve, settings):
    gateway, function = serve({**settings, "egress.connections_per_host": 2}, GOOD)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: call(gateway).text, range(64)))
    assert answers == ["hello"] * 64
    assert (len(function.connections) <= 2, function.requests) == (True, 64)


def test_connections_that_are_idle_too_long_are_closed(serve):
    gateway, function = serve({"egress.idle_timeout": "200ms"}, GOOD)
    assert call(gateway).text == "hello"
    wait_for(lambda: function.ended == 1, "the idle connection to be closed", PATIENCE)
    assert call(gateway).text == "hello"
    assert len(function.connections) == 2

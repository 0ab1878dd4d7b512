"""What the end-to-end tests stand on: the real gateway as a process, functions that record what they
are sent, and a client that can say anything on a socket.

EVENTGW_BUILD names the build directory to test (default build/release).
"""
import http.client
import http.server
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lib"))
from ports import free_port, free_ports   # noqa: E402, F401

BUILD = pathlib.Path(os.environ.get("EVENTGW_BUILD", ROOT / "build" / "release")).resolve()
GATEWAY = BUILD / "event-gateway"
PLUGINS = BUILD / "plugins"
# Sanitizers make everything slower; waits are upper bounds, never sleeps that a pass depends on.
PATIENCE = float(os.environ.get("EVENTGW_PATIENCE", "15"))
SANITIZER = re.compile(r"(ERROR: (Address|Leak|Thread)Sanitizer|WARNING: ThreadSanitizer|runtime error:)")


def wait_for(condition, what, patience=PATIENCE):
    """Polls until condition() is true and returns its value; fails with `what` otherwise."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {patience} s for {what}"
        time.sleep(0.005)


class Answer:
    """An HTTP answer: status, headers (case-insensitive, repeated ones as list), body bytes."""

    def __init__(self, status, headers, body):
        self.status = status
        self.pairs = headers
        self.body = body

    def header(self, name):
        values = self.headers(name)
        return values[0] if values else None

    def headers(self, name):
        return [v for k, v in self.pairs if k.lower() == name.lower()]

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def message(self):
        """The single message of an error envelope; checks the envelope on the way."""
        assert self.header("Content-Type") == "application/json", self
        errors = self.json["errors"]
        assert len(errors) == 1, self
        return errors[0]["message"]

    def __repr__(self):
        return f"<{self.status} {self.pairs} {self.body[:300]!r}>"


class Connection:
    """One keep-alive connection that sends bytes as they are. Use as a context manager."""

    def __init__(self, port, timeout=PATIENCE):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.file = self.sock.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()

    def close(self):
        self.file.close()
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def is_closed_by_peer(self, patience=PATIENCE):
        """True when the gateway closes within the patience; anything it still sends is an error."""
        readable, _, _ = select.select([self.sock], [], [], patience)
        return bool(readable) and self.file.read(1) == b""

    def read(self, is_head=False):
        """The next answer; None when the connection is closed instead."""
        line = self.file.readline(65536)
        if not line:
            return None
        status = int(line.split(b" ", 2)[1])
        pairs = []
        while True:
            line = self.file.readline(65536).rstrip(b"\r\n")
            if not line:
                break
            name, value = line.split(b":", 1)
            pairs.append((name.decode("latin-1"), value.strip().decode("latin-1")))
        answer = Answer(status, pairs, b"")
        if status == 100:
            return self.read(is_head)
        if not is_head and status not in (204, 304):
            answer.body = self._body(answer)
        return answer

    def _body(self, answer):
        if (answer.header("Transfer-Encoding") or "").lower() == "chunked":
            body = b""
            while True:
                size = int(self.file.readline().split(b";")[0], 16)
                body += self.file.read(size)
                self.file.readline()
                if size == 0:
                    return body
        length = answer.header("Content-Length")
        return self.file.read() if length is None else self.file.read(int(length))


def request(port, method, target, body=None, headers=None):
    """One request on a connection of its own. headers: dict or list of pairs. No header is added but
    Host, Content-Length and Connection: close, and those only when they are not given."""
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
    given = {name.lower() for name, _ in pairs}
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode()
    if "host" not in given:
        pairs.insert(0, ("Host", f"127.0.0.1:{port}"))
    if body is not None and not given & {"content-length", "transfer-encoding"}:
        pairs.append(("Content-Length", str(len(body))))
    if "connection" not in given:
        pairs.append(("Connection", "close"))
    head = f"{method} ".encode() + (target if isinstance(target, bytes) else target.encode())
    head += b" HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in pairs).encode("utf-8") + b"\r\n"
    with Connection(port) as connection:
        connection.send(head + (body or b""))
        answer = connection.read(is_head=method == "HEAD")
    assert answer is not None, f"the connection was dropped: {method} {target}"
    return answer


class Call:
    """One request that a function received."""

    def __init__(self, method, path, headers, body):
        self.method = method
        self.path = path
        self.headers = headers   # http.client.HTTPMessage: case-insensitive
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)


class Function:
    """A recording HTTP function. `answer` is a dict or list (JSON), str or bytes, or a callable taking
    the Call; (status, body) or (status, body, headers) tuples too. `gate` holds answers back while it
    is cleared."""

    def __init__(self, answer="{}"):
        self.answer = answer
        self.calls = []
        self.sockets = []
        self.gate = threading.Event()
        self.gate.set()
        self.arrived = threading.Semaphore(0)
        function = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_one(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                call = Call(self.command, self.path, self.headers, body)
                function.calls.append(call)
                function.arrived.release()
                function.gate.wait(60)
                status, data, headers = function._reply(call)
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = handle_one

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def process_request(self, request, address):
                function.sockets.append(request)
                super().process_request(request, address)

            def handle_error(self, *args):
                pass   # the gateway may hang up on a call that it no longer waits for

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def _reply(self, call):
        answer = self.answer(call) if callable(self.answer) else self.answer
        status, headers = 200, []
        if isinstance(answer, tuple):
            status, answer, headers = (answer + ([],))[:3]
        if answer is None or isinstance(answer, (dict, list)):
            answer = json.dumps(answer)
        return status, answer.encode() if isinstance(answer, str) else answer, headers

    def wait_calls(self, count, patience=PATIENCE):
        wait_for(lambda: len(self.calls) >= count, f"{count} calls, there are {len(self.calls)}",
                 patience)
        return self.calls

    def close(self):
        """The server is gone, with its connections."""
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()
        for connection in self.sockets:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass   # closed already


class Gateway:
    """The real binary. Options as keyword arguments: config (text of a configuration file), args (list
    of flags), data_dir, env. Ports are free ones unless the config or flags say otherwise."""

    def __init__(self, config=None, args=(), data_dir=None, env=None, set=None, wait=True):
        self._temp = tempfile.TemporaryDirectory(prefix="eventgw-")
        self.dir = pathlib.Path(self._temp.name)
        self.data_dir = pathlib.Path(data_dir) if data_dir else self.dir / "data"
        self.config_file = self.dir / "event-gateway.conf"
        command = [str(GATEWAY), "--data-dir", str(self.data_dir)]
        if config is not None:
            self.config_file.write_text(config)
            command += ["--config", str(self.config_file)]
        # Its 1.8 s are for users; a test that is not about them must not fail since a disk or a machine is busy for longer. None
        # leaves a setting at its default.
        settings = {"events.port": 0, "config.port": 0, "events.listen": "127.0.0.1", "store.timeout": f"{PATIENCE:.0f}s"}
        settings.update(set or {})
        settings = {key: value for key, value in settings.items() if value is not None}
        flags = " ".join(args)
        for key, value in settings.items():
            if not (key.endswith(".port") and f"-{key.split('.')[0]}-port" in flags):
                command += ["--set", f"{key}={value}"]
        self.command = command + list(args)
        self.env = dict(os.environ, **(env or {}))
        self.lines = []
        self._reading = threading.Lock()
        self.functions = []
        self.start(wait)

    def start(self, wait=True):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, env=self.env,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)
        self._reader.start()
        if wait:
            self.wait_ready()

    def _read(self, stream):
        rest, data = b"", b"-"
        while data:
            select.select([stream], [], [])
            with self._reading:
                data = os.read(stream.fileno(), 65536)
                *lines, rest = (rest + data).split(b"\n")
                if not data and rest:
                    lines.append(rest)
                self.lines += [line.decode(errors="replace") for line in lines]

    @property
    def log(self):
        """All that it has written until now: what it logs before it answers is in it when the answer is there."""
        stream = self.process.stderr
        while self._reader.is_alive():
            with self._reading:
                if stream.closed or not select.select([stream], [], [], 0)[0]:
                    break
            time.sleep(0.001)
        return "\n".join(self.lines)

    def wait_ready(self):
        def ready():
            assert self.process.poll() is None, f"the gateway ended: {self.log}"
            return re.search(r"serving: Events API https?://\S+?:(\d+), Config API https?://\S+?:(\d+)",
                             "\n".join(self.lines[self._ready_from:]))
        self._ready_from = getattr(self, "_ready_from", 0)
        found = wait_for(ready, "the gateway to serve")
        self._ready_from = len(self.lines)
        self.events_port, self.config_port = int(found[1]), int(found[2])

    # ---- stopping ----
    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self, patience=60):
        code = self.process.wait(patience)
        self._reader.join(PATIENCE)
        self.process.stderr.close()
        return code

    def stop(self):
        """SIGTERM; the exit code has to be 0 and no sanitizer may have complained."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        code = self.wait_exit()
        assert not SANITIZER.search(self.log), self.log
        assert code == 0, f"exit code {code}: {self.log}"

    def kill(self):
        self.process.kill()
        self.wait_exit()

    def restart(self):
        """Stops and starts again on the same data; ports change."""
        self.stop()
        self.start()

    def close(self):
        try:
            for function in self.functions:
                function.gate.set()
            if self.process.poll() is None or self.process.stderr and not self.process.stderr.closed:
                self.stop()
        finally:
            for function in self.functions:
                function.close()
            self._temp.cleanup()

    # ---- Config API ----
    def config(self, method, path, body=None, headers=None):
        return request(self.config_port, method, path, body, headers)

    def in_space(self, space="default"):
        return f"/v1/spaces/{space}"

    def create(self, kind, body, space="default"):
        answer = self.config("POST", f"/v1/spaces/{space}/{kind}", body)
        assert answer.status == 201, answer
        return answer.json

    def function(self, name, answer="{}", space="default", **provider):
        """fn(name: answer): a registered http function with a recording server behind it."""
        function = Function(answer)
        self.functions.append(function)
        self.create("functions", {"functionId": name, "type": "http",
                                  "provider": {"url": function.url, **provider}}, space)
        return function

    def event_type(self, name, authorizer=None, space="default"):
        body = {"name": name}
        if authorizer:
            body["authorizerId"] = authorizer
        return self.create("eventtypes", body, space)

    def subscribe(self, kind, event_type, function, path="/", method="POST", space="default"):
        return self.create("subscriptions", {"type": kind, "eventType": event_type,
                                             "functionId": function, "path": path,
                                             "method": method}, space)

    def sync(self, event_type, function, path="/", method="POST", space="default"):
        return self.subscribe("sync", event_type, function, path, method, space)

    def asynchronous(self, event_type, function, path="/", method="POST", space="default"):
        return self.subscribe("async", event_type, function, path, method, space)

    def settle(self):
        """Waits until every loop routes by the newest configuration."""
        revision = self.config("GET", "/v1/status?verbose=1").json["storeRevision"]
        patience = min(int(PATIENCE), 60)
        answer = self.config("GET", f"/v1/status?min_revision={revision}&timeout={patience}s")
        assert answer.status == 200, answer

    def metric(self, name, **labels):
        """Value of one sample of /v1/metrics, or None."""
        for line in self.config("GET", "/v1/metrics").text.splitlines():
            found = re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? (\S+)", line)
            if found and found[1] == name:
                have = dict(re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', found[2] or ""))
                if have == {k: str(v) for k, v in labels.items()}:
                    return float(found[3])
        return None

    # ---- Events API ----
    def event(self, method, path, body=None, headers=None):
        return request(self.events_port, method, path, body, headers)

    def emit(self, event, path="/", method="POST", headers=None):
        """A structured CloudEvent."""
        pairs = {"Content-Type": "application/cloudevents+json", **(headers or {})}
        return self.event(method, path, event, pairs)


def cloud_event(event_type, data={"foo": "bar"}, **more):
    """CE(x) of the test cases: a structured CloudEvent 0.1."""
    return {"eventType": event_type, "eventID": "1", "cloudEventsVersion": "0.1", "source": "/x",
            "contentType": "application/json", "data": data, **more}


def run_gateway(*args, patience=60, env=None):
    """Runs the binary to its end: (exit code, stdout, stderr)."""
    done = subprocess.run([str(GATEWAY), *args], stdin=subprocess.DEVNULL, timeout=patience,
                          capture_output=True, text=True, env=dict(os.environ, **(env or {})))
    assert not SANITIZER.search(done.stderr), done.stderr
    return done.returncode, done.stdout, done.stderr


def quote(text):
    return urllib.parse.quote(text, safe="")

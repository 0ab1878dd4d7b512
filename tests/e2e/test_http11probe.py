"""The public suite Http11Probe against the real binary: a sync function answers GET and POST `/` with
200 and echoes the body; everything else gets 202. Its tables tell which status or end of the connection
passes. No failure may be in the smuggling category, and at most 3 may be in all."""
import base64
import gzip
import json
import select
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import ROOT, Connection, Gateway

VECTORS = ROOT.parent / "shared" / "data" / "http11probe-vectors.json.gz"
# An answer comes at once; this is how long a silence has to be to count as one.
SILENCE = 0.5
FAILURES_MAX = 3

pytestmark = pytest.mark.skipif(not VECTORS.exists(), reason=f"{VECTORS} is not there")


@pytest.fixture(scope="module")
def gateway(engine):
    gateway = Gateway(set=engine)

    def echo(call):
        data = call.json["data"]
        body = data["body"]
        if data["method"] == "POST" and isinstance(body, str):
            body = base64.b64decode(body).decode("latin-1")
        return {"headers": {"Content-Type": "text/plain"}, "body": body if isinstance(body, str) else ""}
    gateway.function("echo", echo)
    gateway.event_type("http.request")
    for method in ("GET", "POST"):
        gateway.sync("http.request", "echo", "/", method)
    gateway.settle()
    yield gateway
    gateway.close()


class Talk(Connection):
    """Sends bytes, and takes what comes until silence or the end."""

    def __init__(self, port):
        super().__init__(port)
        self.received = b""
        self.is_closed = False

    def say(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            pass   # refused already: the answer is read below
        while not self.is_closed and select.select([self.sock], [], [], SILENCE)[0]:
            try:
                piece = self.sock.recv(65536)
            except ConnectionResetError:
                piece = b""
            self.received += piece
            self.is_closed = not piece

    @property
    def status(self):
        parts = self.received.split(b" ", 2)
        return int(parts[1]) if len(parts) == 3 and parts[0].startswith(b"HTTP/1.") else 0


def by_words(expect, talk):
    """What a table of statuses cannot say; None when there are no such words."""
    is_2xx = 200 <= talk.status < 300
    if expect == "2xx + echo":
        return is_2xx and b"\r\n\r\nhello" in talk.received
    if expect == "2xx with Date header":
        return is_2xx and b"\nDate: " in talk.received
    if expect == "405 + Allow header" and talk.status == 405:
        return b"\nAllow: " in talk.received
    return None


def single_passes(case, talk):
    talk.say(base64.b64decode(case["request_b64"]))
    said = by_words(case["expect"], talk)
    if said is not None:
        return said
    if talk.status == 0:
        return case["no_response"]["ClosedByServer" if talk.is_closed else "TimedOut"] != "Fail"
    judge = case["judge"]
    verdicts = judge.get("any_state") or judge["closed" if talk.is_closed else "open"]
    return talk.status in verdicts.get("Pass", []) + verdicts.get("Warn", [])


def sequence_passes(case, talk):
    """On one connection, in words only ("400, or close"; "2xx + 2xx"). It fails when the first request is
    let in although it is ambiguous, and bytes behind it are answered as a request of their own."""
    first = 0
    for index, step in enumerate(case["steps"]):
        for part in step["parts"]:
            if not talk.is_closed:
                talk.say(base64.b64decode(part["b64"]))
        first = talk.status if index == 0 else first
    answers = talk.received.count(b"\nDate: ")
    if case["expect"] == "2xx + 2xx":
        return answers == 2
    is_refused = first >= 400 or (first == 0 and talk.is_closed)
    return is_refused and talk.is_closed and answers <= 1


def passes(port, case):
    """(does the gateway pass, what it said)"""
    with Talk(port) as talk:
        judge = single_passes if "request_b64" in case else sequence_passes
        return judge(case, talk), talk.received[:200]


def test_no_smuggling_and_at_most_three_failures(gateway):
    cases = [case for case in json.loads(gzip.open(VECTORS).read())["cases"] if case["scored"]]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda case: passes(gateway.events_port, case), cases))
    failed = [(case["category"], case["id"], case["expect"], said)
              for case, (is_passed, said) in zip(cases, results) if not is_passed]
    told = "\n".join(map(repr, failed))
    assert len(cases) > 100
    assert not [f for f in failed if f[0] == "Smuggling"], told
    assert len(failed) <= FAILURES_MAX, told

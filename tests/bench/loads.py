"""The requests of the benchmark and the two ways to send them: by wrk, and by the closed loop inside the upstream
(closed_loop.h), which counts an event as finished when its deliveries have been made."""
import dataclasses
import json
import re
import subprocess
import tempfile
from http.client import HTTPConnection

import programs

CONNECTIONS = 64
PATIENCE_S = 10   # for deliveries that are still to come when the time is over

ORDER = ('{"user":"0f8fad5b-d9cb-469f-a165-70867728950e","action":"order.created","amount":1299,"currency":"EUR",'
         '"note":"a bench"}')
LONG_BYTES = 10240


@dataclasses.dataclass(frozen=True)
class Request:
    method: str
    body: str = ""
    content_type: str = ""
    headers: tuple = ()   # more of them, as (name, value)

    def header_lines(self):
        typed = [f"Content-Type: {self.content_type}"] if self.content_type else []
        return typed + [f"{name}: {value}" for name, value in self.headers]

    def raw(self, port, path):
        """The bytes, as wrk writes them too."""
        length = [f"Content-Length: {len(self.body)}"] if self.body else []
        lines = [f"{self.method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *length, *self.header_lines()]
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()


def long_body():
    """JSON of LONG_BYTES: a list of orders, and a note that fills it up."""
    start = '{"orders":[' + ",".join([ORDER] * (LONG_BYTES // (len(ORDER) + 1) - 1)) + '],"note":"'
    return start + "x" * (LONG_BYTES - len(start) - 2) + '"}'


POST = Request("POST", ORDER, "application/json")
GET = Request("GET")
LONG = Request("POST", long_body(), "application/json")
EVENT = Request("POST", json.dumps({"specversion": "1.0", "type": "order.created", "source": "/shop", "id": "1",
                                    "data": json.loads(ORDER)}, separators=(",", ":")),
                "application/cloudevents+json")


def run_wrk(core, seconds, script, port, path, *arguments):
    """What the script reports."""
    out = subprocess.run(
        ["taskset", "-c", str(core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s",
         str(programs.HERE / script), f"http://127.0.0.1:{port}{path}", "--", *map(str, arguments)],
        capture_output=True, text=True, check=True).stdout
    found = re.search(r"RESULT (.*)", out)
    if not found:
        raise SystemExit(f"bench: wrk says: {out}")
    return json.loads(found[1])


def by_wrk(port, path, request, core, seconds):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as body:
        body.write(request.body)
        body.flush()
        return run_wrk(core, seconds, "request.lua", port, path, request.method, body.name if request.body else "-",
                       *request.header_lines())


def by_closed_loop(upstream_port, port, path, request, deliveries, seconds, connections=CONNECTIONS,
                   patience_s=PATIENCE_S):
    connection = HTTPConnection("127.0.0.1", upstream_port, timeout=seconds + patience_s + 10)
    try:
        connection.request("POST", f"/load/{port}/{connections}/{round(seconds * 1000)}/{deliveries}/"
                           f"{round(patience_s * 1000)}", request.raw(port, path))
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()

"""What the reacter `otel` exports, held against the published schema of OTLP (opentelemetry-proto of PyPI), and taken
by a real OpenTelemetry collector (tests/servers/otelcol)."""
import json
import pathlib
import subprocess

import pytest

from harness import PATIENCE, ROOT, Function, cloud_event, free_port, wait_for
from venvs import python_with

HERE = pathlib.Path(__file__).resolve().parent
COLLECTOR = ROOT / "build" / "deps" / "servers" / "otelcol"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector:
    def __init__(self, folder):
        if not (COLLECTOR / "otelcol").exists():
            log = COLLECTOR / "build.log"
            pytest.skip("no OpenTelemetry collector: "
                        + (log.read_text().strip().split("\n")[-1] if log.exists() else "tests/servers/otelcol/install"))
        self.file = folder / "traces.json"
        self.port = free_port()
        self.log = open(folder / "collector.log", "w+")
        self.process = subprocess.Popen([str(ROOT / "tests" / "servers" / "otelcol" / "run"), str(folder),
                                         str(self.port)], stdout=self.log, stderr=subprocess.STDOUT)
        wait_for(self._is_ready, "the collector", 60)
        self.url = f"http://127.0.0.1:{self.port}"

    def _is_ready(self):
        self.log.seek(0)
        text = self.log.read()
        assert self.process.poll() is None, text
        return "Everything is ready" in text

    def spans(self):
        """Of the lines that are whole: the collector is writing."""
        text = self.file.read_text() if self.file.exists() else ""
        lines = text[:text.rfind("\n") + 1].splitlines()
        return [(resource["resource"], span) for line in lines for resource in json.loads(line)["resourceSpans"]
                for scope in resource["scopeSpans"] for span in scope["spans"]]

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.log.close()


@pytest.fixture
def collector(tmp_path):
    collector = Collector(tmp_path)
    yield collector
    collector.close()


def config(url, settings=""):
    return (f'plugins = {{ reacters = ( "otel" ); otel = {{ endpoint = "{url}"; batch_age = "50ms"; {settings} }}; '
            'middleware = ( "auth" ); auth = { rules = ( { path = "/"; public = true; } ); }; };')


def work(gateway):
    """Requests of all kinds: answered, failed, refused, without anybody, asynchronous, of a traced caller."""
    gateway.event_type("e")
    for name, answer in (("ok", '{"body":"\u2603"}'), ("bad", (500, "broken"))):
        gateway.function(name, answer)
        gateway.sync("e", name, "/" + name)
    gateway.asynchronous("e", "ok", "/later")
    gateway.settle()
    gateway.emit(cloud_event("e"), "/ok", headers={"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "a=b"})
    gateway.emit(cloud_event("e", source="/\"\\\u2603"), "/ok?q=\"\\")
    gateway.emit(cloud_event("e"), "/bad")
    gateway.emit(cloud_event("e"), "/later")
    gateway.emit(cloud_event("nobody"), "/nobody")
    gateway.emit("{", "/ok")


def attributes(thing):
    return {a["key"]: list(a["value"].values())[0] for a in thing["attributes"]}


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_collector_takes_all_of_it(make_gateway, collector, compression):
    gateway = make_gateway(config=config(collector.url, f'compression = "{compression}"; service_name = "shop";'))
    work(gateway)
    wait_for(lambda: gateway.metric("eventgateway_outbox_queued", component="otel") == 0
             and (gateway.metric("eventgateway_outbox_sent_total", component="otel") or 0) > 0, "the export")
    gateway.stop()
    assert "delivered" not in gateway.log and "rejected" not in gateway.log
    wait_for(lambda: len({span["traceId"] for _, span in collector.spans()}) >= 6, "six traces in the collector")
    resource, _ = collector.spans()[0]
    assert attributes(resource)["service.name"] == "shop"
    mine = [span for _, span in collector.spans() if span["traceId"] == TRACE]
    request = next(span for span in mine if span["kind"] == 2)
    call = next(span for span in mine if span["kind"] == 3)
    assert request["parentSpanId"] == PARENT and request["traceState"] == "a=b"
    assert call["parentSpanId"] == request["spanId"] and call["name"] == "default/ok"
    assert all(span["parentSpanId"] in {s["spanId"] for s in mine} for span in mine if span is not request)
    assert attributes(request)["http.response.status_code"] == "200"
    failed = [span for _, span in collector.spans() if span.get("status", {}).get("code") == 2]
    assert {span["kind"] for span in failed} >= {2, 3}
    kinds = [span["kind"] for _, span in collector.spans()]
    assert kinds.count(2) == 6 and kinds.count(1) >= 6


def test_it_is_what_the_published_schema_says(make_gateway):
    python = python_with("opentelemetry-proto", HERE / "requirements.txt")
    receiver = Function((200, "{}"))
    gateway = make_gateway(config=config(receiver.url))
    work(gateway)
    gateway.stop()
    bodies = b"\n".join(call.body for call in receiver.calls)
    receiver.close()
    done = subprocess.run([str(python), str(HERE / "otlp_schema.py")], input=bodies, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    spans = [span for line in done.stdout.decode().splitlines() for resource in json.loads(line)["resourceSpans"]
             for scope in resource["scopeSpans"] for span in scope["spans"]]
    assert {span["kind"] for span in spans} == {"SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_INTERNAL"}
    assert "STATUS_CODE_ERROR" in {span.get("status", {}).get("code") for span in spans}

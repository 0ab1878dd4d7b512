"""The reacter `webhook_events`: system events posted to a URL in batches, signed, tried again, bounded."""
import base64
import hashlib
import hmac
import json
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import Function, cloud_event, run_gateway, wait_for

TYPES = ["event.received", "function.invoking", "function.invoked", "function.invocationFailed"]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def receiver():
    function = Function((204, ""))
    yield function
    function.close()


def config(url, settings="", name="webhook_events"):
    return f'plugins = {{ reacters = ( "{name}" ); {name} = {{ url = "{url}"; {settings} }}; }};'


def route(gateway, answer='{"body":"fine"}'):
    gateway.event_type("e")
    function = gateway.function("f", answer)
    gateway.sync("e", "f")
    gateway.settle()
    return function


def events_of(receiver):
    return [event for call in receiver.calls for event in call.json]


def kinds(events):
    return [event["type"].removeprefix("eventgateway.") for event in events]


def wait_events(receiver, count):
    wait_for(lambda: len(events_of(receiver)) >= count, f"{count} events")
    return events_of(receiver)


def lost(gateway, reason):
    return gateway.metric("eventgateway_outbox_lost_total", component="webhook_events", reason=reason)


def test_events_arrive_as_a_batch_of_cloudevents(make_gateway, receiver):
    gateway = make_gateway(config=config(receiver.url, 'batch_age = "100ms"; token = "t0";'))
    route(gateway)
    assert gateway.emit(cloud_event("e", data={"text": "two\nlines \u2603"})).text == "fine"
    events = wait_events(receiver, 3)
    assert kinds(events) == TYPES[:3]
    assert all(event["specversion"] == "1.0" and event["id"] and event["source"] for event in events)
    assert events[0]["data"]["event"]["data"] == {"text": "two\nlines \u2603"}
    call = receiver.calls[0]
    assert call.method == "POST"
    assert call.headers["Content-Type"] == "application/cloudevents-batch+json"
    assert call.headers["Authorization"] == "Bearer t0"
    assert len(receiver.calls) == 1
    assert gateway.metric("eventgateway_outbox_sent_total", component="webhook_events") == 3


def test_only_the_types_asked_for_are_posted(make_gateway, receiver):
    gateway = make_gateway(config=config(
        receiver.url, 'batch_count = 1; events = ( "eventgateway.function.invocationFailed" );'))
    route(gateway, (500, "broken"))
    assert gateway.emit(cloud_event("e")).status == 500
    assert kinds(wait_events(receiver, 1)) == ["function.invocationFailed"]
    gateway.stop()
    assert len(events_of(receiver)) == 1


def signature_of(secret, call):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f'{call.headers["webhook-id"]}.{call.headers["webhook-timestamp"]}.'.encode() + call.body
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def test_batches_are_signed_as_standard_webhooks_say(make_gateway, receiver):
    old = "whsec_" + base64.b64encode(b"o" * 32).decode()
    gateway = make_gateway(config=config(receiver.url, f'batch_age = "50ms"; secret = "{SECRET} {old}";'))
    gateway.emit(cloud_event("e", data={"text": "\u2603"}))
    wait_events(receiver, 1)
    call = receiver.calls[0]
    assert call.headers["webhook-signature"] == f"{signature_of(SECRET, call)} {signature_of(old, call)}"
    assert call.headers["webhook-id"].startswith("msg_")
    assert abs(int(call.headers["webhook-timestamp"]) - time.time()) < 60


def test_a_receiver_that_fails_is_tried_again_with_the_same_batch(make_gateway, receiver):
    receiver.answer = lambda call: (503, "", [("Retry-After", "1")]) if len(receiver.calls) == 1 else (200, "")
    gateway = make_gateway(config=config(receiver.url, "batch_count = 1;"))
    gateway.emit(cloud_event("e"))
    receiver.wait_calls(2)
    first, second = receiver.calls
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) >= 1
    wait_for(lambda: "are delivered again" in gateway.log, "the good news in the log")
    assert "events cannot be delivered: the answer was HTTP 503" in gateway.log


def test_a_receiver_that_hangs_delays_no_request_and_the_queue_is_bounded(make_gateway, receiver):
    receiver.gate.clear()
    gateway = make_gateway(config=config(receiver.url, 'batch_count = 1; queue_count = 5; timeout = "60s";'),
                           set={"loops": 1})
    function = route(gateway)
    for _ in range(20):
        assert gateway.emit(cloud_event("e")).text == "fine"
    assert len(function.calls) == 20
    assert lost(gateway, "queue_full") == 60 - 1 - 5
    assert gateway.metric("eventgateway_outbox_queued", component="webhook_events") == 5
    assert gateway.log.count("events were not delivered") == 1
    receiver.gate.set()
    wait_events(receiver, 6)


def test_a_refused_batch_is_lost_and_counted(make_gateway, receiver):
    receiver.answer = (400, "no")
    gateway = make_gateway(config=config(receiver.url, "batch_count = 1;"))
    gateway.emit(cloud_event("e"))
    receiver.wait_calls(1)
    wait_for(lambda: lost(gateway, "refused") == 1, "the loss to be counted")


def test_what_waits_is_sent_when_the_gateway_stops(make_gateway, receiver):
    gateway = make_gateway(config=config(receiver.url, 'batch_age = "1h"; batch_count = 7;'), set={"loops": 2})
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda n: gateway.emit(cloud_event("e", eventID=str(n))).status, range(40)))
    assert set(statuses) == {202}
    gateway.stop()
    ids = [event["data"]["event"].get("id") or event["data"]["event"]["eventID"] for event in events_of(receiver)]
    assert sorted(map(int, ids)) == list(range(40))
    assert "timers or watches" not in gateway.log


def test_a_stop_does_not_wait_for_a_receiver_that_is_away(make_gateway, receiver):
    receiver.close()
    gateway = make_gateway(config=config(receiver.url, 'batch_age = "1h";'))
    gateway.emit(cloud_event("e"))
    begun = time.monotonic()
    gateway.stop()
    assert time.monotonic() - begun < 10
    assert "1 events were not delivered" in gateway.log
    assert "timers or watches" not in gateway.log


def test_a_stop_does_not_wait_for_a_receiver_that_hangs(make_gateway, receiver):
    receiver.gate.clear()
    gateway = make_gateway(config=config(receiver.url, 'batch_count = 1; timeout = "60s";'))
    gateway.emit(cloud_event("e"))
    receiver.wait_calls(1)
    gateway.emit(cloud_event("e"))
    gateway.stop()
    assert "never answered" not in gateway.log and "did not end" not in gateway.log
    assert "events were not delivered" in gateway.log


@pytest.fixture
def tls(tmp_path):
    """A receiver with TLS that asks for the certificate of the client; (receiver, ca file, cert, key)."""
    for name, extra in (("server", ["-addext", "subjectAltName=IP:127.0.0.1"]), ("client", [])):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", tmp_path / f"{name}.key",
                        "-out", tmp_path / f"{name}.pem", *extra], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    context.load_verify_locations(tmp_path / "client.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    receiver = Function((200, ""))
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    receiver.url = receiver.url.replace("http:", "https:")
    yield receiver, tmp_path / "server.pem", tmp_path / "client.pem", tmp_path / "client.key"
    receiver.close()


def test_tls_with_a_certificate_of_the_gateways_own(make_gateway, tls):
    receiver, ca, cert, key = tls
    files = f'ca_file = "{ca}"; cert_file = "{cert}"; key_file = "{key}"; batch_count = 1;'
    gateway = make_gateway(config=config(receiver.url, files))
    gateway.emit(cloud_event("e"))
    assert kinds(wait_events(receiver, 1)) == ["event.received"]


def test_a_server_that_is_not_trusted_gets_nothing(make_gateway, tls):
    receiver, _, cert, key = tls
    files = f'cert_file = "{cert}"; key_file = "{key}"; batch_count = 1; attempts = 1;'
    gateway = make_gateway(config=config(receiver.url, files))
    gateway.emit(cloud_event("e"))
    wait_for(lambda: lost(gateway, "attempts") == 1, "the loss to be counted")
    assert receiver.calls == []


@pytest.mark.parametrize("settings,told", [
    ('url = "nowhere";', "'url'"),
    ("", "url"),
    ('url = "http://example.com/"; token = "s3cret-token";', "allow_http"),
    ('url = "http://127.0.0.1/"; secret = "s3cret-key";', "'secret'"),
    ('url = "http://127.0.0.1/"; headers = "s3cret-line";', "line 1"),
    ('url = "http://127.0.0.1/"; events = ( "eventgateway.nonsense" );', "'events'"),
    ('url = "http://127.0.0.1/"; ca_file = "/nowhere/ca.pem";', "/nowhere/ca.pem"),
])
def test_what_cannot_work_is_told_at_start_without_secrets(tmp_path, settings, told):
    file = tmp_path / "event-gateway.conf"
    file.write_text(f'plugins = {{ reacters = ( "webhook_events" ); webhook_events = {{ {settings} }}; }};')
    code, _, err = run_gateway("--config", str(file), "--data-dir", str(tmp_path / "data"), "--set", "events.port=0",
                               "--set", "config.port=0", "--set", "events.listen=127.0.0.1")
    assert code == 1
    assert told in err and "s3cret" not in err


def test_a_batch_is_json_whatever_the_events_hold(make_gateway, receiver):
    gateway = make_gateway(config=config(receiver.url, 'batch_age = "50ms"; batch_bytes = "1KiB";'),
                           set={"loops": 1})
    for n in range(10):
        gateway.emit(json.dumps({"cloudEventsVersion": "0.1", "eventType": "e", "eventID": str(n), "source": "/x",
                                 "data": "x" * (400 * n) + "\",]["}),
                     headers={"Content-Type": "application/cloudevents+json"})
    events = wait_events(receiver, 10)
    assert [len(e["data"]["event"]["data"]) for e in events] == [400 * n + 4 for n in range(10)]
    assert len(receiver.calls) > 3


def test_reloads_of_its_settings_lose_no_event(make_gateway, receiver):
    def settings(age):
        return config(receiver.url, f'batch_age = "{age}s"; batch_count = 17; '
                                    'events = ( "eventgateway.event.received" );')
    gateway = make_gateway(config=settings(3600), set={"loops": 2})
    ids, is_over = [], threading.Event()

    def emit(worker):
        count = 0
        while not is_over.is_set():
            count += 1
            assert gateway.emit(cloud_event("e", eventID=f"{worker}-{count}")).status == 202
            ids.append(f"{worker}-{count}")
    with ThreadPoolExecutor(2) as pool:
        workers = [pool.submit(emit, worker) for worker in range(2)]
        try:
            for round_ in range(5):
                wait_for(lambda: len(ids) >= 40 * round_, "events in between")
                gateway.config_file.write_text(settings(1000 + round_))
                assert gateway.config("POST", "/v1/plugins/reload").status == 200
        finally:
            is_over.set()
        for worker in workers:
            worker.result()
    gateway.stop()
    assert gateway.log.count("component 'webhook_events' replaced") == 5
    assert "timers or watches" not in gateway.log and "did not end" not in gateway.log
    arrived = [event["data"]["event"] for event in events_of(receiver)]
    assert sorted(event.get("id") or event["eventID"] for event in arrived) == sorted(ids)

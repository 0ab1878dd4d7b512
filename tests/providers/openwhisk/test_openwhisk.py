"""Functions of type openwhisk against a strict imitation of its REST API (whisk_server.py)."""
import pathlib
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import cloud_event, wait_for   # noqa: E402
from whisk_server import KEY, Whisk   # noqa: E402
from wire_faults import TRANSPORT_FAULTS, FaultyServer, answer, make_certificate, refused_port, says   # noqa: E402

PREFIX = "Function doesn't validate. Validation error: "
FAILED = "Function call failed. Please check logs."
EVENT = {"specversion": "1.0", "type": "t", "source": "/x", "id": "1", "data": {"name": "Ada"}}
QUICK = {"poll_interval": "10ms", "poll_interval_max": "20ms"}


@pytest.fixture
def whisk():
    made = Whisk()
    yield made
    made.close()
    assert made.violations == []


@pytest.fixture
def start(make_gateway):
    """start(url, provider..., settings={}): a gateway whose function f is subscribed to the type t."""
    def begin(url, settings=None, timeout="30s", **provider):
        keys = {f"plugins.openwhisk.{k}": v for k, v in (settings or {}).items()}
        gw = make_gateway(set={"compat.function_timeout": timeout, **keys})
        provider = {"apiHost": url, "auth": KEY, **provider}
        if "trigger" not in provider:
            provider.setdefault("action", "a")
        gw.create("functions", {"functionId": "f", "type": "openwhisk",
                                "provider": {k: v for k, v in provider.items() if v is not None}})
        gw.event_type("t")
        gw.sync("t", "f")
        gw.settle()
        return gw
    return begin


def wait_logged(gw, text):
    """The log comes through a pipe, a little later than the answer."""
    wait_for(lambda: text in gw.log, f"{text!r} in the log")


def calls(gw, kind):
    return gw.metric("eventgateway_provider_calls_total", provider="openwhisk", **{"class": kind}) or 0


# ---- configuration ----

def test_the_configuration_is_answered_without_its_secrets(gw):
    provider = {"apiHost": "whisk.test", "package": "p", "action": "a", "auth": KEY, "blocking": False}
    answered = gw.create("functions", {"functionId": "f", "type": "openwhisk", "provider": provider})
    assert answered["provider"] == {**provider, "auth": "*****"}


@pytest.mark.parametrize("provider, text", [
    ({}, "missing required fields for OpenWhisk function"),
    ({"apiHost": "x", "action": "a"}, "missing required fields for OpenWhisk function"),
    ({"apiHost": "x", "action": "a", "auth": "nocolon"}, "auth has to be uuid:key"),
    ({"apiHost": "x", "action": "a", "auth": "u:k", "blocking": "yes"},
     "unable to load function provider config: 'blocking'")])
def test_a_configuration_that_cannot_work_is_refused(gw, provider, text):
    answered = gw.config("POST", "/v1/spaces/default/functions",
                         {"functionId": "f", "type": "openwhisk", "provider": provider})
    assert answered.status == 400
    assert answered.message.startswith(PREFIX + text)


# ---- actions ----

def test_an_action_gets_the_event_and_its_result_is_the_reply(whisk, start):
    whisk.result = {"statusCode": 201, "headers": {"X-A": "b"}, "body": 'made "it" \u00e9'}
    gw = start(whisk.url, namespace="guest", package="my package")
    reply = gw.emit(EVENT)
    assert (reply.status, reply.text, reply.header("X-A")) == (201, 'made "it" \u00e9', "b")
    entity, query, parameters = whisk.invoked[0]
    assert (entity, parameters) == ("guest/actions/my package/a", EVENT)
    assert query["timeout"] and int(query["timeout"][0]) <= 27000   # nine tenths of the gateway's patience
    assert calls(gw, "ok") == 1


def test_a_token_is_sent_as_bearer(whisk, start):
    whisk.authorization = "Bearer t0.k3n"
    gw = start(whisk.url, auth=None, token="t0.k3n")
    assert gw.emit(EVENT).text == "hello"


@pytest.mark.parametrize("credentials", [{"auth": "u:wrong"}, {"auth": None, "token": "expired"}])
def test_wrong_or_expired_credentials_are_an_auth_failure(whisk, start, credentials):
    gw = start(whisk.url, **credentials)
    assert gw.emit(EVENT).message == FAILED
    assert calls(gw, "auth") == 1
    wait_logged(gw, "Function access denied. Error: HTTP status code: 401")
    assert "u:wrong" not in gw.log and "expired" not in gw.log


@pytest.mark.parametrize("status, kind", [("application error", "function"), ("action developer error", "function"),
                                          ("whisk internal error", "transient")])
def test_an_action_that_fails_is_told_by_its_record(whisk, start, status, kind):
    whisk.status, whisk.result = status, {"error": "no such user"}
    gw = start(whisk.url)
    assert gw.emit(EVENT).message == FAILED
    assert calls(gw, kind) == 1
    wait_logged(gw, f"{status}: no such user, activation {1:032x}")


def test_a_result_that_is_no_reply_is_malformed_for_a_sync_caller(whisk, start):
    whisk.result = {"statusCode": "x"}
    gw = start(whisk.url)
    assert gw.emit(EVENT).message == "HTTP response object malformed"


def test_an_action_that_is_not_waited_for_is_acknowledged(whisk, start):
    gw = start(whisk.url, blocking=False)
    reply = gw.emit(EVENT)
    assert (reply.status, reply.json) == (200, {"activationId": f"{1:032x}"})
    assert calls(gw, "accepted") == 1
    assert whisk.looks == []


@pytest.mark.parametrize("rules, body", [(True, {"activationId": f"{1:032x}"}), (False, {})])
def test_a_trigger_is_fired(whisk, start, rules, body):
    whisk.rules = rules
    gw = start(whisk.url, trigger="my trigger")
    reply = gw.emit(EVENT)
    assert (reply.status, reply.json) == (200, body)
    assert whisk.invoked == [("_/triggers/my trigger", {}, EVENT)]
    assert calls(gw, "accepted") == 1


# ---- activations ----

def test_an_action_that_goes_on_running_is_waited_for(whisk, start):
    whisk.slow = True
    gw = start(whisk.url, QUICK)
    assert gw.emit(EVENT).text == "hello"
    assert whisk.looks == [f"{1:032x}"] * 3
    assert len(whisk.invoked) == 1
    assert calls(gw, "ok") == 1


def test_faults_while_looking_are_no_end(whisk, start):
    whisk.slow, whisk.looks_needed = True, 1
    whisk.look_answers = [(503, []), (500, []), (429, []), (502, [])]
    gw = start(whisk.url, QUICK)
    assert gw.emit(EVENT).text == "hello"
    assert len(whisk.looks) == 5 and len(whisk.invoked) == 1


def test_a_slow_action_that_fails_has_the_class_of_its_record(whisk, start):
    whisk.slow, whisk.status, whisk.result = True, "application error", {"error": "late"}
    gw = start(whisk.url, QUICK)
    assert gw.emit(EVENT).message == FAILED
    assert calls(gw, "function") == 1


def test_the_deadline_ends_the_waiting(whisk, start):
    whisk.slow, whisk.looks_needed = True, 10**9
    gw = start(whisk.url, QUICK, timeout="500ms")
    begun = time.monotonic()
    assert gw.emit(EVENT).message == FAILED
    assert time.monotonic() - begun < 20
    wait_for(lambda: calls(gw, "transient") == 1, "the call to be counted")
    wait_logged(gw, f"activation {1:032x}")
    looks = len(whisk.looks)
    assert gw.config("GET", "/v1/status").status == 200
    gw.stop()
    assert len(whisk.looks) - looks <= 1   # nobody looks any more


def test_a_gateway_that_stops_while_an_action_runs_waits_for_it(whisk, start):
    whisk.slow, whisk.looks_needed = True, 20
    gw = start(whisk.url, QUICK)
    gw.asynchronous("t", "f", path="/a")
    gw.settle()
    assert gw.emit(EVENT, path="/a").status == 202
    wait_for(lambda: whisk.looks, "the first look")
    gw.stop()
    assert len(whisk.looks) == 20


# ---- faults ----

@pytest.mark.parametrize("status, body, headers, kind", [
    (400, b"{}", [], "permanent"), (403, b"{}", [], "auth"), (404, b"{}", [], "permanent"),
    (408, b"", [], "transient"), (413, b"", [], "permanent"), (302, b"", [("Location", "/")], "permanent"),
    (200, b"hello", [], "transient"), (200, b"{}", [], "transient"), (502, b"<html>", [], "transient"),
    (502, b'{"error":"thrown"}', [], "function"), (202, b"hello", [], "transient")])
def test_answers_have_their_class(whisk, start, status, body, headers, kind):
    whisk.answer = (status, body, headers)
    gw = start(whisk.url)
    assert gw.emit(EVENT).message == FAILED
    assert calls(gw, kind) == 1
    assert len(whisk.invoked) == 1   # never tried again


@pytest.mark.parametrize("name, serve, kind, text", TRANSPORT_FAULTS, ids=[f[0] for f in TRANSPORT_FAULTS])
def test_faults_fail_the_call_and_delay_nobody_else(start, name, serve, kind, text):
    server = FaultyServer(serve) if serve else None
    url = server.url if server else f"http://127.0.0.1:{refused_port()}"
    try:
        gw = start(url, {"max_response": "64KiB"}, timeout="1s")
        gw.function("other", {"statusCode": 200, "body": "quick"})
        gw.event_type("u")
        gw.sync("u", "other", path="/u")
        gw.settle()
        waiting = []
        thread = threading.Thread(target=lambda: waiting.append(gw.emit(EVENT)))
        thread.start()
        for _ in range(5):
            assert gw.emit(cloud_event("u"), path="/u").text == "quick"
        thread.join()
        assert (waiting[0].status, waiting[0].message) == (500, FAILED)
        wait_for(lambda: calls(gw, kind) == 1, f"one {kind} call: {gw.log}")
        wait_logged(gw, text)
    finally:
        if server:
            server.close()


def test_a_certificate_has_to_be_trusted_and_to_have_the_right_name(start, tmp_path):
    ok = says(answer(b"200 OK", b'{"response":{"status":"success","result":{"body":"over TLS"}}}'))
    good = make_certificate(tmp_path, "good", "IP:127.0.0.1")
    other = make_certificate(tmp_path, "other", "DNS:other.test")
    servers = [FaultyServer(ok, good), FaultyServer(ok, other)]
    try:
        unknown = start(servers[0].url)
        assert unknown.emit(EVENT).message == FAILED
        assert calls(unknown, "transient") == 1
        wait_logged(unknown, "ertificate")
        named = start(servers[1].url, {"ca_file": other[0]})
        assert named.emit(EVENT).message == FAILED
        trusted = start(f"127.0.0.1:{servers[0].port}", {"ca_file": good[0]})   # https when nothing is said
        assert trusted.emit(EVENT).text == "over TLS"
    finally:
        for server in servers:
            server.close()

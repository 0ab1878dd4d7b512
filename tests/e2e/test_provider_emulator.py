"""Functions of type emulator, against a server that answers as the emulator of 2017 does and takes nothing
else; through the Configuration API and the Events API of today."""
import json
import sys
import threading

import pytest

from harness import ROOT, Function, cloud_event, wait_for

sys.path.insert(0, str(ROOT / "tests" / "providers"))
from wire_faults import TRANSPORT_FAULTS, FaultyServer, refused_port   # noqa: E402

PREFIX = "Function doesn't validate. Validation error: "
FAILED = "Function call failed. Please check logs."
INVOKE = "/v0/emulator/api/functions/invoke"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Emulator(Function):
    """functions: id -> what it answers, given the payload. What is no call of 2017 is a violation."""

    def __init__(self):
        super().__init__(self.invoke)
        self.functions = {}
        self.violations = []

    def invoke(self, call):
        asked = json.loads(call.body)
        if (call.method, call.path, call.headers["Content-Type"], list(asked)) != (
                "POST", INVOKE, "application/json", ["functionId", "payload"]):
            self.violations.append((call.method, call.path, call.headers.items(), call.body))
        if asked["functionId"] not in self.functions:
            return 404, {"error": "no such function"}
        return self.functions[asked["functionId"]](asked["payload"])


@pytest.fixture
def emulator():
    made = Emulator()
    yield made
    made.close()
    assert made.violations == []


@pytest.fixture
def start(make_gateway):
    """start(url, settings={}): a gateway whose function hello is subscribed to the type t."""
    def begin(url, settings=None, timeout="30s", version="v0"):
        keys = {f"plugins.emulator.{k}": v for k, v in (settings or {}).items()}
        gw = make_gateway(set={"compat.function_timeout": timeout, **keys})
        gw.create("functions", {"functionId": "hello", "type": "emulator",
                                "provider": {"emulatorUrl": url, "apiVersion": version}})
        gw.event_type("t")
        gw.sync("t", "hello")
        gw.settle()
        return gw
    return begin


def calls(gw, kind):
    return gw.metric("eventgateway_provider_calls_total", provider="emulator", **{"class": kind}) or 0


def fails(gw, kind, text):
    """The next call fails so, and the log says why."""
    reply = gw.emit(cloud_event("t"))
    assert (reply.status, reply.message) == (500, FAILED)
    wait_for(lambda: calls(gw, kind) == 1, f"one {kind} call: {gw.log}")
    wait_for(lambda: text in gw.log, f"{text!r} in the log")


# ---- configuration ----

@pytest.mark.parametrize("provider, text", [
    ({}, "missing required field emulatorURL for Emulator function"),
    ({"apiVersion": "v0"}, "missing required field emulatorURL for Emulator function"),
    ({"emulatorUrl": "", "apiVersion": "v0"}, "missing required field emulatorURL for Emulator function"),
    ({"emulatorUrl": "http://e.test"}, "missing required field apiVersion for Emulator function"),
    ({"emulatorUrl": "http://e.test", "apiVersion": ""},
     "missing required field apiVersion for Emulator function")])
def test_both_fields_are_required(gw, provider, text):
    answer = gw.config("POST", "/v1/spaces/default/functions",
                       {"functionId": "f", "type": "emulator", "provider": provider})
    assert (answer.status, answer.message) == (400, PREFIX + text)


@pytest.mark.parametrize("provider", [{"emulatorUrl": 1, "apiVersion": "v0"},
                                      {"emulatorUrl": "http://e.test", "apiVersion": 0}])
def test_a_wrong_type_is_refused(gw, provider):
    answer = gw.config("POST", "/v1/spaces/default/functions",
                       {"functionId": "f", "type": "emulator", "provider": provider})
    assert answer.status == 400
    assert answer.message.startswith(PREFIX + "unable to load function provider config: ")


def test_the_configuration_is_answered_as_it_was_given(gw):
    provider = {"emulatorUrl": "http://localhost:4002/", "apiVersion": "v0"}
    given = {"EMULATORURL": "http://localhost:4002/", "apiversion": "v0", "more": 1}
    answered = gw.create("functions", {"functionId": "f", "type": "emulator", "provider": given})
    assert answered["provider"] == provider


# ---- calls ----

@pytest.mark.parametrize("slash", ["", "/"])
def test_a_sync_caller_gets_what_the_function_answered(emulator, start, slash):
    emulator.functions["hello"] = lambda event: {"statusCode": 201, "headers": {"X-A": "b"},
                                                 "body": f"Hello, {event['data']['name']}!"}
    gw = start(emulator.url.rstrip("/") + slash)
    event = cloud_event("t", data={"name": "Adä"})
    reply = gw.emit(event, headers={"traceparent": TRACE})
    assert (reply.status, reply.text, reply.header("X-A")) == (201, "Hello, Adä!", "b")
    called = emulator.calls[0]
    sent = called.json["payload"]
    assert called.json["functionId"] == "hello"
    assert {name: sent[name] for name in event} == event
    assert called.headers["traceparent"].startswith(TRACE[:36])
    assert calls(gw, "ok") == 1


def test_async_events_reach_it(emulator, start):
    emulator.functions["later"] = lambda event: {}
    gw = start(emulator.url)
    gw.create("functions", {"functionId": "later", "type": "emulator",
                            "provider": {"emulatorUrl": emulator.url, "apiVersion": "v0"}})
    gw.asynchronous("t", "later", path="/later")
    gw.settle()
    for n in range(5):
        assert gw.emit(cloud_event("t", eventID=str(n)), "/later").status == 202
    emulator.wait_calls(5)
    assert sorted(call.json["payload"]["eventID"] for call in emulator.calls) == list("01234")
    wait_for(lambda: calls(gw, "ok") == 5, "five calls to end")


def test_it_may_be_an_authorizer(emulator, start):
    emulator.functions["guard"] = lambda asked: (
        {"authorization": {"principalId": "ada", "context": {}}} if "let-me-in" in asked["request"]["headers"].values()
        else {"error": {"message": "no"}})
    emulator.functions["hello"] = lambda event: {"body": "in"}
    gw = start(emulator.url)
    gw.create("functions", {"functionId": "guard", "type": "emulator",
                            "provider": {"emulatorUrl": emulator.url, "apiVersion": "v0"}})
    gw.event_type("guarded", authorizer="guard")
    gw.sync("guarded", "hello", path="/g")
    gw.settle()
    assert gw.emit(cloud_event("guarded"), "/g").status == 403
    assert gw.emit(cloud_event("guarded"), "/g", headers={"X-Word": "let-me-in"}).text == "in"


def test_another_version_is_registered_and_fails_when_it_is_called(emulator, start):
    gw = start(emulator.url, version="v1")
    fails(gw, "permanent", "apiVersion has to be v0, the only version there is")
    assert emulator.calls == []


@pytest.mark.parametrize("url, text", [
    ("localhost:4002", "the emulatorUrl cannot be called by HTTP"),
    ("mailto:x", "the emulatorUrl cannot be called by HTTP"),
    ("http://e.test\r\nX: y", "the emulatorUrl cannot be called by HTTP"),
    ("http://e.test/?a=b", "emulatorUrl has to be a URL without query and fragment")])
def test_an_address_that_cannot_be_called_fails_when_it_is_called(start, url, text):
    fails(start(url), "permanent", text)


# ---- failures and hostile answers ----

@pytest.mark.parametrize("status, kind", [(500, "function"), (501, "function"), (502, "transient"),
                                          (503, "transient"), (504, "transient"), (599, "function")])
def test_statuses_of_servers_that_fail_are_failures(emulator, start, status, kind):
    emulator.functions["hello"] = lambda event: (status, {"errorMessage": "secret stack trace"})
    gw = start(emulator.url)
    fails(gw, kind, f"HTTP status code: {status}")
    assert "secret stack trace" not in gw.log


def test_500_alone_can_be_a_failure(emulator, start):
    answers = iter([503, 500])
    emulator.functions["hello"] = lambda event: (next(answers), {"body": "served"})
    gw = start(emulator.url, {"fail_on": "500-only"})
    assert gw.emit(cloud_event("t")).text == "served"
    fails(gw, "function", "HTTP status code: 500")


@pytest.mark.parametrize("status", [404, 429])
def test_any_other_status_is_an_answer(emulator, start, status):
    emulator.functions["hello"] = lambda event: (status, {"statusCode": 418, "body": "short"})
    gw = start(emulator.url)
    reply = gw.emit(cloud_event("t"))
    assert (reply.status, reply.text) == (418, "short")
    assert calls(gw, "ok") == 1


@pytest.mark.parametrize("answer", ["", "text", "[]", '{"statusCode":', '{"statusCode":"x"}', b"\xff\xfe\x00",
                                    "[" * 100000, '{"body":' + "9" * 5000 + "}"])
def test_an_answer_that_is_no_reply_is_malformed_for_a_sync_caller(emulator, start, answer):
    emulator.functions["hello"] = lambda event: answer
    gw = start(emulator.url)
    reply = gw.emit(cloud_event("t"))
    assert (reply.status, reply.message) == (500, "HTTP response object malformed")
    emulator.functions["hello"] = lambda event: {"body": "better"}
    assert gw.emit(cloud_event("t")).text == "better"


FAULTS = [fault for fault in TRANSPORT_FAULTS if not fault[0][0].isdigit()]   # those below HTTP


@pytest.mark.parametrize("name, serve, kind, text", FAULTS, ids=[fault[0] for fault in FAULTS])
def test_faults_fail_the_call_and_delay_nobody_else(start, name, serve, kind, text):
    server = FaultyServer(serve) if serve else None
    url = server.url if server else f"http://127.0.0.1:{refused_port()}"
    try:
        gw = start(url, {"max_response": "64KiB"}, timeout="1s")
        gw.function("other", {"body": "quick"})
        gw.event_type("u")
        gw.sync("u", "other", path="/u")
        gw.settle()
        waiting = []
        thread = threading.Thread(target=lambda: waiting.append(gw.emit(cloud_event("t"))))
        thread.start()
        for _ in range(5):
            assert gw.emit(cloud_event("u"), path="/u").text == "quick"
        thread.join()
        assert (waiting[0].status, waiting[0].message) == (500, FAILED)
        wait_for(lambda: calls(gw, kind) == 1, f"one {kind} call: {gw.log}")
        wait_for(lambda: text in gw.log, f"{text!r} in the log")
    finally:
        if server:
            server.close()


def test_a_redirect_is_followed_unless_that_is_switched_off(emulator, start):
    emulator.functions["hello"] = lambda event: {"body": "moved here"}
    moved = Function((307, "", [("Location", emulator.url.rstrip("/") + INVOKE)]))
    try:
        assert start(moved.url).emit(cloud_event("t")).text == "moved here"
        gw = start(moved.url, {"redirects": "false"})
        assert gw.emit(cloud_event("t")).message == "HTTP response object malformed"
        assert len(emulator.calls) == 1
    finally:
        moved.close()


def test_a_stop_waits_for_calls(emulator, start):
    emulator.functions["hello"] = lambda event: {"body": "late"}
    emulator.gate.clear()
    gw = start(emulator.url)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(gw.emit(cloud_event("t"))))
    thread.start()
    emulator.wait_calls(1)
    stopping = threading.Thread(target=gw.stop)
    stopping.start()
    wait_for(lambda: "stopping" in gw.log, "the stop to begin")
    emulator.gate.set()
    stopping.join()
    thread.join()
    assert answers[0].text == "late"

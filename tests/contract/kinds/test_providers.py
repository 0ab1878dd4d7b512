"""What every provider plugin has to keep, held against each of them through the real gateway.

A provider gets a row in provider_rows.py. A plugin without a row fails the first test.
"""
import signal
import threading

import pytest

from harness import PLUGINS, Function, cloud_event, wait_for
from provider_rows import PROVIDERS

FAILED = "Function call failed. Please check logs."


@pytest.fixture(params=PROVIDERS)
def provider(request, make_gateway):
    """A gateway and add(name, answer, kind): a function of the provider's type with a subscription of its
    own at /<name>; returns the recording server."""
    row = PROVIDERS[request.param]

    class Bench:
        kind = request.param
        component = row

        def start(self, **options):
            self.gateway = make_gateway(**options)
            self.gateway.event_type("e")
            return self

        def register(self, name, url, method="POST"):
            row.prepare(self.gateway, url)
            path = "/v1/spaces/default/functions" + ("" if method == "POST" else "/" + name)
            body = {"functionId": name, "type": self.kind, "provider": row.config(url)}
            answer = self.gateway.config(method, path, body)
            assert answer.status in (200, 201), answer

        def add(self, name, answer='{"body":"ok"}', kind="sync"):
            function = Function(row.reply(answer) if isinstance(answer, str) else answer)
            self.gateway.functions.append(function)
            self.register(name, function.url)
            self.gateway.subscribe(kind, "e", name, "/" + name)
            self.gateway.settle()
            return function

        def emit(self, name, **more):
            return self.gateway.emit(cloud_event("e", **more), "/" + name)

        def expect(self, name, body="ok", **more):
            row.expect(self.emit(name, **more), body)

        def calls(self, name):
            return self.gateway.metric("eventgateway_provider_calls_total", provider=self.kind, **{"class": name})
    return Bench()


def test_every_provider_plugin_is_held_to_the_contract():
    built = {path.stem for path in PLUGINS.glob("provider_*.so")}
    assert built == {row.plugin for row in PROVIDERS.values()}


@pytest.mark.parametrize("config", [None, {}, [], "x", 1, {"nosuch": "key"}])
def test_an_incomplete_configuration_is_refused_with_a_sentence(provider, config):
    gateway = provider.start().gateway
    answer = gateway.config("POST", "/v1/spaces/default/functions",
                            {"functionId": "f", "type": provider.kind, "provider": config})
    assert answer.status == 400
    assert answer.message.startswith("Function doesn't validate. Validation error: ")
    assert len(answer.message) > 60
    assert gateway.config("GET", "/v1/spaces/default/functions").json == {"functions": []}


def test_a_stored_configuration_is_taken_back_unchanged(provider):
    gateway = provider.start().gateway
    provider.add("f")
    read = gateway.config("GET", "/v1/spaces/default/functions/f").json
    assert gateway.config("PUT", "/v1/spaces/default/functions/f", read).json == read
    gateway.settle()
    provider.expect("f")


def test_the_function_gets_the_event_and_its_answer_is_the_reply(provider):
    provider.start()
    function = provider.add("f")
    provider.expect("f", eventID="42")
    assert b'"42"' in provider.component.carried(function.calls[0])
    assert provider.calls(provider.component.call_class) == 1


def test_parallel_calls_end_exactly_once_each(provider):
    provider.start()
    function = provider.add("f")
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(provider.emit("f"))) for _ in range(40)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(answers) == sum(map(provider.component.count, function.calls)) == 40
    for answer in answers:
        provider.component.expect(answer, "ok")
    assert provider.calls(provider.component.call_class) == 40


@pytest.mark.parametrize("answer", [(500, "{}"), (503, "x"), (500, "")])
def test_a_failure_of_the_service_is_a_clean_500(provider, answer):
    provider.start()
    function = provider.add("f", answer)
    reply = provider.emit("f")
    assert (reply.status, reply.message) == (500, FAILED)
    assert not provider.calls(provider.component.call_class)
    function.answer = provider.component.reply('{"body":"better"}')
    provider.expect("f", "better")


def test_a_server_that_is_gone_is_a_clean_500(provider):
    provider.start()
    provider.add("f").close()
    reply = provider.emit("f")
    assert (reply.status, reply.message) == (500, FAILED)
    assert provider.calls("transient") == 1


def test_a_hanging_call_is_given_up_at_its_deadline_and_hurts_nobody(provider):
    provider.start(set={"compat.function_timeout": "200ms"})
    hanging, other = provider.add("hanging"), provider.add("other")
    hanging.gate.clear()
    reply = provider.emit("hanging")
    assert (reply.status, reply.message) == (500, FAILED)
    provider.expect("other")
    assert len(other.calls) == 1
    provider.gateway.stop()   # with the call of the hanging server cancelled


def test_a_changed_function_is_called_at_its_new_place_while_old_calls_end(provider):
    provider.start()
    old = provider.add("f")
    old.gate.clear()
    answers = []
    caller = threading.Thread(target=lambda: answers.append(provider.emit("f")))
    caller.start()
    old.wait_calls(1)
    new = Function(provider.component.reply('{"body":"new"}'))
    provider.gateway.functions.append(new)
    provider.register("f", new.url, "PUT")
    provider.gateway.settle()
    provider.expect("f", "new")
    assert len(new.calls) == 1
    old.gate.set()
    caller.join()
    provider.component.expect(answers[0], "ok")


def test_a_stop_delivers_what_is_queued(provider):
    provider.start(args=["-workers", "1"])
    function = provider.add("f", kind="async")
    function.gate.clear()
    for n in range(6):
        assert provider.emit("f", eventID=str(n)).status == 202
    function.wait_calls(1)
    provider.gateway.signal(signal.SIGTERM)
    wait_for(lambda: "stopping" in provider.gateway.log, "the stop to begin")
    function.gate.set()
    assert provider.gateway.wait_exit() == 0
    assert sum(map(provider.component.count, function.calls)) == 6

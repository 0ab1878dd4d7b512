"""The middleware `schema`: events against the JSON Schema of their type, through the real Events API."""
import json
import threading

import pytest

from harness import Gateway, cloud_event, wait_for

USER = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer", "minimum": 1},
                                                             "tags": {"items": {"type": "string"}, "uniqueItems": True}}}
DRAFT_7 = {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}, {"type": "integer"}]}
MESSAGE = "The event's data does not fit the schema of its type: "
CONFIG = 'plugins = { middleware = ( "schema" ); };\nloops = 2;\n'


def make(config):
    gateway = Gateway(config=config)
    gateway.f = gateway.function("f", '{"body":"in"}')
    gateway.create("eventtypes", {"name": "user", "schema": USER})
    gateway.create("eventtypes", {"name": "pair", "schema": DRAFT_7})
    gateway.create("eventtypes", {"name": "free"})
    gateway.create("eventtypes", {"name": "bad", "schema": {"$ref": "https://example.com/s.json"}})
    gateway.create("eventtypes", {"name": "http.request", "schema": {"properties": {"body": USER}}})
    for name in ("user", "pair", "free", "bad"):
        gateway.sync(name, "f", f"/{name}")
        gateway.asynchronous(name, "f", f"/async/{name}")
    gateway.sync("http.request", "f", "/http")
    gateway.settle()
    return gateway


@pytest.fixture(scope="module")
def gateway():
    gateway = make(CONFIG)
    yield gateway
    gateway.close()


def emit(gateway, name, data, path=None, **more):
    return gateway.emit(cloud_event(name, data, **more), path or f"/{name}")


@pytest.mark.parametrize("data, reason", [
    ({}, "at '': the property 'id' is missing"),
    ([], "at '': the value has to be of type object"),
    ({"id": 0}, "at '/id': the number is less than 1"),
    ({"id": 1.5}, "at '/id': the value has to be of type integer"),
    ({"id": 1, "tags": ["a", 1]}, "at '/tags/1': the value has to be of type string"),
    ({"id": 1, "tags": ["a", "b", "a"]}, "at '/tags': two items of the array are equal"),
])
def test_what_does_not_fit_is_refused_with_place_and_reason(gateway, data, reason):
    answer = emit(gateway, "user", data)
    assert (answer.status, answer.message) == (400, MESSAGE + reason)


def test_what_fits_and_what_has_no_schema_passes(gateway):
    assert emit(gateway, "user", {"id": 7, "tags": ["a"], "more": None}).text == "in"
    assert emit(gateway, "free", {"id": "x"}).text == "in"
    assert emit(gateway, "pair", ["a", 1, None]).text == "in"
    assert emit(gateway, "pair", [1]).status == 400


def test_an_event_that_does_not_fit_is_not_delivered_asynchronously_either(gateway):
    calls = len(gateway.f.calls)
    assert emit(gateway, "user", {}, "/async/user").status == 400
    assert emit(gateway, "user", {"id": 77}, "/async/user").status == 202
    gateway.f.wait_calls(calls + 1)
    assert '"id":77' in gateway.f.calls[-1].body.decode().replace(" ", "")


def test_http_requests_are_checked_like_other_events(gateway):
    headers = {"Content-Type": "application/json"}
    assert gateway.event("POST", "/http", {"id": 1}, headers).text == "in"
    answer = gateway.event("POST", "/http", {"id": "1"}, headers)
    assert (answer.status, answer.message) == (400, MESSAGE + "at '/body/id': the value has to be of type integer")


def test_binary_data_do_not_fit(gateway):
    headers = {"ce-specversion": "1.0", "ce-type": "user", "ce-source": "/s", "ce-id": "1",
               "Content-Type": "application/octet-stream"}
    answer = gateway.event("POST", "/user", b"\x00\x01", headers)
    assert (answer.status, answer.message) == (400, MESSAGE + "it is no JSON")


def test_a_batch_names_the_event(gateway):
    batch = [{"specversion": "1.0", "type": "user", "source": "/s", "id": str(n), "data": {"id": n}} for n in (1, 0)]
    answer = gateway.event("POST", "/user", batch, {"Content-Type": "application/cloudevents-batch+json"})
    assert (answer.status, answer.message) == \
        (400, "event 1 of the batch: " + MESSAGE + "at '/id': the number is less than 1")


def test_a_schema_that_cannot_be_used_is_told_in_the_log_and_refuses_its_events(gateway):
    answer = emit(gateway, "bad", 1)
    assert (answer.status, answer.message) == (500, "The schema of this event type cannot be used. Please check logs.")
    assert "the schema of event type 'bad' cannot be used: at '' of the schema: the $ref " in gateway.log
    assert "schemas of elsewhere are never fetched" in gateway.log
    assert gateway.metric("eventgateway_schema_events_total", result="bad_schema") >= 1


def test_a_changed_schema_counts_at_once(gateway):
    gateway.create("eventtypes", {"name": "changing", "schema": False})
    gateway.sync("changing", "f", "/changing")
    gateway.settle()
    assert emit(gateway, "changing", 1).status == 400
    assert gateway.config("PUT", "/v1/spaces/default/eventtypes/changing", {"schema": True}).status == 200
    gateway.settle()
    assert emit(gateway, "changing", 1).text == "in"
    assert gateway.config("PUT", "/v1/spaces/default/eventtypes/changing", {"schema": {"type": "string"}}).status == 200
    gateway.settle()
    assert emit(gateway, "changing", 1).status == 400


def test_every_space_that_gets_the_event_has_its_say(gateway):
    gateway.create("eventtypes", {"name": "shared", "schema": {"required": ["a"]}})
    gateway.create("eventtypes", {"name": "shared", "schema": {"required": ["b"]}}, "another")
    gateway.function("g", space="another")
    gateway.asynchronous("shared", "f", "/shared")
    gateway.asynchronous("shared", "g", "/shared", space="another")
    gateway.settle()
    assert emit(gateway, "shared", {"a": 1, "b": 1}).status == 202
    assert emit(gateway, "shared", {"a": 1}).message.endswith("'b' is missing")
    assert emit(gateway, "shared", {"b": 1}).message.endswith("'a' is missing")


def test_hostile_events_do_not_hold_up_others(gateway):
    gateway.create("eventtypes", {"name": "regex", "schema": {"items": {"pattern": "^(a+)+$"}, "uniqueItems": True}})
    gateway.sync("regex", "f", "/regex")
    gateway.settle()
    hostile = ["a" * 40000 + "!"] * 10
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(emit(gateway, "regex", hostile).status)) for _ in range(4)]
    [t.start() for t in threads]
    assert [emit(gateway, "user", {"id": 7}).text for _ in range(20)] == ["in"] * 20
    [t.join() for t in threads]
    assert answers == [400] * 4
    assert emit(gateway, "regex", list(range(100000))).text == "in"   # 600 KB: on the pool


def test_events_are_tagged_instead_of_refused():
    gateway = make('plugins = { middleware = ( "schema" ); schema = { on_failure = "tag"; extension = "unfit"; }; };')
    try:
        assert emit(gateway, "user", {}).text == "in"
        assert json.loads(gateway.f.calls[-1].body)["extensions"]["unfit"] == "at '': the property 'id' is missing"
        assert emit(gateway, "user", {"id": 1}, extensions={"unfit": "forged", "own": 1}).text == "in"
        assert json.loads(gateway.f.calls[-1].body)["extensions"] == {"own": 1}
        newer = gateway.function("newer", '{"body":"in"}', cloudEvents="1.0")   # names of 0.1 change on the way
        gateway.sync("user", "newer", "/newer")
        gateway.settle()
        for forged in ("Unfit", "un-fit", "un fit", "unfit"):
            assert emit(gateway, "user", {"id": 1}, "/newer", extensions={forged: "forged"}).text == "in"
            assert "unfit" not in json.loads(newer.calls[-1].body)
    finally:
        gateway.close()


def test_schemas_survive_a_restart_and_are_compiled_anew():
    gateway = make(CONFIG)
    try:
        gateway.restart()
        wait_for(lambda: emit(gateway, "user", {"id": 1}).text == "in", "the function to be called")
        assert emit(gateway, "user", {}).status == 400
    finally:
        gateway.close()

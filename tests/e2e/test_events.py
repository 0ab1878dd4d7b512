"""Events API: modes, parsing and validation (rows EV-*), CloudEvents 0.2, 0.3, 1.0 and batches."""
import json

import pytest

from harness import cloud_event

STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BINARY = {"CE-EventType": "a", "CE-CloudEventsVersion": "0.1", "CE-Source": "/x", "CE-EventID": "1"}
PREFIX = "CloudEvent doesn't validate: "


def line(field, tag):
    return f"Key: 'Event.{field}' Error:Field validation for '{field}' failed on the '{tag}' tag"


def sent(function):
    """The one event that a function received."""
    assert len(function.calls) == 1
    return function.calls[0].json


@pytest.mark.parametrize("method, path", [("POST", "/"), ("GET", "/foo"), ("DELETE", "/a/b?c=d")])
def test_an_event_without_subscribers_is_accepted(shared, method, path):   # EV-01, Q7
    answer = shared.event(method, path)
    assert (answer.status, answer.body) == (202, b"")


@pytest.mark.parametrize("content_type, text", [
    ("foo bar", "mime: "), ("application/json; charset", "mime: invalid media parameter"),
    ("text/plain; a=1; a=2", "mime: duplicate parameter name")])
def test_an_unparsable_content_type_is_refused(shared, content_type, text):   # EV-04, 05, 06, 08
    answer = shared.event("POST", "/", "x", {"Content-Type": content_type})
    assert answer.status == 400
    assert text in answer.message


def test_structured_media_type_in_other_case_with_parameters(route):   # EV-09
    function, path = route("sync", "test.event")
    answer = route.gateway.emit(cloud_event("test.event"), path,
                                headers={"Content-Type": "Application/CloudEvents+JSON; charset=utf-8"})
    assert answer.status == 200
    assert sent(function)["data"] == {"foo": "bar"}


def test_missing_attributes_are_told_in_field_order(shared):   # EV-12
    answer = shared.emit({"eventType": "invalid"})
    assert (answer.status, answer.message) == (400, PREFIX + "\n".join(
        [line("CloudEventsVersion", "required"), line("Source", "uri"), line("EventID", "required")]))


@pytest.mark.parametrize("source", ["NOT URI", "word", "a/b", "#x", ""])
def test_a_source_that_is_no_uri_is_refused(shared, source):   # EV-13
    answer = shared.emit(cloud_event("a", source=source))
    assert answer.status == 400
    assert line("Source", "uri") in answer.message


@pytest.mark.parametrize("source", ["/x", "/x#y", "urn:x:y", "http://example.com"])
def test_sources_that_are_uris(shared, source):   # EV-14
    assert shared.emit(cloud_event("a", source=source)).status == 202


def test_a_bad_time_is_told(shared):   # EV-15
    answer = shared.emit(cloud_event("a", eventTime="nottime"))
    assert answer.status == 400
    assert "nottime" in answer.message or "time" in answer.message


@pytest.mark.parametrize("time", ["1990-12-31T23:59:60Z", "2018-01-02T03:04:05.5+02:00"])
def test_times_pass_unchanged(route, time):   # EV-16
    function, path = route("sync", "test.event")
    assert route.gateway.emit(cloud_event("test.event", eventTime=time), path).status == 200
    assert sent(function)["eventTime"] == time


def test_the_version_of_0_1_is_not_checked(shared):   # EV-18
    assert shared.emit(cloud_event("a", cloudEventsVersion="9.9")).status == 202


def test_names_in_other_case_are_put_right(route):   # EV-20
    function, path = route("sync", "test.event")
    body = {"EVENTTYPE": "test.event", "eventid": "1", "CloudEventsVersion": "0.1", "SOURCE": "/x", "Data": 1}
    assert route.gateway.emit(body, path).status == 200
    assert sent(function) == {"eventType": "test.event", "cloudEventsVersion": "0.1", "source": "/x",
                              "eventID": "1", "data": 1}


def test_data_passes_as_it_is(route):   # EV-22
    function, path = route("sync", "test.event")
    route.gateway.emit(cloud_event("test.event", data='{"a":1}'), path)
    assert sent(function)["data"] == '{"a":1}'


@pytest.mark.parametrize("headers, body", [
    (STRUCTURED, cloud_event("eventgateway.foo")),                        # EV-24
    ({"Event": "eventgateway.something"}, "x"),                           # EV-25
    ({**BINARY, "CE-EventType": "eventgateway.x"}, "x")])                 # EV-26
def test_system_events_from_outside_are_refused(shared, headers, body):
    answer = shared.event("POST", "/", body, headers)
    assert answer.status == 400
    assert answer.message


def test_binary_with_text(route):   # EV-28
    function, path = route("sync", "a")
    route.gateway.event("POST", path, "hey", {**BINARY, "Content-Type": "text/plain"})
    assert (sent(function)["data"], sent(function)["contentType"]) == ("aGV5", "text/plain")


def test_binary_without_content_type(route):   # EV-29
    function, path = route("sync", "a")
    route.gateway.event("POST", path, "hey", BINARY)
    assert sent(function)["data"] == "aGV5"
    assert "contentType" not in sent(function)


def test_binary_source_is_checked(shared):   # EV-32
    answer = shared.event("POST", "/", "x", {**BINARY, "CE-Source": "NOT URI"})
    assert (answer.status, answer.message) == (400, PREFIX + line("Source", "uri"))


def test_too_few_binary_headers_make_a_raw_request(route):   # EV-33
    function, path = route("sync", "http.request")
    route.gateway.event("POST", path, "x", {"CE-EventType": "a", "CE-Source": "/x"})
    assert sent(function)["eventType"] == "http.request"


@pytest.mark.parametrize("pairs, extensions", [
    ([("CE-X-MyExtension", "ding")], {"myextension": "ding"}),
    ([("CE-X-Foo-Bar", "z"), ("CE-X-Century", "c")], {"foo-Bar": "z", "century": "c"}),
    ([("CE-X-Ce", "z"), ("CE-X-", "z")], {"ce": "z"}),                    # EV-36
    ([("CE-X-A", "1"), ("ce-x-a", "2")], {"a": "1, 2"}),                  # EV-37
    ([("CE-X-Obj", '{"a":1}')], {"obj": '{"a":1}'})])                     # EV-38
def test_binary_extensions(route, pairs, extensions):
    function, path = route("sync", "a")
    assert route.gateway.event("POST", path, "x", list(BINARY.items()) + pairs).status == 200
    assert sent(function)["extensions"] == extensions


def test_structured_wins_over_binary(route):   # EV-40
    function, path = route("sync", "test.event")
    route.gateway.emit(cloud_event("test.event"), path, headers=BINARY)
    assert sent(function)["eventType"] == "test.event"


def test_legacy_with_a_cloudevent_takes_it_as_it_is(route):   # EV-42
    function, path = route("sync", "test.event")
    route.gateway.event("POST", path, cloud_event("test.event"),
                        {"Event": "other", "Content-Type": "application/json"})
    assert sent(function) == cloud_event("test.event")


def test_legacy_events_are_marked_as_transformed(route):
    function, path = route("sync", "my.event")
    route.gateway.event("POST", path, {"a": 1}, {"Event": "my.event", "Content-Type": "application/json"})
    event = sent(function)
    assert event["source"] == "https://serverless.com/event-gateway/#transformationVersion=0.1"
    assert event["cloudEventsVersion"] == "0.1"
    assert event["extensions"] == {"eventgateway": {"transformed": "true", "transformation-version": "0.1"}}
    assert event["data"] == {"a": 1}
    assert len(event["eventID"]) == 36


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '{"eventType":1}', '{"a":1} x', "\xff"])
def test_structured_bodies_that_are_none_are_refused(shared, body):
    answer = shared.event("POST", "/", body.encode("latin-1"), STRUCTURED)
    assert answer.status == 400
    assert answer.message


# ---- CloudEvents 0.2, 0.3, 1.0 ----

V1 = {"specversion": "1.0", "type": "test.event", "source": "/x", "id": "1"}


@pytest.mark.parametrize("event", [
    {**V1, "datacontenttype": "application/json", "subject": "s", "time": "2020-01-01T00:00:00Z",
     "dataschema": "http://s", "myext": "e", "data": {"a": 1}},
    {**V1, "data_base64": "aGV5", "datacontenttype": "application/octet-stream"},
    {**V1, "specversion": "0.3", "schemaurl": "/s", "subject": "s", "data": [1, "x", None]},
    {**V1, "specversion": "0.3", "datacontentencoding": "base64", "data": "aGV5"},
    {**V1, "specversion": "0.2", "contenttype": "application/json", "schemaurl": "/s", "data": 1,
     "ext": {"nested": True}}])
def test_structured_events_pass_in_the_version_they_came_in(route, event):
    function, path = route("sync", "test.event")
    answer = route.gateway.emit(event, path)
    assert answer.status == 200, answer
    assert sent(function) == event


@pytest.mark.parametrize("event, told", [
    ({"specversion": "1.0"}, ["id", "source", "type"]),
    ({**V1, "specversion": "2.0"}, ["specversion"]), ({**V1, "specversion": 1}, ["specversion"]),
    ({**V1, "data": 1, "data_base64": "aGV5"}, ["data_base64"]),
    ({**V1, "data_base64": "no base64!"}, ["data_base64"]),
    ({**V1, "time": "yesterday"}, ["time"]), ({**V1, "id": ""}, ["id"])])
def test_events_of_1_0_are_checked(shared, event, told):
    answer = shared.emit(event)
    assert answer.status == 400
    for word in told:
        assert word in answer.message


def test_binary_1_0_decodes_percent_escapes_once(route):
    function, path = route("sync", "test.event")
    headers = {"ce-specversion": "1.0", "ce-type": "test.event", "ce-source": "/x", "ce-id": "%C3%A9%2541",
               "ce-subject": "a%20b", "ce-myext": "z", "Content-Type": "application/json; charset=utf-8"}
    assert route.gateway.event("POST", path, '{"n":12345678901234567890}', headers).status == 200
    raw = function.calls[0].body.decode()
    event = json.loads(raw)
    assert (event["id"], event["subject"], event["myext"]) == ("é%41", "a b", "z")
    assert "12345678901234567890" in raw


def test_binary_1_0_refuses_invalid_utf8(shared):
    headers = {"ce-specversion": "1.0", "ce-type": "t", "ce-source": "/x", "ce-id": "%FF"}
    assert shared.event("POST", "/", "x", headers).status == 400


def test_a_function_gets_the_version_it_asks_for(route):
    function, path = route("sync", "test.event", cloudEvents="1.0")
    route.gateway.emit(cloud_event("test.event"), path)
    event = sent(function)
    assert (event["specversion"], event["type"], event["id"], event["data"]) == (
        "1.0", "test.event", "1", {"foo": "bar"})
    function, path = route("sync", "test.event", cloudEvents="0.1")
    route.gateway.emit({**V1, "data": 1}, path)
    event = sent(function)
    assert (event["cloudEventsVersion"], event["eventType"], event["data"]) == ("0.1", "test.event", 1)


def test_a_setting_makes_the_gateway_s_own_events_1_0(make_gateway):
    gateway = make_gateway(set={"events.cloudevents_version": "1.0"})
    function = gateway.function("f")
    gateway.event_type("http.request")
    gateway.sync("http.request", "f", "/r", "GET")
    gateway.settle()
    gateway.event("GET", "/r?a=1")
    event = sent(function)
    assert (event["specversion"], event["type"]) == ("1.0", "http.request")
    assert event["data"]["query"] == {"a": ["1"]}


# ---- batches ----

BATCH = {"Content-Type": "application/cloudevents-batch+json"}


def test_every_event_of_a_batch_is_processed(route):
    function, path = route("async", "test.event")
    answer = route.gateway.event("POST", path, [{**V1, "id": str(n)} for n in range(5)], BATCH)
    assert (answer.status, answer.body) == (202, b"")
    calls = function.wait_calls(5)
    assert sorted(c.json["id"] for c in calls) == ["0", "1", "2", "3", "4"]


def test_a_batch_names_the_index_of_what_it_refuses(route):
    function, path = route("async", "test.event")
    answer = route.gateway.event("POST", path, [V1, {**V1, "id": ""}, V1], BATCH)
    assert answer.status == 400
    assert "1" in answer.message and "id" in answer.message


@pytest.mark.parametrize("body", ["", "{}", "[1]", "[", "[null]", "[[]]"])
def test_a_batch_is_an_array_of_events(shared, body):
    assert shared.event("POST", "/", body, BATCH).status == 400

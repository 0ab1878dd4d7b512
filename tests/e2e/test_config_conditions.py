"""Config API with several writers: entity tags, If-Match, the revision of a write, two gateways on one store, and
a store that cannot be written to."""
import re
import sqlite3
import threading
import time

import pytest

from harness import PATIENCE, Connection

FUNCTION = {"functionId": "f", "type": "http", "provider": {"url": "http://e.com"}}
UPDATE = {"type": "http", "provider": {"url": "http://e.com/2"}}
OBJECTS = {
    "functions": (FUNCTION, "f", UPDATE),
    "eventtypes": ({"name": "t"}, "t", {"metadata": {"a": "b"}}),
    "cors": ({"method": "GET", "path": "/c"}, "GET%2Fc", {"method": "GET", "path": "/c", "allowCredentials": True}),
}


def is_tag(tag, revision):
    return re.fullmatch(rf'"{revision}-[0-9a-f]{{8}}"', tag) is not None


def store_revision(gateway):
    return gateway.config("GET", "/v1/status?verbose=1").json["storeRevision"]


@pytest.mark.parametrize("kind", OBJECTS)
def test_the_etag_flow_of_an_object(shared, space, kind):
    body, name, update = OBJECTS[kind]
    item = f"/v1/spaces/{space}/{kind}/{name}"
    created = shared.config("POST", f"/v1/spaces/{space}/{kind}", body)
    first = created.header("ETag")
    assert created.status == 201 and is_tag(first, created.header("eg-config-revision"))
    read = shared.config("GET", item)
    assert (read.status, read.header("ETag"), read.header("eg-config-revision")) == (200, first, None)
    updated = shared.config("PUT", item, update, {"If-Match": first})
    second = updated.header("ETag")
    assert updated.status == 200 and is_tag(second, updated.header("eg-config-revision"))
    assert int(updated.header("eg-config-revision")) > int(created.header("eg-config-revision"))
    stale = shared.config("PUT", item, update, {"If-Match": first})
    assert stale.status == 412 and f"its ETag is {second} now" in stale.message
    assert shared.config("DELETE", item, headers={"If-Match": first}).status == 412
    assert shared.config("GET", item).header("ETag") == second
    deleted = shared.config("DELETE", item, headers={"If-Match": f"{first}, {second}"})
    assert deleted.status == 204 and deleted.header("ETag") is None
    assert int(deleted.header("eg-config-revision")) > int(updated.header("eg-config-revision"))
    for method in ("PUT", "DELETE"):
        gone = shared.config(method, item, update if method == "PUT" else None, {"If-Match": "*"})
        assert gone.status == 412 and "does not exist" in gone.message
        assert shared.config(method, item, update if method == "PUT" else None).status == 404


def test_subscriptions_have_tags_too(shared, space):
    shared.create("functions", FUNCTION, space)
    shared.event_type("t", space=space)
    body = {"type": "async", "eventType": "t", "functionId": "f"}
    created = shared.config("POST", f"/v1/spaces/{space}/subscriptions", body)
    item = f"/v1/spaces/{space}/subscriptions/{created.json['subscriptionId']}"
    update = {**body, "metadata": {"a": "b"}}
    assert shared.config("PUT", item, update, {"If-Match": '"1"'}).status == 412
    assert shared.config("PUT", item, update, {"If-Match": created.header("ETag")}).status == 200
    assert shared.config("DELETE", item, headers={"If-Match": created.header("ETag")}).status == 412
    assert shared.config("DELETE", item, headers={"If-Match": "*"}).status == 204


@pytest.mark.parametrize("value", ["1", '"1', "", "*, \"1\"", "'1'"])
def test_what_is_no_entity_tag_is_a_400(shared, space, value):
    shared.create("functions", FUNCTION, space)
    item = f"/v1/spaces/{space}/functions/f"
    for method, body in (("PUT", UPDATE), ("DELETE", None)):
        answer = shared.config(method, item, body, {"If-Match": value})
        assert answer.status == 400 and answer.message.startswith("If-Match has to be *")
    assert shared.config("GET", item).json["provider"] == FUNCTION["provider"]


def test_a_client_that_has_the_object_gets_304_and_no_body(shared, space):
    shared.create("functions", FUNCTION, space)
    item = f"/v1/spaces/{space}/functions/f"
    whole = shared.config("GET", item)
    etag = whole.header("ETag")
    with Connection(shared.config_port) as connection:
        for _ in range(2):   # what follows on the connection is the next answer, not a body
            connection.send(f"GET {item} HTTP/1.1\r\nHost: a\r\nIf-None-Match: W/{etag}\r\n\r\n")
            answer = connection.read()
            assert (answer.status, answer.header("ETag"), answer.header("Content-Type")) == (304, etag, None)
            assert answer.header("Content-Length") == whole.header("Content-Length")   # RFC 9110 8.6
        connection.send(f'GET {item} HTTP/1.1\r\nHost: a\r\nIf-None-Match: "0"\r\n\r\n')
        assert connection.read().body == whole.body


def test_the_revision_of_a_write_is_that_of_the_status_page(make_gateway):
    gateway = make_gateway()
    item = "/v1/spaces/default/functions/f"
    for method, path, body in (("POST", "/v1/spaces/default/functions", FUNCTION), ("PUT", item, UPDATE),
                               ("DELETE", item, None)):
        answer = gateway.config(method, path, body)
        assert store_revision(gateway) == int(answer.header("eg-config-revision"))
    gateway.settle()
    assert gateway.config("GET", "/v1/status?verbose=1").json["routedRevision"] == store_revision(gateway)


def test_of_many_writers_with_the_same_etag_one_wins(shared, space):
    shared.create("functions", FUNCTION, space)
    item = f"/v1/spaces/{space}/functions/f"
    etag = shared.config("GET", item).header("ETag")
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(shared.config("PUT", item, UPDATE, {"If-Match": etag})))
               for _ in range(12)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(a.status for a in answers) == [200] + [412] * 11


def test_a_damaged_value_can_be_deleted_with_if_match(make_gateway):
    gateway = make_gateway()
    gateway.create("functions", FUNCTION)
    gateway.stop()
    other = sqlite3.connect(next(gateway.data_dir.glob("*.db")), isolation_level=None)
    other.execute("UPDATE entry SET value = x'7b'")
    other.close()
    gateway.start()
    item = "/v1/spaces/default/functions/f"
    assert gateway.config("GET", item).status == 500
    stale = gateway.config("DELETE", item, headers={"If-Match": '"99"'})
    now = re.search('"1-[0-9a-f]{8}"', stale.message)
    assert stale.status == 412 and now
    assert gateway.config("DELETE", item, headers={"If-Match": now[0]}).status == 204


# ---- two gateways on one store ----

@pytest.fixture
def pair(make_gateway, tmp_path):
    """Two gateways on one file."""
    return [make_gateway(data_dir=tmp_path) for _ in range(2)]


def at_once(*calls):
    """The answers of calls that are made at the same moment."""
    answers, line = [None] * len(calls), threading.Barrier(len(calls))

    def run(n, call):
        line.wait()
        answers[n] = call()
    threads = [threading.Thread(target=run, args=each) for each in enumerate(calls)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    return answers


def test_a_function_is_deleted_on_one_gateway_or_subscribed_to_on_the_other(pair):
    for n in range(25):
        here = f"/v1/spaces/race{n}"
        for kind, body in (("functions", FUNCTION), ("eventtypes", {"name": "t"})):
            assert pair[0].config("POST", f"{here}/{kind}", body).status == 201
        body = {"type": "async", "eventType": "t", "functionId": "f"}
        deleted, subscribed = at_once(lambda: pair[0].config("DELETE", f"{here}/functions/f"),
                                      lambda: pair[1].config("POST", f"{here}/subscriptions", body))
        assert (deleted.status, subscribed.status) in ((204, 400), (400, 201)), (deleted, subscribed)
        left = len(pair[1].config("GET", f"{here}/functions").json["functions"])
        assert left == len(pair[0].config("GET", f"{here}/subscriptions").json["subscriptions"])


def test_of_two_paths_that_exclude_each_other_one_is_stored(pair):
    for n in range(25):
        here = f"/v1/spaces/race{n}"
        for kind, body in (("functions", FUNCTION), ("eventtypes", {"name": "t"})):
            assert pair[0].config("POST", f"{here}/{kind}", body).status == 201
        body = {"type": "sync", "eventType": "t", "functionId": "f", "method": "GET"}
        answers = at_once(lambda: pair[0].config("POST", f"{here}/subscriptions", {**body, "path": f"/{n}/:x"}),
                          lambda: pair[1].config("POST", f"{here}/subscriptions", {**body, "path": f"/{n}/:y"}))
        assert sorted(a.status for a in answers) == [201, 400], answers


def test_many_writers_on_two_gateways_get_through(pair):
    """Each write is in the way of all others of the space; nobody runs out of tries."""
    for kind, body in (("functions", FUNCTION), ("eventtypes", {"name": "t"})):
        assert pair[0].config("POST", f"/v1/spaces/busy/{kind}", body).status == 201
    body = {"type": "sync", "eventType": "t", "functionId": "f", "method": "GET"}

    def write(n):
        return lambda: pair[n % 2].config("POST", "/v1/spaces/busy/subscriptions", {**body, "path": f"/busy/{n}"})
    answers = at_once(*(write(n) for n in range(16)))
    assert [a.status for a in answers] == [201] * 16, answers
    revisions = [int(a.header("eg-config-revision")) for a in answers]
    assert len(set(revisions)) == 16


# ---- a store that cannot be written to ----

def test_while_the_store_is_held_by_another_the_answer_comes_within_two_seconds(make_gateway, tmp_path):
    former = make_gateway(data_dir=tmp_path / "data")
    former.create("functions", FUNCTION)
    former.stop()
    gateway = make_gateway(data_dir=tmp_path / "data", set={"store.timeout": None})   # the default is what it is about
    other = sqlite3.connect(next(gateway.data_dir.glob("*.db")), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        begin = time.monotonic()
        answers = at_once(lambda: gateway.config("PUT", "/v1/spaces/default/functions/f", UPDATE),
                          lambda: gateway.config("POST", "/v1/spaces/default/eventtypes", {"name": "t"}),
                          # one after the other: the second waits for its turn
                          lambda: gateway.config("DELETE", "/v1/spaces/default/functions/f"),
                          lambda: gateway.config("DELETE", "/v1/spaces/default/functions/f"))
        took = time.monotonic() - begin
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert [(a.status, a.header("Retry-After")) for a in answers] == [(503, "1")] * 4, answers
    assert all(a.message for a in answers)
    assert took < 2 * max(1, PATIENCE / 15)
    assert gateway.config("GET", "/v1/status").status == 200

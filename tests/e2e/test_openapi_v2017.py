"""docs/openapi-v2017.yaml: it is sound, and live answers of the pages of 2017 are what it says. In the end each
described status has been seen."""
import re
import sqlite3

import pytest
import yaml

from harness import ROOT, request
from openapi_lint import lint
from openapi_tour import Tour

DOCUMENT = yaml.safe_load((ROOT / "docs" / "openapi-v2017.yaml").read_text())
FUNCTION = {"functionId": "f", "provider": {"type": "http", "url": "http://example.com/"}}
AT_TOP = {"functionId": "g", "type": "awslambda", "arn": "arn:aws:lambda:us-east-1:1:function:g", "region": "us-east-1"}
UPDATE = {"provider": {"type": "http", "url": "http://example.com/2"}}
CUSTOM = {"event": "user.created", "functionId": "f"}
HTTP = {"event": "http", "functionId": "f", "method": "get", "path": "users"}


def test_the_description_is_sound():
    assert lint(DOCUMENT) == []


@pytest.fixture(scope="module")
def tour():
    return Tour(DOCUMENT)


@pytest.fixture
def at(tour, make_gateway):
    """The tour, at a gateway in the mode, with the given settings."""
    def make(**more):
        tour.gateway = make_gateway(set={"api.v2017": "true", **more})
        return tour
    return make


def populate(tour, headers=None):
    tour.call("registerFunction", 200, FUNCTION, headers=headers)
    tour.call("registerFunction", 200, AT_TOP, headers=headers)
    tour.call("subscribe", 200, CUSTOM, headers=headers)
    tour.call("subscribe", 200, HTTP, headers=headers)


def test_every_operation_succeeds_as_described(at):   # O17-02, O17-04, O17-08, O17-09, O17-14, O17-19
    tour = at()
    populate(tour)
    assert [f["functionId"] for f in tour.call("listFunctions", 200).json["functions"]] == ["f", "g"]
    tour.call("getFunction", 200, functionId="f")
    tour.call("updateFunction", 200, UPDATE, functionId="f")
    listed = tour.call("listSubscriptions", 200).json["subscriptions"]
    assert [s["subscriptionId"] for s in listed] == ["http-GET-%2Fusers", "user.created-f"]
    assert tour.call("unsubscribe", 204, subscriptionId="http-GET-%2Fusers").body == b""
    tour.call("subscribe", 200, HTTP)
    assert tour.call("unsubscribe", 204, subscriptionId="http-GET-%252Fusers").body == b""
    tour.call("deleteFunction", 400, functionId="f")
    tour.call("unsubscribe", 204, subscriptionId="user.created-f")
    assert tour.call("deleteFunction", 204, functionId="f").body == b""


def test_refusals_are_as_described(at):   # O17-03, O17-06, O17-13, O17-16, O17-17
    tour = at()
    populate(tour)
    for body in (FUNCTION, {}, {"functionId": "x"}, {**FUNCTION, "functionId": "a/b"},
                 {"functionId": "x", "provider": {"type": "gcf"}}):
        tour.call("registerFunction", 400, body)
    for body in (CUSTOM, HTTP, {}, {**CUSTOM, "event": "a b"}, {**CUSTOM, "functionId": "nope"},
                 {**HTTP, "method": "TRACE"}):
        tour.call("subscribe", 400, body)
    tour.call("updateFunction", 400, {}, functionId="f")
    for hostile in ("", "{", "[]", '"x"', b"\xff\xfe", "{" * 500, '{"provider":1}', '{"event":1}', '{"functionId":[]}'):
        for name in ("registerFunction", "subscribe"):
            tour.call(name, 400, hostile, is_raw=True)
        tour.call("updateFunction", 400, hostile, is_raw=True, functionId="f")
    for missing in ("nope", "%20", "x" * 2000):
        tour.call("getFunction", 404, functionId=missing)
        tour.call("updateFunction", 404, UPDATE, functionId=missing)
        tour.call("deleteFunction", 404, functionId=missing)
        tour.call("unsubscribe", 404, subscriptionId=missing)


def test_other_methods_are_405_as_described(at):
    tour = at()
    for name, (path, _, operation, _) in tour.described.items():
        target = re.sub(r"\{\w+\}", "x", path)
        for method in ("PATCH", "OPTIONS"):   # without what makes it a preflight
            answer = request(tour.gateway.config_port, method, target)
            assert answer.status == 405, (method, target, answer)
            tour.check(name, operation, answer)
    for method in ("GET", "PUT"):
        assert request(tour.gateway.config_port, method, "/v1/subscriptions/x").status == 405


def test_a_closed_gateway_is_401_as_described(at):
    tour = at(**{"config.token": "secret"})
    for name in tour.described:
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            tour.call(name, 401, headers=headers, functionId="f", subscriptionId="s")
    populate(tour, {"Authorization": "Bearer secret"})


def test_every_answer_allows_cors(at):   # O17-31
    tour = at(**{"config.token": "secret"})
    right = {"Authorization": "Bearer secret"}
    origin = {"Origin": "https://shop.example.com"}
    for name, status, headers in (("listFunctions", 200, right), ("listFunctions", 401, {}),
                                  ("registerFunction", 400, right), ("getFunction", 404, right)):
        answer = tour.call(name, status, headers={**headers, **origin}, functionId="f")
        assert answer.header("Access-Control-Allow-Origin") == "https://shop.example.com"
        assert answer.header("Access-Control-Allow-Credentials") == "true"
        assert "Origin" in answer.headers("Vary")
    for path, _, _, _ in tour.described.values():
        answer = request(tour.gateway.config_port, "OPTIONS", re.sub(r"\{\w+\}", "x", path),
                         headers={**origin, "Access-Control-Request-Method": "DELETE"})
        assert (answer.status, answer.header("Access-Control-Allow-Methods")) == (200, "DELETE")


def every_operation(tour):
    """(is it a write, its status)"""
    for name in tour.described:
        body = {"registerFunction": {**FUNCTION, "functionId": "h"}, "updateFunction": UPDATE,
                "subscribe": {**HTTP, "path": "/h"}}.get(name)
        answer = tour.call(name, None, body, functionId="g", subscriptionId="user.created-f")
        yield not name.startswith(("get", "list")), answer.status


def test_a_store_that_is_held_by_another_is_503_as_described(at):
    tour = at()
    populate(tour)
    tour.gateway.command += ["--set", "store.timeout=50ms"]   # from here on: what is written before may take its time
    tour.gateway.restart()
    other = sqlite3.connect(next(tour.gateway.data_dir.glob("*.db")), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        for _ in range(2):   # lists may still be read before a write has found it held
            assert {status for is_write, status in every_operation(tour) if is_write} == {503}
    finally:
        other.execute("ROLLBACK")
        other.close()


def test_a_broken_store_is_500_as_described(at):
    tour = at()
    populate(tour)
    for path in tour.gateway.data_dir.iterdir():
        path.write_bytes(b"this is no database" * 400)
    assert {status for _, status in every_operation(tour)} <= {500, 503}
    tour.gateway.stop()


def test_each_described_status_was_seen(tour):
    """Last of the file: what the tests above have seen."""
    described = {(name, int(status)) for name, (_, _, operation, _) in tour.described.items()
                 for status in operation["responses"]}
    if not tour.seen:
        pytest.skip("the tests above have not run")
    assert {name for name, _ in described} == set(tour.described) and len(tour.described) == 8
    assert sorted(described - tour.seen) == []

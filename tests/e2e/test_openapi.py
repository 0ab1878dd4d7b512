"""docs/openapi.yaml: it is sound, and live answers are what it says. A tour over every operation checks each
answer's status, content type, headers and body against the description; in the end each described status has
been seen, or there is a reason in UNSEEN."""
import copy
import json
import re
import sqlite3

import pytest
import yaml

from harness import BUILD, ROOT, Connection, Gateway, request, wait_for
from openapi_lint import lint
from openapi_tour import Tour

DOCUMENT = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
FUNCTION = {"functionId": "f", "type": "http", "provider": {"url": "http://example.com/"}}
UPDATE = {"type": "http", "provider": {"url": "http://example.com/2"}, "metadata": {"a": "b"}}
SUBSCRIPTION = {"type": "sync", "eventType": "e", "functionId": "f", "path": "/p", "method": "GET"}
CORS = {"method": "GET", "path": "/hello"}
# (operation, status): why no test can see it. None at present.
UNSEEN = {}


# ---- the document ----

def test_the_description_is_sound():
    assert lint(DOCUMENT) == []


def first(document):
    return document["paths"]["/v1/spaces/{space}/functions"]["get"]


@pytest.mark.parametrize("breaking,told", [
    (lambda d: d.update(openapi="3.0.0"), "is not 3.1"),
    (lambda d: d["info"].pop("title"), "no title"),
    (lambda d: first(d).update(operationId="getFunction"), "is that of"),
    (lambda d: first(d).pop("operationId"), "no operationId"),
    (lambda d: first(d).update(tags=["nope"]), "not declared"),
    (lambda d: first(d).update(security=[{"nope": []}]), "not declared"),
    (lambda d: first(d)["responses"]["200"].pop("description"), "no description"),
    (lambda d: first(d)["responses"].pop("200"), "no success"),
    (lambda d: first(d)["responses"].update({"20": {"description": "x"}}), "no status"),
    (lambda d: first(d)["responses"].update({"418": {"$ref": "#/components/responses/Nope"}}), "does not resolve"),
    (lambda d: d["components"]["schemas"].update(Nobody={"type": "string"}), "is not used"),
    (lambda d: d["components"]["schemas"]["Errors"].update(type="objekt"), "objekt"),
    (lambda d: d["components"]["schemas"]["Function"]["required"].append("nope"), "nope"),
    (lambda d: d["components"]["parameters"]["space"].pop("required"), "not required"),
    (lambda d: d["components"]["parameters"]["space"].update(name="room"), "not those of the path"),
    (lambda d: d["components"]["schemas"]["Metadata"].update(examples=[{"a": 1}]), "is not of type"),
])
def test_the_linter_finds(breaking, told):
    broken = copy.deepcopy(DOCUMENT)
    breaking(broken)
    assert any(told in complaint for complaint in lint(broken)), lint(broken)


# ---- live ----

@pytest.fixture(scope="module")
def tour():
    return Tour(DOCUMENT)


@pytest.fixture
def at(tour, make_gateway):
    """The tour, at a gateway with the given settings."""
    def make(**options):
        tour.gateway = make_gateway(**options)
        return tour
    return make


ITEM = {"Function": {"functionId": "f"}, "EventType": {"name": "e"}, "Cors": {"corsId": "GET%2Fhello"}}
LISTS = ("listFunctions", "listEventTypes", "listSubscriptions", "listCors")


def populate(tour):
    """One of each kind; the path values of the items by kind."""
    tour.call("createFunction", 201, FUNCTION)
    tour.call("createEventType", 201, {"name": "e", "authorizerId": "f", "schema": {"type": "object"},
                                       "metadata": {"a": "b"}})
    created = tour.call("createSubscription", 201, SUBSCRIPTION).json
    tour.call("createCors", 201, CORS)
    return {**ITEM, "Subscription": {"subscriptionId": created["subscriptionId"]}}


def test_every_operation_succeeds_as_described(at):
    tour = at()
    items = populate(tour)
    for name in LISTS:
        assert tour.call(name, 200).text.count('"space"') == 1
        tour.call(name, 200, space="nobody-was-here")
        tour.call(name, 200, query="?metadata.a=b&x=y")
    updates = {"Function": UPDATE, "EventType": {"metadata": {"c": "d"}},
               "Subscription": {**SUBSCRIPTION, "metadata": {"c": "d"}}, "Cors": {**CORS, "allowCredentials": True}}
    for kind, values in items.items():
        tour.call(f"get{kind}", 200, **values)
        assert "metadata" in tour.call(f"update{kind}", 200, updates[kind], **values).json or kind == "Cors"
    for kind in ("Subscription", "EventType", "Function", "Cors"):
        assert tour.call(f"delete{kind}", 204, **items[kind]).body == b""
    tour.call("getStatus", 200)
    tour.call("getStatus", 200, query="?verbose=1")
    tour.call("getStatus", 200, query="?verbose=true")
    tour.call("getMetrics", 200)


@pytest.mark.parametrize("name,body,values", [
    ("createFunction", {}, {}), ("createFunction", {"functionId": "x", "type": "gcf"}, {}),
    ("createFunction", {**FUNCTION, "functionId": "a b"}, {}), ("createFunction", FUNCTION, {"space": "ab"}),
    ("updateFunction", {"type": "http"}, ITEM["Function"]), ("createEventType", {}, {}),
    ("createEventType", {"name": "x", "authorizerId": "nope"}, {}), ("createEventType", {"name": "x", "schema": 1}, {}),
    ("updateEventType", {"authorizerId": "nope"}, ITEM["EventType"]), ("createSubscription", {}, {}),
    ("createSubscription", {**SUBSCRIPTION, "eventType": "nope", "path": "/q"}, {}),
    ("createSubscription", {**SUBSCRIPTION, "path": "/:other"}, {}),
    ("updateSubscription", {**SUBSCRIPTION, "path": "/else"}, {"subscriptionId": None}),
    ("createCors", {"method": "GET"}, {}), ("updateCors", {"method": "PUT", "path": "/hello"}, ITEM["Cors"]),
])
def test_bad_bodies_are_400_as_described(tour, populated, name, body, values):
    tour.gateway, items = populated
    values = items["Subscription"] if "subscriptionId" in values else values
    tour.call(name, 400, body, **values)
    for hostile in ("", "{", "[]", '"x"', '{"metadata":1}', b"\xff\xfe", "{" * 500):
        assert tour.call(name, None, hostile, is_raw=True, **values).status in (400, 200), hostile


@pytest.fixture(scope="module")
def populated(tour):
    gateway = Gateway()
    tour.gateway = gateway
    yield gateway, populate(tour)
    gateway.close()


def test_what_is_in_use_cannot_be_deleted_as_described(tour, populated):
    tour.gateway, items = populated
    tour.call("deleteFunction", 400, **items["Function"])
    tour.call("deleteEventType", 400, **items["EventType"])


def test_what_exists_is_409_as_described(tour, populated):
    tour.gateway, _ = populated
    for name, body in (("createFunction", FUNCTION), ("createEventType", {"name": "e"}),
                       ("createSubscription", SUBSCRIPTION), ("createCors", CORS)):
        tour.call(name, 409, body)


def test_conditions_are_as_described(tour, populated):
    tour.gateway, items = populated
    bodies = {"Function": UPDATE, "EventType": {}, "Subscription": SUBSCRIPTION, "Cors": CORS}
    for kind, values in items.items():
        tag = tour.call(f"get{kind}", 200, **values).header("ETag")
        tour.call(f"get{kind}", 304, headers={"If-None-Match": f'"x", W/{tag}'}, **values)
        tour.call(f"get{kind}", 200, headers={"If-Match": tag}, **values)
        for verb, body in (("get", None), ("update", bodies[kind]), ("delete", None)):
            for name in ("If-Match", "If-None-Match"):
                tour.call(f"{verb}{kind}", 400, body, headers={name: tag[:-1]}, **values)
            tour.call(f"{verb}{kind}", 412, body, headers={"If-Match": '"x"'}, **values)
            if verb != "get":
                tour.call(f"{verb}{kind}", 412, body, headers={"If-None-Match": "*"}, **values)


def test_what_is_missing_is_404_as_described(tour, populated):
    tour.gateway, items = populated
    bodies = {"Function": UPDATE, "EventType": {}, "Subscription": SUBSCRIPTION,
              "Cors": {"method": "GET", "path": "/none"}}
    for kind, values in items.items():
        for missing in ("none", "a%2Fb", "%20", "..", "x" * 2000):
            values = {next(iter(values)): missing}
            is_page = missing == ".."   # of another page: /v1/spaces/default
            for verb, body in (("get", None), ("update", bodies[kind]), ("delete", None)):
                answer = tour.call(f"{verb}{kind}", None, body, **values)
                assert answer.status == 404 or (is_page and answer.status == 405) or \
                    (verb == "update" and answer.status == 400), answer
    for name in (*LISTS, "createFunction", "createEventType", "createSubscription", "createCors"):
        body = {} if name.startswith("create") else None
        assert tour.call(name, 404, body, space="a%2Fb").text == "404 page not found"


def test_other_methods_are_405_as_described(tour, populated):
    tour.gateway, items = populated
    values = {"space": "default"}
    for item in items.values():
        values.update(item)
    for name, (path, _, operation, _) in tour.described.items():
        target = re.sub(r"\{(\w+)\}", lambda found: values[found[1]], path)
        for method in ("PATCH", "OPTIONS"):
            answer = request(tour.gateway.config_port, method, target)
            assert answer.status == 405, (method, target, answer)
            tour.check(name, operation, answer)


def test_waiting_for_a_revision_is_as_described(at):
    tour = at()
    tour.call("createFunction", 201, FUNCTION)
    tour.call("getStatus", 200, query="?min_revision=1&timeout=5s&verbose=1")
    tour.call("getStatus", 400, query="?min_revision=none")
    tour.call("getStatus", 504, query="?min_revision=1000&timeout=10ms")
    waiting = [Connection(tour.gateway.config_port) for _ in range(256)]
    try:
        for connection in waiting:
            connection.send("GET /v1/status?min_revision=1000&timeout=60s HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_for(lambda: tour.call("getStatus", None, query="?min_revision=1000&timeout=1ms").status == 503,
                 "all places to be taken")
    finally:
        for connection in waiting:
            connection.close()


def stamp(**settings):
    rows = " ".join(f'{key} = "{value}";' for key, value in settings.items())
    return (f'start_timeout = "500ms"; plugins = {{ load = ("{BUILD}/tests/reload_stamp.so");'
            f'middleware = ("stamp"); stamp = {{ {rows} }}; stamped = {{ text = "x"; }}; }};')


def test_plugins_and_their_reload_are_as_described(at):
    tour = at(config=stamp(text="one"))
    tour.call("listPlugins", 200)
    for status, settings in ((200, {"text": "two"}), (400, {"text": "bad"}), (503, {"text": "3", "start": "fail"})):
        tour.gateway.config_file.write_text(stamp(**settings))
        tour.call("reloadPlugins", status)
    for status, names in ((200, "stamp"), (400, "stomp")):
        tour.gateway.config_file.write_text(stamp(text="two"))
        tour.call("reloadPlugins", status, query=f"?replace={names}")
    tour.gateway.config_file.write_text(stamp(text="4", start="hang"))
    with Connection(tour.gateway.config_port) as first:
        first.send("POST /v1/plugins/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        wait_for(lambda: "starting" in tour.call("listPlugins", 200).text, "the reload to begin")
        tour.call("reloadPlugins", 409)
        assert first.read().status == 504
    tour.call("reloadPlugins", 504)


def test_a_closed_gateway_is_401_as_described(at):
    tour = at(set={"config.token": "secret"})
    values = {"functionId": "f", "name": "e", "subscriptionId": "s", "corsId": "c"}
    for name in tour.described:
        if name == "getMetrics":
            tour.call(name, 200)
            continue
        query = "?verbose=1" if name == "getStatus" else ""
        tour.call(name, 401, query=query, **values)
        tour.call(name, 401, query=query, headers={"Authorization": "Bearer wrong"}, **values)
    right = {"Authorization": "Bearer secret"}
    tour.call("createFunction", 201, FUNCTION, headers=right)
    tour.call("getStatus", 200)


def test_refusals_of_the_listener_are_as_described(at):
    tour = at(set={"limits.body": 1000, "limits.target": 1000, "limits.head": 4096})
    tour.call("createFunction", 413, json.dumps(FUNCTION) + " " * 1000, is_raw=True)
    tour.call("listFunctions", 414, query="?" + "x" * 1000)
    tour.call("listFunctions", 431, headers={"X-A": "x" * 5000})
    tour.call("listFunctions", 400, headers=[("Host", "a"), ("Host", "b")])


def every_write(tour, items, statuses):
    bodies = {"Function": UPDATE, "EventType": {}, "Subscription": SUBSCRIPTION, "Cors": CORS}
    creates = {"Function": {**FUNCTION, "functionId": "g"}, "EventType": {"name": "g"},
               "Subscription": {**SUBSCRIPTION, "path": "/g"}, "Cors": {**CORS, "path": "/g"}}
    for kind, values in items.items():
        assert tour.call(f"create{kind}", None, creates[kind]).status in statuses
        assert tour.call(f"update{kind}", None, bodies[kind], **values).status in statuses
    for kind in ("Subscription", "EventType", "Function", "Cors"):
        assert tour.call(f"delete{kind}", None, **items[kind]).status in statuses or kind in ("EventType", "Function")
        tour.call(f"get{kind}", None, **items[kind])
    for name in LISTS:
        tour.call(name, None)
    tour.call("getStatus", 200, query="?verbose=1")


def loose_items(tour):
    """One of each kind, nothing in use."""
    items = populate(tour)
    tour.call("createFunction", 201, {**FUNCTION, "functionId": "loose"})
    tour.call("createEventType", 201, {"name": "loose"})
    return {**items, "Function": {"functionId": "loose"}, "EventType": {"name": "loose"}}


def test_a_store_that_is_held_by_another_is_503_as_described(at):
    tour = at()
    items = loose_items(tour)
    tour.gateway.command += ["--set", "store.timeout=50ms"]   # from here on: what is written before may take its time
    tour.gateway.restart()
    other = sqlite3.connect(next(tour.gateway.data_dir.glob("*.db")), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        every_write(tour, items, (503,))
    finally:
        other.execute("ROLLBACK")
        other.close()


def test_a_broken_store_is_500_as_described(at):
    tour = at()
    items = loose_items(tour)
    for path in tour.gateway.data_dir.iterdir():
        path.write_bytes(b"this is no database" * 400)
    every_write(tour, items, (500, 503))
    tour.gateway.stop()


def test_each_described_status_was_seen_or_has_a_reason(tour):
    """Last of the file: what the tests above have seen."""
    described = {(name, int(status)) for name, (_, _, operation, _) in tour.described.items()
                 for status in operation["responses"]}
    if not tour.seen:
        pytest.skip("the tests above have not run")
    assert {name for name, _ in described} == set(tour.described) and len(tour.described) == 24
    missing = described - tour.seen
    assert missing <= set(UNSEEN), sorted(missing - set(UNSEEN))
    assert not set(UNSEEN) - missing, "seen after all: no reason is needed any more"

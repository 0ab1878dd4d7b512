"""Several gateways, and gateways without their store: revisions, waiting for them, the cached copy."""
import concurrent.futures
import json
import signal
import stat
import threading

import pytest

from harness import BUILD, Connection, cloud_event, run_gateway, wait_for


def status(gateway):
    return gateway.config("GET", "/v1/status?verbose=1").json


def wait_for_revision(gateway, revision, timeout="15s"):
    return gateway.config("GET", f"/v1/status?min_revision={revision}&timeout={timeout}")


# ---- decisions at the same moment ----

def at_once(*calls):
    """Their answers."""
    start = threading.Barrier(len(calls))

    def run(call):
        start.wait()
        return call()
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_of_two_paths_that_exclude_each_other_one_is_taken_whoever_asks(make_gateway, tmp_path):
    gateways = [make_gateway(data_dir=tmp_path / "data") for _ in range(2)]
    gateways[0].function("f", {"headers": {}, "body": "hello"})
    gateways[0].event_type("e")
    for number in range(40):
        def create(gateway, name, path=number):
            return lambda: gateway.config("POST", "/v1/spaces/default/subscriptions", {
                "type": "sync", "eventType": "e", "functionId": "f", "path": f"/p{path}/:{name}"})
        answers = at_once(create(gateways[0], "x"), create(gateways[1], "y"))
        assert sorted(answer.status for answer in answers) == [201, 400]
        winner, name = ("x", "y") if answers[0].status == 201 else ("y", "x")
        refused = answers[1] if answers[0].status == 201 else answers[0]
        assert refused.message == (f'Subscription path conflict: parameter with different name ("{winner}") already '
                                   f'defined: for route: /p{number}/:{name}')
    stored = gateways[0].config("GET", "/v1/spaces/default/subscriptions").json["subscriptions"]
    assert sorted(s["path"].split("/")[1] for s in stored) == sorted(f"p{number}" for number in range(40))


def test_a_function_is_deleted_at_one_gateway_or_subscribed_to_at_the_other(make_gateway, tmp_path):
    one, other = (make_gateway(data_dir=tmp_path / "data") for _ in range(2))
    one.event_type("e")
    for number in range(40):
        name = f"f{number}"
        answer = one.config("POST", "/v1/spaces/default/functions", {
            "functionId": name, "type": "http", "provider": {"url": "http://127.0.0.1:1"}})
        if number % 2:   # else the other does not know it yet
            assert wait_for_revision(other, answer.header("eg-config-revision")).status == 200
        deleted, created = at_once(
            lambda: one.config("DELETE", f"/v1/spaces/default/functions/{name}"),
            lambda: other.config("POST", "/v1/spaces/default/subscriptions", {
                "type": "async", "eventType": "e", "functionId": name, "path": f"/{name}"}))
        assert (deleted.status, created.status) in ((204, 400), (400, 201))


# ---- waiting for a revision ----

def test_a_change_through_one_gateway_can_be_waited_for_at_the_other(make_gateway, tmp_path):
    one, other = (make_gateway(data_dir=tmp_path / "data") for _ in range(2))
    one.function("f", {"headers": {}, "body": "hello"})
    one.event_type("e")
    for number in range(20):
        answer = one.config("POST", "/v1/spaces/default/subscriptions",
                            {"type": "sync", "eventType": "e", "functionId": "f", "path": f"/p{number}"})
        revision = answer.header("eg-config-revision")
        for gateway in (one, other):
            assert wait_for_revision(gateway, revision).status == 200
            assert gateway.emit(cloud_event("e"), f"/p{number}").status == 200
        gone = one.config("DELETE", f"/v1/spaces/default/subscriptions/{answer.json['subscriptionId']}")
        assert gone.status == 204
        assert wait_for_revision(other, gone.header("eg-config-revision")).status == 200
        assert other.emit(cloud_event("e"), f"/p{number}").status == 202


def test_an_update_that_changes_nothing_can_be_waited_for_too(gw):
    gw.event_type("e")
    before = status(gw)["storeRevision"]
    answer = gw.config("PUT", "/v1/spaces/default/eventtypes/e", {})
    assert answer.status == 200
    assert int(answer.header("eg-config-revision")) > before
    assert wait_for_revision(gw, answer.header("eg-config-revision")).status == 200


def test_waiting_can_be_combined_with_the_facts_and_ends_in_504(gw):
    revision = status(gw)["storeRevision"]
    answer = gw.config("GET", f"/v1/status?verbose=1&min_revision={revision}")
    assert answer.json["routedRevision"] >= revision
    answer = wait_for_revision(gw, revision + 1000, "20ms")
    assert answer.status == 504
    assert f"revision {revision + 1000}" in answer.message


@pytest.mark.parametrize("query", ["min_revision=x", "min_revision=1&timeout=2h", "min_revision=1&timeout=x"])
def test_bad_values_are_400(shared, query):
    assert shared.config("GET", f"/v1/status?{query}").status == 400


def test_a_stop_answers_whoever_waits(gw):
    with Connection(gw.config_port) as waiting:
        waiting.send("GET /v1/status?min_revision=999999&timeout=60s HTTP/1.1\r\nHost: x\r\n\r\n")
        gw.settle()   # the loop has seen the request: both are its
        gw.signal(signal.SIGTERM)
        answer = waiting.read()
    assert answer is None or answer.status == 503   # None: the stop was faster than the request
    assert gw.wait_exit() == 0


def test_a_token_guards_the_waiting(make_gateway):
    gateway = make_gateway(set={"config.token": "secret"})
    assert gateway.config("GET", "/v1/status").status == 200
    assert gateway.config("GET", "/v1/status?min_revision=0").status == 401
    authorized = {"Authorization": "Bearer secret"}
    assert gateway.config("GET", "/v1/status?min_revision=0", headers=authorized).status == 200


# ---- the revision of events ----

def test_answers_of_the_events_api_tell_their_revision_when_asked_to(make_gateway):
    gateway = make_gateway(set={"events.expose_revision": "true"})
    gateway.function("f", {"headers": {"eg-config-revision": "1000000"}, "body": "x"})
    gateway.event_type("e")
    gateway.sync("e", "f")
    gateway.create("cors", {"method": "POST", "path": "/", "allowedOrigins": ["http://a"]})
    gateway.settle()
    revision = [str(status(gateway)["routedRevision"])]
    preflight = gateway.event("OPTIONS", "/", headers={"Origin": "http://a", "Access-Control-Request-Method": "POST"})
    answers = {
        200: gateway.emit(cloud_event("e")),
        202: gateway.emit(cloud_event("other")),
        400: gateway.emit("no event"),
    }
    for code, answer in answers.items():
        assert answer.status == code
        assert answer.headers("eg-config-revision") == revision
    assert preflight.status == 200 and preflight.header("Access-Control-Allow-Origin")
    assert preflight.headers("eg-config-revision") == revision


def test_the_revision_is_not_told_unless_asked_to_and_can_be_switched_live(make_gateway):
    gateway = make_gateway(config="events = { expose_revision = false; };\n")
    assert gateway.emit(cloud_event("e")).header("eg-config-revision") is None
    gateway.config_file.write_text("events = { expose_revision = true; };\n")
    gateway.signal(signal.SIGHUP)
    wait_for(lambda: gateway.emit(cloud_event("e")).header("eg-config-revision"), "the reload")


# ---- metrics ----

def test_the_metrics_tell_that_a_node_is_in_step(gw):
    gw.event_type("e")
    gw.settle()
    assert gw.metric("eventgateway_config_revision") == status(gw)["routedRevision"]
    assert gw.metric("eventgateway_config_lag_seconds") == 0
    assert gw.metric("eventgateway_store_up") == 1


# ---- without the store ----

class Away:
    """A gateway over the store of plugins/storage_away.c, which is away while `switch` exists."""

    def __init__(self, make_gateway, directory, **more):
        self.switch = directory / "away"
        self.cache = directory / "cache"
        self.options = {"args": ["--plugin", str(BUILD / "tests" / "storage_away.so")],
                        "set": {"store.backend": "away", "plugins.away.file": self.switch,
                                "store.cache_file": self.cache, **more}}
        self.make_gateway = make_gateway

    def start(self, **more):
        return self.make_gateway(**self.options, **more)

    def head(self):
        """The first line of the copy; None when there is no copy yet."""
        try:
            with open(self.cache, "rb") as copy:
                return json.loads(copy.readline())
        except FileNotFoundError:
            return None


@pytest.fixture
def away(make_gateway, tmp_path):
    return Away(make_gateway, tmp_path)


def configure(gateway):
    function = gateway.function("f", {"headers": {}, "body": "hello"})
    gateway.create("eventtypes", {"name": "e", "schema": {"title": "kept in the copy"}})
    gateway.sync("e", "f")
    gateway.settle()
    return function


def test_a_gateway_starts_without_its_store_from_the_cached_copy(away):
    first = away.start()
    configure(first)
    first.stop()
    assert away.head()["objects"] == 3   # written at the stop at the latest
    assert "kept in the copy" in away.cache.read_text()
    assert stat.S_IMODE(away.cache.stat().st_mode) == 0o600

    away.switch.touch()
    second = away.start()
    assert "started without the storage, from the cached copy" in second.log
    assert str(away.cache) in second.log and "3 objects" in second.log
    facts = status(second)
    assert facts["source"] == "cache"
    assert facts["routedRevision"] == away.head()["revision"]
    assert facts["lagSeconds"] > 0
    assert facts["store"]["up"] is False and facts["store"]["reason"] == "the file is there"
    assert second.metric("eventgateway_store_up") == 0
    assert second.metric("eventgateway_config_lag_seconds") > 0
    assert second.emit(cloud_event("e")).body == b"hello"
    answer = second.config("GET", "/v1/spaces/default/functions")
    assert answer.status == 503 and answer.header("Retry-After")
    assert second.config("GET", "/v1/status").status == 200

    away.switch.unlink()   # the store of the new process is empty: so it has to be routed
    wait_for(lambda: status(second)["source"] == "store", "the store's own content")
    wait_for(lambda: second.emit(cloud_event("e")).status == 202, "nothing to be routed")
    facts = status(second)
    assert facts["store"] == {"name": "away", "up": True}
    wait_for(lambda: away.head()["objects"] == 0, "the copy to follow")


def test_without_store_and_copy_the_start_fails_with_the_reason(away):
    away.switch.touch()
    gateway = away.start(wait=False)
    assert gateway.wait_exit() == 1
    assert "No such file or directory" in gateway.log   # the copy
    assert "the file is there" in gateway.lines[-1]


def test_a_damaged_copy_is_named_and_not_used(away):
    first = away.start()
    configure(first)
    first.stop()
    away.switch.touch()
    copy = bytearray(away.cache.read_bytes())
    copy[len(copy) // 2] ^= 1
    away.cache.write_bytes(copy)
    gateway = away.start(wait=False)
    assert gateway.wait_exit() == 1
    assert "checksum" in gateway.log and str(away.cache) in gateway.log


def test_wrong_credentials_fail_the_start_whatever_copy_there_is(make_gateway, tmp_path):
    first = Away(make_gateway, tmp_path).start()
    configure(first)
    first.stop()
    gateway = Away(make_gateway, tmp_path, **{"plugins.away.refuses": "true"}).start(wait=False)
    assert gateway.wait_exit() == 1
    assert "the credentials were refused" in gateway.log


def test_a_running_gateway_routes_on_while_its_store_is_away(away):
    gateway = away.start()
    configure(gateway)
    away.switch.touch()
    wait_for(lambda: status(gateway)["store"]["up"] is False, "the store to be missed")
    assert status(gateway)["source"] == "store"
    assert gateway.emit(cloud_event("e")).body == b"hello"
    assert gateway.config("POST", "/v1/spaces/default/eventtypes", {"name": "x"}).status == 503
    away.switch.unlink()
    wait_for(lambda: status(gateway)["store"]["up"], "the store to be back")
    assert gateway.config("POST", "/v1/spaces/default/eventtypes", {"name": "x"}).status == 201
    gateway.settle()
    assert gateway.metric("eventgateway_config_lag_seconds") == 0


def test_the_embedded_store_may_have_a_copy_too(make_gateway, tmp_path):
    cache = tmp_path / "cache"
    gateway = make_gateway(set={"store.cache_file": cache})
    gateway.event_type("e")
    gateway.stop()
    head = json.loads(cache.read_bytes().split(b"\n")[0])
    assert (head["backend"], head["objects"]) == ("embedded", 1)


def test_a_copy_that_cannot_be_written_is_told_and_does_no_harm(make_gateway, tmp_path):
    gateway = make_gateway(set={"store.cache_file": tmp_path / "nosuch" / "cache"})
    wait_for(lambda: "is not kept up to date" in gateway.log, "the warning")
    assert gateway.config("POST", "/v1/spaces/default/eventtypes", {"name": "x"}).status == 201

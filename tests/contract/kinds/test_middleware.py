"""What every middleware plugin has to keep, held against each of them through the real gateway.

A middleware gets a row in MIDDLEWARE: settings with which it lets a plain request through, and settings with
a request that it refuses. A plugin without a row fails the first test.
"""
import threading

import pytest

from harness import PLUGINS, cloud_event, run_gateway

MIDDLEWARE = {
    "auth": {
        "plugin": "middleware_auth",
        "open": {"rules": '[{"path":"/","public":true}]'},
        "closed": {"rules": '[{"path":"/","api_keys":["a-long-secret-key"]}]'},
        "status": 401,
        "secret": "a-long-secret-key",
    },
    "schema": {
        "plugin": "middleware_schema",
        "open": {"on_failure": "refuse"},
        "closed": {"on_failure": "refuse"},
        "closed_types": {"schema": {"const": "a-value-of-the-schema"}},
        "status": 400,
        "secret": "a-value-of-the-schema",
    },
    "dedupe": {"plugin": "middleware_dedupe", "open": {"window": "1m"}},   # it refuses nothing by itself
    "webhook": {
        "plugin": "middleware_webhook",
        "open": {"rules": '[{"path":"/elsewhere","scheme":"github","secrets":["s"]}]'},
        "closed": {"rules": '[{"scheme":"github","secrets":["a-secret-of-github"]}]'},
        "status": 401,
        "secret": "a-secret-of-github",
    },
    "ratelimit": {
        "plugin": "middleware_ratelimit",
        "open": {"rules": '[{"name":"all","limit":1000,"per":"1m","key":"all"}]'},
        # The first request has room in every limit; without Redis it is refused all the same.
        "closed": {"rules": '[{"name":"all","limit":1000,"per":"1m","key":"all"}]', "address": "127.0.0.1:1",
                   "password": "a-secret-of-redis", "on_store_failure": "refuse"},
        "status": 503,
        "secret": "a-secret-of-redis",
    },
    "transform": {
        "plugin": "middleware_transform",
        "open": {"rules": '[{"event":{"jq":"."},"reply":{"jq":"."}}]'},
        "closed": {"rules": '[{"event":{"jq":"error({status: 409, message: \\"not today\\"}) # a-long-secret-key"}}]'},
        "status": 409,
        "secret": "a-long-secret-key",
    },
}

refusing = pytest.mark.parametrize("middleware", [name for name, row in MIDDLEWARE.items() if "closed" in row], indirect=True)


def test_every_middleware_plugin_is_held_to_the_contract():
    built = {path.stem for path in PLUGINS.glob("middleware_*.so")}
    assert built == {row["plugin"] for row in MIDDLEWARE.values()}


@pytest.fixture(params=MIDDLEWARE)
def middleware(request, make_gateway):
    """start(mode): a gateway with this middleware alone, and a function at GET /r."""
    row = MIDDLEWARE[request.param]

    def start(mode, **options):
        settings = {f"plugins.{request.param}.{key}": value for key, value in row[mode].items()}
        gateway = make_gateway(set={"plugins.middleware": request.param, **settings}, **options)
        gateway.target = gateway.function("f", '{"body":"through"}')
        for name in ("http.request", "e"):
            gateway.create("eventtypes", {"name": name, **row.get(f"{mode}_types", {})})
        gateway.sync("http.request", "f", "/r", "GET")
        gateway.asynchronous("e", "f", "/e")
        gateway.settle()
        return gateway
    start.name = request.param
    start.row = row
    return start


def test_an_unknown_setting_is_refused_with_its_name(middleware):
    name = middleware.name
    code, _, err = run_gateway("--set", f"plugins.middleware={name}", "--set", f"plugins.{name}.nosuch=1", "--check")
    assert code == 1
    assert "nosuch" in err and name in err


def test_its_settings_are_explained(middleware):
    code, out, _ = run_gateway("--help-plugin", middleware.name)
    assert code == 0
    assert all(key in out for key in middleware.row["open"])


def test_what_it_lets_through_is_answered_as_without_it(middleware):
    gateway = middleware("open")
    assert gateway.event("GET", "/r").text == "through"
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(gateway.event("GET", "/r").text)) for _ in range(30)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert answers == ["through"] * 30
    assert gateway.emit(cloud_event("e"), "/e").status == 202
    gateway.target.wait_calls(32)


@refusing
def test_what_it_refuses_gets_an_envelope_and_calls_nothing(middleware):
    gateway = middleware("closed")
    answer = gateway.event("GET", "/r", headers={"x-request-id": "mine"})
    assert answer.status == middleware.row["status"]
    assert answer.message
    assert answer.header("x-request-id") == "mine"
    assert gateway.emit(cloud_event("e"), "/e").status == middleware.row["status"]
    gateway.stop()
    assert not gateway.target.calls


@refusing
def test_a_preflight_passes_by(middleware):
    gateway = middleware("closed")
    gateway.create("cors", {"method": "GET", "path": "/r"})
    gateway.settle()
    answer = gateway.event("OPTIONS", "/r", headers={"Origin": "http://o", "Access-Control-Request-Method": "GET"})
    assert (answer.status, answer.header("Access-Control-Allow-Origin")) == (200, "*")


@refusing
def test_secrets_never_reach_the_log(middleware):
    gateway = middleware("closed", args=["-log-level", "debug"])
    gateway.event("GET", "/r")
    gateway.stop()
    assert middleware.row["secret"] not in gateway.log


@refusing
def test_every_loop_has_it(middleware):
    gateway = middleware("closed", args=["--set", "loops=4"])
    assert {gateway.event("GET", "/r").status for _ in range(40)} == {middleware.row["status"]}

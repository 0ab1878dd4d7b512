"""Fixtures: `gw` is a fresh gateway of one test, `shared` one of the whole file (use `space` with it)."""
import itertools

import pytest

from fixtures import make_gateway   # noqa: F401
from harness import GATEWAY, Gateway

_spaces = itertools.count(1)


def pytest_sessionstart(session):
    if not GATEWAY.exists():
        raise pytest.UsageError(f"{GATEWAY} is not there: build it, or set EVENTGW_BUILD")


@pytest.fixture
def gw(make_gateway):
    return make_gateway()


@pytest.fixture(scope="module", params=[{}, {"ingress.engine": "libmicrohttpd"}], ids=["own", "libmicrohttpd"])
def engine(request):
    """Settings: each engine of the HTTP server in turn. Tests and fixtures that use it run with either."""
    return request.param


@pytest.fixture(scope="module")
def shared():
    gateway = Gateway()
    yield gateway
    gateway.close()


@pytest.fixture
def space():
    """A name that no other test of this run uses."""
    return f"space{next(_spaces)}"


@pytest.fixture
def route(shared, space):
    """Makes routes of the shared gateway on paths of their own: route(kind, event_type, answer, method)
    returns (function, path) with the configuration in effect. Spaces share the paths, so every test has
    its own."""
    counter = itertools.count(1)

    def make(kind, event_type, answer="{}", method="POST", suffix="", **provider):
        name = f"f{next(counter)}"
        function = shared.function(name, answer, space, **provider)
        types = shared.config("GET", f"/v1/spaces/{space}/eventtypes").json["eventTypes"]
        if event_type not in [t["name"] for t in types]:
            shared.event_type(event_type, space=space)
        path = f"/{space}/{name}"
        shared.subscribe(kind, event_type, name, path + suffix, method, space)
        shared.settle()
        return function, path

    make.gateway = shared
    return make

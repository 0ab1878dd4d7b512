"""Fixtures: `cloud` is AWS on loopback for one file of tests; `aws` registers a function of it."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from aws_cloud import Cloud   # noqa: E402


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    made = Cloud(tmp_path_factory.mktemp("moto"))
    yield made
    made.close()


@pytest.fixture
def aws(gw):
    """aws("awssqs", queueUrl=..., ...): the function `f` of a fresh gateway, subscribed to user.created."""
    def make(kind, subscription="sync", gateway=None, **provider):
        gateway = gateway or gw
        gateway.create("functions", {"functionId": "f", "type": kind, "provider": provider})
        gateway.event_type("user.created")
        gateway.subscribe(subscription, "user.created", "f")
        gateway.settle()
        return gateway
    return make

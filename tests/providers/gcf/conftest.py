"""Fixtures: `cloud` is Google on loopback, fresh for each test; `echo` and `record` are functions."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from gcf_cloud import Cloud, Framework, install   # noqa: E402


@pytest.fixture(scope="session")
def installed():
    install()


@pytest.fixture
def cloud(installed):
    made = Cloud()
    yield made
    problems = made.state["problems"]
    made.close()
    assert problems == [], "the gateway has sent what Google would not take"


@pytest.fixture(scope="module")
def echo(installed, tmp_path_factory):
    made = Framework("echo", "http", tmp_path_factory.mktemp("echo"))
    yield made
    made.close()


@pytest.fixture
def record(installed, tmp_path):
    made = Framework("record", "cloudevent", tmp_path)
    yield made
    made.close()


@pytest.fixture
def google(make_gateway, cloud, monkeypatch):
    """A gateway whose metadata server is the cloud's, named by the environment."""
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    return make_gateway(env={"GCE_METADATA_HOST": cloud.metadata_host}, set={"loops": 2})

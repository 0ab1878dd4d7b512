"""Three gateways on one store of each kind, and the fixtures of the end-to-end tests."""
import importlib.util
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
E2E = HERE.parent / "e2e"
sys.path[:0] = [str(E2E), str(HERE)]

_spec = importlib.util.spec_from_file_location("e2e_conftest", E2E / "conftest.py")
_e2e = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_e2e)
pytest_sessionstart = _e2e.pytest_sessionstart

from cluster import Cluster   # noqa: E402
from figures import write_figures   # noqa: E402
from stores import SETTINGS   # noqa: E402

# EVENTGW_STORES=etcd,redis: only these.
KINDS = [k for k in SETTINGS if k in os.environ.get("EVENTGW_STORES", ",".join(SETTINGS)).split(",")]
REMOTE = [k for k in KINDS if k != "embedded"]


def pytest_generate_tests(metafunc):
    if "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", KINDS)
    if "remote" in metafunc.fixturenames:
        metafunc.parametrize("remote", REMOTE)


@pytest.fixture
def make_cluster(tmp_path):
    made = []

    def make(kind, size=3, more=None, patient=()):
        directory = tmp_path / f"store{len(made)}"
        directory.mkdir()
        made.append(Cluster(kind, directory, size, more, patient))
        return made[-1]

    yield make
    for cluster in made:
        cluster.close()


@pytest.fixture
def figures():
    """What a test measured, for the table of docs/clustering.md: figures(kind, name, value)."""
    return write_figures

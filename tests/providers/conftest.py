"""Fixtures of the end-to-end tests (tests/e2e/conftest.py) and their harness, for the tests of providers."""
import importlib.util
import pathlib
import sys

E2E = pathlib.Path(__file__).resolve().parents[1] / "e2e"
sys.path.insert(0, str(E2E))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

_spec = importlib.util.spec_from_file_location("e2e_conftest", E2E / "conftest.py")
_e2e = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_e2e)

pytest_sessionstart = _e2e.pytest_sessionstart
make_gateway = _e2e.make_gateway
gw = _e2e.gw

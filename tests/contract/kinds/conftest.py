"""The contracts use the harness and the fixture of the end-to-end tests."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))

from fixtures import make_gateway   # noqa: E402,F401

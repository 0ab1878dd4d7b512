"""Packages of PyPI for tests, in virtual environments below build/emulators; versions as in a requirements.txt."""
import fcntl
import hashlib
import pathlib
import subprocess

import pytest

EMULATORS = pathlib.Path(__file__).resolve().parents[2] / "build" / "emulators"


def run(command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=900,
                          **options)
    return done.returncode, (done.stdout + done.stderr).strip().split("\n")[-1]


def python_with(name, requirements):
    """The interpreter of an environment with these packages; skips with the reason when it cannot be had."""
    stamp = hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    home = EMULATORS / f"{name}-{stamp}"
    python = home / "bin" / "python"
    EMULATORS.mkdir(parents=True, exist_ok=True)
    with open(EMULATORS / f"{name}.lock", "w") as lock:   # tests run in several processes
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "complete").exists():
            code, last = run(["/usr/bin/python3", "-m", "venv", "--clear", home])
            if code == 0:
                code, last = run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                                   "--no-deps", "-r", requirements])
            if code != 0:
                pytest.skip(f"{name} cannot be installed: {last}")
            (home / "complete").touch()
    return python

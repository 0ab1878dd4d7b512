"""Google on loopback: npm's functions-framework and google-auth-library, installed once into build/gcf.

Cloud is cloud.js (metadata server, token endpoint, front end that checks ID tokens), Framework is a
function run by @google-cloud/functions-framework.
"""
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import socket
import subprocess

import pytest

from harness import PATIENCE, ROOT, free_port, request, wait_for

HERE = pathlib.Path(__file__).resolve().parent
INSTALLED = ROOT / "build" / "gcf"
MODULES = INSTALLED / "node_modules"
FILES = ("package.json", "package-lock.json", ".npmrc")


def install():
    """npm ci, unless the stamp tells that just these versions are there; one process at a time. Skips the
    test when there is no npm or nothing to install from."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("skipped: Node.js with npm is not installed")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    wanted = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in FILES)).hexdigest()
    stamp = INSTALLED / "installed"
    with open(INSTALLED / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return
        for name in FILES:
            shutil.copy(HERE / name, INSTALLED / name)
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=INSTALLED, capture_output=True,
                              stdin=subprocess.DEVNULL, text=True)
        if done.returncode != 0:
            told = done.stderr.strip().splitlines()
            pytest.skip(f"skipped: npm cannot install functions-framework: {told[-1] if told else 'no reason'}")
        stamp.write_text(wanted)


def environment(**more):
    return dict(os.environ, NODE_PATH=str(MODULES), **more)


class Cloud:
    """cloud.js. `key` is the JSON of a service-account key that its token endpoint knows."""

    def __init__(self):
        self.process = subprocess.Popen(["node", str(HERE / "cloud.js")], stdin=subprocess.PIPE, env=environment(),
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line, "cloud.js has ended"
        told = json.loads(line)
        self.ports, self.key = told["ports"], told["key"]
        self.metadata_host = f"127.0.0.1:{self.ports['metadata']}"

    def set(self, **state):
        answer = request(self.ports["control"], "POST", "/state", state)
        assert answer.status == 200, answer
        return answer.json

    @property
    def state(self):
        return request(self.ports["control"], "GET", "/state").json

    def url(self, port):
        """What the front end guards: the function that listens on this port."""
        return f"http://127.0.0.1:{self.ports['front']}/{port}"

    def close(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


class Framework:
    """One function of functions/index.js, run by the functions-framework."""

    def __init__(self, target, signature, directory):
        self.port = free_port()
        self.record = pathlib.Path(directory) / f"{target}.events"
        self.record.touch()
        self.log = open(pathlib.Path(directory) / f"{target}.log", "wb")
        self.process = subprocess.Popen(
            ["node", str(MODULES / "@google-cloud" / "functions-framework" / "build" / "src" / "main.js"),
             f"--target={target}", f"--signature-type={signature}", f"--source={HERE / 'functions'}",
             f"--port={self.port}"], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            env=environment(RECORD=str(self.record)))
        wait_for(self._is_up, f"the functions-framework of {target}")

    def _is_up(self):
        assert self.process.poll() is None, f"the functions-framework has ended, see {self.log.name}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def events(self):
        return [json.loads(line) for line in self.record.read_text().splitlines()]

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.log.close()

"""The published Node clients: installed once into build/clients, driven by driver.js."""
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from harness import GATEWAY, ROOT, Function, Gateway   # noqa: E402

INSTALLED = ROOT / "build" / "clients"
FILES = ("package.json", "package-lock.json", ".npmrc")


def pytest_sessionstart(session):
    if not GATEWAY.exists():
        raise pytest.UsageError(f"{GATEWAY} is not there: build it, or set EVENTGW_BUILD")


def install():
    """npm ci, unless the stamp tells that just these versions are there. One process at a time."""
    INSTALLED.mkdir(parents=True, exist_ok=True)
    wanted = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in FILES)).hexdigest()
    stamp = INSTALLED / "installed"
    with open(INSTALLED / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return
        for name in FILES:
            shutil.copy(HERE / name, INSTALLED / name)
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=INSTALLED, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
        assert done.returncode == 0, f"npm ci in {INSTALLED} failed:\n{done.stderr}"
        stamp.write_text(wanted)


class ClientError(Exception):
    """The client rejected; args[0] is its message, name the class of the error."""

    def __init__(self, message, name):
        super().__init__(message)
        self.name = name


class Node:
    """A Node process that makes one client call after the other. `env` is added to its environment."""

    def __init__(self, env=None):
        environment = dict(os.environ, NODE_PATH=str(INSTALLED / "node_modules"))
        for name in ("EVENT_GATEWAY_ACCESS_KEY", "EVENT_GATEWAY_TOKEN"):
            environment.pop(name, None)
        environment.update(env or {})
        self.process = subprocess.Popen(["node", str(HERE / "driver.js")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=environment)

    def call(self, method, *args, version="0.11.0", fetch=None, **config):
        """`fetch` tells which of fetches.js the client is given."""
        self.process.stdin.write(json.dumps(
            {"version": version, "method": method, "args": args, "config": config, "fetch": fetch}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"{method} ended the process: {self.process.stderr.read()}"
        result = json.loads(line)
        if "error" in result:
            raise ClientError(result["error"], result["name"])
        return result.get("value")

    def close(self):
        self.process.stdin.close()
        code = self.process.wait(30)
        told = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        assert code == 0, told


class Sdk:
    """The client's methods as Python methods, for one gateway and one space."""

    def __init__(self, gateway, node, space="default", version="0.11.0", suffix=""):
        self.gateway = gateway
        self.node = node
        self.options = {"url": f"http://127.0.0.1:{gateway.events_port}{suffix}", "version": version,
                        "configurationUrl": f"http://127.0.0.1:{gateway.config_port}", "space": space}

    def __getattr__(self, method):
        return lambda *args: self.node.call(method, *args, **self.options)


class Fdk:
    """The methods of @serverless/fdk as Python methods, for one gateway in the mode of 2017."""

    def __init__(self, gateway, node, version, **options):
        self.node = node
        self.options = {"url": f"http://127.0.0.1:{gateway.events_port}", "version": f"fdk {version}",
                        "configurationUrl": f"http://127.0.0.1:{gateway.config_port}", **options}

    def __getattr__(self, method):
        return lambda *args: self.node.call(method, *args, **self.options)


class NodeFunction:
    """function.js as a process: a function that itself calls the gateway."""

    def __init__(self, gateway, handler, fdk):
        self.process = subprocess.Popen(
            ["node", str(HERE / "function.js"), handler, fdk, f"http://127.0.0.1:{gateway.events_port}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, NODE_PATH=str(INSTALLED / "node_modules")))
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}/"

    def close(self):
        self.process.stdin.close()
        code = self.process.wait(30)
        self.process.stdout.close()
        assert code == 0


@pytest.fixture(scope="session")
def installed():
    install()


@pytest.fixture
def make_node(installed):
    made = []

    def make(env=None):
        made.append(Node(env))
        return made[-1]

    yield make
    for node in made:
        node.close()


@pytest.fixture
def node(make_node):
    return make_node()


@pytest.fixture
def make_gateway():
    made = []

    def make(**options):
        made.append(Gateway(**options))
        return made[-1]

    yield make
    for gateway in made:
        gateway.close()


@pytest.fixture
def gw(make_gateway):
    return make_gateway()


@pytest.fixture
def sdk(gw, node):
    return Sdk(gw, node)


# ---- the mode of 2017 ----

@pytest.fixture
def v17(make_gateway):
    return make_gateway(set={"api.v2017": "true"})


@pytest.fixture
def make_function(v17, installed):
    """A recording server for a 2017 function of type http; or, with modules, a NodeFunction."""
    made = []

    def make(answer="{}", modules=None):
        made.append(NodeFunction(v17, *modules) if modules else Function(answer))
        return made[-1]

    yield make
    for function in made:
        function.close()

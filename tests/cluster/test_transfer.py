"""`config export` and `config import` between stores of all kinds, beside gateways that serve."""
import json
import pathlib

import pytest

from harness import run_gateway, wait_for
from stores import Store

SECRET = "not-for-everyone"


def configuration(count):
    """Objects of every kind, as JSON Lines."""
    documents = [{"kind": "eventtype", "name": "http.request", "metadata": {"version": "1.10", "caf\u00e9": "no"}},
                 {"kind": "function", "functionId": "cloud", "type": "awslambda", "space": "other",
                  "provider": {"arn": "arn:aws:lambda:us-east-1:123456789012:function:f", "region": "us-east-1",
                               "awsAccessKeyId": "AKIDEXAMPLE", "awsSecretAccessKey": SECRET}},
                 {"kind": "cors", "method": "GET", "path": "/p/:x", "allowedOrigins": ["https://a.example"]}]
    for n in range(count):
        documents.append({"kind": "function", "functionId": f"f{n}", "type": "http",
                          "provider": {"url": f"http://127.0.0.1:1/{n}"}})
        documents.append({"kind": "subscription", "type": "sync", "eventType": "http.request", "functionId": f"f{n}",
                          "path": f"/p{n}/:x", "method": "GET"})
    return "".join(json.dumps(document) + "\n" for document in documents), len(documents)


class Commands:
    """The program on one store."""

    def __init__(self, settings):
        self.flags = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]

    def run(self, *words):
        code, out, err = run_gateway("config", *words, *self.flags, patience=300)
        assert code == 0, err
        return out


@pytest.fixture
def make_commands(tmp_path):
    stores = []

    def make(kind):
        directory = tmp_path / f"{kind}-{len(stores)}"
        directory.mkdir()
        stores.append(Store(kind, directory))
        commands = Commands({**stores[-1].settings(), "data_dir": directory / "data"})
        # A server may listen before it serves.
        wait_for(lambda: run_gateway("config", "export", *commands.flags)[0] == 0, f"{kind} to answer", 60)
        return commands

    yield make
    for store in stores:
        store.close()


def test_a_configuration_moves_to_every_store_and_back(kind, make_commands, tmp_path):
    text, count = configuration(500)
    first, other, last = make_commands("embedded"), make_commands(kind), make_commands("embedded")
    given, there, back = tmp_path / "given.json", tmp_path / "there.yaml", tmp_path / "back.json"
    given.write_text(text)
    assert first.run("import", str(given)) == f"created {count}, updated 0, deleted 0, unchanged 0\n"
    first.run("export", str(there))
    assert other.run("import", str(there)) == f"created {count}, updated 0, deleted 0, unchanged 0\n"
    assert other.run("import", str(there)) == f"created 0, updated 0, deleted 0, unchanged {count}\n"
    assert other.run("export", "--format", "yaml") == there.read_text()
    other.run("export", str(back))
    last.run("import", str(back))
    assert last.run("export") == first.run("export")
    few, left = configuration(10)
    given.write_text(few)
    assert other.run("import", "--prune", str(given)) == \
        f"created 0, updated 0, deleted {count - left}, unchanged {left}\n"
    assert SECRET in pathlib.Path(back).read_text() and len(other.run("export").splitlines()) == left


def test_an_import_beside_three_gateways_is_routed_by_all(kind, make_cluster, tmp_path):
    cluster = make_cluster(kind)
    cluster.add("k", 0, cluster.nodes[0])
    commands = Commands({**cluster.store.settings(), "data_dir": cluster.store.directory})
    documents = [json.loads(line) for line in commands.run("export").splitlines()]
    moved = [dict(document, path="/moved") for document in documents if document["kind"] == "subscription"]
    for document in moved:
        del document["subscriptionId"]
    rest = [document for document in documents if document["kind"] != "subscription"]
    path = tmp_path / "moved.json"
    path.write_text("".join(json.dumps(document) + "\n" for document in rest + moved))
    assert commands.run("import", "--prune", str(path)) == f"created 1, updated 0, deleted 1, unchanged {len(rest)}\n"
    for node in cluster.nodes:
        wait_for(lambda: node.event("GET", "/moved").text == "/k/0", "the new path to be routed")
        wait_for(lambda: node.event("GET", "/k").text != "/k/0", "the old path to be gone")

"""`event-gateway config export` and `config import`: the whole configuration as a file, with the real program."""
import contextlib
import json
import os
import pty
import signal
import sqlite3
import stat
import subprocess

import pytest
import yaml

from harness import GATEWAY, Function, run_gateway, wait_for

SECRET = "not-for-everyone"
AWS = {"arn": "arn:aws:lambda:us-east-1:123456789012:function:f", "region": "us-east-1",
       "awsAccessKeyId": "AKIDEXAMPLE", "awsSecretAccessKey": SECRET}
# Texts that a careless writer of YAML gets wrong.
TRICKY = ["true", "No", "null", "~", "1", "1.10", "0x1F", "1e3", "007", "2024-01-01", "12:30", "", " ", " a ", "a: b",
          "# a", "- a", "*a", "&a", "!a", "%a", "@a", "`a`", "'", '"', "\\", "a\nb\n", "\n", "\t", "\r\n", "\x01", "\x00",
          "\x7f", "caf\u00e9", "\u20ac", "\U0001f600", "\u0085", "\u2028", "\ufeff", "<<", "=", "y", "off", "x" * 5000]


def line(kind, **fields):
    return json.dumps({"kind": kind, **fields}) + "\n"


def function(name, url="http://127.0.0.1:1/", **fields):
    return line("function", functionId=name, type="http", provider={"url": url}, **fields)


def event_type(name, **fields):
    return line("eventtype", name=name, **fields)


def sync(path, to, name="http.request", method="GET", **fields):
    return line("subscription", type="sync", eventType=name, functionId=to, path=path, method=method, **fields)


def cors(path, method="GET", **fields):
    return line("cors", method=method, path=path, **fields)


def json_lines(text):
    """Not splitlines(): for that, U+0085 and others end a line too."""
    return [json.loads(piece) for piece in text.split("\n") if piece]


class Store:
    """An embedded store without a gateway on it."""

    def __init__(self, folder):
        self.folder = folder
        self.files = 0

    def config(self, *args, code=0, env=None, **options):
        """Runs `config ARGS` on it: (stdout, stderr)."""
        got, out, err = run_gateway("config", *args, "--data-dir", str(self.folder), env=env, **options)
        assert got == code, (got, out, err)
        return out, err

    def export(self, *args, code=0):
        return self.config("export", *args, code=code)[0]

    def load(self, text, *args, code=0, name="in.json"):
        """Imports a text as a file."""
        self.files += 1
        path = self.folder.parent / f"{self.folder.name}-{self.files}-{name}"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return self.config("import", *args, str(path), code=code)

    def objects(self, *args):
        return json_lines(self.export(*args))

    def rows(self, columns):
        """Columns of all records, in the order of their keys."""
        database = sqlite3.connect(self.folder / "event-gateway.db")
        try:
            return database.execute(f"select {columns} from entry order by key").fetchall()
        finally:
            database.close()

    def change(self, statement, *values):
        """Behind the program's back; returns how many records were changed."""
        with contextlib.closing(sqlite3.connect(self.folder / "event-gateway.db")) as database, database:
            return database.execute(statement, values).rowcount


@pytest.fixture
def make_store(tmp_path):
    count = iter(range(100))
    return lambda: Store(tmp_path / f"store{next(count)}")


@pytest.fixture
def store(make_store):
    return make_store()


RICH = (function("f", metadata={f"key {n}": text for n, text in enumerate(TRICKY)}) +
        line("function", functionId="cloud", type="awslambda", provider=AWS) +
        function("auth") + function("f", space="other.space") +
        event_type("http.request", authorizerId="auth", metadata={"a": "b"}) +
        event_type("user.created", schema={"type": "object", "required": ["\u00e9"], "maximum": 0.5}) + event_type("http.request", space="other.space") +
        sync("/users/:id", "f") + sync("/users/:id", "cloud", method="POST") + sync("/\u00e9/:x", "f", metadata={"n": "1"}) +
        sync("/a", "f", space="other.space") +
        line("subscription", type="async", eventType="user.created", functionId="f") +
        cors("/users/:id", allowedOrigins=["*", "https://a.example"], allowedHeaders=["X-1"], allowCredentials=True) +
        cors("/users/:id", "POST") + cors("/b", space="other.space", metadata={"yes": "no"}))
RICH_COUNT = len(RICH.splitlines())


# ---- round trips ----

@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_rich_configuration_comes_back_as_it_was(make_store, tmp_path, form):
    first, second = make_store(), make_store()
    out, _ = first.load(RICH)
    assert out == f"created {RICH_COUNT}, updated 0, deleted 0, unchanged 0\n"
    path = tmp_path / f"all.{form}"
    out, err = first.config("export", str(path))
    assert out == "" and f"exported {RICH_COUNT} objects; secrets are in it in clear" in err
    text = path.read_text()
    assert SECRET in text
    out, _ = second.config("import", str(path))
    assert out == f"created {RICH_COUNT}, updated 0, deleted 0, unchanged 0\n"
    assert second.export() == first.export()
    assert second.export("--format", "yaml") == first.export("--format", "yaml")
    out, _ = second.config("import", str(path))
    assert out == f"created 0, updated 0, deleted 0, unchanged {RICH_COUNT}\n"
    assert second.rows("key, value") == first.rows("key, value")   # not only what is shown of them


def test_the_exports_are_json_lines_and_yaml_that_others_read_alike(store):
    store.load(RICH)
    lines = json_lines(store.export("--format", "json"))
    documents = list(yaml.safe_load_all(store.export("--format", "yaml")))
    assert documents == lines
    assert [document["kind"] for document in lines] == sorted(
        [document["kind"] for document in lines], key=["function", "eventtype", "subscription", "cors"].index)
    metadata = next(d for d in lines if d.get("functionId") == "f" and d["space"] == "default")["metadata"]
    assert [metadata[f"key {n}"] for n in range(len(TRICKY))] == TRICKY


def test_what_the_config_api_made_is_exported_while_it_serves_and_imported_elsewhere(gw, make_store):
    gw.function("f")
    gw.event_type("http.request", authorizer="f")
    gw.sync("http.request", "f", "/a", "GET")
    gw.create("cors", {"method": "GET", "path": "/a"})
    live, other = Store(gw.data_dir), make_store()
    text = live.export()
    assert other.load(text)[0] == "created 4, updated 0, deleted 0, unchanged 0\n"
    assert other.export() == text
    for document in other.objects():
        kind = document.pop("kind")
        route = {"function": "functions", "eventtype": "eventtypes", "subscription": "subscriptions", "cors": "cors"}[kind]
        listed = gw.config("GET", f"/v1/spaces/default/{route}").json
        assert [document] in listed.values()


def test_an_import_into_a_store_that_a_gateway_serves_is_routed(gw):
    function_server = Function('{"body":"imported"}')
    gw.functions.append(function_server)
    live = Store(gw.data_dir)
    live.load(function("f", function_server.url) + event_type("http.request") + sync("/r", "f"))
    wait_for(lambda: gw.event("GET", "/r").text == "imported", "the import to be routed")
    other_server = Function('{"body":"updated"}')
    gw.functions.append(other_server)
    live.load(function("f", other_server.url))
    wait_for(lambda: gw.event("GET", "/r").text == "updated", "the update to be routed")
    live.load(function("f", other_server.url), "--prune")
    wait_for(lambda: gw.event("GET", "/r").status != 200, "the removal to be routed")
    assert gw.config("GET", "/v1/spaces/default/subscriptions").json == {"subscriptions": []}


# ---- what is written ----

def test_only_what_differs_is_written(gw):
    live = Store(gw.data_dir)
    live.load(function("f") + function("g") + event_type("e"))
    before = dict(live.rows("key, revision"))
    out, _ = live.load(function("f") + function("g", "http://127.0.0.1:2/") + event_type("e"))
    assert out == "created 0, updated 1, deleted 0, unchanged 2\n"
    after = dict(live.rows("key, revision"))
    assert [key for key in after if after[key] != before[key]] == [b"/serverless-event-gateway/functions/default/g"]


def test_a_dry_run_tells_and_writes_nothing(store):
    store.load(function("f") + function("old") + event_type("e"))
    before = store.export()
    wanted = (line("function", functionId="f", type="awslambda", provider=AWS) + event_type("e") +
              event_type("http.request") + sync("/a", "f"))
    out, err = store.load(wanted, "--dry-run", "--prune")
    assert out.splitlines() == [
        "update function default/f: type, provider",
        "create eventtype default/http.request",
        "create subscription default/c3luYyxodHRwLnJlcXVlc3QsJTJGYSxHRVQ (sync http.request GET /a -> f)",
        "delete function default/old",
        "create 2, update 1, delete 1, unchanged 1"]
    assert SECRET not in out + err
    assert store.export() == before
    assert store.load(wanted, "--prune")[0] == "created 2, updated 1, deleted 1, unchanged 1\n"
    assert store.load(wanted, "--prune", "--dry-run")[0] == "create 0, update 0, delete 0, unchanged 4\n"


def test_prune_removes_what_is_not_in_the_file_and_else_nothing_is_removed(store):
    store.load(RICH)
    out, _ = store.load(function("new"))
    assert out == "created 1, updated 0, deleted 0, unchanged 0\n"
    assert len(store.objects()) == RICH_COUNT + 1
    out, _ = store.load(function("new"), "--prune")
    assert out == f"created 0, updated 0, deleted {RICH_COUNT}, unchanged 1\n"
    assert [o["functionId"] for o in store.objects()] == ["new"]


def test_space_and_kind_limit_what_is_exported_written_and_removed(store):
    store.load(RICH)
    assert {o["space"] for o in store.objects("--space", "other.space")} == {"other.space"}
    assert {o["kind"] for o in store.objects("--kind", "functions", "--kind", "cors")} == {"function", "cors"}
    only = cors("/new", space="other.space") + cors("/elsewhere")
    out, _ = store.load(only, "--prune", "--space", "other.space", "--kind", "cors")
    assert out == "created 1, updated 0, deleted 1, unchanged 0, left out 1\n"
    assert [o["path"] for o in store.objects("--space", "other.space", "--kind", "cors")] == ["/new"]
    assert len(store.objects()) == RICH_COUNT


def test_a_sync_path_gets_another_function_and_another_name_in_one_import(store):
    base = function("f") + function("g") + event_type("http.request")
    store.load(base + sync("/users/:id", "f"))
    assert store.load(base + sync("/users/:id", "g"))[0] == "created 0, updated 1, deleted 0, unchanged 3\n"
    out, _ = store.load(base + sync("/users/:name", "g"), "--prune")
    assert out == "created 1, updated 0, deleted 1, unchanged 3\n"


def test_masked_secrets_stand_for_the_stored_ones(make_store, tmp_path):
    store, other = make_store(), make_store()
    store.load(RICH)
    path = tmp_path / "masked.yaml"
    _, err = store.config("export", "--mask-secrets", str(path))
    assert "secrets are masked" in err
    text = path.read_text()
    assert SECRET not in text and "*****" in text
    before = store.export()
    assert store.config("import", str(path))[0] == f"created 0, updated 0, deleted 0, unchanged {RICH_COUNT}\n"
    assert store.export() == before
    _, err = other.config("import", str(path), code=1)
    assert "function default/cloud: " in err and "none is stored" in err
    assert other.export() == ""
    moved = text.replace("us-east-1", "eu-west-1")
    assert store.load(moved, name="in.yaml")[0] == f"created 0, updated 1, deleted 0, unchanged {RICH_COUNT - 1}\n"
    assert SECRET in store.export()


def test_an_interrupted_import_is_run_again(store):
    count = 20000
    text = "".join(function(f"f{n}", metadata={"n": str(n)}) for n in range(count))
    path = store.folder.parent / "many.json"
    path.write_text(text)
    store.export()   # makes the store
    running = subprocess.Popen([str(GATEWAY), "config", "import", str(path), "--data-dir", str(store.folder)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: running.poll() is not None or store.rows("count(*)")[0][0] > 100, "the first writes",
             patience=600)   # each object is a commit to the disk, which others may keep busy
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL, "it was done before it could be interrupted"
    there = len(store.objects())
    assert 100 < there < count
    out, _ = store.config("import", str(path), patience=600)
    assert out == f"created {count - there}, updated 0, deleted 0, unchanged {there}\n"
    assert len(store.objects()) == count


# ---- what is refused ----

BASE = function("f") + event_type("http.request")


BAD_FILES = [
    ("", ["there is no document in it"]),
    (" \n\n", ["there is no document in it"]),
    (BASE + '{"kind":"function"\n' + BASE[:30], [":4: it is no JSON: unexpected EOF",
                                                 ":4: it is no JSON: invalid character '{'"]),
    (BASE + '{"kind":"function","functionId":"g"', [":3: it is no JSON: unexpected EOF"]),
    (BASE + BASE, [":3: function default/f is in the file already, on line 1",
                   ":4: eventtype default/http.request is in the file already, on line 2", "2 errors"]),
    (line("functoin", functionId="f"), [":1: unknown kind 'functoin'; did you mean 'function'?"]),
    (line("functions", functionId="f"), [":1: unknown kind 'functions'; did you mean 'function'?"]),
    ('{"functionId":"f"}', [":1: the document does not say which 'kind' it is"]),
    ("[1]", [":1: a document has to be an object, not a list"]),
    (line("eventtype", name=3), [":1: eventtype default/: Event Type doesn't validate.", "number"]),
    (line("eventtype", name="a b"), [":1: eventtype default/a b: Event Type doesn't validate.", "'eventType' tag"]),
    (line("eventtype", name="a", space="x"), [":1: eventtype x/a: ", "'min' tag"]),
    (line("eventtype", name="a", space=7), [":1:", "Type.space of type string"]),
    (line("function", functionId="f"), [":1: function default/f: ", "provider configuration not set"]),
    (line("function", functionId="f", type="nosuch"), ["provider nosuch not supported"]),
    (line("function", functionId="f", type="http", provider={"url": 3}), ["'url' has to be a text"]),
    (line("function", functionId="f", type="http", provider={}), ["missing required fields for HTTP endpoint"]),
    (line("function", functionId="a/b", type="http", provider={"url": "http://e.com"}), ["'functionid' tag"]),
    (event_type("e", authorizerId="nobody"), [":1: eventtype default/e: Authorizer function doesn't exists."]),
    (BASE + sync("/a", "nobody"), [":3: subscription default/", 'Function "nobody" not found.']),
    (BASE + sync("/a", "f", name="nothing"), [":3: subscription default/", 'Event Type "nothing" not found.']),
    (BASE + sync("/a/:x", "f") + sync("/a/:y", "f"), [":4: subscription default/", "Subscription path conflict: "]),
    (BASE + sync("/a", "f", subscriptionId="mine"), [":3: subscription default/mine: ", "'subscriptionId' follows from",
                                                     "it has to be 'c3luYyxodHRwLnJlcXVlc3QsJTJGYSxHRVQ'"]),
    (cors("/a", corsId="POST%2Fa"), ["'corsId' follows from the other fields: it has to be 'GET%2Fa'"]),
    (cors("/a", method="get"), ["'eq=GET|"]),
    (cors("/a" * 3000), ["the identifier has", "at most 4096"]),
    ('{"kind":"cors","method":"GET","METHOD":"PUT","path":"/"}', [":1: the field 'method' stands twice"]),
    ('{"kind":"cors","path":"\\ud800/"}\n\x00', [":2: there is a NUL byte"]),
    (b'{"kind":"cors","path":"\xff"}', [":1: there are bytes that are no UTF-8"]),
    ("\ufeff".encode("utf-16"), ["no UTF-8"]),
    (b"\x1f\x8b\x08\x00 compressed", ["no UTF-8"]),
    ("[" * 100000, [":1:", "nested too deeply"]),
]


@pytest.mark.parametrize("text, told", BAD_FILES, ids=map(str, range(len(BAD_FILES))))
def test_a_bad_file_is_refused_whole_with_all_that_is_wrong(store, text, told):
    store.load(cors("/kept"))
    before = store.export()
    out, err = store.load(text, "--prune", code=1)
    assert out == ""
    for word in told:
        assert word in err, err
    assert "nothing was written" in err
    assert store.export() == before


BAD_YAML = [
    ("kind: function\nfunctionId: [", [":3:", "did not find expected node content"]),
    ("kind: function\nfunctionId: \"f", [":2: while scanning a quoted scalar"]),
    ("a: &a [x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n---\nkind: cors\n", [":1: anchors and aliases", ":5: cors default/: "]),
    ("kind: cors\nmethod: GET\npath: !!python/object:os.system /\n", [":3: the tag "]),
    ("kind: eventtype\nname: 0x1F\n", [":2: '0x1F' is a number in some versions of YAML"]),
    ("kind: eventtype\nname: 1.10\n", [":1: eventtype default/: ", "cannot unmarshal number"]),
    ("kind: eventtype\nname: true\n", ["cannot unmarshal bool"]),
    ("- kind: eventtype\n", [":1: a document has to be an object, not a list"]),
    ("---\n---\n# nothing\n", ["there is no document in it"]),
    ("kind: eventtype\nname: a\x00b\n", [":2: there is a NUL byte"]),
    (b"kind: eventtype\nname: \xff\n", [":2: there are bytes that are no UTF-8"]),
    ("kind: eventtype\nname: \x01\n", ["control characters are not allowed"]),
    ("a: " * 100, [":1: mapping values are not allowed in this context"]),
    ("{a: " * 100000, [":1: nested deeper than 128"]),
    ("- " * 100000, [":1: nested deeper than 128"]),
    ("? " * 100000, [":1: a key has to be a text"]),
]


@pytest.mark.parametrize("text, told", BAD_YAML, ids=map(str, range(len(BAD_YAML))))
def test_bad_yaml_is_refused_with_its_line(store, text, told):
    _, err = store.load(text, code=1, name="in.yaml")
    for word in told:
        assert word in err, err
    assert store.export() == ""


def test_a_reference_may_lead_into_the_store_but_not_to_what_is_pruned(store):
    store.load(BASE)
    assert store.load(sync("/a", "f"))[0] == "created 1, updated 0, deleted 0, unchanged 0\n"
    _, err = store.load(sync("/a", "f"), "--prune", code=1)
    assert 'Function "f" not found.' in err and 'Event Type "http.request" not found.' in err
    _, err = store.load(function("g"), "--prune", "--kind", "functions", code=1)
    assert "function default/f: it cannot be removed: subscription default/" in err
    assert len(store.objects()) == 3


def test_paths_of_other_spaces_count_when_the_gateway_is_configured_so(store):
    text = cors("/a/:x") + cors("/a/:y", space="other.space")
    flag = ("--set", "events.refuse_cross_space_conflicts=true")
    _, err = store.load(text, *flag, code=1)
    assert ":2: cors other.space/" in err and "CORS configuration path conflict" in err
    store.load(text)


def test_what_nobody_knows_is_warned_of_and_left_out(store):
    text = (line("function", functionId="f", type="http", provider={"url": "http://e.com", "urll": 1}, metdata={}) +
            line("eventtype", name="e", Colour="red"))
    out, err = store.load(text)
    assert out.startswith("created 2")
    assert ":1: warning: unknown field 'metdata' of kind 'function' is left out; did you mean 'metadata'?" in err
    assert ":1: warning: unknown field 'urll' of provider 'http' is left out; did you mean 'url'?" in err
    assert ":2: warning: unknown field 'Colour' of kind 'eventtype' is left out\n" in err
    assert "urll" not in store.export() and "Colour" not in store.export()


def test_a_file_without_end_is_not_read_to_its_end(store):
    path = store.folder.parent / "huge.json"
    with open(path, "wb") as file:
        file.truncate(300 << 20)
    _, err = store.config("import", str(path), code=1)
    assert "more than 256 MiB are not read" in err
    assert "/dev/nothing: No such file" in store.config("import", "/dev/nothing", code=1)[1]
    assert "Is a directory" in store.config("import", str(store.folder.parent), code=1)[1]


def test_names_cannot_talk_to_the_terminal(store):
    text = BASE + sync("/\x1b[31m\u009b1m", "f") + line("\x1b]0;x\x07")
    out, err = store.load(text, "--dry-run", code=1)
    assert "\x1b" not in out + err and "\u009b" not in out + err
    out, err = store.load(text[:text.index(line("\x1b]0;x\x07"))], "--dry-run")
    assert "GET /?[31m??1m -> f" in out


# ---- forms of files ----

def test_standard_input_and_output_do_as_well(make_store):
    store, other = make_store(), make_store()
    store.load(BASE)
    for words in ((), ("-",)):
        piped = subprocess.run([str(GATEWAY), "config", "import", "--data-dir", str(other.folder), *words],
                               input=store.export(*words), capture_output=True, text=True, check=True)
        assert "unchanged" in piped.stdout
    piped = subprocess.run([str(GATEWAY), "config", "import", "--data-dir", str(other.folder), "--dry-run"],
                           input=store.export("--format", "yaml"), capture_output=True, text=True, check=True)
    assert piped.stdout == "create 0, update 0, delete 0, unchanged 2\n"


@pytest.mark.parametrize("change", [lambda t: t.replace("\n", "\r\n"), lambda t: "\ufeff" + t,
                                    lambda t: "\n\n" + t + "\n"])
@pytest.mark.parametrize("form", ["json", "yaml"])
def test_line_ends_of_windows_and_a_byte_order_mark_are_read(make_store, form, change):
    store, other = make_store(), make_store()
    store.load(BASE + cors("/a"))
    other.load(change(store.export("--format", form)), name="in.txt")
    assert other.export() == store.export()


def test_pretty_printed_json_is_read(store):
    pretty = "\n".join(json.dumps(json.loads(text), indent=2) for text in RICH.splitlines())
    assert store.load(pretty)[0].startswith(f"created {RICH_COUNT},")


def test_a_file_is_its_owner_s_alone_and_replaced_as_a_whole(store, tmp_path):
    store.load(BASE)
    folder = tmp_path / "out"
    folder.mkdir()
    path = folder / "all.yaml"
    path.write_text("old")
    path.chmod(0o644)
    link = folder / "link.yaml"
    link.symlink_to(path)
    store.config("export", str(link))
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("---\nkind: function\n")
    assert sorted(p.name for p in folder.iterdir()) == ["all.yaml", "link.yaml"]
    before = path.read_text()
    _, err = store.config("export", str(folder / "nosuch" / "x"), code=1)
    assert "nosuch" in err
    _, err = store.config("export", str(folder), code=1)
    assert "Is a directory" in err
    assert "No space left" in store.config("export", "/dev/full", code=1)[1]
    assert path.read_text() == before


# ---- the command line ----

def test_help_tells_of_the_commands():
    for words in (("help",), ("--help",)):
        code, out, _ = run_gateway(*words)
        assert code == 0
        assert "config export" in out and "config import" in out and "--workers" in out
    for words in (("config", "--help"), ("help", "config"), ("config", "-h")):
        code, out, _ = run_gateway(*words)
        assert code == 0
        assert "config export" in out and "config import" in out and "--workers" not in out
    for words in (("config", "import", "--help"), ("help", "config", "import"), ("config", "import", "x", "-help")):
        code, out, _ = run_gateway(*words)
        assert code == 0
        assert "--prune" in out and "--data-dir" in out and "Exit code" in out and "--workers" not in out
    assert "--mask-secrets" in run_gateway("config", "export", "--help")[1]


@pytest.mark.parametrize("words, told", [
    (["config"], "'config' is the beginning of several commands"),
    (["config", "imprt"], "did you mean 'config import'?"),
    (["confg", "export"], "did you mean 'config export'?"),
    (["stray"], "unknown command 'stray'"),
    (["help", "stray"], "unknown command 'stray'"),
    (["config", "export", "a", "b"], 'unexpected argument "b"'),
    (["config", "export", "--dry-run"], "not defined: -dry-run"),
    (["config", "import", "--mask-secrets"], "not defined: -mask-secrets"),
    (["config", "import", "--prun"], "did you mean --prune?"),
    (["config", "import", "--workers", "3"], "not defined: -workers"),
    (["config", "export", "--format", "xml"], "json, yaml or auto"),
    (["config", "export", "--kind", "function_s"], "did you mean 'function'?"),
    (["config", "export", "--kind"], "needs an argument"),
    (["config", "export", "--space", ""], "-space"),
    (["--dev", "config", "export"], 'unexpected argument "config"'),
])
def test_a_wrong_command_line_gives_the_usage_and_exit_2(words, told):
    code, out, err = run_gateway(*words)
    assert (code, out) == (2, "")
    assert told in err and "Usage: event-gateway" in err


def test_the_configuration_file_and_settings_say_where_the_store_is(store, tmp_path):
    store.load(BASE)
    config = tmp_path / "event-gateway.conf"
    config.write_text(f'plugins = {{ embedded = {{ path = "{store.folder}"; }}; }};\n'
                      'events = { tls_cert = "/nosuch/a"; tls_key = "/nosuch/b"; };\nlog = { format = "json"; };\n')
    for words in (("--config", str(config)), ("--set", f"plugins.embedded.path={store.folder}"),
                  ("--store", "embedded", "--data-dir", str(store.folder))):
        code, out, err = run_gateway("config", "export", *words)
        assert code == 0 and out == store.export(), err
        assert not err.startswith("{")
    assert run_gateway("config", "export", "--store", "nosuch")[0] == 1
    code, _, err = run_gateway("config", "export", "--store", "embeded", "--data-dir", str(tmp_path))
    assert code == 1 and "'embeded' is not installed; there is: " in err


def test_a_store_that_cannot_be_opened_is_exit_1(tmp_path):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "in.json").write_text(BASE)
    for words in (("export",), ("import", str(tmp_path / "in.json"))):
        code, out, err = run_gateway("config", *words, "--data-dir", str(tmp_path / "file" / "sub"))
        assert (code, out) == (1, "")
        assert "file" in err


def test_records_that_cannot_be_read_are_named_and_left_out_with_exit_3(gw):
    live = Store(gw.data_dir)
    live.load(BASE + function("bad"))
    gw.stop()
    assert live.change("update entry set value = ? where key = ?", b"{",
                       b"/serverless-event-gateway/functions/default/bad") == 1
    out, err = live.config("export", code=3)
    assert len(out.splitlines()) == 2
    assert "function default/bad cannot be read and is left out: unexpected EOF" in err
    out, err = live.load(BASE, "--prune")
    assert out == "created 0, updated 0, deleted 0, unchanged 2\n"
    assert "function default/bad in the store cannot be read" in err
    out, _ = live.load(BASE + function("bad"), "--dry-run")
    assert "update function default/bad: what is stored cannot be read\n" in out
    assert live.load(BASE + function("bad"))[0] == "created 0, updated 1, deleted 0, unchanged 2\n"
    assert len(live.objects()) == 3


def test_long_work_shows_its_progress_on_a_terminal_only(store):
    text = "".join(function(f"f{n}") for n in range(2000))
    assert "written" not in store.load(text)[1]
    path = store.folder.parent / "many.json"
    path.write_text(text.replace("127.0.0.1:1/", "127.0.0.1:2/"))
    main, end = pty.openpty()
    running = subprocess.Popen([str(GATEWAY), "config", "import", str(path), "--data-dir", str(store.folder)],
                               stdout=subprocess.PIPE, stderr=end)
    os.close(end)
    told = b""
    while True:
        try:
            piece = os.read(main, 4096)
        except OSError:   # the other end is closed
            break
        if not piece:
            break
        told += piece
    os.close(main)
    out = running.communicate()[0]
    assert running.returncode == 0, told
    assert out == b"created 0, updated 2000, deleted 0, unchanged 0\n"
    assert b" of 2000 " in told

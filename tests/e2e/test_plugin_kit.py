"""The commands for plugins of other people: what `plugin inspect`, `check`, `list` and `new` tell, what
they refuse, and with which exit code; and `health`."""
import json
import os
import subprocess

import pytest

from harness import BUILD, GATEWAY, PLUGINS, free_port

ZOO = BUILD / "tests" / "abi" / "zoo"
BROKEN = ZOO / "zoo_broken.so"


def command(*words, code=0, **options):
    done = subprocess.run([str(GATEWAY), *map(str, words)], capture_output=True, text=True, timeout=120,
                          **options)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done


# ---- inspect ----

def test_inspect_tells_people_and_programs_the_same():
    text = command("plugin", "inspect", PLUGINS / "provider_http.so").stdout
    told = json.loads(command("plugin", "inspect", "--json", PLUGINS / "provider_http.so").stdout)
    assert f"{told['name']} {told['version']}, licence {told['licence']}" in text
    assert f"needs {told['abiNeeds']}; this gateway has {told['abiGateway']}" in text
    component, = told["components"]
    assert (component["kind"], component["name"]) == ("provider", "http")
    rows = component["settings"] + component["functionSettings"]
    assert rows
    for row in rows:
        assert row["name"] in text and row["help"] in text


def test_what_the_gateway_reads_for_every_middleware_is_told_beside_its_own():
    auth = PLUGINS / "middleware_auth.so"
    component, = json.loads(command("plugin", "inspect", "--json", auth).stdout)["components"]
    assert [row["name"] for row in component["commonSettings"]] == ["match"]
    assert "Of every middleware, also in plugins.auth:" in command("plugin", "inspect", auth).stdout
    log = json.loads(command("plugin", "inspect", "--json", PLUGINS / "reacter_log.so").stdout)
    assert log["components"][0]["commonSettings"] == []


def test_inspect_tells_types_defaults_ranges_and_choices():
    told = json.loads(command("plugin", "inspect", "--json", PLUGINS / "storage_etcd.so").stdout)
    rows = {row["name"]: row for row in told["components"][0]["settings"]}
    durations = [row for row in rows.values() if row["type"] == "duration"]
    assert any(row["min"] is not None and row["default"] for row in durations)
    assert rows["endpoints"]["type"] == "list"


@pytest.mark.parametrize("animal, sentence", [
    ("newer_minor", "it needs ABI 0.9 or newer"),
    ("magic", "wrong magic"),
    ("no_symbol", "has no symbol eg_plugin"),
    ("setting_default", "default"),
])
def test_what_the_gateway_would_refuse_is_refused_with_its_sentence(animal, sentence):
    path = ZOO / f"zoo_{animal}.so"
    told = command("plugin", "inspect", path, code=1)
    assert told.stdout == ""
    assert told.stderr == command("--dev", "--check", "--plugin", path, code=1).stderr
    assert command("plugin", "check", path, code=1).stderr == told.stderr
    assert sentence in told.stderr


def test_files_that_are_no_plugins_are_refused(tmp_path):
    text = tmp_path / "text.so"
    text.write_text("no plugin")
    for path, sentence in ((text, "cannot be loaded"), (tmp_path, "is not a file"),
                           (tmp_path / "none.so", "cannot be opened")):
        assert sentence in command("plugin", "inspect", path, code=1).stderr
        assert sentence in command("plugin", "check", path, code=1).stderr


# ---- check ----

@pytest.mark.parametrize("component, sentences", [
    ("never_done", ["on_request (an event): it was accepted, and no done came"]),
    ("two_dones", ["on_request (an event): done came 2 times"]),
    ("a_late_done", ["on_request (an event): done came 2 times"]),
    ("done_at_once", ["done came for a call that was answered at once"]),
    ("done_and_refused", ["done came for a call that was refused"]),
    ("fails_without_words", ["it failed (input/output error) without a message that says why"]),
    ("stops_without_reply", ["EG_STOP without a reply"]),
    ("odd_verdict", ["it returned 77, which is no verdict"]),
    ("odd_error", ["it returned -77, which is no EG_E_*"]),
    ("odd_status", ["it replied with status 7"]),
    ("leaks", ["pieces of mem->alloc were not freed", "JSON roots were not freed",
               "buffers (mem->copy, bodies of HTTP answers) were not released"]),
    ("sleeps", ["): it held the loop for more than 50 ms"]),
    ("hangs", ["it did not come back from on_request (an event), and was killed"]),
    ("leaves_quietly", ["it ended the process with exit code 0 in on_request (an event)"]),
    ("leaves_its_group", ["it did not come back from on_request (an event), and was killed"]),
    ("only_one", ["a second instance, as a reload makes one, does not come up beside the first: "
                  "it refuses the settings: there can be only one"]),
    ("leaves", ["it ended the process with exit code 7 in create"]),
    ("wordless", ["create: it refused (invalid argument) without a sentence that says why"]),
    ("forgets_itself", ["destroy: 1 pieces of mem->alloc were not freed"]),
    ("forgets_timer", ["detach: 1 timers are left after drain and detach"]),
    ("never_started", ["start: it was accepted, and no done came"]),
    ("cannot_start", ["start: it failed (input/output error) without a message"]),
])
def test_what_a_plugin_breaks_is_found_and_named(component, sentences):
    told = command("plugin", "check", "--component", component, "--patience", "1s", BROKEN, code=5).stdout
    for sentence in sentences:
        assert sentence in told, told
    breaches = told.count("  BREACH: ")
    assert told.endswith(f"{breaches} breach{'' if breaches == 1 else 'es'} of the contract\n"), told
    # Nothing else is blamed; who never answers is never asked to end either.
    assert breaches == len(sentences) or component in ("never_done", "stops_without_reply"), told


def test_a_crash_is_told_with_the_call_that_it_was_in():
    told = command("plugin", "check", "--component", "crashes", BROKEN, code=5).stdout
    assert "BREACH: it crashed with signal 6 (Aborted) in create" in told
    # Sanitizers turn a fault into an end of their own.
    told = command("plugin", "check", "--component", "disturbs", BROKEN, code=5).stdout
    assert " in on_request (an event)" in told


def test_an_end_of_the_process_while_it_is_loaded_is_no_success():
    path = ZOO / "zoo_leaves_at_load.so"
    sentence = "ended the process with exit code 0 in its constructors"
    told = command("plugin", "inspect", path, code=1)
    assert told.stdout == "" and sentence in told.stderr
    assert sentence in command("plugin", "check", path, code=5).stdout


def test_threads_may_end_calls():
    told = command("plugin", "check", "--component", "in_a_thread", BROKEN).stdout
    assert told.endswith("no breach of the contract was found\n")


def test_an_interest_in_what_does_not_happen_is_told():
    told = command("plugin", "check", "--component", "waits_in_vain", BROKEN).stdout
    assert "interest 0: there is no system event 'eventgateway.function.failed' today" in told


def test_a_function_that_is_given_has_to_be_one(tmp_path):
    function = tmp_path / "function.json"
    for text, sentence in (('{"url":', "function.json: unexpected EOF"), ("{}", "it refuses the function: ")):
        function.write_text(text)
        assert sentence in command("plugin", "check", "--function", function, PLUGINS / "provider_http.so", code=1).stderr
    told = command("plugin", "check", PLUGINS / "provider_http.so").stdout
    assert "no function was called: " in told and told.endswith("no breach of the contract was found\n")


FUNCTIONS = {
    "http": {"url": "http://function/"},
    "awslambda": {"arn": "arn:aws:lambda:us-east-1:377024778620:function:f", "region": "us-east-1",
                  "awsAccessKeyId": "id", "awsSecretAccessKey": "key"},
    "awskinesis": {"streamName": "s", "region": "us-east-1", "awsAccessKeyId": "id", "awsSecretAccessKey": "key"},
    "awsfirehose": {"deliveryStreamName": "s", "region": "us-east-1", "awsAccessKeyId": "id",
                    "awsSecretAccessKey": "key"},
    "awssqs": {"queueUrl": "https://sqs.us-east-1.amazonaws.com/1/q", "region": "us-east-1",
               "awsAccessKeyId": "id", "awsSecretAccessKey": "key"},
    "azurefunction": {"app": "app", "function": "f", "key": "key"},
    "googlecloudfunction": {"url": "https://region-project.cloudfunctions.net/f"},
    "gcf": {"url": "https://region-project.cloudfunctions.net/f"},
    "emulator": {"emulatorUrl": "http://localhost:4002", "apiVersion": "v0"},
    "openwhisk": {"apiHost": "http://whisk", "action": "f", "auth": "a:b"},
    "weighted": {"weighted": [{"functionId": "a", "weight": 9}, {"functionId": "b", "weight": 1}],
                 "stickyBy": "/data/userId"},
}
SETTINGS = {
    "auth": {"rules": [{"path": "/", "tokens": ["t"]}]},
    "ratelimit": {"rules": [{"name": "few", "limit": 2, "per": "1h", "key": "address"}]},
    "transform": {"rules": [{"event": {"jq": ".", "remove": ["debug"]}}]},
    "webhook": {"rules": [{"path": "/", "scheme": "github", "secrets": ["s"]}]},
    "webhook_events": {"url": "http://receiver/"},
}


def stock():
    for path in sorted(PLUGINS.glob("*.so")):
        done = subprocess.run([str(GATEWAY), "plugin", "inspect", "--json", str(path)], capture_output=True,
                              text=True)
        for component in json.loads(done.stdout)["components"] if done.returncode == 0 else []:
            yield path, component["kind"], component["name"]


@pytest.mark.parametrize("path, kind, name", [pytest.param(*row, id=row[2]) for row in stock()])
def test_no_breach_is_found_in_stock_plugins(path, kind, name, tmp_path):
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"path": str(tmp_path / "data")} if name == "embedded"
                                   else SETTINGS.get(name, {})))
    words = ["--settings", settings]
    if kind == "provider":
        function = tmp_path / "function.json"
        function.write_text(json.dumps(FUNCTIONS[name]))
        words += ["--function", function]
    told = command("plugin", "check", "--component", name, *words, path).stdout
    assert told.endswith("no breach of the contract was found\n")
    assert "no function was called" not in told


def test_settings_are_json_or_the_file_of_the_gateway_and_refused_in_its_words(tmp_path):
    auth = PLUGINS / "middleware_auth.so"
    rules = 'rules = ( { path = "/"; tokens = ( "t" ); } );'
    match = 'match = { paths = ( "/a" ); };'
    for name, text in (("bare.conf", rules), ("match.conf", f"plugins = {{ auth = {{ {rules} {match} }}; }};"),
                       ("whole.conf", f"workers = 2; plugins = {{ auth = {{ {rules} }}; }};"),
                       ("settings.json", json.dumps(SETTINGS["auth"]))):
        path = tmp_path / name
        path.write_text(text)
        command("plugin", "check", "--settings", path, auth)
    wrong = tmp_path / "wrong.json"
    for text, sentence in (('{"ruls": []}', "unknown key 'plugins.auth.ruls'; did you mean 'plugins.auth.rules'?"),
                           ('{"rules": [{"path": "/", "tokens": ["t"]}], "match": {"path": "/"}}', "match"),
                           (rules + " match = { };", "the group 'match' can only be a setting inside plugins"),
                           ("workers = 2; log = { };", "'plugins.auth.rules' has to be set"),
                           ('{"rules": 1}', "rules"), ("{", "unexpected EOF"), ("rules = (", "syntax error"),
                           ("{}", "'plugins.auth.rules' has to be set")):
        wrong.write_text(text)
        assert sentence in command("plugin", "check", "--settings", wrong, auth, code=1).stderr
    assert "No such file" in command("plugin", "check", "--settings", tmp_path / "none", auth, code=1).stderr


def test_one_of_several_components_has_to_be_chosen():
    aws = PLUGINS / "provider_aws.so"
    told = command("plugin", "check", aws, code=1).stderr
    assert "the plugin has several components; --component is one of: awslambda awskinesis" in told
    told = command("plugin", "check", "--component", "sqs", aws, code=1).stderr
    assert "there is no component 'sqs'; --component is one of: awslambda" in told


# ---- list ----

def test_list_tells_every_component():
    told = command("plugin", "list").stdout
    lines = [line.split()[:3] for line in told.splitlines()]
    assert sorted(lines) == sorted([kind, name, "loaded"] for _, kind, name in stock())


# ---- new: that what it writes builds and works is in tests/abi/test_install ----

def test_a_new_project_is_not_written_over_something(tmp_path):
    kept = tmp_path / "full" / "kept"
    kept.parent.mkdir()
    kept.write_text("mine")
    assert "is not empty; nothing was written" in command(
        "plugin", "new", "reacter", "tally", kept.parent, code=1).stderr
    assert [p.name for p in kept.parent.iterdir()] == ["kept"]
    kept.unlink()
    command("plugin", "new", "reacter", "tally", kept.parent)
    assert (kept.parent / "reacter_tally.c").exists()
    assert os.access(kept.parent / "reacter_tally.c", os.R_OK)
    assert "File exists" not in command("plugin", "new", "reacter", "tally", tmp_path / "a").stderr
    assert "No such file" in command("plugin", "new", "reacter", "tally", tmp_path / "b" / "c", code=1).stderr
    file = tmp_path / "file"
    file.write_text("")
    assert "Not a directory" in command("plugin", "new", "reacter", "tally", file, code=1).stderr


@pytest.mark.parametrize("kind, name, sentence", [
    ("middleware", "Tenant", "'Tenant' is no name for a component"),
    ("middleware", "9lives", "is no name for a component"),
    ("middleware", "../up", "is no name for a component"),
    ("middleware", "", "is no name for a component"),
    ("middleware", "a" * 41, "at most 40"),
    ("middleware", "log", "has a component 'log' already"),
    ("storage", "mine", "there is no template for 'storage'"),
    ("../middleware", "mine", "there is: provider, middleware, reacter"),
])
def test_bad_kinds_and_names_are_refused(kind, name, sentence, tmp_path):
    assert sentence in command("plugin", "new", kind, name, tmp_path / "x", code=1).stderr
    assert not (tmp_path / "x").exists()


def test_what_cannot_be_written_is_no_success():
    for words in (["list"], ["inspect", "--json", PLUGINS / "provider_http.so"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([str(GATEWAY), "plugin", *map(str, words)], stdout=full, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 1
        assert done.stderr == "event-gateway: cannot write to standard output: No space left on device\n"


def test_templates_that_are_not_there_are_told(tmp_path):
    assert "; there is: none\n" in command(
        "plugin", "new", "reacter", "x", tmp_path / "x", "--template", tmp_path, code=1).stderr
    told = command("plugin", "new", "reacter", "x", tmp_path / "x", "--template", tmp_path / "none", code=1).stderr
    assert told == f"event-gateway: {tmp_path}/none: No such file or directory\n"


@pytest.mark.parametrize("words, sentence", [
    (["plugin"], "'plugin' is the beginning of several commands"),
    (["plugin", "new", "reacter", "x"], "plugin new needs KIND NAME DIR"),
    (["plugin", "inspect"], "plugin inspect needs FILE.so"),
    (["plugin", "inspect", "a", "b"], 'unexpected argument "b"'),
    (["plugin", "chek", "a"], "did you mean 'plugin check'?"),
    (["plugin", "check", "--patience", "soon", "a"], "for flag -patience"),
])
def test_a_wrong_command_line_gives_the_usage_and_exit_2(words, sentence):
    told = command(*words, code=2).stderr
    assert sentence in told and "Usage: event-gateway" in told


@pytest.mark.parametrize("name", ["plugin list", "plugin inspect", "plugin check", "plugin new", "health"])
def test_every_command_has_a_help(name):
    told = command(*name.split(), "--help").stdout
    assert told.startswith(f"Usage: event-gateway {name} ") and "Exit code: 0" in told


# ---- health ----

def test_health_asks_the_gateway_of_the_configuration_or_of_a_url(gw):
    status = f"http://127.0.0.1:{gw.config_port}/v1/status"
    assert command("health", "--config-port", gw.config_port).stdout == "ok\n"
    assert command("health", status).stdout == "ok\n"
    assert "answered 404" in command("health", status + "/nothing", code=1).stderr
    assert "is no URL" in command("health", "nonsense", code=1).stderr
    gone = command("health", "--config-port", free_port(), code=1)
    assert gone.stdout == "" and "127.0.0.1" in gone.stderr

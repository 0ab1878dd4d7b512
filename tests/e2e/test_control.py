"""Operating the gateway: what --check finds, what a reload takes and refuses, how a stop treats slow clients."""
import re
import signal
import subprocess

import pytest

from harness import Connection, run_gateway, wait_for


def check(tmp_path, text, *args):
    config = tmp_path / "event-gateway.conf"
    config.write_text(text)
    code, out, err = run_gateway("--config", str(config), "--check", *args)
    return code, out + err


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    subprocess.run(["openssl", "genrsa", "-out", folder / "other.pem", "2048"], check=True, capture_output=True)
    (folder / "garbage.pem").write_text("garbage")
    return folder


@pytest.mark.parametrize("cert, key", [("garbage.pem", "garbage.pem"), ("cert.pem", "other.pem"), ("key.pem", "cert.pem")])
@pytest.mark.parametrize("listener", ["events", "config"])
def test_check_refuses_tls_files_that_do_not_work(tmp_path, keys, listener, cert, key):
    code, text = check(tmp_path, f'{listener} = {{ tls_cert = "{keys / cert}"; tls_key = "{keys / key}"; }};')
    assert code == 1
    assert str(keys / cert) in text and str(keys / key) in text


def test_check_takes_tls_files_that_work(tmp_path, keys):
    code, text = check(tmp_path, f'events = {{ tls_cert = "{keys / "cert.pem"}"; tls_key = "{keys / "key.pem"}"; }};')
    assert code == 0, text


@pytest.mark.parametrize("text, message", [
    ("evnts = {};", "unknown section 'evnts'; did you mean 'events'?"),
    ("plugins = { nosuch = {}; };", "no component 'nosuch' is installed"),
    ("plugins = { auth = { rulez = (); }; };", "unknown key 'plugins.auth.rulez'; did you mean 'plugins.auth.rules'?"),
    ("plugins = { log = { path = 5; }; };", "'plugins.log.path' has to be a text"),
])
def test_mistakes_are_found_also_where_nothing_uses_them(tmp_path, text, message):
    code, told = check(tmp_path, text)
    assert code == 1
    assert message in told and "event-gateway.conf:1" in told


def test_include_looks_beside_the_file_wherever_the_gateway_was_started(tmp_path):
    (tmp_path / "more.conf").write_text("loops = 1000;")
    code, text = check(tmp_path, '@include "more.conf"')
    assert code == 1
    assert "'loops' has to be between" in text


def reload(gateway, text, expected):
    before = len(gateway.lines)
    gateway.config_file.write_text(text)
    gateway.signal(signal.SIGHUP)
    return wait_for(lambda: re.search(expected, "\n".join(gateway.lines[before:])), f"'{expected}' in the log")


def test_the_last_of_many_reloads_is_in_effect(make_gateway):
    gateway = make_gateway(config="")
    for i in range(30):
        gateway.config_file.write_text(f'config = {{ token = "t{i}"; }};')
        gateway.signal(signal.SIGHUP)
    bearer = {"Authorization": "Bearer t29"}
    wait_for(lambda: gateway.config("GET", "/v1/spaces/default/functions", headers=bearer).status == 200 and
             gateway.config("GET", "/v1/spaces/default/functions").status == 401, "the last token")


def test_a_reload_with_a_mistake_in_a_plugin_changes_nothing(make_gateway):
    gateway = make_gateway(config="")
    reload(gateway, 'config = { token = "t"; }; plugins = { auth = { rulez = 1; }; };',
           "reload refused, nothing changed: .*plugins.auth.rulez")
    assert gateway.config("GET", "/v1/spaces/default/functions").status == 200


def test_a_changed_setting_of_a_plugin_is_named_once(make_gateway):
    gateway = make_gateway(config='plugins = { embedded = { poll = "50ms"; }; };')
    reload(gateway, 'plugins = { embedded = { poll = "60ms"; }; };', "reload: done")
    assert gateway.log.count("plugins.embedded.poll differs") == 1
    reload(gateway, "", "reload: done")
    assert gateway.log.count("plugins.embedded.poll differs") == 2


def test_a_store_file_that_is_moved_away_takes_no_writes_that_would_be_lost(make_gateway):
    gateway = make_gateway()
    made = {"functionId": "f", "type": "http", "provider": {"url": "http://127.0.0.1/"}}
    store = gateway.data_dir / "event-gateway.db"
    hidden = gateway.data_dir / "hidden.db"
    store.rename(hidden)
    answer = gateway.config("POST", "/v1/spaces/default/functions", made)
    assert answer.status == 503
    assert "was removed or replaced while in use" in answer.message
    wait_for(lambda: "the storage cannot be reached" in gateway.log, "the log to tell it")
    hidden.rename(store)
    assert gateway.config("POST", "/v1/spaces/default/functions", made).status == 201
    gateway.restart()
    assert gateway.config("GET", "/v1/spaces/default/functions/f").status == 200


def test_a_stop_lets_a_slow_reader_of_the_configuration_finish(make_gateway):
    gateway = make_gateway()
    padding = "x" * 500000
    for i in range(8):
        made = gateway.config("POST", "/v1/spaces/default/functions", {
            "functionId": f"f{i}", "type": "http", "provider": {"url": f"http://127.0.0.1/{padding}"}})
        assert made.status == 201
    with Connection(gateway.config_port) as client:
        client.send("GET /v1/spaces/default/functions HTTP/1.1\r\nHost: x\r\n\r\n")
        first = client.file.read(1)   # the answer is under way
        gateway.signal(signal.SIGTERM)
        wait_for(lambda: "stopping" in gateway.log, "the stop")
        client.file = PushedBack(first, client.file)
        answer = client.read()
        assert len(answer.json["functions"]) == 8
    assert gateway.wait_exit() == 0


def begin_post(client):
    """Sends a head and waits until the gateway has read it."""
    client.send("POST /v1/spaces/default/eventtypes HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n"
                "Expect: 100-continue\r\n\r\n")
    assert client.file.readline().startswith(b"HTTP/1.1 100 ")
    while client.file.readline() != b"\r\n":
        pass


@pytest.mark.parametrize("listener", ["events_port", "config_port"])
def test_a_stop_answers_a_request_that_is_still_coming_in(make_gateway, listener):
    gateway = make_gateway()
    with Connection(getattr(gateway, listener)) as client:
        begin_post(client)
        client.send('{"name":')
        gateway.signal(signal.SIGTERM)
        wait_for(lambda: "stopping" in gateway.log, "the stop")
        client.send('"a"}')
        assert client.read().status in (201, 202, 503)
    assert gateway.wait_exit() == 0


@pytest.mark.parametrize("listener", ["events_port", "config_port"])
def test_a_client_that_never_ends_its_request_is_cut_at_drain_timeout(make_gateway, listener):
    gateway = make_gateway(set={"drain_timeout": "200ms"})
    with Connection(getattr(gateway, listener)) as client:
        begin_post(client)
        gateway.signal(signal.SIGTERM)
        assert gateway.wait_exit() == 0
    assert "drain_timeout passed: dropping what is left (1)" in gateway.log
    assert "did not end" not in gateway.log   # all parts were taken down in order


class PushedBack:
    """A file with bytes that were read before."""

    def __init__(self, head, file):
        self.head, self.file = head, file

    def readline(self, size):
        head, self.head = self.head, b""
        return head + self.file.readline(size)

    def read(self, size):
        assert not self.head
        return self.file.read(size)

    def close(self):
        self.file.close()

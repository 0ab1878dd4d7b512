"""The process: command line, configuration file, TLS, signals, reload (rows CL-*, AS-16)."""
import json
import re
import resource
import signal
import socket
import ssl
import subprocess
import urllib.request

import pytest

from harness import Function, cloud_event, run_gateway, wait_for


@pytest.mark.parametrize("flag", ["-version", "--version"])
def test_version(flag):   # CL-01
    code, out, _ = run_gateway(flag)
    assert code == 0
    assert re.fullmatch(r"Event Gateway version: \S+\n", out)


@pytest.mark.parametrize("args", [["-foo"], ["-events-port", "-1"], ["-log-level", "nope"], ["-config-port"],
                                  ["-workers=x"], ["stray"], ["--events-port", "65536"]])
def test_unusable_flags_give_the_usage_and_exit_2(args):   # CL-02
    code, out, err = run_gateway(*args)
    assert (code, out) == (2, "")
    assert "Usage:" in err


def test_an_unknown_flag_names_the_nearest():
    assert "did you mean --events-port?" in run_gateway("--event-port", "1")[2]


def test_the_alias_err_is_a_level(make_gateway):   # CL-03
    make_gateway(args=["-log-level", "warn"], wait=False).kill()
    code, _, err = run_gateway("-log-level", "err", "--check", "--data-dir", "/tmp")
    assert code == 0, err


def test_an_unknown_log_format_aborts(tmp_path):   # CL-04
    code, _, err = run_gateway("-log-format", "xml", "--data-dir", str(tmp_path))
    assert code != 0
    assert "format" in err


def test_an_unusable_store_is_an_error_and_exit_1(tmp_path):   # CL-05 for the embedded store
    (tmp_path / "file").write_text("in the way")
    code, _, err = run_gateway("--dev", "--data-dir", str(tmp_path / "file" / "sub"), "--set", "events.port=0",
                               "--set", "config.port=0")
    assert code == 1
    assert "file" in err


def test_db_hosts_asks_for_the_etcd_storage(tmp_path):
    settings = ("--data-dir", str(tmp_path), "--set", "events.port=0", "--set", "config.port=0")
    code, _, err = run_gateway("--db-hosts", "127.0.0.1:1", *settings)
    assert code == 1   # no store, and no copy of what was in it
    assert "etcd at 127.0.0.1:1 cannot be reached" in err


def test_help_names_every_flag_and_setting():
    code, out, _ = run_gateway("--help")
    assert code == 0
    for word in ("--config", "--set", "--check", "workers_backlog", "drain_timeout", "mask_secrets",
                 "overflow", "hosted", "function_timeout", "json_depth"):
        assert word in out


def test_help_plugin_prints_a_component_s_settings():
    code, out, _ = run_gateway("--help-plugin", "http")
    assert code == 0
    assert "url" in out and "fail_on" in out
    code, _, err = run_gateway("--help-plugin", "nosuch")
    assert code == 1
    assert "http" in err


# ---- configuration file ----

@pytest.mark.parametrize("text, told", [
    ("workerz = 3;", ["event-gateway.conf:1", "workerz", "workers"]),
    ("\nevents = {\n  hosteed = true;\n};", ["event-gateway.conf:3", "hosteed", "hosted"]),
    ("evnts = { port = 1; };", ["event-gateway.conf:1", "evnts", "events"]),
    ("workers = \"many\";", ["event-gateway.conf:1", "workers"]),
    ("workers = 0;", ["event-gateway.conf:1", "workers"]),
    ("events = { overflow = \"explode\"; };", ["overflow", "refuse", "drop"]),
    ("drain_timeout = \"soon\";", ["drain_timeout"]),
    ("limits = { body = \"1 parsec\"; };", ["body"]),
    ("workers = ;", ["event-gateway.conf:1"]),
    ("plugins = { middleware = ( \"nosuch\" ); };", ["nosuch", "auth"]),
    ("plugins = { htttp = { a = 1; }; };", ["htttp", "http"]),
    ("plugins = { http = { fail_onn = \"5xx\"; }; };", ["fail_onn", "fail_on"]),
    ("store = { backend = \"nosuch\"; };", ["nosuch", "embedded"]),
    ("events = { tls_cert = \"/x\"; };", ["tls_cert", "tls_key"]),
    ("events = { tls_cert = \"/nosuch/x\"; tls_key = \"/nosuch/y\"; };", ["/nosuch/x"]),
])
def test_a_bad_file_is_refused_with_its_place(tmp_path, text, told):
    path = tmp_path / "event-gateway.conf"
    path.write_text(text)
    code, _, err = run_gateway("--config", str(path), "--check", "--data-dir", str(tmp_path))
    assert code == 1
    for word in told:
        assert word in err


def test_a_missing_file_is_told():
    code, _, err = run_gateway("--config", "/nosuch/file.conf", "--check")
    assert code == 1
    assert "/nosuch/file.conf" in err and "No such file" in err


def test_the_sample_is_valid_and_complete(tmp_path):
    from harness import ROOT
    sample = (ROOT / "etc" / "event-gateway.conf").read_text()
    path = tmp_path / "event-gateway.conf"
    path.write_text(sample)
    code, out, err = run_gateway("--config", str(path), "--check", "--data-dir", str(tmp_path))
    assert code == 0, err
    assert "valid" in out
    # Every setting of --help stands in the sample.
    help_text = run_gateway("--help")[1].split("Settings", 1)[1]
    keys = re.findall(r"^  ([a-z_]+)\s", help_text, re.M)
    assert len(keys) > 30
    assert not [key for key in keys if not re.search(rf"\b{key} = ", sample)]


def test_the_command_line_wins_over_the_file(make_gateway):
    gateway = make_gateway(config="workers = 5; config = { token = \"a\"; };", set={"config.token": "b"})
    path = "/v1/spaces/default/functions"
    assert gateway.config("GET", path, headers={"Authorization": "Bearer b"}).status == 200
    assert gateway.config("GET", path, headers={"Authorization": "Bearer a"}).status == 401


# ---- listeners ----

def test_a_taken_port_is_told_and_exit_1(make_gateway, tmp_path):   # Q31
    gateway = make_gateway()
    for listener in ("events", "config"):
        port = gateway.events_port if listener == "events" else gateway.config_port
        other = "config" if listener == "events" else "events"
        code, _, err = run_gateway("--data-dir", str(tmp_path), "--set", "events.listen=127.0.0.1", "--set",
                                   f"{listener}.port={port}", "--set", f"{other}.port=0")
        assert code == 1
        assert str(port) in err and "in use" in err


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem",
                    "-out", folder / "cert.pem"], check=True, capture_output=True)
    return folder


def test_both_listeners_speak_tls_1_2_and_newer(make_gateway, certificate):   # CL-08
    files = ["cert", certificate / "cert.pem", "key", certificate / "key.pem"]
    args = []
    for listener in ("config", "events"):
        for kind, path in zip(files[::2], files[1::2]):
            args += [f"-{listener}-tls-{kind}", str(path)]
    gateway = make_gateway(args=args)
    trust = ssl.create_default_context(cafile=certificate / "cert.pem")
    trust.set_alpn_protocols(["h2", "http/1.1"])
    url = f"https://127.0.0.1:{gateway.config_port}/v1/status"
    assert urllib.request.urlopen(url, context=trust).status == 200
    with socket.create_connection(("127.0.0.1", gateway.events_port)) as raw:
        with trust.wrap_socket(raw, server_hostname="127.0.0.1") as tls:
            assert tls.version() in ("TLSv1.2", "TLSv1.3")
            assert tls.selected_alpn_protocol() != "h2"
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(certificate / "cert.pem")
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with socket.create_connection(("127.0.0.1", gateway.events_port)) as raw:
            old.wrap_socket(raw, server_hostname="127.0.0.1").close()


# ---- data ----

def test_configuration_survives_a_restart(make_gateway):   # CL-10, ST-04, MT-09
    gateway = make_gateway(args=["-dev"])
    function = gateway.function("f1", '{"body":"still here"}')
    gateway.function("f2")
    gateway.function("f3")
    gateway.event_type("http.request")
    gateway.sync("http.request", "f1", "/r", "GET")
    gateway.restart()
    assert gateway.event("GET", "/r").text == "still here"
    assert len(function.calls) == 1
    assert gateway.metric("eventgateway_functions_total", space="default") == 3


def test_configuration_survives_kill_9(make_gateway):
    gateway = make_gateway()
    for n in range(20):
        gateway.create("functions", {"functionId": f"f{n}", "type": "http", "provider": {"url": "http://e.com"}})
    gateway.kill()
    gateway.start()
    assert len(gateway.config("GET", "/v1/spaces/default/functions").json["functions"]) == 20


def test_two_gateways_share_one_store(make_gateway):   # ST-05
    first = make_gateway()
    second = make_gateway(data_dir=first.data_dir)
    function = first.function("f", '{"body":"shared"}')
    first.event_type("http.request")
    first.sync("http.request", "f", "/s", "GET")
    wait_for(lambda: second.event("GET", "/s").text == "shared", "the second gateway to route")
    assert function.calls


# ---- signals ----

def test_sigterm_delivers_what_is_queued(make_gateway):   # AS-16
    gateway = make_gateway(args=["-workers", "1"])
    function = gateway.function("f")
    gateway.event_type("e")
    gateway.asynchronous("e", "f")
    gateway.settle()
    function.gate.clear()
    for _ in range(5):
        assert gateway.emit(cloud_event("e")).status == 202
    function.wait_calls(1)
    gateway.signal(signal.SIGTERM)
    wait_for(lambda: "stopping" in gateway.log, "the stop to begin")
    function.gate.set()
    assert gateway.wait_exit() == 0
    assert len(function.calls) == 5


def test_sigint_answers_what_is_in_flight(make_gateway):
    import threading
    gateway = make_gateway()
    function = gateway.function("f", '{"body":"in time"}')
    gateway.event_type("http.request")
    gateway.sync("http.request", "f", "/r", "GET")
    gateway.settle()
    function.gate.clear()
    answers = []
    client = threading.Thread(target=lambda: answers.append(gateway.event("GET", "/r")))
    client.start()
    function.wait_calls(1)
    gateway.signal(signal.SIGINT)
    wait_for(lambda: "stopping" in gateway.log, "the stop to begin")
    function.gate.set()
    client.join()
    assert answers[0].text == "in time"
    assert gateway.wait_exit() == 0


def test_drain_timeout_bounds_the_stop(make_gateway):
    gateway = make_gateway(set={"drain_timeout": "50ms"})
    function = gateway.function("f")
    gateway.event_type("e")
    gateway.asynchronous("e", "f")
    gateway.settle()
    function.gate.clear()
    gateway.emit(cloud_event("e"))
    function.wait_calls(1)
    gateway.signal(signal.SIGTERM)
    assert gateway.wait_exit() == 0
    assert "drain_timeout" in gateway.log


def test_the_descriptors_that_are_allowed_are_used(make_gateway):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        gateway = make_gateway()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert gateway.metric("process_max_fds") == hard


def test_clients_that_neither_read_nor_send_on_are_cut_at_the_end(make_gateway):
    gateway = make_gateway(set={"drain_timeout": "100ms", "loops": 1})
    function = gateway.function("f", {"body": "x" * 5_000_000})
    gateway.event_type("http.request")
    gateway.sync("http.request", "f", "/")
    gateway.settle()
    with socket.socket() as deaf, socket.socket() as mute:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for client, length in ((deaf, 0), (mute, 10)):
            client.connect(("127.0.0.1", gateway.events_port))
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length)
        function.wait_calls(1)
        assert deaf.recv(1) == b"H"
        gateway.signal(signal.SIGTERM)
        assert gateway.wait_exit() == 0
    assert "drain_timeout passed" in gateway.log
    assert "did not end" not in gateway.log, gateway.log   # the store and the plugins were closed


def test_a_second_signal_ends_at_once(make_gateway):
    gateway = make_gateway()
    function = gateway.function("f")
    gateway.event_type("e")
    gateway.asynchronous("e", "f")
    gateway.settle()
    function.gate.clear()
    gateway.emit(cloud_event("e"))
    function.wait_calls(1)
    gateway.signal(signal.SIGTERM)
    wait_for(lambda: "stopping" in gateway.log, "the stop to begin")
    def ended():
        # Repeated, since one that comes within milliseconds of the first is part of it.
        if gateway.process.poll() is None:
            gateway.signal(signal.SIGTERM)
        return gateway.process.poll() is not None
    wait_for(ended, "the end")
    assert gateway.wait_exit() != 0


def test_sighup_takes_what_may_change_and_names_the_rest(make_gateway):
    gateway = make_gateway(config='workers = 10; config = { token = "a"; };')
    path = "/v1/spaces/default/functions"

    def status(token):
        return gateway.config("GET", path, headers={"Authorization": f"Bearer {token}"}).status
    assert status("a") == 200
    gateway.config_file.write_text('workers = 20; config = { token = "b"; };')
    gateway.signal(signal.SIGHUP)
    wait_for(lambda: "reload: done" in gateway.log, "the reload")
    assert (status("a"), status("b")) == (401, 200)
    assert re.search(r"reload: workers .*next start", gateway.log)
    gateway.config_file.write_text('workers = 20; config = { tokeen = "c"; };')
    gateway.signal(signal.SIGHUP)
    wait_for(lambda: "reload refused" in gateway.log, "the refusal")
    assert "tokeen" in gateway.log
    assert status("b") == 200


# ---- log ----

def test_the_pages_of_2017_without_a_token_are_warned_about(make_gateway):
    def warns(**settings):
        return "api.v2017 without config.token" in make_gateway(set=settings).log
    assert warns(**{"api.v2017": "true"})
    assert not warns(**{"api.v2017": "true", "config.token": "secret"})
    assert not warns()


def test_json_log_lines_are_json_and_carry_the_request_id(make_gateway):
    gateway = make_gateway(args=["-log-level", "debug"])
    gateway.event_type("http.request")
    gateway.create("functions", {"functionId": "f", "type": "http", "provider": {"url": "http://127.0.0.1:1/"}})
    gateway.sync("http.request", "f", "/r", "GET")
    gateway.settle()
    answer = gateway.event("GET", "/r", headers={"x-request-id": "trace-me-1"})
    assert answer.status == 500
    assert answer.header("x-request-id") == "trace-me-1"
    wait_for(lambda: [line for line in list(gateway.lines) if json.loads(line).get("request_id") == "trace-me-1"],
             "a line of the request")


def test_a_plugin_by_flag_takes_part_without_being_listed(make_gateway, tmp_path):
    from harness import PLUGINS
    out = tmp_path / "events.log"
    gateway = make_gateway(args=["--plugin", str(PLUGINS / "reacter_log.so")], set={"plugins.log.path": str(out)})
    gateway.event("GET", "/x")
    wait_for(lambda: out.exists() and "eventgateway.event.received" in out.read_text(), "the log of events")


def test_a_broken_plugin_is_refused_with_a_sentence(tmp_path):
    fake = tmp_path / "broken.so"
    fake.write_bytes(b"\x7fELF this is none")
    code, _, err = run_gateway("--plugin", str(fake), "--check", "--data-dir", str(tmp_path))
    assert code == 1
    assert "broken.so" in err


def test_a_function_is_gone_with_its_server(gw):
    """Transport errors are a clean 500, and the next call of a new server works."""
    function = gw.function("f", '{"body":"1"}')
    gw.event_type("http.request")
    gw.sync("http.request", "f", "/r", "GET")
    gw.settle()
    assert gw.event("GET", "/r").text == "1"
    function.close()
    answer = gw.event("GET", "/r")
    assert (answer.status, answer.message) == (500, "Function call failed. Please check logs.")
    other = Function('{"body":"2"}')
    gw.functions[-1] = other
    gw.config("PUT", "/v1/spaces/default/functions/f", {"type": "http", "provider": {"url": other.url}})
    gw.settle()
    assert gw.event("GET", "/r").text == "2"


def test_one_signal_sent_twice_at_once_is_one_wish(make_gateway):
    """timeout(1) signals the process and then its group: what is queued is still delivered."""
    gateway = make_gateway(args=["-workers", "1"])
    function = gateway.function("f")
    gateway.event_type("e")
    gateway.asynchronous("e", "f")
    gateway.settle()
    function.gate.clear()
    for _ in range(3):
        gateway.emit(cloud_event("e"))
    function.wait_calls(1)
    # Both are pending before the gateway can look: a stopped process takes no signal.
    gateway.signal(signal.SIGSTOP)
    gateway.signal(signal.SIGTERM)
    gateway.signal(signal.SIGINT)
    gateway.signal(signal.SIGCONT)
    wait_for(lambda: "stopping" in gateway.log, "the stop to begin")
    function.gate.set()
    assert gateway.wait_exit() == 0
    assert len(function.calls) == 3

"""The gateway on a real etcd: what the contract of storage cannot see. A database of the original, tokens,
TLS with client certificates, several servers, backups."""
import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import urllib.request

import pytest

from harness import PATIENCE, ROOT, Function, cloud_event, free_port, run_gateway, wait_for

TOOLS = ROOT / "build" / "deps" / "tools" / "usr" / "bin"
RUN = ROOT / "tests" / "servers" / "etcd" / "run"
DO = ROOT / "tests" / "servers" / "etcd" / "do"
STORE = "/serverless-event-gateway"

pytestmark = pytest.mark.skipif(not (TOOLS / "etcd").exists(), reason="tests/servers/etcd/install has not been run")


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


class Etcd:
    """One server on a free port, which it keeps. options and env as run has them."""

    def __init__(self, directory, options=(), env=None, port=None):
        self.directory, self.options, self.env = directory, list(options), dict(os.environ, **(env or {}))
        self.port = port or free_port()
        self.process = None

    def start(self, wait=True):
        self.process = subprocess.Popen([RUN, self.directory, str(self.port), *self.options], env=self.env,
                                        stdin=subprocess.DEVNULL)
        if wait:
            wait_for(self.is_up, "etcd to take connections")

    def is_up(self):
        assert self.process.poll() is None, (self.directory / "server.log").read_text()
        if (self.directory / "setting-up").exists():
            return False
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self):
        """At once, as a power cut."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def call(self, path, body):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v3/{path}", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def put(self, key, value):
        self.call("kv/put", {"key": b64(key), "value": b64(value)})

    def get(self, key):
        kvs = self.call("kv/range", {"key": b64(key)}).get("kvs")
        return base64.b64decode(kvs[0].get("value", "")).decode() if kvs else None

    def ctl(self, *args, **env):
        """etcdctl, which the original's operators have."""
        done = subprocess.run([TOOLS / "etcdctl", "--endpoints", f"127.0.0.1:{self.port}", *args],
                              env=dict(os.environ, ETCDCTL_API="3", **env), capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def make_etcd(tmp_path):
    made = []

    def make(*args, **options):
        directory = tmp_path / f"etcd{len(made)}"
        directory.mkdir()
        etcd = Etcd(directory, *args, **options)
        made.append(etcd)
        return etcd

    yield make
    for etcd in made:
        etcd.kill()


@pytest.fixture
def etcd(make_etcd):
    etcd = make_etcd()
    etcd.start()
    return etcd


def on(*servers, **settings):
    """Settings of a gateway on these servers."""
    return {"store.backend": "etcd", "plugins.etcd.endpoints": ",".join(f"127.0.0.1:{s.port}" for s in servers),
            **{f"plugins.etcd.{k}": v for k, v in settings.items()}}


def ids(gateway):
    return [f["functionId"] for f in gateway.config("GET", "/v1/spaces/default/functions").json["functions"]]


def add(gateway, name):
    return gateway.config("POST", "/v1/spaces/default/functions", {
        "functionId": name, "type": "http", "provider": {"url": "http://127.0.0.1:1/"}})


def routes(gateway, path, status):
    return lambda: gateway.emit(cloud_event("t"), path).status == status


# ---- a database of the original ----

def test_a_database_of_the_original_is_taken_over_by_its_own_flag(etcd, make_gateway):   # ST-04, chapter 2.1
    function = Function({"statusCode": 200, "body": "hello"})
    for directory in ("functions", "subscriptions", "eventtypes", "cors"):
        etcd.put(f"{STORE}/{directory}/", "")
    # As the original writes them (chapter 4), with its identifier of a subscription.
    subscription = base64.urlsafe_b64encode(b"sync,t,%2Fa,POST").decode().rstrip("=")
    etcd.put(f"{STORE}/eventtypes/default/t", '{"space":"default","name":"t"}')
    etcd.put(f"{STORE}/functions/default/f", json.dumps({
        "space": "default", "functionId": "f", "type": "http", "provider": {"url": function.url}}))
    etcd.put(f"{STORE}/subscriptions/default/{subscription}", json.dumps({
        "space": "default", "subscriptionId": subscription, "type": "sync", "eventType": "t",
        "functionId": "f", "path": "/a", "method": "POST"}))
    etcd.put("/somebody/else", "\xff")
    gateway = make_gateway(args=["--db-hosts", f"127.0.0.1:{etcd.port}"])
    gateway.functions.append(function)
    assert ids(gateway) == ["f"]
    gateway.settle()
    answer = gateway.emit(cloud_event("t"), "/a")
    assert (answer.status, answer.text) == (200, "hello")
    assert gateway.config("GET", "/v1/metrics").text.count("storage_bad_records_total{") == 1
    assert gateway.metric("eventgateway_storage_bad_records_total", component="etcd") == 0
    assert etcd.get(f"{STORE}/functions/") == ""   # left as it is


def test_what_is_written_is_what_the_original_would_read(etcd, make_gateway):
    gateway = make_gateway(set=on(etcd))
    add(gateway, "f")
    value = etcd.ctl("get", "--print-value-only", f"{STORE}/functions/default/f")[:-1]
    assert value == gateway.config("GET", "/v1/spaces/default/functions/f").text.rstrip("\n")
    etcd.ctl("put", f"{STORE}/functions/default/g", value.replace('"f"', '"g"'))
    assert ids(gateway) == ["g", "f"]
    etcd.ctl("del", f"{STORE}/functions/default/f")
    wait_for(lambda: gateway.metric("eventgateway_functions_total", space="default") == 1, "one function")


def test_db_hosts_takes_several_servers_and_is_checked(etcd):
    code, _, err = run_gateway("--db-hosts", f"127.0.0.1:1,127.0.0.1:{etcd.port}", "--check")
    assert (code, "etcd" in err) == (0, False), err
    code, _, err = run_gateway("--db-hosts", "127.0.0.1:1,a/b", "--check")
    assert code == 1
    assert "'a/b'" in err


# ---- credentials ----

def test_a_token_that_is_no_longer_good_is_renewed(make_etcd, make_gateway):
    etcd = make_etcd(env={"SERVER_AUTH": "1"})
    etcd.start()
    gateway = make_gateway(set=on(etcd, username="gateway", password="secret-of-the-store"))
    assert add(gateway, "a").status == 201
    # A change of the password ends all tokens, also when it is the same one.
    subprocess.run([DO, etcd.directory, str(etcd.port), "restore"], check=True, timeout=60)
    assert add(gateway, "b").status == 201
    assert ids(gateway) == ["b", "a"]
    etcd.kill()
    etcd.start()   # and so does a restart
    wait_for(lambda: add(gateway, "c").status == 201, "a write after the restart")
    gateway.settle()
    assert "secret-of-the-store" not in gateway.log


def test_the_role_that_the_docs_name_is_enough_and_no_role_is_refused(make_etcd):
    etcd = make_etcd(env={"SERVER_AUTH": "1"})
    etcd.start()
    root = ("--user", "root:root-of-the-store")
    etcd.ctl(*root, "user", "add", "narrow:narrow")
    settings = ["--set", "store.backend=etcd", "--set", f"plugins.etcd.endpoints=127.0.0.1:{etcd.port}", "--set",
                "plugins.etcd.username=narrow", "--set", "plugins.etcd.password=narrow", "--set",
                "events.port=0", "--set", "config.port=0"]
    code, _, err = run_gateway(*settings)
    assert code == 1
    assert "permission denied" in err and f"readwrite on the prefix {STORE}/" in err


def test_a_user_with_the_prefix_can_do_all_that_a_gateway_does(make_etcd, make_gateway):
    etcd = make_etcd(env={"SERVER_AUTH": "1"})
    etcd.start()
    root = ("--user", "root:root-of-the-store")
    etcd.ctl(*root, "role", "add", "configuration")
    etcd.ctl(*root, "role", "grant-permission", "configuration", "--prefix=true", "readwrite", f"{STORE}/")
    etcd.ctl(*root, "user", "add", "narrow:narrow")
    etcd.ctl(*root, "user", "grant-role", "narrow", "configuration")
    gateway = make_gateway(set=on(etcd, username="narrow", password="narrow"))
    assert add(gateway, "a").status == 201
    gateway.event_type("t")
    gateway.sync("t", "a", "/a")   # a commit with checks
    gateway.settle()
    assert gateway.config("DELETE", "/v1/spaces/default/functions/a").status == 400


# ---- TLS ----

@pytest.fixture
def certificates(tmp_path):
    """ca.pem, server.pem/.key, client.pem/.key, and another authority's other-ca.pem."""
    def openssl(*args, text=None):
        subprocess.run(["openssl", *map(str, args)], input=text, text=True, check=True, capture_output=True,
                       cwd=tmp_path, timeout=60)

    def authority(name):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")

    authority("ca")
    authority("other-ca")
    for name in ("server", "client"):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (tmp_path / "san").write_text("subjectAltName=IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", "san", "-out", f"{name}.pem")
    return tmp_path


@pytest.fixture
def secure_etcd(make_etcd, certificates):
    etcd = make_etcd(["--client-cert-auth", "--trusted-ca-file", certificates / "ca.pem", "--cert-file",
                      certificates / "server.pem", "--key-file", certificates / "server.key"],
                     env={"SERVER_SCHEME": "https"})
    etcd.start()
    return etcd


def secure(etcd, certificates, **settings):
    files = {"ca_file": certificates / "ca.pem", "cert_file": certificates / "client.pem",
             "key_file": certificates / "client.key", **settings}
    return {"store.backend": "etcd", "plugins.etcd.endpoints": f"https://127.0.0.1:{etcd.port}",
            **{f"plugins.etcd.{k}": v for k, v in files.items() if v}}


def test_tls_with_a_client_certificate(secure_etcd, certificates, make_gateway):
    gateway = make_gateway(set=secure(secure_etcd, certificates))
    assert add(gateway, "a").status == 201
    gateway.settle()   # the watch is open too
    assert ids(gateway) == ["a"]


@pytest.mark.parametrize("settings, reason", [
    ({"cert_file": None, "key_file": None}, "certificate"), ({"ca_file": "other-ca.pem"}, "certificate")])
def test_tls_that_one_side_does_not_trust_is_a_store_that_is_away(secure_etcd, certificates, settings, reason):
    settings = {k: v and certificates / v for k, v in settings.items()}
    flags = [f for k, v in secure(secure_etcd, certificates, **settings).items() for f in ("--set", f"{k}={v}")]
    code, _, err = run_gateway(*flags, "--set", "events.port=0", "--set", "config.port=0", "--data-dir", str(certificates / "data"))
    assert code == 1   # nothing to route by: there is no content, and no copy of one
    assert f"etcd at 127.0.0.1:{secure_etcd.port} cannot be reached" in err
    assert reason in err


def test_a_certificate_that_cannot_be_read_is_named(secure_etcd, certificates):
    flags = [f for k, v in secure(secure_etcd, certificates, key_file="/nowhere").items()
             for f in ("--set", f"{k}={v}")]
    code, _, err = run_gateway(*flags, "--set", "events.port=0", "--set", "config.port=0")
    assert code == 1
    assert "'key_file' /nowhere" in err


# ---- several servers ----

@pytest.fixture
def cluster(make_etcd):
    """Three servers that are one store."""
    peers = [free_port() for _ in range(3)]
    members = ",".join(f"m{i}=http://127.0.0.1:{peer}" for i, peer in enumerate(peers))
    servers = []
    for i, peer in enumerate(peers):
        url = f"http://127.0.0.1:{peer}"
        servers.append(make_etcd(["--name", f"m{i}", "--listen-peer-urls", url, "--initial-advertise-peer-urls",
                                  url, "--initial-cluster", members, "--heartbeat-interval", "50",
                                  "--election-timeout", "500"]))
    for server in servers:
        server.start(wait=False)
    for server in servers:
        wait_for(server.is_up, "a member to take connections")
    return servers


def test_a_server_that_dies_is_replaced_by_another_one(cluster, make_gateway):
    gateway = make_gateway(set=on(*cluster))
    assert add(gateway, "before").status == 201
    gateway.settle()
    cluster[0].kill()   # the one that is asked
    wait_for(lambda: add(gateway, "after").status in (201, 409), "a write through another server")
    gateway.settle()   # by the watch, too
    assert ids(gateway) == ["before", "after"]
    cluster[0].start()
    cluster[1].kill()
    wait_for(lambda: add(gateway, "later").status in (201, 409), "a write through the third")
    gateway.settle()


def test_a_server_that_has_lost_the_others_is_no_store(cluster, make_gateway):
    gateway = make_gateway(set=on(cluster[0]))
    function = gateway.function("f")
    gateway.event_type("t")
    gateway.sync("t", "f", "/a")
    gateway.settle()
    for server in cluster[1:]:
        server.kill()
    # It still takes connections, but neither writes nor tells news.
    wait_for(lambda: gateway.metric("eventgateway_store_up") == 0, "the watch to be down", 60)
    assert add(gateway, "g").status == 503
    assert gateway.emit(cloud_event("t"), "/a").status == 200
    assert len(function.calls) == 1
    for server in cluster[1:]:
        server.start()
    wait_for(lambda: add(gateway, "g").status in (201, 409), "a write", 60)
    gateway.settle()
    assert gateway.metric("eventgateway_store_up") == 1


# ---- watches in which nothing happens ----

def counted(etcd, name):
    """A counter of etcd for the watches of its clients."""
    with urllib.request.urlopen(f"http://127.0.0.1:{etcd.port}/metrics", timeout=PATIENCE) as answer:
        found = re.search(rf'^{name}{{grpc_method="Watch",[^}}]*}} (\S+)$', answer.read().decode(), re.M)
    return float(found[1]) if found else 0


def test_a_quiet_watch_is_opened_anew_without_a_word(etcd, make_gateway):
    gateway = make_gateway(set=on(etcd, dead_after="1s"))
    wait_for(lambda: counted(etcd, "grpc_server_started_total") >= 3, "watches to be opened anew")
    assert gateway.metric("eventgateway_store_up") == 1
    assert "etcd at" not in gateway.log
    add(gateway, "f")
    gateway.settle()


def test_progress_of_etcd_keeps_a_quiet_watch_open(make_etcd, make_gateway):
    etcd = make_etcd(["--experimental-watch-progress-notify-interval", "100ms"])
    etcd.start()
    gateway = make_gateway(set=on(etcd, dead_after="1s"))
    wait_for(lambda: counted(etcd, "grpc_server_msg_sent_total") >= 30, "3 seconds of progress")
    assert counted(etcd, "grpc_server_started_total") == 1
    add(gateway, "f")
    gateway.settle()


# ---- backups ----

def test_a_store_that_is_put_back_from_a_backup_takes_its_gateways_along(etcd, make_gateway):
    gateway = make_gateway(set=on(etcd))
    gateway.function("f")
    gateway.event_type("t")
    gateway.sync("t", "f", "/kept")
    backup = etcd.directory / "backup"
    etcd.ctl("snapshot", "save", str(backup))
    gateway.sync("t", "f", "/made-later")
    gateway.settle()
    assert gateway.emit(cloud_event("t"), "/made-later").status == 200
    etcd.kill()
    shutil.rmtree(etcd.directory / "data")
    etcd.ctl("snapshot", "restore", str(backup), "--name", "only", "--data-dir", str(etcd.directory / "data"),
             "--initial-cluster", "only=http://127.0.0.1:1", "--initial-advertise-peer-urls",
             "http://127.0.0.1:1")
    etcd.start()
    wait_for(routes(gateway, "/made-later", 202), "what is not in the backup to be gone")   # nobody answers there
    assert gateway.emit(cloud_event("t"), "/kept").status == 200
    assert add(gateway, "g").status == 201
    gateway.settle()

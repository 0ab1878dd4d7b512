"""The middleware `ratelimit`: limits of one gateway, and limits that gateways share in a real Redis."""
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import PATIENCE, ROOT, Connection, cloud_event, free_port, run_gateway, wait_for

RUN = ROOT / "tests" / "servers" / "redis" / "run"
HAS_REDIS = (ROOT / "build" / "deps" / "servers" / "redis" / "usr" / "bin" / "redis-cli").exists()
needs_redis = pytest.mark.skipif(not HAS_REDIS, reason="tests/servers/redis/install has not been run")


def rule(name="all", limit=10, per="1h", key='"all"', more=""):
    return f'{{ name = "{name}"; limit = {limit}; per = "{per}"; key = {key}; {more} }}'


def config(*rules, more="", middleware='"ratelimit"'):
    return f'plugins = {{ middleware = ( {middleware} ); ratelimit = {{ rules = ( {", ".join(rules)} ); {more} }}; }};'


def statuses(gateway, count, path="/", headers=None):
    return [gateway.event("POST", path, headers=headers).status for _ in range(count)]


# ---- one gateway ----

def test_a_limit_is_exact_on_all_loops(make_gateway):
    gateway = make_gateway(config=config(rule(limit=25)), set={"loops": 4})
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: gateway.event("POST", "/").status, range(120)))
    assert sorted(answers) == [202] * 25 + [429] * 95
    assert gateway.metric("eventgateway_ratelimit_refused_total", rule="all") == 95


def test_the_client_is_told_how_it_stands(make_gateway):
    gateway = make_gateway(config=config(rule("a", 2, "20s"), rule("b", 100, "1h", more="burst = 3;")))
    answer = gateway.event("POST", "/")
    assert answer.status == 202
    assert answer.header("RateLimit-Policy") == '"a";q=2;w=20, "b";q=100;w=3600;eventgateway-burst=3'
    assert answer.header("RateLimit") == '"a";r=1;t=10, "b";r=2;t=36'
    gateway.event("POST", "/")
    answer = gateway.event("POST", "/", headers={"x-request-id": "mine"})
    assert answer.status == 429
    wait = int(answer.header("Retry-After"))
    assert 1 <= wait <= 10
    assert answer.message == f"Too many requests. Try again in {wait} s."
    assert re.fullmatch(rf'"a";r=0;t={wait}, "b";r=1;t=\d+', answer.header("RateLimit"))
    assert answer.header("x-request-id") == "mine"


def test_who_waits_as_told_is_let_in(make_gateway):
    gateway = make_gateway(config=config(rule(limit=1, per="1s")))
    assert gateway.event("POST", "/").status == 202
    answer = gateway.event("POST", "/")
    if answer.status == 429:   # on a machine that took a second for this, it was let in
        end = time.monotonic() + int(answer.header("Retry-After"))
        wait_for(lambda: time.monotonic() >= end, "the time that was told")
        assert gateway.event("POST", "/").status == 202


def test_what_is_refused_calls_nothing(make_gateway):
    gateway = make_gateway(config=config(rule(limit=1)))
    gateway.event_type("e")
    function = gateway.function("f")
    gateway.sync("e", "f")
    gateway.settle()
    assert [gateway.emit(cloud_event("e")).status for _ in range(3)] == [200, 429, 429]
    assert len(function.calls) == 1


def test_clients_behind_a_trusted_proxy_are_told_apart(make_gateway):
    gateway = make_gateway(config=config(rule(limit=1, key='"address"'), more='trusted_proxies = ( "127.0.0.0/8" );'))
    assert statuses(gateway, 2, headers={"X-Forwarded-For": "203.0.113.1"}) == [202, 429]
    assert statuses(gateway, 2, headers={"X-Forwarded-For": "203.0.113.1, 203.0.113.2"}) == [202, 429]
    assert statuses(gateway, 2, headers={"X-Forwarded-For": "2001:db8::1"}) == [202, 429]
    assert statuses(gateway, 1, headers={"X-Forwarded-For": "2001:db8::2"}) == [429]
    assert statuses(gateway, 2) == [202, 429]


def test_without_trusted_proxies_the_header_is_nobodys_word(make_gateway):
    gateway = make_gateway(config=config(rule(limit=1, key='"address"')))
    answers = [statuses(gateway, 1, headers={"X-Forwarded-For": f"203.0.113.{n}"})[0] for n in range(3)]
    assert answers == [202, 429, 429]


def test_principals_of_auth_are_told_apart(make_gateway):
    auth = 'auth = { rules = ( { path = "/"; api_keys = ( { name = "alice"; key = "key-a"; }, { name = "bob"; key = "key-b"; } ); } ); };'
    text = config(rule(limit=2, key='"principal"'), middleware='"auth", "ratelimit"').replace("plugins = {", "plugins = { " + auth)
    gateway = make_gateway(config=text)
    assert statuses(gateway, 3, headers={"x-api-key": "key-a"}) == [202, 202, 429]
    assert statuses(gateway, 3, headers={"x-api-key": "key-b"}) == [202, 202, 429]
    assert statuses(gateway, 1) == [401]


def test_spaces_have_their_own_limit_and_a_batch_counts_each_event(make_gateway):
    gateway = make_gateway(config=config(rule("space", 3, key='"space"')))
    for space in ("one", "two"):
        gateway.event_type(f"of.{space}", space=space)
        gateway.function(f"f-{space}", space=space)
        gateway.sync(f"of.{space}", f"f-{space}", f"/{space}", space=space)
    gateway.settle()

    def emit(space):
        return gateway.emit(cloud_event(f"of.{space}"), f"/{space}").status
    assert [emit("one") for _ in range(4)] == [200, 200, 200, 429]
    events = [{"specversion": "1.0", "type": "of.two", "source": "/x", "id": str(n), "data": {}} for n in range(4)]
    answer = gateway.event("POST", "/two", json.dumps(events), {"Content-Type": "application/cloudevents-batch+json"})
    assert answer.status == 400
    assert re.search(r"event 3 of the batch: Too many requests", answer.message), answer.message
    assert len(answer.header("RateLimit").split(",")) == 1
    assert emit("two") == 429


@pytest.mark.parametrize("rules,told", [
    ("", "list of 1 to 16"),
    ('{ name = "a"; limit = 1; per = "1m"; }', "rule 1: 'key' has to be"),
    ('{ name = "a"; limit = 1; per = "1 minute"; key = "all"; }', "rule 1: 'per' has to be a duration"),
    ('{ name = "a"; limt = 1; }', "rule 1: unknown key 'limt'"),
])
def test_mistakes_are_refused_at_start(tmp_path, rules, told):
    file = tmp_path / "event-gateway.conf"
    file.write_text(config(rules))
    code, _, err = run_gateway("--config", str(file), "--check", "--data-dir", str(tmp_path / "data"), patience=PATIENCE)
    assert code != 0 and told in err, err


# ---- shared ----

class Redis:
    def __init__(self, directory, *options):
        self.directory, self.options, self.port, self.process = directory, options, free_port(), None

    def start(self):
        self.process = subprocess.Popen([RUN, self.directory, str(self.port), *self.options], stdin=subprocess.DEVNULL)
        wait_for(self.is_up, "redis to take connections")
        return self

    def is_up(self):
        assert self.process.poll() is None, (self.directory / "server.log").read_text()
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def cli(self, *command):
        done = subprocess.run([RUN, self.directory, str(self.port), "-e", *command], capture_output=True, text=True,
                              env=dict(os.environ, SERVER_PROGRAM="cli"), timeout=PATIENCE)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout.strip()


@pytest.fixture
def redis(tmp_path):
    server = Redis(tmp_path / "redis").start()
    yield server
    server.kill()


def shared(redis, *rules, more=""):
    if "answer_timeout" not in more:
        more += ' answer_timeout = "5s";'   # the machine of the tests may be busy
    return config(*(rules or [rule()]), more=f'address = ( "127.0.0.1:{redis.port}" ); {more}')


def connections(gateway):
    return gateway.metric("eventgateway_ratelimit_store_connections")


def failures(gateway):
    return gateway.metric("eventgateway_ratelimit_store_failures_total")


def wait_connected(gateway, loops=2):
    wait_for(lambda: connections(gateway) == loops, f"{loops} connections to redis")


@pytest.fixture
def pair(make_gateway, redis):
    """Two gateways with one limit."""
    def make(*rules, more=""):
        gateways = [make_gateway(config=shared(redis, *rules, more=more), set={"loops": 2}) for _ in range(2)]
        for gateway in gateways:
            wait_connected(gateway)
        return gateways
    return make


@needs_redis
def test_two_gateways_share_one_limit(pair, redis):
    one, two = pair(rule(limit=20))
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: (one, two)[n % 2].event("POST", "/").status, range(100)))
    assert sorted(answers) == [202] * 20 + [429] * 80
    answer = two.event("POST", "/")
    assert answer.header("RateLimit").startswith('"all";r=0;t=1')
    assert 1 <= int(answer.header("Retry-After")) <= 180
    assert (failures(one), failures(two)) == (0, 0)
    keys = redis.cli("KEYS", "*").split()
    assert len(keys) == 1 and re.fullmatch(r"\{eventgateway\}:ratelimit:all:[0-9a-f]{32}", keys[0]), keys
    assert 0 < int(redis.cli("PTTL", keys[0])) <= 3600_000


@needs_redis
def test_a_refusal_of_one_rule_charges_none_and_all_is_told(pair):
    one, two = pair(rule("wide", 5, "1h"), rule("narrow", 2, "1h", '"path"'))
    assert statuses(one, 2, "/a") == [202, 202]
    answers = [two.event("POST", "/a") for _ in range(5)]
    assert {answer.status for answer in answers} == {429}
    assert re.fullmatch(r'"wide";r=3;t=\d+, "narrow";r=0;t=\d+', answers[-1].header("RateLimit"))
    assert answers[-1].header("RateLimit-Policy") == '"wide";q=5;w=3600, "narrow";q=2;w=3600'
    assert statuses(two, 4, "/b") == [202, 202, 429, 429]
    assert statuses(one, 2, "/c") == [202, 429]


@needs_redis
def test_fractions_of_a_microsecond_do_not_cost_a_request(pair):
    one, _ = pair(rule("thirds", 3, "1h", more="burst = 7;"))   # an interval of 1200 s, and
    assert statuses(one, 8) == [202] * 7 + [429]
    one, _ = pair(rule("sevenths", 7, "1m"))                    # one of 8571428.571 us
    assert statuses(one, 8) == [202] * 7 + [429]


@needs_redis
def test_keys_of_clients_are_not_in_redis(pair, redis):
    one, _ = pair(rule("key", 5, "1h", '( "header:x-api-key", "address" )'))
    assert statuses(one, 6, headers={"x-api-key": "a-secret-key"})[-1] == 429
    text = redis.cli("KEYS", "*") + "".join(redis.cli("GET", key) for key in redis.cli("KEYS", "*").split())
    assert "key:" in text and "secret" not in text


@needs_redis
def test_a_script_that_redis_has_forgotten_is_sent_again(pair, redis):
    one, two = pair(rule(limit=3))
    assert statuses(one, 1) == [202]
    redis.cli("SCRIPT", "FLUSH")
    assert statuses(one, 1) + statuses(two, 2) == [202, 202, 429]
    assert (failures(one), failures(two)) == (0, 0)


@needs_redis
def test_without_redis_each_gateway_counts_by_itself_until_it_is_back(pair, redis):
    one, two = pair(rule(limit=4))
    assert statuses(one, 2) == [202, 202]
    redis.kill()
    for gateway in (one, two):
        wait_for(lambda: connections(gateway) == 0, "the loss to be noticed")
        assert statuses(gateway, 6) == [202] * 4 + [429] * 2
        assert failures(gateway) == 6
        assert gateway.log.count("limits are not shared, redis is away") == 1
    redis.start()   # with its append-only file: two have been counted
    for gateway in (one, two):
        wait_connected(gateway)
        assert gateway.log.count("limits are shared again, redis is back") == 1
    assert statuses(one, 1) + statuses(two, 2) == [202, 202, 429]
    assert failures(one) == 6


@needs_redis
def test_a_redis_that_says_nothing_holds_up_no_request_for_long(make_gateway, redis):
    gateway = make_gateway(config=shared(redis, rule(limit=100000), more='answer_timeout = "50ms";'), set={"loops": 1})
    wait_connected(gateway, 1)
    redis.signal(signal.SIGSTOP)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: gateway.event("POST", "/").status, range(8))) == [202] * 8
    assert "no answer within 50 ms" in gateway.log
    assert failures(gateway) == 8
    redis.signal(signal.SIGCONT)

    def is_shared():
        before = failures(gateway)
        return statuses(gateway, 1) == [202] and failures(gateway) == before
    wait_for(is_shared, "a request that redis has counted")


@needs_redis
@pytest.mark.parametrize("policy,expected", [("allow", [202] * 3), ("refuse", [503] * 3), ("local", [202, 429, 429])])
def test_what_is_done_without_redis_is_a_setting(make_gateway, redis, policy, expected):
    redis.kill()
    gateway = make_gateway(config=shared(redis, rule(limit=1), more=f'on_store_failure = "{policy}";'))
    answers = [gateway.event("POST", "/") for _ in range(3)]
    assert [answer.status for answer in answers] == expected
    if policy == "refuse":
        assert answers[0].message == "The limits of requests cannot be checked now."
        assert answers[0].header("Retry-After") == "1"
    wait_for(lambda: "limits are not shared, redis is away" in gateway.log, "the reason in the log")
    assert "Connection refused" in gateway.log


@needs_redis
def test_a_gateway_that_stops_answers_what_waits_for_redis(make_gateway, redis):
    limited = rule(more='path = "/limited";')
    gateway = make_gateway(config=shared(redis, limited, more='answer_timeout = "500ms";'), set={"loops": 1})
    wait_connected(gateway, 1)
    redis.signal(signal.SIGSTOP)
    with Connection(gateway.events_port) as connection:
        connection.send("POST /limited HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        assert statuses(gateway, 2, "/free") == [202, 202]   # the loop has seen the other one by now
        gateway.stop()
        assert connection.read().status == 202


@needs_redis
def test_the_deadline_of_middleware_comes_before_a_redis_that_says_nothing(make_gateway, redis):
    gateway = make_gateway(config=shared(redis, more='answer_timeout = "400ms";'),
                           set={"limits.middleware_timeout": "50ms", "loops": 1})
    wait_connected(gateway, 1)
    redis.signal(signal.SIGSTOP)
    assert gateway.event("POST", "/").status == 500
    wait_for(lambda: "limits are not shared" in gateway.log, "the question to be given up")
    redis.signal(signal.SIGCONT)
    wait_for(lambda: statuses(gateway, 1) == [202], "a request to come through")


class Impostor:
    """Something on Redis' port: takes SCRIPT LOAD, and answers questions with what it is told."""

    def __init__(self, answer):
        self.answer, self.drops = answer, False
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        with connection:
            while data := connection.recv(65536):
                if self.drops and b"LOAD" not in data:
                    return self.drip(connection)
                connection.sendall(b"$40\r\n" + b"a" * 40 + b"\r\n" if b"LOAD" in data else self.answer)
                if self.answer == b"":
                    return


    def drip(self, connection):
        """A string that goes on and on."""
        try:
            connection.sendall(b"$1000000\r\n")
            while self.drops:
                connection.sendall(b"x")
                time.sleep(0.005)
        except OSError:
            pass   # it was given up


NONSENSE = [
    b"", b"+OK\r\n", b":1\r\n", b"$-1\r\n", b"*0\r\n", b"*1\r\n:0\r\n", b"*2\r\n:0\r\n$1\r\n5\r\n", b"*2\r\n:0\r\n:-1\r\n",
    b"*2\r\n:0\r\n:9223372036854775807\r\n", b"*3\r\n:0\r\n:1\r\n:1\r\n", b"-ERR whatever\r\n", b"-NOSCRIPT none\r\n",
    b"-READONLY a replica\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"*2\r\n*1\r\n:0\r\n:1\r\n", b"\x00\xff", b"*999999999\r\n",
]


def test_an_answer_that_is_not_understood_is_no_answer(make_gateway):
    good = b"*2\r\n:0\r\n:1\r\n"
    impostor = Impostor(good)
    gateway = make_gateway(config=shared(impostor, rule(limit=len(NONSENSE))), set={"loops": 1})
    wait_connected(gateway, 1)
    assert statuses(gateway, 1) == [202] and failures(gateway) == 0
    for count, answer in enumerate(NONSENSE):
        impostor.answer = good
        wait_connected(gateway, 1)
        assert statuses(gateway, 1) == [202]
        impostor.answer = answer
        assert (statuses(gateway, 1), failures(gateway)) == ([202], count + 1), answer
    assert "limits are not shared, redis is away" in gateway.log
    impostor.answer = good
    wait_connected(gateway, 1)
    impostor.answer = b"-ERR whatever\r\n"
    assert statuses(gateway, 1) == [429]   # all of them were counted here
    impostor.socket.close()


def test_an_answer_that_comes_in_drops_is_given_up(make_gateway):
    good = b"*2\r\n:0\r\n:1\r\n"
    impostor = Impostor(good)
    gateway = make_gateway(config=shared(impostor, rule(limit=100000), more='answer_timeout = "60ms";'),
                           set={"limits.middleware_timeout": "30s", "loops": 1})
    wait_connected(gateway, 1)
    impostor.drops = True

    def is_given_up():   # where the drops stop for 60 ms, since the machine is busy, it was silence: once more
        assert statuses(gateway, 1) == [202]
        return "no whole answer within 600 ms" in gateway.log
    wait_for(is_given_up, "the answer to be given up")
    assert failures(gateway) >= 1
    impostor.drops = False
    impostor.socket.close()


@needs_redis
def test_a_reload_lets_requests_that_wait_for_redis_end(make_gateway, redis):
    """The old instance answers what waits at it, the new one connects by itself."""
    limited = rule(more='path = "/limited";')
    gateway = make_gateway(config=shared(redis, limited, more='answer_timeout = "1s";'), set={"loops": 2})
    wait_connected(gateway)
    redis.signal(signal.SIGSTOP)
    with Connection(gateway.events_port) as connection:
        connection.send("POST /limited HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        assert statuses(gateway, 8, "/free") == [202] * 8   # the loops have seen the other one by now
        gateway.config_file.write_text(shared(redis, rule("new", 3), more='answer_timeout = "1s"; on_store_failure = "refuse";'))
        answer = gateway.config("POST", "/v1/plugins/reload")
        assert answer.status == 200, answer
        redis.signal(signal.SIGCONT)
        assert connection.read().status == 202
    seen = []   # 503 until the new one is connected, on both loops

    def is_limited():
        seen.extend(statuses(gateway, 1))
        return seen[-1] == 429
    wait_for(is_limited, "the new limit to be reached")
    assert seen.count(202) == 3 and set(seen) <= {202, 429, 503}, seen


@needs_redis
def test_a_user_with_few_rights_is_enough_and_a_wrong_password_is_told(make_gateway, redis):
    redis.cli("ACL", "SETUSER", "limiter", "on", ">a-secret-password", "resetkeys", "~{eventgateway}:ratelimit:*", "-@all",
              "+auth", "+select", "+script|load", "+evalsha", "+eval", "+time", "+get", "+set")
    login = 'username = "limiter"; database = 3; password = "{}";'
    gateway = make_gateway(config=shared(redis, rule(limit=1), more=login.format("a-secret-password")))
    wait_connected(gateway)
    assert statuses(gateway, 2) == [202, 429]
    assert failures(gateway) == 0
    assert redis.cli("-n", "3", "DBSIZE").split()[-1] == "1"
    other = make_gateway(config=shared(redis, more=login.format("a-wrong-password")))
    wait_for(lambda: "redis refuses the credentials" in other.log, "the reason in the log")
    assert statuses(other, 1) == [202] and failures(other) == 1
    redis.cli("ACL", "SETUSER", "limiter", "-set")
    redis.cli("DEL", *redis.cli("-n", "3", "KEYS", "*").split())
    redis.cli("-n", "3", "FLUSHDB")
    assert statuses(gateway, 1) == [202]   # counted here: the right to write is gone
    assert failures(gateway) == 1
    for log in (gateway.log, other.log):
        assert "a-secret-password" not in log and "a-wrong-password" not in log


@needs_redis
def test_the_configuration_may_be_in_the_same_redis(make_gateway, redis):
    """Two plugins that are made of the same sources, in one process."""
    text = shared(redis, rule(limit=3)).replace("plugins = {", f'plugins = {{ redis = {{ address = ( "127.0.0.1:{redis.port}" ); }};')
    text += ' store = { backend = "redis"; };'
    one, two = (make_gateway(config=text, set={"loops": 2}) for _ in range(2))
    for gateway in (one, two):
        wait_connected(gateway)
    one.event_type("e")
    one.function("f")
    one.sync("e", "f")
    one.settle()
    wait_for(lambda: two.config("GET", "/v1/spaces/default/subscriptions").json["subscriptions"], "the other one to hear of it")
    assert [g.emit(cloud_event("e")).status for g in (one, two, one, two)] == [200, 200, 200, 429]
    redis.kill()
    for gateway in (one, two):
        wait_for(lambda: connections(gateway) == 0, "the loss to be noticed")
    redis.start()
    for gateway in (one, two):
        wait_connected(gateway)
    assert statuses(one, 1) == [429]
    keys = set(redis.cli("KEYS", "*").split())
    assert any(":ratelimit:all:" in key for key in keys) and any(":ratelimit:" not in key for key in keys), keys


@needs_redis
def test_redis_is_spoken_to_with_tls_and_its_name_is_checked(make_gateway, tmp_path):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=redis.test",
                    "-addext", "subjectAltName=DNS:redis.test", "-keyout", key, "-out", cert], check=True, capture_output=True)
    server = Redis(tmp_path / "redis")
    server.options = ("--port", "0", "--tls-port", str(server.port), "--tls-cert-file", str(cert), "--tls-key-file", str(key),
                      "--tls-ca-cert-file", str(cert), "--tls-auth-clients", "no")
    server.start()
    try:
        tls = f'tls = true; ca_file = "{cert}"; '
        gateway = make_gateway(config=shared(server, rule(limit=2), more=tls + 'server_name = "redis.test";'))
        wait_connected(gateway)
        assert statuses(gateway, 3) == [202, 202, 429] and failures(gateway) == 0
        other = make_gateway(config=shared(server, more=tls + 'server_name = "other.test";'))
        wait_for(lambda: "the certificate is not accepted" in other.log, "the reason in the log")
        assert connections(other) == 0
    finally:
        server.kill()


@needs_redis
def test_a_file_of_tls_that_cannot_be_read_fails_the_start(tmp_path):
    file = tmp_path / "event-gateway.conf"
    file.write_text(config(rule(), more='address = ( "127.0.0.1:1" ); tls = true; ca_file = "/nowhere.pem";'))
    code, _, err = run_gateway("--config", str(file), "--data-dir", str(tmp_path / "data"), "--set", "events.port=0",
                               "--set", "config.port=0", "--set", "events.listen=127.0.0.1")
    assert code == 1 and "/nowhere.pem" in err

"""What plugins cost: one gateway for each row of the table, measured in turns. `tests/bench/run --plugins`.

The cost of a row is its CPU time per request less that of the first row with the same path. Differences of tenths of
a microsecond drown in what a shared machine does to a measurement of seconds, so there are many short ones in
turns, CPU time is the clock of the process (nanoseconds, and not ticks), and the least disturbed round of each row counts.
"""
import base64
import dataclasses
import hashlib
import hmac
import json
import os
import subprocess
import time

import loads
import programs

SOURCE = programs.HERE.parents[1]
UNROUTED = "/nobody"   # an event that nobody has subscribed to: the cheapest request, so the least noise
ROUNDS, SECONDS = 20, 1


class Row:
    """settings: of the gateway, for --set; {dir} is where what is built here is. headers: of the requests. prepare:
    called with the gateway, to create what the row needs. budget_us: more fails the benchmark."""

    def __init__(self, name, path=UNROUTED, settings=None, headers=None, prepare=None, budget_us=None):
        self.name, self.path, self.settings, self.headers = name, path, settings or {}, headers or {}
        self.prepare, self.budget_us = prepare, budget_us
        self.costs = []


def middleware(name, **settings):
    """Settings of a gateway with this one."""
    return {"plugins.middleware": name, **{f"plugins.{name}.{key}": json.dumps(value) for key, value in settings.items()}}


SECRET = "a secret of at least thirty-two bytes"


def token():
    """A JSON Web Token for an hour (RFC 7519, HS256)."""
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")
    claims = {"iss": "bench", "aud": "gateway", "sub": "someone", "exp": int(time.time()) + 3600}
    text = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(claims)
    mark = hmac.new(SECRET.encode(), text, hashlib.sha256).digest()
    return (text + b"." + base64.urlsafe_b64encode(mark).rstrip(b"=")).decode()


SCHEMA = {"type": "object", "required": ["path", "method", "body"], "properties": {
    "path": {"type": "string"}, "method": {"enum": ["GET", "POST"]},
    "body": {"type": "object", "required": ["user", "amount"],
             "properties": {"amount": {"type": "integer", "minimum": 0}, "currency": {"type": "string", "maxLength": 3}}}}}


def add_schema(gateway):
    status, answer = programs.http(gateway.config_port, "PUT", "/v1/spaces/default/eventtypes/http.request",
                                   {"name": "http.request", "schema": SCHEMA})
    assert status == 200, answer


NOOP = {"plugins.load": "{dir}/noop.so", "plugins.middleware": "noop"}
ROWS = [
    Row("empty chain"),
    Row("empty chain once more: what this machine adds by itself"),
    Row("one no-op middleware", settings=NOOP, budget_us=0.3),
    Row("one no-op middleware, for other paths", settings={**NOOP, "plugins.noop.match": '{"paths": ["/other"]}'},
        budget_us=0.3),
    Row("one no-op middleware, for other event types",
        settings={**NOOP, "plugins.noop.match": '{"event_types": ["user.*"]}'}, budget_us=0.3),
    Row("auth, an API key", settings=middleware("auth", rules=[{"path": "/", "consumers": ["shop"]}], consumers=[
        {"name": "shop", "api_keys": ["sha256:" + hashlib.sha256(b"sesame").hexdigest()]}]),
        headers={"x-api-key": "sesame"}),
    Row("auth, a JSON Web Token seen before", settings=middleware("auth", rules=[{"path": "/", "issuers": ["idp"]}], issuers=[
        {"name": "idp", "issuer": "bench", "audiences": ["gateway"], "algorithms": ["HS256"], "secret": SECRET}]),
        headers={"Authorization": f"Bearer {token()}"}),
    Row("ratelimit, local", settings=middleware("ratelimit", rules=[
        {"name": "all", "limit": 100000, "per": "1s", "burst": 1000000, "key": "address"}])),
    Row("transform, a header", settings=middleware("transform", rules=[{"request": {"set_headers": {"x-a": "1"}}}])),
    Row("transform, a jq program, in worker processes too", settings=middleware("transform", rules=[
        {"event": {"jq": ".subject = \"bench\""}}])),
    Row("sync", path="/sync"),
    Row("sync, schema", path="/sync", settings=middleware("schema"), prepare=add_schema),
]


def build_plugin(name, directory):
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-fPIC", "-shared", "-fvisibility=hidden",
                    f"-I{SOURCE / 'include'}", f"-I{SOURCE / 'sdk' / 'include'}", "-o", directory / f"{name}.so",
                    programs.HERE / f"{name}.c"], check=True)


def start(row, number, core, directory, upstream, build):
    flags = []
    for key, value in row.settings.items():
        flags += ["--set", f"{key}={value.replace('{dir}', str(directory))}"]
    gateway = programs.Gateway(f"row{number}", core, directory, upstream, build, (), flags)
    if row.prepare:
        row.prepare(gateway)
        gateway.wait_routed()
    return gateway


def measure(row, gateway, core):
    request = dataclasses.replace(loads.POST, headers=tuple(row.headers.items()))
    before = gateway.cpu_ns()
    result = loads.by_wrk(gateway.port, row.path, request, core, SECONDS)
    used = gateway.cpu_ns() - before
    if result["bad_status"] or result["broken"]:
        raise SystemExit(f"bench: {row.name}: {result['bad_status']} answers were no success, "
                         f"{result['broken']} requests broke")
    row.costs.append(used / 1000 / result["requests"])


def print_table(rows):
    """The sentences about rows that cost more than their budget."""
    print("| row | CPU us/request | more than the first of its path |")
    print("|---|---:|---:|")
    wrong = []
    for row in rows:
        base = next(r for r in rows if r.path == row.path)
        more = min(row.costs) - min(base.costs)
        print(f"| {row.name} | {min(row.costs):.2f} | {more:.2f} |")
        if row.budget_us is not None and more > row.budget_us:
            wrong.append(f"{row.name} costs {more:.2f} us, at most {row.budget_us} are wanted")
    return wrong


def run(cores, directory, upstream, build, rounds, is_check):
    """The exit code."""
    build_plugin("noop", directory)
    gateways = [start(row, number, cores[0], directory, upstream, build) for number, row in enumerate(ROWS)]
    order = list(zip(ROWS, gateways))
    for row, gateway in order:   # warm
        measure(row, gateway, cores[1])
        row.costs.clear()
    for number in range(rounds):
        turn = number % len(order)
        for row, gateway in order[turn:] + order[:turn]:
            measure(row, gateway, cores[1])
    wrong = print_table(ROWS)
    for text in wrong:
        print(f"over its budget: {text}")
    return 1 if wrong and is_check else 0

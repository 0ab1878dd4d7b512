"""What the size of the configuration costs: requests, startup, changes. `tests/bench/run --config`.

Requests: two gateways, with 10 and with 10,000 subscriptions, take turns on one core; for each kind of path the least
disturbed round of each counts, as in bench.py. That each request goes to another path has no target: it is a question
of what the caches of the machine hold, and whom they are shared with.

Startup: from the start of the process to the first answer of a function, with 1,000 objects in the embedded store.

Changes: the gateway with 10,000 subscriptions is changed 20 times a second while it serves about half of what it could.
A change is routed when a request has seen it; requests follow the answer to the change without pause, and the time
runs from that answer to the first answer that is new. What the changes do to the p99 of the traffic is measured against
rounds in which the same client reads an object instead, so that the client itself is in both; whatever else the machine
does only ever adds, so the least disturbed round of each counts.
"""
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time

import config_made
import loads
import programs
import report
from ports import free_port   # programs.py has made it known

SMALL, LARGE, STARTUP_OBJECTS = 10, 10000, 1000
ROUNDS, SECONDS = 4, 1
PATHS = 1200     # that requests go to in turns
STARTS = 9
CHANGES_PER_S, CHANGE_ROUNDS, CHANGE_SECONDS = 20, 6, 2
CHANGE_LOAD, ASYNC_LOAD = 0.5, 0.6   # of what the sync path was seen to do
MAX_RATIO = 1.10
MAX_STARTUP_MS = 100
MAX_ROUTED_MS = 50
MAX_P99_RATIO, MAX_P99_MORE_MS = 1.25, 0.5
BAD_URL = "http://127.0.0.1:1"   # nobody listens


def say(what):
    """Progress, where somebody looks."""
    if sys.stderr.isatty():
        print(f"  {what:90}", end="\r", file=sys.stderr, flush=True)


def add_ratio(table, what, small, large, has_target):
    ratio = large / small
    table.add(what, f"{large:.2f} us, with {SMALL}: {small:.2f}, {ratio:.2f} x",
              f"{MAX_RATIO:.2f} x" if has_target else "none", not has_target or ratio <= MAX_RATIO)


class Made:
    """A configuration in an embedded store."""

    def __init__(self, name, subscriptions, directory, upstream, build):
        self.url = f"http://127.0.0.1:{upstream.port}"
        self.documents = config_made.documents(subscriptions, self.url)
        self.data = directory / f"{name}-data"
        file = directory / f"{name}.json"
        config_made.write(file, self.documents)
        subprocess.run([build / "event-gateway", "config", "import", "--data-dir", self.data, file],
                       check=True, stdout=subprocess.DEVNULL)
        self.paths_file = directory / f"{name}.paths"
        self.paths_file.write_text("".join(path + "\n" for path in
                                           config_made.callable_paths(self.documents, self.url, PATHS)))

    def count(self, kind):
        return sum(document["kind"] == kind for document in self.documents)


class MadeGateway(programs.Gateway):
    """A gateway on such a store; nothing is created."""

    def __init__(self, name, core, directory, made, build):
        super().__init__(name, core, directory, None, build, (), flags=["--data-dir", made.data])

    def configure(self, upstream, fan_outs):
        self.wait_routed()


class Client:
    """A connection that is kept."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, method, path, body=None):
        text = None if body is None else json.dumps(body)
        self.connection.request(method, path, text, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def close(self):
        self.connection.close()


# ---- requests ----

class Load:
    """wrk on its core; a pause makes it less than what can be done."""

    def __init__(self, core, directory):
        self.core, self.body, self.one = core, directory / "body.json", directory / "one.paths"
        self.body.write_text(loads.ORDER)

    def run(self, port, path, seconds, pause_ms=0, paths_file=None):
        """paths_file: every request goes to the next path of it, instead of path."""
        self.one.write_text(f"{path}\n")
        return loads.run_wrk(self.core, seconds, "many.lua", port, "/", pause_ms, self.body, paths_file or self.one)


def refuse_failures(what, result):
    if result["bad_status"] or result["broken"]:
        raise SystemExit(f"bench: {what}: {result['bad_status']} answers were no success, "
                         f"{result['broken']} requests broke")


def request_cost(gateway, upstream, what, load):
    """CPU us of a request, with what follows its answer."""
    before, used = upstream.count(), gateway.cpu_ns()
    result = load()
    arrived = upstream.count_at_rest()
    refuse_failures(what, result)
    return (gateway.cpu_ns() - used) / 1000 / (arrived - before), result


def request_rows(table, load, upstream, gateways, made):
    """gateways, made: small and large. The requests a second that the large one answers."""
    literal = config_made.SYNC_PROBES["a literal path"]
    _, warm = request_cost(gateways[1], upstream, literal, lambda: load.run(gateways[1].port, literal, SECONDS))
    per_s = warm["requests"] * 1e6 / warm["duration_us"]
    pause_ms = max(1, round(loads.CONNECTIONS * 1000 / (per_s * ASYNC_LOAD)))
    wanted = {f"sync, {name}": (path.replace(":", "x").replace("*", "x"), 0, None)
             for name, path in config_made.SYNC_PROBES.items()}
    wanted["async, one subscriber"] = (config_made.ASYNC_PROBE, pause_ms, None)
    wanted["sync, every request to another path"] = ("/", 0, [m.paths_file for m in made])
    for what, (path, pause, files) in wanted.items():
        say(what)
        costs = ([], [])
        for number in range(ROUNDS * 2):
            i = (number + number // 2) % 2   # small, large, large, small
            cost, _ = request_cost(gateways[i], upstream, what, lambda: load.run(
                gateways[i].port, path, SECONDS, pause, files and files[i]))
            costs[i].append(cost)
        add_ratio(table, f"CPU of a request, {LARGE} subscriptions: {what}", min(costs[0]), min(costs[1]),
                        files is None)
    return per_s


# ---- startup ----

def start_ms(core, build, made):
    """From the start of the process to the first answer of a function."""
    events, config = free_port(), free_port()
    path = config_made.SYNC_PROBES["a literal path"]
    begun = time.monotonic()
    process = subprocess.Popen(
        ["taskset", "-c", str(core), build / "event-gateway", "--data-dir", made.data, "--set", "loops=1",
         "--set", "events.listen=127.0.0.1", "--set", f"events.port={events}", "--set", f"config.port={config}"],
        stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                client = Client(events)
                status, _ = client.call("POST", path, {})
                break
            except (OSError, http.client.HTTPException):
                if process.poll() is not None or time.monotonic() > begun + programs.START_PATIENCE_S:
                    raise SystemExit("bench: the gateway does not start") from None
        taken = time.monotonic() - begun
        client.close()
    finally:
        process.terminate()
        process.wait()
    if status != 200:
        raise SystemExit(f"bench: the first request was answered {status}")
    return taken * 1000


def startup_row(table, core, build, made):
    say("startup")
    times = [start_ms(core, build, made) for _ in range(STARTS)]
    table.add(f"startup with {len(made.documents)} objects, median of {STARTS}",
              f"{statistics.median(times):.0f} ms, least {min(times):.0f}, most {max(times):.0f}",
              f"{MAX_STARTUP_MS} ms", statistics.median(times) <= MAX_STARTUP_MS)


# ---- changes ----

class Changer:
    """Changes a gateway and looks when each change is routed; or only reads, as often."""

    SPACE = "/v1/spaces/default"

    def __init__(self, gateway, url):
        self.config, self.events = Client(gateway.config_port), Client(gateway.port)
        self.url, self.number, self.created = url, 0, None
        self.routed_ms, self.called_ms = {}, {}
        body = {"functionId": "changing", "type": "http", "provider": {"url": url}}
        self.expect(201, "POST", f"{self.SPACE}/functions", body)
        self.expect(201, "POST", f"{self.SPACE}/subscriptions", self.subscription("/changing", "changing"))

    def subscription(self, path, function):
        return {"type": "sync", "eventType": config_made.EVENT_TYPE, "path": path, "method": "POST",
                "functionId": function}

    def expect(self, wanted, method, path, body=None):
        status, data = self.config.call(method, path, body)
        if status != wanted:
            raise SystemExit(f"bench: {method} {path} was answered {status}: {data[:300]}")
        return json.loads(data) if data else None

    def change(self, name, wanted, method, path, body, probe, is_seen):
        begun = time.monotonic()
        answer = self.expect(wanted, method, path, body)
        answered = time.monotonic()
        while not is_seen(self.events.call("POST", probe, {})[0]):
            if time.monotonic() > answered + programs.START_PATIENCE_S:
                raise SystemExit(f"bench: {name}: not routed in {programs.START_PATIENCE_S} s")
        self.routed_ms.setdefault(name, []).append((time.monotonic() - answered) * 1000)
        self.called_ms.setdefault(name, []).append((answered - begun) * 1000)
        return answer

    def create(self):
        self.created = f"/changed/{self.number}"
        answer = self.change("a subscription is created", 201, "POST", f"{self.SPACE}/subscriptions",
                             self.subscription(self.created, "probe0"), self.created, lambda status: status == 200)
        self.created_id = answer["subscriptionId"]

    def remove(self):
        self.change("a subscription is deleted", 204, "DELETE", f"{self.SPACE}/subscriptions/{self.created_id}", None,
                    self.created, lambda status: status != 200)

    def update(self):
        """To a function that cannot be reached, and back."""
        is_bad = self.number % 8 < 4
        body = {"type": "http", "provider": {"url": BAD_URL if is_bad else self.url}}
        self.change("a function is updated", 200, "PUT", f"{self.SPACE}/functions/changing", body, "/changing",
                    lambda status: (status == 200) != is_bad)

    def step(self, is_changing):
        turn = (self.create, self.update, self.remove, self.update)
        if is_changing:
            turn[self.number % len(turn)]()
            self.number += 1
        else:
            self.expect(200, "GET", f"{self.SPACE}/functions/changing")
            self.events.call("POST", "/changing", {})

    def run(self, is_changing, is_over):
        """So many steps a second until it is over; how many there were."""
        next_at, count = time.monotonic(), 0
        while not is_over.is_set():
            self.step(is_changing)
            count += 1
            next_at += 1 / CHANGES_PER_S
            is_over.wait(max(0.0, next_at - time.monotonic()))
        return count

    def close(self):
        self.config.close()
        self.events.close()


def p99_ms(changer, is_changing, load):
    """(p99 of the traffic, how many steps there were)."""
    is_over, results = threading.Event(), []

    def traffic():
        try:
            results.append(load())
        finally:
            is_over.set()
    thread = threading.Thread(target=traffic)
    thread.start()
    count = changer.run(is_changing, is_over)
    thread.join()
    if not results:
        raise SystemExit("bench: the traffic failed")
    refuse_failures("traffic", results[0])
    return results[0]["p99_us"] / 1000, count


def change_alone(gateway, changer):
    """Changes without traffic: CPU ms of each, and ms until its answer."""
    used = gateway.cpu_ns()
    is_over = threading.Event()
    timer = threading.Timer(CHANGE_SECONDS, is_over.set)
    timer.start()
    count = changer.run(True, is_over)
    timer.join()
    cpu_ms = (gateway.cpu_ns() - used) / 1e6 / count
    calls = sorted(t for times in changer.called_ms.values() for t in times)
    return cpu_ms, statistics.median(calls)


def routed_rows(table, when, changer):
    for name, times in sorted(changer.routed_ms.items()):
        table.add(f"{name}, {when}: from its answer until it is routed, worst of {len(times)}",
                  f"{max(times):.1f} ms, median {statistics.median(times):.1f}", f"{MAX_ROUTED_MS} ms",
                  max(times) <= MAX_ROUTED_MS)
    changer.routed_ms = {}


def change_rows(table, load, gateway, made, per_s):
    changer = Changer(gateway, made.url)
    path = config_made.SYNC_PROBES["parameters"].replace(":", "x")
    pause_ms = max(1, round(loads.CONNECTIONS * 1000 / (per_s * CHANGE_LOAD)))
    say("changes without traffic")
    cpu_ms, call_ms = change_alone(gateway, changer)
    routed_rows(table, "no traffic", changer)
    p99 = {True: [], False: []}
    steps = 0
    for number in range(CHANGE_ROUNDS * 2):
        say(f"changes with traffic, round {number + 1} of {CHANGE_ROUNDS * 2}")
        is_changing = (number + number // 2) % 2 == 1
        result, count = p99_ms(changer, is_changing, lambda: load.run(gateway.port, path, CHANGE_SECONDS, pause_ms))
        p99[is_changing].append(result)
        steps += count if is_changing else 0
    routed_rows(table, "with traffic", changer)
    quiet, changing = min(p99[False]), min(p99[True])
    rate = steps / CHANGE_ROUNDS / CHANGE_SECONDS
    bound = max(quiet * MAX_P99_RATIO, quiet + MAX_P99_MORE_MS)
    table.add(f"p99 of traffic with {rate:.0f} changes a second, least disturbed of {CHANGE_ROUNDS}",
              f"{changing:.2f} ms, without {quiet:.2f}", f"{bound:.2f} ms", changing <= bound)
    changer.close()
    return cpu_ms, call_ms


def run(cores, directory, upstream, build, is_check):
    """The exit code."""
    os.sched_setaffinity(0, {cores[1]})   # with the load, so that the gateway has its core for itself
    table = report.Experiments()
    load = Load(cores[1], directory)
    say("making the configurations")
    small, large, thousand = (Made(name, count, directory, upstream, build) for name, count in (
        ("small", SMALL), ("large", LARGE), ("thousand", STARTUP_OBJECTS * SMALL // 11)))
    startup_row(table, cores[0], build, thousand)
    gateways = [MadeGateway(f"gateway-{name}", cores[0], directory, made, build)
                for name, made in (("small", small), ("large", large))]
    per_s = request_rows(table, load, upstream, gateways, (small, large))
    cpu_ms, call_ms = change_rows(table, load, gateways[1], large, per_s)
    print(f"\n{len(large.documents)} objects: {large.count('subscription')} subscriptions, {large.count('function')} "
          f"functions in {config_made.SPACES} spaces. A change takes {cpu_ms:.1f} ms of CPU time, and its answer "
          f"{call_ms:.1f} ms.")
    return table.end(is_check)

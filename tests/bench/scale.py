"""What the gateway does on more than one core, with many connections, and near and over its capacity.
`tests/bench/run --scale`.

Each experiment is a function in the table at the end, has gateways of its own, and prints rows: what, measured, target,
ok. Load comes from open_loop.c, which sends at a constant rate and counts the time of a request from when it was due. Load
generator and upstream have one core together and the gateway another; only where two loops are measured they are on both
cores, so that CPU figures count and rates do not. Overload is in overload.py.
"""
import contextlib
import os
import pathlib
import socket
import statistics
import time

import overload
import programs
import report
from open_loop import SPARE_DESCRIPTORS, Load, raise_descriptors
from overload import progress

SECONDS = 2
LOOP_ROUNDS = 6
IDLE_CONNECTIONS = 10000
KEPT_MIB = 2             # of the C library, whatever was used: its pages are not given back one by one
IDLE_S = 3
SATURATED = 150000                  # requests a second: more than one core can


class Bench:
    """What the experiments share, and their rows."""

    def __init__(self, cores, directory, upstream, build, is_quick):
        self.cores, self.directory, self.upstream, self.build = cores, directory, upstream, build
        self.seconds = 1 if is_quick else SECONDS
        self.load = Load(directory, cores[1])
        self.table = report.Experiments()
        self.row = self.table.add
        self.gateways = 0

    def gateway(self, core=None, fan_outs=(1,), **settings):
        """settings: with __ for the dot. The one before it has ended, so that only one works at a time."""
        self.gateways += 1
        flags = [part for key, value in settings.items() for part in ("--set", f"{key.replace('__', '.')}={value}")]
        return programs.Gateway(f"scale{self.gateways}", self.cores[0] if core is None else core, self.directory,
                                self.upstream, self.build, fan_outs, flags)

    def capacity(self, gateway, seconds=None):
        """Answers a second when more are wanted than can be had, over few connections."""
        return self.load.run(gateway.port, "/sync", (SATURATED, seconds or self.seconds), patience_ms=0).good() / (
            seconds or self.seconds)


# ---- two loops on two cores ----

def loop_ticks(gateway):
    """CPU time of each loop in ticks, by the name of its thread."""
    found = {}
    for task in pathlib.Path(f"/proc/{gateway.process.pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        found[f"{name}/{task.name}"] = int(fields[11]) + int(fields[12])
    return found


def cost_of(bench, gateway):
    """(CPU us per request, CPU time of each of its threads that did work: by thread, in order)."""
    before, cpu = loop_ticks(gateway), gateway.cpu_ns()
    answers = bench.load.run(gateway.port, "/sync", (SATURATED, bench.seconds), patience_ms=0)
    cpu = gateway.cpu_ns() - cpu
    used = {name: ticks - before.get(name, 0) for name, ticks in loop_ticks(gateway).items()}
    at_work = sorted((ticks, name) for name, ticks in used.items() if ticks > sum(used.values()) * 0.05)
    return cpu / 1000 / max(1, answers.good()), at_work


@contextlib.contextmanager
def load_everywhere(bench):
    """Generator and upstream on all cores: where they had one for themselves, all loops would go to the other."""
    process, core = bench.upstream.process.pid, bench.load.core
    former = os.sched_getaffinity(process)
    os.sched_setaffinity(process, bench.cores)
    bench.load.core = ",".join(map(str, bench.cores))
    try:
        yield
    finally:
        bench.load.core = core
        os.sched_setaffinity(process, former)


def pin_loops(bench, gateway):
    """Each to a core of its own."""
    for core, (_, name) in zip(bench.cores, cost_of(bench, gateway)[1]):
        os.sched_setaffinity(int(name.rpartition("/")[2]), [core])


def two_loops(bench):
    both = ",".join(map(str, bench.cores))
    gateways = {count: bench.gateway(core=both, loops=count) for count in (1, 2)}
    costs = {1: [], 2: []}
    shares = []
    with load_everywhere(bench):
        for gateway in gateways.values():
            pin_loops(bench, gateway)
        for count, gateway in list(gateways.items()) * LOOP_ROUNDS:
            cost, used = cost_of(bench, gateway)
            costs[count].append(cost)
            if count == 2:
                shares.append(used[-1][0] / sum(ticks for ticks, _ in used) if len(used) == 2 else 1.0)
    one, two = min(costs[1]), min(costs[2])
    bench.row("CPU us/request, 1 loop and 2 loops, each on a core", f"{one:.1f} and {two:.1f}", "", None)
    share = statistics.median(shares)
    bench.row("busier of 2 loops, share of their CPU time", f"{share:.1%}", "at most 55 %", share <= 0.55)
    # Full load is reached when the busier loop has a core's worth, and each request takes what it takes with 2 loops.
    scale = one / two / max(share, 0.5)
    bench.row("throughput of 2 loops on 2 cores, by CPU figures", f"{scale:.2f} x one loop", "at least 1.8 x", scale >= 1.8)
    for gateway in gateways.values():
        gateway.stop()


# ---- idle connections ----

REQUEST = b"POST /sync HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


def ask(connections):
    """How many answer 200, asked one after the other in groups."""
    good = 0
    for first in range(0, len(connections), 50):
        group = connections[first:first + 50]
        for connection in group:
            connection.sendall(REQUEST)
        good += sum(connection.recv(4096).startswith(b"HTTP/1.1 200") for connection in group)
    return good


def idle_cpu_ms(gateway):
    """While nothing is sent: the gateway looks for changes of its store ten times a second."""
    before = gateway.cpu_ns()
    time.sleep(IDLE_S)
    return (gateway.cpu_ns() - before) / 1e6


def connect(port):
    connection = socket.create_connection(("127.0.0.1", port), 10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def idle_connections(bench):
    allowed = raise_descriptors(IDLE_CONNECTIONS + SPARE_DESCRIPTORS) - SPARE_DESCRIPTORS
    count = min(IDLE_CONNECTIONS, allowed)
    if count < IDLE_CONNECTIONS:
        print(f"the hard limit of descriptors allows {count} connections instead of {IDLE_CONNECTIONS}")
    gateway = bench.gateway(limits__connections=IDLE_CONNECTIONS + 100)
    first = [connect(gateway.port)]
    for _ in range(50):   # what is made once is there
        ask(first)
    time.sleep(1)
    alone_ms = idle_cpu_ms(gateway)
    before = gateway.rss_mib()
    connections = []
    while len(connections) < count:
        some = [connect(gateway.port) for _ in range(min(500, count - len(connections)))]
        ask(some)
        connections += some
    full = gateway.rss_mib()
    each = (full - before) * 1024 / count
    bench.row(f"memory of an idle connection, of {count}", f"{each:.1f} KiB", "at most 20 KiB", each <= 20)
    time.sleep(1)     # the look for clients that leave at once has ended
    busy_ms = idle_cpu_ms(gateway)
    bench.row(f"CPU time in {IDLE_S} s with {count} idle connections, and with one", f"{busy_ms:.1f} and {alone_ms:.1f} ms",
              "at most 3 ms more", busy_ms <= alone_ms + 3)
    good = ask(connections)
    full = max(full, gateway.rss_mib())
    bench.row("of these answer afterwards", f"{good}", f"{count}", good == count)
    for connection in connections + first:
        connection.close()
    programs.wait_until(lambda: descriptors(gateway) < 100, "the gateway to close its connections")
    time.sleep(0.5)
    after = gateway.rss_mib()
    most = max((full - before) / 5, KEPT_MIB)
    bench.row("memory kept when all have closed", f"{after - before:.1f} of {full - before:.1f} MiB",
              f"at most 20 %, or {KEPT_MIB} MiB", after - before <= most)
    gateway.stop()


def descriptors(gateway):
    return len(os.listdir(f"/proc/{gateway.process.pid}/fd"))


# ---- half of capacity ----

def half_load(bench):
    gateway = bench.gateway()
    capacity = bench.capacity(gateway)
    direct, through = [], []
    for _ in range(16):   # short ones in turns; the least disturbed counts, as for CPU time
        direct.append(bench.load.run(bench.upstream.port, "/", (capacity / 2, 0.25)))
        through.append(bench.load.run(gateway.port, "/sync", (capacity / 2, 0.25)))
    bench.row("capacity, one loop on one core", f"{capacity:.0f} requests/s", "", None)
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        without, behind = (min(a.p_ms(share) for a in some) for some in (direct, through))
        added = behind - without
        is_ok = added <= 1 if name == "p99" else None
        bench.row(f"added {name} at half of capacity ({capacity / 2:.0f}/s)", f"{added:.2f} ms ({behind:.2f} over {without:.2f})",
                  "at most 1 ms" if name == "p99" else "", is_ok)
    gateway.stop()


EXPERIMENTS = {
    "loops": (two_loops, "two loops on two cores"),
    "idle": (idle_connections, f"{IDLE_CONNECTIONS} idle connections"),
    "latency": (half_load, "latency at half of capacity"),
    "overload": (overload.requests, "three times capacity"),
    "events": (overload.events, "three times as many events as can be delivered"),
}


def run(cores, directory, upstream, build, is_quick, is_check, only=None):
    """The exit code."""
    bench = Bench(cores, directory, upstream, build, is_quick)
    for name, (experiment, title) in EXPERIMENTS.items():
        if only is None or only == name:
            progress(f"{title} ...")
            experiment(bench)
    return bench.table.end(is_check)

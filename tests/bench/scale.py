"""What the gateway does on more than one core, with many connections, and near and over its capacity.
`tests/bench/run --scale`.

Each experiment is a function in the table at the end, has gateways of its own, and prints rows: what, measured, target,
ok. Load comes from open_loop.c, which sends at a constant rate and counts the time of a request from when it was due. Load
generator and upstream have one core together and the gateway another; only where two loops are measured they are on both
cores, so that CPU figures count and rates do not. A request costs these two nearly as much as the gateway, so in overload a
process that only burns time has half of the gateway's core, or they would be what limits.
"""
import array
import os
import pathlib
import resource
import socket
import statistics
import subprocess
import sys
import time

import loads
import programs
import report

SECONDS = 2
CONNECTIONS = 64
IDLE_CONNECTIONS = 10000
IDLE_S = 3
SPARE_DESCRIPTORS = 300
NONE, BROKEN, ABANDONED = 0, 1, 2   # open_loop.c, instead of a status
FOREVER_MS = 30000
SATURATED = 150000                  # requests a second: more than one core can


def is_refusal(status):
    """Told to come again, or not let in."""
    return status in (503, 429, BROKEN)


class Answers:
    """What became of the requests that were due in a span of time."""

    def __init__(self, records):
        self.records = records

    def between(self, from_s, to_s):
        return Answers([r for r in self.records if from_s * 1e6 <= r[0] < to_s * 1e6])

    def count(self, condition):
        return sum(condition(status) for _, _, status in self.records)

    def good(self):
        return self.count(lambda status: 200 <= status < 300)

    def times_ms(self, is_wanted):
        return sorted(took / 1000 for _, took, status in self.records if is_wanted(status))

    def p_ms(self, share, is_wanted=lambda status: 200 <= status < 300):
        times = self.times_ms(is_wanted)
        return times[min(len(times) - 1, int(len(times) * share))] if times else float("inf")


class Load:
    """The generator, built once."""

    def __init__(self, directory, core):
        self.binary, self.core = directory / "open_loop", core
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-D_GNU_SOURCE", "-o", self.binary,
                        programs.HERE / "open_loop.c"], check=True)

    def start(self, port, path, *phases, connections=CONNECTIONS, patience_ms=FOREVER_MS, deadline_ms=FOREVER_MS):
        """phases: (requests a second, seconds)."""
        text = [f"{max(1, round(rate))}:{round(seconds * 1000)}" for rate, seconds in phases]
        return subprocess.Popen(
            ["taskset", "-c", str(self.core), self.binary, str(port), path, str(connections), str(patience_ms),
             str(deadline_ms), *text], stdout=subprocess.PIPE)

    @staticmethod
    def end(process):
        """What became of the requests."""
        out = process.communicate()[0]
        if process.returncode != 0:
            raise SystemExit(f"bench: the load generator ended with {process.returncode}")
        numbers = array.array("I", out)
        return Answers(list(zip(numbers[0::3], numbers[1::3], numbers[2::3])))

    def run(self, *args, **more):
        return self.end(self.start(*args, **more))


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
        """Answers a second when more are wanted than can be had, of a gateway that has a core for itself."""
        return self.load.run(gateway.port, "/sync", (SATURATED, seconds or self.seconds), patience_ms=0).good() / (
            seconds or self.seconds)


def progress(text):
    print(f"  {text}", file=sys.stderr, flush=True)


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
    """(CPU us per request, CPU time of each of its threads that did work, in order)."""
    before, cpu = loop_ticks(gateway), gateway.cpu_ns()
    answers = bench.load.run(gateway.port, "/sync", (SATURATED, bench.seconds), patience_ms=0)
    cpu = gateway.cpu_ns() - cpu
    used = [ticks - before.get(name, 0) for name, ticks in loop_ticks(gateway).items()]
    return cpu / 1000 / max(1, answers.good()), sorted(ticks for ticks in used if ticks > sum(used) * 0.05)


def two_loops(bench):
    both = f"{bench.cores[0]},{bench.cores[1]}"
    gateways = {count: bench.gateway(core=both, loops=count) for count in (1, 2)}
    costs = {1: [], 2: []}
    shares = []
    for _ in range(3):
        for count, gateway in gateways.items():
            cost, used = cost_of(bench, gateway)
            costs[count].append(cost)
            if count == 2:
                shares.append(used[-1] / sum(used) if len(used) == 2 else 1.0)
    one, two = min(costs[1]), min(costs[2])
    bench.row("CPU us/request, 1 loop and 2 loops", f"{one:.1f} and {two:.1f}", "", None)
    share = statistics.median(shares)
    bench.row("busier of 2 loops, share of their CPU time", f"{share:.1%}", "at most 55 %", share <= 0.55)
    # Full load is reached when the busier loop has a core's worth, and each request takes what it takes with 2 loops.
    scale = one / two / max(share, 0.5)
    bench.row("throughput of 2 loops on 2 cores, by CPU figures", f"{scale:.2f} x one loop", "at least 1.8 x", scale >= 1.8)
    for gateway in gateways.values():
        gateway.stop()


# ---- idle connections ----

def raise_descriptors(wanted):
    """How many may be open in each process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard) if hard != resource.RLIM_INFINITY else wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


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
    kept = (after - before) / max(full - before, 0.001)
    bench.row("memory kept when all have closed", f"{after - before:.1f} of {full - before:.1f} MiB", "at most 20 %", kept <= 0.2)
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


# ---- three times capacity ----

OVERLOAD_DEADLINE_MS = 500
OVERLOAD_PATIENCE_MS = 5
# (connections of the clients, limits.connections). docs/operations.md says how to choose it; 10,000 is the default.
OVERLOADS = ((1200, 400), (3000, 10000))
LOAD_MAX = 0.9        # of its core: with more, load generator and upstream may be what limits
GATEWAY_MIN = 0.4     # of its core, of which it can have half
SAMPLED_FROM_S, SAMPLED_AFTER_S = 2, 0.8   # of a load: begins after a second of little, and lasts at least two
PROBES = 6


class Burner(programs.Program):
    """Burns time on a core, so that another program gets half of it."""

    def __init__(self, core, directory):
        super().__init__("burner", core, ["sh", "-c", "while :; do :; done"], directory)


def cpu_ns(pid):
    return time.clock_gettime_ns((~pid << 3) | 2)   # as in programs.Program


def shares(seconds, *clocks):
    """How much of a core each has used in a span of time that begins now. clocks: of CPU time, in ns."""
    begin_ns, before = time.monotonic_ns(), [clock() for clock in clocks]
    time.sleep(seconds)
    took_ns = time.monotonic_ns() - begin_ns
    return [(clock() - at) / took_ns for clock, at in zip(clocks, before)]


def why_not_measured(gateway_share, load_share):
    """A sentence when something else than the gateway limited, or None. Shares of a core each."""
    if load_share > LOAD_MAX:
        return f"not measured: load generator and upstream used {load_share:.0%} of their core, and may be what limited"
    if gateway_share < GATEWAY_MIN:
        return (f"not measured: the gateway used {gateway_share:.0%} of a core instead of about 50 %: "
                "something else runs on this machine")
    return None


def largest(is_answered, low, high, probes=PROBES):
    """The largest rate found for which is_answered(rate); low is taken as answered."""
    for _ in range(probes):
        rate = (low + high) / 2
        low, high = (rate, high) if is_answered(rate) else (low, rate)
    return low


def answered_rate(bench, gateway, connections):
    """The largest rate of which 99 % are answered, by the same generator and over as many connections as in overload."""
    def is_answered(rate):
        answers = bench.load.run(gateway.port, "/sync", (rate, bench.seconds / 2), connections=connections,
                                 patience_ms=OVERLOAD_PATIENCE_MS, deadline_ms=OVERLOAD_DEADLINE_MS)
        return answers.good() >= 0.99 * len(answers.records)
    bench.capacity(gateway, 1)   # what is made once is there
    most = bench.capacity(gateway)
    return largest(is_answered, most / 2, most * 1.1)


def run_overload(bench, gateway, capacity, clients):
    """(answers, seconds of overload, share of a core that the gateway had, share that load generator and upstream had)"""
    length, quiet = bench.seconds * 2, capacity / 4
    load = bench.load.start(gateway.port, "/sync", (quiet, 1), (3 * capacity, length), (quiet, 4), connections=clients,
                            patience_ms=OVERLOAD_PATIENCE_MS, deadline_ms=OVERLOAD_DEADLINE_MS)
    time.sleep(SAMPLED_FROM_S)
    gateway_share, *of_load = shares(length - SAMPLED_FROM_S + SAMPLED_AFTER_S, gateway.cpu_ns, lambda: cpu_ns(load.pid),
                                     bench.upstream.cpu_ns)
    return bench.load.end(load), length, gateway_share, sum(of_load)


def overload_rows(bench, capacity, clients, places, found):
    answers, length, gateway_share, load_share = found
    bench.row("CPU: gateway, and load generator with upstream", f"{gateway_share:.0%} of a core, and {load_share:.0%} of the other",
              f"at most {LOAD_MAX:.0%} of the other", load_share <= LOAD_MAX)
    before, during = answers.between(0, 1), answers.between(1.5, 1 + length)
    goodput = during.good() / (length - 0.5)
    bench.row(f"answered in {OVERLOAD_DEADLINE_MS} ms at 3 x capacity ({3 * capacity:.0f}/s, {clients} connections for {places} places)",
              f"{goodput / capacity:.0%} of {capacity:.0f}/s, p99 {during.p_ms(0.99):.0f} ms", "at least 90 %",
              goodput >= 0.9 * capacity)
    late = during.count(lambda status: status == ABANDONED)
    refused, p99 = during.count(is_refusal), during.p_ms(0.99, is_refusal)
    bench.row("the rest of these", f"{refused} refused (p99 {p99 if refused else 0:.0f} ms), {late} too late, "
              f"{during.count(lambda s: s == NONE)} found no connection free", "at most 1 % too late, refused in 100 ms",
              late <= 0.01 * len(during.records) and (not refused or p99 <= 100))
    bench.row("longest until p99 is back", *recovery(answers, before, 1 + length))


def overload(bench):
    raise_descriptors(max(clients for clients, _ in OVERLOADS) + SPARE_DESCRIPTORS)
    burner = Burner(bench.cores[0], bench.directory)
    for clients, places in OVERLOADS:
        gateway = bench.gateway(limits__connections=places)
        capacity = answered_rate(bench, gateway, min(clients, places))
        idle_mib = gateway.rss_mib()
        bench.row(f"capacity with half of a core, over {min(clients, places)} connections: the largest rate that is answered",
                  f"{capacity:.0f} requests/s", "", None)
        found = run_overload(bench, gateway, capacity, clients)
        loaded_mib = gateway.rss_mib()
        why = why_not_measured(*found[2:])
        if why is not None:
            bench.row(f"3 x capacity, {clients} connections for {places} places", why, "measured", False)
        else:
            overload_rows(bench, capacity, clients, places, found)
            bench.row("memory after overload, and before", f"{loaded_mib:.0f} and {idle_mib:.0f} MiB", "at most 16 MiB more",
                      loaded_mib - idle_mib <= 16)
        gateway.stop()
    burner.stop()


# ---- three times as many events as can be delivered ----

EVENT_CONNECTIONS = 400


def delivered_in(bench, load, gateway, seconds):
    """(calls of functions a second, share of a core that the gateway had, share that load generator and upstream had)"""
    before, begin = bench.upstream.count(), time.monotonic()
    gateway_share, *of_load = shares(seconds, gateway.cpu_ns, lambda: cpu_ns(load.pid), bench.upstream.cpu_ns)
    return (bench.upstream.count() - before) / (time.monotonic() - begin), gateway_share, sum(of_load)


def overload_with_events(bench, gateway, subscribers):
    path = f"/async{subscribers}"
    done = loads.by_closed_loop(bench.upstream.port, gateway.port, path, loads.POST, subscribers, bench.seconds)
    capacity = done["requests"] * 1e6 / done["duration_us"]
    called = bench.upstream.count_at_rest()
    load = bench.load.start(gateway.port, path, (3 * capacity, bench.seconds + 1), connections=EVENT_CONNECTIONS,
                            patience_ms=OVERLOAD_PATIENCE_MS, deadline_ms=FOREVER_MS)
    time.sleep(0.8)
    calls, *of_cores = delivered_in(bench, load, gateway, bench.seconds)
    answers = bench.load.end(load)
    what = f"events delivered at 3 x capacity ({3 * capacity:.0f}/s), {subscribers} subscriber{'s' if subscribers > 1 else ''}"
    why = why_not_measured(*of_cores)
    share = calls / subscribers / capacity
    bench.row(what, why or f"{share:.0%} of {capacity:.0f}/s", "at least 90 %", why is None and share >= 0.9)
    refused = answers.count(is_refusal)
    bench.row("the rest of these", f"{refused} refused (p99 {answers.p_ms(0.99, is_refusal) if refused else 0:.0f} ms), "
              f"{answers.count(lambda s: s == NONE)} found no connection free", "", None)
    missing = answers.good() * subscribers - (bench.upstream.count_at_rest() - called)
    bench.row("deliveries of accepted events that are missing in the end", f"{missing}", "0", missing == 0)


def overload_events(bench):
    burner = Burner(bench.cores[0], bench.directory)
    for subscribers in (1, 5):
        gateway = bench.gateway(fan_outs=(subscribers,))
        overload_with_events(bench, gateway, subscribers)
        gateway.stop()
    burner.stop()


def recovery(answers, before, end_s):
    """(measured, target, ok): from the end of overload to the end of the last tenth of a second in which a request was
    refused or the p99 was over the usual by more than 20 ms."""
    usual = before.p_ms(0.99)
    last = end_s
    for tenth in range(40):
        window = answers.between(end_s + tenth / 10, end_s + (tenth + 1) / 10)
        if window.records and (window.good() < len(window.records) or window.p_ms(0.99) > 2 * usual + 20):
            last = end_s + (tenth + 1) / 10
    return f"{last - end_s:.1f} s", "at most 2 s", last - end_s <= 2


EXPERIMENTS = {
    "loops": (two_loops, "two loops on two cores"),
    "idle": (idle_connections, f"{IDLE_CONNECTIONS} idle connections"),
    "latency": (half_load, "latency at half of capacity"),
    "overload": (overload, "three times capacity"),
    "events": (overload_events, "three times as many events as can be delivered"),
}


def run(cores, directory, upstream, build, is_quick, is_check, only=None):
    """The exit code."""
    bench = Bench(cores, directory, upstream, build, is_quick)
    for name, (experiment, title) in EXPERIMENTS.items():
        if only is None or only == name:
            progress(f"{title} ...")
            experiment(bench)
    return bench.table.end(is_check)

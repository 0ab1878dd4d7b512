"""Three times of what the gateway can do: of requests, and of events. Parts of scale.py.

To send and to answer a request costs load generator and upstream nearly what it costs the gateway. So that they are not
what limits, a process that only burns time has half of the gateway's core. No goodput is told when something else than the
gateway limited all the same.
"""
import statistics
import sys
import time

import loads
import programs
from open_loop import ABANDONED, FOREVER_MS, NONE, SPARE_DESCRIPTORS, is_refusal, raise_descriptors

DEADLINE_MS = 500
PATIENCE_MS = 5
# (connections of the clients, limits.connections). docs/operations.md says how to choose it; 10,000 is the default.
CROWDS = ((1200, 400), (3000, 10000))
LOAD_MAX = 0.9        # of its core: with more, load generator and upstream may be what limits
GATEWAY_MIN = 0.4     # of its core, of which it can have half
DRIFT_MAX = 1.15      # between the capacity before and after
ATTEMPTS = 3          # when something else was what limited
SAMPLED_FROM_S, SAMPLED_AFTER_S = 2, 0.8   # of a load: begins after a second of little, and lasts at least two
PROBES = 6


def progress(text):
    print(f"  {text}", file=sys.stderr, flush=True)


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


def why_not_measured(gateway_share, load_share, capacities=()):
    """A sentence when something else than the gateway limited, or None. Shares of a core each, capacities before and after."""
    if load_share > LOAD_MAX:
        return f"not measured: load generator and upstream used {load_share:.0%} of their core, and may be what limited"
    if gateway_share < GATEWAY_MIN:
        return (f"not measured: the gateway used {gateway_share:.0%} of a core instead of about 50 %: "
                "something else runs on this machine")
    if capacities and max(capacities) > DRIFT_MAX * min(capacities):
        return (f"not measured: capacity was {capacities[0]:.0f}/s before and {capacities[1]:.0f}/s after: "
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
        answers = bench.load.run(gateway.port, "/sync", (rate, bench.seconds / 3), connections=connections,
                                 patience_ms=PATIENCE_MS, deadline_ms=DEADLINE_MS)
        return answers.good() >= 0.99 * len(answers.records)
    most = bench.capacity(gateway, 1)
    return largest(is_answered, most / 2, most * 1.1)


def run_overload(bench, gateway, capacity, clients):
    """(answers, seconds of overload, share of a core that the gateway had, share that load generator and upstream had)"""
    length, quiet = bench.seconds * 2, capacity / 4
    load = bench.load.start(gateway.port, "/sync", (quiet, 1), (3 * capacity, length), (quiet, 4), connections=clients,
                            patience_ms=PATIENCE_MS, deadline_ms=DEADLINE_MS)
    time.sleep(SAMPLED_FROM_S)
    gateway_share, *of_load = shares(length - SAMPLED_FROM_S + SAMPLED_AFTER_S, gateway.cpu_ns, lambda: cpu_ns(load.pid),
                                     bench.upstream.cpu_ns)
    return bench.load.end(load), length, gateway_share, sum(of_load)


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


def overload_rows(bench, capacity, clients, places, answers, length):
    before, during = answers.between(0, 1), answers.between(1.5, 1 + length)
    goodput = during.good() / (length - 0.5)
    bench.row(f"answered in {DEADLINE_MS} ms at 3 x capacity ({clients} connections for {places} places)",
              f"{goodput / capacity:.0%} of {capacity:.0f}/s, p99 {during.p_ms(0.99):.0f} ms", "at least 90 %",
              goodput >= 0.9 * capacity)
    late = during.count(lambda status: status == ABANDONED)
    refused, p99 = during.count(is_refusal), during.p_ms(0.99, is_refusal)
    bench.row("the rest of these", f"{refused} refused (p99 {p99 if refused else 0:.0f} ms), {late} too late, "
              f"{during.count(lambda s: s == NONE)} found no connection free", "at most 1 % too late, refused in 100 ms",
              late <= 0.01 * len(during.records) and (not refused or p99 <= 100))
    bench.row("longest until p99 is back", *recovery(answers, before, 1 + length))


def until_measured(attempt):
    """What the attempt returns: (why it was not measured, or None; ...)."""
    for _ in range(ATTEMPTS):
        found = attempt()
        if found[0] is None:
            break
        progress(found[0])
    return found


def try_overload(bench, gateway, clients, used):
    """(why not measured, answers, seconds of overload, capacities before and after, MiB before and after, shares of cores)"""
    first = answered_rate(bench, gateway, used)
    idle_mib = gateway.rss_mib()
    answers, length, *of_cores = run_overload(bench, gateway, first, clients)
    mib = (idle_mib, gateway.rss_mib())
    capacities = (first, answered_rate(bench, gateway, used))
    return why_not_measured(*of_cores, capacities), answers, length, capacities, mib, of_cores


def overload_one(bench, gateway, clients, places):
    used = min(clients, places)
    answered_rate(bench, gateway, used)   # what is made once is there
    why, answers, length, capacities, mib, of_cores = until_measured(lambda: try_overload(bench, gateway, clients, used))
    bench.row(f"capacity with half of a core, over {used} connections: the largest rate that is answered, before and after",
              f"{capacities[0]:.0f} and {capacities[1]:.0f} requests/s", "", None)
    bench.row("CPU in overload: gateway, and load generator with upstream",
              f"{of_cores[0]:.0%} of a core, and {of_cores[1]:.0%} of the other", f"at most {LOAD_MAX:.0%} of the other",
              of_cores[1] <= LOAD_MAX)
    if why is not None:
        bench.row(f"3 x capacity, {clients} connections for {places} places", why, "measured", False)
        return
    overload_rows(bench, statistics.mean(capacities), clients, places, answers, length)
    bench.row("memory after overload, and before", f"{mib[1]:.0f} and {mib[0]:.0f} MiB", "at most 16 MiB more",
              mib[1] - mib[0] <= 16)


def requests(bench):
    raise_descriptors(max(clients for clients, _ in CROWDS) + SPARE_DESCRIPTORS)
    burner = Burner(bench.cores[0], bench.directory)
    for clients, places in CROWDS:
        gateway = bench.gateway(limits__connections=places)
        overload_one(bench, gateway, clients, places)
        gateway.stop()
    burner.stop()


# ---- three times as many events as can be delivered ----

EVENT_CONNECTIONS = 400


def delivered_in(bench, load, gateway, seconds):
    """(calls of functions a second, share of a core that the gateway had, share that load generator and upstream had)"""
    before, begin = bench.upstream.count(), time.monotonic()
    gateway_share, *of_load = shares(seconds, gateway.cpu_ns, lambda: cpu_ns(load.pid), bench.upstream.cpu_ns)
    return (bench.upstream.count() - before) / (time.monotonic() - begin), gateway_share, sum(of_load)


def event_capacity(bench, gateway, subscribers):
    done = loads.by_closed_loop(bench.upstream.port, gateway.port, f"/async{subscribers}", loads.POST, subscribers, bench.seconds)
    return done["requests"] * 1e6 / done["duration_us"]


def try_events(bench, gateway, subscribers):
    """(why not measured, share of capacity that was delivered, capacity, answers, deliveries missing in the end)"""
    first = event_capacity(bench, gateway, subscribers)
    called = bench.upstream.count_at_rest()
    load = bench.load.start(gateway.port, f"/async{subscribers}", (3 * first, bench.seconds + 1), connections=EVENT_CONNECTIONS,
                            patience_ms=PATIENCE_MS, deadline_ms=FOREVER_MS)
    time.sleep(0.8)
    calls, *of_cores = delivered_in(bench, load, gateway, bench.seconds)
    answers = bench.load.end(load)
    missing = answers.good() * subscribers - (bench.upstream.count_at_rest() - called)
    capacities = (first, event_capacity(bench, gateway, subscribers))
    capacity = statistics.mean(capacities)
    return why_not_measured(*of_cores, capacities), calls / subscribers / capacity, capacity, answers, missing


def overload_with_events(bench, gateway, subscribers):
    why, share, capacity, answers, missing = until_measured(lambda: try_events(bench, gateway, subscribers))
    bench.row(f"events delivered at 3 x capacity, {subscribers} subscriber{'s' if subscribers > 1 else ''}",
              why or f"{share:.0%} of {capacity:.0f}/s", "at least 90 %", why is None and share >= 0.9)
    refused = answers.count(is_refusal)
    bench.row("the rest of these", f"{refused} refused (p99 {answers.p_ms(0.99, is_refusal) if refused else 0:.0f} ms), "
              f"{answers.count(lambda s: s == NONE)} found no connection free", "", None)
    bench.row("deliveries of accepted events that are missing in the end", f"{missing}", "0", missing == 0)


def events(bench):
    burner = Burner(bench.cores[0], bench.directory)
    for subscribers in (1, 5):
        gateway = bench.gateway(fan_outs=(subscribers,))
        overload_with_events(bench, gateway, subscribers)
        gateway.stop()
    burner.stop()

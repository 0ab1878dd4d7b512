"""The benchmark: CPU time per request, beside nginx, HAProxy and Caddy. tests/bench/run prepares the machine first.

CPU per request is the CPU time of the program's process tree over the requests it finished, so it says what
a request costs and not how fast this machine is. Programs take turns within each round, since a shared
machine changes its mind. Whatever disturbs only ever adds to a request's CPU time, so that of the least
disturbed round counts, for nginx as for the gateway; all else is the median of the rounds. So many short rounds
are better than few long ones, and how far they lie apart is reported: a base that was disturbed in all of
them would flatter.

Like is compared with like: a row's ratio is to nginx under the same request and the same kind of load. See
docs/performance.md.
"""
import argparse
import os
import pathlib
import signal
import statistics
import sys
import tempfile

import config_scale
import loads
import plot
import programs
import report
import rows
import scale
from report import Target

ROOT = programs.HERE.parents[1]
WARM_UP_S = 1
FAN_OUTS = (1, 5)
SHORT, SHORT_DELIVERED = "POST, 120 bytes", "POST, 120 bytes, delivered"
EVENT, GET, LONG = "CloudEvent, structured", "GET, no body", "POST, 10 KiB"

TARGETS = [
    Target("sync: CPU per request over that of nginx", lambda row: row["sync"].ratio(row["nginx"]), "<=", 0.9),
    Target("sync: CPU per request over that of HAProxy", lambda row: row["sync"].ratio(row["haproxy"]), "<", 1),
    Target("async, 1 subscriber: over nginx", lambda row: row["async1"].ratio(row["nginx-delivered"]), "<=", 0.9),
    Target("async, 5 subscribers: over nginx", lambda row: row["async5"].ratio(row["nginx-delivered"]), "<=", 2.5),
    Target("memory when idle, MiB", lambda row: row["sync"].idle_mib, "<=", 32),
]


class Scenario:
    """A program, what is sent to it, and how. deliveries: calls of functions that finish a request after its answer;
    None: the answer finishes it. Those of the same group get the same load; the first is what the others are over."""

    def __init__(self, key, group, name, program, request, path="/sync", deliveries=None):
        self.key, self.group, self.name, self.program = key, group, name, program
        self.request, self.path, self.deliveries = request, path, deliveries
        self.runs = []

    def row(self):
        def median(key):
            return statistics.median(run[key] for run in self.runs)
        least = min(run["cpu_us"] for run in self.runs)
        return report.Row(self.key, self.group, self.name, cpu_us=least, noise=median("cpu_us") / least - 1,
                          per_s=median("per_s"), busy=median("busy"), p50_us=median("p50_us"),
                          p99_us=median("p99_us"), idle_mib=self.program.idle_mib, loaded_mib=median("rss_mib"))


def scenarios_of(cores, directory, upstream, build):
    nginx, haproxy, caddy = (start(cores[0], directory, upstream)
                             for start in (programs.nginx, programs.haproxy, programs.caddy))
    sync, pub_sub = (programs.Gateway(name, cores[0], directory, upstream, build, FAN_OUTS)
                     for name in ("gateway", "gateway-async"))
    sync.subscribe("sync", "/sync", 1, method="GET")
    sync.create("eventtypes", {"name": "order.created"})
    sync.subscribe("sync", "/events", 1, event_type="order.created")
    sync.wait_routed()
    found = [Scenario("nginx", SHORT, "nginx", nginx, loads.POST),
             Scenario("haproxy", SHORT, "HAProxy", haproxy, loads.POST),
             Scenario("caddy", SHORT, "Caddy", caddy, loads.POST),
             Scenario("sync", SHORT, "gateway, sync", sync, loads.POST),
             Scenario("nginx-delivered", SHORT_DELIVERED, "nginx", nginx, loads.POST, deliveries=1)]
    found += [Scenario(f"async{n}", SHORT_DELIVERED, f"gateway, async, {n} subscriber{'s' if n > 1 else ''}", pub_sub,
                       loads.POST, f"/async{n}", n) for n in FAN_OUTS]
    for key, group, request, path in (("event", EVENT, loads.EVENT, "/events"), ("get", GET, loads.GET, "/sync"),
                                      ("long", LONG, loads.LONG, "/sync")):
        found += [Scenario(f"nginx-{key}", group, "nginx", nginx, request, path),
                  Scenario(f"sync-{key}", group, "gateway, sync", sync, request, path)]
    return found


def settle(scenario, upstream, before, result):
    """The calls of functions that were made. wrk ends with requests on their way that it does not count: they are
    answered too, and cost."""
    wanted = before + result["requests"] * (scenario.deliveries or 1)
    programs.wait_until(lambda: upstream.count() >= wanted, f"{wanted - before} calls of {scenario.name}")
    arrived = upstream.count_at_rest()
    if scenario.deliveries and arrived > wanted:
        raise SystemExit(f"bench: {scenario.name}: {arrived - wanted} deliveries were made twice")
    return arrived - before


def send(scenario, upstream, core, seconds):
    port, path, request = scenario.program.port, scenario.path, scenario.request
    if scenario.deliveries:
        return loads.by_closed_loop(upstream.port, port, path, request, scenario.deliveries, seconds)
    return loads.by_wrk(port, path, request, core, seconds)


def complain(scenario, result):
    wrong = [f"{result[key]} {what}" for key, what in (
        ("bad_status", "answers were no success"), ("broken", "requests broke"),
        ("missing", "deliveries are missing")) if result.get(key)]
    if wrong or not result["requests"]:
        raise SystemExit(f"bench: {scenario.group}: {scenario.name}: {', '.join(wrong) or 'no answers'}")


def measure(scenario, upstream, core, seconds):
    before, cpu = upstream.count(), scenario.program.cpu_ns()
    result = send(scenario, upstream, core, seconds)
    busy = (scenario.program.cpu_ns() - cpu) / 1000 / result["duration_us"]
    complain(scenario, result)
    finished = settle(scenario, upstream, before, result) / (scenario.deliveries or 1)
    cpu = scenario.program.cpu_ns() - cpu
    return {"cpu_us": cpu / 1000 / finished, "per_s": result["requests"] * 1e6 / result["duration_us"],
            "busy": busy, "p50_us": result["p50_us"], "p99_us": result["p99_us"],
            "rss_mib": scenario.program.rss_mib()}


def progress(text):
    if sys.stderr.isatty():
        print(text, end="\r", file=sys.stderr, flush=True)


def run_rounds(scenarios, upstream, core, rounds, seconds):
    for scenario in scenarios:
        progress(f"  warming up: {scenario.group}, {scenario.name:40}")
        measure(scenario, upstream, core, WARM_UP_S)
    for number in range(rounds):
        turn = number * 5 % len(scenarios)
        for scenario in scenarios[turn:] + scenarios[:turn]:
            progress(f"  round {number + 1} of {rounds}: {scenario.group}, {scenario.name:40}")
            scenario.runs.append(measure(scenario, upstream, core, seconds))
    progress(" " * 100)


def arguments():
    parser = argparse.ArgumentParser(
        prog="tests/bench/run", description="CPU time per request of the gateway, beside nginx, HAProxy and Caddy as "
        "plain proxies to the same upstream: a table, what became of the targets, and a plot.")
    parser.add_argument("--quick", action="store_true", help="one round of 1 s: says whether it runs, not what it costs")
    parser.add_argument("--check", action="store_true",
                        help="exit with 1 when a target is missed; with --plugins: when a row is over its budget")
    parser.add_argument("--plugins", action="store_true",
                        help="what plugins cost, in many short rounds, instead of the comparison")
    parser.add_argument("--scale", nargs="?", const="all", choices=["all", *scale.EXPERIMENTS], metavar="EXPERIMENT",
                        help="two cores, many connections, latency, overload, instead of the comparison; or one of "
                        + ", ".join(scale.EXPERIMENTS) + ". With --check: exit with 1 over a target")
    parser.add_argument("--config", action="store_true",
                        help="what the size of the configuration costs: requests, startup, changes; with --check: "
                        "when a row is over its target")
    parser.add_argument("--plot", type=pathlib.Path, default=ROOT / "build" / "bench.svg", metavar="FILE",
                        help="where the plot goes, an SVG image (default: build/bench.svg)")
    parser.add_argument("--write-docs", action="store_true",
                        help="put results and plot into docs/performance.md and docs/performance.svg")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release",
                        metavar="DIR", help="directory of the gateway to measure (default: build/release)")
    parser.add_argument("--rounds", type=int, help="default: 6; with --plugins 20")
    parser.add_argument("--seconds", type=int, default=1, help="of each measurement, default: 1")
    args = parser.parse_args()
    if (args.plugins or args.config or args.scale) and args.write_docs:
        parser.error("--write-docs takes the comparison, not --plugins, --config or --scale")
    args.rounds = args.rounds or (1 if args.quick else rows.ROUNDS if args.plugins else 6)
    if min(args.rounds, args.seconds) < 1:
        parser.error("--rounds and --seconds are at least 1")
    return args


def compare(args, cores, directory, upstream):
    """The exit code."""
    scenarios = scenarios_of(cores, directory, upstream, args.build.resolve())
    facts = report.facts(args.build.resolve(), args.rounds, args.seconds)
    print("\n".join(facts), end="\n\n", flush=True)
    run_rounds(scenarios, upstream, cores[1], args.rounds, args.seconds)
    found = [scenario.row() for scenario in scenarios]
    outcome = report.outcome(TARGETS, found)
    print("\n\n".join(filter(None, [report.table(found), report.disturbed(found), report.targets_table(outcome)])))
    args.plot.parent.mkdir(parents=True, exist_ok=True)
    args.plot.write_text(plot.svg(found))
    print(f"\nplot: {args.plot}")
    if args.write_docs:
        report.write_docs(ROOT / "docs" / "performance.md", facts, found, outcome, plot.svg(found))
        print("written: docs/performance.md, docs/performance.svg")
    missed = sum(not is_met for _, _, is_met in outcome)
    if args.check:
        print(f"check {'failed' if missed else 'passed'}: {missed} of {len(outcome)} targets missed")
    return 1 if args.check and missed else 0


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))   # so that what was started is stopped
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("bench: two cores are needed, one for the program and one for load and upstream")
    with tempfile.TemporaryDirectory(prefix="eventgw-bench-") as name:
        directory = pathlib.Path(name)
        directory.chmod(0o755)   # nginx's worker is another user
        try:
            upstream = programs.Upstream(cores[1], directory)
            if args.scale:
                return scale.run(cores, directory, upstream, args.build.resolve(), args.quick, args.check,
                                 None if args.scale == "all" else args.scale)
            if args.plugins:
                return rows.run(cores, directory, upstream, args.build.resolve(), args.rounds, args.check)
            if args.config:
                return config_scale.run(cores, directory, upstream, args.build.resolve(), args.check)
            return compare(args, cores, directory, upstream)
        finally:
            for program in reversed(programs.Program.started):
                program.stop()


if __name__ == "__main__":
    sys.exit(main())

"""The benchmark's rounds and its tables; tests/bench/run prepares the machine and calls this.

CPU per request is utime + stime of the program's process tree over the requests it answered, so it says what
a request costs and not how fast this machine is. Programs take turns within each round, since a shared
machine changes its mind. Whatever disturbs only ever adds to a request's CPU time, so that of the least
disturbed round counts, for nginx as for the gateway; all else is the median of the rounds.
"""
import argparse
import json
import os
import pathlib
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import programs
import rows

CONNECTIONS = 64
WARM_UP_S = 1
FAN_OUTS = (1, 5)
MAX_RATIO, MAX_IDLE_MIB = 1.8, 32
DELIVERY_PATIENCE_S = 30
ASYNC_LOAD = 0.7   # of what the sync path answers a second: work is to be measured, not a full backlog


class Scenario:
    """What is measured: a program, a path of it, deliveries that follow each request."""

    def __init__(self, name, program, path, deliveries=0):
        self.name, self.program, self.path, self.deliveries = name, program, path, deliveries
        self.pause_ms = 0
        self.runs = []

    def median(self, key):
        return statistics.median(run[key] for run in self.runs)

    def cpu_us(self):
        return min(run["cpu_us"] for run in self.runs)

    def ratio(self, base):
        return self.cpu_us() / base.cpu_us()


def wrk(port, path, core, seconds, pause_ms=0, headers=None):
    out = subprocess.run(
        ["taskset", "-c", str(core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s",
         str(programs.HERE / "post.lua"), f"http://127.0.0.1:{port}{path}", "--", str(pause_ms),
         *(f"{name}: {value}" for name, value in (headers or {}).items())],
        capture_output=True, text=True, check=True).stdout
    found = re.search(r"RESULT (.*)", out)
    if not found:
        raise SystemExit(f"bench: wrk says: {out}")
    return json.loads(found[1])


def load(scenario, core, seconds):
    return wrk(scenario.program.port, scenario.path, core, seconds, scenario.pause_ms)


def wait_for_deliveries(scenario, upstream, before, result):
    """wrk ends with requests on their way that it does not count: at least what it counted has to arrive."""
    wanted = before + result["requests"] * max(scenario.deliveries, 1)
    programs.wait_until(lambda: upstream.count() >= wanted,
                        f"{wanted - before} deliveries of {scenario.name}", DELIVERY_PATIENCE_S)
    arrived = -1
    while arrived != upstream.count():   # until no more come
        arrived = upstream.count()
        time.sleep(0.05)
    return arrived - before


def measure(scenario, upstream, core, seconds):
    before, cpu = upstream.count(), scenario.program.cpu_seconds()
    result = load(scenario, core, seconds)
    arrived = wait_for_deliveries(scenario, upstream, before, result)
    cpu = scenario.program.cpu_seconds() - cpu
    if result["bad_status"] or result["broken"]:
        raise SystemExit(f"bench: {scenario.name}: {result['bad_status']} answers were no success, "
                         f"{result['broken']} requests broke")
    answered = arrived / max(scenario.deliveries, 1)
    return {"cpu_us": cpu * 1e6 / answered, "per_s": result["requests"] * 1e6 / result["duration_us"],
            "p50_us": result["p50_us"], "p99_us": result["p99_us"], "rss_mib": scenario.program.rss_mib()}


def pace(scenarios, sync):
    """Asynchronous events are answered before their work is done: offer less than can be done."""
    for scenario in scenarios:
        if scenario.deliveries:
            rate = sync.median("per_s") * ASYNC_LOAD / scenario.deliveries
            scenario.pause_ms = max(1, round(CONNECTIONS * 1000 / rate))


def progress(text):
    if sys.stderr.isatty():
        print(text, end="\r", file=sys.stderr, flush=True)


def run_rounds(scenarios, upstream, core, rounds, seconds):
    sync = next(s for s in scenarios if s.path == "/sync")
    for scenario in scenarios:
        if not scenario.deliveries:
            scenario.runs = [measure(scenario, upstream, core, WARM_UP_S)]
    pace(scenarios, sync)
    for scenario in scenarios:
        scenario.runs = []
    for number in range(rounds):
        for scenario in scenarios[number % 3:] + scenarios[:number % 3]:
            progress(f"  round {number + 1} of {rounds}: {scenario.name:30}")
            scenario.runs.append(measure(scenario, upstream, core, seconds))
    progress(" " * 60)


def print_table(scenarios):
    base = scenarios[0]
    print("| program, scenario | CPU us/request | x nginx | requests/s | p50 us | p99 us | RSS MiB idle | "
          "RSS MiB loaded |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for s in scenarios:
        print(f"| {s.name} | {s.cpu_us():.1f} | {s.ratio(base):.2f} | {s.median('per_s'):.0f} | "
              f"{s.median('p50_us'):.0f} | {s.median('p99_us'):.0f} | {s.program.idle_mib:.1f} | "
              f"{s.median('rss_mib'):.1f} |")
    paced = [s for s in scenarios if s.deliveries]
    print()
    for s in paced:
        print(f"{s.name}: each connection pauses {s.pause_ms} ms before a request, so requests/s is what was "
              "offered; CPU includes the deliveries, all of which arrived.")


def version(command, pattern):
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(pattern, done.stdout + done.stderr)
    return found[0] if found else "?"


def print_facts(build, rounds, seconds):
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*:\s*(.*)", cpuinfo)
    print(f"machine: {model[1] if model else platform.machine()}, {os.cpu_count()} cores, "
          f"Linux {platform.release()}, load {os.getloadavg()[0]:.2f}")
    print("programs:", ", ".join([
        version([build / "event-gateway", "--version"], r"Event Gateway version: \S+"),
        version([programs.find_tool("nginx"), "-v"], r"nginx/[\d.]+"),
        version([programs.find_tool("haproxy"), "-v"], r"HAProxy version [\d.]+"),
        version(["wrk", "-v"], r"wrk \S+")]))
    print(f"load: {CONNECTIONS} connections, POST of 120 bytes, {rounds} rounds of {seconds} s each\n")


def check(sync, base):
    """Exit code of --check."""
    wrong = []
    if sync.ratio(base) > MAX_RATIO:
        wrong.append(f"the sync path costs {sync.ratio(base):.2f} x nginx, at most {MAX_RATIO} are wanted")
    if sync.program.idle_mib > MAX_IDLE_MIB:
        wrong.append(f"{sync.program.idle_mib:.1f} MiB when idle, at most {MAX_IDLE_MIB} are wanted")
    for text in wrong:
        print(f"check failed: {text}")
    if not wrong:
        print(f"check passed: sync at most {MAX_RATIO} x nginx, at most {MAX_IDLE_MIB} MiB when idle")
    return 1 if wrong else 0


def arguments():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round of 2 s")
    parser.add_argument("--check", action="store_true",
                        help=f"exit with 1 when sync costs over {MAX_RATIO} x nginx or idle memory is over "
                        f"{MAX_IDLE_MIB} MiB; with --plugins: when a row is over its budget")
    parser.add_argument("--plugins", action="store_true",
                        help="what plugins cost, in many short rounds, instead of the comparison")
    parser.add_argument("--build", type=pathlib.Path, default=programs.HERE.parents[1] / "build" / "release",
                        metavar="DIR", help="directory of the gateway to measure (default: build/release)")
    parser.add_argument("--rounds", type=int, help="default: 3; with --plugins 20")
    parser.add_argument("--seconds", type=int, default=4, help="of each measurement")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.seconds = 1, 2
    args.rounds = args.rounds or (rows.ROUNDS if args.plugins else 3)
    return args


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
            if args.plugins:
                return rows.run(cores, directory, upstream, args.build.resolve(),
                                lambda port, path, headers, seconds: wrk(port, path, cores[1], seconds, 0, headers),
                                args.rounds, args.check)
            nginx = programs.nginx(cores[0], directory, upstream)
            haproxy = programs.haproxy(cores[0], directory, upstream)
            gateway, pub_sub = (programs.Gateway(name, cores[0], directory, upstream, args.build.resolve(),
                                                 FAN_OUTS) for name in ("gateway", "gateway-async"))
            scenarios = [Scenario("nginx, proxy", nginx, "/"), Scenario("haproxy, proxy", haproxy, "/"),
                         Scenario("gateway, sync", gateway, "/sync")]
            scenarios += [Scenario(f"gateway, async, {n} subscriber{'s' if n > 1 else ''}", pub_sub,
                                   f"/async{n}", n) for n in FAN_OUTS]
            print_facts(args.build.resolve(), args.rounds, args.seconds)
            run_rounds(scenarios, upstream, cores[1], args.rounds, args.seconds)
            print_table(scenarios)
            return check(scenarios[2], scenarios[0]) if args.check else 0
        finally:
            for program in reversed(programs.Program.started):
                program.stop()


if __name__ == "__main__":
    sys.exit(main())

"""Counts the instructions of one request under callgrind: the same sequence of requests over one connection,
one after the other, so that two runs of one binary differ by little. See README.md here.

  count.py             prints what each scenario costs, of build/release
  count.py --check     exits with 1 when one has grown by more than 5 % over recorded.json, and names what grew
  count.py --record    writes recorded.json
"""
import argparse
import json
import os
import pathlib
import platform
import re
import socket
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "bench"))
import programs   # noqa: E402

RECORDED = HERE / "recorded.json"
WARM_UP, COUNTED = 50, 150
SETS = 5       # an answer that comes late lets the loop turn in vain: the set that cost least counts
LIMIT = 1.05
COPIES = re.compile(r"(\.(lto_priv|constprop|isra|part|cold)(\.\d+)*)+$")   # what the compiler appends, another with each build
SHOWN = 50     # instructions a request: functions that cost less are not recorded one by one
TOLD = 15      # functions named when something has grown
CORE = 0
FAN_OUT = 5    # asynchronous subscribers of the scenario fanout
EVENT = {"specversion": "1.0", "type": "order.created", "source": "/shop", "id": "1", "data": {"name": "Max", "n": 1}}


def raw(method, path, headers, body):
    lines = [f"{method} {path} HTTP/1.1", "Host: gateway", f"Content-Length: {len(body)}",
             *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


JSON = {"Content-Type": "application/json"}
BODY = b'{"name":"Max","age":42,"address":{"street":"Road 1","town":"Berlin"},"tags":["a","b","c"],"text":"0123456789"}'
SCENARIOS = {
    "sync": raw("POST", "/sync", JSON, BODY),
    "async": raw("POST", "/async1", JSON, BODY),
    "fanout": raw("POST", f"/async{FAN_OUT}", JSON, BODY),
    "structured": raw("POST", "/events", {"Content-Type": "application/cloudevents+json"},
                      json.dumps(EVENT).encode()),
    "binary": raw("POST", "/events", {**JSON, "ce-specversion": "1.0", "ce-type": "order.created",
                                      "ce-source": "/shop", "ce-id": "1"}, BODY),
}


class CountedGateway(programs.Gateway):
    """A gateway under callgrind that counts only while it is told to."""

    def __init__(self, directory, upstream, build):
        self.directory = directory
        super().__init__("gateway", CORE, directory, upstream, build, [1, FAN_OUT], under=[
            "valgrind", "--tool=callgrind", "--instr-atstart=no", "--dump-line=no",
            f"--callgrind-out-file={directory}/out"])

    def configure(self, upstream, fan_outs):
        super().configure(upstream, fan_outs)
        self.create("eventtypes", {"name": "order.created"})
        self.create("subscriptions", {"type": "sync", "eventType": "order.created", "path": "/events",
                                      "method": "POST", "functionId": "fn1"})
        self.wait_routed()

    def control(self, *words):
        subprocess.run(["callgrind_control", *words, str(self.process.pid)], check=True, capture_output=True)

    def dump(self, words):
        """The file that callgrind writes now."""
        before = set(self.directory.glob("out.*"))
        self.control(*words)
        programs.wait_until(lambda: set(self.directory.glob("out.*")) - before, "callgrind to write", 60)
        return (set(self.directory.glob("out.*")) - before).pop()


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.file = self.socket.makefile("rb")

    def send(self, request):
        self.socket.sendall(request)
        status = int(self.file.readline().split()[1])
        length = 0
        while (line := self.file.readline().strip()):
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        self.file.read(length)
        return status


def per_function(path):
    """{function: instructions of its own} of a callgrind file (format: valgrind manual, cl-format). A function
    whose library has no symbols is its address there: the library is told before it."""
    names, costs, library, function, is_call = {}, {}, "", None, False
    for line in open(path, encoding="utf-8", errors="replace"):
        found = re.match(r"c?(fn|ob)=\((\d+)\)(?: (.*))?", line)
        if found and found[3]:
            names[found[1], found[2]] = found[3].strip()
        if line.startswith("ob="):
            library = pathlib.Path(names["ob", found[2]]).name
        elif line.startswith("fn="):
            function = COPIES.sub("", names["fn", found[2]])
            function = f"{library}:{function}" if function.startswith("0x") else function
        elif line.startswith("calls="):
            is_call = True   # the next line is the cost of what was called
        elif line[:1] in "0123456789+-*":
            if not is_call:
                costs[function] = costs.get(function, 0) + int(line.split()[1])
            is_call = False
    return costs


def settle(upstream, wanted):
    programs.wait_until(lambda: upstream.count() >= wanted, "all deliveries", 60)


def count(gateway, upstream, name):
    client, request = Client(gateway.port), SCENARIOS[name]

    def run(times):
        wanted = upstream.count() + times * (FAN_OUT if name == "fanout" else 1)
        for _ in range(times):
            status = client.send(request)
            if status not in (200, 202):
                raise SystemExit(f"count: {name} was answered with {status}")
        settle(upstream, wanted)

    def one_set():
        gateway.control("-i", "on")
        run(COUNTED)
        gateway.control("-i", "off")
        costs = per_function(gateway.dump(["-d", name]))
        return {function: cost / COUNTED for function, cost in costs.items()}
    run(WARM_UP)
    return min((one_set() for _ in range(SETS)), key=lambda costs: sum(costs.values()))


def measure(build):
    """{scenario: {function: instructions of one request}}"""
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        try:
            upstream = programs.Upstream(1 - CORE, directory)
            gateway = CountedGateway(directory, upstream, build)
            counts = {}
            for name in SCENARIOS:
                counts[name] = count(gateway, upstream, name)
                print(f"{name}: {sum(counts[name].values()):,.0f} instructions a request", flush=True)
            return counts
        finally:
            for program in reversed(programs.Program.started):
                program.stop()


# ---- what was recorded ----

def machine():
    """What makes other counts of one source: compiler, C library, and the processor that callgrind plays (it is
    one with AVX2 where there is one, and libc has other ways of copying for it)."""
    cc = os.environ.get("CC", "cc")
    version = subprocess.run([cc, "-dumpfullversion"], capture_output=True, text=True, check=True).stdout.strip()
    libc = " ".join(platform.libc_ver())
    has_avx2 = " avx2 " in pathlib.Path("/proc/cpuinfo").read_text()
    return f"{os.path.basename(cc)} {version}, {libc}, {platform.machine()} {'with' if has_avx2 else 'without'} AVX2"


def totals(counts):
    return {name: round(sum(costs.values())) for name, costs in counts.items()}


def without_clearing(costs, total):
    """memset is half of all: callgrind counts each byte that it sets, while the processor does it in bulk. Beside
    it the rest could grow by a tenth unseen."""
    return total - round(sum(cost for function, cost in costs.items() if function.startswith("__memset")))


def record(counts):
    kept = {name: {function: round(cost) for function, cost in sorted(costs.items(), key=lambda c: (-c[1], c[0]))
                   if cost >= SHOWN} for name, costs in counts.items()}
    RECORDED.write_text(json.dumps({"compiler": machine(), "totals": totals(counts), "functions": kept}, indent=1) +
                        "\n")
    print(f"written to {RECORDED}")


def growth(costs, before):
    """The functions that cost more than was recorded, most first."""
    grown = sorted(((cost - before.get(function, 0), function) for function, cost in costs.items()), reverse=True)
    return ", ".join(f"{function} {more:+,.0f} (was {before.get(function, 0):,})"
                     for more, function in grown[:TOLD] if more >= SHOWN)


def check(counts):
    recorded = json.loads(RECORDED.read_text())
    if recorded["compiler"] != machine():
        print(f"skipped: recorded with {recorded['compiler']}, and this is {machine()}: not comparable")
        print(f"instructions: 0 passed, 0 failed, {len(counts)} skipped")
        return 0
    failed = 0
    for name, total in totals(counts).items():
        before, functions = recorded["totals"][name], recorded["functions"][name]
        rest, rest_before = without_clearing(counts[name], total), without_clearing(functions, before)
        print(f"{name}: {total:,}, recorded {before:,}: {100 * (total / before - 1):+.1f} %; "
              f"without memset {rest:,}, {rest_before:,}: {100 * (rest / rest_before - 1):+.1f} %")
        if total > before * LIMIT or rest > rest_before * LIMIT:
            failed += 1
            print(f"FAILED {name} costs more than {LIMIT} times what was recorded. What grew: "
                  f"{growth(counts[name], functions)}")
        elif rest * LIMIT < rest_before:
            print(f"{name} costs less than what is recorded: record it, or it may grow as much again unseen")
    print(f"instructions: {len(counts) - failed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--build", type=pathlib.Path, default="build/release", help="build directory")
    options.add_argument("--check", action="store_true", help="compare with recorded.json")
    options.add_argument("--record", action="store_true", help="write recorded.json")
    options.add_argument("--json", type=pathlib.Path, help="write all counts to this file")
    options = options.parse_args()
    counts = measure(options.build.resolve())
    if options.json:
        options.json.write_text(json.dumps(counts))
    if options.record:
        record(counts)
    return check(counts) if options.check else 0


if __name__ == "__main__":
    sys.exit(main())

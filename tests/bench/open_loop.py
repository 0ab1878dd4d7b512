"""The open-loop generator (open_loop.c) as a process, and what is made of its records."""
import array
import os
import resource
import subprocess

import programs

CONNECTIONS = 64
NONE, BROKEN, ABANDONED = 0, 1, 2   # instead of a status
FOREVER_MS = 30000
SPARE_DESCRIPTORS = 300


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


def raise_descriptors(wanted):
    """How many may be open in each process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard) if hard != resource.RLIM_INFINITY else wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]

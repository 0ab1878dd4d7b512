"""What the benchmark says: rows, tables in Markdown, targets, facts about machine and programs, and the block of
docs/performance.md that holds all of them."""
import dataclasses
import os
import pathlib
import platform
import re
import subprocess
import time
import typing

import loads
import programs

BEGIN, END = "<!-- results: written by tests/bench/run --write-docs -->", "<!-- end of results -->"
PLOT = "performance.svg"
NOISE, BUSY = 0.1, 0.9   # more, or less, and a row is called disturbed
ALT = "Bars: CPU microseconds per request of the gateway and of nginx, HAProxy and Caddy. The table below has the figures."


@dataclasses.dataclass(frozen=True)
class Row:
    """group: what is sent; its first row is what the others of it are compared with. busy: share of the core. noise: by
    how much the median round cost more than the least disturbed one."""
    key: str
    group: str
    name: str
    cpu_us: float
    per_s: float = 0
    busy: float = 0
    p50_us: float = 0
    p99_us: float = 0
    idle_mib: float = 0
    loaded_mib: float = 0
    noise: float = 0

    def ratio(self, base):
        return self.cpu_us / base.cpu_us


@dataclasses.dataclass(frozen=True)
class Target:
    text: str
    value: typing.Callable   # of the rows by key
    sign: str                # "<=" or "<"
    limit: float

    def is_met(self, value):
        return value <= self.limit if self.sign == "<=" else value < self.limit


class Experiments:
    """What was measured and what is wanted, a row each, told as it comes."""

    def __init__(self):
        self.missed = []
        print("| what | measured | target | ok |\n|---|---|---|---|", flush=True)

    def add(self, what, measured, target, is_ok):
        """is_ok None: told, and not judged."""
        print(f"| {what} | {measured} | {target} | {'' if is_ok is None else 'yes' if is_ok else '**no**'} |", flush=True)
        if is_ok is False:
            self.missed.append(f"{what}: {measured}, wanted {target}")

    def end(self, is_check):
        """The exit code."""
        for text in self.missed:
            print(f"over its target: {text}")
        return 1 if self.missed and is_check else 0


def groups(rows):
    """[[row, ...], ...] in order of appearance."""
    found = {}
    for row in rows:
        found.setdefault(row.group, []).append(row)
    return list(found.values())


def table(rows):
    lines = ["| request | program | CPU us/request | noise | x nginx, same request | requests/s | core busy | p50 us | p99 us | "
             "RSS MiB idle | RSS MiB loaded |", "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for group in groups(rows):
        for r in group:
            lines.append(f"| {r.group} | {r.name} | {r.cpu_us:.1f} | +{r.noise:.0%} | {r.ratio(group[0]):.2f} | "
                         f"{r.per_s:.0f} | {r.busy:.0%} | {r.p50_us:.0f} | {r.p99_us:.0f} | {r.idle_mib:.1f} | {r.loaded_mib:.1f} |")
    return "\n".join(lines)


def disturbed(rows):
    """A sentence about rows that were not measured alone, or nothing. A ratio to an nginx that was disturbed looks better
    than it is; and all loads keep the program's core busy, so one that was not had to share it or was kept waiting."""
    loud = [f"{r.group}: {r.name} (noise {r.noise:.0%}, core busy {r.busy:.0%})" for r in rows
            if r.noise > NOISE or r.busy < BUSY]
    if not loud:
        return ""
    return (f"Disturbed: {len(loud)} of {len(rows)} rows have a noise over {NOISE:.0%} or used less than {BUSY:.0%} of their "
            f"core: {'; '.join(loud)}. Neither their ratios nor those to an nginx among them are to be trusted; measure again "
            "on an idle machine, or with more --rounds.")


def outcome(targets, rows):
    """[(target, value, whether it is met), ...]"""
    by_key = {row.key: row for row in rows}
    values = [(target, target.value(by_key)) for target in targets]
    return [(target, value, target.is_met(value)) for target, value in values]


def targets_table(found):
    lines = ["| target | wanted | measured | |", "|---|---:|---:|---|"]
    for target, value, is_met in found:
        lines.append(f"| {target.text} | {target.sign.replace('<', '&lt;')} {target.limit:g} | {value:.2f} | "
                     f"{'ok' if is_met else 'missed'} |")
    return "\n".join(lines)


def first_match(pattern, command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return None
    found = re.search(pattern, done.stdout + done.stderr)
    return found[1] if found else None


def machine():
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*:\s*(.*)", cpuinfo)
    release = re.search(r'PRETTY_NAME="?([^"\n]*)', pathlib.Path("/etc/os-release").read_text())
    kind = " in a virtual machine" if re.search(r"\bhypervisor\b", cpuinfo) else ""
    return (f"{os.cpu_count()} cores of {model[1] if model else platform.machine()}{kind}, "
            f"{release[1] if release else 'Linux'}, Linux {platform.release()}, load average {os.getloadavg()[0]:.2f}")


def versions(build):
    local = {**os.environ, "PKG_CONFIG_PATH": str(programs.HERE.parents[1] / "build" / "deps" / "lib" / "pkgconfig")}
    def library(name):
        done = subprocess.run(["pkg-config", "--modversion", name], capture_output=True, text=True, env=local)
        return done.stdout.strip() or None
    found = [("event-gateway", first_match(r"version: (\S+)", [build / "event-gateway", "--version"])),
             ("libmicrohttpd", library("libmicrohttpd")), ("libcurl", library("libcurl")),
             ("nginx", first_match(r"nginx/([\d.]+)", [programs.find_tool("nginx"), "-v"])),
             ("HAProxy", first_match(r"version ([\d.]+)", [programs.find_tool("haproxy"), "-v"])),
             ("Caddy", first_match(r"^v?([\d.]+)", [programs.find_tool("caddy"), "version"])),
             ("wrk", first_match(r"wrk \D*([\d.]+)", ["wrk", "-v"]))]
    return ", ".join(f"{name} {number}" for name, number in found if number)


def facts(build, rounds, seconds):
    """Sentences for people who compare."""
    today = time.strftime("%d %B %Y").lstrip("0")
    return [f"Measured on {today} by `tests/bench/run --rounds {rounds} --seconds {seconds}`, "
            f"{loads.CONNECTIONS} connections.",
            f"Machine: {machine()}.",
            f"Programs: {versions(build)}."]


def docs_block(fact_lines, rows, found):
    parts = [BEGIN, f"![{ALT}]({PLOT})", "\n".join(fact_lines), table(rows), disturbed(rows), targets_table(found), END]
    return "\n\n".join(part for part in parts if part)


def replaced(page, block):
    """The page with its block of results replaced."""
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise SystemExit(f"bench: docs/performance.md needs one '{BEGIN}' and one '{END}' after it")
    return page[:page.index(BEGIN)] + block + page[page.index(END) + len(END):]


def write_docs(page, fact_lines, rows, found, svg):
    text = replaced(page.read_text(), docs_block(fact_lines, rows, found))
    page.write_text(text)
    (page.parent / PLOT).write_text(svg)

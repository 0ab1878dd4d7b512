"""One page as its reader works through it: a directory that looks like a checkout, one shell for all
blocks, programs in the background. Ports that a page prints are replaced by free ones on the way in, and
back on the way out.
"""
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from blocks import ROOT
from compare import same_text

sys.path.insert(0, str(ROOT / "tests" / "lib"))
from ports import free_ports   # noqa: E402

BUILD = pathlib.Path(os.environ.get("EVENTGW_BUILD", ROOT / "build" / "release")).resolve()
GATEWAY = BUILD / "event-gateway"
PATIENCE = float(os.environ.get("EVENTGW_PATIENCE", "60"))
EVENTS, CONFIG = "4000", "4001"
PRINTED_PORTS = (EVENTS, CONFIG, "4010", "4011", "4020", "4021", "8080", "8081", "2181", "2379", "6379",
                 "8500")
PORT = re.compile(r"(?<![\w.])(" + "|".join(PRINTED_PORTS) + r")(?![\w.])")
END = "--end-of-block--"


def make_checkout(folder):
    """The tree of the project by links, with the build under test as build/release."""
    for entry in ROOT.iterdir():
        if entry.name not in (".git", "build"):
            (folder / entry.name).symlink_to(entry)
    (folder / "build").mkdir()
    (folder / "build" / "release").symlink_to(BUILD)
    if (ROOT / "build" / "deps").exists():
        (folder / "build" / "deps").symlink_to(ROOT / "build" / "deps")


def is_group_alive(group):
    """Is there a process of this group that is more than a zombie?"""
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = stat.read_text().rsplit(")", 1)[1].split()[:3]
        except OSError:
            continue
        if its_group == str(group) and state != "Z":
            return True
    return False


def end_group(process):
    """Ends a program that was started with a group of its own, and all that it has started."""
    for number, patience in ((signal.SIGTERM, 60), (signal.SIGKILL, 10)):
        end = time.monotonic() + patience
        while is_group_alive(process.pid) and time.monotonic() < end:
            if number is not None:
                os.killpg(process.pid, number)
                number = None
            time.sleep(0.01)
    process.wait(10)


class Program:
    """Something in the background; its output is kept."""

    def __init__(self, command, session):
        self.output_file = session.folder / f".output-{len(session.programs)}"
        with open(self.output_file, "w") as out:
            self.process = subprocess.Popen(["bash", "-euo", "pipefail", "-c", "exec " + command.strip()],
                                            cwd=session.folder, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=subprocess.STDOUT, start_new_session=True)

    @property
    def output(self):
        return self.output_file.read_text(errors="replace")

    def wait_for(self, text, where):
        end = time.monotonic() + PATIENCE
        while text not in self.output:
            assert self.process.poll() is None, f"{where}: it has ended:\n{self.output}"
            assert time.monotonic() < end, f"{where}: no \"{text}\" in its output:\n{self.output}"
            time.sleep(0.01)


class Session:
    def __init__(self, page):
        self.page = page
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="eventgw-docs-"))
        make_checkout(self.folder)
        self.ports = dict(zip(PRINTED_PORTS, map(str, free_ports(len(PRINTED_PORTS)))))
        self.programs = []
        self.failed_at = None
        self._shell = None
        self._errors = self.folder / ".stderr"

    # ---- ports ----
    def to_free(self, text):
        return PORT.sub(lambda found: self.ports[found[1]], text)

    def to_printed(self, text):
        for printed, free in self.ports.items():
            text = re.sub(rf"(?<!\d){free}(?!\d)", printed, text)
        return text

    def give_ports(self, command):
        """A gateway that is started on its default ports gets the free ones that stand for them."""
        config = re.search(r"--config (\S+)", command)
        has_ports = "port" in command or (config and "port =" in (self.folder / config[1]).read_text())
        if has_ports or not re.search(r"(quickstart|event-gateway)\b", command):
            return command
        flags = f" --events-port {self.ports[EVENTS]} --config-port {self.ports[CONFIG]}"
        return re.sub(r"(\S*etc/quickstart|\S*event-gateway(?= |$))", r"\1" + flags, command, count=1, flags=re.M)

    # ---- blocks ----
    def write_file(self, name, text):
        path = self.folder / name
        assert self.folder in path.resolve().parents, f"{self.page}: {name} is outside the page's directory"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.to_free(text))

    def start(self, block):
        program = Program(self.to_free(self.give_ports(block.text)), self)
        self.programs.append(program)
        self.check_unbroken()
        self.failed_at = block.where
        program.wait_for(block.argument, block.where)
        self.failed_at = None

    def check_unbroken(self):
        """What stands below a block that failed cannot work: it fails at once."""
        assert not self.failed_at, f"not run, since {self.failed_at} failed"

    def background_output(self):
        own = self._errors.read_text(errors="replace") if self._shell else ""
        return self.to_printed("".join(program.output for program in self.programs) + own)

    def wait_for_line(self, line, where):
        """A line that programs in the background print now or soon."""
        self.check_unbroken()
        end = time.monotonic() + PATIENCE
        while not any(same_text(line, printed) for printed in self.background_output().splitlines()):
            assert time.monotonic() < end, f"{where}: never printed:\n{line}\nbut\n{self.background_output()}"
            time.sleep(0.01)

    def run(self, block):
        """Runs a sh block in the page's shell; returns what it wrote to stdout."""
        self.check_unbroken()
        if self._shell is None:
            self._start_shell()
        script = self.folder / ".block.sh"
        lines = [self.give_ports(line) if line.endswith("&\n") else line
                 for line in block.text.splitlines(keepends=True)]
        script.write_text(self.to_free("".join(lines)))
        self._shell.stdin.write(f". ./.block.sh\nprintf '\\n{END}\\n'\n".encode())
        self._shell.stdin.flush()
        output = self._read(block)
        self.settle()
        return self.to_printed(output)

    def _start_shell(self):
        self._shell = subprocess.Popen(["bash", "-euo", "pipefail"], cwd=self.folder, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=open(self._errors, "wb"),
                                       start_new_session=True)

    def _read(self, block):
        data, end = b"", time.monotonic() + PATIENCE
        marker = f"\n{END}\n".encode()
        while not data.endswith(marker):
            left = end - time.monotonic()
            ready = left > 0 and select.select([self._shell.stdout], [], [], left)[0]
            piece = os.read(self._shell.stdout.fileno(), 65536) if ready else b""
            if not piece:
                self.failed_at = block.where
                why = "it failed" if ready else f"it did not end within {PATIENCE} s"
                raise AssertionError(f"{block.where}: {why}\n{block.text}\nstdout:\n{data.decode()}\nstderr:\n"
                                     f"{self._errors.read_text()}\nbackground:\n{self.background_output()}")
            data += piece
        return data[:-len(marker)].decode()

    def settle(self):
        """Changes take effect a few milliseconds after their answer, which a reader never notices."""
        end = time.monotonic() + PATIENCE
        for printed in (CONFIG, "4011", "4021"):
            while not self._is_settled(self.ports[printed]):
                assert time.monotonic() < end, f"{self.page}: the configuration does not take effect"
                time.sleep(0.005)

    @staticmethod
    def _is_settled(port):
        try:
            url = f"http://127.0.0.1:{port}/v1/status?verbose=1"
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                status = json.load(answer)
        except (urllib.error.URLError, OSError):
            return True   # not running, or not telling
        return status["storeRevision"] == status["routedRevision"]

    def close(self):
        if self._shell is not None:
            end_group(self._shell)
            self._shell.stdin.close()
            self._shell.stdout.close()
        for program in self.programs:
            end_group(program.process)
        shutil.rmtree(self.folder)

"""The programs of the benchmark as processes: upstream, nginx, haproxy, caddy, the gateway. Each is pinned to a
core, listens on a free port of 127.0.0.1 and ends with the benchmark."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
from ports import free_port   # noqa: E402

START_PATIENCE_S = 15


def http(port, method, path, body=None):
    """(status, parsed JSON) of one request."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        data = answer.read()
        return answer.status, json.loads(data) if data else None
    finally:
        connection.close()


def wait_until(condition, what, patience_s=START_PATIENCE_S):
    end = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"bench: waited {patience_s} s for {what}")
        time.sleep(0.02)


def is_listening(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Program:
    """A process with its children, pinned to one core."""

    started = []

    def __init__(self, name, core, command, directory, **more):
        self.name = name
        self.log = directory / f"{name}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], stderr=log,
                                            stdin=subprocess.DEVNULL, **{"stdout": log, **more})
        Program.started.append(self)
        self.port = None

    def ready(self, condition):
        def check():
            if self.process.poll() is not None:
                raise SystemExit(f"bench: {self.name} ended: {self.log.read_text(errors='replace')}")
            return condition()
        wait_until(check, f"{self.name} to start")

    def tree(self):
        """Process ids of the process and all below it."""
        found, queue = [], [self.process.pid]
        while queue:
            pid = queue.pop()
            found.append(pid)
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    queue += map(int, pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split())
            except OSError:
                pass
        return found

    def cpu_ns(self):
        """User and system time of the tree, all threads, to the nanosecond (/proc/PID/stat counts in hundredths of
        a second). The numbers are those of clock_getcpuclockid(3)."""
        return sum(time.clock_gettime_ns((~pid << 3) | 2) for pid in self.tree())

    def rss_mib(self):
        kib = 0
        for pid in self.tree():
            found = re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())
            kib += int(found[1]) if found else 0
        return kib / 1024

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            for pid in self.tree():
                os.kill(pid, 9)
            self.process.wait(10)
        if self.process.stdout:
            self.process.stdout.close()


class Upstream(Program):
    def __init__(self, core, directory):
        binary = directory / "upstream"
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-D_GNU_SOURCE", "-o", binary,
                        HERE / "upstream.c", HERE / "closed_loop.c"], check=True)
        super().__init__("upstream", core, [binary], directory, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def count(self):
        return http(self.port, "GET", "/count")[1]

    def count_at_rest(self):
        """When no more come."""
        arrived = -1
        while arrived != self.count():
            arrived = self.count()
            time.sleep(0.05)
        return arrived


NGINX = """daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/nginx-error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_requests 100000000; keepalive_timeout 75s;
    client_body_temp_path {dir}/nginx-body; proxy_temp_path {dir}/nginx-proxy;
    fastcgi_temp_path {dir}/nginx-f; uwsgi_temp_path {dir}/nginx-u; scgi_temp_path {dir}/nginx-s;
    upstream function {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{ proxy_pass http://function; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    }}
}}
"""

HAPROXY = """global
    nbthread 1
    maxconn 4096
defaults
    mode http
    timeout connect 5s
    timeout client 75s
    timeout server 30s
    http-reuse always
frontend front
    bind 127.0.0.1:{port}
    default_backend function
backend function
    server f1 127.0.0.1:{upstream} pool-max-conn 256
"""

CADDY = """{{
    admin off
    auto_https off
    servers {{
        protocols h1
    }}
}}
http://127.0.0.1:{port} {{
    bind 127.0.0.1
    reverse_proxy 127.0.0.1:{upstream} {{
        transport http {{
            versions 1.1
            compression off
            keepalive 75s
            keepalive_idle_conns 256
            keepalive_idle_conns_per_host 256
        }}
    }}
}}
"""
# One core, so one thread that runs Go code; and a heap that may grow to five times what is in use before it is
# collected, since the default of twice makes a small heap's collector run all the time.
CADDY_ENVIRONMENT = {"GOMAXPROCS": "1", "GOGC": "400"}


def find_tool(name):
    """A program of Debian's, installed or unpacked below build/deps/tools by tests/bench/run."""
    tools = HERE.parents[1] / "build" / "deps" / "tools" / "usr"
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin:{tools}/sbin:{tools}/bin")
    if found is None:
        raise SystemExit(f"bench: there is no {name}")
    return found


class Proxy(Program):
    def __init__(self, name, core, directory, upstream, template, flags, **more):
        port = free_port()
        config = directory / f"{name}.conf"
        config.write_text(template.format(dir=directory, port=port, upstream=upstream.port))
        super().__init__(name, core, [find_tool(name), *flags(config)], directory, **more)
        self.port = port
        self.ready(lambda: is_listening(port))
        self.idle_mib = self.rss_mib()


def nginx(core, directory, upstream):
    return Proxy("nginx", core, directory, upstream, NGINX, lambda config: [
        "-c", config, "-e", directory / "nginx-error.log"])


def haproxy(core, directory, upstream):
    return Proxy("haproxy", core, directory, upstream, HAPROXY, lambda config: ["-db", "-f", config])


def caddy(core, directory, upstream):
    home = {name: str(directory) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    return Proxy("caddy", core, directory, upstream, CADDY, lambda config: [
        "run", "--config", config, "--adapter", "caddyfile"], env={**os.environ, **CADDY_ENVIRONMENT, **home})


class Gateway(Program):
    """With functions fn1..fnN at the upstream and the paths /sync and /asyncN for each N wanted."""

    def __init__(self, name, core, directory, upstream, build, fan_outs, flags=(), under=()):
        super().__init__(name, core, [
            *under, build / "event-gateway", "--data-dir", directory / f"{name}-data",
            "--set", "loops=1", "--set", "events.listen=127.0.0.1", "--set", "events.port=0",
            "--set", "config.port=0", "--workers-backlog", "20000",
            *flags, *os.environ.get("EVENTGW_BENCH_FLAGS", "").split()], directory)
        self.port = self.config_port = None
        self.ready(self.find_ports)
        self.configure(upstream, fan_outs)
        self.idle_mib = self.rss_mib()

    def find_ports(self):
        found = re.search(r"serving: Events API https?://\S+?:(\d+), Config API https?://\S+?:(\d+)",
                          self.log.read_text(errors="replace"))
        if found:
            self.port, self.config_port = int(found[1]), int(found[2])
        return found

    def create(self, kind, body):
        status, answer = http(self.config_port, "POST", f"/v1/spaces/default/{kind}", body)
        if status != 201:
            raise SystemExit(f"bench: the gateway answered {status} to {kind} {body}: {answer}")

    def configure(self, upstream, fan_outs):
        for i in range(1, max(fan_outs, default=1) + 1):
            self.create("functions", {"functionId": f"fn{i}", "type": "http",
                                      "provider": {"url": f"http://127.0.0.1:{upstream.port}/fn{i}"}})
        self.create("eventtypes", {"name": "http.request"})
        self.subscribe("sync", "/sync", 1)
        for count in fan_outs:
            for i in range(1, count + 1):
                self.subscribe("async", f"/async{count}", i)
        self.wait_routed()

    def wait_routed(self):
        def is_routed():
            status = http(self.config_port, "GET", "/v1/status?verbose=1")[1]
            return status["storeRevision"] == status["routedRevision"]
        wait_until(is_routed, "the configuration to be routed")

    def subscribe(self, kind, path, function, event_type="http.request", method="POST"):
        self.create("subscriptions", {"type": kind, "eventType": event_type, "path": path,
                                      "method": method, "functionId": f"fn{function}"})

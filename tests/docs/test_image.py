"""The image root that etc/image makes: all that the gateway needs is in it, and it runs there as a user that
is not root, with a chroot for a container. Nothing is mounted. etc/Dockerfile says the same as this test does.
"""
import contextlib
import http.server
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
import urllib.request

import pytest

from blocks import ROOT
from session import BUILD, PATIENCE

sys.path.insert(0, str(ROOT / "tests" / "lib"))
from ports import free_ports   # noqa: E402

USER = "65532:65532"
PROGRAM = "/usr/bin/event-gateway"
CONF = "/etc/event-gateway/event-gateway.conf"


def in_chroot(root):
    """The words that run a program in the root as somebody who is not root; skips where that is not allowed."""
    tries = ([["chroot", f"--userspec={USER}", str(root)]] if os.geteuid() == 0 else
             [["unshare", "-r", "chroot", str(root)]])
    told = ""
    for words in tries:
        done = subprocess.run(words + [PROGRAM, "--version"], capture_output=True, text=True)
        if done.returncode == 0:
            return words
        told += f"{' '.join(words[:2])}: {done.stderr.strip()}; "
        # What the image itself lacks is no reason to skip.
        assert "Operation not permitted" in told or "Permission denied" in told, told
    pytest.skip(f"a chroot is not permitted here ({told})")


def make_image(root, *words):
    done = subprocess.run(["etc/image", *words, str(root)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return root


@pytest.fixture(scope="module", params=["all in one", "plugins as files"])
def image(request, tmp_path_factory):
    words = [] if request.param == "all in one" else ["--build", str(BUILD)]
    return make_image(tmp_path_factory.mktemp("image") / "root", *words)


@pytest.fixture(scope="module")
def chroot(image):
    return in_chroot(image)


@pytest.fixture
def function():
    """A function on the loopback of this machine, which a chroot shares."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            answer = b'{"statusCode": 200, "body": "from the outside"}'
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *words):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def ask(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    wanted = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(wanted, timeout=PATIENCE) as answer:
        return answer.read().decode()


@contextlib.contextmanager
def serving(chroot, *flags):
    """A gateway in the chroot: its process and ports. Its health check says what it should before, now and after."""
    events, config = free_ports(2)
    ports = ["--events-port", str(events), "--config-port", str(config)]
    health = [*chroot, PROGRAM, "health", "--config", CONF, "--config-port", str(config)]
    assert subprocess.run(health, capture_output=True).returncode == 1
    gateway = subprocess.Popen([*chroot, PROGRAM, "--config", CONF, *ports, *flags], stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + PATIENCE
        while subprocess.run(health, capture_output=True).returncode != 0:
            assert gateway.poll() is None, gateway.stderr.read()
            assert time.monotonic() < end
            time.sleep(0.05)
        yield gateway, events, config
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(PATIENCE) == 0
    finally:
        gateway.kill()
        gateway.wait()
    assert subprocess.run(health, capture_output=True).returncode == 1


def test_it_serves_a_request_in_the_chroot_and_tells_its_health(chroot, function):
    with serving(chroot) as (gateway, events, config):
        if os.geteuid() == 0:
            status = open(f"/proc/{gateway.pid}/status").read()
            assert re.search(r"^Uid:\t65532\t65532\t65532\t65532$", status, re.M), status
        space = f"http://127.0.0.1:{config}/v1/spaces/default"
        ask(f"{space}/functions", {"functionId": "f", "type": "http", "provider": {"url": function}})
        ask(f"{space}/eventtypes", {"name": "http.request"})
        ask(f"{space}/subscriptions", {"type": "sync", "eventType": "http.request", "functionId": "f",
                                       "path": "/f", "method": "GET"})
        revision = json.loads(ask(f"http://127.0.0.1:{config}/v1/status?verbose=1"))["storeRevision"]
        ask(f"http://127.0.0.1:{config}/v1/status?min_revision={revision}&timeout=30s")
        assert ask(f"http://127.0.0.1:{events}/f") == "from the outside"


def test_a_program_that_a_plugin_starts_works_there_with_dev_null(image, chroot):
    null = image / "dev" / "null"
    try:
        os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        null.chmod(0o666)
        null.write_text("a file system may know no devices")
    except PermissionError as error:
        null.unlink(missing_ok=True)
        pytest.skip(f"a device cannot be made here: {error}")
    try:
        flags = ["--set", "plugins.middleware=transform", "--set", 'plugins.transform.rules=[{"reply":{"jq":".a=1"}}]']
        with serving(chroot, *flags):
            pass
    finally:
        null.unlink()


def components(words, *flags):
    done = subprocess.run([*words, "plugin", "list", *flags], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return sorted(line.split()[:2] for line in done.stdout.splitlines()), set(re.findall("built in|loaded", done.stdout))


def test_every_stock_plugin_is_in_it(image, chroot):
    has_files = any((image / "usr/lib/eventgw/plugins").glob("*.so"))
    there, how = components([*chroot, PROGRAM], "--config", CONF)
    assert how == ({"loaded"} if has_files else {"built in"})
    assert there == components([str(BUILD / "event-gateway")])[0]


def test_nothing_else_is_in_it(image):
    programs = [p for p in image.rglob("*") if p.is_file() and os.access(p, os.X_OK) and ".so" not in p.name]
    # A program that a plugin starts stands beside the plugins.
    helpers = [p for p in programs if p.parent == image / "usr/lib/eventgw/plugins"]
    assert [str(p.relative_to(image)) for p in programs if p not in helpers] == ["usr/bin/event-gateway"]
    assert [p.name for p in helpers] == ["transform-worker"]
    assert (image / "etc/passwd").read_text().startswith("eventgw:x:65532:65532:")
    assert len((image / "etc/passwd").read_text().splitlines()) == 1
    assert "BEGIN CERTIFICATE" in (image / "etc/ssl/certs/ca-certificates.crt").read_text()


def test_every_library_of_a_package_has_the_licence_with_it(image):
    documents = {p.parent.name for p in image.glob("usr/share/doc/*/copyright")}
    assert {"event-gateway", "libc6"} <= documents
    told = subprocess.run(["dpkg-query", "-S", "*/lib/*.so.*"], capture_output=True, text=True, check=True).stdout
    packages = {}
    for line in told.splitlines():
        package, path = line.split(": ")
        packages.setdefault(path.rsplit("/", 1)[1], set()).add(package.split(":")[0])
    names = {p.name for p in image.rglob("*.so*") if "eventgw" not in p.parts}
    assert not [name for name in names if name in packages and not packages[name] & documents]


def test_a_directory_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "kept").write_text("mine")
    done = subprocess.run(["etc/image", str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and "is not empty" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]


def test_the_dockerfile_makes_the_same_image():
    text = (ROOT / "etc" / "Dockerfile").read_text()
    assert "RUN etc/image /image\n" in text and "COPY --from=build /image /\n" in text
    assert f"USER {USER}\n" in text
    assert f'CMD ["{PROGRAM}", "health", "--config", "{CONF}"]\n' in text
    assert f'ENTRYPOINT ["{PROGRAM}", "--config", "{CONF}"]\n' in text
    assert re.findall(r"^FROM (\S+)", text, re.M) == ["$BASE", "scratch"]
    assert re.search(r"^ARG BASE=debian:1[23]$", text, re.M)

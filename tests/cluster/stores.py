"""The stores that a cluster can stand on, as real servers on free ports, and a relay that can fail on the way.

A store is `tests/servers/NAME/run DIR PORT`; the same directory again is a restart. `embedded` has no
server: its gateways share a data directory.
"""
import os
import pathlib
import select
import signal
import socket
import subprocess
import threading

from harness import PATIENCE, ROOT, free_port, wait_for

SERVERS = ROOT / "tests" / "servers"


# What leads a gateway to the store: settings with {port}.
SETTINGS = {
    "embedded": {},
    "etcd": {"plugins.etcd.endpoints": "127.0.0.1:{port}"},
    "consul": {"plugins.consul.address": "http://127.0.0.1:{port}"},
    "redis": {"plugins.redis.address": "127.0.0.1:{port}"},
    "zookeeper": {"plugins.zookeeper.servers": "127.0.0.1:{port}"},
}


class Store:
    """One store of a kind on an empty directory."""

    def __init__(self, kind, directory):
        self.kind = kind
        self.directory = pathlib.Path(directory)
        self.port = free_port()
        self.process = None
        self.is_remote = kind != "embedded"
        if self.is_remote:
            self.start()

    def start(self):
        # A process group of its own: what the script starts is killed with it.
        self.process = subprocess.Popen(
            [str(SERVERS / self.kind / "run"), str(self.directory), str(self.port)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        wait_for(self._answers, f"{self.kind} to listen", 60)

    def _answers(self):
        assert self.process.poll() is None, f"{self.kind} ended: {self._log()}"
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def _log(self):
        log = self.directory / "server.log"
        return log.read_text(errors="replace")[-2000:] if log.exists() else "no log"

    def kill(self):
        """SIGKILL, as a crash of the machine would end it."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()

    def settings(self, port=None):
        """Settings of a gateway; port: that of a relay instead of the server's own."""
        values = {"store.backend": self.kind}
        for key, value in SETTINGS[self.kind].items():
            values[key] = value.format(port=port or self.port)
        return values


class Relay:
    """Forwards to a port. `stall()`: connections stay, nothing gets through any more, in neither direction;
    `refuse()`: they are cut, and new ones too; `heal()`: as before (what was stalled goes on)."""

    def __init__(self, target):
        self.target = target
        self.mode = "forward"
        self.closing = False
        self.forwarded = 0   # bytes towards the gateway
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.peers = {}
        self.clients = set()
        self.wake_in, self.wake_out = os.pipe()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _change(self, mode):
        self.mode = mode
        os.write(self.wake_out, b"x")

    def stall(self):
        self._change("stall")

    def refuse(self):
        self._change("refuse")

    def heal(self):
        self._change("forward")

    def close(self):
        self.closing = True
        self._change("refuse")
        self.thread.join(PATIENCE)
        self.listener.close()
        os.close(self.wake_in)
        os.close(self.wake_out)

    def _drop(self, sock):
        other = self.peers.pop(sock)
        del self.peers[other]
        self.clients -= {sock, other}
        sock.close()
        other.close()

    def _accept(self):
        client, _ = self.listener.accept()
        if self.mode == "refuse":
            client.close()
            return
        try:
            server = socket.create_connection(("127.0.0.1", self.target), 5)
        except OSError:
            client.close()
            return
        for sock in (client, server):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.peers[client], self.peers[server] = server, client
        self.clients.add(client)

    def _forward(self, sock):
        try:
            data = sock.recv(1 << 16)
            if not data:
                raise OSError("ended")
            peer = self.peers[sock]
            peer.sendall(data)
            if peer in self.clients:
                self.forwarded += len(data)
        except OSError:
            self._drop(sock)

    def _run(self):
        # poll and not select: a thousand connections are possible.
        while not self.closing:
            poll = select.poll()
            poll.register(self.wake_in, select.POLLIN)
            poll.register(self.listener, select.POLLIN)
            for sock in self.peers if self.mode == "forward" else ():
                poll.register(sock, select.POLLIN)
            by_number = {sock.fileno(): sock for sock in self.peers}
            for number, _ in poll.poll(1000):
                if number == self.wake_in:
                    os.read(self.wake_in, 64)
                elif number == self.listener.fileno():
                    self._accept()
                elif by_number[number] in self.peers and self.mode == "forward":
                    self._forward(by_number[number])
            if self.mode == "refuse":
                self._drop_all()
        self._drop_all()

    def _drop_all(self):
        while self.peers:
            self._drop(next(iter(self.peers)))

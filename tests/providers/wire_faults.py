"""Servers that do it wrong, below HTTP: for every provider that speaks it. Plus certificates.

Each fault is (name, what the server does with a connection). `FaultyServer` accepts on a free port of the
loopback address; with tls=(certificate, key) it speaks TLS.
"""
import contextlib
import socket
import ssl
import subprocess
import threading

from harness import free_port

HEAD = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\n"


def read_request(connection):
    """Reads one request to its end; False when the peer has gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return False
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            return False
        body += piece
    return True


def answer(status, body, headers=b"", length=None):
    return HEAD % status + headers + b"Content-Length: %d\r\n\r\n" % (len(body) if length is None else length) + body


def says(data):
    def serve(connection, server):
        if read_request(connection):
            connection.sendall(data)
    return serve


def hang(connection, server):
    if read_request(connection):
        server.closing.wait(60)


def dribble(connection, server):
    """A byte now and then: never idle for long, never done."""
    if read_request(connection):
        connection.sendall(answer(b"200 OK", b"", length=1000))
        while not server.closing.wait(0.05):
            connection.sendall(b" ")


def flood(connection, server):
    """More than anybody wants, without saying so first."""
    if read_request(connection):
        connection.sendall(HEAD % b"200 OK" + b"Connection: close\r\n\r\n")
        for _ in range(64):
            connection.sendall(b"x" * 65536)


def close(connection, server):
    read_request(connection)


class FaultyServer:
    def __init__(self, serve, tls=None):
        self.serve = serve
        self.closing = threading.Event()
        self.context = None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*tls)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._connection, args=(connection,), daemon=True).start()

    def _connection(self, connection):
        with connection, contextlib.suppress(OSError):   # the gateway may hang up, which is its right
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            self.serve(connection, self)
            connection.close()

    def close(self):
        self.closing.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def refused_port():
    """A port that nobody listens on."""
    return free_port()


def make_certificate(folder, name, alternative):
    """A self-signed certificate: (certificate, key)."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=test", "-addext", f"subjectAltName={alternative}",
                    "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    return cert, key


# name, what is served (None = nobody listens), class of the call, what the log says
TRANSPORT_FAULTS = [
    ("refused", None, "transient", "onnect"),
    ("hanging", hang, "transient", "timed out"),
    ("slow", dribble, "transient", "timed out"),
    ("truncated", says(answer(b"200 OK", b'{"statusCode":', length=100)), "transient", ""),
    ("oversized", flood, "transient", "too big"),
    ("closed", close, "transient", ""),
    ("no HTTP", says(b"SSH-2.0-OpenSSH_9.2\r\n"), "transient", ""),
    ("500", says(answer(b"500 Internal Server Error", b"{}")), "transient", "HTTP status code: 500"),
    ("429", says(answer(b"429 Too Many Requests", b"{}")), "throttled", "HTTP status code: 429"),
    ("429 with a delay", says(answer(b"429 Too Many Requests", b"{}", b"Retry-After: 7\r\n")), "throttled",
     "HTTP status code: 429"),
    ("503", says(answer(b"503 Service Unavailable", b"<html>")), "transient", "HTTP status code: 503"),
]

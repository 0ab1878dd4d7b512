"""Keys and JSON Web Tokens for tests, made with the openssl program."""
import base64
import hashlib
import hmac
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HASHES = {"256": "sha256", "384": "sha384", "512": "sha512"}
CURVES = {"ES256": ("P-256", 32), "ES384": ("P-384", 48), "ES512": ("P-521", 66)}


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


def openssl(*args, given=None):
    return subprocess.run(["openssl", *map(str, args)], input=given, check=True, capture_output=True).stdout


class Key:
    """A key pair for one algorithm, with its JWK."""

    def __init__(self, folder, kid, algorithm):
        self.kid, self.algorithm = kid, algorithm
        self.file = folder / f"{kid}.pem"
        kind = {"RS": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "ES": ["EC"], "Ed": ["ED25519"]}[
            algorithm[:2].replace("PS", "RS")]
        if algorithm in CURVES:
            kind += ["-pkeyopt", f"ec_paramgen_curve:{CURVES[algorithm][0]}"]
        openssl("genpkey", "-algorithm", *kind, "-out", self.file)
        self.pem = openssl("pkey", "-in", self.file, "-pubout").decode()
        self.jwk = {"kid": kid, "use": "sig", "alg": algorithm, **self._public()}

    def _public(self):
        der = openssl("pkey", "-in", self.file, "-pubout", "-outform", "DER")
        if self.algorithm in CURVES:
            name, size = CURVES[self.algorithm]
            return {"kty": "EC", "crv": name, "x": b64(der[-2 * size:-size]), "y": b64(der[-size:])}
        if self.algorithm == "EdDSA":
            return {"kty": "OKP", "crv": "Ed25519", "x": b64(der[-32:])}
        modulus = openssl("rsa", "-in", self.file, "-noout", "-modulus").decode().strip().split("=")[1]
        return {"kty": "RSA", "n": b64(bytes.fromhex(modulus)), "e": "AQAB"}

    def sign(self, text):
        if self.algorithm == "EdDSA":
            message = self.file.with_suffix(".msg")
            message.write_bytes(text)
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.file, "-in", message)
        options = []
        if self.algorithm.startswith("PS"):
            options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
        signature = openssl("dgst", f"-{HASHES[self.algorithm[2:]]}", "-sign", self.file, *options, given=text)
        return raw_of_der(signature, CURVES[self.algorithm][1]) if self.algorithm in CURVES else signature


def raw_of_der(der, size):
    """R and S of an ECDSA signature, one after the other (RFC 7518 3.4)."""
    at = 3 if der[1] == 0x81 else 2
    numbers = []
    for _ in range(2):
        length = der[at + 1]
        numbers.append(int.from_bytes(der[at + 2:at + 2 + length], "big"))
        at += 2 + length
    return b"".join(n.to_bytes(size, "big") for n in numbers)


def token(key, claims, **header):
    """key: a Key, or the bytes of a secret (HS256). Header members given as None are left out."""
    algorithm = key.algorithm if isinstance(key, Key) else "HS256"
    named = {"alg": algorithm, "typ": "JWT", **({"kid": key.kid} if isinstance(key, Key) else {}), **header}
    text = b64({k: v for k, v in named.items() if v is not None}) + "." + b64(claims)
    if isinstance(key, Key):
        signature = key.sign(text.encode())
    else:
        signature = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return f"{text}.{b64(signature)}"


class KeyServer:
    """Serves a JSON Web Key Set; counts, changes, and goes away."""

    def __init__(self, keys):
        self.keys, self.is_away, self.count = keys, False, 0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                owner.count += 1
                body = json.dumps({"keys": [key.jwk for key in owner.keys]}).encode()
                self.send_response(500 if owner.is_away else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

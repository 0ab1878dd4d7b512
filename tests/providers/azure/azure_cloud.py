"""Azure as far as the provider meets it, written from the documented wire facts: a function app, the token
endpoint of Entra ID, App Service's identity endpoint and the metadata service of a VM. It is strict: a
header, parameter or path that is not documented is answered 400 and kept in `violations`.
"""
import http.server
import json
import threading
import urllib.parse

from harness import Call

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class AzureCloud:
    def __init__(self):
        self.violations = []
        self.calls = []            # of functions that were let in
        self.token_requests = []   # (which, parameters)
        self.valid_tokens = set()
        self.token_life = 3600
        self.key = None            # functions ask for this key
        self.wants_token = False
        self.content_type = "application/cloudevents+json"
        self.answer = {"statusCode": 200, "body": "hello"}
        self.token_answer = None   # (status, body, headers) instead of a token
        self.gate = threading.Event()
        self.gate.set()
        self.lock = threading.Lock()
        cloud = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_one(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, data, headers = cloud.handle(Call(self.command, self.path, self.headers, body))
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = handle_one

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()

    # ---- sorting ----
    def handle(self, call):
        path = urllib.parse.urlsplit(call.path).path
        try:
            if path.startswith("/api/"):
                return self.function(call)
            if path == "/tenant-1/oauth2/v2.0/token":
                return self.entra(call)
            if path == "/msi/token":
                return self.identity(call, "app service", "2019-08-01", "X-IDENTITY-HEADER", "identity-secret")
            if path == "/metadata/identity/oauth2/token":
                return self.identity(call, "vm", "2018-02-01", "Metadata", "true")
            raise AssertionError(f"nobody documents {call.method} {call.path}")
        except AssertionError as wrong:
            self.violations.append(str(wrong))
            return 400, b"", []

    @staticmethod
    def check_headers(call, *names):
        given = sorted(name.lower() for name in call.headers.keys())
        wanted = sorted(["host", *names])
        assert given == wanted, f"headers {given}, not {wanted}"

    # ---- the function app ----
    def function(self, call):
        names = ["content-type", "content-length"]
        names += ["x-functions-key"] if "x-functions-key" in call.headers else []
        names += ["authorization"] if "authorization" in call.headers else []
        self.check_headers(call, *names)
        assert call.method == "POST", call.method
        assert call.headers["Content-Type"] == self.content_type, call.headers["Content-Type"]
        if self.key is not None and call.headers.get("x-functions-key") != self.key:
            return 401, b"", []
        if self.wants_token:
            kind, _, token = (call.headers.get("Authorization") or "").partition(" ")
            if kind != "Bearer" or token not in self.valid_tokens:
                return 401, b"", [("WWW-Authenticate", "Bearer")]
        self.calls.append(call)
        self.gate.wait(60)
        answer = self.answer(call) if callable(self.answer) else self.answer
        status, data, headers = (answer + ([],))[:3] if isinstance(answer, tuple) else (200, answer, [])
        data = json.dumps(data) if isinstance(data, dict) else data
        return status, data.encode(), headers

    # ---- tokens ----
    def new_token(self, which, parameters, times):
        with self.lock:
            self.token_requests.append((which, parameters))
            if self.token_answer:
                return self.token_answer
            token = f"token-{len(self.token_requests)}"
            self.valid_tokens.add(token)
        data = {"access_token": token, "token_type": "Bearer", **times(self.token_life)}
        return 200, json.dumps(data).encode(), [("Content-Type", "application/json")]

    def entra(self, call):
        self.check_headers(call, "accept", "content-type", "content-length")
        assert call.method == "POST" and "?" not in call.path, call.path
        assert call.headers["Content-Type"] == "application/x-www-form-urlencoded"
        form = urllib.parse.parse_qs(call.body.decode(), strict_parsing=True)
        form = {name: values[0] for name, values in form.items() if len(values) == 1}
        proof = {"client_secret"} if "client_secret" in form else {"client_assertion_type", "client_assertion"}
        assert set(form) == {"client_id", "scope", "grant_type"} | proof, sorted(form)
        assert form["grant_type"] == "client_credentials" and form["scope"] == "api://app-1/.default", form
        assert form.get("client_assertion_type", ASSERTION) == ASSERTION, form
        if form["client_id"] != "client-1" or form.get("client_secret", "secret&1=") != "secret&1=":
            return 401, b'{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret"}', []
        return self.new_token("entra", form, lambda life: {"expires_in": life})

    def identity(self, call, which, version, header, value):
        self.check_headers(call, "accept", header.lower())
        assert call.method == "GET" and call.headers[header] == value, str(call.headers)
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(call.path).query, strict_parsing=True)
        assert set(query) <= {"api-version", "resource", "client_id"}, sorted(query)
        assert query["api-version"] == [version] and query["resource"] == ["api://app-1"], query
        return self.new_token(which, query, lambda life: {"expires_in": str(life)} if which == "vm"
                              else {"expires_on": str(4102444800)})

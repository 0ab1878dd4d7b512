"""The part of OpenWhisk's REST API that the provider uses, written from the documented wire facts: invoke an
action, fire a trigger, read an activation. It is strict: a header, parameter or path that is not documented is
answered 400 and kept in `violations`.
"""
import base64
import http.server
import itertools
import json
import re
import threading
import urllib.parse

from harness import Call

KEY = "23bc46b1-71f6-4ed5-8c54-816aa4f8c502:123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP"
PATH = re.compile(r"/api/v1/namespaces/([^/]+)/(actions|triggers|activations)/((?:[^/]+/)?[^/]+)")
STATUS = {"success": 0, "application error": 1, "action developer error": 2, "whisk internal error": 3}


class Whisk:
    def __init__(self):
        self.violations = []
        self.invoked = []          # (entity, query, parameters)
        self.looks = []            # ids of activations that were looked at
        self.authorization = "Basic " + base64.b64encode(KEY.encode()).decode()
        self.result = {"statusCode": 200, "body": "hello"}
        self.status = "success"
        self.slow = False          # blocking calls are answered 202, the record comes after some looks
        self.looks_needed = 3
        self.look_answers = []     # (status, headers) of the next looks, instead
        self.rules = True          # the trigger has some
        self.answer = None         # (status, body, headers) of everything
        self.ids = itertools.count(1)
        whisk = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_one(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, data, headers = whisk.handle(Call(self.command, self.path, self.headers, body))
                data = data if isinstance(data, bytes) else json.dumps(data).encode()
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = handle_one

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def handle(self, call):
        try:
            return self.sort(call)
        except AssertionError as wrong:
            self.violations.append(str(wrong))
            return 400, {"error": str(wrong)}, []

    def sort(self, call):
        url = urllib.parse.urlsplit(call.path)
        found = PATH.fullmatch(url.path)
        assert found, f"nobody documents {call.method} {call.path}"
        space, kind, name = found[1], found[2], urllib.parse.unquote(found[3])
        names = ["authorization", "host"] if kind == "activations" else \
            ["authorization", "content-length", "content-type", "host"]
        given = sorted(n.lower() for n in call.headers.keys())
        assert given == names, f"headers {given}, not {names}"
        if call.headers["Authorization"] != self.authorization:
            return 401, {"error": "The supplied authentication is invalid.", "code": "x"}, []
        query = urllib.parse.parse_qs(url.query, strict_parsing=bool(url.query))
        if kind == "activations":
            return self.look(call, space, name, query)
        assert call.method == "POST", call.method
        assert call.headers["Content-Type"] == "application/json", call.headers["Content-Type"]
        assert isinstance(call.json, dict), "parameters have to be an object"
        self.invoked.append((f"{space}/{kind}/{name}", query, call.json))
        if self.answer:
            return self.answer
        return self.fire(query) if kind == "triggers" else self.invoke(query)

    # ---- what there is ----
    def new_id(self):
        return f"{next(self.ids):032x}"

    def record(self, activation):
        response = {"status": self.status, "statusCode": STATUS[self.status], "success": self.status == "success",
                    "result": self.result, "size": 1}
        return {"activationId": activation, "namespace": "guest", "name": "a", "version": "0.0.1",
                "logs": ['2020 stdout: "}'], "annotations": [{"key": "path", "value": "guest/a"}],
                "response": response, "start": 1, "end": 2, "duration": 1, "publish": False}

    def invoke(self, query):
        assert set(query) <= {"blocking", "result", "timeout"}, sorted(query)
        activation = self.new_id()
        headers = [("x-openwhisk-activation-id", activation)]
        if query["blocking"] == ["false"]:
            return 202, {"activationId": activation}, headers
        assert query["blocking"] == ["true"] and 0 < int(query["timeout"][0]) <= 60000, query
        assert query["result"] == ["false"], query
        if self.slow:
            return 202, {"activationId": activation}, headers
        return (200 if self.status == "success" else 502), self.record(activation), headers

    def fire(self, query):
        assert query == {}, query
        return (202, {"activationId": self.new_id()}, []) if self.rules else (204, b"", [])

    def look(self, call, space, activation, query):
        assert call.method == "GET" and query == {} and space == "_" and not call.body, call.path
        assert activation == f"{int(activation, 16):032x}", activation
        self.looks.append(activation)
        if self.look_answers:
            status, headers = self.look_answers.pop(0)
            return status, {"error": "x"}, headers
        if len(self.looks) < self.looks_needed:
            return 404, {"error": "The requested resource does not exist.", "code": "x"}, []
        return 200, self.record(activation), []

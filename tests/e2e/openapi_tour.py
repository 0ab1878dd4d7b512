"""Live answers against an OpenAPI document: a test makes a tour over its operations."""
import re

from harness import request
from openapi_lint import follow, operations, validator

# The listener's own refusals, which every operation may have (info.description).
LISTENER = (400, 408, 413, 414, 431)


def mime(content_type):
    return None if content_type is None else re.sub(r"\s*;\s*", "; ", content_type.lower())


class Tour:
    """Calls operations by their id and holds every answer against the description."""

    def __init__(self, document):
        self.document = document
        self.seen = set()
        self.described = {}
        self.gateway = None
        for path, method, operation, parameters in operations(self.document):
            self.described[operation["operationId"]] = (path, method.upper(), operation, parameters)

    def call(self, name, expected, body=None, /, headers=None, query="", is_raw=False, **values):
        """One call; `expected` is the status, or None for any of those described."""
        path, method, operation, parameters = self.described[name]
        values = {"space": "default", **values}
        for parameter in parameters:
            if parameter["in"] == "path":
                path = path.replace("{%s}" % parameter["name"], values[parameter["name"]])
        answer = request(self.gateway.config_port, method, path + query, body, headers)
        assert expected in (None, answer.status), (name, expected, answer)
        self.check(name, operation, answer)
        if answer.status < 300 and body is not None and not is_raw:
            self.check_body(operation["requestBody"]["content"]["application/json"]["schema"], body, name)
        return answer

    def check(self, name, operation, answer):
        """The listener's refusals are described in words, for all operations."""
        response = operation["responses"].get(str(answer.status))
        if response is None:
            assert answer.status in LISTENER, f"{name}: {answer.status} is not described: {answer}"
            response = self.document["components"]["responses"]["StoreFailed"]
        response = follow(self.document, response)
        self.seen.add((name, answer.status))
        for header, meaning in response.get("headers", {}).items():
            assert answer.header(header), f"{name}: {header} is missing: {answer}"
            self.check_body(follow(self.document, meaning)["schema"], answer.header(header), f"{name}: {header}")
        content = {mime(kind): media for kind, media in response.get("content", {}).items()}
        if not answer.body:
            is_open = not content or (name, answer.status) == ("getStatus", 200)
            assert is_open, f"{name}: {answer.status} has no body"
            return
        kind = mime(answer.header("Content-Type"))
        assert kind in content, f"{name}: {answer.status} with {kind}, described are {list(content)}"
        value = answer.json if kind == "application/json" else answer.text
        self.check_body(content[kind]["schema"], value, f"{name}: {answer.status}")
        if kind == "application/json":
            assert answer.body.endswith(b"\n")

    def check_body(self, schema, value, where):
        errors = [error.message for error in validator(self.document, schema).iter_errors(value)]
        assert not errors, f"{where}: {errors} in {value}"

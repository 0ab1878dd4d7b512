"""The SDK of AWS for Python, run by the interpreter that has it: one JSON command a line on stdin,
{"service", "method", "args"}, one JSON answer a line on stdout, {"result"} or {"error"}. Bytes are
{"base64": ...} in both directions."""
import base64
import json
import os
import sys

import boto3
import botocore

region, endpoint = sys.argv[1:3]
clients = {}


def client(service):
    key = (service, os.environ.get("AWS_ACCESS_KEY_ID"))
    if key not in clients:
        clients[key] = boto3.Session().client(service, region_name=region, endpoint_url=endpoint)
    return clients[key]


def encode(value):
    if isinstance(value, (bytes, bytearray)):
        return {"base64": base64.b64encode(value).decode()}
    if hasattr(value, "read"):
        return encode(value.read())
    return str(value)


def decode(value):
    return base64.b64decode(value["base64"]) if set(value) == {"base64"} else value


for line in sys.stdin:
    command = json.loads(line, object_hook=decode)
    try:
        if command["service"] == "environment":
            os.environ.update(command["args"])
            answer = {"result": None}
        else:
            method = getattr(client(command["service"]), command["method"])
            answer = {"result": method(**command["args"])}
    except botocore.exceptions.ClientError as error:
        answer = {"error": error.response["Error"]["Code"]}
    print(json.dumps(answer, default=encode), flush=True)

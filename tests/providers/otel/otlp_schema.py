"""Run by the interpreter that has opentelemetry-proto: reads OTLP/JSON requests from stdin, one a line, and prints
each as the published schema (ExportTraceServiceRequest) understands it, in one line of canonical proto3 JSON.
Anything that the schema does not have is an error.

OTLP/JSON differs from the JSON of proto3 (opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding"): ids are hex
and not base64, enums are numbers only, names are lowerCamelCase only. The first is undone here, the others are
checked here, since the parser of proto3 takes both forms."""
import base64
import json
import re
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

IDS = {"traceId": 32, "spanId": 16, "parentSpanId": 16}


def to_proto3(value, name=""):
    if isinstance(value, dict):
        assert not [key for key in value if "_" in key], f"not lowerCamelCase: {list(value)}"
        return {key: to_proto3(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [to_proto3(item, name) for item in value]
    if name in IDS:
        assert re.fullmatch(f"[0-9a-f]{{{IDS[name]}}}", value) and int(value, 16) != 0, f"{name} is {value!r}"
        return base64.b64encode(bytes.fromhex(value)).decode()
    if name in ("kind", "code"):
        assert type(value) is int, f"{name} is {value!r}"
    if name in ("startTimeUnixNano", "endTimeUnixNano", "intValue"):
        assert re.fullmatch("-?[0-9]+", value), f"{name} is {value!r}"
    return value


for line in sys.stdin:
    request = ExportTraceServiceRequest()
    json_format.ParseDict(to_proto3(json.loads(line)), request, ignore_unknown_fields=False)
    assert request.resource_spans, "an empty envelope"
    print(json_format.MessageToJson(request, indent=None))

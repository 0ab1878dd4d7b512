"""Services that fail, as scripted servers: the texts of chapter 6.4, classes, partial failures, and everything
that can go wrong on the wire (SY-34, SY-35)."""
import base64
import json
import threading
import time

import pytest
from harness import Function, cloud_event, free_port, wait_for
from wire_faults import FaultyServer, answer, close, dribble, flood, make_certificate, says

FAILED = "Function call failed. Please check logs."
EVENT = cloud_event("user.created")
KEYS = {"region": "eu-west-1", "awsAccessKeyId": "AKID", "awsSecretAccessKey": "secret-of-the-test"}
TEXTS = {
    "AccessDeniedException":
        "Function call failed with AccessDeniedException. The provided credentials do not have the required IAM "
        "permissions to invoke this function. Please attach the lambda:invokeFunction permission to these "
        "credentials.",
    "UnrecognizedClientException":
        "Function call failed with UnrecognizedClientException. The provided credentials are invalid. Please "
        "provide valid credentials.",
    "ExpiredTokenException":
        "Function call failed with ExpiredTokenException. The provided security token for the function has "
        "expired. Please provide an updated security token or provide permanent credentials.",
}
TYPES = {
    "awslambda": {"arn": "hello"},
    "awskinesis": {"streamName": "s"},
    "awsfirehose": {"deliveryStreamName": "d"},
    "awssqs": {"queueUrl": "https://sqs.test/1/q"},
}


@pytest.fixture
def service():
    made = Function("{}")
    yield made
    made.close()


@pytest.fixture
def call(aws, service):
    """call(kind): the gateway, with a function of that type whose endpoint is the scripted server."""
    def make(kind="awslambda", **more):
        provider = {**TYPES[kind], **KEYS, "endpoint": service.url.rstrip("/"), **more}
        return aws(kind, **provider)
    return make


def classes(gw, kind):
    names = ["ok", "accepted", "throttled", "transient", "function", "permanent", "auth"]
    found = {n: gw.metric("eventgateway_provider_calls_total", provider=kind, **{"class": n}) for n in names}
    return {n: int(v) for n, v in found.items() if v}


@pytest.mark.parametrize("code", TEXTS)
def test_access_errors_of_lambda_have_their_text(call, service, code):   # SY-34
    service.answer = lambda c: (403, {"Message": "no"}, [("x-amzn-ErrorType", code + ":http://x/")])
    gw = call()
    answer = gw.emit(EVENT)
    assert (answer.status, answer.message) == (500, TEXTS[code])
    assert classes(gw, "awslambda") == {"auth": 1}
    wait_for(lambda: "Function access denied. Error: " in gw.log, "it to be logged")
    assert "secret-of-the-test" not in gw.log


@pytest.mark.parametrize("told, kind", [   # SY-35
    ((500, {"Message": "x"}, [("x-amzn-ErrorType", "ServiceException")]), "transient"),
    ((429, {"Reason": "CallerRateLimitExceeded"}, [("x-amzn-ErrorType", "TooManyRequestsException")]), "throttled"),
    ((429, "slow down"), "throttled"),
    ((404, {"Message": "x"}, [("x-amzn-ErrorType", "ResourceNotFoundException")]), "permanent"),
    ((502, {"Message": "x"}, [("x-amzn-ErrorType", "InvalidRuntimeException")]), "permanent"),
    ((503, "<html>"), "transient"),
    ((200, {"errorMessage": "boom-in-the-log"}, [("X-Amz-Function-Error", "Unhandled")]), "function"),
])
def test_failures_of_lambda_are_told_in_general_words(call, service, told, kind):
    service.answer = lambda c: told
    gw = call()
    got = gw.emit(EVENT)
    assert (got.status, got.message) == (500, FAILED)
    assert classes(gw, "awslambda") == {kind: 1}
    if kind == "function":
        wait_for(lambda: "boom-in-the-log" in gw.log, "it to be logged")
    assert len(service.calls) == 1


def test_an_answer_of_lambda_is_mapped_like_any_other(call, service):   # SY-36
    service.answer = {"statusCode": 201, "headers": {"x-a": "b"}, "body": "made"}
    answer = call(arn="arn:aws:lambda:eu-west-1:123456789012:function:hello:live", qualifier="$LATEST").emit(EVENT)
    assert (answer.status, answer.header("X-A"), answer.text) == (201, "b", "made")
    got = service.calls[0]
    assert got.path == ("/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Ahello"
                        "%3Alive/invocations?Qualifier=%24LATEST")
    assert got.method == "POST"
    assert got.headers["X-Amz-Invocation-Type"] == "RequestResponse"
    assert got.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKID/")
    assert got.json == EVENT


def test_an_answer_of_lambda_that_is_no_response_object_is_malformed(call, service):
    service.answer = "not JSON"
    answer = call().emit(EVENT)
    assert (answer.status, answer.message) == (500, "HTTP response object malformed")


def test_an_event_handed_off_is_acknowledged(call, service):
    service.answer = lambda c: (202, "", [("x-amzn-RequestId", "r-1")])
    gw = call(invocationType="Event")
    answer = gw.emit(EVENT)
    assert (answer.status, answer.json) == (200, {"requestId": "r-1"})
    assert service.calls[0].headers["X-Amz-Invocation-Type"] == "Event"
    assert classes(gw, "awslambda") == {"accepted": 1}


def test_the_tail_of_the_log_is_written_at_debug_level(make_gateway, aws, service):
    tail = base64.b64encode(b"START RequestId\nhello from inside\n").decode()
    service.answer = lambda c: (200, {}, [("X-Amz-Log-Result", tail)])
    gw = make_gateway(args=["-log-level", "debug"])
    aws("awslambda", gateway=gw, arn="hello", endpoint=service.url.rstrip("/"), **KEYS).emit(EVENT)
    assert service.calls[0].headers["X-Amz-Log-Type"] == "Tail"
    wait_for(lambda: "hello from inside" in gw.log, "the tail in the log")


# ---- the wire ----

@pytest.mark.parametrize("kind", TYPES)
def test_a_refused_connection_is_transient(aws, kind):
    gw = aws(kind, **TYPES[kind], **KEYS, endpoint=f"http://127.0.0.1:{free_port()}")
    assert gw.emit(EVENT).message == FAILED
    assert classes(gw, kind) == {"transient": 1}


@pytest.mark.parametrize("kind", TYPES)
def test_a_hanging_service_ends_with_the_timeout_and_delays_nobody_else(call, service, kind):
    service.gate.clear()
    gw = call(kind, timeout="1s")
    other = gw.function("other", '{"body":"quick"}')
    gw.sync("user.created", "other", "/other")
    gw.settle()
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(gw.emit(EVENT)))
    waiting.start()
    service.wait_calls(1)
    begun = time.monotonic()
    assert gw.emit(EVENT, "/other").text == "quick"
    assert len(other.calls) == 1
    assert answers == [] or time.monotonic() - begun > 1
    waiting.join(30)
    assert (answers[0].status, answers[0].message) == (500, FAILED)
    service.gate.set()
    wait_for(lambda: classes(gw, kind) == {"transient": 1}, "the call to be counted")


RAW = {
    "truncated": says(answer(b"200 OK", b'{"a":', length=1000)),
    "no HTTP": says(b"220 smtp.example.com ESMTP\r\n"),
    "closed": close,
    "bad chunk": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "slow": dribble,
    "endless": flood,
}


@pytest.fixture
def faulty():
    made = []

    def make(serve, tls=None):
        made.append(FaultyServer(serve, tls))
        return made[-1].url
    yield make
    for server in made:
        server.close()


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("fault", RAW)
def test_a_broken_answer_is_transient(make_gateway, aws, faulty, kind, fault):
    gw = make_gateway(set={"limits.response": "1MiB"})
    aws(kind, gateway=gw, **TYPES[kind], **KEYS, timeout="1s", endpoint=faulty(RAW[fault]))
    assert gw.emit(EVENT).message == FAILED
    wait_for(lambda: classes(gw, kind) == {"transient": 1}, "the call to be counted")


@pytest.mark.parametrize("kind", TYPES)
def test_a_certificate_that_nobody_trusts_is_refused(make_gateway, aws, faulty, tmp_path, kind):
    mine = make_certificate(tmp_path, "mine", "IP:127.0.0.1")
    other = make_certificate(tmp_path, "other", "DNS:other.test")
    ok = says(answer(b"200 OK", b"{}"))
    gw = aws(kind, **TYPES[kind], **KEYS, endpoint=faulty(ok, mine))
    assert gw.emit(EVENT).message == FAILED
    assert classes(gw, kind) == {"transient": 1}
    wait_for(lambda: "ertificate" in gw.log, "it to be logged")
    named = make_gateway(env={"AWS_CA_BUNDLE": str(other[0])})   # known, but of another name
    aws(kind, gateway=named, **TYPES[kind], **KEYS, endpoint=faulty(ok, other))
    assert named.emit(EVENT).message == FAILED


def test_a_certificate_of_the_bundle_is_trusted(make_gateway, aws, faulty, tmp_path):
    mine = make_certificate(tmp_path, "mine", "IP:127.0.0.1")
    gw = make_gateway(env={"AWS_CA_BUNDLE": str(mine[0])})
    endpoint = faulty(says(answer(b"200 OK", b'{"body":"trusted"}')), mine)
    assert aws("awslambda", gateway=gw, **TYPES["awslambda"], **KEYS, endpoint=endpoint).emit(EVENT).text == "trusted"


@pytest.mark.parametrize("kind", TYPES)
def test_an_oversized_answer_is_a_failure(make_gateway, aws, service, kind):
    service.answer = json.dumps({"body": "x" * 3000000})
    gw = make_gateway(set={"limits.response": "1MiB"})
    provider = {**TYPES[kind], **KEYS, "endpoint": service.url.rstrip("/")}
    assert aws(kind, gateway=gw, **provider).emit(EVENT).message == FAILED
    assert sum(classes(gw, kind).values()) == 1 and "accepted" not in classes(gw, kind)


@pytest.mark.parametrize("kind", ["awskinesis", "awsfirehose", "awssqs"])
@pytest.mark.parametrize("body", ["not JSON", "{}", "[]", "null", '{"MessageId":"m","MD5OfMessageBody":"00"}'])
def test_an_acknowledgement_that_is_none_is_no_success(call, service, kind, body):
    service.answer = body
    gw = call(kind)
    assert gw.emit(EVENT).message == FAILED
    assert classes(gw, kind) == {"transient": 1}


@pytest.mark.parametrize("kind", ["awskinesis", "awsfirehose", "awssqs"])
@pytest.mark.parametrize("status, code, expected", [
    (400, "ThrottlingException", "throttled"), (429, "", "throttled"), (500, "InternalFailure", "transient"),
    (400, "ValidationException", "permanent"), (400, "ExpiredTokenException", "auth"),
    (400, "AccessDeniedException", "auth")])
def test_errors_of_the_connectors_have_their_class(call, service, kind, status, code, expected):
    service.answer = (status, json.dumps({"__type": f"com.amazonaws.x#{code}", "message": "told"}))
    gw = call(kind)
    assert gw.emit(EVENT).message == FAILED
    assert classes(gw, kind) == {expected: 1}


# ---- batches ----

def test_records_of_a_batch_fail_alone(make_gateway, aws, service):
    def reply(call):
        if call.headers["X-Amz-Target"].endswith(".PutRecord"):
            return {"SequenceNumber": "1", "ShardId": "s"}
        return {"FailedRecordCount": 1, "Records": [
            {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow"} if
            json.loads(base64.b64decode(r["Data"]))["data"]["number"] == 1 else
            {"SequenceNumber": str(i), "ShardId": "s"} for i, r in enumerate(call.json["Records"])]}
    service.answer = reply
    gw = make_gateway(config='plugins = { awskinesis = { batch_linger = "500ms"; batch_max = 3; }; };',
                      set={"loops": 1})
    aws("awskinesis", gateway=gw, streamName="s", endpoint=service.url.rstrip("/"), **KEYS)
    answers = {}
    threads = [threading.Thread(target=lambda n=n: answers.update({n: gw.emit(
        cloud_event("user.created", {"number": n}))})) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [answers[n].status for n in range(3)] == [200, 500, 200]
    assert len(service.calls) == 1
    assert classes(gw, "awskinesis") == {"accepted": 2, "throttled": 1}


def test_events_of_a_key_wait_for_the_one_before_and_leave_together(make_gateway, aws, service):
    def reply(call):
        count = len(call.json.get("Records", []))
        return {"Records": [{"SequenceNumber": "1", "ShardId": "s"}] * count, "SequenceNumber": "1", "ShardId": "s"}
    service.answer = reply
    service.gate.clear()
    gw = make_gateway(set={"loops": 1})
    aws("awskinesis", "async", gateway=gw, streamName="s", endpoint=service.url.rstrip("/"), **KEYS)
    for number in range(10):
        assert gw.emit(cloud_event("user.created", {"number": number})).status == 202
    service.wait_calls(1)
    service.gate.set()
    wait_for(lambda: classes(gw, "awskinesis") == {"accepted": 10}, "all events to be taken")
    assert service.calls[0].headers["X-Amz-Target"] == "Kinesis_20131202.PutRecord"
    numbers = [json.loads(base64.b64decode(r["Data"]))["data"]["number"]
               for c in service.calls for r in c.json.get("Records", [c.json])]
    assert numbers == list(range(10))
    assert len(service.calls) < 10

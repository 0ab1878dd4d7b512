"""The four types against moto, which checks every signature: what arrives, what is answered, and what wrong
keys give (SY-36, SY-37, Q41)."""
import io
import json
import zipfile

import pytest
from harness import cloud_event, wait_for

FAILED = "Function call failed. Please check logs."
EVENT = cloud_event("user.created", {"text": "gr\u00fc\u00dfe \u2028 \U0001f600 <&>", "big": 9007199254740991})


@pytest.fixture(scope="module")
def function(cloud):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("index.py", "def handler(event, context): return event")
    role = cloud.sdk("iam", "create_role", RoleName="r", AssumeRolePolicyDocument="{}", Path="/")["Role"]["Arn"]
    made = cloud.sdk("lambda", "create_function", FunctionName="hello", Runtime="python3.11", Role=role,
                     Handler="index.handler", Code={"ZipFile": archive.getvalue()}, Publish=True)
    cloud.sdk("lambda", "create_alias", FunctionName="hello", Name="live", FunctionVersion="1")
    return made["FunctionArn"]


def names(arn):
    account = arn.split(":")[4]
    base = ":".join(arn.split(":")[:7])
    return ["hello", f"{account}:function:hello", base]


@pytest.fixture
def unchecked(cloud):
    """moto unescapes path and query before it checks the signature, so it refuses ARNs and $LATEST, also those of
    AWS's own SDK. That ours are signed right is proven by comparison with aws4; here counts that they are
    understood."""
    cloud.checks(False)
    yield cloud
    cloud.checks(True)


def test_a_function_is_called_by_name(aws, cloud, function):   # SY-36
    cloud.lambda_answers('{"statusCode":201,"headers":{"x-a":"b"},"body":"made"}')
    gw = aws("awslambda", arn="hello", **cloud.keys())
    answer = gw.emit(EVENT)
    assert (answer.status, answer.header("X-A"), answer.text) == (201, "b", "made")
    assert gw.metric("eventgateway_provider_calls_total", provider="awslambda", **{"class": "ok"}) == 1


@pytest.mark.parametrize("form", range(1, 3))
def test_a_function_is_called_by_arn(aws, unchecked, function, form):
    unchecked.lambda_answers('{"body":"made"}')
    assert aws("awslambda", arn=names(function)[form], **unchecked.keys()).emit(EVENT).text == "made"


@pytest.mark.parametrize("qualifier", ["1", "live"])
def test_a_qualifier_names_version_or_alias(aws, cloud, function, qualifier):
    cloud.lambda_answers('{"body":"made"}')
    gw = aws("awslambda", arn="hello", qualifier=qualifier, **cloud.keys())
    assert gw.emit(EVENT).text == "made"


def test_the_newest_version_is_called_as_latest(aws, unchecked, function):
    unchecked.lambda_answers('{"body":"made"}')
    assert aws("awslambda", arn="hello", qualifier="$LATEST", **unchecked.keys()).emit(EVENT).text == "made"


def test_the_proxy_formats_of_api_gateway_are_replies(aws, cloud, function):
    cloud.lambda_answers(json.dumps({"statusCode": 200, "multiValueHeaders": {"x-a": ["1", "2"]},
                                     "cookies": ["a=1", "b=2"], "isBase64Encoded": True, "body": "aGk="}))
    answer = aws("awslambda", arn="hello", **cloud.keys()).emit(EVENT)
    assert (answer.headers("X-A"), answer.headers("Set-Cookie"), answer.body) == (
        ["1", "2"], ["a=1", "b=2"], b"hi")


@pytest.mark.parametrize("pair", ["wrong secret", "unknown key", "guest"])
def test_keys_that_moto_refuses_are_a_matter_of_access(aws, cloud, function, pair):
    # moto answers XML without the code that Lambda sends, so the caller gets the general sentence; the three of
    # chapter 6.4 are in test_aws_faults.py.
    pairs = {"wrong secret": (cloud.key[0], "wrong"), "unknown key": ("AKIANOBODY0000000000", "wrong"),
             "guest": cloud.guest}
    gw = aws("awslambda", arn="hello", **cloud.keys(pairs[pair]))
    answer = gw.emit(EVENT)
    assert (answer.status, answer.message) == (500, FAILED)
    refused = [gw.metric("eventgateway_provider_calls_total", provider="awslambda", **{"class": c})
               for c in ("auth", "permanent")]
    assert sum(refused) == 1
    assert pairs[pair][1] not in gw.log


def test_keys_may_come_from_the_environment(make_gateway, aws, cloud, function):
    gw = make_gateway(env={"AWS_ACCESS_KEY_ID": cloud.key[0], "AWS_SECRET_ACCESS_KEY": cloud.key[1],
                           "AWS_ENDPOINT_URL_LAMBDA": cloud.endpoint})
    cloud.lambda_answers('{"body":"made"}')
    assert aws("awslambda", gateway=gw, arn="hello", region="eu-west-1").emit(EVENT).text == "made"


# ---- connectors ----

def records(cloud, stream):
    shards = cloud.sdk("kinesis", "list_shards", StreamName=stream)["Shards"]
    found = []
    for shard in shards:
        at = cloud.sdk("kinesis", "get_shard_iterator", StreamName=stream, ShardId=shard["ShardId"],
                       ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        found += cloud.sdk("kinesis", "get_records", ShardIterator=at)["Records"]
    return found


def test_kinesis_gets_the_event_under_its_key(aws, cloud):   # SY-37; the key is the source, no longer a UUID
    cloud.sdk("kinesis", "create_stream", StreamName="one", ShardCount=2)
    gw = aws("awskinesis", streamName="one", **cloud.keys())
    answer = gw.emit(EVENT)
    assert (answer.status, answer.header("Content-Type")) == (200, "application/json")
    found = records(cloud, "one")
    assert len(found) == 1
    assert json.loads(found[0]["Data"]) == EVENT
    assert found[0]["PartitionKey"] == "/x"
    assert list(answer.json) == ["sequenceNumber", "shardId"]
    assert answer.json["sequenceNumber"] == found[0]["SequenceNumber"]
    assert gw.metric("eventgateway_provider_calls_total", provider="awskinesis", **{"class": "accepted"}) == 1


def test_kinesis_keeps_the_order_of_a_key(make_gateway, aws, cloud):
    cloud.sdk("kinesis", "create_stream", StreamName="many", ShardCount=4)
    gw = make_gateway(config='plugins = { awskinesis = { batch_linger = "20ms"; }; };', set={"loops": 1})
    aws("awskinesis", "async", gateway=gw, streamName="many", partitionKeyPointer="/data/user", **cloud.keys())
    for number in range(60):
        assert gw.emit(cloud_event("user.created", {"user": f"u{number % 3}", "number": number})).status == 202
    found = wait_for(lambda: (lambda r: r if len(r) == 60 else None)(records(cloud, "many")), "60 records")
    for user in ("u0", "u1", "u2"):
        mine = [json.loads(r["Data"])["data"]["number"] for r in found if r["PartitionKey"] == user]
        assert len(mine) == 20
        assert mine == sorted(mine)


def bucket(cloud, name):
    keys = cloud.sdk("s3", "list_objects_v2", Bucket=name).get("Contents", [])
    return b"".join(cloud.sdk("s3", "get_object", Bucket=name, Key=k["Key"])["Body"] for k in keys)


@pytest.mark.parametrize("newline", [False, True])
def test_firehose_gets_the_event_and_a_newline_if_wanted(aws, cloud, newline):   # SY-37
    name = f"delivery{int(newline)}"
    cloud.sdk("s3", "create_bucket", Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    cloud.sdk("firehose", "create_delivery_stream", DeliveryStreamName=name, S3DestinationConfiguration={
        "RoleARN": "arn:aws:iam::123456789012:role/r", "BucketARN": f"arn:aws:s3:::{name}"})
    gw = aws("awsfirehose", deliveryStreamName=name, newline=newline, **cloud.keys())
    answer = gw.emit(EVENT)
    assert (answer.status, list(answer.json)) == (200, ["recordId"])
    data = bucket(cloud, name)
    assert json.loads(data) == EVENT
    assert data.endswith(b"\n") == newline


def receive(cloud, url, count):
    found = []
    def all_there():
        got = cloud.sdk("sqs", "receive_message", QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
        for message in got.get("Messages", []):
            found.append(message)
            cloud.sdk("sqs", "delete_message", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return len(found) >= count
    wait_for(all_there, f"{count} messages")
    return found


def test_a_queue_gets_the_event(aws, cloud):   # SY-37
    url = cloud.sdk("sqs", "create_queue", QueueName="q")["QueueUrl"]
    gw = aws("awssqs", queueUrl=url, **cloud.keys())
    answer = gw.emit(EVENT)
    assert answer.status == 200
    messages = receive(cloud, url, 1)
    assert json.loads(messages[0]["Body"]) == EVENT
    assert answer.json == {"messageId": messages[0]["MessageId"]}


def test_a_fifo_queue_keeps_order_and_drops_the_second_of_an_id(make_gateway, aws, cloud):
    url = cloud.sdk("sqs", "create_queue", QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    gw = make_gateway(set={"loops": 1})
    aws("awssqs", "async", gateway=gw, queueUrl=url, **cloud.keys())
    for number in [0, 1, 1, 2, 3, 0, 4]:
        gw.emit(cloud_event("user.created", {"number": number}, eventID=f"id {number}"))
    messages = receive(cloud, url, 5)
    assert [json.loads(m["Body"])["data"]["number"] for m in messages] == [0, 1, 2, 3, 4]
    assert {m["Attributes"]["MessageGroupId"] for m in messages} == {"/x"}


def test_messages_leave_in_batches(make_gateway, aws, cloud):
    url = cloud.sdk("sqs", "create_queue", QueueName="batches")["QueueUrl"]
    gw = make_gateway(config='plugins = { awssqs = { batch_linger = "50ms"; batch_max = 7; }; };')
    aws("awssqs", "async", gateway=gw, queueUrl=url, **cloud.keys())
    for number in range(40):
        gw.emit(cloud_event("user.created", {"number": number}))
    messages = receive(cloud, url, 40)
    assert sorted(json.loads(m["Body"])["data"]["number"] for m in messages) == list(range(40))
    assert gw.metric("eventgateway_provider_calls_total", provider="awssqs", **{"class": "accepted"}) == 40


@pytest.mark.parametrize("kind, field", [("awskinesis", {"streamName": "nobody"}),
                                         ("awsfirehose", {"deliveryStreamName": "nobody"}),
                                         ("awssqs", {"queueUrl": "http://127.0.0.1/1/nobody"})])
def test_a_target_that_is_not_there_is_a_permanent_failure(aws, cloud, kind, field):
    gw = aws(kind, **field, **cloud.keys())
    answer = gw.emit(EVENT)
    assert (answer.status, answer.message) == (500, FAILED)
    assert gw.metric("eventgateway_provider_calls_total", provider=kind, **{"class": "permanent"}) == 1

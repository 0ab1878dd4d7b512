"""Functions of the four types in the Config API (FN-18 to FN-24, FN-35; chapter 8.1)."""
import pytest

TYPES = {
    "awslambda": ("arn", "missing required fields for AWS Lambda function"),
    "awskinesis": ("streamName", "missing required fields for AWS Kinesis function"),
    "awsfirehose": ("deliveryStreamName", "missing required fields for AWS Firehose function"),
    "awssqs": ("queueUrl", "missing required fields for AWS SQS function"),
}
PREFIX = "Function doesn't validate. Validation error: "


@pytest.mark.parametrize("kind", TYPES)
def test_a_missing_required_field_is_told(gw, kind):   # FN-18, FN-20, FN-22, FN-24
    name, text = TYPES[kind]
    for provider in ({"region": "us-east-1"}, {name: "", "region": "us-east-1"}, {name: "x"},
                     {name: "x", "region": ""}, {name: "x", "region": None}, {}, None):
        answer = gw.config("POST", gw.in_space() + "/functions",
                           {"functionId": "f", "type": kind, "provider": provider})
        assert answer.status == 400
        assert answer.message == PREFIX + text


@pytest.mark.parametrize("kind", TYPES)
def test_the_answer_has_exactly_the_keys_that_were_given(gw, kind):   # FN-19, FN-21, FN-23
    name, _ = TYPES[kind]
    provider = {name: "x", "region": "us-east-1"}
    made = gw.create("functions", {"functionId": "f", "type": kind, "provider": provider})
    assert made["provider"] == provider
    assert gw.config("GET", gw.in_space() + "/functions/f").json["provider"] == provider


@pytest.mark.parametrize("kind", TYPES)
def test_secrets_are_masked_and_survive_a_put_of_the_mask(gw, kind):
    name, _ = TYPES[kind]
    made = gw.create("functions", {"functionId": "f", "type": kind, "provider": {
        name: "x", "region": "us-east-1", "awsAccessKeyId": "AKID", "awsSecretAccessKey": "very-secret",
        "awsSessionToken": "token"}})
    assert made["provider"]["awsSecretAccessKey"] == "*****"
    assert made["provider"]["awsSessionToken"] == "*****"
    answer = gw.config("PUT", gw.in_space() + "/functions/f", made)
    assert (answer.status, answer.json) == (200, made)
    assert "very-secret" not in gw.log


@pytest.mark.parametrize("kind", TYPES)
def test_a_field_of_the_wrong_type_is_told(gw, kind):
    name, _ = TYPES[kind]
    answer = gw.config("POST", gw.in_space() + "/functions", {
        "functionId": "f", "type": kind, "provider": {name: 1, "region": "us-east-1"}})
    assert answer.status == 400
    assert answer.message.startswith(PREFIX + "unable to load function provider config: ")


def test_a_function_may_change_its_type(gw):   # FN-35
    gw.function("f")
    answer = gw.config("PUT", gw.in_space() + "/functions/f", {
        "type": "awslambda", "provider": {"arn": "arn:aws:lambda:us-east-1:1:function:f",
                                          "region": "us-east-1"}})
    assert answer.status == 200
    assert answer.json["type"] == "awslambda"

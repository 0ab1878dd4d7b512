"""The provider plugins as test_providers.py sees them: how to configure a function that is served by a
recording HTTP server, how that server answers, and what the caller of the gateway then gets."""
import base64
import hashlib
import json
import re


class Provider:
    """One component. config(url): the `provider` object of a function behind that URL. reply(text): what the
    service answers (as harness.Function takes it) when the function's answer is the response object `text`.
    carried(call): the bytes of the event in a call. call_class: of a call that went well."""

    call_class = "ok"

    def __init__(self, plugin, config, reply=lambda text: text, carried=lambda call: call.body):
        self.plugin = plugin
        self.config = config
        self.reply = reply
        self.carried = carried

    def prepare(self, gateway, url):
        """What the function needs besides."""

    def count(self, call):
        """How many events a call carries."""
        return 1

    def expect(self, reply, body):
        """The gateway's reply when the function answered {"body": body}."""
        assert (reply.status, reply.text) == (200, body)


class Connector(Provider):
    """A service that only acknowledges: the caller gets what it acknowledged."""

    call_class = "accepted"

    def __init__(self, plugin, config, reply, carried, acknowledged):
        super().__init__(plugin, config, lambda text: reply, carried)
        self.acknowledged = acknowledged

    def count(self, call):
        return len(call.json.get("Records") or call.json.get("Entries") or [call])

    def expect(self, reply, body):
        assert (reply.status, list(reply.json)) == (200, self.acknowledged)


class Weighted(Provider):
    """A function that stands for others: for one of type http, named after its port."""

    def __init__(self):
        super().__init__("provider_weighted", lambda url: {
            "weighted": [{"functionId": "nobody", "weight": 0}, {"functionId": self.behind(url), "weight": 3}]})

    @staticmethod
    def behind(url):
        return "behind" + re.sub(r"[^0-9]", "-", url)

    def prepare(self, gateway, url):
        gateway.create("functions", {"functionId": self.behind(url), "type": "http", "provider": {"url": url}})


AWS = {"region": "eu-west-1", "awsAccessKeyId": "AKIDEXAMPLE", "awsSecretAccessKey": "secret"}


def records(call, single, many):
    """The answer of PutRecord or PutRecords: many holds the key of the list and one entry of it."""
    asked = call.json
    if "Records" not in asked:
        return single
    key, entry = many
    return {"FailedRecordCount": 0, "FailedPutCount": 0, key: [entry] * len(asked["Records"])}


def kinesis(call):
    entry = {"SequenceNumber": "1", "ShardId": "shardId-0"}
    return records(call, entry, ("Records", entry))


def firehose(call):
    return records(call, {"RecordId": "r"}, ("RequestResponses", {"RecordId": "r"}))


def sqs_entries(call):
    asked = call.json
    return asked.get("Entries", [asked])


def sqs(call):
    done = [{"Id": e.get("Id"), "MessageId": "m",
             "MD5OfMessageBody": hashlib.md5(e["MessageBody"].encode()).hexdigest()} for e in sqs_entries(call)]
    return {"Successful": done, "Failed": []} if "Entries" in call.json else done[0]


def record_data(call):
    asked = call.json
    data = asked.get("Data") or asked.get("Record", {}).get("Data") or asked["Records"][0]["Data"]
    return base64.b64decode(data)


def activation(text):
    """A blocking invocation that succeeded."""
    return {"activationId": "a" * 32, "response": {"status": "success", "success": True,
                                                   "result": json.loads(text)}}


def google(url):
    return {"url": url, "auth": "none", "mode": "structured"}


PROVIDERS = {
    "http": Provider("provider_http", lambda url: {"url": url}),
    "emulator": Provider("provider_emulator", lambda url: {"emulatorUrl": url, "apiVersion": "v0"}),
    "googlecloudfunction": Provider("provider_gcf", google),
    "gcf": Provider("provider_gcf", google),
    "azurefunction": Provider("provider_azure", lambda url: {"url": url, "key": "k"}),
    "openwhisk": Provider("provider_openwhisk", lambda url: {"apiHost": url.rstrip("/"), "action": "a",
                                                             "auth": "u:p"}, activation),
    "awslambda": Provider("provider_aws", lambda url: {
        "arn": "arn:aws:lambda:eu-west-1:123456789012:function:f", "endpoint": url, **AWS}),
    "awskinesis": Connector("provider_aws", lambda url: {"streamName": "s", "endpoint": url, **AWS}, kinesis,
                            record_data, ["sequenceNumber", "shardId"]),
    "awsfirehose": Connector("provider_aws", lambda url: {"deliveryStreamName": "s", "endpoint": url, **AWS},
                             firehose, record_data, ["recordId"]),
    "awssqs": Connector("provider_aws", lambda url: {"queueUrl": url + "123456789012/q", "endpoint": url, **AWS},
                        sqs, lambda call: sqs_entries(call)[0]["MessageBody"].encode(), ["messageId"]),
    "weighted": Weighted(),
}

"""Where the keys of AWS calls come from, with the real gateway: metadata, container and STS are scripted servers."""
import datetime
import json
import re
import threading
import time
import urllib.parse

import pytest
from harness import Function, cloud_event, wait_for

EVENT = cloud_event("user.created")
SECRET = "secret-that-nobody-logs"
QUIET = {name: "" for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")}


def until(seconds):
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return end.strftime("%Y-%m-%dT%H:%M:%SZ")


def document(name, seconds=3600):
    return {"Code": "Success", "AccessKeyId": name, "SecretAccessKey": SECRET, "Token": f"tok-{name}", "Expiration": until(seconds)}


def sts(name, seconds=3600):
    return (f"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{name}</AccessKeyId><SecretAccessKey>{SECRET}"
            f"</SecretAccessKey><SessionToken>tok-{name}</SessionToken><Expiration>{until(seconds)}</Expiration></Credentials>"
            "</AssumeRoleResult></AssumeRoleResponse>")


def signer(call):
    found = re.search(r"Credential=([^/]+)/", call.headers.get("Authorization", ""))
    return found and found[1]


@pytest.fixture
def servers():
    made = []

    def make(answer):
        made.append(Function(answer))
        return made[-1]
    yield make
    for server in made:
        server.close()


def taken(call):
    """What Kinesis answers to one record, or to several that share a call."""
    one = {"ShardId": "0", "SequenceNumber": "1"}
    records = json.loads(call.body).get("Records")
    return one if records is None else {"FailedRecordCount": 0, "Records": [one] * len(records)}


@pytest.fixture
def stream(servers):
    """Kinesis as a scripted server."""
    return servers(taken)


@pytest.fixture
def start(make_gateway, stream, tmp_path):
    """A gateway with that environment, and a function `f` that puts into the stream."""
    def make(environment, **provider):
        files = {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"), "AWS_CONFIG_FILE": str(tmp_path / "config")}
        gateway = make_gateway(env={**QUIET, "AWS_EC2_METADATA_DISABLED": "true", **files, **environment})
        gateway.create("functions", {"functionId": "f", "type": "awskinesis", "provider": {
            "streamName": "s", "region": "eu-west-1", "endpoint": stream.url.rstrip("/"), **provider}})
        gateway.event_type("user.created")
        gateway.sync("user.created", "f")
        gateway.settle()
        return gateway
    return make


def metadata(call):
    if call.method == "PUT":
        return "session"
    if call.headers["x-aws-ec2-metadata-token"] != "session":
        return 401, ""
    return json.dumps(document("AKIDIMDS")) if call.path.endswith("/role") else "role"


def expect_signed(gateway, stream, name):
    answer = gateway.emit(EVENT)
    assert answer.status == 200, f"{answer}\n{gateway.log}"
    assert signer(stream.calls[-1]) == name
    assert stream.calls[-1].headers["X-Amz-Security-Token"] == f"tok-{name}"
    assert SECRET not in gateway.log and "tok-" not in gateway.log


def test_an_instance_is_asked_once_for_many_calls(start, stream, servers):
    imds = servers(metadata)
    gateway = start({"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": imds.url})
    imds.gate.clear()
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(gateway.emit(EVENT).status)) for _ in range(20)]
    for thread in threads:
        thread.start()
    imds.wait_calls(1)
    imds.gate.set()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 20, gateway.log
    assert [call.method for call in imds.calls] == ["PUT", "GET", "GET"]
    assert {signer(call) for call in stream.calls} == {"AKIDIMDS"}
    expect_signed(gateway, stream, "AKIDIMDS")


def test_a_container_is_asked_with_the_token_of_its_file(start, stream, servers, tmp_path):
    agent = servers(lambda call: document("AKIDECS") if call.headers["Authorization"] == "the token" else (403, ""))
    (tmp_path / "token").write_text("the token\n")
    gateway = start({"AWS_CONTAINER_CREDENTIALS_FULL_URI": agent.url + "v1/credentials",
                     "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token")})
    expect_signed(gateway, stream, "AKIDECS")
    assert agent.calls[0].path == "/v1/credentials"


def test_a_web_identity_is_exchanged_at_sts(start, stream, servers, tmp_path):
    service = servers(sts("AKIDWEB"))
    (tmp_path / "jwt").write_text("a.b.c")
    gateway = start({"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "jwt"), "AWS_ROLE_ARN": "arn:aws:iam::1:role/r",
                     "AWS_ENDPOINT_URL_STS": service.url})
    expect_signed(gateway, stream, "AKIDWEB")
    form = urllib.parse.parse_qs(service.calls[0].body.decode())
    assert form["WebIdentityToken"] == ["a.b.c"] and form["RoleArn"] == ["arn:aws:iam::1:role/r"]
    assert "Authorization" not in service.calls[0].headers


def test_a_function_assumes_the_role_of_its_profile_with_what_a_program_hands_out(start, stream, servers, tmp_path):
    service = servers(sts("AKIDROLE"))
    keys = json.dumps({"Version": 1, "AccessKeyId": "AKIDPROC", "SecretAccessKey": SECRET})
    (tmp_path / "keys.json").write_text(keys)
    (tmp_path / "config").write_text(
        "[profile events]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\n"
        f"[profile base]\ncredential_process = cat '{tmp_path}/keys.json'\n")
    gateway = start({"AWS_ENDPOINT_URL_STS": service.url}, profile="events")
    expect_signed(gateway, stream, "AKIDROLE")
    assert signer(service.calls[0]) == "AKIDPROC"


def test_refused_credentials_are_fetched_anew_and_the_call_is_made_once_more(start, stream, servers):
    names = iter(["AKIDOLD", "AKIDNEW"])
    agent = servers(lambda call: document(next(names)))
    stream.answer = lambda call: (400, {"__type": "ExpiredTokenException"}) if signer(call) == "AKIDOLD" else \
        taken(call)
    gateway = start({"AWS_CONTAINER_CREDENTIALS_FULL_URI": agent.url})
    assert gateway.emit(EVENT).status == 200, gateway.log
    assert [signer(call) for call in stream.calls] == ["AKIDOLD", "AKIDNEW"]


def test_a_clock_that_is_off_is_corrected_by_the_answers_date(start, stream):
    stream.answer = lambda call: taken(call) if call.headers["X-Amz-Date"] > "2034" else \
        (403, {"__type": "InvalidSignatureException"}, [("Date", "Sun, 01 Jan 2034 10:00:00 GMT")])
    # The server writes a Date of its own first; without it the scripted one is the only one.
    stream.server.RequestHandlerClass.date_time_string = lambda self, timestamp=None: "Sun, 01 Jan 2034 10:00:00 GMT"
    gateway = start({}, awsAccessKeyId="AKID", awsSecretAccessKey=SECRET)
    assert gateway.emit(EVENT).status == 200, gateway.log
    assert [call.headers["X-Amz-Date"][:4] > "2033" for call in stream.calls] == [False, True]
    assert gateway.emit(EVENT).status == 200
    assert len(stream.calls) == 3


def test_a_source_that_hangs_delays_nobody_else(start, servers, stream):
    imds = servers("never")
    imds.gate.clear()
    gateway = start({"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": imds.url})
    gateway.function("other", {"statusCode": 200, "body": "here"})
    gateway.event_type("other.event")
    gateway.sync("other.event", "other", path="/other")
    gateway.settle()
    waiting = []
    thread = threading.Thread(target=lambda: waiting.append(gateway.emit(EVENT)))
    thread.start()
    imds.wait_calls(1)
    assert gateway.emit(cloud_event("other.event"), path="/other").text == "here"
    assert waiting == []
    thread.join()
    assert waiting[0].status == 500   # its second is over
    wait_for(lambda: "hop limit" in gateway.log, "the reason in the log")
    assert gateway.metric("eventgateway_provider_calls_total", provider="awskinesis", **{"class": "auth"}) == 1


def test_no_credentials_at_all_are_told(start):
    gateway = start({})
    assert gateway.emit(EVENT).status == 500
    wait_for(lambda: "no AWS credentials: neither in the function nor in the environment" in gateway.log,
             "the reason in the log")


def test_the_gateway_ends_while_credentials_are_being_fetched(start, servers):
    agent = servers(lambda call: (500, "broken"))
    gateway = start({"AWS_CONTAINER_CREDENTIALS_FULL_URI": agent.url})
    thread = threading.Thread(target=lambda: gateway.emit(EVENT))
    thread.start()
    agent.wait_calls(1)
    begun = time.monotonic()
    gateway.stop()
    thread.join()
    assert time.monotonic() - begun < 20

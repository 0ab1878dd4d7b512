"""Functions of type azurefunction against a strict imitation of Azure (azure_cloud.py)."""
import pathlib
import sys
import threading

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from azure_cloud import AzureCloud   # noqa: E402
from harness import cloud_event, wait_for   # noqa: E402
from wire_faults import TRANSPORT_FAULTS, FaultyServer, answer, make_certificate, refused_port, says   # noqa: E402

PREFIX = "Function doesn't validate. Validation error: "
FAILED = "Function call failed. Please check logs."
EVENT = {"specversion": "1.0", "type": "t", "source": "/x", "id": "1", "data": {"name": "Ada"}}
BY_SECRET = {"auth": "clientSecret", "tenantId": "tenant-1", "clientId": "client-1", "clientSecret": "secret&1=",
             "resource": "api://app-1"}


@pytest.fixture
def cloud():
    made = AzureCloud()
    yield made
    made.close()
    assert made.violations == []


@pytest.fixture
def start(make_gateway):
    """start(url, provider..., settings={}): a gateway whose function f is subscribed to the type t."""
    def begin(url, settings=None, env=None, timeout="30s", **provider):
        keys = {f"plugins.azurefunction.{k}": v for k, v in (settings or {}).items()}
        gw = make_gateway(set={"compat.function_timeout": timeout, **keys}, env=env)
        gw.create("functions", {"functionId": "f", "type": "azurefunction", "provider": {"url": url, **provider}})
        gw.event_type("t")
        gw.sync("t", "f")
        gw.settle()
        return gw
    return begin


def wait_logged(gw, text):
    """The log comes through a pipe, a little later than the answer."""
    wait_for(lambda: text in gw.log, f"{text!r} in the log")


def calls(gw, kind):
    return gw.metric("eventgateway_provider_calls_total", provider="azurefunction", **{"class": kind}) or 0


# ---- configuration ----

def test_the_configuration_is_answered_without_its_secrets(gw):
    provider = {"app": "my-app", "function": "f", "key": "k", **BY_SECRET}
    answered = gw.create("functions", {"functionId": "f", "type": "azurefunction", "provider": provider})
    assert answered["provider"] == {**provider, "key": "*****", "clientSecret": "*****"}


@pytest.mark.parametrize("provider, text", [
    ({}, "missing required fields for Azure function"),
    ({"app": "a"}, "missing required fields for Azure function"),
    ({"url": "mailto:x"}, "url has to be an absolute http or https URL"),
    ({"url": "http://example.com/", "key": "k"},
     "a key or token needs an https url (or the gateway's setting allow_http)"),
    ({"url": 7}, "unable to load function provider config: 'url'")])
def test_a_configuration_that_cannot_work_is_refused(gw, provider, text):
    answered = gw.config("POST", "/v1/spaces/default/functions",
                         {"functionId": "f", "type": "azurefunction", "provider": provider})
    assert answered.status == 400
    assert answered.message.startswith(PREFIX + text)


# ---- calls ----

def test_a_function_with_a_key_gets_the_event_and_its_answer_is_the_reply(cloud, start):
    cloud.key = "key=="
    cloud.answer = {"statusCode": 201, "headers": {"X-A": "b"}, "body": "made"}
    gw = start(f"{cloud.url}/api/f?x=1", key="key==")
    reply = gw.emit(EVENT)
    assert (reply.status, reply.text, reply.header("X-A")) == (201, "made", "b")
    assert cloud.calls[0].path == "/api/f?x=1"
    assert cloud.calls[0].json == EVENT
    assert calls(gw, "ok") == 1


def test_a_wrong_key_is_an_auth_failure_and_not_tried_again(cloud, start):
    cloud.key = "right"
    gw = start(f"{cloud.url}/api/f", key="wrong")
    reply = gw.emit(EVENT)
    assert (reply.status, reply.message) == (500, FAILED)
    assert calls(gw, "auth") == 1
    wait_logged(gw, "Function access denied. Error: HTTP status code: 401")
    assert "wrong" not in gw.log.replace("missing or wrong", "")


def test_content_type_and_version_of_the_event_can_be_chosen(cloud, start):
    cloud.content_type = "application/json"
    gw = start(f"{cloud.url}/api/f", contentType="application/json", cloudEvents="1.0")
    assert gw.emit(cloud_event("t")).status == 200
    assert cloud.calls[0].json["specversion"] == "1.0"


def test_a_durable_function_is_acknowledged(cloud, start):
    cloud.answer = (202, {"id": "instance-1"}, [("Location", f"{cloud.url}/status")])
    gw = start(f"{cloud.url}/api/f")
    reply = gw.emit(EVENT)
    assert (reply.status, reply.json) == (200, {"id": "instance-1"})
    assert calls(gw, "accepted") == 1


def test_a_redirect_is_not_followed(cloud, start):
    cloud.key = "k"
    cloud.answer = (302, "", [("Location", f"{cloud.url}/api/other")])
    gw = start(f"{cloud.url}/api/f", key="k")
    assert gw.emit(EVENT).status == 500
    assert len(cloud.calls) == 1
    assert calls(gw, "permanent") == 1


def test_an_answer_that_is_no_json_is_malformed_for_a_sync_caller(cloud, start):
    cloud.answer = (200, "hello", [])
    gw = start(f"{cloud.url}/api/f")
    reply = gw.emit(EVENT)
    assert (reply.status, reply.message) == (500, "HTTP response object malformed")


@pytest.mark.parametrize("status, kind", [(400, "permanent"), (403, "permanent"), (404, "permanent"),
                                          (408, "transient"), (413, "permanent"), (502, "transient"),
                                          (504, "transient")])
def test_statuses_have_their_class(cloud, start, status, kind):
    cloud.answer = (status, "secret trace", [])
    gw = start(f"{cloud.url}/api/f")
    assert gw.emit(EVENT).message == FAILED
    assert calls(gw, kind) == 1
    wait_logged(gw, f"HTTP status code: {status}")
    assert "secret trace" not in gw.log
    assert len(cloud.calls) == 1


# ---- tokens ----

def test_a_client_secret_buys_one_token_for_many_calls(cloud, start):
    cloud.wants_token = True
    gw = start(f"{cloud.url}/api/f", {"authority_host": cloud.url}, **BY_SECRET)
    for _ in range(5):
        assert gw.emit(EVENT).text == "hello"
    assert len(cloud.token_requests) == 1


def test_calls_that_begin_together_share_one_token(cloud, start):
    cloud.wants_token = True
    gw = start(f"{cloud.url}/api/f", {"authority_host": cloud.url}, **BY_SECRET)
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(gw.emit(EVENT).status)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies == [200] * 20
    assert len(cloud.token_requests) == 1   # over all loops


def test_a_token_that_the_function_refuses_is_replaced_once(cloud, start):
    cloud.wants_token = True
    gw = start(f"{cloud.url}/api/f", {"authority_host": cloud.url}, **BY_SECRET)
    assert gw.emit(EVENT).status == 200
    cloud.valid_tokens.clear()   # revoked, or expired by the function's clock
    assert gw.emit(EVENT).text == "hello"
    assert len(cloud.token_requests) == 2
    assert calls(gw, "ok") == 2


def test_an_expired_token_is_replaced_before_the_call(cloud, start):
    cloud.wants_token = True
    cloud.token_life = 0
    gw = start(f"{cloud.url}/api/f", {"authority_host": cloud.url}, **BY_SECRET)
    assert gw.emit(EVENT).status == 200
    assert gw.emit(EVENT).status == 200
    assert len(cloud.token_requests) == 2
    assert len(cloud.calls) == 2


def test_a_function_that_refuses_every_token_is_asked_twice(cloud, start):
    cloud.wants_token = True
    cloud.valid_tokens = type("Never", (set,), {"__contains__": lambda self, item: False})()
    gw = start(f"{cloud.url}/api/f", {"authority_host": cloud.url}, **BY_SECRET)
    assert gw.emit(EVENT).message == FAILED
    assert len(cloud.token_requests) == 2
    assert calls(gw, "auth") == 1


def test_a_wrong_client_secret_is_told_in_the_log(cloud, start):
    gw = start(f"{cloud.url}/api/f", {"authority_host": cloud.url}, **{**BY_SECRET, "clientSecret": "not-it"})
    assert gw.emit(EVENT).message == FAILED
    assert calls(gw, "auth") == 1
    wait_logged(gw, "invalid_client: AADSTS7000215")
    assert "not-it" not in gw.log
    assert cloud.calls == []


def test_a_workload_identity_reads_its_file_for_each_token(cloud, start, tmp_path):
    token = tmp_path / "token"
    token.write_text("jwt-1\n")
    cloud.wants_token = True
    cloud.token_life = 0
    env = {"AZURE_FEDERATED_TOKEN_FILE": str(token), "AZURE_TENANT_ID": "tenant-1", "AZURE_CLIENT_ID": "client-1",
           "AZURE_AUTHORITY_HOST": cloud.url + "/"}
    gw = start(f"{cloud.url}/api/f", env=env, auth="workloadIdentity", resource="api://app-1")
    assert gw.emit(EVENT).status == 200
    token.write_text("jwt-2")
    assert gw.emit(EVENT).status == 200
    assert [form["client_assertion"] for _, form in cloud.token_requests] == ["jwt-1", "jwt-2"]
    token.unlink()
    assert gw.emit(EVENT).message == FAILED
    assert calls(gw, "auth") == 1


def test_a_managed_identity_of_app_service(cloud, start):
    cloud.wants_token = True
    env = {"IDENTITY_ENDPOINT": f"{cloud.url}/msi/token", "IDENTITY_HEADER": "identity-secret"}
    gw = start(f"{cloud.url}/api/f", env=env, auth="managedIdentity", resource="api://app-1/.default",
               clientId="user-assigned")
    assert gw.emit(EVENT).status == 200
    assert gw.emit(EVENT).status == 200
    assert [(which, query["client_id"]) for which, query in cloud.token_requests] == [
        ("app service", ["user-assigned"])]


def test_a_managed_identity_of_a_vm(cloud, start):
    cloud.wants_token = True
    env = {"IDENTITY_ENDPOINT": "", "IDENTITY_HEADER": ""}
    gw = start(f"{cloud.url}/api/f", {"imds_endpoint": cloud.url}, env, auth="managedIdentity",
               resource="api://app-1")
    assert gw.emit(EVENT).status == 200
    assert [which for which, _ in cloud.token_requests] == ["vm"]


@pytest.mark.parametrize("token_answer, kind", [
    ((200, b"not JSON", []), "transient"), ((200, b'{"access_token":', []), "transient"),
    ((200, b'{"access_token":"a\\r\\nX: y"}', []), "transient"), ((200, b"x" * 200000, []), "transient"),
    ((410, b"", []), "transient"), ((429, b"", [("Retry-After", "3")]), "throttled"), ((500, b"", []), "transient"),
    ((403, b"", []), "auth")])
def test_a_token_endpoint_that_fails_fails_the_call_with_its_class(cloud, start, token_answer, kind):
    cloud.token_answer = token_answer
    gw = start(f"{cloud.url}/api/f", {"authority_host": cloud.url}, **BY_SECRET)
    assert gw.emit(EVENT).message == FAILED
    assert calls(gw, kind) == 1
    assert cloud.calls == []
    cloud.token_answer = None
    assert gw.emit(EVENT).status == 200   # nothing is remembered of it


def test_a_token_endpoint_that_hangs_holds_nobody_else(cloud, start):
    server = FaultyServer(lambda connection, me: me.closing.wait(60))
    try:
        gw = start(f"{cloud.url}/api/f", {"authority_host": server.url, "token_timeout": "1s"}, **BY_SECRET)
        other = gw.function("other", {"statusCode": 200, "body": "quick"})
        gw.event_type("u")
        gw.sync("u", "other", path="/u")
        gw.settle()
        waiting = []
        thread = threading.Thread(target=lambda: waiting.append(gw.emit(EVENT)))
        thread.start()
        for _ in range(10):
            assert gw.emit(cloud_event("u"), path="/u").text == "quick"
        thread.join()
        assert waiting[0].message == FAILED
        assert len(other.calls) == 10
        wait_logged(gw, "the token endpoint:")
    finally:
        server.close()


# ---- faults of the wire ----

@pytest.mark.parametrize("name, serve, kind, text", TRANSPORT_FAULTS, ids=[f[0] for f in TRANSPORT_FAULTS])
def test_faults_fail_the_call_and_delay_nobody_else(start, name, serve, kind, text):
    server = FaultyServer(serve) if serve else None
    url = server.url if server else f"http://127.0.0.1:{refused_port()}"
    try:
        gw = start(url + "/api/f", {"max_response": "64KiB"}, timeout="1s", key="k")
        gw.function("other", {"statusCode": 200, "body": "quick"})
        gw.event_type("u")
        gw.sync("u", "other", path="/u")
        gw.settle()
        waiting = []
        thread = threading.Thread(target=lambda: waiting.append(gw.emit(EVENT)))
        thread.start()
        for _ in range(5):
            assert gw.emit(cloud_event("u"), path="/u").text == "quick"
        thread.join()
        assert (waiting[0].status, waiting[0].message) == (500, FAILED)
        wait_for(lambda: calls(gw, kind) == 1, f"one {kind} call: {gw.log}")
        wait_logged(gw, text)
    finally:
        if server:
            server.close()


def test_a_certificate_has_to_be_trusted_and_to_have_the_right_name(start, tmp_path):
    ok = says(answer(b"200 OK", b'{"statusCode":200,"body":"over TLS"}'))
    good = make_certificate(tmp_path, "good", "IP:127.0.0.1")
    other = make_certificate(tmp_path, "other", "DNS:other.test")
    servers = [FaultyServer(ok, good), FaultyServer(ok, other)]
    try:
        unknown = start(servers[0].url + "/api/f", key="k")
        assert unknown.emit(EVENT).message == FAILED
        assert calls(unknown, "transient") == 1
        wait_logged(unknown, "ertificate")
        named = start(servers[1].url + "/api/f", {"ca_file": other[0]}, key="k")
        assert named.emit(EVENT).message == FAILED
        trusted = start(servers[0].url + "/api/f", {"ca_file": good[0]}, key="k")
        assert trusted.emit(EVENT).text == "over TLS"
    finally:
        for server in servers:
            server.close()


def test_a_gateway_that_stops_while_it_waits_for_a_token_ends_well(cloud, start):
    server = FaultyServer(lambda connection, me: me.closing.wait(60))
    try:
        gw = start(f"{cloud.url}/api/f", {"authority_host": server.url, "token_timeout": "1s"}, **BY_SECRET)
        gw.asynchronous("t", "f", path="/a")
        gw.settle()
        assert gw.emit(EVENT, path="/a").status == 202
        gw.stop()   # drains first; checks the exit code and the sanitizers
    finally:
        server.close()

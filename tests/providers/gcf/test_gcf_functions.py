"""Functions run by Google's functions-framework, behind Google's own check of ID tokens."""
import base64
import json
import threading
import urllib.parse

import pytest

from harness import cloud_event, wait_for

TYPE = "googlecloudfunction"


def register(gateway, name, url, kind=TYPE, **provider):
    return gateway.create("functions", {"functionId": name, "type": kind, "provider": {"url": url, **provider}})


def serve(gateway, url, event_type="order.made", subscription="sync", kind=TYPE, **provider):
    """A function subscribed to an event type, in effect."""
    register(gateway, "f", url, kind, **provider)
    gateway.event_type(event_type)
    gateway.subscribe(subscription, event_type, "f")
    gateway.settle()


def ce(event_type="order.made", **more):
    return {"specversion": "1.0", "type": event_type, "source": "/shop", "id": "42",
            "datacontenttype": "application/json", "data": {"n": 1}, **more}


def calls(gateway, call_class, provider=TYPE):
    return gateway.metric("eventgateway_provider_calls_total", provider=provider, **{"class": call_class}) or 0


@pytest.mark.parametrize("kind", [TYPE, "gcf"])
def test_an_http_function_gets_binary_mode_and_its_answer_is_mapped(google, cloud, echo, kind):
    serve(google, cloud.url(echo.port), kind=kind)
    answer = google.emit(ce(comexampleextra="Euro \u20ac 5%"))
    assert answer.status == 201 and answer.header("x-function") == "echo", answer
    seen = answer.json
    assert seen["body"] == {"n": 1}
    assert seen["headers"]["ce-type"] == "order.made" and seen["headers"]["ce-specversion"] == "1.0"
    assert seen["headers"]["ce-comexampleextra"] == "Euro%20%E2%82%AC%205%25"
    assert seen["headers"]["content-type"] == "application/json"
    assert seen["headers"]["x-verified-email"] == "gateway@project.iam.gserviceaccount.com"
    assert calls(google, "ok", kind) == 1
    assert cloud.state["passed"] == 1


RICH = {"subject": "caf\u00e9 \U0001f600 \"quoted\" 100%", "time": "2026-01-02T03:04:05Z", "tenant": "a b",
        "data": {"deep": [1, 2.5, {"x": None}], "text": "\u00e9\n"}}


def test_a_cloudevent_function_gets_the_event_as_it_was_sent(google, cloud, record):
    serve(google, cloud.url(record.port), subscription="async")
    sent = ce(**RICH)
    assert google.emit(sent).status == 202
    got = wait_for(lambda: record.events, "the event")[0]
    # The framework hands header values on as they came, percent-encoded, and keeps the content type to itself.
    assert got["subject"] == "caf%C3%A9%20%F0%9F%98%80%20%22quoted%22%20100%25"
    for name in ("type", "source", "id", "specversion", "subject", "tenant"):
        assert urllib.parse.unquote(got[name]) == sent[name], name
    assert got["data"] == sent["data"] and got["time"].startswith("2026-01-02T03:04:05")


def test_structured_mode_gives_the_event_to_the_letter(google, cloud, record):
    serve(google, cloud.url(record.port), subscription="async", mode="structured")
    sent = ce(**RICH)
    assert google.emit(sent).status == 202
    got = wait_for(lambda: record.events, "the event")[0]
    assert got == sent | {"time": got["time"]} and got["time"].startswith("2026-01-02T03:04:05")


def test_an_older_event_arrives_as_1_0(google, cloud, record):
    serve(google, cloud.url(record.port), event_type="old", subscription="async")
    assert google.emit(cloud_event("old", {"a": 1})).status == 202
    got = wait_for(lambda: record.events, "the event")[0]
    assert got["specversion"] == "1.0" and got["type"] == "old" and got["data"] == {"a": 1}


def test_text_and_binary_data_arrive_as_bytes(google, cloud, echo):
    serve(google, cloud.url(echo.port))
    text = google.emit(ce(datacontenttype="text/plain", data="a\nb")).json
    assert text["body"] == "a\nb" and text["headers"]["content-type"] == "text/plain"
    event = ce(datacontenttype="application/octet-stream", data_base64="AAH+/w==")
    del event["data"]
    binary = google.emit(event).json
    assert binary["body"] == {"type": "Buffer", "data": [0, 1, 254, 255]}


def test_a_function_that_throws_is_a_failed_call(google, cloud, echo):
    serve(google, cloud.url(echo.port), event_type="please.fail")
    answer = google.emit(ce("please.fail"))
    assert answer.status == 500 and answer.message == "Function call failed. Please check logs."
    assert calls(google, "function") == 1


def test_one_token_serves_concurrent_calls_of_all_loops(google, cloud, echo):
    serve(google, cloud.url(echo.port))
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(google.emit(ce()).status)) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 24
    assert cloud.state["issued"] == 1


def test_a_service_account_key_signs_for_the_token(google, cloud, echo):
    serve(google, cloud.url(echo.port), serviceAccountKey=json.dumps(cloud.key))
    assert google.emit(ce()).status == 201
    assert google.emit(ce()).status == 201
    state = cloud.state
    assert state["asked"] == {"metadata": 0, "endpoint": 1} and state["issued"] == 1 and state["passed"] == 2


def test_the_key_is_never_shown(google, cloud):
    register(google, "f", "https://f.test/", serviceAccountKey=json.dumps(cloud.key))
    shown = google.config("GET", "/v1/spaces/default/functions/f").text
    assert json.loads(shown)["provider"]["serviceAccountKey"] == "*****"
    assert "PRIVATE" not in shown and "PRIVATE" not in google.log


def test_a_key_file_is_taken_from_the_environment(make_gateway, cloud, echo, tmp_path):
    file = tmp_path / "key.json"
    file.write_text(json.dumps(cloud.key))
    gateway = make_gateway(env={"GOOGLE_APPLICATION_CREDENTIALS": str(file)})
    serve(gateway, cloud.url(echo.port))
    assert gateway.emit(ce()).status == 201
    assert cloud.state["issued"] == 1


def test_a_key_file_that_is_none_is_told_in_the_log(make_gateway, cloud, echo, tmp_path):
    file = tmp_path / "key.json"
    file.write_text('{"type": "authorized_user"}')
    gateway = make_gateway(env={"GOOGLE_APPLICATION_CREDENTIALS": str(file)})
    serve(gateway, cloud.url(echo.port))
    answer = gateway.emit(ce())
    assert answer.status == 500 and calls(gateway, "auth") == 1
    wait_for(lambda: "type is not" in gateway.log and str(file) in gateway.log, "the log to say why")


def test_a_public_function_is_called_without_a_token(google, cloud, echo):
    serve(google, f"http://127.0.0.1:{echo.port}/", auth="none")
    assert "authorization" not in google.emit(ce()).json["headers"]
    assert cloud.state["issued"] == 0


def test_the_audience_can_be_set(google, cloud, echo):
    serve(google, f"http://127.0.0.1:{echo.port}/", audience="my-service")
    claims = google.emit(ce()).json["headers"]["authorization"].split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["aud"] == "my-service"


def test_a_refused_token_is_replaced_and_the_call_tried_once_more(google, cloud, echo):
    serve(google, cloud.url(echo.port))
    assert google.emit(ce()).status == 201
    cloud.set(refuseBefore=2)   # the token of the first call is no longer good
    assert google.emit(ce()).status == 201
    state = cloud.state
    assert state["issued"] == 2 and state["front"] == 3 and calls(google, "ok") == 2


def test_a_token_that_stays_refused_is_an_auth_failure(google, cloud, echo):
    cloud.set(wrongAudience=True)
    serve(google, cloud.url(echo.port))
    assert google.emit(ce()).status == 500
    state = cloud.state
    assert state["issued"] == 2 and state["front"] == 2 and state["passed"] == 0
    assert calls(google, "auth") == 1
    wait_for(lambda: "HTTP status code: 401, Bearer error=" in google.log, "the log to say why")


def test_an_expired_token_is_never_sent(google, cloud, echo):
    cloud.set(lifetime=-10)
    serve(google, cloud.url(echo.port))
    assert google.emit(ce()).status == 500
    assert cloud.state["front"] == 0 and calls(google, "auth") == 1
    wait_for(lambda: "the ID token has ended already" in google.log, "the log to say why")


def test_a_token_that_ends_is_fetched_anew(google, cloud, echo):
    cloud.set(lifetime=2)
    serve(google, cloud.url(echo.port))
    assert google.emit(ce()).status == 201
    wait_for(lambda: google.emit(ce()).status == 201 and cloud.state["issued"] >= 2, "a second token")


@pytest.mark.parametrize("provider, text", [
    ({}, "missing required fields for Google Cloud Function"),
    ({"url": ""}, "missing required fields for Google Cloud Function"),
    ({"url": None}, "missing required fields for Google Cloud Function"),
    ({"url": "f.test"}, "missing required fields for Google Cloud Function: url has to begin with https:// or http://"),
    ({"url": 7}, "unable to load function provider config: 'url' has to be a text"),
    ({"url": "https://f", "auth": "some"}, "unable to load function provider config: 'auth' has to be one of "
                                           "auto|metadata|serviceAccount|none"),
    ({"url": "https://f", "serviceAccountKey": "{}"}, "serviceAccountKey: type is not \"service_account\""),
    ({"url": "https://f", "serviceAccountKey": "x" * 200000}, "serviceAccountKey: it is no JSON object"),
])
def test_a_function_that_cannot_be_called_is_refused(google, provider, text):
    answer = google.config("POST", "/v1/spaces/default/functions",
                           {"functionId": "f", "type": TYPE, "provider": provider})
    assert answer.status == 400 and text in answer.message, answer

"""Metrics (rows MT-*, chapter 11)."""
import re
import shutil
import subprocess

import pytest

from harness import ROOT, cloud_event, wait_for

PROMTOOL = shutil.which("promtool") or ROOT / "build/deps/tools/usr/bin/promtool"


def test_a_sync_event_is_counted(gw):   # MT-02
    gw.function("f")
    gw.event_type("e")
    gw.sync("e", "f")
    gw.settle()
    gw.emit(cloud_event("e"))
    received = "eventgateway_events_received_total"
    wait_for(lambda: gw.metric("eventgateway_events_processed_total", space="default", type="e") == 1,
             "the event to be counted")
    assert gw.metric(received, space="default", type="e") == 1
    assert gw.metric(received, space="default", type="eventgateway.function.invoking") == 1
    assert gw.metric(received, space="default", type="eventgateway.function.invoked") == 1


def test_async_events_are_custom(gw):
    function = gw.function("f")
    gw.event_type("e")
    gw.asynchronous("e", "f")
    gw.settle()
    gw.emit(cloud_event("e"))
    function.wait_calls(1)
    wait_for(lambda: gw.metric("eventgateway_events_processed_total", space="default", type="custom") == 1,
             "the delivery to be counted")
    assert gw.metric("eventgateway_events_received_total", space="default", type="custom") == 1
    assert gw.metric("eventgateway_events_custom_processing_seconds_count") == 1
    assert gw.metric("eventgateway_events_backlog") == 0


def test_a_failed_call_is_processed_too(gw):
    gw.function("f", (500, "{}"))
    gw.event_type("e")
    gw.sync("e", "f")
    gw.settle()
    gw.emit(cloud_event("e"))
    wait_for(lambda: gw.metric("eventgateway_events_processed_total", space="default", type="e") == 1,
             "the event to be counted")
    assert gw.metric("eventgateway_provider_calls_total", provider="http", **{"class": "function"}) == 1


def test_config_requests_are_counted(gw):   # MT-06
    body = {"functionId": "f1", "type": "http", "provider": {"url": "http://e.com"}}
    base = "/v1/spaces/counted/functions"
    gw.config("POST", base, body)
    gw.config("POST", base, body)          # 409 counts
    gw.config("POST", base, "{")           # unparsable does not
    gw.config("GET", base)
    gw.config("GET", base + "/f1")
    gw.config("GET", base + "/none")
    gw.config("PUT", base + "/f1", body)
    gw.config("DELETE", base + "/f1")

    def count(operation):
        return gw.metric("eventgateway_config_requests_total", space="counted", resource="function",
                         operation=operation)
    assert [count(o) for o in ("create", "list", "get", "update", "delete")] == [2, 1, 2, 1, 1]
    assert gw.metric("eventgateway_config_request_duration_seconds_count") >= 8


def test_object_gauges_count_what_is_there(gw):   # Q35
    gw.function("a")
    gw.function("b")
    gw.event_type("e")
    gw.asynchronous("e", "a")
    gw.create("cors", {"method": "GET", "path": "/"})
    gw.settle()
    for kind, count in (("functions", 2), ("eventtypes", 1), ("subscriptions", 1), ("cors", 1)):
        assert gw.metric(f"eventgateway_{kind}_total", space="default") == count
    gw.config("DELETE", "/v1/spaces/default/functions/b")
    wait_for(lambda: gw.metric("eventgateway_functions_total", space="default") == 1, "one function")


def test_the_page_passes_promtool(gw):
    gw.function("f")
    gw.event_type("e")
    gw.sync("e", "f")
    gw.settle()
    gw.emit(cloud_event("e"))
    page = gw.config("GET", "/v1/metrics").body
    if not PROMTOOL or not shutil.which(str(PROMTOOL)):
        pytest.skip(f"no promtool (looked for {PROMTOOL})")
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=page, capture_output=True)
    # The names of the original are part of its contract although two gauges end in _total.
    complaints = [line for line in (done.stdout + done.stderr).decode().splitlines()
                  if not re.match(r"eventgateway_(eventtypes|functions|subscriptions|cors)_total ", line)]
    assert not complaints


def test_unrouted_events_are_counted(gw):
    before = gw.metric("eventgateway_events_unrouted_total") or 0
    gw.event("GET", "/nobody")
    assert gw.metric("eventgateway_events_unrouted_total") == before + 1


def test_label_values_of_strangers_are_escaped(gw):
    gw.config("GET", '/v1/spaces/a"b%0Ac/functions')
    page = gw.config("GET", "/v1/metrics").text
    for line in page.splitlines():
        assert line.startswith("#") or re.fullmatch(r'[a-z_]+(\{([a-z_]+="([^"\\]|\\.)*",?)*\})? \S+', line), line

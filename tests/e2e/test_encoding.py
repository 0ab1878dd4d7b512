"""How bodies become data (rows ENC-*)."""
import pytest

BINARY = {"CE-EventType": "test.event", "CE-CloudEventsVersion": "0.1", "CE-Source": "/x", "CE-EventID": "1"}
LEGACY = {"Event": "test.event"}
MULTIPART = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n"


@pytest.mark.parametrize("mode, content_type, body, data", [
    (BINARY, "application/json", '{"a":1}', {"a": 1}),                                     # ENC-01
    (BINARY, "application/json", "[1]", [1]),                                              # ENC-02
    (BINARY, "application/json; charset=utf-8", '{"a":1}', {"a": 1}),                      # ENC-03
    (BINARY, "application/json", "", ""),                                                  # ENC-05
    (BINARY, "application/json", '"s"', "s"), (BINARY, "Application/JSON", "1", 1),
    (LEGACY, "application/json; charset=utf-8", '{"a":1}', {"a": 1}),                      # ENC-07
    (LEGACY, "application/foo+json", '{"a":1}', {"a": 1}),                                 # ENC-08
    (LEGACY, "application/x-www-form-urlencoded; charset=utf-8", "a=1", "a=1"),            # ENC-09
    (LEGACY, "multipart/form-data; boundary=b", MULTIPART, MULTIPART),                     # ENC-10
    (LEGACY, "text/plain", "hello", "aGVsbG8="),
    (LEGACY, "application/json", "{bad", "e2JhZA==")])
def test_custom_events(route, mode, content_type, body, data):
    function, path = route("sync", "test.event")
    answer = route.gateway.event("POST", path, body, {**mode, "Content-Type": content_type})
    assert answer.status == 200
    event = function.calls[0].json
    assert event["data"] == data
    if mode is LEGACY:
        assert event["contentType"] == content_type.split(";")[0]


@pytest.mark.parametrize("content_type, body, data", [
    (None, b"hello", "aGVsbG8="),                                                          # ENC-12
    ("application/json", b"{bad", "e2JhZA=="),                                             # ENC-16
    ("application/json", b'{"a":1} x', "eyJhIjoxfSB4"),
    ("multipart/form-data; boundary=b", MULTIPART.encode(), MULTIPART),                    # ENC-20
    ("application/x-www-form-urlencoded", b"a=\xff", "a=�"),
    (None, bytes(range(0x14)), "AAECAwQFBgcICQoLDA0ODxAREhM=")])                           # ENC-22
def test_raw_requests(route, content_type, body, data):
    function, path = route("sync", "http.request")
    headers = {"Content-Type": content_type} if content_type else {}
    assert route.gateway.event("POST", path, body, headers).status == 200
    assert function.calls[0].json["data"]["body"] == data


def test_numbers_keep_their_digits(route):   # Q18
    function, path = route("sync", "http.request")
    body = '{"big":12345678901234567890,"one":1.0,"exp":1e3,"tiny":1E-400}'
    route.gateway.event("POST", path, body, {"Content-Type": "application/json"})
    assert body in function.calls[0].body.decode()

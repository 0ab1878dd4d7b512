"""Config API, routing and general: rows CFG-*."""
import json

import pytest

COLLECTIONS = {
    "eventtypes": "Event Type doesn't validate. Validation error: ",
    "functions": "Function doesn't validate. Validation error: ",
    "subscriptions": "Subscription doesn't validate. Validation error: ",
    "cors": "CORS configuration doesn't validate. Validation error: ",
}
FUNCTION = {"functionId": "f1", "type": "http", "provider": {"url": "http://e.com"}}


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/spaces", "/v1/nosuch", "/metrics"])
def test_an_unknown_path_is_a_404_text(shared, path):   # CFG-04
    answer = shared.config("GET", path)
    assert answer.status == 404
    assert answer.text.rstrip("\n") == "404 page not found"
    assert answer.header("Content-Type") == "text/plain; charset=utf-8"
    assert answer.header("X-Content-Type-Options") == "nosniff"


@pytest.mark.parametrize("method, path", [
    ("PATCH", "functions"), ("PUT", "functions"), ("POST", "functions/x"), ("HEAD", "functions"),
    ("OPTIONS", "functions"), ("DELETE", "eventtypes"), ("PATCH", "cors/GET%2Fx")])
def test_a_known_path_with_another_method_is_a_405_text(shared, method, path):   # CFG-06, 07, 08
    answer = shared.config(method, f"/v1/spaces/default/{path}", "{}" if method == "PUT" else None)
    assert answer.status == 405
    assert answer.header("Content-Type") == "text/plain; charset=utf-8"
    assert method == "HEAD" or answer.text.rstrip("\n") == "Method Not Allowed"


def test_a_trailing_slash_serves_the_collection(shared, space):   # CFG-10, 11
    assert shared.config("GET", f"/v1/spaces/{space}/functions/").json == {"functions": []}
    assert shared.config("POST", f"/v1/spaces/{space}/functions/", FUNCTION).status == 201


def test_fixed_parts_in_other_case_are_answered_somehow(shared):   # CFG-12
    assert shared.config("GET", "/V1/Spaces/default/Functions").status in (200, 301, 404)


@pytest.mark.parametrize("collection, body", [
    ("functions", '{"functions":[]}'), ("eventtypes", '{"eventTypes":[]}'),
    ("subscriptions", '{"subscriptions":[]}'), ("cors", '{"cors":[]}')])
def test_an_unknown_space_lists_as_empty(shared, collection, body):   # CFG-13, 21
    answer = shared.config("GET", f"/v1/spaces/nosuch/{collection}")
    assert answer.status == 200
    assert answer.text == body + "\n"
    assert answer.header("Content-Type") == "application/json"


@pytest.mark.parametrize("body", ["[]", '"x"', "1", '{"metadata":{"a":1}}', '{"metadata":"a"}'])
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_a_body_of_the_wrong_shape_is_refused(shared, space, collection, body):   # CFG-17, 18, 19
    answer = shared.config("POST", f"/v1/spaces/{space}/{collection}", body)
    assert answer.status == 400
    assert answer.message.startswith(COLLECTIONS[collection])


@pytest.mark.parametrize("body, text", [("", "EOF"), ("{", "unexpected EOF"), ('{"name":"te', "unexpected EOF")])
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_cut_off_bodies_have_pinned_texts(shared, space, collection, body, text):
    answer = shared.config("POST", f"/v1/spaces/{space}/{collection}", body)
    assert answer.status == 400
    assert answer.message == COLLECTIONS[collection] + text


def test_a_space_has_three_characters_or_more(shared):   # CFG-22
    answer = shared.config("POST", "/v1/spaces/ab/functions", FUNCTION)
    assert answer.status == 400
    assert answer.message.endswith(
        "Key: 'Function.Space' Error:Field validation for 'Space' failed on the 'min' tag")


def test_a_space_may_hold_dots_dashes_and_underscores(shared):   # CFG-24
    answer = shared.config("POST", "/v1/spaces/a.b-c_1/functions", FUNCTION)
    assert answer.status == 201
    assert answer.json["space"] == "a.b-c_1"


def test_an_encoded_slash_in_a_space_is_a_404(shared):   # CFG-25
    assert shared.config("POST", "/v1/spaces/a%2Fb/functions", FUNCTION).status == 404


def test_a_failing_store_is_a_500_with_its_text(make_gateway):   # CFG-27
    """The store's file is replaced by something that is no database while the gateway runs."""
    gateway = make_gateway()
    gateway.create("functions", FUNCTION)
    database = next(gateway.data_dir.glob("*.db"))
    for path in gateway.data_dir.iterdir():
        path.write_bytes(b"this is no database" * 400)
    answer = gateway.config("POST", "/v1/spaces/default/functions", {**FUNCTION, "functionId": "f2"})
    assert database.exists()
    assert answer.status == 500
    assert answer.message
    # A stop must not hang on the broken store either.
    gateway.stop()


def test_status_is_empty_and_metrics_are_prometheus(shared):
    status = shared.config("GET", "/v1/status")
    assert (status.status, status.body, status.header("Content-Type")) == (200, b"", None)
    metrics = shared.config("GET", "/v1/metrics")
    assert metrics.header("Content-Type").startswith("text/plain; version=0.0.4")


def test_field_names_match_in_any_case_and_unknown_ones_are_dropped(shared, space):
    body = '{"FUNCTIONID":"f9","Type":"http","PROVIDER":{"URL":"http://e.com"},"zzz":1}'
    answer = shared.config("POST", f"/v1/spaces/{space}/functions", body)
    assert answer.json == {"space": space, "functionId": "f9", "type": "http",
                           "provider": {"url": "http://e.com"}}


def test_a_bearer_token_protects_the_api(make_gateway):
    gateway = make_gateway(set={"config.token": "s3cret"})
    path = "/v1/spaces/default/functions"
    refused = gateway.config("GET", path)
    assert refused.status == 401
    assert refused.header("WWW-Authenticate", ).startswith("Bearer")
    assert refused.message
    assert gateway.config("GET", path, headers={"Authorization": "Bearer wrong"}).status == 401
    assert gateway.config("GET", path, headers={"Authorization": "bearer s3cret"}).status == 200
    assert gateway.config("GET", "/v1/status").status == 200
    assert "s3cret" not in gateway.log


def test_two_writers_of_one_object_never_lose_an_update_silently(shared, space):
    """Updates use compare-and-set: with many writers every answer is a clean success or failure."""
    import threading
    shared.create("functions", FUNCTION, space)
    answers = []

    def write(n):
        body = {**FUNCTION, "metadata": {"n": str(n)}}
        answers.append(shared.config("PUT", f"/v1/spaces/{space}/functions/f1", body))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(16)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert {a.status for a in answers} <= {200, 409, 500, 503}
    stored = shared.config("GET", f"/v1/spaces/{space}/functions/f1").json
    assert stored["metadata"]["n"] in {json.loads(a.body)["metadata"]["n"] for a in answers if a.status == 200}


def test_racing_creates_have_one_winner(shared, space):
    import threading
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(
        shared.config("POST", f"/v1/spaces/{space}/functions", FUNCTION))) for _ in range(12)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(a.status for a in answers) == [201] + [409] * 11
    assert {a.message for a in answers if a.status == 409} == {'Function "f1" already registered.'}

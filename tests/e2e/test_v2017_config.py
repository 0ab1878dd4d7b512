"""The Configuration API of 2017 (rows O17-* of its side), with the real program: `api.v2017 = true`."""
import json
import threading
import urllib.parse

import pytest

from harness import PATIENCE, Gateway, run_gateway

URL = "http://127.0.0.1:1/"
HTTP = {"type": "http", "url": URL}
AWS = {"type": "awslambda", "arn": "arn:aws:lambda:us-east-1:123456789012:function:f", "region": "us-east-1"}
INVALID = "Function doesn't validate. Validation error: "
EXISTS = 'Subscription "user.created-f1" already exits.'


@pytest.fixture
def old(make_gateway):
    return make_gateway(set={"api.v2017": "true"})


@pytest.fixture
def f1(old):
    register(old, "f1")
    return old


@pytest.fixture(scope="module")
def shared_old():
    gateway = Gateway(set={"api.v2017": "true"})
    yield gateway
    gateway.close()


def register(gateway, name, **provider):
    answer = gateway.config("POST", "/v1/functions", {"functionId": name, "provider": {**HTTP, **provider}})
    assert answer.status == 200, answer
    return answer.json


def subscribe(gateway, event, function="f1", **fields):
    answer = gateway.config("POST", "/v1/subscriptions", {"functionId": function, "event": event, **fields})
    assert answer.status == 200, answer
    return answer.json


def error(answer, status=400):
    assert answer.status == status, answer
    assert answer.header("Content-Type") == "application/json"
    assert list(answer.json) == ["error"], answer
    return answer.json["error"]


def functions(gateway):
    return gateway.config("GET", "/v1/functions").json["functions"]


def subscriptions(gateway):
    return gateway.config("GET", "/v1/subscriptions").json["subscriptions"]


def all_objects(gateway):
    """What the store holds, by the newer API."""
    return {kind: gateway.config("GET", f"/v1/spaces/default/{kind}").json[envelope]
            for kind, envelope in (("functions", "functions"), ("eventtypes", "eventTypes"),
                                   ("subscriptions", "subscriptions"))}


def at_once(*tasks):
    results = [None] * len(tasks)

    def run(i, task):
        results[i] = task()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return results


# ---- functions ----

def test_a_function_is_registered_as_it_was_sent(old):   # O17-02
    body = {"functionId": "f1", "provider": HTTP}
    answer = old.config("POST", "/v1/functions", body)
    assert (answer.status, answer.json) == (200, body)
    assert answer.text == f'{{"functionId":"f1","provider":{{"type":"http","url":"{URL}"}}}}\n'
    assert functions(old) == [body]


def test_a_second_registration_is_refused(f1):   # O17-03
    again = f1.config("POST", "/v1/functions", {"functionId": "f1", "provider": AWS})
    assert error(again) == 'Function "f1" already registered.'
    assert functions(f1) == [{"functionId": "f1", "provider": HTTP}]


def test_the_fields_of_the_readme_are_lifted_into_the_provider(old):   # O17-04, Q46
    answer = old.config("POST", "/v1/functions", {"functionId": "hello", **AWS})
    assert (answer.status, answer.json) == (200, {"functionId": "hello", "provider": AWS})


REQUIRED = "Key: 'Function.{0}' Error:Field validation for '{1}' failed on the '{2}' tag"
TYPES = "eq=awslambda|eq=http|eq=weighted|eq=emulator"


@pytest.mark.parametrize("body, detail", [   # O17-06
    ({"functionId": "f", "provider": {"type": "gcf", "url": URL}}, REQUIRED.format("Provider.Type", "Type", TYPES)),
    ({"functionId": "f"}, REQUIRED.format("Provider", "Provider", "required")),
    ({"functionId": "a/b", "provider": HTTP}, REQUIRED.format("ID", "ID", "functionid")),
    ({}, "\\n".join([REQUIRED.format("ID", "ID", "required"), REQUIRED.format("Provider", "Provider", "required")])),
    ({"functionId": "f", "provider": {"url": URL}}, REQUIRED.format("Provider.Type", "Type", "required")),
    ({"functionId": "f", "provider": {"type": "http", "url": "no url"}}, REQUIRED.format("Provider.URL", "URL", "url")),
    ({"functionId": "f", "provider": {"type": "http"}}, "Missing required fields for HTTP endpoint."),
    ({"functionId": "f", "provider": {"type": "awslambda", "arn": "a"}},
     "Missing required fields for AWS Lambda function."),
    ({"functionId": "f", "provider": {"type": "weighted"}}, "Missing required fields for weighted function."),
    ({"functionId": "f", "provider": {"type": "weighted", "weighted": [{"functionId": "f1", "weight": 0}]}},
     "Function weights sum to zero."),
    ({"functionId": "f", "provider": {"type": "emulator", "apiVersion": "v0"}},
     "Missing required field emulatorURL for Emulator function."),
    ({"functionId": "f", "provider": {"type": "emulator", "emulatorUrl": URL}},
     "Missing required field apiVersion for Emulator function."),
])
def test_functions_that_do_not_validate(old, body, detail):
    assert error(old.config("POST", "/v1/functions", body)) == f'{INVALID}"{detail}"'
    assert functions(old) == []


def test_a_function_of_the_emulator_is_registered(old):
    provider = {"type": "emulator", "emulatorUrl": "http://127.0.0.1:4002", "apiVersion": "v0"}
    answer = old.config("POST", "/v1/functions", {"functionId": "f", "provider": provider})
    assert (answer.status, answer.json["provider"]["type"], answer.json["provider"]["apiVersion"]) == (
        200, "emulator", "v0")
    assert old.config("PUT", "/v1/functions/f", answer.json).json == answer.json


def test_newer_fields_of_a_provider_are_its_own_matter(old):
    made = register(old, "f", cloudEvents="1.0")
    assert made["provider"] == {**HTTP, "cloudEvents": "1.0"}
    assert old.config("PUT", "/v1/functions/f", made).json == made
    text = error(old.config("PUT", "/v1/functions/f", {"provider": {**HTTP, "cloudEvents": "9"}}))
    assert text.startswith(INVALID + '"') and text.endswith('"') and "cloudEvents" in text


def test_one_function_is_read(f1):   # O17-08
    answer = f1.config("GET", "/v1/functions/f1")
    assert (answer.status, answer.json) == (200, {"functionId": "f1", "provider": HTTP})
    assert error(f1.config("GET", "/v1/functions/nope"), 404) == 'Function "nope" not found.'


def test_a_function_is_updated(f1):   # O17-09
    new = {"type": "http", "url": "http://127.0.0.1:2/"}
    answer = f1.config("PUT", "/v1/functions/f1", {"functionId": "ignored", "provider": new})
    assert (answer.status, answer.json) == (200, {"functionId": "f1", "provider": new})
    for body in ({"provider": new}, {}):   # it is looked for before it is validated
        assert error(f1.config("PUT", "/v1/functions/nope", body), 404) == 'Function "nope" not found.'
    assert error(f1.config("PUT", "/v1/functions/nope", "{")) == "Malformed JSON payload: unexpected EOF."
    assert error(f1.config("PUT", "/v1/functions/f1", {})).startswith(INVALID)
    assert functions(f1) == [{"functionId": "f1", "provider": new}]


def test_a_function_in_use_is_not_deleted(f1):   # O17-11, Q50
    subscribe(f1, "user.created")
    text = error(f1.config("DELETE", "/v1/functions/f1"))
    assert text == "Function cannot be deleted because it's subscribed to a least one event."
    assert f1.config("DELETE", "/v1/subscriptions/user.created-f1").status == 204
    gone = f1.config("DELETE", "/v1/functions/f1")
    assert (gone.status, gone.body) == (204, b"")
    assert error(f1.config("DELETE", "/v1/functions/f1"), 404) == 'Function "f1" not found.'


def test_functions_are_listed_in_ascending_order(old):
    for name in ("b", "a", "C", "a.1"):
        register(old, name)
    assert [f["functionId"] for f in functions(old)] == ["C", "a", "a.1", "b"]


def test_the_keys_of_aws_have_their_old_name_and_stay_secret(old, make_gateway):
    keys = {"awsAccessKeyID": "AKID", "awsSecretAccessKey": "hidden"}
    shown = {**AWS, "awsAccessKeyID": "AKID", "awsSecretAccessKey": "*****"}
    answer = old.config("POST", "/v1/functions", {"functionId": "f", "provider": {**AWS, **keys}})
    assert (answer.status, answer.json["provider"]) == (200, shown)
    assert old.config("GET", "/v1/spaces/default/functions/f").json["provider"]["awsAccessKeyId"] == "AKID"
    # Read, changed and sent back: the secret stays.
    moved = {**functions(old)[0]["provider"], "region": "eu-west-1"}
    assert old.config("PUT", "/v1/functions/f", {"provider": moved}).json["provider"] == moved
    old.stop()
    code, out, _ = run_gateway("config", "export", "--format", "json", "--data-dir", str(old.data_dir))
    assert code == 0
    stored = json.loads(out)["provider"]
    assert (stored["awsSecretAccessKey"], stored["region"]) == ("hidden", "eu-west-1")
    old.start()
    # One that has no secret has none to keep.
    answer = old.config("POST", "/v1/functions", {"functionId": "g", "provider": {**AWS, **shown}})
    assert '\\"*****\\"' in error(answer)


def test_with_secrets_shown_they_are_shown_here_too(make_gateway):
    gateway = make_gateway(set={"api.v2017": "true", "api.mask_secrets": "false"})
    keys = {"awsAccessKeyID": "AKID", "awsSecretAccessKey": "open"}
    answer = gateway.config("POST", "/v1/functions", {"functionId": "f", "provider": {**AWS, **keys}})
    assert answer.json["provider"] == {**AWS, **keys}


# ---- subscriptions ----

def test_a_custom_event_is_subscribed_to_once(f1):   # O17-13
    made = subscribe(f1, "user.created")
    assert made == {"subscriptionId": "user.created-f1", "event": "user.created", "functionId": "f1"}
    assert error(f1.config("POST", "/v1/subscriptions", {"functionId": "f1", "event": "user.created"})) == EXISTS
    assert subscriptions(f1) == [made]


def test_an_http_event_gets_a_slash_and_upper_case(f1):   # O17-14
    made = subscribe(f1, "http", method="get", path="users")
    assert list(made.items()) == [("subscriptionId", "http-GET-%2Fusers"), ("event", "http"), ("functionId", "f1"),
                                  ("method", "GET"), ("path", "/users")]


def test_what_an_http_event_needs(f1):   # O17-15
    assert subscribe(f1, "http", method="POST")["path"] == "/"
    text = error(f1.config("POST", "/v1/subscriptions", {"functionId": "f1", "event": "http", "path": "/a"}))
    assert text == ("Subscription doesn't validate. Validation error: "
                    '"Missing required fields (method, path) for HTTP event."')


@pytest.mark.parametrize("fields", [{"event": "u"}, {"event": "http", "method": "GET", "path": "/a"}])
def test_a_missing_function_is_refused_and_nothing_stays(old, fields):   # O17-16, Q44
    answer = old.config("POST", "/v1/subscriptions", {"functionId": "nope", **fields})
    assert error(answer) == 'Function "nope" not found.'
    assert all_objects(old) == {"functions": [], "eventtypes": [], "subscriptions": []}
    register(old, "nope")
    subscribe(old, function="nope", **fields)


@pytest.mark.parametrize("body", [{"functionId": "f1", "event": "a b"}, {},   # O17-17
                                  {"functionId": "f1", "event": "http", "method": "TRACE"},
                                  {"functionId": "f1", "event": "u", "method": "TRACE"}, {"event": "u"}])
def test_subscriptions_that_do_not_validate(f1, body):
    text = error(f1.config("POST", "/v1/subscriptions", body))
    assert text.startswith("Subscription doesn't validate. Validation error: \"Key: 'Subscription.")
    assert all_objects(f1)["subscriptions"] == all_objects(f1)["eventtypes"] == []


def test_subscriptions_are_listed_in_ascending_order_of_their_ids(f1):
    subscribe(f1, "user.created")
    for path in ("b", "a/b", "a"):
        subscribe(f1, "http", method="GET", path=path)
    subscribe(f1, "a")
    assert [s["subscriptionId"] for s in subscriptions(f1)] == [
        "a-f1", "http-GET-%2Fa", "http-GET-%2Fa%2Fb", "http-GET-%2Fb", "user.created-f1"]


@pytest.mark.parametrize("path, spellings", [   # O17-19, Q43
    ("users", ["http-GET-%2Fusers", "http-GET-%252Fusers", "http-GET-%2fusers", "http-GET-/users"]),
    ("a/b c", ["http-GET-%2Fa%2Fb%20c", "http-GET-%252Fa%252Fb%2520c"]),
    ("a%2Fb", ["http-GET-%2Fa%252Fb", "http-GET-%252Fa%25252Fb"]),
    ("", ["http-GET-%2F", "http-GET-%252F"]),
    ("caf\u00e9/\u20ac", ["http-GET-%2Fcaf%C3%A9%2F%E2%82%AC", "http-GET-%252Fcaf%25C3%25A9%252F%25E2%2582%25AC"]),
    ("x:@!*'()", ["http-GET-%2Fx:@%21%2A%27%28%29"]),
])
def test_an_id_is_deleted_as_it_was_told_and_escaped(f1, path, spellings):
    for spelling in spellings:
        made = subscribe(f1, "http", method="GET", path=path)
        target = "/v1/subscriptions/"
        assert spelling == spellings[0] or made["subscriptionId"] != spelling
        gone = f1.config("DELETE", target + spelling)
        assert (gone.status, gone.body) == (204, b"")
        assert error(f1.config("DELETE", target + spelling), 404).endswith(" not found.")
        assert subscriptions(f1) == []
    # As any client would do it that escapes what it puts into a path.
    made = subscribe(f1, "http", method="GET", path=path)
    assert f1.config("DELETE", target + urllib.parse.quote(made["subscriptionId"], safe="")).status == 204


def test_paths_that_differ_by_an_escape_are_two_subscriptions(f1):
    ids = [subscribe(f1, "http", method="GET", path=path)["subscriptionId"] for path in ("a/b", "a%2Fb")]
    assert ids == ["http-GET-%2Fa%2Fb", "http-GET-%2Fa%252Fb"]
    assert f1.config("DELETE", "/v1/subscriptions/" + ids[1]).status == 204
    assert [s["subscriptionId"] for s in subscriptions(f1)] == ids[:1]


def test_a_slash_at_the_end_of_an_id_that_was_decoded_is_of_its_path(f1):   # Q43
    ids = [subscribe(f1, "http", method="GET", path=path)["subscriptionId"] for path in ("", "a", "a/")]
    for spelling, gone in (("http-GET-/a/", ids[2]), ("http-GET-/", ids[0])):
        assert f1.config("DELETE", "/v1/subscriptions/" + spelling).status == 204
        ids.remove(gone)
        assert [s["subscriptionId"] for s in subscriptions(f1)] == ids
    assert f1.config("DELETE", "/v1/subscriptions/http-GET-/a/").status == 404
    assert f1.config("DELETE", "/v1/subscriptions/http-GET-%2Fa/").status == 204   # a slash too many


def test_a_missing_subscription_is_told(f1):
    text = error(f1.config("DELETE", "/v1/subscriptions/nope"), 404)
    assert text == 'Subscription "nope" not found.'
    text = error(f1.config("DELETE", "/v1/subscriptions/http-GET-%252Fno"), 404)
    assert text == 'Subscription "http-GET-%2Fno" not found.'


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "PATCH", "OPTIONS"])
def test_one_subscription_can_only_be_deleted(f1, method):
    subscribe(f1, "user.created")
    assert error(f1.config(method, "/v1/subscriptions/user.created-f1", "{}"), 405) == "Method Not Allowed"


def test_paths_do_not_conflict(f1):
    for path in ("/a/:x", "/a/:y", "/a/*z", "/a/*z/b"):
        subscribe(f1, "http", method="GET", path=path)
    f1.settle()
    assert len(subscriptions(f1)) == 4


def test_a_custom_event_keeps_a_method_and_a_path(f1):
    made = subscribe(f1, "u", method="PUT", path="/a")
    assert made == {"subscriptionId": "u-PUT-%2Fa", "event": "u", "functionId": "f1", "method": "PUT", "path": "/a"}
    register(f1, "f2")
    answer = f1.config("POST", "/v1/subscriptions", {**made, "functionId": "f2"})
    assert error(answer) == 'Subscription "u-PUT-%2Fa" already exits.'


# ---- paths, origins, tokens ----

def test_slashes_dots_and_case_are_forgiven_as_in_the_newer_api(f1):
    for target in ("//v1/functions/", "/V1/Functions", "/v1/./functions", "/v1/x/../functions"):
        assert f1.config("GET", target).json["functions"], target
    assert f1.config("GET", "/v1//functions//f1/").json["functionId"] == "f1"
    assert f1.config("GET", "/v1/functions/F1").status == 404
    subscribe(f1, "u")
    assert f1.config("DELETE", "/v1/subscriptions//u-f1/").status == 204


@pytest.mark.parametrize("target", ["/v1/functions/a/b", "/v1/eventtypes", "/v1/cors", "/v1", "/functions"])
def test_other_pages_are_as_unknown_as_before(old, target):
    answer = old.config("GET", target)
    assert (answer.status, answer.text) == (404, "404 page not found")


def allow(answer):
    return {name[len("Access-Control-Allow-"):]: value for name, value in answer.pairs
            if name.lower().startswith("access-control-allow-")}


def test_every_origin_may_use_the_pages(f1):   # O17-31
    origin = {"Origin": "https://app.example.com"}
    allowed = {"Origin": "https://app.example.com", "Credentials": "true"}
    for method, target, body in (("GET", "/v1/functions", None), ("GET", "/v1/functions/nope", None),
                                 ("PATCH", "/v1/functions", None), ("POST", "/v1/subscriptions", "{"),
                                 ("DELETE", "/v1/functions/f1", None)):
        answer = f1.config(method, target, body, origin)
        assert (allow(answer), answer.headers("Vary")) == (allowed, ["Origin"]), (method, target)
        answer = f1.config(method, target, body)
        assert (allow(answer), answer.headers("Vary")) == ({}, ["Origin"]), (method, target)


@pytest.mark.parametrize("target", ["/v1/functions", "/v1/functions/f", "/v1/subscriptions", "/v1/subscriptions/s"])
@pytest.mark.parametrize("method", ["HEAD", "GET", "POST", "PUT", "PATCH", "DELETE"])
def test_preflights(shared_old, target, method):   # O17-31
    answer = shared_old.config("OPTIONS", target, headers={
        "Origin": "http://o", "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type, authorization"})
    assert (answer.status, answer.body) == (200, b"")
    assert allow(answer) == {"Origin": "http://o", "Credentials": "true", "Methods": method,
                             "Headers": "Content-Type, Authorization"}


def test_the_newer_pages_say_no_word_about_origins(old):
    headers = {"Origin": "http://o", "Access-Control-Request-Method": "PUT"}
    for target in ("/v1/spaces/default/functions", "/v1/status", "/v1/nope"):
        assert allow(old.config("GET", target, headers=headers)) == {}
        answer = old.config("OPTIONS", target, headers=headers)
        assert (answer.status in (404, 405), allow(answer)) == (True, {})


def test_a_token_is_asked_for_but_not_of_preflights(make_gateway):
    gateway = make_gateway(set={"api.v2017": "true", "config.token": "secret"})
    answer = gateway.config("GET", "/v1/functions", headers={"Origin": "http://o"})
    assert error(answer, 401) == "A bearer token is required."
    assert allow(answer) == {"Origin": "http://o", "Credentials": "true"}
    assert error(gateway.config("GET", "/v1/functions", headers={"Authorization": "bearer no"}), 401)
    assert gateway.config("GET", "/v1/functions", headers={"Authorization": "bearer secret"}).status == 200
    preflight = {"Origin": "http://o", "Access-Control-Request-Method": "POST"}
    assert gateway.config("OPTIONS", "/v1/functions", headers=preflight).status == 200


# ---- hostile bodies ----

HOSTILE = ["", " ", "{", "nope", "[]", "1", '"x"', "\x00", "{]", '{"functionId"}', '{"functionId":', "\xff{}",
           '{"functionId":1}', '{"functionId":{}}', '{"functionId":"f","provider":[]}', '{"functionId":"f","provider":"x"}',
           '{"functionId":"f","provider":{"type":{}}}', '{"functionId":"f","provider":{"type":"http","url":[]}}',
           '{"functionId":"f","provider":{"type":"weighted","weighted":{}}}',
           '{"functionId":"f","provider":{"type":"weighted","weighted":[[]]}}',
           '{"functionId":"f","provider":{"type":"weighted","weighted":[{"functionId":"a","weight":-1}]}}',
           '{"functionId":"f","provider":{"type":"weighted","weighted":[{"functionId":"a","weight":1e99}]}}',
           '{"event":[]}', '{"event":"u","functionId":null,"method":7}', '{"path":{}}', "[" * 100000,
           '{"a":' * 100000, '{"provider":' + '{"a":' * 5000 + "1" + "}" * 5001]


@pytest.mark.parametrize("body", HOSTILE, ids=[str(i) for i in range(len(HOSTILE))])
def test_hostile_bodies_are_bad_requests(shared_old, body):
    for target in ("/v1/functions", "/v1/subscriptions"):
        text = error(shared_old.config("POST", target, body.encode("latin-1")))
        assert text.startswith(("Malformed JSON payload: ", "Function doesn't validate.", "Subscription doesn't validate."))
    assert functions(shared_old) == []


def test_unknown_fields_are_dropped_and_the_last_of_repeated_ones_wins(old):
    answer = old.config("POST", "/v1/functions", '{"functionId":"a","x":[1],"FUNCTIONID":"f","provider":{"type":"gcf"},'
                        '"provider":{"type":"http","url":"http://a","URL":"http://b","nobody":{"knows":1}}} and more')
    assert (answer.status, answer.json) == (200, {"functionId": "f", "provider": {"type": "http", "url": "http://b"}})
    answer = old.config("POST", "/v1/subscriptions", '{"event":"a","functionId":"x","EVENT":"b","functionid":"f","y":0}')
    assert answer.json == {"subscriptionId": "b-f", "event": "b", "functionId": "f"}


def test_a_body_that_is_too_big_is_told_in_the_form_of_the_page(make_gateway):
    gateway = make_gateway(set={"api.v2017": "true", "limits.body": "4KiB"})
    big = "x" * 4097
    for target in ("/v1/functions", "/v1/subscriptions?a=b"):
        assert error(gateway.config("POST", target, big), 413) == "the request body is too big"
    assert gateway.config("POST", "/v1/spaces/default/functions", big).message == "the request body is too big"


def test_a_huge_provider_is_read_in_its_time(old):
    members = ",".join(f'"k{i}":{{"a":[{i}]}}' for i in range(10000))
    body = f'{{"functionId":"f","provider":{{"type":"http","url":"{URL}",{members}}}}}'
    answer = old.config("POST", "/v1/functions", body)
    assert (answer.status, answer.json) == (200, {"functionId": "f", "provider": HTTP})


def test_names_that_could_never_be_addressed_are_refused(f1):
    assert error(f1.config("POST", "/v1/functions", {"functionId": "x" * 5000, "provider": HTTP})).startswith(INVALID)
    answer = f1.config("POST", "/v1/subscriptions", {"functionId": "f1", "event": "http", "method": "GET",
                                                     "path": "/" + "x" * 5000})
    assert error(answer).startswith("Subscription doesn't validate. Validation error: \"")
    assert all_objects(f1)["eventtypes"] == []


# ---- races ----

def test_of_many_equal_subscriptions_at_once_one_is_made(f1):
    body = {"functionId": "f1", "event": "user.created"}
    answers = at_once(*[lambda: f1.config("POST", "/v1/subscriptions", body) for _ in range(10)])
    assert sorted(a.status for a in answers) == [200] + [400] * 9
    assert {error(a) for a in answers if a.status == 400} == {EXISTS}


def test_a_client_configures_all_at_once(old):
    """As `configure` of @serverless/fdk does: all functions, then all subscriptions, each in parallel."""
    names = [f"f{i}" for i in range(12)]
    assert len(at_once(*[lambda n=n: register(old, n) for n in names])) == 12
    made = at_once(*[lambda n=n: subscribe(old, "shared.event", n) for n in names],
                   *[lambda n=n: subscribe(old, "http", n, method="GET", path=n) for n in names])
    assert None not in made
    assert sorted(made, key=lambda s: s["subscriptionId"]) == subscriptions(old)
    assert sorted(t["name"] for t in all_objects(old)["eventtypes"]) == ["http.request", "shared.event"]
    # And takes all of it back, with the ids as they are.
    gone = at_once(*[lambda s=s: old.config("DELETE", "/v1/subscriptions/" + s["subscriptionId"]) for s in made])
    assert {a.status for a in gone} == {204}
    gone = at_once(*[lambda n=n: old.config("DELETE", "/v1/functions/" + n) for n in names])
    assert {a.status for a in gone} == {204}


def test_two_gateways_on_one_store_bring_the_same_event_type_along(make_gateway, tmp_path):
    nodes = [make_gateway(data_dir=tmp_path / "data", set={"api.v2017": "true"}) for _ in range(2)]
    for i in range(10):
        register(nodes[0], f"f{i}")
    made = at_once(*[lambda i=i: subscribe(nodes[i % 2], f"event{i // 5}", f"f{i}") for i in range(10)])
    assert None not in made
    assert subscriptions(nodes[0]) == subscriptions(nodes[1]) == sorted(made, key=lambda s: s["subscriptionId"])
    same = {"functionId": "f0", "event": "http", "method": "GET", "path": "/same"}
    answers = at_once(*[lambda i=i: nodes[i % 2].config("POST", "/v1/subscriptions", same) for i in range(6)])
    assert sorted(a.status for a in answers) == [200] + [400] * 5


def test_a_function_is_deleted_or_subscribed_to_but_not_both(make_gateway, tmp_path):
    nodes = [make_gateway(data_dir=tmp_path / "data", set={"api.v2017": "true"}) for _ in range(2)]
    for turn in range(10):
        name = f"f{turn}"
        register(nodes[0], name)
        deleted, subscribed = at_once(
            lambda: nodes[0].config("DELETE", f"/v1/functions/{name}").status,
            lambda: nodes[1].config("POST", "/v1/subscriptions", {"functionId": name, "event": f"e{turn}"}).status)
        assert (deleted, subscribed) in ((204, 400), (400, 200))


def test_a_subscription_is_never_there_without_its_event_type(make_gateway, tmp_path):
    """The type is written before the subscription, and somebody deletes it whenever it can be deleted."""
    nodes = [make_gateway(data_dir=tmp_path / "data", set={"api.v2017": "true"}) for _ in range(2)]
    register(nodes[0], "f1")
    for turn in range(20):
        is_made = threading.Event()

        def make():
            try:
                subscribe(nodes[0], f"e{turn}")
            finally:
                is_made.set()
            return True

        def delete():
            while not is_made.is_set():
                answer = nodes[1].config("DELETE", f"/v1/spaces/default/eventtypes/e{turn}")
                assert answer.status in (204, 400, 404), answer
                if answer.status == 400:   # it is used
                    break
            return True
        assert at_once(make, delete, delete) == [True] * 3
        there = all_objects(nodes[turn % 2])
        assert {t["name"] for t in there["eventtypes"]} == {s["eventType"] for s in there["subscriptions"]}
        assert len(there["subscriptions"]) == turn + 1


def test_a_subscription_that_is_deleted_while_it_is_made_is_there_or_not(f1):
    body = {"functionId": "f1", "event": "http", "method": "GET", "path": "/a"}
    for _ in range(10):
        made, gone = at_once(lambda: f1.config("POST", "/v1/subscriptions", body).status,
                             lambda: f1.config("DELETE", "/v1/subscriptions/http-GET-%2Fa").status)
        assert made == 200 and gone in (204, 404)
        assert len(subscriptions(f1)) == (0 if gone == 204 else 1)
        f1.config("DELETE", "/v1/subscriptions/http-GET-%2Fa")


# ---- beside the newer API ----

def test_subscriptions_that_share_an_old_id_are_listed_and_deleted_one_by_one(f1):
    register(f1, "f2")
    f1.create("eventtypes", {"name": "two"})
    for name in ("f1", "f2"):
        f1.create("subscriptions", {"functionId": name, "type": "async", "eventType": "two", "method": "GET"})
    same = "two-GET-%2F"
    assert [s["subscriptionId"] for s in subscriptions(f1)] == [same, same]
    gone = at_once(*[lambda: f1.config("DELETE", f"/v1/subscriptions/{same}").status for _ in range(3)])
    assert sorted(gone) == [204, 204, 404] and subscriptions(f1) == []


def test_what_the_old_api_makes_the_newer_one_shows(f1):
    subscribe(f1, "user.created")
    subscribe(f1, "http", method="GET", path="users")
    found = all_objects(f1)
    assert found["functions"] == [{"space": "default", "functionId": "f1", "type": "http", "provider": {"url": URL}}]
    assert [t["name"] for t in found["eventtypes"]] == ["user.created", "http.request"]
    shown = [{k: s[k] for k in ("type", "eventType", "functionId", "path", "method")} for s in found["subscriptions"]]
    assert shown == [
        {"type": "sync", "eventType": "http.request", "functionId": "f1", "path": "/users", "method": "GET"},
        {"type": "async", "eventType": "user.created", "functionId": "f1", "path": "/", "method": "POST"}]
    for made in found["subscriptions"]:
        assert f1.config("DELETE", f"/v1/spaces/default/subscriptions/{made['subscriptionId']}").status == 204
    assert subscriptions(f1) == []


def test_what_the_newer_api_makes_the_old_one_shows_as_far_as_it_can(old):
    gcf = {"url": "https://cloud.example.com/f"}
    old.create("functions", {"functionId": "new", "type": "gcf", "provider": gcf, "metadata": {"a": "b"}})
    old.create("functions", {"functionId": "elsewhere", "type": "http", "provider": {"url": URL}}, "other")
    old.event_type("t")
    old.event_type("http.request")
    old.sync("http.request", "new", "/p", "GET")
    old.asynchronous("t", "new")
    old.asynchronous("t", "new", "/q", "PUT")
    old.sync("t", "new", "/r")
    assert functions(old) == [{"functionId": "new", "provider": {"type": "gcf", **gcf}}]
    assert subscriptions(old) == [
        {"subscriptionId": "http-GET-%2Fp", "event": "http", "functionId": "new", "method": "GET", "path": "/p"},
        {"subscriptionId": "t-PUT-%2Fq", "event": "t", "functionId": "new", "method": "PUT", "path": "/q"},
        {"subscriptionId": "t-new", "event": "t", "functionId": "new"}]
    for made in subscriptions(old):
        assert old.config("DELETE", "/v1/subscriptions/" + made["subscriptionId"]).status == 204
    assert len(all_objects(old)["subscriptions"]) == 1   # the one that 2017 cannot say


def test_what_the_old_api_made_is_exported_and_imported(f1, make_gateway, tmp_path):
    subscribe(f1, "user.created")
    subscribe(f1, "http", method="GET", path="a b")
    before = (functions(f1), subscriptions(f1))
    f1.stop()
    code, out, err = run_gateway("config", "export", str(tmp_path / "all.yaml"), "--data-dir", str(f1.data_dir))
    assert code == 0, err
    code, out, err = run_gateway("config", "import", str(tmp_path / "all.yaml"), "--data-dir", str(tmp_path / "new"))
    assert code == 0, err
    other = make_gateway(data_dir=tmp_path / "new", set={"api.v2017": "true"})
    assert (functions(other), subscriptions(other)) == before
    f1.start()


def test_calls_are_counted_in_the_space_default(f1):
    subscribe(f1, "u")
    f1.config("POST", "/v1/subscriptions", {"functionId": "f1", "event": "u"})
    functions(f1)
    f1.config("DELETE", "/v1/subscriptions/u-f1")

    def count(resource, operation):
        return f1.metric("eventgateway_config_requests_total", space="default", resource=resource, operation=operation)

    assert count("function", "create") == 1 and count("function", "list") == 1
    assert count("subscription", "create") == 2 and count("subscription", "delete") == 1
    assert count("eventtype", "create") is None


@pytest.mark.parametrize("target", ["/v1/functions", "/v1/functions/f", "/v1/subscriptions", "/v1/subscriptions/s"])
def test_without_the_mode_the_pages_are_unknown(shared, target):
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
        answer = shared.config(method, target, None if method == "GET" else "{}",
                               {"Origin": "http://o", "Access-Control-Request-Method": "GET"})
        assert (answer.status, answer.text, allow(answer)) == (404, "404 page not found", {})

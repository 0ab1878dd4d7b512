"""CORS on the Events API (rows XO-*)."""
import pytest

VARY_ALL = ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"]


@pytest.fixture
def cors(shared, space):
    """cors(method, **fields): a CORS object on this test's path; the path has a sync GET function too."""
    path = f"/{space}"

    def make(method="GET", suffix="", **fields):
        made = shared.create("cors", {"method": method, "path": path + suffix, **fields}, space)
        shared.settle()
        return made
    make.path = path
    make.gateway = shared
    return make


def allow(answer):
    return {name[len("Access-Control-Allow-"):]: value for name, value in answer.pairs
            if name.lower().startswith("access-control-allow-")}


def preflight(cors, method, origin="http://o", headers=None, suffix=""):
    pairs = {"Access-Control-Request-Method": method}
    if origin:
        pairs["Origin"] = origin
    if headers:
        pairs["Access-Control-Request-Headers"] = headers
    return cors.gateway.event("OPTIONS", cors.path + suffix, headers=pairs)


def test_an_allowed_origin(cors, space):   # XO-02, 03
    cors.gateway.function("f", space=space)
    cors.gateway.event_type("http.request", space=space)
    cors.gateway.sync("http.request", "f", cors.path, "GET", space)
    cors()
    answer = cors.gateway.event("GET", cors.path, headers={"Origin": "http://o"})
    assert (answer.status, allow(answer), answer.headers("Vary")) == (200, {"Origin": "*"}, ["Origin"])
    answer = cors.gateway.event("GET", cors.path)
    assert (answer.status, allow(answer), answer.headers("Vary")) == (200, {}, ["Origin"])


def test_nothing_without_a_configuration(shared, space):   # XO-04
    answer = shared.event("GET", f"/{space}", headers={"Origin": "http://o"})
    assert allow(answer) == {}
    assert answer.header("Vary") is None


@pytest.mark.parametrize("origin", ["http://a.example.com", "HTTP://A.EXAMPLE.com", "https://exact.com"])
def test_origins_with_wildcards_and_case(cors, origin):   # XO-05
    cors("POST", allowedOrigins=["http://*.example.com", "HTTPS://Exact.com"], allowCredentials=True)
    answer = cors.gateway.event("POST", cors.path, headers={"Origin": origin})
    assert allow(answer) == {"Origin": origin, "Credentials": "true"}


def test_credentials_never_go_with_a_star(cors):   # XO-07
    cors("DELETE", allowedMethods=["DELETE"], allowCredentials=True)
    answer = cors.gateway.event("DELETE", cors.path, headers={"Origin": "http://o"})
    assert (answer.status, allow(answer)["Origin"]) == (202, "http://o")


def test_a_method_that_is_not_allowed_is_processed_all_the_same(cors):   # XO-08
    cors("PATCH", allowedMethods=["GET"])
    answer = cors.gateway.event("PATCH", cors.path, headers={"Origin": "http://o"})
    assert (answer.status, allow(answer), answer.headers("Vary")) == (202, {}, ["Origin"])
    answer = preflight(cors, "PATCH")
    assert (answer.status, allow(answer), answer.headers("Vary"), answer.body) == (200, {}, VARY_ALL, b"")


def test_errors_carry_the_headers_too(cors):   # XO-10
    cors()
    answer = cors.gateway.event("GET", cors.path, headers={"Origin": "http://o", "Content-Type": "foo bar"})
    assert (answer.status, allow(answer), answer.headers("Vary")) == (400, {"Origin": "*"}, ["Origin"])


@pytest.mark.parametrize("headers, allowed", [
    (None, {"Origin": "*", "Methods": "GET"}),
    ("content-type, accept", {"Origin": "*", "Methods": "GET", "Headers": "Content-Type, Accept"}),
    ("x-api-key", {}), ("content-type,x-foo", {})])
def test_preflight_with_defaults(cors, headers, allowed):   # XO-11
    cors()
    answer = preflight(cors, "GET", headers=headers)
    assert (answer.status, allow(answer), answer.headers("Vary")) == (200, allowed, VARY_ALL)


def test_requested_headers_are_canonical(cors):   # XO-12
    cors("PUT", allowedMethods=["PUT"], allowedHeaders=["*"])
    answer = preflight(cors, "PUT", headers="X_a-b, foo bar,,Baz1")
    assert allow(answer)["Headers"] == "X_A-B, Foo, Bar, Baz1"


@pytest.mark.parametrize("origin", ["http://other", None])
def test_preflight_of_others(cors, origin):   # XO-13
    cors("PUT", allowedMethods=["PUT"], allowedOrigins=["http://mine"])
    answer = preflight(cors, "PUT", origin=origin)
    assert (answer.status, allow(answer), answer.headers("Vary")) == (200, {}, VARY_ALL)


def test_paths_with_parameters(cors):   # XO-15
    cors(suffix="/p/:id/*r")
    assert allow(preflight(cors, "GET", suffix="/p/1/2/3"))["Origin"] == "*"


def test_options_is_an_ordinary_event_otherwise(cors):
    cors()
    answer = cors.gateway.event("OPTIONS", cors.path, headers={"Origin": "http://o"})
    assert (answer.status, allow(answer), answer.header("Vary")) == (202, {}, None)
    assert preflight(cors, "get").status == 202
    assert preflight(cors, "GET", suffix="/none").status == 202


def test_an_update_takes_effect_and_a_deletion_too(cors, space):   # XO-18, Q26
    made = cors()
    url = f"/v1/spaces/{space}/cors/{made['corsId']}"
    cors.gateway.config("PUT", url, {"method": "GET", "path": cors.path, "allowedOrigins": ["http://mine"]})
    cors.gateway.settle()
    assert allow(cors.gateway.event("GET", cors.path, headers={"Origin": "http://o"})) == {}
    assert cors.gateway.config("DELETE", url).status == 204
    cors.gateway.settle()
    assert cors.gateway.event("GET", cors.path, headers={"Origin": "http://o"}).header("Vary") is None


def test_a_function_s_header_replaces_that_of_cors(cors, space):
    cors.gateway.function("f", {"headers": {"Access-Control-Allow-Origin": "http://own", "vary": "X"}}, space)
    cors.gateway.event_type("http.request", space=space)
    cors.gateway.sync("http.request", "f", cors.path, "GET", space)
    cors()
    answer = cors.gateway.event("GET", cors.path, headers={"Origin": "http://o"})
    assert answer.headers("Access-Control-Allow-Origin") == ["http://own"]
    assert answer.headers("Vary") == ["X"]

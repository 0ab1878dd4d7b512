"""Can a request reach a function without the guard in front of it having been asked? Random requests, in all the
forms an event may come in, against guards that refuse everybody; the same requests without guards show what they
would have reached."""
import json
import posixpath
import random
import re
import signal
import urllib.parse

from harness import BUILD, Gateway

MARK = str(BUILD / "tests" / "middleware_mark.so")
GUARDS = """
plugins = {
    middleware = ( "mark", "auth", "mark2" );
    mark = { refuse = true; match = { paths = ( "/admin" ); }; };
    auth = { match = { event_types = ( "user.*" ); }; rules = ( { path = "/"; api_keys = ( { name = "a"; key = "b"; } ); } ); };
    mark2 = { refuse = true; match = { spaces = ( "closed" ); }; };
};
"""
PIECES = ["/", "/", "//", "\\", "%2F", "%5c", ".", "..", "%2e%2E", ";a", "admin", "admin", "%61dmin", "ad%6Din", "%2561dmin", "%252e.",
          "x", "host:1"]
HOSTS = ["localhost", "blue.slsgateway.com", "admin.slsgateway.com", "x.eventgateway.io"]
TYPES = ["order.created", "user.created", "user.deleted", "shipped"]
REQUESTS = 1000


# ---- how those behind the gateway read a path ----

def resolved(path):
    return posixpath.normpath("/" + path.lstrip("/"))


def by_bytes(path):
    return path


def by_server(path):
    return resolved(urllib.parse.unquote(path))


def by_url_parser(path):
    """new URL(path, "http://localhost").pathname of JavaScript (WHATWG URL)."""
    path = path.replace("\\", "/")
    if path.startswith("//"):
        path = "/" + path.lstrip("/").partition("/")[2]
    return resolved(re.sub("%2e", ".", path, flags=re.I))


def by_servlet(path):
    return resolved(urllib.parse.unquote(re.sub(";[^/]*", "", path)))


def is_admin(path):
    return any(read(path).split("/")[1:2] == ["admin"] for read in (by_bytes, by_server, by_url_parser, by_servlet))


# ---- requests ----

def requests(seed):
    dice = random.Random(seed)

    def event():
        return {"specversion": "1.0", "id": "1", "source": "/s", "type": dice.choice(TYPES)}

    def forms():
        one = event()
        return dice.choice([
            ("GET", None, {}), ("POST", "{}", {"Content-Type": "application/json"}),
            ("POST", "{}", {"Event": one["type"]}),
            ("POST", "{}", {f"ce-{name}": value for name, value in one.items()}),
            ("POST", json.dumps(one), {"Content-Type": "application/cloudevents+json"}),
            ("POST", json.dumps([event() for _ in range(4)]), {"Content-Type": "application/cloudevents-batch+json"}),
        ])

    for _ in range(REQUESTS):
        path = dice.choice(["", "", "/x", "/x/..", "//host:1"]) + "/"
        path += dice.choice(["", "a", "".join(dice.choices(PIECES, k=dice.randint(1, 6)))])
        method, body, headers = forms()
        yield method, path, body, {**headers, "Host": dice.choice(HOSTS)}


def reached(config):
    """What functions were told: name -> events."""
    gateway = Gateway(config=config, args=["--plugin", MARK], set={"events.hosted": "true"})
    try:
        for space in ("default", "closed"):
            for name in ("http.request", *TYPES):
                gateway.event_type(name, space=space)
        functions = {name: gateway.function(name, '{"body":"in"}', space)
                     for name, space in (("open", "default"), ("users", "default"), ("admin", "default"),
                                         ("closed", "closed"))}
        for path in ("/", "/*rest"):
            for method in ("GET", "POST"):
                gateway.sync("http.request", "open", path, method)
            gateway.sync("order.created", "open", path)
            gateway.sync("user.created", "users", path)
        for path in ("/a", "/blue/a"):
            gateway.asynchronous("user.deleted", "users", path)
            gateway.asynchronous("order.created", "closed", path, space="closed")
        for path in ("/admin", "/admin/", "/admin/a", "/admin/x"):
            gateway.asynchronous("order.created", "admin", path)
            gateway.asynchronous("http.request", "admin", path, "GET")
        gateway.sync("shipped", "closed", "/*rest", space="closed")
        gateway.settle()
        for request in requests(20):
            answer = gateway.event(*request)
            assert answer.status in (200, 202, 400, 401, 403), (request, answer)
        gateway.signal(signal.SIGTERM)   # which delivers what waits
        assert gateway.wait_exit() == 0
        return {name: [call.json for call in function.calls] for name, function in functions.items()}
    finally:
        gateway.close()


def admin_paths(events):
    """The paths of http.request events that somebody takes for the guarded one."""
    paths = [event["data"]["path"] for event in events if event.get("eventType", event.get("type")) == "http.request"]
    return [path for path in paths if is_admin(path)]


def test_no_request_reaches_a_function_past_its_guard():
    without = reached("plugins = { };")
    for name in ("users", "admin", "closed"):
        assert len(without[name]) > 5, name
    assert len(admin_paths(without["open"])) > 10
    guarded = reached(GUARDS)
    assert [guarded[name] for name in ("users", "admin", "closed")] == [[], [], []]
    assert admin_paths(guarded["open"]) == []
    assert len(guarded["open"]) > 20   # guards that refuse everything would prove nothing

"""Configurations of any size for config_scale.py, as documents of `event-gateway config import`.

All sorts are mixed: sync and async, literal paths, parameters and wildcards, trees that share their first segments,
many spaces, functions and hosts of functions. The probes, paths that are measured, are in every configuration of
whatever size, and their creation comes in the middle.
"""
import json

METHODS = ("GET", "POST", "PUT")
SPACES = 50          # half of all objects are in the first, `default`
HOSTS = 200          # 127.0.1.1 and so on: of functions that are there and not called
SUBSCRIPTIONS_OF_A_FUNCTION = 10
SYNC_PROBES = {"a literal path": "/probe/literal/orders/list",
               "parameters": "/probe/parameters/:user/orders/:order",
               "a wildcard": "/probe/wildcard/*rest"}
ASYNC_PROBE = "/probe/async"
EVENT_TYPE = "http.request"


def space_of(number):
    turn = number // len(SORTS)   # so that every sort is in every space
    return "default" if turn % 2 == 0 else f"space{turn // 2 % (SPACES - 1)}"


def function(space, name, url):
    return {"kind": "function", "space": space, "functionId": name, "type": "http", "provider": {"url": url}}


def event_type(space):
    return {"kind": "eventtype", "space": space, "name": EVENT_TYPE}


def subscription(space, sort, path, to, method="POST"):
    return {"kind": "subscription", "space": space, "type": sort, "eventType": EVENT_TYPE, "path": path,
            "method": method, "functionId": to}


# What the number-th subscription looks like: (type, path).
SORTS = (
    lambda i: ("sync", f"/shop/v1/customers/all/c{i}"),                 # one parent with many children
    lambda i: ("sync", f"/s{i % 97}/t{i % 89}/u{i % 83}/v{i}"),         # wide trees
    lambda i: ("sync", f"/users/u{i}/:user/orders/:order"),
    lambda i: ("sync", f"/files/f{i}/*rest"),
    lambda i: ("async", f"/events/e{i}"),
    lambda i: ("async", f"/events/shared/e{i // 50}"),                  # several functions, one path
    lambda i: ("sync", f"/a/b/c/d/e/f/g/h/i{i}/j"),                     # deep
    lambda i: ("sync", f"/p{i}"),
)


def probes(url):
    """Their subscriptions; each of the functions is called through one of them only."""
    paths = [("sync", path) for path in SYNC_PROBES.values()] + [("async", ASYNC_PROBE)]
    for number, (sort, path) in enumerate(paths):
        yield function("default", f"probe{number}", f"{url}/fn{number}")
        yield subscription("default", sort, path, f"probe{number}")


def filler(count, url):
    """So many subscriptions, and a function for each ten of a space; every other function is at url."""
    users, functions = {}, 0
    for i in range(count):
        space = space_of(i)
        place = users[space] = users.get(space, -1) + 1
        name = f"fn{place // SUBSCRIPTIONS_OF_A_FUNCTION}"
        if place % SUBSCRIPTIONS_OF_A_FUNCTION == 0:
            host = f"http://127.0.1.{functions % HOSTS + 1}:9" if functions % 2 else url
            functions += 1
            yield function(space, name, f"{host}/{name}")
        sort, path = SORTS[i % len(SORTS)](i)
        yield subscription(space, sort, path, name, METHODS[i % len(METHODS)])


def documents(subscriptions, url):
    """All documents of a configuration with so many subscriptions, probes among them."""
    wanted = list(probes(url))
    fill = list(filler(subscriptions - len(wanted) // 2, url))
    middle = len(fill) // 2
    spaces = sorted({document["space"] for document in wanted + fill})
    return [event_type(space) for space in spaces] + fill[:middle] + wanted + fill[middle:]


def callable_paths(documents, url, count):
    """So many paths that match sync POST subscriptions whose function is at url, as many of these as there are;
    parameters are filled in, each time with something else."""
    here = {(d["space"], d["functionId"]) for d in documents
            if d["kind"] == "function" and d["provider"]["url"].startswith(url)}
    paths = [d["path"].split("/") for d in documents
             if d["kind"] == "subscription" and d["type"] == "sync" and d["method"] == "POST"
             and (d["space"], d["functionId"]) in here]
    return ["/".join(f"x{i}" if part[:1] in (":", "*") else part for part in paths[i % len(paths)])
            for i in range(count)]


def write(path, documents):
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))

"""The Configuration API of 2017 on several gateways that share a store of each kind: what takes two writes there (a
subscription, and its event type when it is missing) is as safe from races as what takes one."""
from cluster import in_threads

MODE = {"api.v2017": "true"}
PAGE = "/v1/subscriptions"


def register(node, name):
    body = {"functionId": name, "provider": {"type": "http", "url": "http://127.0.0.1:1/"}}
    assert node.config("POST", "/v1/functions", body).status == 200


def at_once(*calls):
    answers = [None] * len(calls)

    def make(index, call):
        def run():
            answers[index] = call()
        return run

    in_threads(*[make(index, call) for index, call in enumerate(calls)])
    return answers


def test_a_missing_event_type_is_brought_along_by_whoever_is_first(kind, make_cluster):
    cluster = make_cluster(kind, more=MODE, patient=range(3))
    names = [f"f{i}" for i in range(9)]
    for name in names:
        register(cluster.nodes[0], name)
    made = at_once(*[lambda i=i: cluster.nodes[i % 3].config("POST", PAGE, {"functionId": f"f{i}", "event": "shared"})
                     for i in range(9)])
    assert [answer.status for answer in made] == [200] * 9, made
    for node in cluster.nodes:
        listed = node.config("GET", PAGE).json["subscriptions"]
        assert [s["subscriptionId"] for s in listed] == [f"shared-{name}" for name in names]
        assert [t["name"] for t in node.listing("eventtypes")["eventTypes"]] == ["shared", "http.request"]


def test_of_equal_subscriptions_on_all_nodes_one_is_made(kind, make_cluster):
    cluster = make_cluster(kind, more=MODE, patient=range(3))
    register(cluster.nodes[0], "f")
    for turn in range(8):
        body = {"functionId": "f", "event": f"e{turn}", "method": "PUT", "path": "/a"}
        answers = at_once(*[lambda node=node: node.config("POST", PAGE, body) for node in cluster.nodes])
        assert sorted(answer.status for answer in answers) == [200, 400, 400], answers
        for answer in answers:
            if answer.status == 400:
                assert answer.json == {"error": f'Subscription "e{turn}-PUT-%2Fa" already exits.'}


def test_a_function_is_deleted_or_subscribed_to_but_not_both(kind, make_cluster):
    cluster = make_cluster(kind, more=MODE, patient=range(3))
    first, second, _ = cluster.nodes
    for turn in range(12):
        name = f"f{turn}"
        register(first, name)
        calls = [lambda: first.config("DELETE", f"/v1/functions/{name}").status,
                 lambda: second.config("POST", PAGE, {"functionId": name, "event": name}).status]
        deleted, subscribed = at_once(*calls)
        assert (deleted, subscribed) in ((204, 400), (400, 200))
        kept = [s["functionId"] for s in first.config("GET", PAGE).json["subscriptions"]]
        assert (name in kept) == (subscribed == 200)


def test_a_subscription_is_deleted_once(kind, make_cluster):
    cluster = make_cluster(kind, more=MODE, patient=range(3))
    register(cluster.nodes[0], "f")
    for _ in range(8):
        body = {"functionId": "f", "event": "http", "method": "GET", "path": "/a"}
        assert cluster.nodes[1].config("POST", PAGE, body).status == 200
        answers = at_once(*[lambda node=node: node.config("DELETE", PAGE + "/http-GET-%2Fa") for node in cluster.nodes])
        assert sorted(answer.status for answer in answers) == [204, 404, 404], answers

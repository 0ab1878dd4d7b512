"""The middleware `transform`: jq programs and simple changes in front of the real Events API."""
import json
import os
import pathlib
import signal
import threading

import pytest

from harness import Gateway, run_gateway, wait_for

RULES = r"""
plugins = {
    middleware = ( "transform" );
    transform = {
        timeout = "50ms";
        rules = (
            { path = "/simple";
              request = { set_headers = { x-team = "red"; }; remove_headers = ( "x-secret" ); rename_headers = { x-old = "x-new"; }; };
              event = { set = { team = "red"; subject = "all"; }; remove = ( "gone" ); rename = { old = "fresh"; }; };
              reply = { set_headers = { x-by = "transform"; }; remove_headers = ( "x-inner" ); rename_headers = { x-a = "x-b"; };
                        status = 203; }; },
            { path = "/jq"; event_types = ( "order.*" );
              event = { jq = ".data.total = ([.data.items[].price] | add) | .type = \"order.priced\" | .verb = $request.method | .where = $space"; };
              reply = { jq = ".body = {answer: .body, was: .status} | .status = 201 | .headers[\"x-by\"] = \"jq\""; }; },
            { path = "/same"; event = { jq = "."; }; reply = { jq = "."; }; },
            { path = "/loop"; event = { jq = "if .data.loop then def f: f; f else . end"; }; },
            { path = "/bomb"; event = { jq = "[range(1e9)]"; }; },
            { path = "/crash"; event = { jq = "reduce range(1000000) as $x (1; [.])"; }; },
            { path = "/error"; event = { jq = "error(\"the price of \\(.id) is \\(.data.price)\")"; }; },
            { path = "/reply-error"; reply = { jq = ".body + 1"; }; },
            { path = "/refuse"; event = { jq = "error({status: 422, message: \"an order needs items\"})"; }; },
            { path = "/drop"; event = { jq = "select(.data.keep)"; }; reply = { jq = ".body = \"kept\""; }; },
            { path = "/two"; event = { jq = "., ."; }; },
            { path = "/not-found"; reply = { jq = ".body = \"nothing here\""; when = ( "404" ); }; }
        );
    };
};
"""


def order(event_type="order.made", **more):
    return {"specversion": "1.0", "id": "1", "source": "/shop", "type": event_type, "data": {"items": [{"price": 2}, {"price": 3}]}, **more}


@pytest.fixture(scope="module")
def gateway():
    gateway = Gateway(config=RULES, set={"limits.middleware_timeout": "60s"})   # machines may be busy
    for name in ("order.made", "order.priced", "other", "http.request"):
        gateway.event_type(name)
    gateway.all = gateway.function("all", lambda call: {"statusCode": 200, "body": '{"n": 12345678901234567890}',
                                                        "headers": {"content-type": "application/json", "x-inner": "1", "x-a": "2"}})
    for name in ("order.made", "order.priced", "other"):
        gateway.sync(name, "all", "/*rest")
    gateway.sync("http.request", "all", "/*rest", "GET")
    gateway.missing = gateway.function("missing", '{"statusCode":404,"body":"gone"}')
    gateway.sync("http.request", "missing", "/not-found", "PUT")
    gateway.settle()
    yield gateway
    gateway.close()


def sent(gateway):
    return gateway.all.calls[-1].json


def calls_of(gateway):
    return len(gateway.all.calls)


def last_log(gateway, part):
    return wait_for(lambda: [line for line in gateway.lines if part in line], f"a line with {part}")[-1]


def workers_of(gateway):
    """Ids of the processes that the gateway has started."""
    tasks = pathlib.Path(f"/proc/{gateway.process.pid}/task")
    found = []
    for task in tasks.iterdir():
        try:
            found += [int(pid) for pid in (task / "children").read_text().split()]
        except FileNotFoundError:
            pass   # the thread has ended
    return found


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_headers_of_requests_and_replies_are_set_removed_and_renamed(gateway):
    answer = gateway.event("GET", "/simple", headers={"x-secret": "s", "x-old": "o"})
    assert (answer.status, answer.header("x-by"), answer.header("x-b")) == (203, "transform", "2")
    assert answer.header("x-inner") is None and answer.header("x-a") is None
    headers = {name.lower(): value for name, value in sent(gateway)["data"]["headers"].items()}
    assert headers["x-team"] == "red" and headers["x-new"] == "o"
    assert "x-secret" not in headers and "x-old" not in headers


def test_members_of_events_are_set_removed_and_renamed(gateway):
    assert gateway.emit(order(old="1", gone=2), "/simple").status == 203
    event = sent(gateway)
    assert (event["team"], event["subject"], event["fresh"]) == ("red", "all", "1")
    assert "gone" not in event and "old" not in event


def test_a_program_changes_the_event_before_it_is_routed(gateway):
    answer = gateway.emit(order(), "/jq")
    assert (answer.status, answer.header("x-by")) == (201, "jq")
    event = sent(gateway)
    assert (event["type"], event["data"]["total"], event["verb"], event["where"]) == ("order.priced", 5, "POST", "default")
    assert answer.json["was"] == 200


def test_a_rule_for_other_types_does_nothing(gateway):
    answer = gateway.emit(order("other"), "/jq")
    assert answer.status == 200
    assert "total" not in sent(gateway)["data"]


@pytest.mark.parametrize("event", [
    {"eventID": "1", "cloudEventsVersion": "0.1", "source": "/s", "eventType": "order.made", "contentType": "application/json",
     "extensions": {"Some-Thing": {"a": [1]}}, "data": {"items": [{"price": 1}]}},
    order(data={"items": [{"price": 1}]}),
])
def test_what_a_program_does_not_touch_goes_on_as_it_came(gateway, event):
    number = '{"items":[{"price":1}],"big":12345678901234567890,"exact":0.10}'
    text = json.dumps(event).replace('"data": {"items": [{"price": 1}]}', '"data": ' + number)
    answer = gateway.emit(text, "/same")
    assert answer.text == '{"n": 12345678901234567890}'
    assert number in gateway.all.calls[-1].body.decode()
    assert sent(gateway).get("extensions") == event.get("extensions")


def test_an_error_of_a_program_is_400_and_its_message_is_in_the_log(gateway):
    before = calls_of(gateway)
    answer = gateway.emit(order(id="o-77"), "/error")
    assert (answer.status, answer.message) == (400, "The event could not be transformed.")
    line = last_log(gateway, "the price of o-77 is null")
    assert "rule 7: event" in line and answer.header("x-request-id") in line
    assert calls_of(gateway) == before


def test_an_error_of_a_program_for_replies_is_502(gateway):
    before = calls_of(gateway)
    answer = gateway.emit(order(), "/reply-error")
    assert (answer.status, answer.message) == (502, "The reply could not be transformed.")
    assert "rule 8: reply: object (" in last_log(gateway, "rule 8")
    assert calls_of(gateway) == before + 1


def test_a_program_may_refuse_with_words_of_its_own(gateway):
    answer = gateway.emit(order(), "/refuse")
    assert (answer.status, answer.message) == (422, "an order needs items")


def test_an_event_that_a_program_drops_is_accepted_and_goes_nowhere(gateway):
    before = calls_of(gateway)
    answer = gateway.emit(order(), "/drop")
    assert (answer.status, answer.text) == (202, "")
    assert calls_of(gateway) == before
    answer = gateway.emit(order(data={"keep": True}), "/drop")
    assert (answer.status, answer.text) == (200, "kept")


def test_more_than_one_output_is_an_error(gateway):
    assert gateway.emit(order(), "/two").status == 500
    assert "it gave more than one output" in last_log(gateway, "rule 11")


def test_a_rule_may_be_for_replies_of_some_status_only(gateway):
    answer = gateway.event("PUT", "/not-found")
    assert (answer.status, answer.text) == (404, "nothing here")
    assert gateway.event("GET", "/not-found").text == '{"n": 12345678901234567890}'


def test_each_event_of_a_batch_is_transformed_alone(gateway):
    batch = [order(id="a"), order(id="b"), order(id="c", data={"items": "none"})]
    answer = gateway.event("POST", "/jq", batch, {"Content-Type": "application/cloudevents-batch+json"})
    assert answer.status == 400
    assert "event 2 of the batch: The event could not be transformed." in answer.text
    assert [call.json["data"].get("total") for call in gateway.all.calls[-2:]] == [5, 5]


def test_a_program_that_does_not_end_is_504_and_others_go_on(gateway):
    answers = []

    def ask(loop):
        answers.append((loop, gateway.emit(order(data={"loop": loop}), "/loop").status))
    threads = [threading.Thread(target=ask, args=(i % 4 == 0,)) for i in range(24)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(answers) == [(False, 200)] * 18 + [(True, 504)] * 6
    assert "it took longer than timeout" in last_log(gateway, "rule 4: event")


def test_a_program_that_eats_memory_or_crashes_costs_its_own_request(gateway):
    assert gateway.emit(order(), "/bomb").status in (500, 504)
    assert gateway.emit(order(), "/crash").status in (500, 504)
    assert gateway.emit(order(), "/same").status == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_workers_lose_no_event(make_gateway, workers):
    """A run whose worker was killed is run once more. One loop: those of several have workers of their own, and while one answers, all
    that the other starts could be killed, which is another case (503, test_transform_workers.c)."""
    gateway = make_gateway(config=RULES.replace('"50ms";', f'"50ms"; workers = {workers};'),
                           set={"loops": 1, "limits.middleware_timeout": "60s"})
    gateway.event_type("order.made")
    gateway.function("all", {"statusCode": 200, "body": "done"})
    gateway.sync("order.made", "all", "/*rest")
    gateway.settle()
    answers, errors, killed = [], [], set()

    def load():
        try:
            for _ in range(40):
                answers.append(gateway.emit(order(), "/same").status)
        except AssertionError as error:
            errors.append(error)
    threads = [threading.Thread(target=load) for _ in range(4)]
    [t.start() for t in threads]

    def is_over():
        return not any(t.is_alive() for t in threads)
    while not is_over():
        for pid in workers_of(gateway)[:1]:
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
            wait_for(lambda: pid not in workers_of(gateway), "the end of the worker")
        # Its run waits in front of the others now. At most four answers are older: after six a run was done, so this loop has a worker
        # that stays alive; and with one worker it was this run.
        seen = len(answers)
        wait_for(lambda: len(answers) > seen + 5 or is_over(), "more answers")
    assert not errors and len(killed) > 2 and len(answers) == 160
    if workers == 1:
        assert set(answers) == {200}
    else:   # the second worker may be slow with it, and be killed, too
        assert set(answers) <= {200, 500} and 2 * answers.count(500) <= len(killed)
    assert gateway.metric("eventgateway_transform_worker_restarts_total") >= len(killed)


def test_programs_can_be_in_files(make_gateway, tmp_path):
    program = tmp_path / "total.jq"
    program.write_text("# sums up\n.data.total =\n  (.data.items | length)\n")
    gateway = make_gateway(config='plugins = { middleware = ( "transform" ); transform = { rules = ('
                                  f'{{ event = {{ jq_file = "{program}"; }}; }} ); }}; }};')
    function = gateway.function("f")
    gateway.event_type("order.made")
    gateway.sync("order.made", "f", "/")
    gateway.settle()
    assert gateway.emit(order()).status == 200
    assert function.calls[-1].json["data"]["total"] == 2
    program.write_text(".data |\n  nonsense(1)\n")
    code, _, err = run_gateway("--config", str(gateway.config_file), "--check", "--data-dir", str(tmp_path / "data"))
    assert code != 0
    assert f"rule 1: event: jq_file '{program}': nonsense/1 is not defined at <top-level>, line 2" in err


def test_headers_cannot_be_changed_when_match_waits_for_the_event(make_gateway):
    gateway = make_gateway(config='plugins = { middleware = ( "transform" ); transform = { match = { event_types = ( "order.made" ); }; '
                                  'rules = ( { request = { set_headers = { x-a = "b"; }; }; } ); }; };')
    gateway.event_type("order.made")
    gateway.event_type("other")
    gateway.settle()
    assert gateway.emit(order()).status == 500
    assert gateway.emit(order("other")).status == 202


@pytest.mark.parametrize("rule,told", [
    ('{ event = { jq = ".a |"; }; }', "rule 1: event: jq: syntax error"),
    ('{ event = { jq = "nosuch"; }; }', "rule 1: event: jq: nosuch/0 is not defined at <top-level>, line 1"),
    ('{ event = { jq = "import \\"a\\" as a; ."; }; }', "rule 1: event: jq: modules cannot be loaded here"),
    ('{ event = { jq = "."; }; }, { reply = { jq_file = "/nowhere"; }; }', "rule 2: reply: jq_file '/nowhere': No such file"),
    ('{ event = { jqq = "."; }; }', "rule 1: event: unknown key 'jqq'"),
])
def test_mistakes_are_refused_at_start(tmp_path, rule, told):
    config = tmp_path / "event-gateway.conf"
    config.write_text(f'plugins = {{ middleware = ( "transform" ); transform = {{ rules = ( {rule} ); }}; }};')
    code, _, err = run_gateway("--config", str(config), "--check", "--data-dir", str(tmp_path / "data"))
    assert code != 0 and told in err, err


def test_a_worker_that_is_none_stops_the_start(make_gateway):
    gateway = make_gateway(wait=False, set={"plugins.middleware": "transform", "plugins.transform.worker": "/bin/true",
                                            "plugins.transform.rules": '[{"event":{"jq":"."}}]'})
    assert gateway.wait_exit() != 0
    assert "the worker ended at once" in gateway.log


def cpu_of_workers(gateway):
    total = 0
    for pid in workers_of(gateway):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_no_worker_outlives_the_gateway(make_gateway, how):
    gateway = make_gateway(config=RULES.replace('"50ms"', '"60s"'), set={"limits.middleware_timeout": "4s"})
    gateway.event_type("order.made")
    gateway.settle()

    def ask():
        try:
            gateway.emit(order(data={"loop": True}), "/loop")
        except (AssertionError, OSError):
            pass   # the gateway was killed
    wait_for(lambda: gateway.emit(order(data={}), "/loop").status == 202, "workers that are ready")
    before = cpu_of_workers(gateway)
    thread = threading.Thread(target=ask)
    thread.start()
    wait_for(lambda: cpu_of_workers(gateway) > before + 0.5, "a worker in an endless run")
    workers = workers_of(gateway)
    getattr(gateway, how)()
    thread.join()
    wait_for(lambda: not any(is_alive(pid) for pid in workers), "the end of the workers")


def test_new_programs_are_taken_while_serving(make_gateway):
    config = ('plugins = { middleware = ( "transform" ); transform = { rules = ( { event = { jq = ".team = \\"%s\\""; }; } ); }; };')
    gateway = make_gateway(config=config % "first")
    function = gateway.function("f")
    gateway.event_type("order.made")
    gateway.sync("order.made", "f", "/")
    gateway.settle()
    wait_for(lambda: gateway.emit(order()).status == 200, "workers that are ready")
    former = workers_of(gateway)
    answers, done = [], threading.Event()

    def load():
        while not done.is_set():
            answers.append(gateway.emit(order()).status)
    threads = [threading.Thread(target=load) for _ in range(3)]
    [t.start() for t in threads]
    gateway.config_file.write_text(config % "second")
    assert gateway.config("POST", "/v1/plugins/reload", "").status == 200
    seen = len(answers)
    wait_for(lambda: len(answers) > seen + 20, "answers")
    done.set()
    [t.join() for t in threads]
    assert set(answers) == {200}
    assert gateway.emit(order()).status == 200 and function.calls[-1].json["team"] == "second"
    wait_for(lambda: not any(is_alive(pid) for pid in former), "the end of the former workers")


def test_workers_know_nothing_of_the_gateway(make_gateway):
    gateway = make_gateway(config=RULES, env={"SECRET_OF_THE_TEST": "hidden"})
    for pid in wait_for(lambda: workers_of(gateway), "workers"):
        wait_for(lambda: pathlib.Path(f"/proc/{pid}/comm").read_text().startswith("transform-worke"), "the worker's own program")
        assert pathlib.Path(f"/proc/{pid}/environ").read_bytes() == b""
        assert sorted(os.listdir(f"/proc/{pid}/fd")) == ["0", "1", "2"]
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        wait_for(lambda: "Max open files            3 " in pathlib.Path(f"/proc/{pid}/limits").read_text(), f"limits, there are {limits}")


def test_settings_are_explained():
    code, out, _ = run_gateway("--help-plugin", "transform")
    assert code == 0
    assert all(word in out for word in ("rules", "timeout", "max_output", "max_memory", "workers", "queue", "worker"))

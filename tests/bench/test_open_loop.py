"""The open-loop generator against the upstream and against servers that do not answer, and what is made of its records."""
import os
import socket
import time
import types

import open_loop
import overload
import programs
import pytest
from open_loop import Answers


@pytest.fixture
def load(tmp_path):
    return open_loop.Load(tmp_path, max(os.sched_getaffinity(0)))


@pytest.fixture
def silent():
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]


def test_requests_are_due_at_the_rate_of_their_phase_and_all_are_answered(load, tmp_path):
    upstream = programs.Upstream(max(os.sched_getaffinity(0)), tmp_path)
    try:
        answers = load.run(upstream.port, "/", (1000, 0.2), (200, 0.5), connections=4)
        assert upstream.count() == 300
    finally:
        upstream.stop()
    assert answers.good() == len(answers.records) == 300
    assert [due for due, _, _ in answers.records[:3]] == [0, 1000, 2000]
    assert answers.between(0.2, 0.7).records[1][0] == 205000


def test_a_request_without_a_free_connection_is_given_up_and_one_without_an_answer_is_abandoned(load, silent):
    answers = load.run(silent, "/", (100, 0.2), connections=2, patience_ms=10, deadline_ms=100)
    statuses = [status for _, _, status in answers.records]
    assert statuses[:3] == [open_loop.ABANDONED, open_loop.ABANDONED, open_loop.NONE]
    assert answers.good() == 0 and answers.records[0][1] >= 100000


def test_time_counts_from_when_a_request_was_due_and_not_from_when_it_was_sent(load):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pid = os.fork()
        if pid == 0:   # a server that answers one request after the other, each after 50 ms
            connection = listener.accept()[0]
            while connection.recv(4096):
                time.sleep(0.05)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            os._exit(0)
        answers = load.run(listener.getsockname()[1], "/", (100, 0.1), connections=1)
        os.waitpid(pid, 0)
    assert answers.good() == 10
    assert answers.records[9][1] >= 10 * 50000 - 90000   # due after 90 ms, answered as the tenth


def test_a_server_that_refuses_connections_is_left_alone_for_a_while(load):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        answers = load.run(nobody.getsockname()[1], "/", (1000, 0.1), connections=3, patience_ms=5)
    assert answers.count(open_loop.is_refusal) == 3 and answers.count(lambda s: s == open_loop.NONE) == 97   # one each


def test_the_generator_sleeps_while_no_connection_is_free(load, silent):
    before = sum(os.times()[2:4])   # of children that have ended
    answers = load.run(silent, "/", (100000, 0.5), connections=2, patience_ms=0, deadline_ms=450)
    used_s = sum(os.times()[2:4]) - before
    assert answers.count(lambda s: s == open_loop.ABANDONED) == 2 and len(answers.records) == 50000
    assert used_s < 0.25


def test_an_answer_that_comes_in_pieces_is_one_answer(load):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pid = os.fork()
        if pid == 0:   # each piece is read before the next is sent
            connection = listener.accept()[0]
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while connection.recv(4096):
                for piece in (b"HTTP/1.1 2", b"01 Created\r\nContent-Le", b"ngth: 4\r\n\r\nok", b"ay"):
                    connection.sendall(piece)
                    time.sleep(0.01)
            os._exit(0)
        answers = load.run(listener.getsockname()[1], "/", (100, 0.03), connections=1)
        os.waitpid(pid, 0)
    assert [status for _, _, status in answers.records] == [201, 201, 201]


def test_the_largest_rate_is_found_between_one_that_is_answered_and_one_that_is_not():
    tried = []

    def is_answered(rate):
        tried.append(rate)
        return rate <= 70
    assert 68 < overload.largest(is_answered, 50, 110) <= 70
    assert len(tried) == overload.PROBES
    assert overload.largest(lambda rate: False, 50, 110) == 50


def test_overload_counts_only_when_the_gateway_is_what_limits():
    assert overload.why_not_measured(0.5, 0.7) is None
    assert "load generator and upstream used 97% of their core" in overload.why_not_measured(0.5, 0.97)
    assert "the gateway used 20% of a core" in overload.why_not_measured(0.2, 0.5)
    assert overload.why_not_measured(0.5, 0.7, (20000, 22000)) is None
    assert "was 20000/s before and 30000/s after" in overload.why_not_measured(0.5, 0.7, (20000, 30000))


def test_what_was_not_measured_is_tried_again():
    outcomes = [("disturbed", 1), (None, 2), (None, 3)]
    assert overload.until_measured(lambda: outcomes.pop(0)) == (None, 2)
    tried = []
    assert overload.until_measured(lambda: tried.append(1) or ("disturbed", len(tried))) == ("disturbed", overload.ATTEMPTS)


def test_a_burner_leaves_half_of_its_core_and_its_share_is_seen(tmp_path):
    core = min(os.sched_getaffinity(0))
    burners = [overload.Burner(core, tmp_path) for _ in range(2)]
    try:
        first, second = overload.shares(0.3, *(burner.cpu_ns for burner in burners))
    finally:
        for burner in burners:
            burner.stop()
    assert 0.05 < first and 0.05 < second and first + second < 1.05


def test_calls_are_counted_while_a_load_runs(load, tmp_path):
    upstream = programs.Upstream(max(os.sched_getaffinity(0)), tmp_path)
    try:
        process = load.start(upstream.port, "/", (400, 1.2), connections=4)
        calls, *of_cores = overload.delivered_in(types.SimpleNamespace(upstream=upstream), process, upstream, 0.5)
        assert load.end(process).good() == 480
    finally:
        upstream.stop()
    assert 200 < calls < 800 and all(0 < share < 1.1 for share in of_cores)


def records(*spans):
    """(from ms, to ms, status, took ms), a request each millisecond."""
    return Answers([(ms * 1000, took * 1000, status) for first, end, status, took in spans for ms in range(first, end)])


def test_recovery_ends_with_the_last_tenth_of_a_second_that_was_not_as_usual():
    usual = records((0, 1000, 200, 1))
    assert overload.recovery(records((1000, 3000, 200, 1)), usual, 1) == ("0.0 s", "at most 2 s", True)
    assert overload.recovery(records((1000, 1650, 503, 1), (1650, 3000, 200, 1)), usual, 1)[0] == "0.7 s"
    assert overload.recovery(records((1000, 1250, 200, 90), (1250, 3000, 200, 1)), usual, 1)[0] == "0.3 s"
    assert overload.recovery(records((1000, 3900, 200, 90)), usual, 1)[2] is False


def test_percentiles_are_those_of_wanted_answers_only():
    answers = records((0, 98, 200, 1), (98, 100, 503, 50))
    assert answers.p_ms(0.99) == 1 and answers.p_ms(0.5, open_loop.is_refusal) == 50
    assert records((0, 9, 503, 1)).p_ms(0.99) == float("inf")

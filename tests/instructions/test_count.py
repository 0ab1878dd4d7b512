"""What count.py says about counts, without counting anything."""
import json

import count
import pytest


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    monkeypatch.setattr(count, "RECORDED", tmp_path / "recorded.json")
    count.record({"sync": {"parse": 800, "write": 200}})


def test_growth_within_five_percent_passes(recorded, capsys):
    assert count.check({"sync": {"parse": 840, "write": 205}}) == 0
    assert "instructions: 1 passed, 0 failed" in capsys.readouterr().out


def test_more_growth_fails_and_the_function_that_grew_is_named(recorded, capsys):
    assert count.check({"sync": {"parse": 810, "write": 200, "copy": 190}}) == 1
    said = capsys.readouterr().out
    assert "FAILED sync" in said and "instructions: 0 passed, 1 failed" in said
    assert said.split("What grew: ")[1].splitlines()[0] == "copy +190 (was 0)"


def test_counts_of_another_compiler_are_skipped_aloud(recorded, capsys):
    known = json.loads(count.RECORDED.read_text())
    count.RECORDED.write_text(json.dumps({**known, "compiler": "another one"}))
    assert count.check({"sync": {"parse": 9000}}) == 0
    assert "instructions: 1 passed" not in (said := capsys.readouterr().out)
    assert "skipped: recorded with another one" in said


def test_a_callgrind_file_is_read_without_the_cost_of_calls(tmp_path):
    out = tmp_path / "out"
    out.write_text("fn=(1) main\n10 5\ncfn=(2) inner\ncalls=1 20\n10 100\n+1 7\nfn=(2)\n20 100\n")
    assert count.per_function(out) == {"main": 12, "inner": 100}

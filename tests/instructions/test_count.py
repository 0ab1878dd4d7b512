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


def test_growth_is_not_hidden_by_the_memory_that_is_cleared(recorded, capsys):
    count.record({"sync": {"parse": 1000, "__memset_avx2_unaligned_erms": 1000}})
    assert count.check({"sync": {"parse": 1060, "__memset_avx2_unaligned_erms": 1000}}) == 1
    assert "What grew: parse +60 (was 1,000)" in capsys.readouterr().out
    assert count.check({"sync": {"parse": 1040, "__memset_avx2_unaligned_erms": 1000}}) == 0
    assert count.check({"sync": {"parse": 1000, "__memset_avx2_unaligned_erms": 1200}}) == 1


def test_a_record_that_is_much_too_high_is_told(recorded, capsys):
    assert count.check({"sync": {"parse": 700, "write": 200}}) == 0
    assert "sync costs less than what is recorded" in capsys.readouterr().out


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


def test_a_function_without_a_name_is_told_with_its_library(tmp_path):
    out = tmp_path / "out"
    out.write_text("ob=(1) /bin/gateway\nfn=(1) main\n0 5\ncob=(2) /lib/libcurl.so.4\ncfn=(2) 0x0000000000047d60\n"
                   "calls=1 0\n0 100\n0 1\n\nob=(2)\nfn=(2)\n0 100\n\nob=(3) /lib/libssl.so.3\nfn=(3) 0x0000000000047d60\n0 7\n")
    assert count.per_function(out) == {"main": 6, "libcurl.so.4:0x0000000000047d60": 100,
                                       "libssl.so.3:0x0000000000047d60": 7}


def test_copies_that_the_compiler_numbers_count_as_one_function(tmp_path):
    out = tmp_path / "out"
    out.write_text("fn=(1) check.lto_priv.0\n0 5\nfn=(2) check.constprop.0.lto_priv.3\n0 2\nfn=(3) check.cold\n0 1\n")
    assert count.per_function(out) == {"check": 8}

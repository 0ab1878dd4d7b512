"""The judge of the cluster tests: it finds what does not fit."""
import pytest

from history import History, NOBODY, Seen


def answered(revision, status=200, body=""):
    return Seen(node=0, key="k", revision=revision, status=status, body=body)


@pytest.fixture
def history():
    history = History()
    history.wrote("k", 5, "/k/1")
    history.wrote("k", 8, "/k/2")
    history.wrote("k", 9, NOBODY)
    return history


@pytest.mark.parametrize("seen", [
    answered(4, 202), answered(5, body="/k/1"), answered(7, body="/k/1"), answered(8, body="/k/2"), answered(9, 202),
    answered(100, 202)])
def test_an_answer_that_fits_its_revision_is_explained(history, seen):
    history.seen.append(seen)
    assert history.unexplained() == []


@pytest.mark.parametrize("seen", [
    answered(4, body="/k/1"), answered(5, 202), answered(7, body="/k/2"), answered(8, body="/k/1"),
    answered(9, body="/k/2"), answered(8, 500), answered(8, 503, "/k/2"), answered(0, "ConnectionResetError", "")])
def test_an_answer_of_another_revision_or_a_failure_is_not(history, seen):
    history.seen.append(seen)
    assert [found for found, _ in history.unexplained()] == [seen]


def test_revisions_of_one_path_have_to_ascend(history):
    with pytest.raises(AssertionError):
        history.wrote("k", 9, "/k/3")

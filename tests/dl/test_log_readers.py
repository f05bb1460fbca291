"""Log windows as tokens, incidents whose wording changes, and those who read them."""

import numpy as np
import pytest

from labsupport.dl import log_readers
from labsupport.dl.log_windows import RELEASES, causes, encode, incidents, kind, kinds, vocabulary
from labsupport.world import CAUSES, log_windows


@pytest.fixture(scope="module")
def found():
    return incidents(4, seed=1)


def test_lines_of_one_kind_differ_in_their_numbers():
    assert kind("WARN kubelet volume usage 92 percent") == kind("WARN kubelet volume usage 7 percent")
    assert all("#" in each or not any(c.isdigit() for c in each) for w in log_windows(20) for each in kinds(w))


def test_texts_become_numbers_filled_and_cut():
    known = vocabulary([["a", "b"], ["b", "c"]])
    assert known == {"a": 2, "b": 3, "c": 4}
    assert encode([["c", "x"], ["a", "b", "c", "a"]], known, 3).tolist() == [[4, 1, 0], [2, 3, 4]]


def test_a_wording_comes_with_its_release_and_not_before(found):
    for wording, release in enumerate(RELEASES):
        days = [one.day for one in found if one.wording == wording]
        assert min(days) >= release
    late = [one.wording for one in found if one.day >= RELEASES[-1]]
    assert np.mean(np.array(late) == len(RELEASES) - 1) == pytest.approx(0.5, abs=0.2)


def test_the_days_are_in_order_and_each_window_has_one_cause_and_an_error(found):
    assert [one.day for one in found] == sorted(one.day for one in found)
    assert set(causes(found)) == set(range(len(CAUSES)))
    assert all(any(line.startswith("ERROR") for line in one.lines) for one in found)


def test_the_future_is_not_learnt_from(found):
    known, (tokens, labels) = log_readers.split(found, 20)
    assert len(labels) == 80 and tokens.min() == 0
    assert "lag" not in known or any("lag" in one.words for one in found[:80])
    assert [one.day for one in log_readers.by_time(found, 20, 45)][0] == 20


@pytest.mark.parametrize("name", ["counts of lines", "runs of 2 or 3 lines", "first and last places"])
def test_readers_learn_what_is_there(name):
    rng = np.random.default_rng(0)
    tokens = rng.integers(2, 9, (300, 6))
    labels = (tokens == 4).any(axis=1).astype(int)
    who, tries = log_readers.LINES_READ[name]
    assert log_readers.share(who(tokens[:200], labels[:200], **tries[-1]), tokens[200:], labels[200:]) > 0.9


def test_settings_are_chosen_by_who_reads_best_and_the_first_of_equals():
    tokens, labels = np.array([[2], [3]] * 10), np.array([0, 1] * 10)

    def who(tokens, labels, *, says):
        return lambda others: np.full(len(others), says)

    tries = [{"says": 2}, {"says": 0}, {"says": 1}]
    assert log_readers.choose(who, tries, (tokens, labels), (tokens, labels)) == {"says": 0}


def test_each_reader_may_try_as_many_settings():
    for table in (log_readers.LINES_READ, log_readers.WORDS_READ):
        assert {len(tries) for _, tries in table.values()} == {4}


def test_what_was_measured_has_every_reader_and_five_seeds():
    table = log_readers.measured()
    order = table[table.task == "order"]
    assert set(order.who) == set(log_readers.LINES_READ)
    assert set(table[table.task != "order"].who) == set(log_readers.WORDS_READ)
    assert order.groupby(["who", "windows"]).seed.nunique().eq(5).all()

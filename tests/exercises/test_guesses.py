"""guess and reveal: the first guess counts, none costs nothing, bad input gets a sentence."""

import decimal
import errno
import math
import os
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.errors import LabsError
from labsupport.exercises import check, guess, guesses, hint, progress, quiz, reveal, solution
from labsupport.exercises.define import Exercises
from labsupport.exercises.scores import surprise


@pytest.fixture(autouse=True)
def asked(lesson: Exercises) -> None:
    """199.g1 is a sentence, 199.g2 a number in ms, 199.g3 a number without unit."""
    lesson.guess("g1", "The line beats the rules.")
    lesson.guess("g2", "The p95 at 90 % load", unit="ms")
    lesson.guess("g3", "Pods at noon", unit="")


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]):
    """Return what was shown since the last call, in one line."""
    return lambda: " ".join(capsys.readouterr().out.split())


def test_without_a_guess_the_cell_asks_for_one(said) -> None:
    guess("199.g1")
    assert said() == (
        "GUESS 199.g1 The line beats the rules How sure are you that it is true? 0.5 is a coin: `guess(\"199.g1\", 0.5)`"
    )  # fmt: skip
    guess("199.g2", low=..., high=...)
    assert said().startswith("GUESS 199.g2 The p95 at 90 % load (ms) Which interval holds it in 8 of 10 such cases?")
    assert progress.read() == {}


def test_no_guess_costs_nothing(said) -> None:
    reveal("199.g1", True)
    assert said() == "TRUTH 199.g1 The line beats the rules: true"
    reveal("199.g2", 12.345)
    assert said() == "TRUTH 199.g2 The p95 at 90 % load: 12.3 ms"
    reveal("199.g3", np.int64(12_345))
    assert said() == "TRUTH 199.g3 Pods at noon: 12,300"


@pytest.mark.parametrize(
    ("probability", "truth", "bits"),
    [
        (0.5, True, "1.00"),
        (0.8, True, "0.32"),
        (0.8, False, "2.32"),
        (0.2, np.bool_(False), "0.32"),
        (0.75, False, "2.00"),
    ],
)
def test_a_sentence_is_scored_in_bits(probability: float, truth: bool, bits: str, said) -> None:
    guess("199.g1", probability)
    assert said().endswith(f"Noted: {100 * probability:g} % that it is true.")
    reveal("199.g1", truth)
    assert f"Your surprise: {bits} bits; who throws a coin has 1." in said()


@pytest.mark.parametrize("certain", [0, 1, 1.0, True - 1])
def test_nobody_is_quite_sure(certain: float, said) -> None:
    guess("199.g1", certain)
    assert "nobody is quite sure" in said()
    reveal("199.g1", certain == 0)
    assert "Your surprise: 9.97 bits" in said()


@given(st.floats(0, 1), st.booleans())
def test_surprise_is_finite_and_less_than_a_coins_where_one_was_right(probability: float, truth: bool) -> None:
    bits = surprise(probability, truth)
    assert 0 <= bits < 10
    assert (bits <= 1) == ((probability >= 0.5) if truth else (1 - probability >= 0.5))


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (2, 9, "2 to 9 ms: it holds the truth. Your interval is 7 ms wide"),
        (9, 20, "9 to 20 ms: it holds the truth. Your interval is 11 ms wide"),
        (10.5, 20, "10.5 to 20 ms: the truth lies outside. Your interval is 9.5 ms wide"),
        (9, 9, "9 to 9 ms: it holds the truth. Your interval is 0 ms wide"),
        (-5, 1e4, "-5 to 10,000 ms: it holds the truth."),
    ],
)
def test_an_interval_hits_or_misses_and_has_a_width(low: float, high: float, words: str, said) -> None:
    guess("199.g2", low=low, high=high)
    said()
    reveal("199.g2", 9)
    assert words in said()


def test_an_interval_may_be_given_by_position(said) -> None:
    guess("199.g2", 2, 9)
    assert "Noted: 2 to 9 ms." in said()


def test_the_first_guess_stays_also_after_the_truth(said) -> None:
    guess("199.g1", 0.7)
    guess("199.g1", 0.9)
    assert "Your first guess stays: 70 % that it is true." in said()
    reveal("199.g1", False)
    guess("199.g1", 0.01)
    assert "Your first guess stays: 70 %" in said()
    reveal("199.g1", False)
    assert "1.74 bits" in said()
    assert progress.read()["199.g1"]["guess"] == 0.7


def test_the_same_cell_may_run_again(said) -> None:
    guess("199.g1", 0.7)
    first = said()
    reveal("199.g1", True)
    said()
    guess("199.g1", 0.7)
    assert said() == first


def test_a_guess_after_the_truth_is_not_counted_and_says_so(said) -> None:
    reveal("199.g2", 9)
    said()
    guess("199.g2", low=8, high=10)
    assert "The truth was shown already, so this guess is not counted. Have you not read it" in said()
    reveal("199.g2", 9)
    assert "You said" not in said()
    assert "guess" not in progress.read()["199.g2"]


def test_a_run_of_all_cells_uses_no_guess_up(said) -> None:
    guess("199.g2", low=..., high=...)
    reveal("199.g2", 9)
    said()
    guess("199.g2")
    assert "An earlier run showed the truth. Have you not read it, after a run of all cells, say?" in said()
    guess("199.g2", low=8, high=10, unseen=True)
    assert said().endswith("Noted: 8 to 10 ms.")
    reveal("199.g2", 9)
    assert "it holds the truth" in said()
    guess("199.g2", low=9, high=9, unseen=True)
    assert "Your first guess stays: 8 to 10 ms." in said()
    guess("199.g2")
    assert "An earlier run" not in said()


def test_another_truth_later_does_not_change_the_score(said) -> None:
    guess("199.g2", low=8, high=10)
    reveal("199.g2", 9)
    said()
    reveal("199.g2", 11)
    shown = said()
    assert "11 ms" in shown and "it holds the truth" in shown
    assert "The first time it was 9 ms: that is what your guess is scored by." in shown


BAD: dict[str, tuple[tuple[Any, ...], dict[str, Any], str]] = {
    "above one": (("199.g1", 1.3), {}, "1.3 is no probability, it lies between 0 and 1: did you mean 0.013?"),
    "per cent": (("199.g1", 70), {}, "70 is no probability, it lies between 0 and 1: did you mean 0.7?"),
    "negative": (("199.g1", -0.2), {}, "-0.2 is no probability: it lies between 0 (surely not) and 1 (surely)."),
    "far too large": (("199.g1", 700), {}, "700 is no probability"),
    "nan": (("199.g1", math.nan), {}, "A probability is a number such as 0.7; it was nan."),
    "infinite": (("199.g1", math.inf), {}, "A probability is a number such as 0.7; it was inf."),
    "text": (("199.g1", "0.7"), {}, "without quotes or signs, such as 0.7; it was the text '0.7'."),
    "per cent in words": (("199.g1", "70 %"), {}, "it was the text '70 %'."),
    "bool": (("199.g1", True), {}, "it was True, which says neither how sure nor how much."),
    "bool of NumPy": (("199.g1", np.False_), {}, "it was False"),
    "nothing": (("199.g1", None), {}, "it was of the type NoneType."),
    "list": (("199.g1", [0.2, 0.8]), {}, "it was of the type list."),
    "complex": (("199.g1", 0.5j), {}, "it was of the type complex."),
    "two for a sentence": (("199.g1", 0.2, 0.8), {}, "199.g1 is about one sentence: one probability."),
    "interval for a sentence": (("199.g1",), {"low": 0.1, "high": 0.9}, "199.g1 is a sentence: it wants one probability"),
    "one number for a number": (("199.g2", 7), {}, "An interval has two ends, and high is missing."),
    "both ways": (("199.g2", 7), {"low": 2, "high": 9}, "199.g2 is a number: it wants an interval, low and high."),
    "turned round": (("199.g2",), {"low": 9, "high": 2}, "The lower end, 9, is above the upper one, 2: swap them."),
    "without an end": (("199.g2",), {"low": 2}, "An interval has two ends, and high is missing."),
    "without a beginning": (("199.g2",), {"high": 2}, "An interval has two ends, and low is missing."),
    "nan as an end": (("199.g2",), {"low": 2, "high": math.nan}, "The upper end is a number such as 9; it was nan."),
    "infinite end": (("199.g2",), {"low": -math.inf, "high": 3}, "The lower end is a number such as 2; it was -inf."),
    "text as an end": (("199.g2",), {"low": "2 ms", "high": 3}, "The lower end is a number without quotes or signs"),
    "unknown": (("199.g9", 0.5), {}, "Lesson 199 has no exercise '199.g9'. It has: 199.1, 199.2, 199.a, 199.g1, 199.g2"),
    "exercise": (("199.1", 0.5), {}, '199.1 is an exercise: check("199.1", ...).'),
    "question": (("199.a", 0.5), {}, '199.a is a question: quiz("199.a", "A").'),
    "lesson": (("199", 0.5), {}, "199 is a lesson. Its guesses are: 199.g1, 199.g2, 199.g3."),
    "no key": ((0.7,), {}, "a key in quotes"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_guess_gets_a_sentence_and_is_not_kept(name: str, said) -> None:
    arguments, ends, sentence = BAD[name]
    guess(*arguments, **ends)
    shown = said()
    assert shown.startswith("ERROR") and sentence in shown
    assert progress.read() == {}


@pytest.mark.parametrize(
    "value", [0.7, np.float64(0.7), np.float32(0.7), np.array(0.7), np.array([0.7]), Fraction(7, 10), decimal.Decimal("0.7")], ids=repr
)  # fmt: skip
def test_every_kind_of_number_is_a_probability(value: object, said) -> None:
    guess("199.g1", value)
    assert "Noted: 70 % that it is true." in said()


@pytest.mark.parametrize(("key", "truth"), [("199.g1", 1), ("199.g1", "yes"), ("199.g2", True), ("199.g2", math.nan)])
def test_a_truth_of_the_wrong_kind_is_the_lessons_fault(key: str, truth: object) -> None:
    with pytest.raises(LabsError, match=f"reveal\\('{key}', ...\\) wants"):
        reveal(key, truth)
    assert progress.read() == {}


def test_other_calls_point_to_guess(said) -> None:
    for call in (check, hint, solution):
        call("199.g1")
        assert '199.g1 is a guess, nothing is checked: guess("199.g1", ...).' in said()
    quiz("199.g1", "A")
    assert '199.g1 is a guess: guess("199.g1", ...).' in said()


def test_a_full_disk_gives_a_note_and_the_guess_is_scored_all_the_same(said, monkeypatch: pytest.MonkeyPatch) -> None:
    guess("199.g1", 0.5)
    said()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    reveal("199.g1", True)
    shown = said()
    assert "1.00 bits" in shown and "The disk is full" in shown


@pytest.mark.parametrize("name", ["1", "a", "g", "G1", "g1b"])
def test_a_guess_is_named_by_a_g_and_a_number(name: str, lesson: Exercises) -> None:
    with pytest.raises(ValueError, match="a guess is named g1, g2"):
        lesson.guess(name, "It is so.")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (0.012345, "0.0123"), (1.0, "1"), (999.6, "1,000"), (-12.34, "-12.3"), (1_234_567, "1,230,000")],
)
def test_a_number_is_shown_to_three_digits(value: float, shown: str) -> None:
    assert guesses.quantity(value, None) == shown

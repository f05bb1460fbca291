"""Refute it: the sentence and its condition stand once, and the check runs the learner's case against them."""

from typing import Any

import numpy as np
import pytest

from labsupport.errors import LabsError
from labsupport.exercises import ClaimError, Measured, OutsideRules, check, refute, suppose
from labsupport.exercises.define import Exercises
from labsupport.exercises.engine import evaluate
from labsupport.exercises.outcomes import Kind

pytestmark = pytest.mark.usefixtures("claimed")


@pytest.fixture
def claimed(lesson: Exercises) -> None:
    """199.6 wants refuted that squares are above their numbers."""

    @lesson.refute("6", "The square of a number is above it.", case="a number from 0 to 99", hints=("a", "b"))
    def squares(case: Any) -> Measured:
        """Compare a number with its square."""
        number = refute.whole_number(case, 0, 99, "the number")
        return Measured(number**2 > number, f"{number} has the square {number**2}", within_chance=number == 2)


def test_a_case_in_which_the_sentence_fails_passes_with_its_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    check("199.6", 1)
    assert capsys.readouterr().out.splitlines() == [
        "PASS 199.6 Refute it: The square of a number is above it",
        "  Refuted: “The square of a number is above it” fails for your case: 1 has the square 1.",
    ]


def test_a_case_in_which_it_holds_fails_with_its_numbers_and_a_question(capsys: pytest.CaptureFixture[str]) -> None:
    check("199.6", 7)
    shown = capsys.readouterr().out
    assert "Saw: the sentence held for your case: 7 has the square 49" in shown
    assert "Ask yourself: under which circumstances would it fail" in shown and "Likely cause" not in shown


def test_a_case_in_which_luck_may_have_made_it_fail_is_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    check("199.6", 2)
    shown = capsys.readouterr().out
    assert "Saw: in the mean the sentence fails for your case, but luck can explain it: 2 has the square 4" in shown
    assert "beyond chance" in shown and "the sentence held" not in shown


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (100, "the number lies between 0 and 99, this is 100"),
        (-1, "the number lies between 0 and 99, this is -1"),
        (0.5, "the number is a whole number from 0 to 99, this is 0.5"),
        (True, "this is True"),
        ("1", "this is '1'"),
        (float("nan"), "this is nan"),
        (float("inf"), "this is inf"),
        (None, "this is None"),
        ([1, 2], "this is [1, 2]"),
    ],
)
def test_a_case_outside_of_the_rules_is_refused_with_a_sentence(case: Any, words: str) -> None:
    outcome = evaluate("199.6", case)
    assert outcome.kind is Kind.FAIL
    assert outcome.saw.startswith("a case outside of the rules: ") and words in outcome.saw
    assert outcome.expected == "a number from 0 to 99"


@pytest.mark.parametrize("case", [1, 1.0, np.int64(1), np.array(1), np.array([1])], ids=repr)
def test_every_kind_of_whole_number_is_a_case(case: Any) -> None:
    assert evaluate("199.6", case).kind is Kind.PASS


def test_the_untouched_stub_is_not_yet_a_case() -> None:
    assert evaluate("199.6", ...).kind is Kind.NOT_YET


def test_the_lesson_states_the_sentence_on_its_own_case(capsys: pytest.CaptureFixture[str]) -> None:
    suppose("199.6", 3)
    assert capsys.readouterr().out == "It seems so: “The square of a number is above it” (3 has the square 9).\n"


def test_a_sentence_that_the_lessons_own_case_does_not_support_stops_the_run() -> None:
    with pytest.raises(ClaimError, match="This run does not suggest it: The square of a number is above it"):
        suppose("199.6", 1)


def test_an_exercise_that_refutes_nothing_supposes_nothing() -> None:
    with pytest.raises(LabsError, match="199.1 has no sentence to refute"):
        suppose("199.1", 1)


def test_the_condition_documents_the_checker(lesson: Exercises) -> None:
    assert lesson.exercises["199.6"].checker.__doc__ == "Compare a number with its square."


@pytest.mark.parametrize(
    ("case", "chosen"),
    [
        (slice(1, 3), [1, 2]),
        ([False, True, False, True], [1, 3]),
        (np.array([0, 3, 3]), [0, 3]),
        ((2,), [2]),
    ],
)
def test_rows_are_chosen_in_several_ways(case: Any, chosen: list[int]) -> None:
    assert np.flatnonzero(refute.rows(case, 4)).tolist() == chosen


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (slice(2, 2), "at least 1 of the 4 rows are needed, these are 0"),
        ([], "at least 1 of the 4 rows"),
        ([False] * 4, "at least 1 of the 4 rows"),
        ([True] * 3, "a mask of 4 values, a slice, or positions from 0 to 3"),
        ([4], "positions from 0 to 3"),
        ([-1], "positions from 0 to 3"),
        ([0.5], "positions from 0 to 3"),
        (["a"], "positions from 0 to 3"),
        ([[0, 1]], "positions from 0 to 3"),
        (3, "positions from 0 to 3"),
        (None, "positions from 0 to 3"),
        (slice("a", None), "positions from 0 to 3"),
    ],
)
def test_rows_outside_of_the_rules_are_refused(case: Any, words: str) -> None:
    with pytest.raises(OutsideRules, match=words):
        refute.rows(case, 4)


def test_a_slice_may_need_a_least_number_of_rows() -> None:
    with pytest.raises(OutsideRules, match="at least 3 of the 4 rows are needed, these are 2"):
        refute.rows(slice(0, 2), 4, at_least=3)

"""A wrong answer is explained by the mistake that gives all of it, or by a question; numbers are shown with digits to differ."""

import numpy as np
import pytest

from labsupport.exercises.explain import FIXED, PERCENT, ROUNDED, SINGLE, Case, explain, explain_all, told_apart
from labsupport.exercises.outcomes import Fail, LearnerError


def failure(*cases: Case) -> Fail:
    with pytest.raises(Fail) as caught:
        explain_all(cases, "what do you compute?")
    return caught.value


def test_a_right_answer_is_let_through() -> None:
    explain(2.0, 2.0 + 1e-12, {"the sum": 4.0}, "what?")
    explain([1.0, np.nan], np.array([1.0, np.nan]), {}, "what?")


def test_a_mistake_is_named_by_the_number_it_gives() -> None:
    assert failure(Case(4.0, 2.0, {"the sum": 4.0, "half": 1.0})).cause == "the sum"


def test_chance_in_one_case_blames_nobody() -> None:
    found = failure(Case(4.0, 2.0, {"the sum": 4.0}), Case(5.0, 3.0, {"the sum": 9.0}))
    assert (found.cause, found.question) == ("", "what do you compute?")


def test_a_mistake_may_do_no_harm_in_a_case() -> None:
    assert failure(Case(3.0, 3.0), Case(4.0, 2.0, {"the sum": 4.0})).cause == "the sum"
    assert failure(Case(3.5, 3.0), Case(4.0, 2.0, {"the sum": 4.0})).cause == ""


@pytest.mark.parametrize(
    ("saw", "want", "cause"),
    [
        (0.33, 1 / 3, ROUNDED),
        ([0.0, 0.7], [0.04, 0.66], ROUNDED),
        (np.float32(1 / 3), 1 / 3, SINGLE),
        ([3.0, np.float32(0.1)], [3.0, 0.1], SINGLE),
        ([np.nan, np.inf, np.float32(0.1)], [np.nan, np.inf, 0.1], SINGLE),
        (100 / 3, 1 / 3, PERCENT),
        (-2.5, 2.5, "the sign: this is the right number with the other sign"),
        ([1.0, 2.0], [2.0, 1.0], "the two are swapped"),
    ],
)
def test_usual_mistakes_need_not_be_listed(saw, want, cause) -> None:
    assert failure(Case(saw, want)).cause == cause


@pytest.mark.parametrize(
    ("saw", "want"), [(0.0, 0.04), (1.0, 0.96), ([0.0, 1.0], [0.3, 0.7]), ([np.inf, 0.5], [np.inf, 0.7071])]
)
def test_a_number_that_rounding_may_give_by_chance_is_not_called_rounded(saw, want) -> None:
    found = failure(Case(saw, want))
    assert (found.cause, found.question) == ("", "what do you compute?")


def test_a_constant_is_named_as_such() -> None:
    assert failure(Case(7.0, 1.0), Case(7.0, 2.0)).cause == FIXED


def test_names_are_compared_as_sets() -> None:
    found = failure(Case({"a"}, {"a", "b"}, {"only the first": {"a"}}))
    assert (found.saw, found.expected, found.cause) == ("['a']", "['a', 'b']", "only the first")


def test_numbers_that_look_equal_get_more_digits() -> None:
    assert told_apart(0.123456789, 0.123456788) == ("0.123456789", "0.123456788", "")
    told = told_apart(np.arange(20.0) + 1e-7 * (np.arange(20) == 7), np.arange(20.0))
    assert told == ("7.0000001", "7", " in place 7, counted from 0")


def test_code_that_raises_after_a_wrong_answer_is_explained_by_that_answer() -> None:
    def cases():
        yield Case(4.0, 2.0, {"the sum": 4.0})
        raise LearnerError("ZeroDivisionError", "")

    with pytest.raises(Fail) as caught:
        explain_all(cases(), "what?")
    assert caught.value.cause == "the sum"


def test_code_that_raises_after_right_answers_raises() -> None:
    def cases():
        yield Case(2.0, 2.0)
        raise LearnerError("ZeroDivisionError", "")

    with pytest.raises(LearnerError):
        explain_all(cases(), "what?")


def test_where_no_cause_is_known_a_question_is_asked() -> None:
    with pytest.raises(ValueError, match="a question is asked"):
        explain(1.0, 2.0, {}, "you did it wrongly")

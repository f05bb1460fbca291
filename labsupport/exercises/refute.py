"""A sentence that the learner refutes: it and its condition stand in one place, the text and the check use both."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from labsupport.exercises.outcomes import Fail


@dataclass(frozen=True)
class Measured:
    """What a condition found for one case: whether the sentence held, and the numbers that say so.

    `question` is asked where it held, and leads on from this case; without one, a general question is. `within_chance`: it
    fails in the mean, but luck can explain the numbers, so it is not refuted.
    """

    held: bool
    numbers: str
    question: str = ""
    within_chance: bool = False


class OutsideRules(Exception):
    """A case that says nothing about the sentence, such as an empty slice; its text says why, in a sentence."""


Condition = Callable[[Any], Measured]


@dataclass(frozen=True)
class Refutable:
    """A plausible sentence that is wrong or too strong; `case` says in words which cases count."""

    sentence: str
    case: str
    condition: Condition


def checker_of(claim: Refutable) -> Callable[[Any], str]:
    """Return the checker that passes when the sentence fails for the learner's case."""

    def refutes(case: Any) -> str:
        try:
            measured = claim.condition(case)
        except OutsideRules as reason:
            asked = "which cases does the task allow?"
            raise Fail(f"a case outside of the rules: {reason}", claim.case, question=asked) from None
        if measured.held:
            if measured.within_chance:
                raise Fail(
                    f"in the mean the sentence fails for your case, but luck can explain it: {measured.numbers}",
                    "a case in which it fails beyond chance: an interval without 0",
                    question=measured.question or "where would the difference be larger, or scatter less?",
                )
            question = measured.question or "under which circumstances would it fail, and which case has them?"
            raise Fail(
                f"the sentence held for your case: {measured.numbers}", "a case in which it fails", question=question
            )
        return f"Refuted: “{claim.sentence}” fails for your case: {measured.numbers}."

    refutes.__doc__ = claim.condition.__doc__
    return refutes


def whole_number(case: Any, low: int, high: int, what: str = "a seed") -> int:
    """Return a case that is a whole number from `low` to `high`; raises OutsideRules for anything else."""
    one = case.item() if isinstance(case, np.generic | np.ndarray) and case.size == 1 else case
    if isinstance(one, bool) or not isinstance(one, int | float) or not float(one).is_integer():
        raise OutsideRules(f"{what} is a whole number from {low} to {high}, this is {_short(case)}")
    if not low <= one <= high:
        raise OutsideRules(f"{what} lies between {low} and {high}, this is {_short(case)}")
    return int(one)


def rows(case: Any, count: int, at_least: int = 1) -> np.ndarray:
    """Return a case that chooses rows, as a mask of shape (count,).

    It may be a slice, a mask, or positions from 0 up. Raises OutsideRules for anything else, for a position that does not
    exist, and for fewer than `at_least` rows.
    """
    chosen = np.zeros(count, dtype=bool)
    try:
        index = case if isinstance(case, slice) else np.asarray(case)
        if not isinstance(index, slice) and (index.ndim != 1 or (index.size and index.dtype.kind not in "biu")):
            raise TypeError
        if not isinstance(index, slice) and index.dtype != bool:
            index = index.astype(int)
            if index.size and index.min() < 0:
                raise IndexError
        chosen[index] = True
    except (TypeError, ValueError, IndexError):
        raise OutsideRules(
            f"rows are chosen by a mask of {count} values, a slice, or positions from 0 to {count - 1}"
        ) from None
    if chosen.sum() < at_least:
        raise OutsideRules(f"at least {at_least} of the {count} rows are needed, these are {chosen.sum()}")
    return chosen


def _short(value: Any, limit: int = 40) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."

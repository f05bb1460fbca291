"""Why an answer is not the right one: the search for the mistake whose numbers it has, or a question where none has them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labsupport.exercises.outcomes import Fail, LearnerError

# Mistakes that any exercise can meet; asked after its own.
ROUNDED = "the number was rounded: return it as it is"
PERCENT = "this is in percent: the answer is a share, between 0 and 1"
SIGN = "the sign: this is the right number with the other sign"
SINGLE = "single precision: `float32` keeps 7 digits, so compute and return plain floats, `float64`"
SWAPPED = "the two are swapped"
FIXED = "the same answer to every question: something stands fixed in your function"

SHOWN = 8  # values; of a longer answer only one is shown
DIGITS = 4


@dataclass(frozen=True)
class Case:
    """One question to an answer: `saw` came, `want` was right, and each mistake in `causes` would give another value.

    Values are numbers, arrays of one shape, or sets of names; dear causes are handed over as a function. `where` says which question it was (" for q = 0.9"), `unit` follows numbers.
    """

    saw: Any
    want: Any
    causes: Mapping[str, Any] | Callable[[], Mapping[str, Any]] = field(default_factory=dict)
    where: str = ""
    unit: str = ""
    rtol: float = 1e-9
    atol: float = 1e-9

    @property
    def is_right(self) -> bool:
        """Whether the answer is the right one, within the tolerances."""
        return self.agrees(self.want)

    def agrees(self, value: Any) -> bool:
        """Tell whether the answer is this value; two missing numbers are equal."""
        if isinstance(self.want, set):
            return bool(self.saw == value)
        saw, other = np.asarray(self.saw, float), np.asarray(value, float)
        return saw.shape == other.shape and np.allclose(saw, other, rtol=self.rtol, atol=self.atol, equal_nan=True)

    def all_causes(self) -> dict[str, Any]:
        """Return the exercise's own mistakes, then those that any exercise can meet."""
        causes = self.causes() if callable(self.causes) else self.causes
        if isinstance(self.want, set):
            return dict(causes)
        want = np.asarray(self.want, float)
        usual: dict[str, Any] = {}
        if want.shape == (2,):
            usual[SWAPPED] = want[::-1]
        usual[SIGN] = -want
        if want.size and np.nanmax(np.abs(want)) <= 1:
            usual[PERCENT] = 100 * want
        if self._is_rounded(want):
            usual[ROUNDED] = self.saw
        if self._is_single(want):
            usual[SINGLE] = self.saw
        return {**causes, **{cause: value for cause, value in usual.items() if cause not in causes}}

    def _is_rounded(self, want: np.ndarray) -> bool:
        rounded = (np.round(want, digits) for digits in range(7))
        # A 0 or a 1 has many causes.
        return any(self.agrees(value) and not np.isin(np.abs(value), (0, 1)).all() for value in rounded)

    def _is_single(self, want: np.ndarray) -> bool:
        saw = np.asarray(self.saw, float)
        # Errors add up, so a small number may be as far off as a large one.
        far = 1e-5 * np.abs(want[np.isfinite(want)]).max(initial=0)
        near = saw.shape == want.shape and np.allclose(saw, want, rtol=1e-5, atol=far, equal_nan=True)
        return near and np.array_equal(saw, saw.astype(np.float32), equal_nan=True)


def explain(
    saw: Any,
    want: Any,
    causes: Mapping[str, Any],
    otherwise: str,
    *,
    where: str = "",
    unit: str = "",
    rtol: float = 1e-9,
    atol: float = 1e-9,
) -> None:
    """Raise Fail unless `saw` is `want`: with the first of `causes` that gives `saw`, else asking the question `otherwise`."""
    explain_all([Case(saw, want, causes, where, unit, rtol, atol)], otherwise)


def explain_all(cases: Iterable[Case], otherwise: str) -> list[Case]:
    """Return the cases if all are right; else raise Fail for the first that is not.

    A mistake is named only if it gives what came in every case that knows it, so that chance in one of them blames nobody;
    a case whose causes lack it is one in which the mistake does no harm. Where no mistake is found, the question `otherwise`
    is asked. `cases` may be a generator that calls the learner's code: when that raises after a wrong answer, the wrong
    answer is explained.
    """
    seen: list[Case] = []
    try:
        for case in cases:
            seen.append(case)
    except (LearnerError, Fail):
        if all(case.is_right for case in seen):
            raise
    if all(case.is_right for case in seen):
        return seen
    at = next(place for place, case in enumerate(seen) if not case.is_right)
    first = seen[at]
    named = [case.all_causes() for case in seen]
    cause = next(
        (
            cause
            for cause in named[at]
            if all(case.agrees(known.get(cause, case.want)) for case, known in zip(seen, named, strict=True))
        ),
        "",
    )
    if not cause and len(seen) > 1 and all(first.agrees(case.saw) for case in seen):
        cause = FIXED
    saw, want, at_place = told_apart(first.saw, first.want)
    saw = f"{saw}{first.unit}{at_place}{first.where}"
    raise Fail(saw, f"{want}{first.unit}", cause, question="" if cause else _asked(otherwise))


def told_apart(saw: Any, want: Any, digits: int = DIGITS) -> tuple[str, str, str]:
    """Return two values as texts with enough digits to differ; of long arrays, the first values that do, and their place."""
    if isinstance(want, set):
        return str(sorted(saw)), str(sorted(want)), ""
    one, other = np.asarray(saw, float), np.asarray(want, float)
    if one.shape != other.shape:
        return _text(one, digits), _text(other, digits), ""
    if one.size > SHOWN:
        differ = ~np.isclose(one, other, rtol=1e-9, atol=1e-9, equal_nan=True)
        at = int(np.argmax(differ.ravel()))
        left, right, _ = told_apart(one.ravel()[at], other.ravel()[at], digits)
        return left, right, f" in place {at}, counted from 0"
    for more in range(digits, 17):
        left, right = _text(one, more), _text(other, more)
        if left != right:
            return left, right, ""
    return _text(one, digits), _text(other, digits), ""


def _text(values: np.ndarray, digits: int) -> str:
    if values.ndim == 0:
        return f"{float(values):.{digits}g}" if abs(values) < 1e4 else f"{float(values):,.{max(digits - 4, 0)}f}"
    return "[" + ", ".join(_text(value, digits) for value in values) + "]"


def _asked(question: str) -> str:
    if not question.endswith("?"):
        raise ValueError(f"where no cause is known, a question is asked; this is none: {question}")
    return question

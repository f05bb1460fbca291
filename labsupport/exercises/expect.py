"""What a checker asks of an answer before it looks at the value: strange answers get a sentence, not a traceback.

Every function returns the answer in a plain form and raises Fail when that can't be done.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail


def function(answer: Any) -> Guarded:
    """Return the answer as a callable."""
    if isinstance(answer, Guarded):
        return answer
    raise Fail(
        f"{_article(answer)}",
        "a function",
        "you called the function, or assigned its result: pass its name without parentheses",
    )


def number(answer: Any, what: str = "the answer") -> float:
    """Return the answer as a float: any real number, a NumPy scalar, or an array, Series or list of one element."""
    if isinstance(answer, Guarded):
        raise Fail(
            f"the function `{answer.name}`",
            f"{what} as a number",
            "the function was not called: add parentheses and its arguments",
        )
    try:
        if isinstance(answer, (str, bytes)):
            # NumPy would read "0.5" as a number; the cells that go on with the answer would not.
            raise TypeError
        values = np.asarray(answer, dtype=float).ravel()
    except (TypeError, ValueError):
        raise Fail(
            f"{_article(answer)}: `{_short(answer)}`", f"{what} as a number", "text or an object where a number belongs"
        ) from None
    if values.size != 1:
        raise Fail(f"{values.size} numbers", f"{what} as one number", "a mean, a sum or an index is missing")
    value = float(values[0])
    if np.isnan(value):
        raise Fail("`nan`", f"{what} as a number", "0 divided by 0, or a missing value in the input")
    return value


def array(answer: Any, shape: tuple[int, ...], what: str = "the answer") -> np.ndarray:
    """Return the answer as a float array of one shape; lists, tuples, Series and frames are welcome."""
    if answer is None:
        raise Fail("`None`", f"{what} as numbers of shape {shape}", "the function has no `return`")
    try:
        values = np.asarray(answer, dtype=float)
    except (TypeError, ValueError):
        raise Fail(
            f"{_article(answer)}: `{_short(answer)}`",
            f"{what} as numbers of shape {shape}",
            "text, or rows of different lengths",
        ) from None
    if values.shape != shape:
        if values.size == np.prod(shape) and values.ndim != len(shape):
            cause = "the right count in another arrangement: look at `.shape`, `.ravel()` and `.reshape()`"
        else:
            cause = "rows were lost or added, or an axis is missing"
        if values.size == 1:
            cause = f"one number came back where {int(np.prod(shape))} are wanted"
        raise Fail(f"shape {values.shape}", f"{what} of shape {shape}", cause)
    return values


def returned_number(call: Callable[[], Any], what: str) -> float:
    """Call the learner's function and return its result as a float; a missing `return` is named as such."""
    result = call()
    if result is None:
        raise Fail("`None`", f"{what} as a number", "the function has no `return`")
    if isinstance(result, (list, tuple)):
        raise Fail(
            f"{_article(result)}: `{_short(result)}`", f"{what} as a number", "return the number itself, not in a list"
        )
    return number(result, what)


def close(saw: float, expected: float, tolerance: float) -> bool:
    """Whether two numbers agree within an absolute tolerance."""
    return abs(saw - expected) <= tolerance


def _article(answer: Any) -> str:
    name = type(answer).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _short(answer: Any, limit: int = 60) -> str:
    text = " ".join(repr(answer).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."

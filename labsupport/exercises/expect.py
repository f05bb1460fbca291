"""What a checker asks of an answer before it looks at the value: strange answers get a sentence, not a traceback.

Every function returns the answer in a plain form and raises Fail when that can't be done.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from labsupport.exercises.explain import Case, explain, explain_all
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail

__all__ = [
    "NO_RETURN",
    "Case",
    "array",
    "close",
    "explain",
    "explain_all",
    "function",
    "names",
    "number",
    "returned",
    "returned_number",
    "truths",
]

# Said of functions that returned None, and of nothing else.
NO_RETURN = "the function has no `return`, or a way through it that ends without one"


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
    wanted = f"{what} as numbers of shape {shape}"
    returned(answer, wanted)
    cause = "a generator is read once only: make a list of it"
    try:
        values = None if isinstance(answer, Iterator) else np.asarray(answer, dtype=float)
    except (TypeError, ValueError):
        values, cause = None, _no_numbers(answer, shape)
    if values is None:
        # Written only here: an exercise may ask a thousand times, and a long array takes its time to write.
        raise Fail(f"{_article(answer)}: `{_short(answer)}`", wanted, cause)
    if values.shape == shape:
        return values
    count = int(np.prod(shape))
    if values.size == 1:
        cause = f"one number came back where {count} are wanted"
    elif values.size == count:
        cause = "the right count in another arrangement: look at `.shape`, `.ravel()` and `.reshape()`"
    elif len(shape) == 1 and values.ndim == 1:
        cause = f"rows were lost or added: {abs(values.size - count)} {'too many' if values.size > count else 'are missing'}"
    else:
        cause = "rows were lost or added, or an axis is missing"
    raise Fail(f"shape {values.shape}", f"{what} of shape {shape}", cause)


def _no_numbers(answer: Any, shape: tuple[int, ...]) -> str:
    """Say what keeps an answer from being numbers of this shape."""
    if isinstance(answer, (list, tuple)):
        for part in answer:
            if isinstance(part, str):
                return "there is a text where a number belongs"
            if np.size(part) > 1 and len(shape) == 1:
                return (
                    f"one of its {len(answer)} parts holds {np.size(part)} values: a mean, a sum or an index is missing"
                )
            if part is None:
                return "there is a `None` where a number belongs"
    if isinstance(answer, (set, frozenset, Mapping)):
        return f"{_article(answer)} has no places: return a list or an array"
    return "a text or an object where numbers belong"


def returned(result: Any, expected: str) -> Any:
    """Return what the learner's function returned; raises Fail for None."""
    if result is None:
        raise Fail("`None`", expected, NO_RETURN)
    return result


def returned_number(call: Callable[[], Any], what: str) -> float:
    """Call the learner's function and return its result as a float; a missing `return` is named as such."""
    result = returned(call(), f"{what} as a number")
    if isinstance(result, (list, tuple)) or (np.ndim(result) > 0 and np.size(result) == 1):
        raise Fail(
            f"{_article(result)}: `{_short(result)}`",
            f"{what} as a number",
            "return the number itself, not in a list or an array",
        )
    return number(result, what)


def names(result: Any) -> set[str]:
    """Return the names that came back, in whatever collection; a text, a truth value and None are no collections."""
    returned(result, "a list of names")
    if isinstance(result, (str, bytes)):
        raise Fail(
            f"the text `{result!r:.40}`", "a list of names", "put the name into a list: there may be several, or none"
        )
    if isinstance(result, (bool, int, float, np.generic)) or not isinstance(result, Iterable):
        raise Fail(_article(result), "a list of names", "return the names, not a number or a truth value")
    found = list(result)
    said = [*found, *(result.values() if isinstance(result, Mapping) else ())]
    if any(isinstance(each, (bool, np.bool_)) for each in said):
        cause = "these say for each one whether it is meant: return the names of those that are"
        raise Fail("truth values", "a list of names", cause)
    return {str(name) for name in found}


def truths(result: Any, count: int, what: str, cause: str = "return the outcome of the comparison") -> np.ndarray:
    """Return `count` truth values as a boolean array; 0 and 1 are welcome, and for other numbers `cause` is said."""
    values = array(result, (count,), what)
    if not np.isin(values, (0.0, 1.0)).all():
        raise Fail(
            f"numbers such as {values[~np.isin(values, (0.0, 1.0))][0]:.4g}",
            what,
            cause,
        )
    return values.astype(bool)


def close(saw: float, expected: float, tolerance: float) -> bool:
    """Whether two numbers agree within an absolute tolerance."""
    return abs(saw - expected) <= tolerance


def _article(answer: Any) -> str:
    name = type(answer).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _short(answer: Any, limit: int = 60) -> str:
    text = " ".join(repr(answer).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."

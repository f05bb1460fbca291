"""Which rows break a contract's columns, and why: whole columns at once, with the verdicts of the row's own model."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labsupport.data.contracts import Column

if TYPE_CHECKING:
    import pandas as pd

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Violation:
    """Rows that break one rule: their positions, the column, and the reason in a few words."""

    column: str
    reason: str
    rows: NDArray[np.intp]


def violations(frame: "pd.DataFrame", columns: Sequence[Column]) -> list[Violation]:
    """Return every rule that a row breaks, of the columns that are there; a row may break several.

    What a value *is* counts, not how the frame stores it: 3.0 is a whole number, because one missing value makes all
    of a column floats; a number written as text is no number.
    """
    return [found for column in columns if column.name in frame for found in _of_column(frame[column.name], column)]


def repeated(frame: "pd.DataFrame", key: Sequence[str]) -> list[Violation]:
    """Return the rows whose key came before: those that repeat the whole row, and those that contradict it."""
    by = list(key)
    again = frame.duplicated(by, keep="first").to_numpy()
    if not again.any():
        return []
    # Only rows that share a key are compared as a whole: few, and never a million.
    sharing = frame.duplicated(by, keep=False).to_numpy()
    same = np.zeros(len(frame), dtype=bool)
    same[np.flatnonzero(sharing)] = frame[sharing].duplicated(keep="first").to_numpy()
    name = " and ".join(by)
    found = [Violation(name, "repeated", np.flatnonzero(again & same))]
    found.append(Violation(name, "contradicts an earlier row", np.flatnonzero(again & ~same)))
    return [violation for violation in found if len(violation.rows)]


def _of_column(values: "pd.Series", column: Column) -> list[Violation]:
    missing = values.isna().to_numpy()
    typed = _is_of_kind(values, column.kind, missing)
    broken = {} if column.nullable else {"missing": missing}
    broken[f"not {column.wanted}" if column.allowed else f"not {_kind(column)}"] = ~missing & ~typed
    judged = ~missing & typed
    if column.allowed:
        broken[f"not {column.wanted}"] = ~missing & ~values.isin(column.allowed).to_numpy()
    if column.low is not None or column.high is not None:
        numbers = np.full(len(values), np.nan)
        numbers[judged] = values.to_numpy()[judged].astype(float)
        if column.low is not None:
            broken[f"{'not above' if column.low_open else 'below'} {column.low:g}"] = judged & (
                numbers <= column.low if column.low_open else numbers < column.low
            )
        if column.high is not None:
            broken[f"{'not below' if column.high_open else 'above'} {column.high:g}"] = judged & (
                numbers >= column.high if column.high_open else numbers > column.high
            )
    if column.pattern:
        fits = np.zeros(len(values), dtype=bool)
        # In JSON schema `$` is the end; in Python it also stands before a last line break.
        whole = re.sub(r"(?<!\\)\$$", r"\\Z", column.pattern)
        fits[judged] = values[judged].astype(object).str.contains(whole, regex=True).to_numpy(dtype=bool)
        broken[f"not like {column.pattern}"] = judged & ~fits
    return [Violation(column.name, reason, np.flatnonzero(mask)) for reason, mask in broken.items() if mask.any()]


def _kind(column: Column) -> str:
    from labsupport.data.contracts import KINDS

    return KINDS[column.kind]


def _is_of_kind(values: "pd.Series", kind: str, missing: Mask) -> Mask:
    """Return which values are of a kind; a missing one is of every kind."""
    import pandas as pd

    everywhere = np.ones(len(values), dtype=bool)
    api = pd.api.types
    if api.is_bool_dtype(values):
        return everywhere if kind == "boolean" else missing
    if api.is_datetime64_any_dtype(values):
        return everywhere if kind == "time" else missing
    if api.is_integer_dtype(values):
        return everywhere if kind in ("integer", "number") else missing
    if api.is_float_dtype(values):
        numbers = values.to_numpy(dtype=float)
        fits = np.isfinite(numbers) if kind in ("integer", "number") else ~everywhere
        if kind == "integer":
            fits &= np.floor(numbers) == numbers
        either: Mask = missing | fits
        return either
    if isinstance(values.dtype, pd.StringDtype):
        return everywhere if kind == "string" else missing
    if kind == "string" and api.infer_dtype(values, skipna=True) == "string":
        return everywhere
    one_by_one: Mask = np.fromiter((_is(value, kind) for value in values.to_numpy(dtype=object)), bool, len(values))
    return missing | one_by_one


def _is(value: Any, kind: str) -> bool:
    import datetime

    flag = isinstance(value, bool | np.bool_)
    if kind == "boolean":
        return flag
    if kind == "string":
        return isinstance(value, str)
    if kind == "time":
        return isinstance(value, datetime.datetime | np.datetime64)
    if flag or not isinstance(value, int | float | np.integer | np.floating) or not np.isfinite(value):
        return False
    return kind == "number" or float(value).is_integer()

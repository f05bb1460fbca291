"""What a call did to its arguments: copies to call with, and the first difference between before and after."""

import copy
import dataclasses
import inspect
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any

import numpy as np

Arguments = tuple[tuple[Any, ...], dict[str, Any]]

# Compared by `==`; a Timestamp and NaT are dates, a Timedelta is a timedelta.
_SINGLE = bool | int | float | complex | str | bytes | np.generic | None | date | time | timedelta | Decimal | PurePath


def copies(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """Return deep copies of a call's arguments; what can't be copied (a generator, an open file) is passed on itself."""
    try:
        # In one go, so that two arguments which are one object stay one.
        return copy.deepcopy((args, kwargs))
    except Exception:  # each type refuses in its own way
        return tuple(map(_copy, args)), {name: _copy(value) for name, value in kwargs.items()}


def first_change(function: Callable[..., Any], before: Arguments, after: Arguments) -> tuple[str, str] | None:
    """Return the name of the first argument that a call changed and what changed in it, or None.

    Values are compared: numbers, texts, dates, lists, dictionaries, sets, arrays, frames, dataclasses. What has a life
    of its own (a random generator, a client, an open file, any other object) may move on.
    """
    pairs = zip([*before[0], *before[1].values()], [*after[0], *after[1].values()], strict=True)
    for position, (one, other) in enumerate(pairs):
        if one is not other and difference(one, other, "it"):
            name = _names(function, before)[position]
            return name, str(difference(one, other, name))
    return None


def difference(before: Any, after: Any, name: str) -> str | None:
    """Return the first difference between a value and its changed copy in words, with `name` for the value, or None."""
    return _Comparison().find(before, after, name)


class _Comparison:
    """One comparison; it remembers which pairs it is inside of, for lists that hold themselves."""

    def __init__(self) -> None:
        self.open: set[tuple[int, int]] = set()

    def find(self, before: Any, after: Any, name: str) -> str | None:
        pair = (id(before), id(after))
        if before is after or pair in self.open:
            return None
        self.open.add(pair)
        try:
            return self._find(before, after, name)
        finally:
            self.open.discard(pair)

    def _find(self, before: Any, after: Any, name: str) -> str | None:
        if isinstance(before, _SINGLE):
            same = type(before) is type(after) and (before == after or (before != before and after != after))
            return None if same else _words(name, before, after)
        kind = type(before).__module__.partition(".")[0]
        is_data = isinstance(before, np.ndarray | Mapping | list | tuple | deque) or dataclasses.is_dataclass(before)
        if (is_data or kind == "pandas") and type(before) is not type(after):
            return _words(name, before, after)
        if isinstance(before, np.ndarray):
            return self._in_array(before, after, name)
        if kind == "pandas":
            return self._in_pandas(before, after, name)
        if isinstance(before, Mapping):
            return self._in_mapping(before, after, name)
        if isinstance(before, list | tuple | deque):
            return self._in_sequence(before, after, name)
        if dataclasses.is_dataclass(before) and not isinstance(before, type):
            return self._in_fields(before, after, name)
        if isinstance(before, set | frozenset | bytearray) or kind == "array":
            return None if before == after else _words(name, before, after)
        return None

    def _in_sequence(self, before: Any, after: Any, name: str) -> str | None:
        if _equal(before, after):
            return None
        if len(before) != len(after):
            return f"`{name}` had {len(before)} elements and has {len(after)}"
        parts = (self.find(a, b, f"{name}[{i}]") for i, (a, b) in enumerate(zip(before, after, strict=True)))
        return next(filter(None, parts), None)

    def _in_mapping(self, before: Any, after: Any, name: str) -> str | None:
        if _equal(before, after):
            return None
        if lost := [key for key in before if key not in after]:
            return f"`{name}` has lost `{lost[0]!r}`"
        for key in after:
            if key not in before and not _was_only_read(before, after, key):
                return f"`{name}` has got `{key!r}`"
        return next(filter(None, (self.find(before[key], after[key], f"{name}[{key!r}]") for key in before)), None)

    def _in_fields(self, before: Any, after: Any, name: str) -> str | None:
        names = [field.name for field in dataclasses.fields(before)]
        parts = (
            self.find(getattr(before, field, None), getattr(after, field, None), f"{name}.{field}") for field in names
        )
        return next(filter(None, parts), None)

    def _in_array(self, before: np.ndarray, after: np.ndarray, name: str) -> str | None:
        if before.shape != after.shape:
            return f"`{name}` had the shape {before.shape} and has {after.shape}"
        if before.dtype != after.dtype:
            return f"`{name}` had the type {before.dtype} and has {after.dtype}"
        if isinstance(before, np.ma.MaskedArray):
            masks = self.find(np.ma.getmaskarray(before), np.ma.getmaskarray(after), f"{name}.mask")
            return masks or self.find(np.ma.getdata(before), np.ma.getdata(after), name)
        if before.dtype.names:
            return next(
                filter(None, (self.find(before[f], after[f], f"{name}[{f!r}]") for f in before.dtype.names)), None
            )
        if before.dtype == object:
            cells = (self.find(before[at], after[at], _place(name, at)) for at in np.ndindex(before.shape))
            return next(filter(None, cells), None)
        # Bytes, so that NaN is what it was.
        if before.tobytes() == after.tobytes():
            return None
        for at in np.ndindex(before.shape):
            if before[at].tobytes() != after[at].tobytes():
                return _words(_place(name, at), before[at], after[at])
        return None

    def _in_pandas(self, before: Any, after: Any, name: str) -> str | None:
        import pandas as pd

        if isinstance(before, pd.DataFrame):
            if not _same_labels(before.columns, after.columns):
                return f"`{name}` had the columns {_short(list(before.columns))} and has {_short(list(after.columns))}"
            if not _same_labels(before.index, after.index):
                return f"the index of `{name}` changed"
            columns = range(before.shape[1])
            found = (self.find(before.iloc[:, i], after.iloc[:, i], f"{name}[{before.columns[i]!r}]") for i in columns)
            return next(filter(None, found), None)
        if isinstance(before, pd.Series):
            if not _same_labels(before.index, after.index) or before.name != after.name:
                return f"the {'name' if before.name != after.name else 'index'} of `{name}` changed"
            if before.dtype != after.dtype:
                return f"`{name}` had the type {before.dtype} and has {after.dtype}"
            if before.equals(after):
                return None
            cells = (self.find(a, b, f"{name}.iloc[{i}]") for i, (a, b) in enumerate(zip(before, after, strict=True)))
            return next(filter(None, cells), None if before.dtype == object else f"`{name}` changed")
        if isinstance(before, pd.Index):
            return None if _same_labels(before, after) else f"`{name}` changed"
        if isinstance(before, pd.Period | pd.Interval):
            return None if before == after else _words(name, before, after)
        return None


def _copy(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except Exception:  # as above
        return value


def _names(function: Callable[..., Any], given: Arguments) -> list[str]:
    """Return what the function itself calls its arguments, in the order in which they were given."""
    args, kwargs = given
    names = [f"argument {i + 1}" for i in range(len(args))]
    try:
        parameters: Iterable[inspect.Parameter] = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a builtin without a signature
        parameters = ()
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
    for i in range(len(args)):
        if i < len(places) and places[i].kind is not inspect.Parameter.VAR_POSITIONAL:
            names[i] = places[i].name
        elif places and places[-1].kind is inspect.Parameter.VAR_POSITIONAL:
            names[i] = f"{places[-1].name}[{i - len(places) + 1}]"
    return [*names, *kwargs]


def _equal(before: Any, after: Any) -> bool:
    """Whether two containers are equal for Python, at Python's speed; False where that can't be asked."""
    try:
        return bool(before == after)
    except Exception:  # arrays and frames have no single answer
        return False


def _was_only_read(before: Any, after: Any, key: Any) -> bool:
    """Whether a defaultdict has got a key only because somebody looked it up."""
    return (
        isinstance(before, defaultdict)
        and before.default_factory is not None
        and after[key] == before.default_factory()
    )


def _same_labels(before: Any, after: Any) -> bool:
    return bool(before.equals(after) and before.dtype == after.dtype and list(before.names) == list(after.names))


def _place(name: str, at: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, at))}]" if at else name


def _words(name: str, before: Any, after: Any) -> str:
    return f"`{name}` was `{_short(before)}` and is `{_short(after)}`"


def _short(value: Any, limit: int = 60) -> str:
    text = " ".join(repr(value.item() if isinstance(value, np.generic) else value).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."

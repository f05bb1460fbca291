"""Joins in time: what was known when the question was asked, and the naive join that answers with what is known now."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd

IntArray = NDArray[np.int64]


def last_known(
    asked_at: ArrayLike,
    known_at: ArrayLike,
    asked_of: ArrayLike | None = None,
    known_of: ArrayLike | None = None,
    *,
    max_age: Any = None,
) -> IntArray:
    """Return, for each question, the position of the last row known at or before it; -1 where there is none.

    `asked_at` (n,) and `known_at` (m,): times (both with or both without a time zone) or numbers, in any order;
    `asked_of` (n,) and `known_of` (m,): whole numbers from 0 that say which entity a question or row belongs to (one
    for all if not given, -1 for none); `max_age`: rows older than this are not used. Of rows known at the same time the later in
    the table wins. The same answer as `pandas.merge_asof`; n log m steps. Raises ValueError for missing times, and where
    only one side has a time zone.
    """
    asked, known = _numbers(asked_at, "asked_at"), _numbers(known_at, "known_at")
    if not len(known):
        return np.full(len(asked), -1)
    if (asked.dtype.kind == "M") != (known.dtype.kind == "M"):
        raise ValueError("asked_at and known_at are both times or both numbers; got one of each")
    if _in_zone(asked_at) != _in_zone(known_at):
        raise ValueError(
            "asked_at and known_at both have a time zone or both have none: tz_localize gives one, or takes it"
        )
    of_asked = np.zeros(len(asked), np.int64) if asked_of is None else np.asarray(asked_of, np.int64)
    of_known = np.zeros(len(known), np.int64) if known_of is None else np.asarray(known_of, np.int64)
    if len(of_asked) != len(asked) or len(of_known) != len(known):
        raise ValueError("each time needs its entity: asked_of is as long as asked_at, known_of as long as known_at")

    # Times become ranks, so that entity and time fit into one whole number which is sorted and searched once.
    times, rank = np.unique(known, return_inverse=True)
    stride = len(times) + 1
    key = of_known * stride + rank
    order = np.argsort(key, kind="stable")
    wanted = of_asked * stride + np.searchsorted(times, asked, side="right") - 1
    found = np.searchsorted(key[order], wanted, side="right") - 1
    row = order[np.maximum(found, 0)]
    right = (found >= 0) & (of_known[row] == of_asked) & (of_asked >= 0)
    if max_age is not None:
        right &= asked - known[row] <= _span(max_age, known.dtype.kind)
    return np.where(right, row, -1)


def point_in_time_join(
    asked: "pd.DataFrame",
    table: "pd.DataFrame",
    by: str | list[str],
    *,
    asked_at: str = "asked_at",
    known_at: str = "known_at",
    max_age: Any = None,
) -> "pd.DataFrame":
    """Return `asked` (n rows, same order and index) with the columns of the row of `table` that was known by then.

    `by`: the column or columns that name the entity; `max_age`: a time span such as "2h" after which a row is too old
    to be used. A question without such a row keeps its place, with missing values. Raises ValueError for a column that
    is not there or stands in both frames, and as `last_known` does.
    """
    import pandas as pd

    keys = [by] if isinstance(by, str) else list(by)
    new = _new_columns(asked, table, keys, asked_at, known_at)
    of_asked, of_known = _entities(asked, table, keys)
    span = None if max_age is None else (pd.Timedelta(max_age) if isinstance(max_age, str) else max_age)
    row = last_known(asked[asked_at], table[known_at], of_asked, of_known, max_age=span)
    return _with_rows(asked, table[new], row)


def latest_value_join(
    asked: "pd.DataFrame", table: "pd.DataFrame", by: str | list[str], *, known_at: str = "known_at"
) -> "pd.DataFrame":
    """Return `asked` (n rows, same order and index) with the newest row of each entity, whenever it was written.

    It is the join that leaks: what a table gives whose rows are overwritten. It is here to be measured against
    `point_in_time_join`, and raises as that does.
    """
    keys = [by] if isinstance(by, str) else list(by)
    new = _new_columns(asked, table, keys, None, known_at)
    of_asked, of_known = _entities(asked, table, keys)
    written = table[known_at].reset_index(drop=True)
    row = last_known(np.full(len(asked), len(table)), written.rank(method="first"), of_asked, of_known)
    return _with_rows(asked, table[new], row)


def _new_columns(
    asked: "pd.DataFrame", table: "pd.DataFrame", keys: list[str], asked_at: str | None, known_at: str
) -> list[str]:
    for name, frame, columns in (("asked", asked, [*keys, asked_at]), ("table", table, [*keys, known_at])):
        missing = [column for column in columns if column is not None and column not in frame]
        if missing:
            raise ValueError(f"{name} has no column {', '.join(missing)}; it has {', '.join(map(str, frame.columns))}")
    new = [column for column in table.columns if column not in keys]
    twice = [column for column in new if column in asked]
    if twice:
        raise ValueError(f"{', '.join(twice)} stands in both frames: rename or drop it in one of them")
    return new


def _entities(asked: "pd.DataFrame", table: "pd.DataFrame", keys: list[str]) -> tuple[IntArray, IntArray]:
    """Return a number for the entity of each row of `asked` and of `table`; -1 where a part of its key is missing."""
    import pandas as pd

    both = pd.concat([table[keys], asked[keys]], ignore_index=True)
    number = both.groupby(keys, sort=False, observed=True).ngroup().fillna(-1)
    numbers: IntArray = np.asarray(number, dtype=np.int64)
    return numbers[len(table) :], numbers[: len(table)]


def _with_rows(asked: "pd.DataFrame", columns: "pd.DataFrame", row: IntArray) -> "pd.DataFrame":
    import pandas as pd

    taken = columns.reset_index(drop=True).reindex(row).set_axis(asked.index)
    return pd.concat([asked, taken], axis=1)


def _in_zone(values: Any) -> bool:
    import pandas as pd

    return getattr(pd.Index(values), "tz", None) is not None


def _numbers(values: Any, name: str) -> NDArray[Any]:
    import pandas as pd

    column = pd.Index(values)
    missing = int(column.isna().sum())
    if missing:
        raise ValueError(f"{name} has {missing} missing times: drop these rows, or say when they were")
    if isinstance(column, pd.DatetimeIndex) and column.tz is not None:
        column = column.tz_convert(None)  # to UTC
    array: NDArray[Any] = column.to_numpy()
    if array.dtype.kind == "M":
        array = array.astype("datetime64[ns]")
        return array
    if array.dtype.kind in "iuf" or not len(array):
        return array
    raise ValueError(f"{name} holds times or numbers; got {column.dtype}")


def _span(max_age: Any, kind: str) -> Any:
    import pandas as pd

    return pd.Timedelta(max_age).to_timedelta64() if kind == "M" else max_age

"""Ways in which data goes bad, each a pure function with a dose: a share of the rows, from 0 (nothing) to 1.

Every function returns something new and leaves what it was given alone. Of `n` rows exactly `round(share * n)` are damaged,
and with the same seed a higher dose damages the same rows and more, so that a curve over the doses compares like with like.
A share outside of 0 to 1 raises ValueError.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd


def chosen(candidates: ArrayLike, share: float, seed: int) -> NDArray[np.bool_]:
    """Return a mask (n,) of the rows that a damage meets: `share` of those that `candidates` (n,) marks."""
    if not 0 <= share <= 1:
        raise ValueError(f"a dose is a share of the rows, from 0 to 1; got {share}")
    open_to = np.flatnonzero(np.asarray(candidates, dtype=bool))
    met = np.zeros(len(np.asarray(candidates)), dtype=bool)
    met[np.random.default_rng(seed).permutation(open_to)[: round(share * len(open_to))]] = True
    return met


def wrong_labels(labels: ArrayLike, share: float | Mapping[Any, float], seed: int) -> NDArray[Any]:
    """Give some rows the label of another class, drawn evenly from the other classes; returns labels (n,).

    `share` is that of all rows, or one share for each class that is hit: `{True: 0.3}` turns three in ten of the True.
    Raises ValueError for a class that no row has, and for labels of one class only.
    """
    given = np.asarray(labels)
    classes, index = np.unique(given, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"a wrong label needs another class to point at; these labels have {len(classes)} class")
    met = np.zeros(len(given), dtype=bool)
    if isinstance(share, Mapping):
        for name, of_class in share.items():
            if name not in classes:
                raise ValueError(f"no row has the label {name!r}; the labels are {', '.join(map(str, classes))}")
            met |= chosen(given == name, of_class, seed)
    else:
        met = chosen(np.ones(len(given), dtype=bool), share, seed)
    # Drawn for all rows, so that a row gets the same wrong label at every dose.
    step = np.random.default_rng([seed, 1]).integers(1, len(classes), len(given))
    return np.where(met, classes[(index + step) % len(classes)], given)


def missing_at_random(rows: "pd.DataFrame", column: str, share: float, seed: int) -> "pd.DataFrame":
    """Lose a column's value in some rows, whatever it is: a scrape that failed."""
    return _without_value(rows, column, chosen(np.ones(len(rows), dtype=bool), share, seed))


def missing_low_values(rows: "pd.DataFrame", column: str, share: float) -> "pd.DataFrame":
    """Lose a column's value in the rows where it is lowest: what is embarrassing is not reported. Not at random."""
    if not 0 <= share <= 1:
        raise ValueError(f"a dose is a share of the rows, from 0 to 1; got {share}")
    lowest = np.argsort(rows[column].to_numpy(dtype=float), kind="stable")[: round(share * len(rows))]
    met = np.zeros(len(rows), dtype=bool)
    met[lowest] = True
    return _without_value(rows, column, met)


def mixed_units(rows: "pd.DataFrame", column: str, factor: float, share: float, seed: int) -> "pd.DataFrame":
    """Write some rows' value in another unit: seconds among milliseconds, percent among shares."""
    met = chosen(np.ones(len(rows), dtype=bool), share, seed)
    return rows.assign(**{column: np.where(met, rows[column] * factor, rows[column])})


def repeated_rows(rows: "pd.DataFrame", share: float, seed: int) -> "pd.DataFrame":
    """Deliver some rows twice, the second time at the end: a retry without an idempotency key. Every index stays unique."""
    again = rows[chosen(np.ones(len(rows), dtype=bool), share, seed)]
    import pandas as pd

    return pd.concat([rows, again], ignore_index=True)


def without_slice(rows: "pd.DataFrame", inside: ArrayLike, share: float, seed: int) -> "pd.DataFrame":
    """Leave out some rows of a slice, `inside` (n,): the exporter of one region, or of the night, was down."""
    return rows[~chosen(inside, share, seed)]


def older_labels(labels: ArrayLike, then: ArrayLike, share: float) -> NDArray[Any]:
    """Give the first rows the labels (n,) that they had `then`, before the world changed: a window that reaches back too far.

    Rows are in order of time; `share` of them lie before the change.
    """
    now, before = np.asarray(labels), np.asarray(then)
    if now.shape != before.shape:
        raise ValueError(f"each row has one label now and one then; got shapes {now.shape} and {before.shape}")
    if not 0 <= share <= 1:
        raise ValueError(f"a dose is a share of the rows, from 0 to 1; got {share}")
    return np.where(np.arange(len(now)) < round(share * len(now)), before, now)


def leaked(column: ArrayLike, labels: ArrayLike, share: float, seed: int, *, value: float = 1.0) -> NDArray[np.float64]:
    """Write `value` into a column (n,) where the label (n,) is true, in some of those rows: filled in after the fact."""
    event = np.asarray(labels, dtype=bool)
    return np.where(chosen(event, share, seed), value, np.asarray(column, dtype=float))


def _without_value(rows: "pd.DataFrame", column: str, met: NDArray[np.bool_]) -> "pd.DataFrame":
    if column not in rows:
        raise ValueError(f"there is no column {column!r}; the columns are {', '.join(map(str, rows.columns))}")
    # where() keeps text text and makes whole numbers floats, which is how pandas says that one is missing.
    return rows.assign(**{column: rows[column].where(~met)})

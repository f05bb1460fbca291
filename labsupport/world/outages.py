"""From slow minutes to outages: which runs of minutes count, what is coming, and what is not over yet."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def in_a_row(flags: ArrayLike, minutes: int) -> NDArray[np.bool_]:
    """Keep the runs of flagged minutes that last at least `minutes`, drop the shorter ones: (n,) to (n,).

    Raises ValueError for fewer than 1 minute.
    """
    if minutes < 1:
        raise ValueError(f"an outage takes at least 1 minute in a row; got {minutes}")
    starts, ends = runs(flags)
    kept = np.zeros(len(np.asarray(flags)), dtype=bool)
    for start, end in zip(starts, ends, strict=True):
        kept[start:end] = end - start >= minutes
    return kept


def runs(flags: ArrayLike) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where each run of flagged minutes starts, and where it has ended: two arrays (runs,)."""
    edges = np.diff(np.concatenate([[0], np.asarray(flags, dtype=np.int8), [0]]))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def within_next(flags: ArrayLike, minutes: int) -> NDArray[np.bool_]:
    """Tell for each minute whether one of the following `minutes` is flagged; it does not count itself."""
    counted = _counted(flags)
    here = np.arange(1, len(counted))
    return counted[np.minimum(here + minutes, len(counted) - 1)] > counted[here]


def within_last(flags: ArrayLike, minutes: int) -> NDArray[np.bool_]:
    """Tell for each minute whether it, or one of the `minutes` before it, is flagged."""
    counted = _counted(flags)
    here = np.arange(1, len(counted))
    return counted[here] > counted[np.maximum(here - 1 - minutes, 0)]


def _counted(flags: ArrayLike) -> NDArray[np.int64]:
    # How many minutes were flagged before each one, and after the last.
    return np.concatenate([[0], np.cumsum(np.asarray(flags, dtype=np.int64))])

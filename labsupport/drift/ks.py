"""The Kolmogorov-Smirnov test: the widest gap between two cumulative shares, so it sees any change of one column."""

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import FloatArray


def p_values(reference: ArrayLike, windows: ArrayLike) -> FloatArray:
    """Return the p-value of each window (w,), from one reference (m,) and windows (w, n).

    It is the limit for many rows, a little too careful for few and for ties. A missing value counts as larger than all others, so
    more missing values than in the reference are a difference, too. Source: Smirnov 1948.
    """
    from scipy.special import kolmogorov

    known, rows = np.sort(np.asarray(reference, dtype=float)), np.sort(np.asarray(windows, dtype=float), axis=-1)
    m, n = len(known), rows.shape[-1]
    # Rows of equal value jump together: the gap counts after the last of them, and before the first.
    last = np.concatenate([rows[:, 1:] != rows[:, :-1], np.ones((len(rows), 1), bool)], axis=1)
    first = np.concatenate([np.ones((len(rows), 1), bool), rows[:, 1:] != rows[:, :-1]], axis=1)
    above = np.arange(1, n + 1) / n - np.searchsorted(known, rows, "right") / m
    below = np.searchsorted(known, rows, "left") / m - np.arange(n) / n
    gap = np.maximum(np.where(last, above, 0).max(axis=1), np.where(first, below, 0).max(axis=1))
    return np.asarray(kolmogorov(np.sqrt(m * n / (m + n)) * gap), dtype=float)

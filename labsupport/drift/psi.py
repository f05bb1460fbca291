"""The population stability index: how far the shares of ten bins have moved; a size, not a probability."""

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import FloatArray


def psi(reference: ArrayLike, windows: ArrayLike, bins: int = 10) -> FloatArray:
    """Return the index of each window (w,), from one reference (m,) and windows (w, n).

    The bins hold equal shares of the reference; half a row is added to each, so that an empty one has a logarithm.
    The folklore calls above 0.1 a change and above 0.2 a large one, whatever n is. Raises ValueError for a missing value,
    which has no bin. Source: Siddiqi 2006, Credit Risk Scorecards.
    """
    known, rows = np.asarray(reference, dtype=float), np.asarray(windows, dtype=float)
    if np.isnan(known).any() or np.isnan(rows).any():
        raise ValueError("a missing value has no bin: watch the share of missing values as a column of its own")
    edges = np.unique(np.quantile(known, np.arange(1, bins) / bins))
    count = len(edges) + 1

    def shares(values: FloatArray) -> FloatArray:
        place = np.searchsorted(edges, values, side="right")
        found = np.stack([(place == one).sum(axis=-1) for one in range(count)], axis=-1) + 0.5
        return np.asarray(found / found.sum(axis=-1, keepdims=True), dtype=float)

    before, now = shares(known), shares(rows)
    return np.asarray(((now - before) * np.log(now / before)).sum(axis=-1), dtype=float)

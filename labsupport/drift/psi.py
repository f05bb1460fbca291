"""The population stability index: how far the shares of ten bins have moved; a size, not a probability."""

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import FloatArray


def psi(reference: ArrayLike, windows: ArrayLike, bins: int = 10) -> FloatArray:
    """Return the index of each window (w,), from one reference (m,) and windows (w, n).

    The bins hold equal shares of the reference, as far as equal values allow: a value that fills a bin shares it with no larger
    one of the reference. Half a row is added to each bin, so that an empty one has a logarithm.
    The folklore calls above 0.1 a change and above 0.2 a large one, whatever n is. Raises ValueError for a missing value,
    which has no bin. Source: Siddiqi 2006, Credit Risk Scorecards.
    """
    known, rows = np.asarray(reference, dtype=float), np.asarray(windows, dtype=float)
    if np.isnan(known).any() or np.isnan(rows).any():
        raise ValueError("a missing value has no bin: watch the share of missing values as a column of its own")
    ordered = np.sort(known)
    cuts = np.quantile(ordered, np.arange(1, bins) / bins)
    # Whatever lies between two equal cuts has their value; the next bin begins at the next larger value.
    full = cuts[1:][np.diff(cuts) == 0]
    larger = np.append(ordered, np.nextafter(ordered[-1], np.inf))[np.searchsorted(ordered, full, side="right")]
    edges = np.unique(np.append(cuts, larger))
    count = len(edges) + 1

    def shares(values: FloatArray) -> FloatArray:
        place = np.searchsorted(edges, values, side="right")
        found = np.stack([(place == one).sum(axis=-1) for one in range(count)], axis=-1) + 0.5
        return np.asarray(found / found.sum(axis=-1, keepdims=True), dtype=float)

    before, now = shares(known), shares(rows)
    return np.asarray(((now - before) * np.log(now / before)).sum(axis=-1), dtype=float)

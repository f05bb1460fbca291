"""Conformal ranks: where each row stands among all rows before it. While nothing changes they are plain luck."""

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import FloatArray


def conformal_ranks(reference: ArrayLike, windows: ArrayLike, seed: int = 0) -> FloatArray:
    """Return the rank of each row (w, n), a number from 0 to 1, among the reference (m,) AND all earlier rows of `windows` (w, n).

    As long as the rows are exchangeable (any order was as likely), the ranks are independent and uniform, whatever the
    column's distribution is. Among the reference alone they would not be: its luck would stay. Ties are broken by lot.
    Raises ValueError for a missing value, which has no rank. Source: Vovk et al. 2005, Algorithmic Learning in a Random World, chapter 8.
    """
    known, rows = np.sort(np.asarray(reference, dtype=float)), np.asarray(windows, dtype=float)
    if np.isnan(known).any() or np.isnan(rows).any():
        raise ValueError("a missing value has no rank: watch the share of missing values as a column of its own")
    lot = np.random.default_rng(seed).random(rows.shape)
    ranks = np.empty(rows.shape)
    earlier = np.tril(np.ones((rows.shape[1], rows.shape[1]), dtype=bool), -1)
    for number, row in enumerate(rows):
        below = np.searchsorted(known, row, "left")
        equal = np.searchsorted(known, row, "right") - below
        below = below + ((row < row[:, None]) & earlier).sum(axis=1)
        equal = equal + ((row == row[:, None]) & earlier).sum(axis=1)
        among = len(known) + np.arange(len(row)) + 1
        ranks[number] = (below + lot[number] * (equal + 1)) / among
        known = np.concatenate([known, row])
        known.sort(kind="stable")
    return ranks

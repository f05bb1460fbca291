"""A sequential detector whose false alarms are bounded however often one looks: bets against "nothing has changed".

Each bet wagers on where ranks would gather after a change. Its stake multiplies by the bet's value for each rank; while
ranks are luck, the stake stays 1 on average. A change may come at any window, so a new stake of 1 starts with each.
Source: Shin, Ramdas and Rinaldo 2024, "E-detectors"; Vovk et al. 2021, "Retrain or not retrain".
"""

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import FloatArray

NAMES = ("higher", "lower", "much higher", "much lower", "wider", "narrower")
HIGHEST = 1e200


def evidence(ranks: ArrayLike) -> FloatArray:
    """Return by which each bet multiplies its stake in each window (w, bets), from conformal ranks (w, n)."""
    r = np.asarray(ranks, dtype=float)
    slope, bowl = 2 * r - 1, 6 * r * r - 6 * r + 1
    # Each is positive and has the mean 1 over ranks from 0 to 1: a fair bet.
    bets = (1 + 0.5 * slope, 1 - 0.5 * slope, 1 + 0.9 * slope, 1 - 0.9 * slope, 1 + 0.9 * bowl, 1 - 0.45 * bowl)
    return np.stack([bet.prod(axis=-1) for bet in bets], axis=-1)


def statistic(evidence: ArrayLike) -> FloatArray:
    """Return the detector's height after each window (w,), from the evidence (w, bets): mean over bets of all stakes.

    A bet's stakes together are (stakes before + 1) x evidence. While nothing changes, the mean after w windows is w.
    """
    factors = np.asarray(evidence, dtype=float)
    stakes, heights = np.zeros(factors.shape[1:]), np.empty(len(factors))
    for number, factor in enumerate(factors):
        # Far above any limit nothing is left to tell; beyond 1e300 there are no numbers.
        stakes = np.minimum((stakes + 1) * factor, HIGHEST)
        heights[number] = stakes.mean()
    return heights


def sure_limit(windows: int, level: float, columns: int = 1) -> float:
    """Return the height that a healthy stream reaches within `windows` with a probability of at most `level`.

    The mean height at the end is `windows`, so `windows / level` is reached by a share of at most `level` (Doob's
    inequality). `columns`: how many are watched; they share the level.
    """
    if not (windows >= 1 and 0 < level < 1 and columns >= 1):
        raise ValueError(
            f"windows and columns are 1 or more, level lies between 0 and 1; got {windows}, {columns}, {level}"
        )
    return windows * columns / level


def simulated_limit(windows: int, level: float, rows: int, *, runs: int = 4_000, seed: int = 0) -> float:
    """Return the height that a share `level` of `runs` healthy streams reaches: ranks are uniform, so it can be simulated."""
    rng = np.random.default_rng(seed)
    stakes, highest = np.zeros((runs, len(NAMES))), np.zeros(runs)
    for _ in range(windows):
        stakes = (stakes + 1) * evidence(rng.random((runs, rows)))
        highest = np.maximum(highest, stakes.mean(axis=1))
    return float(np.quantile(highest, 1 - level, method="higher"))


def first_alarm(heights: ArrayLike, limit: float) -> int | None:
    """Return the first window, from 0, after which the height is at the limit or above; None without one."""
    reached = np.flatnonzero(np.asarray(heights, dtype=float) >= limit)
    return int(reached[0]) if len(reached) else None

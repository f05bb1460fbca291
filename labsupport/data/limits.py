"""Limits for a number of each day, and what they cost: good days that are stopped, bad days that pass."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from labsupport.data import damage
from labsupport.data.deploy_contract import deliveries

if TYPE_CHECKING:
    import pandas as pd

STOPPED, PASSED = 200, 2_000
HISTORY, UNSEEN = 40, 100


def coverage_days(seed: int) -> "tuple[pd.Series, pd.Series, NDArray[np.bool_]]":
    """Return the mean coverage of 40 past days and of 100 unseen ones, and which of the unseen days (100,) are spoilt.

    Past days are as they came: on one some rows were in percent, on one a team had sent zeros. Of the unseen ones six are
    spoilt: the lowest coverages were left out, or a team's tests did not all run.
    """
    import pandas as pd

    days = deliveries(HISTORY + UNSEEN, seed=1_000 + seed)
    rng = np.random.default_rng([seed, 41])
    odd = rng.choice(HISTORY, 2, replace=False)
    days[odd[0]] = damage.mixed_units(days[odd[0]], "coverage", 100, 0.02, seed)
    days[odd[1]] = _scaled(days[odd[1]], 0.0)
    spoilt = np.zeros(UNSEEN, dtype=bool)
    hit = rng.choice(UNSEEN, 6, replace=False)
    spoilt[hit] = True
    for number, at in enumerate(hit):
        day = days[HISTORY + at]
        low = number % 2 == 0
        days[HISTORY + at] = damage.missing_low_values(day, "coverage", 0.3) if low else _scaled(day, 0.75)
    means = pd.Series([float(day["coverage"].mean()) for day in days])
    return means[:HISTORY], means[HISTORY:].reset_index(drop=True), spoilt


def bill_of_limits(limits: tuple[float, float], unseen: "pd.Series", spoilt: NDArray[np.bool_]) -> float:
    """Return the euros that limits (low, high) cost on days (n,): each day outside of them is stopped."""
    low, high = limits
    stopped = ~unseen.between(low, high).to_numpy()
    return float(STOPPED * (stopped & ~spoilt).sum() + PASSED * (~stopped & spoilt).sum())


def _scaled(day: "pd.DataFrame", factor: float) -> "pd.DataFrame":
    coverage = day["coverage"].where(day["team"] != "web", day["coverage"] * factor)
    return day.assign(coverage=coverage)

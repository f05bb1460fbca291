"""What 205.1 tries a column on: three weeks of three regions, and how much a line gains by the column."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from labsupport.arrays import FloatArray

if TYPE_CHECKING:
    import pandas as pd

WEEKS = (31, 32, 33)
CUTS = (7, 431, 777, 1303)
"""Moments at which a column is made again without what came later."""


@dataclass(frozen=True)
class Week:
    """Monday to Wednesday of three regions: their loads, and rows (n,) of the ten-minute mean, the load of later, and the day."""

    loads: "list[pd.Series]"
    mean_10: FloatArray
    later: FloatArray
    day: FloatArray

    def miss(self, *columns: Any) -> float:
        """Return by how much a line misses on Wednesday that learnt on Monday and Tuesday, from these columns (n,)."""
        from labsupport.ml.linear import LinearRegression

        table = np.column_stack(columns)
        whole = ~np.isnan(table).any(axis=1) & ~np.isnan(self.later) & ~np.isnan(self.mean_10)
        learn, judge = whole & (self.day < 3), whole & (self.day == 3)
        model = LinearRegression().fit(table[learn], self.later[learn])
        return float(np.sqrt(np.mean((model.predict(table[judge]) - self.later[judge]) ** 2)))

    def share_left(self, column: FloatArray) -> float:
        """Return the miss with the ten-minute mean and this column (n,), as a share of that with the mean alone."""
        try:
            return self.miss(self.mean_10, column) / self.miss(self.mean_10)
        except ValueError:  # the column is a multiple of the mean, or one number: a line can't use it
            return 1.0


@cache
def week(seed: int) -> Week:
    """Return a week; loads keep the labels of their rows, as in a group of the lesson's frame."""
    from labsupport.data.features import load_later, minute_features
    from labsupport.data.regions import regional_telemetry

    telemetry = regional_telemetry(days=3, seed=seed)
    made, later = minute_features(telemetry), load_later(telemetry)
    parts = [rows.index for _, rows in made.groupby("region", sort=False)]
    return Week(
        [made.load.loc[part] for part in parts],
        *(
            np.concatenate([column.loc[part].to_numpy(float) for part in parts])
            for column in (made.load_10, later, made.time.dt.day)
        ),
    )


Make = Callable[["pd.Series"], Any]


def of_windows(minutes: int, apart: int) -> Make:
    """Return the column that compares a trailing mean with the one `apart` minutes before."""
    return lambda load: load.rolling(minutes).mean().diff(apart)


def recognised(column: FloatArray, load: "pd.Series") -> str:
    """Return what a column (n,) is, up to a factor and a constant, if it is one of the usual ones that gain too little."""
    if np.nanstd(column) < 1e-12:
        return "one number for all rows: a line can't use a column that never moves"
    named: list[tuple[str, Any]] = [
        ("this is the load itself: it says where the load is, not where it goes", load),
        ("this is the mean that the line has already", load.rolling(10).mean()),
        ("a mean of 60 minutes is half an hour old: two shorter ones tell more of where the load goes", load.rolling(60).mean()),
        ("single minutes are compared: their difference is mostly noise", load.diff()),
    ]  # fmt: skip
    named += [
        ("two single minutes are compared, and their difference is mostly noise (two windows that share all but one of their rows are no more)", load.diff(n))
        for n in range(2, 31)
    ]  # fmt: skip
    named += [(f"windows of {n} minutes: their difference is mostly noise", of_windows(n, n)(load)) for n in range(2, 7)]  # fmt: skip
    named += [(f"windows of {n} minutes: what they tell is over by now", of_windows(n, n)(load)) for n in (20, 25, 30, 40, 45, 50, 60)]  # fmt: skip
    for text, other in named:
        both = ~np.isnan(column) & ~np.isnan(other.to_numpy(float))
        if both.sum() > 100 and abs(np.corrcoef(column[both], other.to_numpy(float)[both])[0, 1]) > 1 - 1e-9:
            return text
    return ""

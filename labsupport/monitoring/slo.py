"""A service level objective, its error budget, and how fast it burns.

Source: B. Beyer et al., The Site Reliability Workbook, chapter 5, "Alerting on SLOs" (the multi-window, multi-burn-rate alerts).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Objective:
    """The share of answers that shall be good over some days; `budget` is the share that may be bad."""

    good: float = 0.99
    days: float = 30.0

    def __post_init__(self) -> None:
        if not 0 < self.good < 1 or self.days <= 0:
            raise ValueError(
                f"an objective is a share between 0 and 1 over some days; got {self.good} over {self.days}"
            )

    @property
    def budget(self) -> float:
        return 1 - self.good

    def burn_rate(self, bad_share: float) -> float:
        """Return how many times too fast the budget is spent: at 1 it lasts exactly `days`."""
        return bad_share / self.budget

    def spent(self, bad_share: float, hours: float) -> float:
        """Return the share of the whole budget that so many hours of this share of bad answers cost, at even traffic."""
        return self.burn_rate(bad_share) * hours / (24 * self.days)


@dataclass(frozen=True)
class Alarm:
    """One alert: it fires while the burn rate over both windows (in minutes) is above `burn`."""

    name: str
    burn: float
    long_minutes: int
    short_minutes: int


PAGE = Alarm("page", 14.4, 60, 5)
TICKET = Alarm("ticket", 3.0, 24 * 60, 120)


def firing(bad: Sequence[float], alarm: Alarm, objective: Objective | None = None) -> NDArray[np.bool_]:
    """Return for each minute whether the alarm fires. `bad`: the share of bad answers in each minute, at even traffic.

    Before a window is full, it is what there is of it. A minute without traffic is NaN and left out; a window of nothing else is calm.
    """
    goal = objective or Objective()
    shares = np.asarray(bad, float)
    limit = alarm.burn * goal.budget
    # Sums of decimals that are equal on paper differ in the last digit.
    return np.asarray(
        (_mean(shares, alarm.long_minutes) > limit + 1e-9) & (_mean(shares, alarm.short_minutes) > limit + 1e-9)
    )


def _mean(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    known = ~np.isnan(values)
    total = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    count = np.concatenate([[0], np.cumsum(known)])
    end = np.arange(1, values.size + 1)
    begin = np.maximum(0, end - window)
    # Where no minute is known the sum is 0, and so is its mean.
    return np.asarray((total[end] - total[begin]) / np.maximum(1, count[end] - count[begin]))


__all__ = ["PAGE", "TICKET", "Alarm", "Objective", "firing"]

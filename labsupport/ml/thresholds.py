"""From a probability to an action: the threshold that costs least at given prices."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from labsupport.ml.classification import Confusion, counts_at_all


@dataclass(frozen=True)
class Prices:
    """What an alarm costs, right or wrong, and what an event costs that came without one; in one currency."""

    alarm: float
    missed: float

    def __post_init__(self) -> None:
        if not (self.alarm > 0 and self.missed > 0):
            raise ValueError(f"both prices are above 0; got {self.alarm} and {self.missed}")

    @property
    def threshold(self) -> float:
        """The probability from which an alarm costs less than silence: alarm / missed.

        It is the best threshold for probabilities that keep their promise (Elkan 2001, section 1), and above 1 where an
        alarm is never worth its price.
        """
        return self.alarm / self.missed

    def per_example(self, alarm: ArrayLike, event: ArrayLike) -> float:
        """Return the mean cost of an example, from whether there was an alarm (n,) and whether the event came (n,)."""
        counts = Confusion.count(alarm, event)
        rung = counts.true_positives + counts.false_positives
        return (self.alarm * rung + self.missed * counts.false_negatives) / np.size(event)

    def cheapest_threshold(self, score: ArrayLike, event: ArrayLike) -> float:
        """Return the threshold at or above which alarms cost least on these scores (n,) and events (n,).

        It works for any score, also one that is not a probability. Infinite where no alarm is cheapest; of equally
        cheap ones the highest, which rings least. Raises ValueError for a missing score or outcome.
        """
        curve = counts_at_all(score, event)
        cost = self.alarm * curve.alarms + self.missed * (curve.events - curve.true_positives)
        return float(curve.thresholds[np.argmin(cost)])

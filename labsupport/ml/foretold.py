"""What one metric tells beforehand: its levels become the sign of a table, scored in bits on rows it has not seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labsupport.arrays import outcomes
from labsupport.ml.information import bits
from labsupport.ml.resampling import bootstrap, interval
from labsupport.ml.table import TableModel

CUTS = (0.5, 0.8, 0.9, 0.95, 0.98)


@dataclass(frozen=True)
class Foretold:
    """The share of the surprise that a metric saves, with its interval of 95 % over resampled blocks such as days."""

    share: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.share:.2f} (95 %: {self.low:.2f} to {self.high:.2f})"


def share_saved(metric: ArrayLike, event: ArrayLike, learn: ArrayLike, judge: ArrayLike, blocks: ArrayLike) -> Foretold:
    """Return how much of the surprise about an event a metric saves, against saying the base rate every time.

    `metric` (n,), cut into six levels at the `CUTS` of the rows to learn from; `event` (n,) whether it followed;
    `learn`, `judge` (n,): masks of rows; `blocks` (n,): what is resampled as a whole, such as the day, since minutes of
    one day are not independent. 1 is all known beforehand, 0 nothing, below 0 worse than the base rate.
    Raises ValueError where no row that is judged, or none that is learnt from, is an event, where all that are learnt
    from are, and for a missing outcome or a missing or infinite value in these rows.
    """
    import pandas as pd

    values, happened = np.asarray(metric, dtype=float), np.asarray(event)
    learning, judging = np.asarray(learn, dtype=bool), np.asarray(judge, dtype=bool)
    learnt, truth = outcomes(happened[learning]), outcomes(happened[judging])
    if missing := int((~np.isfinite(values[learning | judging])).sum()):
        raise ValueError(f"{missing} values of the metric are missing or infinite: leave their rows out of both masks")
    if not (learnt.any() and truth.any()):
        raise ValueError("there is no event among the rows to learn from or to judge by: nothing can be foretold")
    if learnt.all():
        raise ValueError("every row to learn from is an event: take rows of quiet times, too")
    sign = pd.DataFrame({"level": np.searchsorted(np.unique(np.quantile(values[learning], CUTS)), values)})
    table = TableModel().fit(sign[learning], learnt)
    said, block = table.predict(sign[judging]), np.asarray(blocks)[judging]
    costs = np.array([_costs(said[rows], table.base_rate_, truth[rows]) for rows in _by(block)])

    def saved(chosen: NDArray[np.float64]) -> float:
        knowing, without = chosen.sum(axis=0)
        return float(1 - knowing / without)

    low, high = interval(bootstrap(saved, costs))
    return Foretold(saved(costs), low, high)


def _costs(said: NDArray[np.float64], base_rate: float, truth: NDArray[np.bool_]) -> tuple[float, float]:
    return len(truth) * bits(said, truth), len(truth) * bits(np.full(len(truth), base_rate), truth)


def _by(block: NDArray[np.generic]) -> list[NDArray[np.intp]]:
    return [np.flatnonzero(block == one) for one in np.unique(block)]

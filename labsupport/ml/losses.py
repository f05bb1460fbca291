"""What a model pays for its answers: four losses, each beside its gradient.

`came` (n,) is the truth, `said` (n,) what the model said, in this order as in scikit-learn's metrics. A `value` is the
mean over the n answers; a `gradient` (n,) says how that mean changes for each unit by which one answer is raised.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labsupport.arrays import FloatArray
from labsupport.ml.information import bits


class Loss(Protocol):
    """A price for answers: `name` is how it is written on a dashboard."""

    @property
    def name(self) -> str: ...

    def value(self, came: ArrayLike, said: ArrayLike) -> float:
        """Return the mean loss of n answers."""

    def gradient(self, came: ArrayLike, said: ArrayLike) -> FloatArray:
        """Return the change of the mean loss per unit of each answer: shape (n,)."""


@dataclass(frozen=True)
class SquaredError:
    """The mean of (said - came)²: twice the miss costs four times as much. The best constant is the mean."""

    name: ClassVar[str] = "squared_error"

    def value(self, came: ArrayLike, said: ArrayLike) -> float:
        """Return the mean squared error, in the square of the target's unit."""
        truth, answers = pairs(came, said)
        return float(np.mean((answers - truth) ** 2))

    def gradient(self, came: ArrayLike, said: ArrayLike) -> FloatArray:
        """Return 2 (said - came) / n: the pull grows with the miss."""
        truth, answers = pairs(came, said)
        return 2 * (answers - truth) / len(truth)


@dataclass(frozen=True)
class AbsoluteError:
    """The mean of |said - came|: twice the miss costs twice as much. The best constant is the median."""

    name: ClassVar[str] = "absolute_error"

    def value(self, came: ArrayLike, said: ArrayLike) -> float:
        """Return the mean absolute error, in the target's unit."""
        truth, answers = pairs(came, said)
        return float(np.mean(np.abs(answers - truth)))

    def gradient(self, came: ArrayLike, said: ArrayLike) -> FloatArray:
        """Return the sign of (said - came) / n: every miss pulls alike; 0, one of the subgradients, where there is none."""
        truth, answers = pairs(came, said)
        return np.sign(answers - truth) / len(truth)


@dataclass(frozen=True)
class PinballLoss:
    """A miss costs `quantile` per unit when too low, `1 - quantile` when too high. The best constant is that quantile.

    With prices it is the bill up to a factor: quantile = price of too low / (price of too low + price of too high).
    Raises ValueError for a quantile outside 0 to 1. Source: Koenker and Bassett, Regression Quantiles, 1978.
    """

    quantile: float

    def __post_init__(self) -> None:
        if not 0 < self.quantile < 1:
            raise ValueError(f"quantile is a share above 0 and below 1, such as 0.9; got {self.quantile}")

    @property
    def name(self) -> str:
        return f"pinball_{self.quantile:g}"

    def value(self, came: ArrayLike, said: ArrayLike) -> float:
        """Return the mean pinball loss, in the target's unit."""
        truth, answers = pairs(came, said)
        short = truth - answers
        return float(np.mean(np.maximum(self.quantile * short, (self.quantile - 1) * short)))

    def gradient(self, came: ArrayLike, said: ArrayLike) -> FloatArray:
        """Return -quantile / n where too low, (1 - quantile) / n where too high, and 0 in between."""
        truth, answers = pairs(came, said)
        slopes = np.where(answers < truth, -self.quantile, 1 - self.quantile)
        return np.where(answers == truth, 0.0, slopes) / len(truth)


@dataclass(frozen=True)
class LogLoss:
    """The surprise of probabilities, in nats: `bits` with the natural logarithm. The best constant is the share of events."""

    name: ClassVar[str] = "log_loss"

    def value(self, came: ArrayLike, said: ArrayLike) -> float:
        """Return the mean log loss. `came` (n,): whether the event happened; infinite for a sure and wrong answer."""
        truth, probability = _events(came, said)
        return bits(probability, truth) * float(np.log(2))

    def gradient(self, came: ArrayLike, said: ArrayLike) -> FloatArray:
        """Return -1 / probability given to what happened (with the sign of the event) / n."""
        truth, probability = _events(came, said)
        with np.errstate(divide="ignore"):
            return np.where(truth, -1 / probability, 1 / (1 - probability)) / len(truth)


def pairs(came: ArrayLike, said: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return truth and answers as float arrays (n,); raises ValueError with a sentence unless they belong together."""
    truth, answers = np.asarray(came, dtype=float), np.asarray(said, dtype=float)
    if truth.ndim != 1 or truth.shape != answers.shape or not len(truth):
        raise ValueError(
            f"truth and answers belong together one by one, both of shape (n,), n above 0; got {truth.shape} and "
            f"{answers.shape}"
        )
    if not (np.isfinite(truth).all() and np.isfinite(answers).all()):
        raise ValueError("a loss takes finite numbers; drop the rows whose truth is not known yet")
    return truth, answers


def _events(came: ArrayLike, said: ArrayLike) -> tuple[NDArray[np.bool_], FloatArray]:
    truth, probability = pairs(came, said)
    if not np.isin(truth, (0, 1)).all():
        raise ValueError("log loss asks whether an event happened: `came` holds True and False, or 1 and 0")
    if ((probability < 0) | (probability > 1)).any():
        raise ValueError("log loss takes probabilities, between 0 and 1; got values outside")
    return truth == 1, probability

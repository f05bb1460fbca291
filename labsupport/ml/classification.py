"""How good are alarms: the four counts and what follows from them, the curves over all thresholds, and calibration."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labsupport.arrays import FloatArray, outcomes

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Confusion:
    """The four counts: alarms and silence, each of them right (true) or wrong (false)."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @classmethod
    def count(cls, alarm: ArrayLike, event: ArrayLike) -> Self:
        """Count from whether there was an alarm (n,) and whether the event happened (n,).

        Raises ValueError for a missing outcome.
        """
        rung, happened = _pairs(alarm, event, bool)
        return cls(
            int((rung & happened).sum()),
            int((rung & ~happened).sum()),
            int((~rung & happened).sum()),
            int((~rung & ~happened).sum()),
        )

    @property
    def accuracy(self) -> float:
        """Share of all answers that are right."""
        right = self.true_positives + self.true_negatives
        return _share(right, right + self.false_positives + self.false_negatives)

    @property
    def precision(self) -> float:
        """Share of the alarms that are right; 0 without alarms, as in scikit-learn."""
        return _share(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """Share of the events that are caught; 0 without events, as in scikit-learn."""
        return _share(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN)."""
        return _share(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives)


@dataclass(frozen=True)
class Sweep:
    """Every threshold at which something changes, from infinity (no alarm) down; an alarm rings at or above it."""

    thresholds: FloatArray
    true_positives: FloatArray
    false_positives: FloatArray
    events: int
    others: int

    @property
    def alarms(self) -> FloatArray:
        """Alarms at each threshold (m,)."""
        return self.true_positives + self.false_positives

    @property
    def recall(self) -> FloatArray:
        """Share of the events that are caught (m,): the ROC curve's vertical axis."""
        return self.true_positives / self.events

    @property
    def false_alarm_rate(self) -> FloatArray:
        """Share of the non-events that ring (m,): the ROC curve's horizontal axis."""
        return self.false_positives / self.others

    @property
    def precision(self) -> FloatArray:
        """Share of the alarms that are right (m,); 1 where there is no alarm, as scikit-learn draws it."""
        return np.where(self.alarms > 0, self.true_positives / np.maximum(self.alarms, 1), 1.0)

    @property
    def roc_area(self) -> float:
        """Area under the ROC curve: the chance that an event scores above a non-event, ties counting half."""
        return float(np.trapezoid(self.recall, self.false_alarm_rate))

    @property
    def average_precision(self) -> float:
        """Precision, averaged over the events as the threshold falls: the area under steps of the PR curve."""
        return float((np.diff(self.recall) * self.precision[1:]).sum())


def sweep(score: ArrayLike, event: ArrayLike) -> Sweep:
    """Return the counts at all thresholds, from scores (n,) and whether the event happened (n,).

    Equal scores ring together, so they share one threshold. Raises ValueError unless both kinds are there, and for a
    missing score or outcome.
    """
    curve = counts_at_all(score, event)
    if not (curve.events and curve.others):
        raise ValueError("a curve needs events and non-events; here all are of one kind: take more examples")
    return curve


def counts_at_all(score: ArrayLike, event: ArrayLike) -> Sweep:
    """Return what `sweep` returns, also of examples that are all of one kind: then only counts mean something, no rates."""
    scores, happened = _pairs(score, event, float)
    order = np.argsort(-scores, kind="stable")
    falling, caught = scores[order], np.cumsum(happened[order])
    last_of_equals = np.append(np.flatnonzero(falling[1:] != falling[:-1]), len(falling) - 1)
    hits = np.append(0, caught[last_of_equals])
    return Sweep(
        thresholds=np.append(np.inf, falling[last_of_equals]),
        true_positives=hits.astype(float),
        false_positives=np.append(0, last_of_equals + 1) - hits.astype(float),
        events=int(happened.sum()),
        others=int((~happened).sum()),
    )


@dataclass(frozen=True)
class Calibration:
    """Groups of examples of similar probability, from low to high: what was promised and what came."""

    promised: FloatArray
    came: FloatArray
    counts: NDArray[np.int64]

    @property
    def gap(self) -> float:
        """Mean distance between promised and came, weighted by the size of the groups."""
        return float(np.average(np.abs(self.promised - self.came), weights=self.counts))


def calibration(probability: ArrayLike, event: ArrayLike, groups: int = 10) -> Calibration:
    """Return mean probability and share of events for `groups` groups of equal size (within one), by probability.

    `probability` (n,) and `event` (n,). Examples of equal probability each count with the share of events among them,
    so that their order does not matter. Raises ValueError for fewer examples than groups.
    """
    promised, happened = _pairs(probability, event, float)
    if not 1 <= groups <= len(promised):
        raise ValueError(f"{len(promised)} examples make 1 to {len(promised)} groups; got {groups}")
    equals = np.unique(promised, return_inverse=True)[1]
    came = (np.bincount(equals, happened) / np.bincount(equals))[equals]
    parts = np.array_split(np.argsort(promised, kind="stable"), groups)
    return Calibration(
        np.array([promised[part].mean() for part in parts]),
        np.array([came[part].mean() for part in parts]),
        np.array([len(part) for part in parts]),
    )


def _pairs(left: ArrayLike, event: ArrayLike, kind: type) -> tuple[NDArray[Any], BoolArray]:
    values: NDArray[Any] = np.asarray(left, dtype=kind)
    happened = outcomes(event)
    if values.ndim != 1 or values.shape != happened.shape or not len(values):
        raise ValueError(f"answers and events belong together, one by one; got {values.shape} and {happened.shape}")
    if kind is float and np.isnan(values).any():
        raise ValueError(
            f"{np.isnan(values).sum()} of {len(values)} scores are missing: repair the rows before scoring"
        )
    return values, happened


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0

"""The median stop rule: a trial ends when its best value yet is worse than what the middle trial had at the same age.

Source: Golovin et al. (2017), "Google Vizier: A Service for Black-Box Optimization", section 3.2.1. Katib's program of that name
(0.19, pkg/earlystopping/v1beta1/medianstop) fixes the bar when a trial begins, as we do, but takes the mean for the median.
"""

from collections.abc import Iterable, Sequence
from statistics import fmean, median


def bar(finished: Iterable[Sequence[float]], start_step: int = 4, min_trials_required: int = 3) -> float | None:
    """Return the value that a new trial must have reached after `start_step` reports; None: too few trials to compare with.

    `finished`: for each trial that ran to its end what it said, oldest first. A trial counts with the mean of its first reports.
    """
    early = [fmean(said[:start_step]) for said in finished if said]
    return median(early) if len(early) >= min_trials_required else None


def stops_at(said: Sequence[float], bar: float, start_step: int = 4, maximize: bool = True) -> int | None:
    """Return the report (1 for the first) with which a trial misses its bar, None if it never does.

    The first report that may stop it is `start_step`. What counts is its best value until then: one bad report is no reason.
    """
    sign = 1 if maximize else -1
    best = float("-inf")
    for number, value in enumerate(said, start=1):
        # A value that is no number is worse than any.
        best = max(best, sign * value) if value == value else best
        if number >= start_step and best < sign * bar:
            return number
    return None

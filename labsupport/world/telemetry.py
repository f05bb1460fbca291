"""From requests to what a monitoring system keeps of them: one row of numbers a minute."""

import numpy as np
from numpy.typing import NDArray

from labsupport.arrays import FloatArray
from labsupport.world.clock import MINUTE_S
from labsupport.world.queue import QueueRun

LATENCIES = {"latency_p50_ms": 0.5, "latency_p95_ms": 0.95, "latency_p99_ms": 0.99}


def time_under(events_s: FloatArray, start_s: float, minutes: int, weights: FloatArray | None = None) -> FloatArray:
    """Return, for each minute, the integral over time of how many events have happened so far, in event-seconds.

    `events_s` (n,): seconds, in any order, from `start_s` on; `weights` (n,): what each counts (1). The integral of
    arrivals less that of departures, over 60, is the mean number inside in that minute.
    """
    passed = events_s - start_s
    minute = (passed / MINUTE_S).astype(np.int64)
    inside = minute < minutes
    minute, weight = minute[inside], None if weights is None else weights[inside]
    left = (minute + 1) * MINUTE_S - passed[inside]
    happened = np.bincount(minute, weight, minlength=minutes)
    before = np.cumsum(happened) - happened
    within = np.bincount(minute, left if weight is None else left * weight, minlength=minutes)
    return np.asarray(before * MINUTE_S + within, dtype=np.float64)


def quantiles_between(values: FloatArray, cuts: NDArray[np.int64], shares: FloatArray) -> FloatArray:
    """Return `np.quantile` (shares, pieces) of each piece of `values` between two cuts, all at once; missing where one is empty."""
    found = np.full((len(shares), len(cuts) - 1), np.nan)
    ordered, there = values.copy(), np.diff(cuts) > 0
    first, last = cuts[:-1][there], cuts[1:][there]
    for start, end in zip(first, last, strict=True):
        ordered[start:end].sort()
    at = np.multiply.outer(shares, last - first - 1)
    part = at - np.floor(at)
    place = first + at.astype(np.int64)
    below, above = ordered[place], ordered[np.minimum(place + 1, last - 1)]
    # As numpy does, from the nearer end, so that each of them is met exactly.
    found[:, there] = np.where(part < 0.5, below + (above - below) * part, above - (above - below) * (1 - part))
    return found


def minutes_of(run: QueueRun, start_s: float, minutes: int) -> dict[str, FloatArray]:
    """Summarise a run by minute of arrival.

    Returns arrays (minutes,): `requests` and `gave_up` (counts), `waiting` and `busy` (mean number in the queue and in
    service), `latency_mean_ms`, `latency_p50_ms`, `latency_p95_ms`, `latency_p99_ms` of the answered requests (missing
    where there are none).
    """
    edges = start_s + MINUTE_S * np.arange(minutes + 1)
    cuts = np.searchsorted(run.arrivals, edges)
    left_queue = run.arrivals + run.waits
    waiting = time_under(run.arrivals, start_s, minutes) - time_under(left_queue, start_s, minutes)
    begun, served = left_queue[run.answered], run.services[run.answered]
    busy = time_under(begun, start_s, minutes) - time_under(begun + served, start_s, minutes)
    answered = np.concatenate([[0], np.cumsum(run.answered)])[cuts]
    columns = {
        "requests": np.diff(cuts).astype(float),
        "gave_up": (np.diff(cuts) - np.diff(answered)).astype(float),
        # Differences of large sums: what is left of rounding is set to 0.
        "waiting": np.maximum(waiting / MINUTE_S, 0).round(9),
        "busy": np.maximum(busy / MINUTE_S, 0).round(9),
    }
    milliseconds = run.latencies[run.answered] * 1000
    mean = np.full(minutes, np.nan)
    for minute, (first, last) in enumerate(zip(answered[:-1], answered[1:], strict=True)):
        if last > first:
            mean[minute] = milliseconds[first:last].mean()
    quantiles = quantiles_between(milliseconds, answered, np.array(list(LATENCIES.values())))
    return columns | {"latency_mean_ms": mean} | dict(zip(LATENCIES, quantiles, strict=True))

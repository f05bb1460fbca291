"""What queueing theory says of M/M/c: Poisson arrivals, exponential service times, c replicas, one queue.

Every function takes `rate_rps` (arrivals per second, one number or an array), `mean_service_s` (seconds) and `replicas`
(c), and returns one number for one rate, an array for an array. At or above a utilisation of 1 no steady state exists:
waits are infinite. Raises ValueError for negative rates, times that are not above 0, fewer than 1 replica.
Source: Kleinrock, Queueing Systems 1 (1975), section 3.5; Gross and others, Fundamentals of Queueing Theory, 2.3 and 2.4.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import FloatArray


def utilisation(rate_rps: ArrayLike, mean_service_s: float, replicas: int) -> float | FloatArray:
    """Return the offered load per replica; the share of time that a replica is busy, as long as it is below 1."""
    return _plain(_rates(rate_rps, mean_service_s, replicas) * mean_service_s / replicas)


def erlang_b(load_erlangs: ArrayLike, replicas: int) -> float | FloatArray:
    """Return the probability that a request is turned away when nobody may wait (M/M/c/c).

    By the recursion B(k) = a B(k-1) / (k + a B(k-1)), which neither overflows nor cancels for any c; O(c) time.
    """
    load = _rates(load_erlangs, 1.0, replicas)
    blocked = np.ones_like(load)
    for servers in range(1, replicas + 1):
        blocked = load * blocked / (servers + load * blocked)
    return _plain(blocked)


def erlang_c(load_erlangs: ArrayLike, replicas: int) -> float | FloatArray:
    """Return the probability that a request has to wait (1 from saturation on)."""
    load = _rates(load_erlangs, 1.0, replicas)
    blocked = np.asarray(erlang_b(load, replicas))
    busy = load / replicas
    with np.errstate(divide="ignore", invalid="ignore"):
        waits = blocked / (1 - busy * (1 - blocked))
    return _plain(np.where(busy < 1, waits, 1.0))


def mean_wait(
    rate_rps: ArrayLike,
    mean_service_s: float,
    replicas: int = 1,
    service_scv: float = 1.0,
    arrival_scv: float = 1.0,
) -> float | FloatArray:
    """Return the mean wait in the queue, in seconds.

    `service_scv`, `arrival_scv`: variance / mean² of the service times and of the times between arrivals. Exact for
    M/M/c (both 1) and M/G/1 (arrival_scv 1, replicas 1: Pollaczek-Khinchine); else the approximation of Allen and
    Cunneen (Allen 1990, section 5.4), good in heavy traffic.
    """
    waiting, spare = _queue(rate_rps, mean_service_s, replicas)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _plain(np.where(spare > 0, waiting / spare * (service_scv + arrival_scv) / 2, np.inf))


def mean_latency(rate_rps: ArrayLike, mean_service_s: float, replicas: int = 1) -> float | FloatArray:
    """Return the mean time in the system, waiting and service, in seconds."""
    return _plain(np.asarray(mean_wait(rate_rps, mean_service_s, replicas)) + mean_service_s)


def mean_in_system(rate_rps: ArrayLike, mean_service_s: float, replicas: int = 1) -> float | FloatArray:
    """Return the mean number of requests waiting or in service."""
    return _plain(littles_law(rate_rps, mean_latency(rate_rps, mean_service_s, replicas)))


def littles_law(rate_rps: ArrayLike, mean_time_s: ArrayLike) -> FloatArray:
    """Return L = lambda W, the mean number inside of anything that people enter at a rate and stay in for a time.

    It asks nothing of the arrivals, the service or the order (Little 1961).
    """
    inside: FloatArray = np.asarray(rate_rps, dtype=float) * np.asarray(mean_time_s, dtype=float)
    return inside


def latency_tail(
    latency_s: ArrayLike, rate_rps: ArrayLike, mean_service_s: float, replicas: int = 1
) -> float | FloatArray:
    """Return the probability that a request takes longer than `latency_s` seconds, first come first served."""
    waiting, spare = _queue(rate_rps, mean_service_s, replicas)
    return _plain(tail(np.asarray(latency_s, dtype=float), waiting, spare, 1 / mean_service_s))


def tail(time_s: FloatArray, waits: FloatArray, spare: FloatArray, finish: float) -> FloatArray:
    """Return the probability of more than `time_s` seconds for requests that have to wait with probability `waits`.

    Waits die away at the rate `spare`, services at `finish`, both per second; arrays broadcast. Who waits needs
    Exp(spare) + Exp(finish). The textbook's difference of two exponentials over (spare - finish) is 0/0 where the two
    rates meet; written with the slower rate in front it is stable everywhere.
    """
    slow, fast = np.minimum(spare, finish), np.maximum(spare, finish)
    gap = (fast - slow) * time_s
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(gap > 0, -np.expm1(-gap) / gap, 1.0)
    after_waiting = np.exp(-slow * time_s) * (1 + slow * time_s * ratio)
    both: FloatArray = (1 - waits) * np.exp(-finish * time_s) + waits * after_waiting
    return both


def latency_quantile(q: float, rate_rps: ArrayLike, mean_service_s: float, replicas: int = 1) -> float | FloatArray:
    """Return the latency in seconds that a share `q` of the requests does not exceed; q = 0.95 is the p95."""
    missed = 1 - _share(q)
    waiting, spare = _queue(rate_rps, mean_service_s, replicas)
    # A sum exceeds a + b only if one part exceeds a or the other b: half of the misses for each is an upper bound.
    high = _wait_quantile(1 - missed / 2, waiting, spare) + mean_service_s * math.log(2 / missed)
    bounded = np.isfinite(high)
    low, high = np.zeros_like(high), np.where(bounded, high, 1.0)
    for _ in range(60):
        middle = (low + high) / 2
        too_low = tail(middle, waiting, spare, 1 / mean_service_s) > missed
        low, high = np.where(too_low, middle, low), np.where(too_low, high, middle)
    return _plain(np.where(bounded, high, np.inf))


def _queue(rate_rps: ArrayLike, mean_service_s: float, replicas: int) -> tuple[FloatArray, FloatArray]:
    """Return the probability of waiting and the rate at which waits die away, 0 from saturation on."""
    rate = _rates(rate_rps, mean_service_s, replicas)
    waiting = np.asarray(erlang_c(rate * mean_service_s, replicas))
    return waiting, np.maximum(replicas / mean_service_s - rate, 0)


def _wait_quantile(q: float, waiting: FloatArray, spare: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(spare > 0, np.maximum(np.log(waiting / (1 - q)), 0) / spare, np.inf)


def _rates(rate_rps: ArrayLike, mean_service_s: float, replicas: int) -> FloatArray:
    rate = np.asarray(rate_rps, dtype=float)
    if not np.all(rate >= 0):
        raise ValueError("a rate (or an offered load) is 0 or above; got a negative or missing one")
    if not (math.isfinite(mean_service_s) and mean_service_s > 0):
        raise ValueError(f"mean_service_s, in seconds, is above 0 and finite; got {mean_service_s}")
    if replicas < 1 or int(replicas) != replicas:
        raise ValueError(f"replicas is a whole number from 1 on; got {replicas}")
    return rate


def _share(q: float) -> float:
    if not 0 <= q < 1:
        raise ValueError(f"a quantile is named by a share from 0 to below 1, such as 0.95; got {q}")
    return q


def _plain(values: FloatArray) -> float | FloatArray:
    values = np.asarray(values, dtype=float)
    return float(values) if values.ndim == 0 else values

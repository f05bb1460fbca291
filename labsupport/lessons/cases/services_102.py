"""Services for 102: a replica's own clock, latencies that need a number of replicas, and a Monday with a crowd by theory."""

import operator
from typing import Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.outcomes import Fail

# A minute that theory puts at the promised 300 ms is measured above it every other time.
EXPECTED_S = 0.28


def jammed(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return arrivals and services (300,) of a queue that begins with a jam, so that each mistake gives waits of its own."""
    between = rng.exponential(1.0, 300)
    between[1:20] /= 3
    return 50 + np.cumsum(between), rng.exponential(0.85, 300)


def waits(arrivals: np.ndarray, services: np.ndarray) -> np.ndarray:
    """Return the seconds that each request waits for one replica, by the replica's own clock."""
    free_at, waited = -np.inf, []
    for arrival, service in zip(arrivals, services, strict=True):
        start = max(arrival, free_at)
        waited.append(start - arrival)
        free_at = start + service
    return np.array(waited)


class Latencies:
    """A p95 that is infinite, then a little too long, then short enough from `need` replicas on.

    The one nearest to the limit is too long by 3 %, unless that of `need` is exactly the limit.
    """

    def __init__(self, need: int, limit_s: float, exactly: bool) -> None:
        self.need, self.limit_s, self.exactly = need, limit_s, exactly

    def __call__(self, replicas: int) -> float:
        # As `theory.latency_quantile`, by which the next cell asks.
        if operator.index(replicas) < 1:
            raise ValueError(f"replicas is a whole number from 1 on; got {replicas}")
        if replicas < self.need - 2:
            return float("inf")
        if replicas == self.need and self.exactly:
            return self.limit_s
        return (
            self.limit_s * (1 + 0.03 * (self.need - replicas) - (0.05 if replicas == self.need else 0.0))
            if replicas <= self.need
            else self.limit_s * (0.5 + 0.4 / replicas)
        )


def whole(result: Any) -> float:
    """Return a number of replicas; raises Fail for a whole number that is a float, which the next cells can't count with."""
    number = expect.returned_number(lambda: result, "the number of replicas")
    if isinstance(result, float | np.floating) and number.is_integer():
        raise Fail(
            f"the float {number}", f"{number:.0f}, a whole number", "replicas are counted: begin at `1`, not at `1.0`"
        )
    return number


def billed(percent: float | None, crowd: str) -> tuple[int, float, int]:
    """Return (broken minutes, replica hours, fewest replicas) of a Monday with a crowd, by theory; None: six replicas."""
    from labsupport.world import SLO, Burst, Service, Traffic, at
    from labsupport.world.autoscaling import CPUAutoscaler, minutes_over

    service = Service()
    rates = Traffic().with_bursts(Burst(at(crowd), 1800, 1.65)).rate(60 * np.arange(1440) + 30.0)
    replicas = np.full(1440, 6) if percent is None else CPUAutoscaler(percent).replicas(rates, service)
    return minutes_over(SLO(EXPECTED_S), rates, replicas, service), replicas.sum() / 60, int(replicas.min())

"""How many replicas a promise needs: from a service level objective to a number."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from labsupport.world import theory
from labsupport.world.durations import Durations, Exponential
from labsupport.world.queue import simulate_queue


@dataclass(frozen=True)
class SLO:
    """A service level objective: a share `quantile` of the requests is answered within `latency_s` seconds."""

    latency_s: float
    quantile: float = 0.95

    def __post_init__(self) -> None:
        if not (math.isfinite(self.latency_s) and self.latency_s > 0):
            raise ValueError(f"an SLO's latency_s, in seconds, is above 0 and finite; got {self.latency_s}")
        if not 0 < self.quantile < 1:
            raise ValueError(f"an SLO's quantile is a share between 0 and 1, such as 0.95; got {self.quantile}")

    def __str__(self) -> str:
        return f"p{self.quantile * 100:g} <= {self.latency_s * 1000:g} ms"


def replicas_for(
    slo: SLO,
    rate_rps: float,
    service: Durations,
    *,
    method: Literal["auto", "theory", "simulation"] = "auto",
    requests: int = 200_000,
    seed: int = 0,
) -> int:
    """Return the smallest number of replicas behind one queue that meets the SLO at a steady Poisson load.

    `rate_rps`: requests per second; `service`: service times of one replica. `method`: "theory" is exact for exponential
    service times only; "simulation" draws `requests` requests for each number it tries and takes any distribution;
    "auto" takes theory where it holds. Raises ValueError when the service time alone breaks the SLO (in a simulation: the
    times that were drawn), for theory without exponential service times, and for a rate that is not above 0.
    """
    if not (math.isfinite(rate_rps) and rate_rps > 0):
        raise ValueError(f"rate_rps, requests per second, is above 0 and finite; got {rate_rps}")
    if method not in ("auto", "theory", "simulation"):
        raise ValueError(f"method is 'auto', 'theory' or 'simulation'; got {method!r}")
    alone = service.quantile(slo.quantile)
    if alone >= slo.latency_s:
        raise ValueError(
            f"no number of replicas meets {slo}: an idle one already needs {alone * 1000:.0f} ms at that quantile; "
            "make the service faster or the promise weaker"
        )
    memoryless = isinstance(service, Exponential)
    if method == "theory" and not memoryless:
        raise ValueError(f"theory has no exact latency quantiles for {service}; take method='simulation'")
    if method == "theory" or (method == "auto" and memoryless):

        def latency(replicas: int) -> float:
            return float(theory.latency_quantile(slo.quantile, rate_rps, service.mean_s, replicas))
    else:

        def latency(replicas: int) -> float:
            # The same seed for every number of replicas: the same requests, so more replicas are never slower by luck.
            run = simulate_queue(rate_rps, service, replicas, requests=requests, seed=seed)
            idle = float(np.quantile(run.services, slo.quantile))
            if idle > slo.latency_s:
                raise ValueError(
                    f"no number of replicas meets {slo} in this simulation: without any wait, its {requests:,} requests already "
                    f"need {idle * 1000:.0f} ms at that quantile; the promise is that near to the service's own {alone * 1000:.0f} ms"
                )
            return run.quantile(slo.quantile)

    return _smallest(lambda replicas: latency(replicas) <= slo.latency_s, math.floor(rate_rps * service.mean_s) + 1)


def _smallest(enough: Callable[[int], bool], lowest: int) -> int:
    """Return the first whole number from `lowest` on that is enough, when every larger one is enough too."""
    step, too_few = 1, lowest - 1
    while not enough(too_few + step):
        too_few, step = too_few + step, step * 2
    high = too_few + step
    while high - too_few > 1:
        middle = (too_few + high) // 2
        too_few, high = (too_few, middle) if enough(middle) else (middle, high)
    return high

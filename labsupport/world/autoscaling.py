"""What a Kubernetes autoscaler that looks at CPU makes of a service, minute by minute, and what it costs."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labsupport.arrays import FloatArray
from labsupport.world import theory
from labsupport.world.capacity import SLO
from labsupport.world.clock import MINUTE_S
from labsupport.world.service import Service

# What a replica's telemetry shows when it is idle.
IDLE_CPU_PERCENT = 4.0
# A HorizontalPodAutoscaler does nothing while CPU / target lies this near to 1 (kube-controller-manager's default).
TOLERANCE = 0.1


@dataclass(frozen=True)
class CPUAutoscaler:
    """A HorizontalPodAutoscaler with a target in per cent of CPU, asked once a minute.

    `low`, `high`: fewest and most replicas; `pod_start_minutes`: until a new replica serves; `calm_minutes`: it shrinks
    only to the highest number wished for in so many minutes. Raises ValueError for a target that is not above 0, and for times
    below one minute.
    """

    target_percent: float
    low: int = 2
    high: int = 20
    pod_start_minutes: int = 2
    calm_minutes: int = 10

    def __post_init__(self) -> None:
        if not (math.isfinite(self.target_percent) and self.target_percent > 0):
            raise ValueError(f"target_percent, in per cent of CPU, is above 0; got {self.target_percent}")
        for name in ("pod_start_minutes", "calm_minutes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is 1 or more: it looks once a minute; got {getattr(self, name)}")

    def wish(self, replicas: int, cpu_percent: float) -> int:
        """Return how many replicas it wants: the rule of three on CPU, and nothing new within the tolerance."""
        ratio = cpu_percent / self.target_percent
        wanted = replicas if abs(ratio - 1) <= TOLERANCE else math.ceil(replicas * ratio)
        return min(max(wanted, self.low), self.high)

    def replicas(self, requests_per_s: ArrayLike, service: Service) -> NDArray[np.int64]:
        """Return how many replicas serve in each minute (minutes,), starting with the service's own number.

        `requests_per_s` (minutes,). A replica can't do more than `service.cpu_share` of CPU, however many requests wait.
        """
        serving, wishes, starting = service.replicas, [service.replicas], dict[int, int]()
        over_time = []
        for minute, rate in enumerate(np.asarray(requests_per_s, dtype=float)):
            serving = max(serving, starting.pop(minute, 0))
            over_time.append(serving)
            wishes.append(self.wish(serving, cpu_percent(service, rate, serving)))
            if wishes[-1] > serving:
                starting[minute + self.pod_start_minutes] = wishes[-1]
            serving = min(serving, max(wishes[-self.calm_minutes :]))
        return np.array(over_time, dtype=np.int64)


def cpu_percent(service: Service, requests_per_s: float, replicas: int) -> float:
    """Return the CPU of a replica in per cent, as its telemetry shows it: at most `service.cpu_share` when it is never idle."""
    busy = min(requests_per_s * service.service.mean_s / replicas, 1.0)
    return IDLE_CPU_PERCENT + 100 * service.cpu_share * busy


def scaling(replicas: ArrayLike, start_s: float = 0.0) -> tuple[tuple[float, int], ...]:
    """Return replicas per minute (minutes,) as the changes that `Service(scaling=...)` takes."""
    counts = np.asarray(replicas, dtype=int)
    changed = np.flatnonzero(np.diff(counts, prepend=0))
    return tuple((start_s + MINUTE_S * int(minute), int(counts[minute])) for minute in changed)


def minutes_over(slo: SLO, requests_per_s: ArrayLike, replicas: ArrayLike, service: Service) -> int:
    """Return in how many minutes theory (M/M/c, each minute by itself) breaks the promise; arrays (minutes,)."""
    rates: FloatArray = np.asarray(requests_per_s, dtype=float)
    counts = np.asarray(replicas, dtype=int)
    over = 0
    for count in np.unique(counts):
        here = rates[counts == count]
        latency = theory.latency_quantile(slo.quantile, here, service.service.mean_s, int(count))
        over += int(np.sum(latency > slo.latency_s))
    return over

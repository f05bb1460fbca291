"""The web service: traffic, replicas behind one queue, faults, and the telemetry that is left of it all."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from labsupport.arrays import FloatArray
from labsupport.world.clock import DAY_S, FIRST_DAY, MINUTE_S
from labsupport.world.durations import Durations, Exponential
from labsupport.world.fault import Fault, ground_truth
from labsupport.world.queue import QueueRun, central_queue
from labsupport.world.telemetry import minutes_of, time_under
from labsupport.world.traffic import Traffic, poisson_arrivals

if TYPE_CHECKING:
    import pandas as pd

MINUTES_A_DAY = 1440


@dataclass(frozen=True)
class Service:
    """A web service whose `replicas` take requests from one queue, first come first served.

    `service`: time that a replica needs for a request, of which the share `cpu_share` is work and the rest waiting for
    others; `patience_s`: a request that waits longer in the queue is given up and counts as an error; `error_rate`:
    share of answers that are errors on a good day; `memory_mb`, `memory_limit_mb`: megabytes per replica; `scaling`:
    (second, replicas) changes in order of time; `faults`: what goes wrong. Second 0 is Monday 00:00.
    """

    replicas: int = 6
    service: Durations = Exponential(0.075)
    traffic: Traffic = Traffic()
    faults: tuple[Fault, ...] = ()
    scaling: tuple[tuple[float, int], ...] = ()
    patience_s: float = 5.0
    error_rate: float = 0.001
    cpu_share: float = 0.6
    memory_mb: float = 350.0
    memory_limit_mb: float = 768.0

    def __post_init__(self) -> None:
        for count in (self.replicas, *(count for _, count in self.scaling)):
            if count < 1 or int(count) != count:
                raise ValueError(f"a Service runs a whole number of replicas from 1 on; got {count}")
        if not (0 <= self.error_rate <= 1 and 0 < self.cpu_share <= 1):
            raise ValueError("a Service's error_rate and cpu_share are shares between 0 and 1")
        if not 0 < self.memory_mb < self.memory_limit_mb:
            raise ValueError("a Service's memory_mb is above 0 and below its memory_limit_mb")

    def with_faults(self, *faults: Fault) -> "Service":
        """Return the same service with more faults."""
        return replace(self, faults=(*self.faults, *faults))

    def replicas_over(self, start_s: float, end_s: float) -> list[tuple[float, int]]:
        """Return (second, replicas ready) at `start_s` and at every change until `end_s`.

        Scaling and lost replicas together; the last replica is never lost.
        """
        room_mb = self.memory_limit_mb - self.memory_mb
        lost = [loss for fault in self.faults for loss in fault.lost_replicas(room_mb, self.replicas)]
        moments = {start_s, *(at for at, _ in self.scaling), *(at for begin, end, _ in lost for at in (begin, end))}
        ready: list[tuple[float, int]] = []
        for moment in sorted(moment for moment in moments if start_s <= moment < end_s):
            wanted = max([(at, count) for at, count in self.scaling if at <= moment], default=(0.0, self.replicas))[1]
            count = max(wanted - sum(number for begin, end, number in lost if begin <= moment < end), 1)
            if not ready or count != ready[-1][1]:
                ready.append((moment, count))
        return ready

    def requests(self, day: int = 0, *, seed: int = 0) -> QueueRun:
        """Simulate one day request by request; the queue is empty at midnight, when the load is low.

        `day`: 0 is the first Monday. Arrivals, waits and service times in seconds. The same seed and day give the same
        arrivals whatever the replicas.
        """
        start_s = day * DAY_S

        def rate(seconds: FloatArray) -> FloatArray:
            return self.traffic.rate(seconds) * _product(fault.traffic(seconds) for fault in self.faults)

        arrivals = poisson_arrivals(rate, start_s, DAY_S, seed=np.random.default_rng([seed, day, 0]))
        services = self.service.draw(len(arrivals), np.random.default_rng([seed, day, 1]))
        for fault in self.faults:
            services *= fault.slowness(arrivals)
        (_, replicas), *changes = self.replicas_over(start_s, start_s + DAY_S)
        return central_queue(arrivals, services, replicas, patience_s=self.patience_s, changes=changes)

    def run(self, days: int = 1, *, first_day: int = 0, seed: int = 0) -> "ServiceRun":
        """Simulate days and keep one row of telemetry a minute; about 3.5 million requests a day by default.

        Columns of the telemetry: `time` (UTC); `requests_per_s`; `replicas` (mean ready); `utilisation` (0 to 1: busy
        replicas); `queue_depth` (mean waiting); `latency_mean_ms`, `latency_p50_ms`, `latency_p95_ms`,
        `latency_p99_ms`; `error_rate` (0 to 1); `cpu_percent` and `memory_mb` (mean per replica). What happens on a day
        does not depend on the days before it; what faults of the telemetry lose or blur is drawn for the run as a whole.
        Raises ValueError for fewer than 1 day.
        """
        import pandas as pd

        if days < 1 or first_day < 0:
            raise ValueError(f"a run takes 1 day or more, counted from day 0, a Monday; got {days} from {first_day}")
        numbers = range(first_day, first_day + days)
        measured = pd.concat([self._measure(day, seed) for day in numbers], ignore_index=True)
        reported = measured
        for position, fault in enumerate(self.faults):
            reported = fault.report(reported, np.random.default_rng([seed, position, 3]))
        seconds = measured.pop("second").to_numpy()
        return ServiceRun(reported.drop(columns="second", errors="ignore"), measured, seconds, self.faults)

    def _measure(self, day: int, seed: int) -> "pd.DataFrame":
        import pandas as pd

        start_s = day * DAY_S
        minutes = minutes_of(self.requests(day, seed=seed), start_s, MINUTES_A_DAY)
        second = start_s + MINUTE_S * np.arange(MINUTES_A_DAY, dtype=np.float64)
        middle: FloatArray = np.asarray(second + MINUTE_S / 2)
        rng = np.random.default_rng([seed, day, 2])

        ready = np.array(self.replicas_over(start_s, start_s + DAY_S), dtype=float)
        changed = np.diff(ready[:, 1], prepend=0.0)
        replicas = time_under(ready[:, 0], start_s, MINUTES_A_DAY, changed) / MINUTE_S

        answered = minutes["requests"] - minutes["gave_up"]
        fine = (1 - self.error_rate) * _product(1 - fault.errors(middle) for fault in self.faults)
        failed = minutes["gave_up"] + rng.binomial(answered.astype(np.int64), 1 - fine)
        work_s = self.service.mean_s * self.cpu_share * _product(fault.cpu(middle) for fault in self.faults)
        cpu = 100 * answered / MINUTE_S * work_s / replicas + rng.normal(4, 1, MINUTES_A_DAY)
        room_mb = self.memory_limit_mb - self.memory_mb
        inside = (minutes["waiting"] + minutes["busy"]) / replicas
        memory = self.memory_mb + 2 * inside + rng.normal(0, 3, MINUTES_A_DAY)
        for fault in self.faults:
            memory += fault.memory_mb(middle, room_mb)
        return pd.DataFrame(
            {
                "time": pd.Timestamp(FIRST_DAY) + pd.to_timedelta(second, unit="s"),
                "second": second,
                "requests_per_s": minutes["requests"] / MINUTE_S,
                "replicas": replicas,
                "utilisation": np.minimum(minutes["busy"] / replicas, 1.0),
                "queue_depth": minutes["waiting"],
                **{name: values for name, values in minutes.items() if name.startswith("latency_")},
                "error_rate": failed / np.maximum(minutes["requests"], 1),
                "cpu_percent": np.clip(cpu, 0, 100),
                "memory_mb": np.minimum(memory, self.memory_limit_mb),
            }
        )


@dataclass(frozen=True)
class ServiceRun:
    """Days of a service: what was reported, what was really so, and what had been injected.

    `telemetry`: a frame of one row a minute, as reported (see `Service.run`); `measured`: the same before faults of the
    telemetry spoiled it; `seconds` (minutes,): the world's clock at the beginning of each row; `faults`.
    """

    telemetry: "pd.DataFrame"
    measured: "pd.DataFrame" = field(repr=False)
    seconds: FloatArray = field(repr=False)
    faults: Sequence[Fault] = ()

    @property
    def truth(self) -> "pd.DataFrame":
        """What was injected, one row a fault (see `ground_truth`)."""
        return ground_truth(self.faults)

    @property
    def labels(self) -> NDArray[np.str_]:
        """The fault of each minute (minutes,): its name, "" for none, names joined by "+" for several."""
        names = [np.where(fault.active(self.seconds + MINUTE_S / 2), type(fault).__name__, "") for fault in self.faults]
        rows = zip(*names, strict=True) if names else ((),) * len(self.seconds)
        return np.array(["+".join(name for name in row if name) for row in rows])


def _product(factors: Iterable[FloatArray]) -> FloatArray | float:
    return math.prod(factors)

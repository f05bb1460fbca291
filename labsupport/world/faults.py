"""What can go wrong with the service, each fault with its size and the symptom it is documented to show.

Each changes one or two things of the simulation: traffic, service times, processor time, replicas, errors or memory.
Faults compose: factors multiply, amounts add. Faults of the telemetry alone are in `telemetry_faults`.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.world import telemetry_faults as reported
from labsupport.world.fault import Fault

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SlowDependency(Fault):
    """A database or an API that every request waits for becomes slow."""

    scale = "factor on the service time"
    symptom = "latency and utilisation rise, CPU and traffic stay: the replicas wait, they do not work"

    severity: float = 1.25

    def slowness(self, seconds: FloatArray) -> FloatArray:
        return self._factor(seconds, self.severity)


@dataclass(frozen=True)
class MemoryLeak(Fault):
    """Each replica loses memory until it is killed at its limit and restarted, one after the other."""

    scale = "megabytes lost per replica and hour"
    symptom = "memory climbs in a straight line and falls like a saw; at each tooth a replica is missing for a while"

    severity: float = 100.0
    restart_s: ClassVar[float] = 60.0

    def memory_mb(self, seconds: FloatArray, room_mb: float) -> FloatArray:
        leaked = np.maximum(seconds - self.start_s, 0) / 3600 * self.severity
        return np.where(self.active(seconds), leaked % room_mb, 0.0)

    def lost_replicas(self, room_mb: float, replicas: int) -> list[tuple[float, float, int]]:
        tooth_s = room_mb / self.severity * 3600
        teeth = [self.start_s + tooth_s * number for number in range(1, math.ceil(self.duration_s / tooth_s))]
        return [(tooth, tooth + self.restart_s * replicas, 1) for tooth in teeth]


@dataclass(frozen=True)
class ReplicaLost(Fault):
    """A node goes, and its replicas with it, until the fault ends; requests in service are finished elsewhere."""

    scale = "replicas lost"
    symptom = "replicas fall; utilisation, CPU and latency of the others rise while traffic stays"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.severity != int(self.severity):
            raise ValueError(f"ReplicaLost needs a whole number of replicas as severity; got {self.severity}")

    def lost_replicas(self, room_mb: float, replicas: int) -> list[tuple[float, float, int]]:
        return [(self.start_s, self.start_s + self.duration_s, int(self.severity))]


@dataclass(frozen=True)
class RetryStorm(Fault):
    """Impatient clients send their requests again and again."""

    scale = "repeats per request"
    symptom = "traffic jumps without a reason in the calendar; utilisation, CPU, queue and latency follow"

    severity: float = 0.5

    def traffic(self, seconds: FloatArray) -> FloatArray:
        return self._factor(seconds, 1 + self.severity)


@dataclass(frozen=True)
class BadDeploy(Fault):
    """A new version fails some requests and burns a fifth more processor and service time; it ends with the rollback."""

    scale = "share of requests that fail (at most 1)"
    symptom = "error rate jumps from one minute to the next, CPU and latency a little; all fall back at the rollback"

    severity: float = 0.1
    extra_work: ClassVar[float] = 1.2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.severity > 1:
            raise ValueError(
                f"BadDeploy needs a share of failing requests, at most 1, as severity; got {self.severity}"
            )

    def errors(self, seconds: FloatArray) -> FloatArray:
        return np.where(self.active(seconds), self.severity, 0.0)

    def slowness(self, seconds: FloatArray) -> FloatArray:
        return self._factor(seconds, self.extra_work)

    def cpu(self, seconds: FloatArray) -> FloatArray:
        return self._factor(seconds, self.extra_work)


def fault_catalogue() -> "pd.DataFrame":
    """Return every fault there is, one row each: name, what its severity means, the default, and the symptom."""
    import pandas as pd

    kinds: list[type[Fault]] = [SlowDependency, MemoryLeak, ReplicaLost, RetryStorm, BadDeploy]
    kinds += [reported.WrongUnits, reported.ClockSkew, reported.MissingTelemetry, reported.NoisyTelemetry]
    rows = [(kind.__name__, kind.scale, kind(0.0, 1.0).severity, kind.symptom) for kind in kinds]
    return pd.DataFrame(rows, columns=["fault", "severity_means", "default_severity", "symptom"])

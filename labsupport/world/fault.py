"""What a fault is: when it starts, how long it lasts, how severe it is, and what of the simulation it changes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from labsupport.arrays import FloatArray
from labsupport.world.clock import FIRST_DAY

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Fault:
    """Something wrong between `start_s` and `start_s + duration_s` (seconds since Monday 00:00, see `at`).

    `severity`: a number above 0 whose meaning each fault states in `scale`; `symptom`: what the telemetry then shows.
    The methods say what the fault does at each of the given seconds; a fault overrides those that it needs.
    Raises ValueError for a duration or a severity that is not above 0.
    """

    scale: ClassVar[str] = ""
    symptom: ClassVar[str] = ""

    start_s: float
    duration_s: float
    severity: float = 1.0

    def __post_init__(self) -> None:
        for name in ("duration_s", "severity"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{type(self).__name__} needs {name} above 0 and finite; got {value}")
        if not math.isfinite(self.start_s):
            raise ValueError(f"{type(self).__name__} needs a finite start_s; got {self.start_s}")

    def active(self, seconds: FloatArray) -> NDArray[np.bool_]:
        """Return at which of the seconds the fault is there."""
        return (seconds >= self.start_s) & (seconds < self.start_s + self.duration_s)

    def traffic(self, seconds: FloatArray) -> FloatArray:
        """Return the factor on the requests that come."""
        return np.ones_like(seconds)

    def slowness(self, seconds: FloatArray) -> FloatArray:
        """Return the factor on the service times of requests that arrive then."""
        return np.ones_like(seconds)

    def cpu(self, seconds: FloatArray) -> FloatArray:
        """Return the factor on the processor time per request."""
        return np.ones_like(seconds)

    def errors(self, seconds: FloatArray) -> FloatArray:
        """Return the share of answers that turn into errors."""
        return np.zeros_like(seconds)

    def memory_mb(self, seconds: FloatArray, room_mb: float) -> FloatArray:
        """Return the megabytes added per replica; `room_mb` is what is left below the limit."""
        return np.zeros_like(seconds)

    def lost_replicas(self, room_mb: float, replicas: int) -> list[tuple[float, float, int]]:
        """Return the times without replicas: from second, to second, how many are missing."""
        return []

    def report(self, telemetry: "pd.DataFrame", rng: np.random.Generator) -> "pd.DataFrame":
        """Return the telemetry as it is reported, a changed copy; column `second` is the world's clock."""
        return telemetry

    def _rows(self, telemetry: "pd.DataFrame") -> NDArray[np.bool_]:
        return self.active(telemetry["second"].to_numpy(dtype=float))

    def _factor(self, seconds: FloatArray, factor: float) -> FloatArray:
        return np.where(self.active(seconds), factor, 1.0)


def ground_truth(faults: Sequence[Fault]) -> "pd.DataFrame":
    """Return what was injected, one row a fault in order of time.

    Columns: `fault`; `start`, `end` (UTC); `start_s`, `end_s` (seconds since Monday 00:00); `severity`; `symptom`.
    """
    import pandas as pd

    rows = [
        (type(fault).__name__, fault.start_s, fault.start_s + fault.duration_s, fault.severity, fault.symptom)
        for fault in sorted(faults, key=lambda fault: fault.start_s)
    ]
    truth = pd.DataFrame(rows, columns=["fault", "start_s", "end_s", "severity", "symptom"])
    for position, name in enumerate(("start", "end"), start=1):
        times = pd.Timestamp(FIRST_DAY) + pd.to_timedelta(truth[f"{name}_s"].astype(float), unit="s")
        truth.insert(position, name, times)
    return truth

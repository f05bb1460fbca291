"""Days with incidents whose causes are hidden: what the metrics did is there to look at, the truth to compare with.

An incident is read from ratios, the half hour from its start over the half hour before it: a ratio of 1 says "as before",
whatever the hour and the size of the service.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from labsupport.world.clock import MINUTE_S, at
from labsupport.world.fault import Fault
from labsupport.world.faults import BadDeploy, ReplicaLost, RetryStorm, SlowDependency
from labsupport.world.service import Service
from labsupport.world.telemetry_faults import WrongUnits

if TYPE_CHECKING:
    import pandas as pd

METRICS = ("requests_per_s", "replicas", "utilisation", "cpu_percent", "latency_p95_ms", "error_rate")
CAUSES = ("SlowDependency", "ReplicaLost", "RetryStorm", "BadDeploy", "WrongUnits")
# The busy hours, so that each fault can be seen, and far enough apart for a calm half hour before each.
STARTS = ("11:30", "14:00", "16:30")
DURATION_S = 2400.0


@dataclass(frozen=True)
class IncidentDay:
    """A day of telemetry with incidents; `starts`: the times of day at which the pager rang, in order."""

    telemetry: "pd.DataFrame"
    starts: tuple[str, ...]
    _faults: tuple[Fault, ...] = field(repr=False)

    @property
    def ratios(self) -> "pd.DataFrame":
        """What each metric of `METRICS` did, one row an incident, named by its start (see `during_over_before`)."""
        import pandas as pd

        return pd.DataFrame({start: during_over_before(self.telemetry, start) for start in self.starts}).T

    def reveal(self) -> list[str]:
        """Return the names of the faults, in order of time."""
        return [type(fault).__name__ for fault in self._faults]


def incident_day(seed: int, *, service: Service | None = None) -> IncidentDay:
    """Simulate a Monday with three different hidden faults, drawn from the seed; `service`: the default one if not given."""
    faults = hidden_faults(seed)
    run = (service or Service()).with_faults(*faults).run(seed=seed)
    return IncidentDay(run.telemetry, STARTS, faults)


def hidden_faults(seed: int) -> tuple[Fault, ...]:
    """Return what `incident_day` hides: one fault of `CAUSES` for each of `STARTS`, none twice."""
    rng = np.random.default_rng([seed, 102])
    causes = rng.choice(CAUSES, size=len(STARTS), replace=False)
    return tuple(_fault(str(cause), at(start), rng) for cause, start in zip(causes, STARTS, strict=True))


def during_over_before(telemetry: "pd.DataFrame", start: str, minutes: int = 30) -> "pd.Series":
    """Return, for each metric of `METRICS`, its median in the `minutes` from `start` over that in the `minutes` before.

    `telemetry`: one day of rows, one a minute from midnight on; `start`: time of day, "HH:MM". An error rate of less than
    1 in 10,000 counts as that, so that the ratio stays finite. Raises ValueError when the day has no such minutes.
    """
    row = int(at(start) / MINUTE_S)
    if not (0 < minutes <= row and row + minutes <= len(telemetry)):
        raise ValueError(
            f"{minutes} minutes before and after {start} are not in these {len(telemetry)} rows; choose another start"
        )
    values = telemetry[list(METRICS)].assign(error_rate=telemetry["error_rate"].clip(lower=1e-4))
    return values.iloc[row : row + minutes].median() / values.iloc[row - minutes : row].median()


def _fault(cause: str, start_s: float, rng: np.random.Generator) -> Fault:
    if cause == "SlowDependency":
        return SlowDependency(start_s, DURATION_S, rng.uniform(1.2, 1.35))
    if cause == "ReplicaLost":
        return ReplicaLost(start_s, DURATION_S, int(rng.integers(1, 3)))
    if cause == "RetryStorm":
        return RetryStorm(start_s, DURATION_S, rng.uniform(0.25, 0.35))
    if cause == "BadDeploy":
        return BadDeploy(start_s, DURATION_S, rng.uniform(0.03, 0.15))
    return WrongUnits(start_s, DURATION_S)

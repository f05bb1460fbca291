"""What can go wrong with the telemetry alone: the service is well, the numbers that are reported are not."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labsupport.world.fault import Fault

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class WrongUnits(Fault):
    """A new exporter writes seconds into columns that are named milliseconds."""

    scale = "what the latencies are divided by"
    symptom = "all latencies fall by the same factor at once while utilisation and traffic stay"

    severity: float = 1000.0

    def report(self, telemetry: "pd.DataFrame", rng: np.random.Generator) -> "pd.DataFrame":
        spoiled = telemetry.copy()
        columns = [name for name in spoiled if str(name).startswith("latency_")]
        spoiled.loc[self._rows(spoiled), columns] /= self.severity
        return spoiled


@dataclass(frozen=True)
class ClockSkew(Fault):
    """A host's clock runs ahead, as after a lost time server or a wrong time zone."""

    scale = "seconds ahead"
    symptom = "time jumps ahead and back: a gap, then times that come twice; the daily curve is shifted"

    severity: float = 3600.0

    def report(self, telemetry: "pd.DataFrame", rng: np.random.Generator) -> "pd.DataFrame":
        import pandas as pd

        spoiled = telemetry.copy()
        spoiled.loc[self._rows(spoiled), "time"] += pd.Timedelta(seconds=self.severity)
        return spoiled


@dataclass(frozen=True)
class MissingTelemetry(Fault):
    """Scrapes fail: of some minutes nothing is known."""

    scale = "share of minutes lost (at most 1)"
    symptom = "rows without values; after joining or filling them in, flat lines or steps"

    severity: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.severity > 1:
            raise ValueError(
                f"MissingTelemetry needs a share of lost minutes, at most 1, as severity; got {self.severity}"
            )

    def report(self, telemetry: "pd.DataFrame", rng: np.random.Generator) -> "pd.DataFrame":
        spoiled = telemetry.copy()
        lost = self._rows(spoiled) & (rng.random(len(spoiled)) < self.severity)
        values = _values(spoiled)
        spoiled[values] = spoiled[values].astype(float)
        spoiled.loc[lost, values] = np.nan
        return spoiled


@dataclass(frozen=True)
class NoisyTelemetry(Fault):
    """A sampled or overloaded collector: every value is off by a random factor of mean 1."""

    scale = "standard deviation of the logarithm of the factor"
    symptom = "all values scatter around their true course; hourly means stay right"

    severity: float = 0.2

    def report(self, telemetry: "pd.DataFrame", rng: np.random.Generator) -> "pd.DataFrame":
        spoiled = telemetry.copy()
        rows, values = self._rows(spoiled), [name for name in _values(spoiled) if name != "replicas"]
        factors = np.exp(rng.normal(-(self.severity**2) / 2, self.severity, (int(rows.sum()), len(values))))
        spoiled[values] = spoiled[values].astype(float)
        spoiled.loc[rows, values] *= factors
        return spoiled


def _values(telemetry: "pd.DataFrame") -> list[str]:
    return [str(name) for name in telemetry if name not in ("time", "second")]

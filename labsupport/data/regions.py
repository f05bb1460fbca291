"""The service in three regions, each on its own clock: raw telemetry from which features are made."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labsupport.world import Burst, Service, Traffic
from labsupport.world.clock import DAY_S, HOUR_S

if TYPE_CHECKING:
    import pandas as pd

LOCAL_PEAK_HOUR = 15.0


@dataclass(frozen=True)
class Region:
    """Where the service runs: `utc_offset_h` hours ahead of UTC, `base_rps` requests per second of a mean weekday."""

    name: str
    utc_offset_h: int
    base_rps: float
    replicas: int


REGIONS = (Region("america", -5, 8, 2), Region("asia", 8, 16, 4), Region("europe", 1, 12, 3))


def mailings(days: int, per_day: float, rng: np.random.Generator) -> list[Burst]:
    """Draw mailings to all customers: they bring 1.2 to 1.7 times the traffic, rise over 40 minutes, last 90 to 150."""
    sent = np.sort(rng.uniform(0, days * DAY_S - 2 * HOUR_S, rng.poisson(days * per_day)))
    lengths, factors = rng.uniform(5400, 9000, len(sent)), rng.uniform(1.2, 1.7, len(sent))
    return [Burst(float(s), float(d), float(f), 2400.0) for s, d, f in zip(sent, lengths, factors, strict=True)]


def regional_telemetry(days: int = 5, *, seed: int = 0) -> "pd.DataFrame":
    """Return one row a minute and region, from Monday on: `region`, `time` (UTC, when the minute begins),
    `requests_per_s`, `replicas`, `utc_offset_h`; regions one after the other, each in order of time.

    Traffic peaks at 15:00 of each region's own clock; mailings come once a day on average, for each region apart.
    """
    import pandas as pd

    parts = []
    for number, region in enumerate(REGIONS):
        bursts = mailings(days, 1.0, np.random.default_rng([seed, number, 205]))
        traffic = Traffic(base_rps=region.base_rps, peak_hour=(LOCAL_PEAK_HOUR - region.utc_offset_h) % 24)
        service = Service(replicas=region.replicas, traffic=traffic.with_bursts(*bursts))
        part = service.run(days, seed=10 * seed + number).telemetry[["time", "requests_per_s", "replicas"]]
        part.insert(0, "region", region.name)
        parts.append(part.assign(utc_offset_h=region.utc_offset_h))
    return pd.concat(parts, ignore_index=True)

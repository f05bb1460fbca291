"""Two weeks of the course's service, recorded for 101.6: a check can't simulate 35 million requests in a second.

`python -m labsupport.lessons.cases.weeks_101` records them anew.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labsupport.arrays import FloatArray

FILE = Path(__file__).with_name("weeks_101.npz")
DAYS = 14
REPLICAS = 5
SLOW_MS = 400.0


class Weeks(NamedTuple):
    """One value a minute, (minutes,) each: requests per second, whether the p95 was above 400 ms, and the day from 0."""

    requests_per_s: FloatArray
    slow: NDArray[np.bool_]
    day: NDArray[np.int64]


@cache
def recorded() -> Weeks:
    """Return the two weeks that lesson 101 sees with SEED 0."""
    with np.load(FILE) as stored:
        requests, packed = stored["requests"], stored["slow"]
    slow = np.unpackbits(packed)[: len(requests)].astype(bool)
    return Weeks(requests / 60.0, slow, np.arange(len(requests)) // 1440)


def simulated(first_day: int = 0, days: int = DAYS) -> Weeks:
    """Simulate some of these days anew, with the lesson's service and its flash crowds."""
    from labsupport.world import Service, Traffic, flash_crowds

    traffic = Traffic().with_bursts(*flash_crowds(DAYS, per_day=3, seed=0))
    minutes = Service(replicas=REPLICAS, traffic=traffic).run(days, first_day=first_day, seed=0).telemetry
    slow = (minutes.latency_p95_ms > SLOW_MS).to_numpy()
    return Weeks(minutes.requests_per_s.to_numpy(), slow, first_day + np.arange(len(minutes)) // 1440)


if __name__ == "__main__":
    weeks = simulated()
    requests = np.round(60 * weeks.requests_per_s).astype(np.uint16)
    np.savez_compressed(FILE, requests=requests, slow=np.packbits(weeks.slow))

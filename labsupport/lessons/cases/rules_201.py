"""Loads for 201.2: one simulated day on which the replicas change every two hours, and what a rule makes of it."""

from collections.abc import Callable
from functools import cache

import numpy as np

from labsupport.arrays import FloatArray

LIMIT = 2.0  # points
REPLICAS = (4, 6, 3, 5, 8, 12, 7, 9, 11, 6, 10, 5)
EVERY = 7  # minutes: a rule is asked some 200 times


@cache
def day() -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return requests per second, replicas and CPU (percent of a replica) of every seventh minute: three of shape (m,)."""
    from labsupport.world import Service

    scaling = tuple((2 * 3600 * place, replicas) for place, replicas in enumerate(REPLICAS))
    telemetry = Service(scaling=scaling).run(days=1, seed=61).telemetry[::EVERY]
    columns = (telemetry[name].to_numpy(dtype=float) for name in ("requests_per_s", "replicas", "cpu_percent"))
    requests, replicas, cpu = columns
    return requests, replicas, cpu


def why(rule: Callable[[float, float], float], said: FloatArray) -> str:
    """Return what keeps a rule from the limit, found by asking it, or nothing."""
    requests, replicas, cpu = day()
    if np.ptp([rule(load, 6.0) for load in (20.0, 40.0, 60.0)]) == 0:
        return "the rule says the same for every traffic: `requests_per_s` is not looked at"
    if np.ptp([rule(45.0, count) for count in (3.0, 6.0, 12.0)]) == 0:
        return "the rule says the same for every number of replicas: `replicas` is not looked at"
    fine = [rule(load, 7.0) for load in np.arange(40.0, 44.0, 0.5)]
    if np.ptp(fine) == 0:
        return "the rule has steps: all loads within one get the same answer. Which sum, without any `if`, has the table's values?"
    parts = [rule(load, count) for count in (4.0, 8.0) for load in (20.0, 60.0)]
    if np.isclose(parts[1] - parts[0], parts[3] - parts[2]):
        return (
            "40 requests more cost the same on 4 replicas as on 8 in your rule: replicas share the traffic, so what does "
            "each of them get?"
        )
    off = said - cpu
    share = requests / replicas
    if np.isclose(rule(20.0, 4.0), rule(60.0, 12.0)):
        slope, _ = np.polyfit(share, off, 1)
        more = "too high" if off.mean() > 0 else "too low"
        if abs(slope) > 0.4:
            return (
                f"you divide, and each request costs too {'much' if slope > 0 else 'little'}: the table's means rise by how much "
                "from one traffic to the next, per request and replica?"
            )
        return f"you divide, and are {abs(off.mean()):.1f} points {more} on average: which number must be added?"
    return ""

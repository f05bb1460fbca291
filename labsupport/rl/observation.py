"""What an autoscaler sees of a service, and how a network is shown it: the same numbers in training and in the cluster.

This module and `labsupport.rl.exported` need NumPy only, and know nothing of training.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOW, HIGH = 2, 20  # fewest and most replicas
STEP_S = 30.0  # seconds between two decisions
DAY_S = 86400.0
CHANGES = (-2, -1, 0, 1, 2, 4)
"""What a policy may do: so many replicas more."""
NAMES = (
    "load", "ready", "starting", "spare", "shortage", "busy", "waiting",
    "day sin", "day cos", "hour sin", "hour cos", "2 x hour sin", "2 x hour cos",
)  # fmt: skip
"""The features, in order. A file of weights is of use only to who shows the same ones."""


@dataclass(frozen=True)
class Observation:
    """What telemetry shows of the last half minute, of one service (numbers) or of n (arrays, (n,)).

    `requests_per_s`: what came; `ready` and `starting`: replicas; `busy`: the ready ones' mean, 0 to 1; `waiting`:
    requests in the queue; `second`: of the day, UTC, now.
    """

    requests_per_s: Any
    ready: Any
    starting: Any
    busy: Any
    waiting: Any
    second: Any


def features(seen: Observation, service_s: float = 0.075) -> NDArray[np.float32]:
    """Return what a network is shown (n, features), all of a size of about 1; `service_s`: a replica's seconds a request."""
    shown = np.broadcast_arrays(*(np.atleast_1d(np.asarray(value, dtype=float)) for value in vars(seen).values()))
    rate, ready, starting, busy, waiting, second = shown
    needed = rate * service_s  # replicas that would be busy all the time
    day, hour = 2 * np.pi * second / DAY_S, 2 * np.pi * second / 3600
    return np.stack(
        [
            needed / 4 - 1,
            ready / 6 - 1,
            starting / 3,
            np.clip(needed / np.maximum(ready, 1) - 0.7, -1, 2),
            np.clip((needed / 0.7 - ready - starting) / 3, -2, 3),
            busy - 0.7,
            np.minimum(waiting / np.maximum(ready, 1) * service_s, 5) / 2,
            np.sin(day), np.cos(day), np.sin(hour), np.cos(hour), np.sin(2 * hour), np.cos(2 * hour),
        ],
        axis=1,
        dtype=np.float32,
    )  # fmt: skip


def wish(seen: Observation, action: Any) -> Any:
    """Return how many replicas an action, from 0 to len(CHANGES) - 1, asks for, within LOW and HIGH."""
    return np.clip(np.asarray(seen.ready) + seen.starting + np.asarray(CHANGES)[action], LOW, HIGH).astype(np.int64)

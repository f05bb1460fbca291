"""The same replicas before the exact queue, request by request: how far the environment's formula may be trusted."""

from typing import Any

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.rl.fleet import PATIENCE_S, PROMISE_S
from labsupport.rl.observation import STEP_S
from labsupport.world.queue import central_queue
from labsupport.world.service import Service
from labsupport.world.traffic import poisson_arrivals


def request_by_request(requests_per_s: Any, ready: Any, seed: int = 0) -> FloatArray:
    """Return how many of the requests that came in each step were late (steps,), by the world's exact simulation.

    `requests_per_s`, `ready` (steps,): the rate, from which arrivals are drawn anew, and the replicas that serve.
    """
    rate, replicas = np.asarray(requests_per_s, dtype=float), np.asarray(ready, dtype=int)
    edges = STEP_S * np.arange(len(rate) + 1)

    def of(seconds: FloatArray) -> FloatArray:
        found: FloatArray = rate[(seconds / STEP_S).astype(int)]
        return found

    arrivals = poisson_arrivals(of, 0.0, float(edges[-1]), seed=seed)
    services = Service().service.draw(len(arrivals), np.random.default_rng([seed, 1]))
    changed = np.flatnonzero(np.diff(replicas)) + 1
    changes = [(float(edges[at]), int(replicas[at])) for at in changed]
    run = central_queue(arrivals, services, int(replicas[0]), patience_s=PATIENCE_S, changes=changes)
    late = (run.latencies > PROMISE_S) | ~run.answered
    counts: FloatArray = np.histogram(arrivals[late], bins=edges)[0].astype(float)
    return counts

"""Replicas that take time to start, before one queue: many services at once, one step of half a minute at a time.

Within a step the queue is what theory says of its rate (M/M/c, `labsupport.world.theory`), and the excess of a rush is carried
over as a fluid. The exact simulation, request by request, is `labsupport.world.queue`; a test holds the two side by side.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.arrays import FloatArray
from labsupport.rl.observation import HIGH, LOW, STEP_S, Observation
from labsupport.world import theory
from labsupport.world.clock import DAY_S
from labsupport.world.service import Service

Counts = NDArray[np.int64]

SERVICE_S = Service().service.mean_s  # what a replica needs for a request
PATIENCE_S = Service().patience_s  # who has waited so long in the queue gives up
PROMISE_S = 0.5  # a request that takes longer is late, and so is one that gave up
START_STEPS = 4  # steps until a new replica serves: two minutes
# Within half a minute no queue reaches the waits that theory promises for a load of nearly 1: it is asked up to here.
STEADY = 0.96


@dataclass(frozen=True)
class Fleet:
    """The replicas and the queue of n services: `ready` (n,), `starting` (n, steps until a new one serves), the next to be ready first; `waiting` requests (n,)."""

    ready: Counts
    starting: Counts
    waiting: FloatArray

    @classmethod
    def of(cls, replicas: Any, n: int, start_steps: int = START_STEPS) -> "Fleet":
        """Return n services with so many replicas that are ready, and nobody waiting; new ones will take `start_steps`."""
        ready = np.broadcast_to(np.asarray(replicas, dtype=np.int64), (n,)).copy()
        return cls(ready, np.zeros((n, start_steps), dtype=np.int64), np.zeros(n))

    @property
    def total(self) -> Counts:
        """Replicas that are paid for (n,): ready or starting."""
        total: Counts = self.ready + self.starting.sum(axis=1)
        return total

    def ordered(self, replicas: Any) -> "Fleet":
        """Return the fleet half a minute later, with so many replicas (n,) ordered, within LOW and HIGH.

        Of too many, those that are furthest from ready go first, as a ReplicaSet does it.
        """
        ready, starting = self.ready + self.starting[:, 0], np.zeros_like(self.starting)
        starting[:, :-1] = self.starting[:, 1:]
        change = np.clip(np.asarray(replicas), LOW, HIGH).astype(np.int64) - ready - starting.sum(axis=1)
        surplus = np.maximum(-change, 0)
        if surplus.any():
            for place in reversed(range(starting.shape[1])):
                gone = np.minimum(starting[:, place], surplus)
                starting[:, place] -= gone
                surplus = surplus - gone
            ready = ready - surplus
        starting[:, -1] += np.maximum(change, 0)
        return Fleet(ready, starting, self.waiting)

    def served(self, requests_per_s: Any) -> tuple["Fleet", FloatArray]:
        """Return the fleet after a step in which requests came at a rate (n,), and how many of them were late (n,)."""
        rate = np.asarray(requests_per_s, dtype=float)
        can = self.ready / SERVICE_S
        after = np.clip(self.waiting + (rate - can) * STEP_S, 0, PATIENCE_S * can)
        middle = np.clip(self.waiting + (rate - can) * STEP_S / 2, 0, PATIENCE_S * can)
        late = np.zeros_like(rate)
        for queue, weight in ((self.waiting, 1 / 6), (middle, 4 / 6), (after, 1 / 6)):
            late += weight * late_share(rate, self.ready, queue / can)
        return Fleet(self.ready, self.starting, after), late * rate * STEP_S

    def shows(self, requests_per_s: Any, second: Any) -> Observation:
        """Return what telemetry shows of the step that has just passed; `second`: the world's clock at its end."""
        rate = np.asarray(requests_per_s, dtype=float)
        busy = np.where(self.waiting > 0, 1.0, np.minimum(rate * SERVICE_S / self.ready, 1.0))
        return Observation(
            rate, self.ready, self.total - self.ready, busy, self.waiting, np.asarray(second, dtype=float) % DAY_S
        )


def late_share(requests_per_s: FloatArray, ready: Counts, wait_s: FloatArray) -> FloatArray:
    """Return the share of requests (n,) that take longer than PROMISE_S, behind a queue of `wait_s` seconds (n,).

    The tail of M/M/c: who waits needs a wait, Exp(spare), and a service, Exp(1 / SERVICE_S).
    """
    finish = 1 / SERVICE_S
    load = np.minimum(requests_per_s * SERVICE_S / ready, STEADY)
    waits = _erlang_c(load, ready)
    spare = ready * finish * (1 - load)
    left = np.maximum(PROMISE_S - wait_s, 0)
    share = theory.tail(left, waits, spare, finish)
    return np.where(wait_s >= PROMISE_S, 1.0, share)


def _erlang_c(load: FloatArray, ready: Counts) -> FloatArray:
    """Return the probability of waiting (n,) at a `load` per replica (n,), read off a table between its points."""
    table = _table()
    at = load * (table.shape[1] - 1)
    below = at.astype(np.int64)
    part = at - below
    found: FloatArray = table[ready, below] * (1 - part) + table[ready, below + 1] * part
    return found


@cache
def _table(points: int = 1001) -> FloatArray:
    """Return Erlang's C for 0 to HIGH replicas and loads from 0 to 1 (HIGH + 1, points)."""
    loads = np.linspace(0, 1, points)
    rows = [np.ones(points)] + [np.asarray(theory.erlang_c(loads * count, count)) for count in range(1, HIGH + 1)]
    return np.array(rows)

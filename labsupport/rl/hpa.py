"""Rules that scale a service: a fixed number, a timetable, and Kubernetes' HorizontalPodAutoscaler, also with a look at the timetable.

Source: kubernetes/kubernetes, pkg/controller/podautoscaler (replica_calculator.go, horizontal.go), version 1.33; its defaults are
a tolerance of 0.1, a downscale window of 300 s, and growth by 4 replicas or to the double in 15 s, whichever is more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.rl.fleet import SERVICE_S, Counts
from labsupport.rl.observation import HIGH, LOW, STEP_S, Observation

Decide = Callable[[Observation], Any]
"""From what n services show to how many replicas each should have (n,)."""


class Controller(Protocol):
    """Who scales. `start` returns a decision maker that remembers nothing of former days."""

    def start(self) -> Decide:
        """Begin a day."""


@dataclass(frozen=True)
class Fixed:
    """As many replicas as ever."""

    replicas: int

    def start(self) -> Decide:
        """Begin a day."""
        return lambda seen: np.full(np.shape(seen.ready), self.replicas)


@dataclass(frozen=True)
class Profile:
    """What is usual at each step of the day: `usual` (steps,) requests per second."""

    usual: FloatArray

    @classmethod
    def of(cls, days: FloatArray) -> "Profile":
        """Learn from days (days, steps); the median does not mind a crowd on one of them."""
        return cls(np.median(days, axis=0))

    def highest(self, second: Any, lead_s: float) -> FloatArray:
        """Return the highest usual rate from each second of the day until `lead_s` later."""
        steps = np.arange(int(lead_s / STEP_S) + 1)
        at = (np.asarray(second) / STEP_S).astype(np.int64)
        found: FloatArray = self.usual[(at[..., None] + steps) % len(self.usual)].max(axis=-1)
        return found

    def rise(self, second: Any, lead_s: float) -> FloatArray:
        """Return by what factor the rate usually rises within `lead_s` from each second; 1 where it does not."""
        at = (np.asarray(second) / STEP_S).astype(np.int64)
        return np.maximum(self.highest(second, lead_s) / self.usual[(at - 1) % len(self.usual)], 1)


@dataclass(frozen=True)
class Timetable:
    """Replicas by the time of day, for the usual rate at a load of `target` (0 to 1), `lead_s` seconds before it is needed."""

    profile: Profile
    target: float = 0.7
    lead_s: float = 150.0

    def start(self) -> Decide:
        """Begin a day."""

        def decide(seen: Observation) -> Any:
            needed = self.profile.highest(seen.second, self.lead_s) * SERVICE_S
            return np.broadcast_to(np.ceil(needed / self.target), np.shape(seen.ready))

        return decide


@dataclass(frozen=True)
class HPA:
    """A HorizontalPodAutoscaler, asked every half minute.

    `target`: load per ready replica, 0 to 1; `tolerance`: it does nothing while load / target is this near to 1; `window_s`: it
    shrinks only to the largest number that it wished for in so many seconds; `metric`: "busy" is CPU, which can't exceed 1,
    "requests" is requests per second and replica, as a share of what a replica can do. With a `profile`, it counts with what
    usually comes within `lead_s` seconds, as with a scheduled scaler beside it.
    """

    target: float = 0.7
    tolerance: float = 0.1
    window_s: float = 300.0
    metric: Literal["busy", "requests"] = "busy"
    profile: Profile | None = None
    lead_s: float = 150.0

    def start(self) -> Decide:
        """Begin a day."""
        wishes: list[Counts] = []

        def decide(seen: Observation) -> Counts:
            wishes.append(self.wish(seen))
            del wishes[: -int(self.window_s / STEP_S) - 1]
            now = np.asarray(seen.ready) + seen.starting
            # Up at once, down to the largest wish of the window, and never up because of an old wish.
            held: Counts = np.maximum(wishes[-1], np.minimum(now, np.max(wishes, axis=0)))
            return held

        return decide

    def load(self, seen: Observation) -> Any:
        """Return the load of the ready replicas (n,), by the metric, and with a profile as it will be soon."""
        load = (
            seen.busy if self.metric == "busy" else np.asarray(seen.requests_per_s) * SERVICE_S / np.asarray(seen.ready)
        )
        return load if self.profile is None else load * self.profile.rise(seen.second, self.lead_s)

    def wish(self, seen: Observation) -> Counts:
        """Return how many replicas it wants (n,), before the window: the rule of three on the load of the ready ones."""
        ready, now = np.asarray(seen.ready), np.asarray(seen.ready) + seen.starting
        ratio = self.load(seen) / self.target
        # Replicas that start count as idle when more are wanted; if they are enough by that, nothing happens.
        with_starting = np.where((ratio > 1) & (now > ready), ratio * ready / now, ratio)
        wanted = np.ceil(ratio * ready - 1e-9)
        still = (np.abs(with_starting - 1) <= self.tolerance) | ((ratio > 1) & (with_starting < 1))
        wanted = np.where(still, now, wanted)
        limited: Counts = np.clip(np.minimum(wanted, np.maximum(2 * now, now + 4)), LOW, HIGH).astype(np.int64)
        return limited

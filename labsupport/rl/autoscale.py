"""Scaling a service as a task to learn: a price list, rewards, and the environment in both of its forms.

`Autoscaling` steps many services at once, for training; `AutoscalingEnv` is one of them behind Gymnasium's interface.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from labsupport.arrays import FloatArray
from labsupport.rl.days import STEPS_A_DAY
from labsupport.rl.environments import Step
from labsupport.rl.fleet import SERVICE_S, Counts, Fleet
from labsupport.rl.observation import CHANGES, HIGH, LOW, NAMES, STEP_S, Observation, features, wish
from labsupport.world.clock import HOUR_S

INCIDENT = 0.05
"""A step of which a larger share of the requests was late is part of an incident."""


@dataclass(frozen=True)
class Prices:
    """What a decision costs, in euros."""

    replica_hour: float = 0.10  # a replica, ready or starting, for an hour
    thousand_late: float = 0.20  # a thousand requests that were late or gave up

    def bill(self, replicas: Any, late: Any) -> FloatArray:
        """Return the euros of a step with so many replicas (n,) and late requests (n,)."""
        hours = np.asarray(replicas) * (STEP_S / HOUR_S)
        euros: FloatArray = self.replica_hour * hours + self.thousand_late * np.asarray(late) / 1000
        return euros


PRICES = Prices()


@dataclass(frozen=True)
class Outcome:
    """What a step brought to n services, all (n,): `replicas` that are paid for, `requests` that came and that were `late`.

    `before` and `after`: whether the step before this one was part of an incident, and whether this one is.
    """

    replicas: Counts
    requests: FloatArray
    late: FloatArray
    before: NDArray[np.bool_]
    after: NDArray[np.bool_]

    @property
    def euros(self) -> FloatArray:
        """The bill of the step (n,)."""
        return PRICES.bill(self.replicas, self.late)


Reward = Callable[[Outcome], FloatArray]
USUAL_CENTS = 0.8  # about what a step costs with the best fixed number of replicas


def cents_saved(outcome: Outcome) -> FloatArray:
    """Return the cents that a step (n,) cost less than usual. The constant changes no decision; it helps the critic."""
    return USUAL_CENTS - 100 * outcome.euros


def clockless(seen: Observation) -> Observation:
    """Return what is seen by a clock that stands still at half past twelve: it tells nobody the time."""
    return replace(seen, second=45_000.0)


class Autoscaling:
    """n services to scale at once, each for some hours of some day of (days, STEPS_A_DAY) requests per second.

    An action is a place in CHANGES. Episodes end because the time is up, never by what the policy did. Without a `clock`,
    observations are the same at any time of the day.
    """

    actions = len(CHANGES)

    def __init__(
        self,
        days: FloatArray,
        n: int,
        seed: int,
        hours: float = 4.0,
        reward: Reward = cents_saved,
        clock: bool = True,
    ) -> None:
        if n < 1 or not 0 < hours <= 24:
            raise ValueError(f"n is 1 or more, and hours are above 0, at most 24; got {n} and {hours}")
        self.n, self.days, self.reward, self.clock = n, days, reward, clock
        self.limit = min(int(hours * HOUR_S / STEP_S), STEPS_A_DAY - 1)
        self.finished: list[float] = []
        self._rng = np.random.default_rng(seed)
        self._day, self._at, self._end = (np.zeros(n, dtype=np.int64) for _ in range(3))
        self._return, self._incident = np.zeros(n), np.zeros(n, dtype=bool)
        self.fleet = Fleet.of(LOW, n)
        self.begin(np.ones(n, dtype=bool))
        self.outcome: Outcome | None = None

    def begin(self, which: NDArray[np.bool_], day: Any = None, step: Any = None) -> None:
        """Let some services (n,) begin anew: anywhere, or at a step of a day, with replicas for the traffic there.

        An episode ends with its day. Raises ValueError for a step after which the day has none.
        """
        if step is not None and not 0 <= step < STEPS_A_DAY - 1:
            raise ValueError(f"an episode begins at a step from 0 to {STEPS_A_DAY - 2}; got {step}")
        count = int(which.sum())
        self._day[which] = self._rng.integers(len(self.days), size=count) if day is None else day
        self._at[which] = self._rng.integers(STEPS_A_DAY - self.limit, size=count) if step is None else step
        self._end[which] = np.minimum(self._at[which] + self.limit, STEPS_A_DAY - 1)
        rate = self.days[self._day, self._at]
        fresh = Fleet.of(np.clip(np.ceil(rate * SERVICE_S / 0.7), LOW, HIGH), self.n)
        old = self.fleet
        self.fleet = Fleet(
            np.where(which, fresh.ready, old.ready),
            np.where(which[:, None], fresh.starting, old.starting),
            np.where(which, fresh.waiting, old.waiting),
        )
        self._return[which], self._incident[which] = 0, False
        self.seen = self.fleet.shows(rate, (self._at + 1) * STEP_S)
        self.observations = self._shown()

    def step(self, actions: NDArray[np.integer[Any]]) -> Step:
        """Let each service order replicas, and half a minute pass: `actions` (n,) are places in CHANGES."""
        self._at += 1
        rate = self.days[self._day, self._at]
        fleet = self.fleet.ordered(wish(self.seen, actions))
        self.fleet, late = fleet.served(rate)
        incident = late > INCIDENT * rate * STEP_S
        self.outcome = Outcome(fleet.total, rate * STEP_S, late, self._incident, incident)
        rewards = self.reward(self.outcome)
        self._incident = incident
        self._return = self._return + rewards
        self.seen = self.fleet.shows(rate, (self._at + 1) * STEP_S)
        last = self._shown()
        self.observations = last
        truncated = self._at >= self._end
        if truncated.any():
            self.finished += self._return[truncated].tolist()
            self.begin(truncated)
        return Step(rewards, np.zeros(self.n, dtype=bool), truncated, last)

    def _shown(self) -> Any:
        return features(self.seen if self.clock else clockless(self.seen), SERVICE_S)


class AutoscalingEnv(gymnasium.Env[NDArray[np.float32], np.int64]):
    """One service to scale, as Gymnasium wants it: `reset(options={"day": 3, "step": 960})` begins where you say."""

    metadata = {"render_modes": []}

    def __init__(self, days: FloatArray, hours: float = 4.0, reward: Reward = cents_saved) -> None:
        self._days, self._hours, self._reward = days, hours, reward
        self.action_space = gymnasium.spaces.Discrete(len(CHANGES))
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (len(NAMES),), np.float32)
        self._services: Autoscaling | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode: anywhere, or at a "day" and "step" of the options."""
        super().reset(seed=seed)
        self._services = Autoscaling(self._days, 1, int(self.np_random.integers(2**31)), self._hours, self._reward)
        if options:
            self._services.begin(np.ones(1, dtype=bool), options.get("day"), options.get("step"))
        return self._services.observations[0], {}

    def step(self, action: np.int64) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Order replicas, and let half a minute pass."""
        if self._services is None:
            raise gymnasium.error.ResetNeeded("call reset() before the first step()")
        done = self._services.step(np.array([action]))
        outcome = self._services.outcome
        assert outcome is not None
        info = {"euros": float(outcome.euros[0]), "late": float(outcome.late[0]), "replicas": int(outcome.replicas[0])}
        return done.last[0], float(done.rewards[0]), False, bool(done.truncated[0]), info

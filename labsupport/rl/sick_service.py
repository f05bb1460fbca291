"""A service that leaks memory, minute by minute, as a Gymnasium environment small enough to be solved exactly."""

from bisect import bisect
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import gymnasium as gym
import numpy as np

from labsupport.arrays import FloatArray

WAIT, RESTART, SCALE = range(3)
ACTIONS = ("wait", "restart", "scale")


@dataclass(frozen=True)
class Facts:
    """How the service behaves; a batch is what a healthy replica serves in half a minute.

    Each minute some batches arrive, a replica serves up to `quick` of them, or `slow` from memory level `full` on, and
    the memory grows by a level with probability `leak`. At the highest level it is killed: it serves nothing in this minute and begins
    anew. A restart does the same, on purpose. Scaling lends a second replica for one minute. What does not fit into
    the queue pages somebody, who takes over.
    """

    arrivals: tuple[float, ...] = (0.25, 0.30, 0.30, 0.15)  # probability of 0, 1, 2, 3 batches in a minute
    leak: float = 0.2  # probability that the memory grows by one level in a minute
    levels: int = 6  # memory levels, 0 to 5
    full: int = 3  # from this level on, serving is slow
    quick: int = 2  # batches a minute below `full`
    slow: int = 1  # batches a minute from `full` on
    lent: int = 2  # batches a minute that the second replica serves
    places: int = 7  # batches that can wait
    per_waiting: float = 1.0  # cost of a batch that waits, a minute
    per_restart: float = 8.0  # cost of a restart: connections are cut
    per_scale: float = 4.0  # cost of the second replica, a minute
    per_kill: float = 10.0  # cost of being killed: requests in work are lost
    per_page: float = 100.0  # cost of a page


class SickService(gym.Env[int, int]):
    """Observe memory and queue as one number, `memory * 8 + waiting`; act: 0 wait, 1 restart, 2 scale; rewards are minus the costs.

    An episode terminates with a page and is truncated after `minutes`. Raises ValueError for minutes below 1.
    """

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(self, minutes: int = 60, facts: Facts | None = None) -> None:
        if minutes < 1:
            raise ValueError(f"an episode has a minute or more; got {minutes}")
        self.minutes, self.facts = minutes, facts or Facts()
        self.width = self.facts.places + 1
        self.observation_space: Any = gym.spaces.Discrete(self.facts.levels * self.width)
        self.action_space: Any = gym.spaces.Discrete(len(ACTIONS))
        self._now: int | None = None
        self._minute = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Take the service over with an empty queue, at any memory level; `options={"state": 0}` names the state instead."""
        super().reset(seed=seed)
        drawn = int(self.np_random.integers(self.facts.levels)) * self.width
        self._now, self._minute = (options or {}).get("state", drawn), 0
        return self._now, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """Live through one minute; raises RuntimeError before a reset and after the end of an episode."""
        if self._now is None:
            raise RuntimeError("the episode has ended, or none has begun: call reset() first")
        if action not in (WAIT, RESTART, SCALE):
            raise ValueError(f"actions are 0, 1 and 2; got {action!r}")
        drawn = self._ways[self._now][action]
        _, self._now, reward, paged = drawn[1][bisect(drawn[0], self.np_random.random())]
        after = self._now
        self._minute += 1
        truncated = not paged and self._minute >= self.minutes
        if paged or truncated:
            self._now = None
        return after, reward, paged, truncated, {}

    def outcomes(self, state: int, action: int) -> list[tuple[float, int, float, bool]]:
        """Return all that can follow: (probability, next state, reward, whether somebody is paged)."""
        facts = self.facts
        memory, waiting = divmod(state, self.width)
        killed = memory == facts.levels - 1 and action != RESTART
        served = 0 if killed or action == RESTART else facts.slow if memory >= facts.full else facts.quick
        served += facts.lent if action == SCALE else 0
        cost = (0.0, facts.per_restart, facts.per_scale)[action] + facts.per_kill * killed
        grown = [(1.0, 0)] if killed or action == RESTART else [(1 - facts.leak, memory), (facts.leak, memory + 1)]
        found = []
        for arrived, chance in enumerate(facts.arrivals):
            left = max(0, waiting + arrived - served)
            paged, left = left > facts.places, min(left, facts.places)
            reward = -(cost + facts.per_waiting * left + facts.per_page * paged)
            found += [(chance * share, level * self.width + left, reward, paged) for share, level in grown]
        return found

    def model(self) -> tuple[FloatArray, FloatArray]:
        """Return (P, R): P (states, actions, states) the chance to go on in each state, R (states, actions) the mean reward.

        A page ends the episode: what a row of P lacks to 1 is its chance.
        """
        states, actions = int(self.observation_space.n), int(self.action_space.n)
        P, R = np.zeros((states, actions, states)), np.zeros((states, actions))
        for state in range(states):
            for action in range(actions):
                for chance, after, reward, paged in self.outcomes(state, action):
                    P[state, action, after] += chance * (not paged)
                    R[state, action] += chance * reward
        return P, R

    @cached_property
    def _ways(self) -> list[list[tuple[list[float], list[tuple[float, int, float, bool]]]]]:
        """Of each state and action: cumulated chances, and what follows."""
        return [
            [
                (list(accumulate(way[0] for way in ways))[:-1], ways)
                for ways in (self.outcomes(state, action) for action in range(len(ACTIONS)))
            ]
            for state in range(int(self.observation_space.n))
        ]

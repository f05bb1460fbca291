"""What an algorithm asks of an environment: many copies that step together, each begun afresh where its episode ended."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from labsupport.arrays import FloatArray


@dataclass(frozen=True)
class Step:
    """What one step of n copies brought.

    `rewards` (n,); `terminated` (n,): the task itself ended; `truncated` (n,): only the time was up; `last` (n, k): the
    observations after the step, before ended episodes began afresh.
    """

    rewards: FloatArray
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    last: FloatArray


class Environment(Protocol):
    """n copies of one task; `finished` holds the return of each episode that ended, in order."""

    n: int
    actions: int
    observations: FloatArray
    """What each copy shows now (n, k): after `step`, ended episodes have begun afresh."""
    finished: list[float]

    def step(self, actions: NDArray[np.integer[Any]]) -> Step:
        """Let each copy do its action (n,), from 0 to `actions` - 1."""


class Gymnasium:
    """Any Gymnasium environment with a vector of observations and numbered actions, n copies in this process."""

    def __init__(self, name: str, n: int, seed: int) -> None:
        import gymnasium as gym

        self._copies = gym.make_vec(
            name, n, vectorization_mode="sync", vector_kwargs={"autoreset_mode": gym.vector.AutoresetMode.SAME_STEP}
        )
        space = self._copies.single_action_space
        if not isinstance(space, gym.spaces.Discrete):
            raise ValueError(f"{name} does not number its actions: it has {space}")
        self.n, self.actions = n, int(space.n)
        self.observations, _ = self._copies.reset(seed=seed)
        self.finished: list[float] = []
        self._so_far = np.zeros(n)

    def step(self, actions: NDArray[np.integer[Any]]) -> Step:
        """Let each copy do its action (n,)."""
        self.observations, rewards, terminated, truncated, info = self._copies.step(actions)
        last, ended = self.observations, terminated | truncated
        self._so_far += rewards
        if ended.any():
            last = last.copy()
            last[ended] = np.stack(info["final_obs"][ended])
            self.finished += self._so_far[ended].tolist()
            self._so_far[ended] = 0
        return Step(rewards, terminated, truncated, last)

    def close(self) -> None:
        """Give back what the copies hold."""
        self._copies.close()

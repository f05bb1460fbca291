"""Writing as an environment: an action is a word, an episode a sentence, and the reward comes with the last word.

So the learners of lesson 402 can write, too, without a change.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.arrays import FloatArray
from labsupport.rl.environments import Step
from labsupport.rl.grpo import Prompts, Reward
from labsupport.rl.sequences import Writer


class Writing:
    """n sentences at once, each for a task of its own, all of one length: they end, and begin anew, together."""

    def __init__(self, writer: Writer, prompts: Prompts, reward: Reward, n: int, seed: int) -> None:
        self.n, self.actions = n, writer.words
        self.finished: list[float] = []
        self._writer, self._prompts, self._reward = writer, prompts, reward
        self._rng = np.random.default_rng(seed)
        self._begin()

    def _begin(self) -> None:
        self._tasks, self._features = self._prompts(self.n, self._rng)
        self._written = np.zeros((self.n, 0), dtype=np.int64)
        self.observations: FloatArray = self._writer.sees(self._features, 0).astype(float)

    def step(self, actions: NDArray[np.integer[Any]]) -> Step:
        """Write the next word (n,) of each sentence."""
        self._written = np.column_stack([self._written, actions])
        place = self._written.shape[1]
        over = np.full(self.n, place == self._writer.length)
        if not over[0]:
            self.observations = self._writer.sees(self._features, place, actions).astype(float)
            return Step(np.zeros(self.n), over, ~over & over, self.observations)
        rewards = np.asarray(self._reward(self._tasks, self._written), dtype=float)
        self.finished += rewards.tolist()
        last = self.observations
        self._begin()
        return Step(rewards, over, ~over, last)

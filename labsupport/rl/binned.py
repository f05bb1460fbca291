"""Observations of several numbers as one number: each is put into a bin, and the bins are counted through."""

from bisect import bisect
from collections.abc import Sequence
from math import prod
from typing import Any

import gymnasium as gym


class Binned(gym.ObservationWrapper[int, Any, Any]):
    """An environment whose observations (k,) become a state's number from 0.

    `edges`: of each of the k numbers the rising edges between its bins; none, and the number is not looked at. Raises
    ValueError for edges that do not fit the observations, or do not rise.
    """

    def __init__(self, env: gym.Env[Any, Any], edges: Sequence[Sequence[float]]) -> None:
        super().__init__(env)
        self.edges = [[float(edge) for edge in one] for one in edges]
        if env.observation_space.shape != (len(self.edges),):
            raise ValueError(f"observations of shape {env.observation_space.shape} need as many lists of edges; got {len(self.edges)}")  # fmt: skip
        if any(high <= low for one in self.edges for low, high in zip(one, one[1:], strict=False)):
            raise ValueError(f"the edges of a number rise; got {self.edges}")
        self.states = prod(len(one) + 1 for one in self.edges)
        self.observation_space: Any = gym.spaces.Discrete(self.states)

    def observation(self, observation: Any) -> int:
        """Return the number of the bins that an observation falls into."""
        state = 0
        for value, edges in zip(observation, self.edges, strict=True):
            state = state * (len(edges) + 1) + bisect(edges, value)
        return state

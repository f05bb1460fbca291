"""Bins: each observation has one number, each number is reached, and an edge belongs to the bin above it."""

import gymnasium as gym
import numpy as np
import pytest

from labsupport.rl.binned import Binned

EDGES = [[-1.0, 1.0], [], [0.0], [-0.5, 0.0, 0.5]]


def binned() -> Binned:
    return Binned(gym.make("CartPole-v1"), EDGES)


def test_the_bins_are_counted_through() -> None:
    env = binned()
    assert env.states == 3 * 1 * 2 * 4
    middles = [(-2.0, 0.0, 2.0), (7.0,), (-1.0, 1.0), (-1.0, -0.2, 0.2, 1.0)]
    states = [
        env.observation(np.array(one)) for one in np.stack(np.meshgrid(*middles, indexing="ij"), -1).reshape(-1, 4)
    ]
    assert states == list(range(24))


def test_an_edge_belongs_to_the_bin_above_it() -> None:
    env = binned()
    assert env.observation(np.array([0, 0, 0.0, -9])) == env.observation(np.array([0, 0, 0.1, -9]))


def test_reset_and_step_show_numbers() -> None:
    env = binned()
    state, _ = env.reset(seed=0)
    after, *_ = env.step(1)
    assert isinstance(state, int) and isinstance(after, int) and 0 <= state < 24


@pytest.mark.parametrize("edges", [EDGES[:3], [[1.0, 1.0], [], [], []], [[1.0, -1.0], [], [], []]])
def test_edges_that_do_not_fit_are_refused(edges: list) -> None:
    with pytest.raises(ValueError, match="observations of shape|rise"):
        Binned(gym.make("CartPole-v1"), edges)

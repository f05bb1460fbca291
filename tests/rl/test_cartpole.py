"""The poles move like Gymnasium's, begin afresh when they fall, and say whether they fell or the time was up."""

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.classic_control.cartpole import CartPoleEnv

from labsupport.rl.cartpole import LIMIT, CartPole, has_fallen, move
from labsupport.rl.contest import simple_rule


@pytest.mark.parametrize("player", ["at random", "by the rule"])
def test_poles_move_like_gymnasiums_to_1e_12(player: str) -> None:
    rng, real = np.random.default_rng(1), gymnasium.make("CartPole-v1")
    task = real.unwrapped
    assert isinstance(task, CartPoleEnv)
    for seed in range(20):
        real.reset(seed=seed)
        ours, steps, ended = np.array(task.state)[None], 0, False
        while not ended:
            action = int(rng.integers(2)) if player == "at random" else int(simple_rule(ours)[0])
            *_, terminated, truncated, _ = real.step(action)
            ours, steps = move(ours, [action]), steps + 1
            assert np.abs(ours[0] - np.asarray(task.state)).max() < 1e-12
            assert terminated == has_fallen(ours)[0]
            ended = bool(terminated or truncated)
        assert steps <= LIMIT


def test_many_poles_are_as_many_single_ones() -> None:
    rng = np.random.default_rng(2)
    states, actions = rng.normal(size=(50, 4)), rng.integers(2, size=50)
    one_by_one = np.concatenate([move(state[None], [action]) for state, action in zip(states, actions, strict=True)])
    assert np.allclose(move(states, actions), one_by_one, rtol=0, atol=1e-14)


def test_a_fallen_pole_begins_afresh_and_shows_where_it_fell() -> None:
    poles = CartPole(3, seed=0)
    for _ in range(30):
        before = poles.observations
        step = poles.step(np.array([1, 1, 0]))
        assert np.allclose(step.last, move(before, [1, 1, 0]))
        assert (np.abs(poles.observations[step.terminated]) <= 0.05).all()
        assert np.array_equal(poles.observations[~step.terminated], step.last[~step.terminated])
        assert not step.truncated.any()
    assert len(poles.finished) >= 6
    assert all(7 < length < 13 for length in poles.finished)


def test_who_stands_at_the_limit_is_truncated_and_not_terminated() -> None:
    poles = CartPole(2, seed=0, limit=4)
    ends = [poles.step(np.array([0, 1])) for _ in range(4)]
    assert [step.truncated.tolist() for step in ends] == [[False] * 2] * 3 + [[True] * 2]
    assert not ends[-1].terminated.any()
    assert poles.finished == [4, 4]


def test_the_seed_decides_all_starts() -> None:
    one, same, other = CartPole(4, 1), CartPole(4, 1), CartPole(4, 2)
    assert np.array_equal(one.observations, same.observations)
    assert not np.array_equal(one.observations, other.observations)


@pytest.mark.parametrize("bad", [{"n": 0}, {"n": 1, "limit": 0}])
def test_there_is_at_least_one_pole_and_one_step(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        CartPole(seed=0, **bad)

"""PPO: advantages by hand, a gradient by finite differences, an update that changes nothing, and a pole that stands."""

from dataclasses import replace

import numpy as np
import pytest

from labsupport.rl import ppo
from labsupport.rl.cartpole import CartPole
from labsupport.rl.contest import run_ppo
from labsupport.rl.environments import Gymnasium
from labsupport.rl.policies import forward, log_softmax

SMALL = ppo.Settings(hidden=(8, 8), steps=16, normalise=False)


def setting(settings: ppo.Settings = SMALL, seed: int = 0) -> tuple[ppo.Learner, ppo.Rollout]:
    """Return a learner in doubles, and rows that it has played."""
    rng = np.random.default_rng(seed)
    learner = ppo.new_learner(4, 2, settings, rng)
    learner = replace(learner, weights=rng.normal(0, 0.5, learner.weights.shape))
    return learner, ppo.collect(learner, CartPole(8, seed), settings, rng).flat()


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


def truths(*values: int) -> np.ndarray:
    return np.array(values, dtype=bool)[:, None]


def test_advantages_without_a_trace_are_the_surprises() -> None:
    found = ppo.advantages(column(1, 1), column(5, 7), column(7, 9), truths(0, 0), truths(0, 0), 0.5, 0.0)
    assert found.ravel().tolist() == [1 + 3.5 - 5, 1 + 4.5 - 7]


def test_advantages_with_a_full_trace_are_returns_minus_values() -> None:
    rewards, values = np.array([1.0, 2, 3, 4]), np.array([9.0, 8, 7, 6])
    found = ppo.advantages(
        column(*rewards), column(*values), column(8, 7, 6, 99), truths(0, 0, 0, 1), truths(0, 0, 0, 0), 0.9, 1.0
    )
    later = [sum(0.9 ** (k - t) * rewards[k] for k in range(t, 4)) for t in range(4)]
    assert np.allclose(found.ravel(), later - values)


def test_whole_rewards_and_values_are_traced_as_others_are() -> None:
    rewards, zero, no = np.array([[0], [1]]), np.zeros((2, 1), dtype=int), truths(0, 0)
    assert ppo.advantages(rewards, zero, zero, no, no, 1, 0.5).ravel().tolist() == [0.5, 1]


def test_a_terminated_row_has_no_future_and_a_truncated_one_has() -> None:
    fell = ppo.advantages(column(1), column(5), column(9), truths(1), truths(0), 0.5, 0.9)
    cut = ppo.advantages(column(1), column(5), column(9), truths(0), truths(1), 0.5, 0.9)
    assert (fell.item(), cut.item()) == (1 - 5, 1 + 4.5 - 5)


@pytest.mark.parametrize("end", ["terminated", "truncated"])
def test_no_surprise_comes_back_from_the_next_episode(end: str) -> None:
    ends = {"terminated": truths(0, 0), "truncated": truths(0, 0), end: truths(1, 0)}
    one, other = (
        ppo.advantages(column(1, reward), column(5, 5), column(5, 5), discount=0.9, trace=0.9, **ends)
        for reward in (0, 1000)
    )
    assert one[0] == other[0]


@pytest.mark.parametrize("settings", [SMALL, replace(SMALL, entropy=0.05), replace(SMALL, clip=np.inf)])
def test_the_gradient_is_that_of_finite_differences(settings: ppo.Settings) -> None:
    learner, rows = setting(settings)
    rng = np.random.default_rng(1)
    elsewhere = learner.weights + rng.normal(0, 0.05, learner.weights.shape)

    def loss(weights: np.ndarray) -> float:
        policy, critic = learner.parts(weights)
        log_p = log_softmax(forward(policy, rows.observations)[0])
        ratio = np.exp(log_p[np.arange(len(log_p)), rows.actions] - rows.log_probabilities)
        clipped = np.clip(ratio, 1 - settings.clip, 1 + settings.clip)
        smaller = np.minimum(ratio * rows.advantages, clipped * rows.advantages)
        entropy = -(np.exp(log_p) * log_p).sum(axis=1)
        error = (forward(critic, rows.observations)[0][:, 0] - rows.targets) ** 2
        return float(-smaller.mean() - settings.entropy * entropy.mean() + settings.value * error.mean())

    found = ppo.gradient(learner, elsewhere, rows, settings, settings.clip)
    for at in rng.choice(len(elsewhere), 60, replace=False):
        nudge = np.zeros(len(elsewhere))
        nudge[at] = 1e-5
        slope = (loss(elsewhere + nudge) - loss(elsewhere - nudge)) / 2e-5
        assert abs(slope - found[at]) < 1e-6 * np.abs(found).max()


def test_normalised_advantages_may_be_in_any_unit() -> None:
    settings = replace(SMALL, normalise=True)
    learner, rows = setting(settings)
    scaled = replace(rows, advantages=1000 * rows.advantages + 7)
    one, other = (ppo.gradient(learner, learner.weights, each, settings, 0.2) for each in (rows, scaled))
    assert np.allclose(one, other, atol=1e-5)


def test_an_update_changes_nothing_that_it_is_given_and_repeats_itself() -> None:
    learner, rows = setting()
    weights, advantages = learner.weights.copy(), rows.advantages.copy()
    orders = [np.arange(len(rows.actions))] * 2
    one, other = (ppo.update(learner, rows, orders, SMALL) for _ in range(2))
    assert np.array_equal(one.weights, other.weights)
    assert not np.array_equal(one.weights, weights)
    assert np.array_equal(learner.weights, weights)
    assert np.array_equal(rows.advantages, advantages)
    assert (learner.memory.moves, one.memory.moves) == (0, 2)


def test_the_clip_keeps_the_policy_near() -> None:
    runs = {clip: run_ppo(0, replace(ppo.Settings(), clip=clip), updates=8).gauges for clip in (0.2, np.inf)}
    assert runs[np.inf].kl.mean() > 3 * runs[0.2].kl.mean()
    assert (runs[np.inf].clipped == 0).all()


def test_training_repeats_itself_for_a_seed() -> None:
    one, same, other = (run_ppo(seed, updates=3) for seed in (4, 4, 5))
    assert one.gauges.equals(same.gauges)
    assert not one.gauges.equals(other.gauges)


def test_ppo_learns_to_hold_the_pole() -> None:
    assert sum(np.isfinite(run_ppo(seed).reached()) for seed in range(3)) >= 2


def test_it_trains_on_gymnasiums_own_environments() -> None:
    environment = Gymnasium("CartPole-v1", 8, seed=0)
    looks = list(ppo.train(environment, 0, replace(ppo.Settings(), budget=8 * 32 * 10)))
    environment.close()
    assert [look.steps for look in looks] == [256 * (at + 1) for at in range(10)]
    assert len(environment.finished) > 20
    assert np.isfinite(looks[-1].learner.weights).all()

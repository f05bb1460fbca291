"""REINFORCE: returns and baselines by hand, a gradient by finite differences, and a pole that stands."""

from dataclasses import replace

import numpy as np

from labsupport.rl import reinforce
from labsupport.rl.cartpole import CartPole
from labsupport.rl.contest import run_reinforce
from labsupport.rl.policies import forward, log_softmax


def test_returns_to_go_end_with_the_episode() -> None:
    rewards = np.array([[1.0, 1], [1, 1], [1, 5]])
    played = np.array([[True, True], [True, False], [True, False]])
    found = reinforce.returns_to_go(rewards, played, 0.5)
    assert found.tolist() == [[1.75, 1], [1.5, 0], [1, 0]]


def test_whole_rewards_are_discounted_as_others_are() -> None:
    rewards, played = np.array([[0], [0], [1]]), np.ones((3, 1), dtype=bool)
    assert reinforce.returns_to_go(rewards, played, 0.5).ravel().tolist() == [0.25, 0.5, 1]
    assert reinforce.returns_to_go(rewards.astype(np.float32), played, 0.5).dtype == np.float32


def test_the_baseline_is_the_mean_of_those_who_still_play() -> None:
    returns, played = np.array([[3.0, 1], [2, 0]]), np.array([[True, True], [True, False]])
    assert reinforce.baseline(returns, played).ravel().tolist() == [2, 2]


def test_every_copy_plays_one_episode() -> None:
    learner = reinforce.new_learner(4, 2, reinforce.Settings(), np.random.default_rng(0))
    poles = CartPole(6, 0)
    batch = reinforce.collect(learner, poles, np.random.default_rng(0))
    assert sorted(batch.played.sum(axis=0).tolist())[0] == poles.finished[0]
    assert batch.played[0].all()
    assert batch.played[-1].any()
    assert (np.diff(batch.played.astype(int), axis=0) <= 0).all()


def test_an_update_goes_up_the_gradient_and_changes_nothing_it_is_given() -> None:
    rng, settings = np.random.default_rng(0), reinforce.Settings(hidden=(6,), rate=1e-4)
    learner = reinforce.new_learner(4, 2, settings, rng)
    learner = replace(learner, weights=rng.normal(0, 0.5, learner.weights.shape))
    batch, before = reinforce.collect(learner, CartPole(8, 0), rng), learner.weights.copy()
    better = reinforce.returns_to_go(batch.rewards, batch.played, settings.discount)
    better = (better - reinforce.baseline(better, batch.played))[batch.played]

    def worth(weights: np.ndarray) -> float:
        log_p = log_softmax(forward(learner.policy.layers(weights), batch.observations[batch.played])[0])
        return float((log_p[np.arange(len(better)), batch.actions[batch.played]] * better).mean())

    after = reinforce.update(learner, batch, settings)
    found = -after.memory.mean / 0.1
    for at in range(0, len(before), 5):
        nudge = np.zeros(len(before))
        nudge[at] = 1e-6
        assert abs((worth(before + nudge) - worth(before - nudge)) / 2e-6 - found[at]) < 1e-5
    assert worth(after.weights) > worth(before)
    assert np.array_equal(learner.weights, before)


def test_reinforce_learns_to_hold_the_pole() -> None:
    settings = reinforce.Settings(rate=0.04, budget=122_880)
    assert sum(np.isfinite(run_reinforce(seed, settings).reached()) for seed in range(3)) >= 2

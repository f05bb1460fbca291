"""GRPO: advantages by hand, a gradient by finite differences, an update that changes nothing, a leash that holds, and commands."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.rl import grpo
from labsupport.rl.commands import PLAIN
from labsupport.rl.sequences import log_p_of
from labsupport.rl.writing_contest import run_grpo

SMALL = grpo.Settings(groups=4, size=8, budget=320)


def setting(settings: grpo.Settings, seed: int = 0) -> tuple[grpo.Learner, grpo.Rows]:
    """Return a learner in doubles that is no longer where its reference is, and rows with an advantage each."""
    rng = np.random.default_rng(seed)
    learner = grpo.new_learner(PLAIN.writer, PLAIN.first_policy(seed).astype(float))
    learner = replace(learner, weights=learner.weights + rng.normal(0, 0.1, learner.weights.shape))
    rows = grpo.collect(learner, PLAIN.draw, PLAIN.does_as_asked, settings, rng)[0]
    return learner, replace(rows, better=rng.normal(size=len(rows.words)))


def test_an_advantage_is_what_an_answer_is_better_than_its_group_in_its_spread() -> None:
    found = grpo.advantages([[1, 0, 0, 0], [3, 1, 3, 1]])
    assert np.allclose(found, np.array([[3, -1, -1, -1], [3**0.5, -(3**0.5), 3**0.5, -(3**0.5)]]) / 3**0.5)
    assert np.allclose(grpo.advantages([[1, 0, 0, 0]], normalise=False), [[0.75, -0.25, -0.25, -0.25]])


def test_a_group_that_agrees_teaches_nothing_whatever_its_rewards_are() -> None:
    assert grpo.advantages([[0.1, 0.1, 0.1], [0, 0, 0], [1, 1, 1]]).tolist() == [[0] * 3] * 3


def test_rounding_is_no_difference() -> None:
    rewards = np.array([[0.3, 0.1 + 0.2, 0.3], [1 - 0.9 - 0.1, 0, 0], [3e9 + 1e-6, 3e9, 3e9]])
    assert (np.ptp(rewards, axis=1) > 0).all()
    assert not grpo.advantages(rewards).any()
    assert grpo.advantages([[1e-6, 0]]).tolist() == [[1, -1]]
    look = next(grpo.train(PLAIN.writer, PLAIN.first_policy(0), PLAIN.draw, PLAIN.does_as_asked, 0, SMALL))
    assert replace(look, rewards=rewards).teaching == 0


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=9), st.floats(0.1, 9), st.floats(-9, 9))
def test_advantages_do_not_change_with_the_unit_or_the_zero_of_rewards(
    rewards: list[int], unit: float, zero: float
) -> None:
    one = grpo.advantages([rewards])
    assert np.allclose(grpo.advantages([np.array(rewards) * unit + zero]), one, atol=1e-6) or not one.any()
    assert abs(one.mean()) < 1e-9


@pytest.mark.parametrize("settings", [SMALL, replace(SMALL, kl=0.2), replace(SMALL, clip=np.inf)])
def test_the_gradient_is_that_of_finite_differences(settings: grpo.Settings) -> None:
    learner, rows = setting(settings)
    rng = np.random.default_rng(1)
    elsewhere = learner.weights + rng.normal(0, 0.02, learner.weights.shape)

    def loss(weights: np.ndarray) -> float:
        log_p = log_p_of(PLAIN.writer, weights, rows.seen, rows.words)
        ratio, q = np.exp(log_p - rows.log_p), rows.reference - log_p
        clipped = np.clip(ratio, 1 - settings.clip, 1 + settings.clip)
        smaller = np.minimum(ratio * rows.better, clipped * rows.better)
        return float(-smaller.mean() + settings.kl * (np.exp(q) - q - 1).mean())

    found = grpo.gradient(learner, elsewhere, rows, settings)
    for at in rng.choice(len(elsewhere), 40, replace=False):
        nudge = np.zeros(len(elsewhere))
        nudge[at] = 1e-6
        slope = (loss(elsewhere + nudge) - loss(elsewhere - nudge)) / 2e-6
        assert abs(slope - found[at]) < 1e-6 * np.abs(found).max() + 1e-9


def test_an_update_changes_nothing_that_it_is_given() -> None:
    learner, rows = setting(SMALL)
    before, words = learner.weights.copy(), rows.words.copy()
    after = grpo.update(learner, rows, [np.arange(len(rows.words))], SMALL)
    assert np.array_equal(learner.weights, before)
    assert np.array_equal(rows.words, words)
    assert not np.array_equal(after.weights, before)
    assert np.array_equal(after.reference, learner.reference)


def test_where_all_groups_agree_and_there_is_no_leash_nothing_moves() -> None:
    start = PLAIN.first_policy(0)
    looks = list(grpo.train(PLAIN.writer, start, PLAIN.draw, lambda tasks, _: np.ones(len(tasks)), 0, SMALL))
    assert looks[-1].teaching == 0
    assert np.array_equal(looks[-1].learner.weights, start)


def test_training_stops_when_the_budget_is_used_up_and_shows_what_it_learnt_from() -> None:
    looks = list(grpo.train(PLAIN.writer, PLAIN.first_policy(0), PLAIN.draw, PLAIN.does_as_asked, 0, SMALL))
    assert [look.answers for look in looks] == list(range(32, 321, 32))
    assert looks[0].rewards.shape == (4, 8)
    assert (looks[0].tasks.reshape(4, 8) == looks[0].tasks.reshape(4, 8)[:, :1]).all()
    assert np.array_equal(PLAIN.does_as_asked(looks[0].tasks, looks[0].sentences), looks[0].rewards.ravel())
    assert looks[0].kl == pytest.approx(0, abs=1e-4)


def test_a_leash_keeps_the_policy_near_its_reference() -> None:
    def distance(kl: float) -> float:
        knobs = replace(SMALL, groups=16, budget=6400, rate=8e-3, kl=kl)
        *_, last = grpo.train(PLAIN.writer, PLAIN.first_policy(0), PLAIN.draw, PLAIN.does_as_asked, 0, knobs)
        return last.kl

    assert distance(1.0) < distance(0.0) / 2


def test_grpo_learns_to_write_commands() -> None:
    runs = [run_grpo(seed, grpo.Settings(rate=8e-3)) for seed in range(2)]
    assert min(PLAIN.accuracy(run.weights, seed) for seed, run in enumerate(runs)) > 0.85

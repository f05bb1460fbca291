"""What a policy is worth, and when a training reached its goal."""

import numpy as np
import pandas as pd
import pytest

from labsupport.rl import ppo, reinforce
from labsupport.rl.cartpole import CartPole
from labsupport.rl.contest import Run, episodes, holds, in_thousands, run_ppo, run_reinforce, simple_rule
from labsupport.rl.environments import Gymnasium


def right(observations: np.ndarray) -> np.ndarray:
    return np.ones(len(observations), dtype=int)


def test_each_copy_plays_as_many_episodes() -> None:
    # Were the first twelve that end counted, limit-long ones would be left out.
    poles = CartPole(4, 0, limit=60)
    found = episodes(poles, lambda seen: np.where(np.arange(4) == 0, simple_rule(seen), 1), 12)
    assert found.shape == (12,)
    assert found[:3].tolist() == [60, 60, 60]
    assert (found[3:] < 15).all()


def test_episodes_must_be_shared_evenly() -> None:
    with pytest.raises(ValueError, match="can't be shared"):
        episodes(CartPole(3, 0), right, 10)


def test_ours_and_gymnasiums_poles_are_worth_the_same() -> None:
    ours = episodes(CartPole(50, 1), right, 200)
    theirs = episodes(Gymnasium("CartPole-v1", 50, 1), right, 200)
    assert abs(ours.mean() - theirs.mean()) < 0.5


def test_only_numbered_actions_are_for_these_algorithms() -> None:
    with pytest.raises(ValueError, match="does not number its actions"):
        Gymnasium("Pendulum-v1", 2, 0)


def test_the_simple_rule_holds_the_middle_and_not_what_is_lost() -> None:
    assert holds(simple_rule, [[0, 0, 0, 0], [2.3, 1.5, 0.2, 1.5]]).tolist() == [True, False]
    assert not holds(simple_rule, [[3.0, 0, 0, 0]])[0]


def test_the_goal_is_reached_when_the_mean_is_there_for_the_first_time() -> None:
    run = Run(np.arange(1.0, 6), np.array([np.nan, 400, 480, 300, 490]), pd.DataFrame(), right)
    assert run.reached() == 3
    assert run.reached(495) == np.inf
    assert run.mean_at([1.0, 2.5]).tolist()[1] == 440
    assert np.isnan(run.mean_at([1.0])[0])


def test_what_comes_after_the_budget_is_not_reached() -> None:
    steps, means = np.array([1000.0, 2000, 3000]), np.array([np.nan, 470, 480])
    assert Run(steps, means, pd.DataFrame(), right, budget=2500).reached() == np.inf
    assert Run(steps, means, pd.DataFrame(), right, budget=3000).reached() == 3000
    assert Run(steps, means, pd.DataFrame(), right, budget=2500).reached(470) == 2000


def test_both_kinds_of_training_know_their_budget() -> None:
    policy_gradient = run_ppo(0, ppo.Settings(budget=8192))
    old = run_reinforce(0, reinforce.Settings(budget=8000))
    assert (policy_gradient.budget, old.budget) == (8192, 8000)
    assert policy_gradient.steps[-1] == 8192
    assert old.steps[-1] > 8000 > old.steps[-2]  # its last batch is played to the end
    assert old.means[-1] == np.nanmax(old.means)
    assert old.reached(old.means[-1]) == np.inf


def test_a_goal_that_was_not_reached_is_said_in_words() -> None:
    assert (in_thousands(88_064.0), in_thousands(np.inf)) == ("88k", "not reached")

"""Q-learning and SARSA: one move by hand, the optimum where it is known, and what each learns at a cliff."""

import random
from itertools import islice

import gymnasium as gym
import numpy as np
import pytest

from labsupport.rl.planning import value_iteration, worth
from labsupport.rl.sick_service import SickService
from labsupport.rl.tabular import Settings, Step, choose, has_no_future, train, update

STEP = Step(state=0, action=1, reward=-2.0, after=1, following=0, terminated=False, truncated=False)
HERE, AFTER = [1.0, 4.0], [-10.0, -5.0]


def test_q_learning_takes_the_best_and_sarsa_the_one_that_follows() -> None:
    half = Settings(discount=0.5)
    assert update(HERE, AFTER, STEP, 0.1, half, over=False) == pytest.approx(4 + 0.1 * (-2 - 2.5 - 4))
    sarsa = Settings(discount=0.5, sarsa=True)
    assert update(HERE, AFTER, STEP, 0.1, sarsa, over=False) == pytest.approx(4 + 0.1 * (-2 - 5 - 4))
    for settings in (half, sarsa):
        assert update(HERE, AFTER, STEP, 0.1, settings, over=True) == pytest.approx(4 + 0.1 * (-2 - 4))
    assert (HERE, AFTER) == ([1.0, 4.0], [-10.0, -5.0])


def test_only_termination_has_no_future() -> None:
    kinds = [(False, False), (False, True), (True, False), (True, True)]
    assert [has_no_future(*kind) for kind in kinds] == [False, False, True, True]


def test_the_best_action_is_the_first_of_equals_and_exploration_draws_all() -> None:
    draw = random.Random(0)
    assert {choose([1.0, 3.0, 3.0], 0.0, draw) for _ in range(50)} == {1}
    assert {choose([1.0, 3.0, 3.0], 1.0, draw) for _ in range(50)} == {0, 1, 2}


def test_q_learning_comes_near_the_optimum_that_value_iteration_knows() -> None:
    P, R = SickService().model()
    start = np.arange(6) * 8
    best = worth(P, R, 0.97, value_iteration(P, R, 0.97).argmax(axis=1))[start].mean()
    *_, last = train(SickService(), 500, Settings(rate=0.3, last_rate=0.01, episodes=3000))
    assert 1.07 * best < worth(P, R, 0.97, last.policy)[start].mean() <= best


def test_at_the_cliff_q_learning_takes_the_edge_and_sarsa_keeps_away() -> None:
    lengths, earned = {}, {}
    for sarsa in (False, True):
        settings = Settings(discount=1.0, episodes=500, sarsa=sarsa)
        course = list(train(gym.make("CliffWalking-v1"), 3, settings))
        earned[sarsa] = np.mean([one.total for one in course[-200:]])
        env = gym.make("CliffWalking-v1", max_episode_steps=50)
        state, _ = env.reset(seed=0)
        lengths[sarsa] = 0
        while True:
            state, _, terminated, truncated, _ = env.step(int(course[-1].policy[state]))
            lengths[sarsa] += 1
            if terminated or truncated:
                break
    assert lengths[False] == 13 < lengths[True] < 20
    assert earned[True] > earned[False]


def test_progress_counts_steps_and_tells_the_ends_apart() -> None:
    course = list(train(SickService(minutes=5), 0, Settings(episodes=200)))
    assert [one.episode for one in course] == list(range(1, 201))
    assert course[-1].steps == sum(one.length for one in course)
    assert all(one.length == 5 for one in course if not one.terminated)
    assert len({one.table.tobytes() for one in course}) > 100


def test_the_same_seed_gives_the_same_table() -> None:
    tables = [[one.table for one in train(SickService(), seed, Settings(episodes=5))][-1] for seed in (1, 1, 2)]
    assert np.array_equal(tables[0], tables[1]) and not np.array_equal(tables[0], tables[2])


def test_an_episode_without_an_end_is_given_up_and_has_a_future() -> None:
    settings = Settings(episodes=2, patience=7, explore=0, start=-1.0)
    env = gym.make("CliffWalking-v1")
    assert [one.length for one in islice(train(env, 0, settings), 2)] == [7, 7]


def test_who_takes_every_end_for_one_learns_smaller_costs() -> None:
    settings, starts = Settings(episodes=2000, explore=0.3), np.arange(6) * 8
    right, wrong = (
        [one.table for one in train(SickService(minutes=3), 0, settings, over)][-1]
        for over in (has_no_future, lambda terminated, truncated: terminated or truncated)
    )
    assert (right[starts].max(axis=1) < wrong[starts].max(axis=1)).all()


def test_what_is_not_numbered_is_refused() -> None:
    with pytest.raises(ValueError, match="numbered states"):
        next(train(gym.make("CartPole-v1"), 0))

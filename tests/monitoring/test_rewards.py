"""Rewards watched: what an episode is, what is exported of it, and that MLflow gets the same."""

import gymnasium as gym
import pytest
from prometheus_client import CollectorRegistry

from labsupport.monitoring.endpoint import samples, scrape, serve, total
from labsupport.monitoring.rewards import ENDED, LENGTH, MEAN, RETURN, MlflowScalars, RewardMonitor, Watched

NAMES = {"agent": "cart", "version": "1"}


def monitored(registry, **options):
    return RewardMonitor(agent="cart", version="1", registry=registry, **options)


@pytest.fixture
def registry():
    return CollectorRegistry()


def page(registry):
    with serve(registry) as endpoint:
        return samples(scrape(endpoint))


def play(monitor, *lengths, reward=1.0, end="terminated"):
    return [
        [
            monitor.step(reward, at == length and end == "terminated", at == length and end == "truncated")
            for at in range(1, length + 1)
        ][-1]
        for length in lengths
    ]


def test_an_episode_is_what_lies_between_two_ends(registry):
    monitor = monitored(registry)
    assert [monitor.step(2.5, False, False), monitor.step(-1, False, False)] == [None, None]
    first = monitor.step(1, False, True)
    assert (first.number, first.total, first.length, first.end) == (1, 2.5, 3, "truncated")
    second = monitor.step(4, True, True)
    assert (second.number, second.total, second.length, second.end) == (2, 4, 1, "terminated")
    assert (first.mean, second.mean) == (2.5, 3.25)


def test_the_mean_is_that_of_the_window(registry):
    monitor = monitored(registry, window=3)
    assert [one.mean for one in play(monitor, 3, 6, 9, 12)] == [3, 4.5, 6, 9]


def test_a_registry_shows_the_last_episode_and_counts_by_end(registry):
    monitor = monitored(registry, clock=lambda: 1234.5)
    play(monitor, 4, 2, end="truncated")
    play(monitor, 3)
    monitor.step(1, False, False)
    found = page(registry)
    assert [total(found, name, NAMES) for name in (RETURN, LENGTH, MEAN, ENDED)] == [3, 3, 3, 1234.5]
    counts = [total(found, "rl_episodes_total", {**NAMES, "end": end}) for end in ("terminated", "truncated")]
    assert counts == [1, 2]


def test_two_monitors_share_a_registry_and_the_cell_runs_twice(registry):
    for version, length in (("1", 5), ("2", 7), ("1", 9)):
        play(RewardMonitor(agent="cart", version=version, registry=registry), length)
    assert [total(page(registry), RETURN, {"version": version}) for version in ("1", "2")] == [9, 7]


def test_a_return_that_is_no_number_is_absent_until_it_has_left_the_window(registry):
    monitor = monitored(registry, window=2)
    play(monitor, 3)
    play(monitor, 1, reward=float("nan"))
    assert not {RETURN, MEAN} & {sample.name for sample in page(registry)}
    play(monitor, 4)
    assert RETURN in {sample.name for sample in page(registry)} and MEAN not in {
        sample.name for sample in page(registry)
    }
    play(monitor, 6)
    assert total(page(registry), MEAN) == 5


def test_a_watched_environment_is_played_as_before_and_a_reset_in_the_middle_counts_for_nothing(registry):
    heard: list = []
    monitor = monitored(registry, sinks=[heard.append])
    env, plain = Watched(gym.make("CartPole-v1"), monitor), gym.make("CartPole-v1")
    for one in (env, plain):
        one.reset(seed=3)
        one.step(1)
        one.reset(seed=3)
    over = False
    while not over:
        mine, theirs = env.step(1), plain.step(1)
        assert (mine[0] == theirs[0]).all() and mine[1:4] == theirs[1:4]
        over = theirs[2] or theirs[3]
    assert [(one.number, one.total, one.length, one.end) for one in heard] == [
        (1, len(heard) * heard[0].length, heard[0].length, "terminated")
    ]
    assert heard[0].length < 12


def test_an_empty_window_is_refused(registry):
    with pytest.raises(ValueError, match="an episode or more"):
        monitored(registry, window=0)


class Client:
    def __init__(self):
        self.calls = []

    def log_batch(self, run_id, metrics):
        self.calls.append((run_id, metrics))


def test_mlflow_gets_each_episode_once_in_batches_that_it_takes(registry):
    client = Client()
    with MlflowScalars(client, "r1", every=400) as scalars:
        play(monitored(registry, sinks=[scalars]), *[2] * 900)
    assert all(run == "r1" and len(points) <= 1000 for run, points in client.calls)
    points = [point for _, points in client.calls for point in points]
    assert [point.step for point in points if point.key == RETURN] == list(range(1, 901))
    assert {point.key: point.value for point in points} == {RETURN: 2, LENGTH: 2, MEAN: 2}
    assert [len(points) for _, points in client.calls] == [1000, 200, 1000, 200, 300]

"""Contests of learners on CartPole: who reaches a goal after how many steps, and what a policy is worth afterwards."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from labsupport.arrays import FloatArray
from labsupport.rl import ppo, reinforce
from labsupport.rl.cartpole import CartPole, has_fallen, move
from labsupport.rl.environments import Environment
from labsupport.rl.policies import Policy, greedy
from labsupport.rl.threads import one_thread

GOAL = 475.0
"""What Gymnasium asks of CartPole-v1: this mean return of a hundred episodes in a row."""


@dataclass(frozen=True)
class Run:
    """A training, seen after each update: `steps` so far and `means` of the last 100 returns (nan before the hundredth).

    `gauges` are PPO's own, a row an update (none for REINFORCE); `policy` is the last one, which draws nothing; `budget` is
    how many steps the training had.
    """

    steps: FloatArray
    means: FloatArray
    gauges: pd.DataFrame
    policy: Policy
    budget: float = np.inf

    def reached(self, goal: float = GOAL) -> float:
        """Return after how many steps the mean was the goal for the first time; infinite if it never was within the budget."""
        with np.errstate(invalid="ignore"):
            # REINFORCE plays its last episodes to their end: what comes after the budget does not count.
            there = np.flatnonzero((self.means >= goal) & (self.steps <= self.budget))
        return float(self.steps[there[0]]) if len(there) else np.inf

    def mean_at(self, steps: Any) -> FloatArray:
        """Return the mean after so many steps (n,), read off between updates."""
        known = ~np.isnan(self.means)
        found: FloatArray = np.interp(steps, self.steps[known], self.means[known], left=np.nan)
        return found


@one_thread
def run_ppo(seed: int, settings: ppo.Settings | None = None, copies: int = 64, updates: int | None = None) -> Run:
    """Train PPO until its budget is used up, or for some `updates`."""
    settings = settings or ppo.Settings()
    environment, looks, means = CartPole(copies, seed), [], []
    for progress in ppo.train(environment, seed, settings):
        looks.append(progress)
        means.append(_mean(environment.finished))
        if len(looks) == updates:
            break
    names = ("kl", "clipped", "entropy", "explained")
    gauges = pd.DataFrame([{name: getattr(look, name) for name in names} for look in looks])
    learner = looks[-1].learner
    policy = greedy(learner.policy, learner.weights[: learner.policy.count])
    steps = np.array([look.steps for look in looks], dtype=float)
    return Run(steps, np.array(means), gauges, policy, settings.budget)


@one_thread
def run_reinforce(seed: int, settings: reinforce.Settings | None = None, copies: int = 16) -> Run:
    """Train REINFORCE until its budget is used up; its last batch may go on beyond it."""
    settings = settings or reinforce.Settings()
    returns: list[float] = []
    steps, means = [], []
    for progress in reinforce.train(lambda fresh: CartPole(copies, fresh), seed, settings):
        returns += progress.returns.tolist()
        steps.append(progress.steps)
        means.append(_mean(returns))
    learner = progress.learner
    policy = greedy(learner.policy, learner.weights)
    return Run(np.array(steps, dtype=float), np.array(means), pd.DataFrame(), policy, settings.budget)


def episodes(environment: Environment, policy: Policy, count: int) -> FloatArray:
    """Return the returns of `count` fresh episodes: as many from each copy, since short ones come first.

    `environment` is new; `count` is a multiple of its copies.
    """
    if count % environment.n:
        raise ValueError(
            f"{count} episodes can't be shared by {environment.n} copies: each plays as many as the others"
        )
    played = np.zeros((environment.n, count // environment.n))
    place, so_far = np.zeros(environment.n, dtype=int), np.zeros(environment.n)
    while (place < played.shape[1]).any():
        step = environment.step(policy(environment.observations))
        so_far += step.rewards
        ended = step.terminated | step.truncated
        counts = np.flatnonzero(ended & (place < played.shape[1]))
        played[counts, place[counts]] = so_far[counts]
        place[counts] += 1
        so_far[ended] = 0
    return played.ravel()


def in_thousands(steps: float) -> str:
    """Write the steps to a goal for people: 88k, or "not reached" where there are none."""
    return f"{steps / 1000:.0f}k" if np.isfinite(steps) else "not reached"


def holds(policy: Policy, starts: Any, steps: int = 500) -> Any:
    """Return for each start (n, 4) whether the policy keeps its pole up for all the steps."""
    states = np.atleast_2d(np.asarray(starts, dtype=float))
    standing = ~has_fallen(states)
    for _ in range(steps):
        # Who has fallen is put in the middle, and counts no more.
        states = move(np.where(standing[:, None], states, 0), policy(states))
        standing &= ~has_fallen(states)
    return standing


def simple_rule(observations: Any) -> Any:
    """Push to where the pole falls to: four weights, the best of 25 that were tried by hand on starts all over the track."""
    return (np.asarray(observations) @ (0.2, 0.4, 5.0, 1.5) > 0).astype(int)


def _mean(returns: Iterable[float]) -> float:
    last = list(returns)[-100:]
    return float(np.mean(last)) if len(last) == 100 else np.nan

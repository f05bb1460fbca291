"""Three learners write scaling commands: from the same first policy, with as many answers, and as many steps of Adam.

GRPO is that of `labsupport.rl.grpo`; PPO and REINFORCE are those of lesson 402, and see writing as an environment.
"""

from dataclasses import dataclass, replace

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.rl import grpo, ppo, reinforce
from labsupport.rl.adam import nothing
from labsupport.rl.commands import PLAIN, Problem
from labsupport.rl.policies import Floats
from labsupport.rl.threads import one_thread
from labsupport.rl.writing import Writing

BUDGET, BATCH = 40_960, 512
"""Answers in all, and between two looks."""
STEPS = 4
"""Steps of Adam for a batch of answers."""


@dataclass(frozen=True)
class Course:
    """A training, seen after each batch: `answers` so far and the share of the batch that was `right`.

    `teaching` is the share of groups that teach something (only GRPO has groups); `weights` are those of the last policy.
    """

    answers: FloatArray
    right: FloatArray
    weights: Floats
    teaching: FloatArray

    def reached(self, goal: float = 0.9) -> float:
        """Return after how many answers the share of three batches in a row was the goal for the first time, else infinity."""
        smooth = np.convolve(self.right, np.ones(3) / 3, "valid")
        there = np.flatnonzero(smooth >= goal)
        return float(self.answers[there[0] + 2]) if len(there) else np.inf


@one_thread
def run_grpo(
    seed: int, settings: grpo.Settings | None = None, problem: Problem = PLAIN, reward: grpo.Reward | None = None
) -> Course:
    """Train GRPO from the problem's first policy."""
    settings = settings or grpo.Settings(budget=BUDGET)
    start = problem.first_policy(seed)
    looks = list(grpo.train(problem.writer, start, problem.draw, reward or problem.does_as_asked, seed, settings))
    right = [problem.does_as_asked(look.tasks, look.sentences).mean() for look in looks]
    answers, teaching = (
        np.array([getattr(look, name) for look in looks], dtype=float) for name in ("answers", "teaching")
    )
    return Course(answers, np.array(right), looks[-1].learner.weights, teaching)


def ppo_settings(rate: float, steps: int = STEPS, problem: Problem = PLAIN) -> ppo.Settings:
    """Return settings of PPO for a batch of whole sentences whose only reward comes at the end; `steps` of Adam a batch."""
    length, epochs = problem.writer.length, 2 if steps > 1 else 1
    return ppo.Settings(
        steps=length,
        epochs=epochs,
        batch=BATCH * length * epochs // steps,
        rate=rate,
        discount=1.0,
        trace=1.0,
        hidden=problem.writer.hidden,
    )


@one_thread
def run_ppo(seed: int, settings: ppo.Settings | None = None, problem: Problem = PLAIN, budget: int = BUDGET) -> Course:
    """Train lesson 402's PPO, with its critic, from the problem's first policy; its clip and rate do not fall."""
    settings, rng = settings or ppo_settings(8e-3), np.random.default_rng(seed)
    start, writer, right = problem.first_policy(seed), problem.writer, []
    environment = Writing(writer, problem.draw, problem.does_as_asked, BATCH, seed)
    learner = ppo.new_learner(writer.inputs, writer.words, settings, rng)
    weights = np.concatenate([start, learner.weights[learner.policy.count :]])
    learner = replace(learner, weights=weights, memory=nothing(weights))
    for _ in range(budget // BATCH):
        rows = ppo.collect(learner, environment, settings, rng).flat()
        orders = [rng.permutation(len(rows.actions)) for _ in range(settings.epochs)]
        learner = ppo.update(learner, rows, orders, settings)
        right.append(float(np.mean(environment.finished[-BATCH:])))
    return _course(right, learner.weights[: learner.policy.count])


@one_thread
def run_reinforce(
    seed: int, rate: float = 4e-3, problem: Problem = PLAIN, budget: int = BUDGET, steps: int = STEPS
) -> Course:
    """Train lesson 402's REINFORCE from the problem's first policy; its baseline is the mean of a batch.

    It uses each answer once. So for `steps` of Adam the answers of a batch are cut into as many parts.
    """
    settings, rng = (
        reinforce.Settings(rate=rate, discount=1.0, hidden=problem.writer.hidden),
        np.random.default_rng(seed),
    )
    start, writer, right = problem.first_policy(seed), problem.writer, []
    learner = reinforce.new_learner(writer.inputs, writer.words, settings, rng)
    learner = replace(learner, weights=start, memory=nothing(start))
    for _ in range(budget // BATCH):
        came: list[float] = []
        for _ in range(steps):
            fresh = Writing(writer, problem.draw, problem.does_as_asked, BATCH // steps, int(rng.integers(2**31)))
            learner = reinforce.update(learner, reinforce.collect(learner, fresh, rng), settings)
            came += fresh.finished
        right.append(float(np.mean(came)))
    return _course(right, learner.weights)


def _course(right: list[float], weights: Floats) -> Course:
    return Course(BATCH * np.arange(1.0, len(right) + 1), np.array(right), weights, np.zeros(0))

"""REINFORCE: play whole episodes, and make each action likelier by what came after it.

Source: Williams (1992), "Simple statistical gradient-following algorithms for connectionist reinforcement learning".
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.rl.adam import Memory, moved, nothing
from labsupport.rl.environments import Environment
from labsupport.rl.policies import Floats, Network, backward, forward, log_softmax, sample


@dataclass(frozen=True)
class Settings:
    """Every knob of REINFORCE, once, with what it means."""

    rate: float = 5e-3  # Adam's learning rate
    discount: float = 0.99  # what a reward is worth a step later
    baseline: bool = True  # judge an action against the mean of the batch at the same step, instead of against 0
    hidden: tuple[int, ...] = (32,)  # hidden layers of the policy
    budget: int = 400_000  # steps in all, of all copies together


@dataclass(frozen=True)
class Learner:
    """What REINFORCE learns: the flat weights of a policy; and what Adam remembers of them."""

    policy: Network
    weights: Floats
    memory: Memory


@dataclass(frozen=True)
class Batch:
    """Whole episodes, one of each copy, steps by copies: `observations` (t, n, k), all else (t, n).

    `played` is true up to the end of each episode; what stands behind it does not count.
    """

    observations: Floats
    actions: NDArray[np.int64]
    rewards: Floats
    played: NDArray[np.bool_]


@dataclass(frozen=True)
class Progress:
    """Where training stands after an update: all `steps` so far, the `learner`, and the returns (n,) of its batch."""

    steps: int
    learner: Learner
    returns: Floats


def new_learner(observations: int, actions: int, settings: Settings, rng: np.random.Generator) -> Learner:
    """Return a learner that knows nothing: all actions are about equally likely."""
    policy = Network((observations, *settings.hidden, actions))
    weights = policy.start(rng, 0.01)
    return Learner(policy, weights, nothing(weights))


def collect(learner: Learner, environment: Environment, rng: np.random.Generator) -> Batch:
    """Play one episode with each copy of a fresh environment."""
    layers, playing = learner.policy.layers(learner.weights), np.ones(environment.n, dtype=bool)
    seen, actions, rewards, played = [], [], [], []
    while playing.any():
        seen.append(environment.observations.astype(np.float32))
        actions.append(sample(log_softmax(forward(layers, seen[-1])[0]), rng))
        played.append(playing)
        step = environment.step(actions[-1])
        rewards.append(step.rewards.astype(np.float32))
        playing = playing & ~(step.terminated | step.truncated)
    return Batch(np.stack(seen), np.stack(actions), np.stack(rewards), np.stack(played))


def returns_to_go(rewards: Any, played: Any, discount: float) -> Floats:
    """Return (t, n): the discounted rewards from each step to the end of its episode; 0 behind it."""
    rewards = np.asarray(rewards)
    # At least single floats: in an array of whole numbers a discount would be cut off.
    result: Floats = np.empty(rewards.shape, np.result_type(rewards, np.float32))
    later = 0.0
    for t in reversed(range(len(rewards))):
        result[t] = later = played[t] * (rewards[t] + discount * later)
    return result


def baseline(returns: Any, played: Any) -> Floats:
    """Return (t, 1): the mean return-to-go of the episodes that were still being played at each step."""
    result: Floats = (returns * played).sum(axis=1, keepdims=True) / np.maximum(played.sum(axis=1, keepdims=True), 1)
    return result


def update(learner: Learner, batch: Batch, settings: Settings) -> Learner:
    """Return a learner that has learnt from the batch, in one step; nothing that is handed over changes."""
    better = returns_to_go(batch.rewards, batch.played, settings.discount)
    if settings.baseline:
        better = better - baseline(better, batch.played)
    rows = batch.played
    x, actions, better = batch.observations[rows], batch.actions[rows], better[rows]
    layers, found = learner.policy.layers(learner.weights), np.empty_like(learner.weights)
    scores, seen = forward(layers, x)
    # The gradient of an action's log-probability by the scores is 1 at the action, less p. Up the gradient: a minus.
    by_scores = np.exp(log_softmax(scores))
    by_scores[np.arange(len(actions)), actions] -= 1
    backward(layers, seen, by_scores * better[:, None] / len(actions), learner.policy.layers(found))
    weights, memory = moved(learner.weights, found, learner.memory, settings.rate)
    return replace(learner, weights=weights, memory=memory)


def train(environment: Callable[[int], Environment], seed: int, settings: Settings | None = None) -> Iterator[Progress]:
    """Learn until the budget is used up, with a new `environment(seed)` for each batch; after each update yield where it stands."""
    settings, rng, steps = settings or Settings(), np.random.default_rng(seed), 0
    learner: Learner | None = None
    while steps < settings.budget:
        here = environment(int(rng.integers(2**31)))
        learner = learner or new_learner(here.observations.shape[1], here.actions, settings, rng)
        batch = collect(learner, here, rng)
        learner, steps = update(learner, batch, settings), steps + int(batch.played.sum())
        yield Progress(steps, learner, (batch.rewards * batch.played).sum(axis=0))

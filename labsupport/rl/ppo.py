"""Proximal policy optimisation: collect a little, judge it by a critic, learn several times, never move far.

Source: Schulman et al. (2017), "Proximal policy optimization algorithms"; the advantages are those of Schulman et al.
(2016), "High-dimensional continuous control using generalized advantage estimation".
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.dl.optimizers import Adam
from labsupport.rl.environments import Environment
from labsupport.rl.policies import Floats, Network, log_softmax, sample


@dataclass(frozen=True)
class Settings:
    """Every knob of PPO, once, with what it means."""

    steps: int = 32  # steps of each copy of the environment between two updates
    epochs: int = 4  # how often an update goes through these steps
    batch: int = 256  # rows of a gradient
    rate: float = 2e-3  # Adam's first learning rate; it falls in a line to 0 over `budget`
    clip: float = 0.2  # by how much a probability may change before its row stops to push; it falls, too. inf: no clip
    discount: float = 0.98  # what a reward is worth a step later
    trace: float = 0.9  # of an advantage, how much comes from what happened instead of from the critic: 0 to 1
    normalise: bool = True  # bring the advantages of each batch to mean 0 and standard deviation 1
    entropy: float = 0.0  # what a nat of uncertainty is worth to the policy
    value: float = 0.5  # weight of the critic's squared error
    longest: float = 0.5  # a longer gradient is shortened to this
    hidden: tuple[int, ...] = (64, 64)  # hidden layers, of the policy and of the critic
    budget: int = 122_880  # steps in all, of all copies together


@dataclass
class Learner:
    """What PPO learns: `weights` are those of the policy, then those of the critic; `optimizer` moves them."""

    policy: Network
    critic: Network
    weights: Floats
    optimizer: Adam

    @property
    def parts(self) -> tuple[Floats, Floats]:
        """Views of the weights: of the policy, and of the critic."""
        return self.weights[: self.policy.count], self.weights[self.policy.count :]


@dataclass(frozen=True)
class Rollout:
    """What happened between two updates, steps by copies: `observations` (t, n, k), all else (t, n).

    `log_probabilities` are of the actions, at the time when they were taken; `advantages` say how much better an action came
    out than the critic expected, and `targets` what the critic should have said.
    """

    observations: Floats
    actions: NDArray[np.int64]
    log_probabilities: Floats
    advantages: Floats
    targets: Floats


@dataclass(frozen=True)
class Progress:
    """Where training stands after an update: `steps` so far, the `learner`, and gauges of this update."""

    steps: int
    learner: Learner
    kl: float  # how far the policy moved, in nats
    clipped: float  # share of rows that had stopped to push
    entropy: float  # the policy's uncertainty, in nats
    explained: float  # share of the returns' variance that the critic had foreseen


def new_learner(observations: int, actions: int, settings: Settings, rng: np.random.Generator) -> Learner:
    """Return a learner that knows nothing: all actions are about equally likely."""
    policy, critic = (Network((observations, *settings.hidden, outputs)) for outputs in (actions, 1))
    weights = np.concatenate([policy.start(rng, 0.01), critic.start(rng, 1.0)])
    return Learner(policy, critic, weights, Adam(settings.rate, epsilon=1e-5))


def advantages(
    rewards: Any, values: Any, next_values: Any, terminated: Any, truncated: Any, discount: float, trace: float
) -> Floats:
    """Return how much better each step came out than the critic expected (generalized advantage estimation).

    All arrays are (t, n); `next_values` are of the observations after the step, before an ended episode began afresh.
    """
    # A terminated task has no future. One whose time was up has, and the critic says which.
    surprises = rewards + discount * next_values * ~terminated - values
    # In both cases the next row is another episode: no surprise comes back from there.
    goes_on, result, carried = ~(terminated | truncated), np.empty_like(surprises), 0.0
    for t in reversed(range(len(surprises))):
        carried = surprises[t] + discount * trace * goes_on[t] * carried
        result[t] = carried
    return result


def collect(learner: Learner, environment: Environment, settings: Settings, rng: np.random.Generator) -> Rollout:
    """Let the policy act for some steps, and judge each action."""
    policy, critic = learner.parts
    seen, last, actions, said, rewards, terminated, truncated = ([] for _ in range(7))
    for _ in range(settings.steps):
        seen.append(environment.observations.astype(np.float32))
        log_p = log_softmax(learner.policy.forward(policy, seen[-1])[0])
        actions.append(sample(log_p, rng))
        said.append(np.take_along_axis(log_p, actions[-1][:, None], axis=1)[:, 0])
        step = environment.step(actions[-1])
        rewards.append(step.rewards)
        terminated.append(step.terminated)
        truncated.append(step.truncated)
        last.append(step.last.astype(np.float32))
    values, next_values = (learner.critic.forward(critic, np.stack(each))[0][..., 0] for each in (seen, last))
    better = advantages(
        np.stack(rewards).astype(np.float32), values, next_values, np.stack(terminated), np.stack(truncated),
        settings.discount, settings.trace,
    )  # fmt: skip
    return Rollout(np.stack(seen), np.stack(actions), np.stack(said), better, better + values)


def gradient(learner: Learner, rollout: Rollout, rows: Any, settings: Settings, clip: float) -> tuple[Floats, Any]:
    """Return the loss's gradient by the weights for some rows of a flat rollout, and (kl, clipped, entropy) of these rows."""
    policy, critic = learner.parts
    x, actions, count = rollout.observations[rows], rollout.actions[rows], len(rows)
    better = rollout.advantages[rows]
    if settings.normalise:
        better = (better - better.mean()) / (better.std() + 1e-8)
    scores, seen = learner.policy.forward(policy, x)
    log_p = log_softmax(scores)
    p, at = np.exp(log_p), np.arange(count)
    moved = log_p[at, actions] - rollout.log_probabilities[rows]
    ratio = np.exp(moved)
    pushes = np.where(better > 0, ratio < 1 + clip, ratio > 1 - clip)
    # By the scores: -push * (1 at the action taken, 0 elsewhere, minus p), for the push better * ratio of a row.
    push = better * ratio * pushes / count
    by_scores = p * push[:, None]
    by_scores[at, actions] -= push
    uncertain = -(p * log_p).sum(axis=1)
    if settings.entropy:
        by_scores += settings.entropy / count * p * (log_p + uncertain[:, None])
    value, value_seen = learner.critic.forward(critic, x)
    by_value = 2 * settings.value / count * (value - rollout.targets[rows, None])
    found = np.concatenate(
        [learner.policy.backward(policy, seen, by_scores), learner.critic.backward(critic, value_seen, by_value)]
    )
    return found, ((ratio - 1 - moved).mean(), 1 - pushes.mean(), uncertain.mean())


def update(
    learner: Learner, rollout: Rollout, orders: NDArray[np.int64], settings: Settings, left: float
) -> tuple[Learner, tuple[float, float, float]]:
    """Return a learner that has learnt from the rollout, and means of (kl, clipped, entropy); nothing else changes.

    `orders` (epochs, rows): in which order each epoch goes through the rows. `left`: share of the budget that is left.
    """
    learner, flat, gauges = copy.deepcopy(learner), _flat(rollout), []
    learner.optimizer.learning_rate = settings.rate * left
    for order in orders:
        for start in range(0, len(order), settings.batch):
            found, gauge = gradient(learner, flat, order[start : start + settings.batch], settings, settings.clip * left)
            length = float(np.sqrt(found @ found))
            if length > settings.longest:
                found *= settings.longest / length
            learner.optimizer.apply([found], [learner.weights])
            gauges.append(gauge)
    kl, clipped, entropy = np.mean(gauges, axis=0)
    return learner, (float(kl), float(clipped), float(entropy))


def train(environment: Environment, seed: int, settings: Settings | None = None) -> Iterator[Progress]:
    """Learn until the budget is used up; after each update yield where training stands. Who has enough stops listening."""
    settings, rng = settings or Settings(), np.random.default_rng(seed)
    learner = new_learner(environment.observations.shape[1], environment.actions, settings, rng)
    rows = settings.steps * environment.n
    for done in range(0, settings.budget - rows + 1, rows):
        rollout = collect(learner, environment, settings, rng)
        orders = np.stack([rng.permutation(rows) for _ in range(settings.epochs)])
        learner, (kl, clipped, entropy) = update(learner, rollout, orders, settings, 1 - done / settings.budget)
        explained = 1 - rollout.advantages.var() / max(float(rollout.targets.var()), 1e-12)
        yield Progress(done + rows, learner, kl, clipped, entropy, float(explained))


def _flat(rollout: Rollout) -> Rollout:
    rows = rollout.actions.size
    return Rollout(
        rollout.observations.reshape(rows, -1), *(each.reshape(rows) for each in (
            rollout.actions, rollout.log_probabilities, rollout.advantages, rollout.targets))
    )  # fmt: skip

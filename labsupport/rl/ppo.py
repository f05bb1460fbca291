"""Proximal policy optimisation: collect a little, judge it by a critic, learn several times, never move far.

Source: Schulman et al. (2017), "Proximal policy optimization algorithms"; the advantages are those of Schulman et al.
(2016), "High-dimensional continuous control using generalized advantage estimation".
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.rl.adam import Memory, moved, nothing
from labsupport.rl.environments import Environment
from labsupport.rl.policies import Floats, Network, backward, forward, log_softmax, sample


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


@dataclass(frozen=True)
class Learner:
    """What PPO learns: one flat array, the policy's weights before the critic's; and what Adam remembers of it."""

    policy: Network
    critic: Network
    weights: Floats
    memory: Memory

    def parts(self, flat: Floats) -> tuple[Any, Any]:
        """Return the layers of the policy and of the critic, views of `flat`."""
        return self.policy.layers(flat[: self.policy.count]), self.critic.layers(flat[self.policy.count :])


@dataclass(frozen=True)
class Rollout:
    """What happened between two updates, steps by copies: `observations` (t, n, k), all else (t, n).

    `log_probabilities` are of the actions, when they were taken; `advantages` say how much better each came out than the
    critic expected, and `targets` what the critic should have said.
    """

    observations: Floats
    actions: NDArray[np.int64]
    log_probabilities: Floats
    advantages: Floats
    targets: Floats

    def flat(self) -> "Rollout":
        """Return it in rows (t * n), whatever the copy."""
        return Rollout(*(each.reshape(self.actions.size, *each.shape[2:]) for each in vars(self).values()))

    def at(self, places: Any) -> "Rollout":
        """Return the rows at these places."""
        return Rollout(*(each[places] for each in vars(self).values()))


@dataclass(frozen=True)
class Progress:
    """Where training stands after an update: all `steps` so far, the `learner`, the flat `rollout` that it learnt from.

    Gauges of the update are reckoned when somebody reads them.
    """

    steps: int
    learner: Learner
    rollout: Rollout
    clip: float  # of this update

    @cached_property
    def _change(self) -> Floats:
        """By how much each action's logarithm of a probability changed, (rows,)."""
        change: Floats = self._log_p[np.arange(len(self._log_p)), self.rollout.actions] - self.rollout.log_probabilities
        return change

    @cached_property
    def _log_p(self) -> Floats:
        return log_softmax(forward(self.learner.parts(self.learner.weights)[0], self.rollout.observations)[0])

    @cached_property
    def kl(self) -> float:
        """How far the policy moved, in nats."""
        # Never negative, and its mean is the divergence: Schulman (2020), "Approximating KL divergence".
        return float((np.exp(self._change) - 1 - self._change).mean())

    @cached_property
    def clipped(self) -> float:
        """The share of rows that push no more."""
        better = self.rollout.advantages
        return 1 - float(still_pushes(np.exp(self._change), better - better.mean(), self.clip).mean())

    @cached_property
    def entropy(self) -> float:
        """The policy's uncertainty, in nats."""
        return -float((np.exp(self._log_p) * self._log_p).sum(axis=1).mean())

    @cached_property
    def explained(self) -> float:
        """The share of the targets' variance that the critic had foreseen."""
        return 1 - float(self.rollout.advantages.var()) / max(float(self.rollout.targets.var()), 1e-12)


def new_learner(observations: int, actions: int, settings: Settings, rng: np.random.Generator) -> Learner:
    """Return a learner that knows nothing: all actions are about equally likely."""
    policy, critic = (Network((observations, *settings.hidden, outputs)) for outputs in (actions, 1))
    weights = np.concatenate([policy.start(rng, 0.01), critic.start(rng, 1.0)])
    return Learner(policy, critic, weights, nothing(weights))


def advantages(
    rewards: Any, values: Any, next_values: Any, terminated: Any, truncated: Any, discount: float, trace: float
) -> Floats:
    """Return how much better each step came out than the critic expected (generalized advantage estimation).

    All arrays are (t, n); `next_values` are of the observations after the step, before an ended episode began afresh.
    """
    # A task that terminated has no future. One whose time was up has, and the critic says what it is worth.
    surprises = rewards + discount * next_values * ~terminated - values
    # Either way the next row is of another episode: no surprise comes back from there.
    goes_on, carried = ~(terminated | truncated), np.zeros_like(surprises[0])
    # At least single floats: in an array of whole numbers the trace would be cut off.
    result: Floats = np.empty(surprises.shape, np.result_type(surprises, np.float32))
    for t in reversed(range(len(surprises))):
        result[t] = carried = surprises[t] + discount * trace * goes_on[t] * carried
    return result


def collect(learner: Learner, environment: Environment, settings: Settings, rng: np.random.Generator) -> Rollout:
    """Let the policy act for some steps, and judge each action."""
    policy, critic = learner.parts(learner.weights)
    seen, actions, said, steps = [], [], [], []
    for _ in range(settings.steps):
        seen.append(environment.observations.astype(np.float32))
        log_p = log_softmax(forward(policy, seen[-1])[0])
        actions.append(sample(log_p, rng))
        said.append(log_p[np.arange(environment.n), actions[-1]])
        steps.append(environment.step(actions[-1]))
    rewards = np.stack([s.rewards for s in steps], dtype=np.float32)
    terminated, truncated = (np.stack([getattr(s, name) for s in steps]) for name in ("terminated", "truncated"))
    seen.append(environment.observations.astype(np.float32))
    values = forward(critic, np.stack(seen))[0][..., 0]
    values, next_values = values[:-1], values[1:].copy()
    # Where an episode ended, the next observation is of a new one: the critic is asked about the last of the old.
    ended = terminated | truncated
    if ended.any():
        last = np.stack([s.last for s in steps], dtype=np.float32)
        next_values[ended] = forward(critic, last[ended])[0][:, 0]
    better = advantages(rewards, values, next_values, terminated, truncated, settings.discount, settings.trace)
    return Rollout(np.stack(seen[:-1]), np.stack(actions), np.stack(said), better, better + values)


def still_pushes(ratio: Floats, better: Floats, clip: float) -> NDArray[np.bool_]:
    """Return which rows (n,) have a gradient: all but those whose action has moved far enough, in the way it should."""
    return np.where(better > 0, ratio < 1 + clip, ratio > 1 - clip)


def gradient(learner: Learner, weights: Floats, rows: Rollout, settings: Settings, clip: float) -> Floats:
    """Return the gradient (like `weights`) of the loss of some rows: what PPO wants of policy and critic, with the sign of a cost."""
    (policy, critic), found = learner.parts(weights), np.empty_like(weights)
    into_policy, into_critic = learner.parts(found)
    count, better = len(rows.actions), rows.advantages
    if settings.normalise:
        better = better - better.mean()
        better /= np.sqrt(better @ better / count) + 1e-8
    scores, seen = forward(policy, rows.observations)
    log_p, at = log_softmax(scores), np.arange(count)
    p, ratio = np.exp(log_p), np.exp(log_p[at, rows.actions] - rows.log_probabilities)
    # By the scores: p, less 1 at the action that was taken, times the row's share of the mean.
    push = better * ratio * still_pushes(ratio, better, clip) / count
    by_scores = p * push[:, None]
    by_scores[at, rows.actions] -= push
    if settings.entropy:
        by_scores += settings.entropy / count * p * (log_p - (p * log_p).sum(axis=1, keepdims=True))
    backward(policy, seen, by_scores, into_policy)
    values, seen = forward(critic, rows.observations)
    backward(critic, seen, 2 * settings.value / count * (values - rows.targets[:, None]), into_critic)
    return found


def update(learner: Learner, rollout: Rollout, orders: Any, settings: Settings, left: float = 1.0) -> Learner:
    """Return a learner that has learnt from a flat rollout; nothing that is handed over changes.

    `orders` (epochs, rows): how each epoch goes through the rows. `left`: share of the budget that is left.
    """
    weights, memory = learner.weights, learner.memory
    for order in orders:
        rows = rollout.at(order)
        for start in range(0, len(order), settings.batch):
            found = gradient(
                learner, weights, rows.at(slice(start, start + settings.batch)), settings, settings.clip * left
            )
            weights, memory = moved(weights, found, memory, settings.rate * left, settings.longest)
    return replace(learner, weights=weights, memory=memory)


def train(environment: Environment, seed: int, settings: Settings | None = None) -> Iterator[Progress]:
    """Learn until the budget is used up; after each update yield where training stands. Who has enough stops listening."""
    settings, rng = settings or Settings(), np.random.default_rng(seed)
    learner = new_learner(environment.observations.shape[1], environment.actions, settings, rng)
    rows = settings.steps * environment.n
    for done in range(0, settings.budget - rows + 1, rows):
        rollout, left = collect(learner, environment, settings, rng).flat(), 1 - done / settings.budget
        orders = [rng.permutation(rows) for _ in range(settings.epochs)]
        learner = update(learner, rollout, orders, settings, left)
        yield Progress(done + rows, learner, rollout, settings.clip * left)

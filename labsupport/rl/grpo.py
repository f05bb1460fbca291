"""Group relative policy optimisation: several answers to one prompt, each judged against the others of its group.

Source: Shao et al. (2024), "DeepSeekMath: pushing the limits of mathematical reasoning in open language models". Clip and
ratio are those of `labsupport.rl.ppo`; the critic is gone, and so is everything that came from it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.rl.adam import Memory, moved, nothing
from labsupport.rl.policies import Floats
from labsupport.rl.sequences import Words, Writer, by_log_p, log_p_of, write

Prompts = Callable[[int, np.random.Generator], tuple[NDArray[np.int64], Floats]]
"""Draws tasks: their numbers (n,) and what the policy sees of them (n, features)."""
Reward = Callable[[NDArray[np.int64], Words], Floats]
"""Judges answers: rewards (n,) for tasks (n,) and the sentences (n, length) that were written for them."""


@dataclass(frozen=True)
class Settings:
    """Every knob of GRPO, once, with what it means."""

    groups: int = 32  # prompts of a batch
    size: int = 16  # answers to each prompt
    epochs: int = 2  # how often an update goes through the batch
    parts: int = 2  # into how many gradients an epoch is cut
    rate: float = 4e-3  # Adam's learning rate
    clip: float = 0.2  # by how much a word's probability may change before it stops to push; inf: no clip
    normalise: bool = True  # divide what an answer is better than its group by the group's standard deviation
    kl: float = 0.0  # what a nat of distance from the reference costs; 0: there is no leash
    longest: float = np.inf  # a longer gradient is shortened to this
    budget: int = 40_960  # answers in all


@dataclass(frozen=True)
class Learner:
    """What GRPO learns: the weights of a writer; what Adam remembers; and the `reference` on whose leash they are."""

    writer: Writer
    weights: Floats
    memory: Memory
    reference: Floats


@dataclass(frozen=True)
class Rows:
    """One row a word: what was `seen` (n, inputs); of the `words` (n,) the log-probability when written and by the reference.

    `better` (n,) is the advantage of the answer in which the word stands.
    """

    seen: Floats
    words: NDArray[np.int64]
    log_p: Floats
    reference: Floats
    better: Floats

    def at(self, places: Any) -> "Rows":
        """Return the rows at these places."""
        return Rows(*(each[places] for each in vars(self).values()))


@dataclass(frozen=True)
class Progress:
    """Where training stands after an update: `answers` so far, the `learner`, and the batch that it learnt from.

    `rewards` (groups, size) of the answers; in the same order, flat, their `tasks` (n,) and `sentences` (n, length).
    """

    answers: int
    learner: Learner
    rows: Rows
    rewards: Floats
    tasks: NDArray[np.int64]
    sentences: Words

    @cached_property
    def teaching(self) -> float:
        """The share of groups that teach something: whose answers did not all get the same reward."""
        return float(_differ(self.rewards).mean())

    @cached_property
    def kl(self) -> float:
        """How far the policy that wrote this batch is from the reference, in nats a sentence."""
        return float((self.rows.log_p - self.rows.reference).sum() / self.rewards.size)


def new_learner(writer: Writer, reference: Floats) -> Learner:
    """Return a learner that writes like the reference, and is leashed to it."""
    return Learner(writer, reference, nothing(reference), reference)


def advantages(rewards: Any, normalise: bool = True) -> Floats:
    """Return (groups, size): how much better each answer is than its group, in standard deviations of the group.

    A group whose answers are all alike, up to rounding, teaches nothing: zeros.
    """
    rewards = np.asarray(rewards, dtype=float)
    differ = _differ(rewards)
    better = rewards - rewards.mean(axis=1, keepdims=True)
    spread = rewards.std(axis=1, keepdims=True) if normalise else np.ones_like(differ, dtype=float)
    found: Floats = np.divide(better, spread, out=np.zeros_like(better), where=differ)
    return found


def _differ(rewards: Floats) -> NDArray[np.bool_]:
    """Return whether the answers of each group (groups, size) differ by more than rounding: (groups, 1)."""
    size = np.maximum(1, np.abs(rewards).max(axis=1, keepdims=True))
    differ: NDArray[np.bool_] = np.ptp(rewards, axis=1, keepdims=True) > 1e-9 * size
    return differ


def collect(
    learner: Learner, prompts: Prompts, reward: Reward, settings: Settings, rng: np.random.Generator
) -> tuple[Rows, Floats, NDArray[np.int64], Words]:
    """Write `size` answers to each of `groups` prompts; return a row a word, rewards (groups, size), tasks, and sentences."""
    tasks, features = prompts(settings.groups, rng)
    tasks, features = tasks.repeat(settings.size), features.repeat(settings.size, axis=0)
    written = write(learner.writer, learner.weights, features, rng)
    rewards = np.asarray(reward(tasks, written.sentences), dtype=float).reshape(settings.groups, settings.size)
    better = advantages(rewards, settings.normalise).ravel().repeat(learner.writer.length).astype(np.float32)
    seen, words = written.seen.reshape(len(better), -1), written.sentences.ravel()
    reference = log_p_of(learner.writer, learner.reference, seen, words)
    return Rows(seen, words, written.log_p.ravel(), reference, better), rewards, tasks, written.sentences


def gradient(learner: Learner, weights: Floats, rows: Rows, settings: Settings) -> Floats:
    """Return the gradient (like `weights`) of what GRPO makes small, over some rows: minus the clipped gain, plus the leash."""
    log_p = log_p_of(learner.writer, weights, rows.seen, rows.words)
    ratio = np.exp(log_p - rows.log_p)
    pushes = np.where(rows.better > 0, ratio < 1 + settings.clip, ratio > 1 - settings.clip)
    pull = -rows.better * ratio * pushes
    if settings.kl:
        # Of the estimate q - log q - 1 with q = reference / policy, by the logarithm of the policy: Schulman (2020).
        pull = pull + settings.kl * (1 - np.exp(rows.reference - log_p))
    return by_log_p(learner.writer, weights, rows.seen, rows.words, (pull / len(pull)).astype(weights.dtype))


def update(learner: Learner, rows: Rows, orders: Any, settings: Settings) -> Learner:
    """Return a learner that has learnt from the rows; nothing that is handed over changes.

    `orders` (epochs, rows): how each epoch goes through the rows.
    """
    weights, memory = learner.weights, learner.memory
    for order in orders:
        for part in np.array_split(order, settings.parts):
            found = gradient(learner, weights, rows.at(part), settings)
            weights, memory = moved(weights, found, memory, settings.rate, settings.longest)
    return replace(learner, weights=weights, memory=memory)


def train(
    writer: Writer, reference: Floats, prompts: Prompts, reward: Reward, seed: int, settings: Settings | None = None
) -> Iterator[Progress]:
    """Learn from the reference on until the budget is used up; after each update yield where training stands."""
    settings, rng = settings or Settings(), np.random.default_rng(seed)
    learner, batch = new_learner(writer, reference), settings.groups * settings.size
    for done in range(batch, settings.budget + 1, batch):
        rows, rewards, tasks, sentences = collect(learner, prompts, reward, settings, rng)
        orders = [rng.permutation(len(rows.words)) for _ in range(settings.epochs)]
        learner = update(learner, rows, orders, settings)
        yield Progress(done, learner, rows, rewards, tasks, sentences)

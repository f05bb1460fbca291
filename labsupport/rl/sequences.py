"""A small policy that writes: from a prompt, the place and the word before to the next word, as a language model does.

A large model sees all words before, ours only the last one; and its sentences have one length. Otherwise it is the same
thing: one network, asked again for each word, and what it has written is part of the next question.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.rl.adam import moved, nothing
from labsupport.rl.policies import Floats, Network, backward, forward, log_softmax, sample

Words = NDArray[np.int64]
"""Sentences (n, length): of each word its number."""


@dataclass(frozen=True)
class Writer:
    """Writes `length` words out of `words`, for prompts of `features` numbers, by a network with `hidden` layers."""

    features: int
    words: int
    length: int
    hidden: tuple[int, ...] = (64,)

    @cached_property
    def inputs(self) -> int:
        """How many numbers the network sees: the prompt, the place, and the word before (or that there is none)."""
        return self.features + self.length + self.words + 1

    @cached_property
    def network(self) -> Network:
        """Its network, from what it sees to a score for each word."""
        return Network((self.inputs, *self.hidden, self.words))

    def sees(self, prompts: Floats, place: int, before: Any = None) -> Floats:
        """Return what the network sees (n, inputs) at a place; `before` (n,) is the word before, None at the first."""
        rows = np.zeros((len(prompts), self.inputs), dtype=np.float32)
        rows[:, : self.features] = prompts
        rows[:, self.features + place] = 1
        word = self.words if before is None else before
        rows[np.arange(len(rows)), self.features + self.length + word] = 1
        return rows

    def reads(self, prompts: Floats, sentences: Words) -> Floats:
        """Return what the network sees (n, length, inputs) while it writes these sentences."""
        each = [self.sees(prompts, place, sentences[:, place - 1] if place else None) for place in range(self.length)]
        return np.stack(each, axis=1)


@dataclass(frozen=True)
class Written:
    """What was written, row by row: `sentences` (n, length), what the network saw (n, length, inputs), `log_p` (n, length)."""

    sentences: Words
    seen: Floats
    log_p: Floats


def write(writer: Writer, weights: Floats, prompts: Floats, rng: np.random.Generator | None) -> Written:
    """Write a sentence for each prompt (n, features): drawn word by word, or the likeliest word each time if `rng` is None."""
    layers, before = writer.network.layers(weights), None
    sentences, seen, said = [], [], []
    for place in range(writer.length):
        rows = writer.sees(prompts, place, before)
        log_p = log_softmax(forward(layers, rows)[0])
        before = log_p.argmax(axis=1) if rng is None else sample(log_p, rng)
        sentences.append(before)
        seen.append(rows)
        said.append(log_p[np.arange(len(rows)), before])
    return Written(np.stack(sentences, axis=1), np.stack(seen, axis=1), np.stack(said, axis=1))


def log_p_of(writer: Writer, weights: Floats, seen: Floats, words: Any) -> Floats:
    """Return the logarithms of the probabilities of `words` (...), given what was seen (..., inputs)."""
    flat = np.asarray(words).ravel()
    log_p = log_softmax(forward(writer.network.layers(weights), seen.reshape(-1, writer.inputs))[0])
    found: Floats = log_p[np.arange(len(flat)), flat].reshape(np.shape(words))
    return found


def by_log_p(writer: Writer, weights: Floats, seen: Floats, words: Any, pull: Floats) -> Floats:
    """Return the gradient by the weights of sum(pull * log p) over rows: `seen` (n, inputs), `words` and `pull` (n,)."""
    layers, found = writer.network.layers(weights), np.empty_like(weights)
    scores, inside = forward(layers, seen)
    by_scores = np.exp(log_softmax(scores)) * -pull[:, None]
    by_scores[np.arange(len(words)), words] += pull
    backward(layers, inside, by_scores, writer.network.layers(found))
    return found


def imitate(
    writer: Writer, prompts: Floats, sentences: Words, rng: np.random.Generator, steps: int = 200, rate: float = 5e-3
) -> Floats:
    """Return weights that were taught to write like examples: prompts (n, features) and their sentences (n, length).

    256 of them a step of Adam; a language model is pre-trained and "fine-tuned with supervision" in this way.
    """
    weights = writer.network.start(rng, 0.1)
    memory = nothing(weights)
    for _ in range(steps):
        picked = rng.integers(len(prompts), size=256)
        seen, words = writer.reads(prompts[picked], sentences[picked]), sentences[picked].ravel()
        pull = np.full(len(words), 1 / len(words), dtype=np.float32)
        found = by_log_p(writer, weights, seen.reshape(len(words), -1), words, pull)
        weights, memory = moved(weights, -found, memory, rate)
    return weights

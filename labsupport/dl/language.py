"""Language models of a log: the service's lines as one text, models that say which token follows, and texts drawn from them."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, Protocol, Self

import numpy as np

from labsupport.dl.network import Array
from labsupport.dl.transformer import Tokens
from labsupport.world.logs import CAUSE_LINES, CAUSES, NOISE_LINES, NUMBERS, SYMPTOM_LINES, log_stream


class LanguageModel(Protocol):
    """What says how likely each token is to follow."""

    def next(self, contexts: Tokens) -> Array:
        """Return for texts (n, t) the probabilities (n, vocabulary) of the token behind each."""


def log_text(hours: float, *, seed: int = 0) -> str:
    """Return the service's log as one text, a line an entry, with an incident about every quarter of an hour."""
    rng = np.random.default_rng([304, seed])
    starts = np.cumsum(rng.uniform(500, 1500, int(hours * 3600 / 500) + 1))
    happens = [(float(second), CAUSES[int(rng.integers(len(CAUSES)))]) for second in starts]
    stream = log_stream(hours * 3600, incidents=happens, lines_per_s=0.05, seed=rng)
    return "".join(f"{line.text()}\n" for line in stream)


def could_be_real(line: str) -> bool:
    """Tell whether the service can write this line, letter by letter."""
    return _REAL.fullmatch(line) is not None


def following(tokens: Sequence[int], length: int, step: int) -> tuple[Tokens, Tokens]:
    """Return pieces (n, length) of a text, which begin `step` tokens apart, and for each of their tokens the one that follows it."""
    text = np.asarray(tokens, np.int64)
    pieces = np.lib.stride_tricks.sliding_window_view(text, length + 1)[::step]
    return pieces[:, :-1].copy(), pieces[:, 1:].copy()


class Counts:
    """The naive rival: what followed the last `order` - 1 tokens, as counted; smoothed by what followed fewer of them.

    Source: Witten and Bell (1991), "The zero-frequency problem". Learnt: `counts_`, a table for each length of context.
    """

    def __init__(self, vocabulary: int, order: int) -> None:
        self.vocabulary, self.order = vocabulary, order

    def fit(self, tokens: Sequence[int]) -> Self:
        """Count in a text."""
        self.counts_: list[dict[tuple[int, ...], Counter[int]]] = [defaultdict(Counter) for _ in range(self.order)]
        text = [int(token) for token in tokens]
        for at, token in enumerate(text):
            for length in range(min(self.order, at + 1)):
                self.counts_[length][tuple(text[at - length : at])][token] += 1
        return self

    def next(self, contexts: Tokens) -> Array:
        """Return for texts (n, t) the probabilities (n, vocabulary) of the token behind each."""
        return np.array([self._after(row.tolist()) for row in contexts])

    def _after(self, context: list[int]) -> Array:
        said = np.full(self.vocabulary, 1 / self.vocabulary)
        for length in range(min(self.order, len(context) + 1)):
            counted = self.counts_[length].get(tuple(context[len(context) - length :]))
            if not counted:
                break
            # The more different tokens followed, the more a new one is to be expected.
            said *= len(counted)
            said[list(counted)] += list(counted.values())
            said /= said.sum()
        return said


def bits(model: LanguageModel, contexts: Tokens, wanted: Any) -> Array:
    """Return the surprise (n,) in bits at each token `wanted` (n,) behind the texts `contexts` (n, t)."""
    said = np.concatenate([model.next(contexts[begin : begin + 256]) for begin in range(0, len(contexts), 256)])
    surprise: Array = -np.log2(said[np.arange(len(wanted)), wanted] + 1e-12)
    return surprise


def tempered(probabilities: Array, temperature: float) -> Array:
    """Return probabilities (..., k) at a temperature above 0: below 1 the likely ones gain, above 1 the unlikely ones do."""
    if not temperature > 0:
        raise ValueError(f"a temperature is above 0; got {temperature}")
    with np.errstate(divide="ignore"):
        scores = np.log(probabilities) / temperature
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    result: Array = raised / raised.sum(axis=-1, keepdims=True)
    return result


def write(
    model: LanguageModel, start: Sequence[int], texts: int, count: int, temperature: float, seed: int = 0
) -> Tokens:
    """Draw `texts` texts of `count` tokens each, one token after the other, behind the same start: shape (texts, count).

    The model sees as many tokens as `start` has: the oldest falls out for each that comes.
    """
    rng = np.random.default_rng(seed)
    window = np.tile(np.asarray(start, np.int64), (texts, 1))
    drawn = np.zeros((texts, count), np.int64)
    for at in range(count):
        reach = tempered(model.next(window), temperature).cumsum(axis=1)
        drawn[:, at] = (rng.random((texts, 1)) * reach[:, -1:] > reach).sum(axis=1)
        window = np.hstack([window[:, 1:], drawn[:, at : at + 1]])
    return drawn


def whole_lines(text: str) -> list[str]:
    """Return the lines of a text that have a beginning and an end."""
    return text.split("\n")[1:-1]


def _pattern(lines: Sequence[tuple[str, str, str]]) -> list[str]:
    number = f"(?:{'|'.join(str(each) for each in NUMBERS)})"
    return [re.escape(" ".join(line)).replace(re.escape("{n}"), number) for line in lines]


_REAL = re.compile(
    "|".join(_pattern([*NOISE_LINES, *SYMPTOM_LINES, *(each for lines in CAUSE_LINES.values() for each in lines)]))
)

"""Attention: every token asks all others, and takes a share of what each of them holds. Each operation has its gradient beside it.

Source: Vaswani et al. (2017), "Attention Is All You Need".
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labsupport.dl.network import Array, Dense, Stage

Mask = NDArray[np.bool_]
"""Which token (row) may look at which (column); all its rows need at least one that they may look at."""


def attention(queries: Array, keys: Array, values: Array, mask: ArrayLike | None = None) -> tuple[Array, Array]:
    """Return (what each token takes, its shares): shapes (..., t, v) and (..., t, s).

    `queries` (..., t, k), `keys` (..., s, k), `values` (..., s, v); `mask`: truth values that fit (..., t, s), True where a token may
    look. The shares of a row are 0 or more and sum to 1.
    """
    scores = queries @ keys.swapaxes(-1, -2) / keys.shape[-1] ** 0.5
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return shares @ values, shares


def attention_gradients(
    gradient: Array, queries: Array, keys: Array, values: Array, shares: Array
) -> tuple[Array, Array, Array]:
    """Return the loss's gradients by queries, keys and values, from that by what the tokens took (..., t, v)."""
    by_shares = gradient @ values.swapaxes(-1, -2)
    # The shares of a row compete: what one gains, the others lose.
    by_scores = shares * (by_shares - (by_shares * shares).sum(axis=-1, keepdims=True))
    by_scores /= keys.shape[-1] ** 0.5
    return by_scores @ keys, by_scores.swapaxes(-1, -2) @ queries, shares.swapaxes(-1, -2) @ gradient


def causal(length: int) -> Mask:
    """Return the mask (length, length) with which each token sees itself and its past."""
    return np.tri(length, dtype=np.bool_)


class MultiHeadAttention(Stage):
    """Several attentions side by side, each on `width` / `heads` numbers of its own; what they take is mixed at the end.

    `shares`: those of the last forward (n, heads, t, t). Raises ValueError when the heads don't divide the width.
    """

    def __init__(self, width: int, heads: int, rng: np.random.Generator, dtype: Any = np.float32) -> None:
        if width % heads:
            raise ValueError(f"heads divide the width; {heads} don't divide {width}")
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.mix = (rows_to_rows(width, width, rng, dtype) for _ in range(4))

    @property
    def dense(self) -> tuple[Dense, ...]:
        """The four weighted sums: of queries, keys, values, and the mix."""
        return self.query, self.key, self.value, self.mix

    def attend(self, x: Array, mask: Mask | None = None) -> Array:
        """Return (n, t, width) for tokens (n, t, width); `mask` fits (n, heads, t, t)."""
        queries, keys, values = (self._split(each.forward(_rows(x)), x.shape) for each in self.dense[:3])
        self.asked = queries, keys, values
        taken, self.shares = attention(*self.asked, mask)
        joined = taken.swapaxes(1, 2).reshape(-1, x.shape[2])
        return self.mix.forward(joined).reshape(x.shape)

    def backward(self, gradient: Array) -> Array:
        by_taken = self._split(self.mix.backward(_rows(gradient)), gradient.shape)
        parts = attention_gradients(by_taken, *self.asked, self.shares)
        back = [
            each.backward(part.swapaxes(1, 2).reshape(-1, gradient.shape[2]))
            for each, part in zip(self.dense, parts, strict=False)
        ]
        result: Array = sum(back[1:], back[0]).reshape(gradient.shape)
        return result

    def _split(self, rows: Array, shape: tuple[int, ...]) -> Array:
        count, length, width = shape
        return rows.reshape(count, length, self.heads, width // self.heads).swapaxes(1, 2)


def rows_to_rows(inputs: int, outputs: int, rng: np.random.Generator, dtype: Any = np.float32) -> Dense:
    """Return weighted sums that begin at random with variance 2 / (inputs + outputs). Source: Glorot and Bengio (2010)."""
    weights = rng.normal(0, np.sqrt(2 / (inputs + outputs)), (inputs, outputs)).astype(dtype)
    return Dense(weights, np.zeros(outputs, dtype))


def _rows(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])

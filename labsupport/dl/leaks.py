"""Attention programs that should see no future: some keep to it, some leak, each in its own way. All take tokens (16, 8)."""

from collections.abc import Callable

import numpy as np

from labsupport.dl.attention import attention, causal
from labsupport.dl.network import Array

LENGTH, WIDTH = 16, 8
Program = Callable[[Array], Array]
_RNG = np.random.default_rng(304)
_ASK, _OFFER, _HOLD = (_RNG.normal(size=(WIDTH, WIDTH)) / 2 for _ in range(3))


def _looks(mask: Array, x: Array) -> Array:
    return attention(x @ _ASK, x @ _OFFER, x @ _HOLD, mask)[0]


def sound(x: Array) -> Array:
    """Each token sees itself and its past."""
    return _looks(causal(len(x)), x)


def short_memory(x: Array) -> Array:
    """Each token sees itself and the three before it."""
    return _looks(causal(len(x)) & ~np.tri(len(x), k=-4, dtype=bool), x)


def two_layers(x: Array) -> Array:
    """Two sound ones, one after the other."""
    return sound(np.tanh(sound(x)))


def no_mask(x: Array) -> Array:
    """Nobody asked for a mask."""
    return _looks(np.ones((len(x), len(x)), bool), x)


def one_ahead(x: Array) -> Array:
    """The mask's diagonal is off by one."""
    return _looks(np.tri(len(x), k=1, dtype=bool), x)


def masked_too_late(x: Array) -> Array:
    """The future's shares are set to 0 after the softmax has counted them."""
    shares = attention(x @ _ASK, x @ _OFFER, x @ _HOLD)[1] * causal(len(x))
    result: Array = shares @ (x @ _HOLD)
    return result


def centred(x: Array) -> Array:
    """The mean over all tokens is taken off first, those of the future too."""
    return sound(x - x.mean(axis=0))


def half_a_mask(x: Array) -> Array:
    """The mask was made for eight tokens; behind them everybody sees everybody."""
    mask = np.ones((len(x), len(x)), bool)
    mask[:8] = causal(len(x))[:8]
    return _looks(mask, x)


def open_prompt(x: Array) -> Array:
    """The first eight tokens see each other, the others their past."""
    mask = causal(len(x))
    mask[:8, :8] = True
    return _looks(mask, x)


def skips_one(x: Array) -> Array:
    """Each token sees its past and the token after the next, not the next."""
    mask = causal(len(x)) | np.eye(len(x), k=2, dtype=bool)
    return _looks(mask, x)


def last_token(x: Array) -> Array:
    """The last token is added to the first four: a window that was rolled round its end."""
    result = sound(x)
    result[:4] += x[-1]
    return result


SOUND: tuple[Program, ...] = (sound, short_memory, two_layers)
LEAKY: tuple[Program, ...] = (
    no_mask,
    one_ahead,
    masked_too_late,
    centred,
    half_a_mask,
    open_prompt,
    skips_one,
    last_token,
)

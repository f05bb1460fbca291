"""Gradients by trying: how a loss changes when one number is moved a little. Slow, and hard to get wrong."""

from collections.abc import Callable, Iterable

import numpy as np

from labsupport.dl.network import Array


def numerical_gradient(
    loss: Callable[[], float], values: Array, places: Iterable[tuple[int, ...]] | None = None, step: float = 1e-6
) -> Array:
    """Return the gradient of `loss()` by `values`, which it reads: an array of their shape, nan where nothing was tried.

    Each value (or those at `places` only) is moved up and down by `step` and put back. The difference over 2 steps is off by about
    step² from curvature, and by 1e-16 / step from rounding: `values` are float64, and 1e-6 is a good middle.
    Source: Goodfellow et al., Deep Learning, section 11.5.
    """
    if values.dtype != np.float64:
        raise ValueError(f"finite differences drown in rounding below float64; got {values.dtype}")
    found = np.full(values.shape, np.nan)
    for place in np.ndindex(values.shape) if places is None else places:
        kept = values[place]
        values[place] = kept + step
        above = loss()
        values[place] = kept - step
        below = loss()
        values[place] = kept
        found[place] = (above - below) / (2 * step)
    return found

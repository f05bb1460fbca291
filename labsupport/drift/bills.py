"""What a model's decisions cost, deploy by deploy, and whether that has become more: labels decide, not features."""

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import FloatArray, outcomes

# As in lesson 203: an hour of a colleague who watches, and a failure that nobody watched. In euros.
HELD, MISSED = 60.0, 600.0
THRESHOLD = HELD / MISSED


def bills(probability: ArrayLike, failed: ArrayLike) -> FloatArray:
    """Return what each deploy cost (n,), in euros: 60 if it was held, 600 if it was let go and failed; held from 0.1 on.

    Raises ValueError where a probability or an outcome is missing.
    """
    said = np.asarray(probability, dtype=float)
    if np.isnan(said).any():
        raise ValueError(f"{np.isnan(said).sum()} of {said.size} probabilities are missing: bill only what was judged")
    return np.where(said >= THRESHOLD, HELD, MISSED * outcomes(failed))


def change(before: ArrayLike, since: ArrayLike, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of the mean of `since` (m,) minus that of `before` (n,), by the bootstrap."""
    rng = np.random.default_rng(seed)
    old, new = np.asarray(before, dtype=float), np.asarray(since, dtype=float)
    means = [values[rng.integers(0, len(values), (1_000, len(values)))].mean(axis=1) for values in (new, old)]
    low, high = np.quantile(means[0] - means[1], [0.025, 0.975])
    return float(low), float(high)


def verdict(interval: tuple[float, float], tolerance: float) -> str:
    """Return `harmful` if the whole interval lies above `tolerance`, `harmless` if none of it does, else `unknown`.

    It is as sure as the interval is, for one look.
    """
    low, high = interval
    return "harmful" if low > tolerance else "harmless" if high <= tolerance else "unknown"

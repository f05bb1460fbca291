"""Champion against challenger on the same deploys: what both cost, paired, so that luck of the day falls out."""

import numpy as np
from numpy.typing import ArrayLike


def saved(champion: ArrayLike, challenger: ArrayLike, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of what the challenger saves per deploy, from both bills of the same deploys (n,), (n,)."""
    difference = np.asarray(champion, dtype=float) - np.asarray(challenger, dtype=float)
    rng = np.random.default_rng(seed)
    means = difference[rng.integers(0, len(difference), (1_000, len(difference)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def verdict(interval: tuple[float, float]) -> str:
    """Return `better` if the challenger saves for certain, `worse` if it loses for certain, else `unsure`."""
    low, high = interval
    return "better" if low > 0 else "worse" if high < 0 else "unsure"

"""A scale out of comparisons: what is preferred how often says how far two things lie apart.

Source: Bradley and Terry (1952), "Rank analysis of incomplete block designs"; as the reward model of a policy: Christiano et
al. (2017), "Deep reinforcement learning from human preferences".
"""

from typing import Any

import numpy as np

from labsupport.arrays import FloatArray


def chance(ahead: Any) -> FloatArray:
    """Return how likely the first of two is preferred if it is `ahead` points better (any shape, in natural logarithms of odds)."""
    found: FloatArray = 0.5 * (1 + np.tanh(np.asarray(ahead, dtype=float) / 2))
    return found


def fit(differences: Any, won: Any, ridge: float = 1.0, most: int = 50) -> FloatArray:
    """Return weights (k,): points = features @ weights, such that `chance` explains who was preferred.

    `differences` (n, k): features of the first minus those of the second; `won` (n,): whether the first was preferred.
    `ridge` keeps weights small where there is little to learn from: it costs ridge / 2 * weights². Raises ValueError for
    shapes that don't fit.
    """
    x, y = np.asarray(differences, dtype=float), np.asarray(won, dtype=float)
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise ValueError(f"differences are (n, k) and won is (n,); got {x.shape} and {y.shape}")
    weights = np.zeros(x.shape[1])
    for _ in range(most):
        p = chance(x @ weights)
        slope = x.T @ (p - y) + ridge * weights
        bend = (x * (p * (1 - p))[:, None]).T @ x + ridge * np.eye(len(weights))
        step = np.linalg.solve(bend, slope)
        weights = weights - step
        if np.abs(step).max() < 1e-10:
            break
    return weights


def agreement(differences: Any, won: Any, weights: Any) -> float:
    """Return the share of comparisons in which the one with more points was preferred."""
    return float(((np.asarray(differences) @ weights > 0) == np.asarray(won, dtype=bool)).mean())

"""Learning rates that change while training goes on: a schedule is a function of the number of steps done, from 0."""

from collections.abc import Callable

import numpy as np

Schedule = Callable[[int], float]


def cosine(rate: float, steps: int, warmup: int = 0) -> Schedule:
    """Return a schedule that rises in a line over `warmup` steps to `rate`, then falls along half a cosine to 0 at `steps`.

    Source: Loshchilov and Hutter 2017, "SGDR: stochastic gradient descent with warm restarts"; the warm-up: Goyal et al. 2017.
    Raises ValueError unless 0 <= warmup < steps.
    """
    if not 0 <= warmup < steps:
        raise ValueError(f"warmup lies from 0 to below steps; got {warmup} and {steps}")

    def at(step: int) -> float:
        if step < warmup:
            return rate * step / warmup
        done = min((step - warmup) / (steps - warmup), 1.0)
        return float(rate * (1 + np.cos(np.pi * done)) / 2)

    return at


def staircase(rate: float, every: int, factor: float = 0.1) -> Schedule:
    """Return a schedule that is multiplied by `factor` after each `every` steps; raises ValueError for `every` below 1."""
    if every < 1:
        raise ValueError(f"a stair is 1 step long or longer; got {every}")
    return lambda step: float(rate * factor ** (step // every))


def rising(low: float, high: float, steps: int) -> Schedule:
    """Return the schedule of a range test: from `low` to `high` in `steps` steps, each the same factor above the one before.

    Source: Smith 2017, "Cyclical learning rates for training neural networks". Raises ValueError unless 0 < low < high, steps > 1.
    """
    if not 0 < low < high or steps < 2:
        raise ValueError(f"a range test rises from above 0, in 2 steps or more; got {low} to {high} in {steps}")
    return lambda step: float(low * (high / low) ** (step / (steps - 1)))

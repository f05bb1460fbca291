"""How much of a number is luck: the bootstrap, which draws the same data again and again with other luck."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import FloatArray


def bootstrap(
    statistic: Callable[..., ArrayLike], *columns: ArrayLike, repeats: int = 1_000, seed: int = 0
) -> FloatArray:
    """Return the statistic of `repeats` samples drawn from the rows with replacement: shape (repeats, *its own shape).

    `columns`: arrays (n, ...) whose rows belong together; `statistic` is called with one resampled array for each. It
    takes rows as independent: for data that come in runs (incidents, rainy days) the true scatter is larger.
    Raises ValueError for columns of unequal length. Source: Efron 1979, "Bootstrap methods: another look at the jackknife".
    """
    arrays = [np.asarray(column) for column in columns]
    lengths = [len(array) for array in arrays]
    if not lengths or min(lengths) != max(lengths) or not lengths[0]:
        raise ValueError(f"columns of equal length, row by row, are resampled; got lengths {lengths}")
    if repeats < 1:
        raise ValueError(f"repeats is 1 or more; got {repeats}")
    rng = np.random.default_rng(seed)
    draws = (rng.integers(0, lengths[0], lengths[0]) for _ in range(repeats))
    return np.array([statistic(*(array[rows] for array in arrays)) for rows in draws], dtype=float)


def interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Return the middle `level` of the values (m,), some of which may be infinite: the bootstrap's percentile interval."""
    if not 0 < level < 1:
        raise ValueError(f"level lies between 0 and 1, such as 0.95; got {level}")
    # Both ends are values that were drawn: between a number and infinity nothing can be interpolated.
    low, high = np.quantile(np.asarray(values, dtype=float), [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return float(low), float(high)

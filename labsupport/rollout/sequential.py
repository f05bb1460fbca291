"""Tests that may be looked at again and again: an e-value instead of a p-value, and intervals that hold at all looks at once.

The mixture sequential probability ratio test of Robbins for a difference that is close to normal, as experimentation
platforms use it: Johari, Koomen, Pekelis and Walsh, Peeking at A/B Tests (KDD 2017). It is exact for normal differences with a
known variance; for shares of some hundred users it is close, which its tests and the lesson measure.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import FloatArray

# An estimate from fewer successes (or failures) is often much too small, and luck then looks like a difference.
LEAST = 10


class Difference(NamedTuple):
    """b's share minus a's, and the variance of that, both of any shape."""

    value: FloatArray
    variance: FloatArray


def difference(a: ArrayLike, users_a: ArrayLike, b: ArrayLike, users_b: ArrayLike) -> Difference:
    """Return the difference of two shares, from successes and users of both variants (counts of one shape, say, by look).

    The variance of a share that has fewer than 10 successes, or failures, is that of 10; with fewer than 20 users, of half of
    them. So it is never 0, and holds for a small variant beside a large one, too.
    """
    a, users_a, b, users_b = (np.asarray(x, dtype=float) for x in (a, users_a, b, users_b))
    return Difference(b / users_b - a / users_a, _variance(a, users_a) + _variance(b, users_b))


def _variance(successes: FloatArray, users: FloatArray) -> FloatArray:
    """Return the variance of a share, from at least `LEAST` successes and failures."""
    least = np.minimum(LEAST, users / 2)
    # One of each more, as a share is not known as well as it seems.
    share = (np.clip(successes, least, users - least) + 1) / (users + 2)
    return np.asarray(share * (1 - share) / users)


def evidence(value: ArrayLike, variance: ArrayLike, tau: float) -> FloatArray:
    """Return the e-value against "no difference": it exceeds 1 / alpha at any look with a chance of at most alpha.

    `tau`: the size of difference that one looks for, as a standard deviation; it costs power when it is far off, not validity.
    """
    value, variance = np.asarray(value, dtype=float), np.asarray(variance, dtype=float)
    both = variance + tau**2
    return np.asarray(np.sqrt(variance / both) * np.exp(value**2 * tau**2 / (2 * variance * both)))


def interval(value: ArrayLike, variance: ArrayLike, tau: float, alpha: float = 0.05) -> tuple[FloatArray, FloatArray]:
    """Return the lower and upper ends of intervals which, with a chance of 1 - alpha, ALL cover the true difference."""
    value, variance = np.asarray(value, dtype=float), np.asarray(variance, dtype=float)
    both = variance + tau**2
    half = np.sqrt(2 * variance * both / tau**2 * (np.log(1 / alpha) + np.log(both / variance) / 2))
    return value - half, value + half

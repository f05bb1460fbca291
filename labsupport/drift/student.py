"""Student's t-test of each window against a reference: what a typical tutorial repeats every night."""

from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import FloatArray


def p_values(reference: ArrayLike, windows: ArrayLike) -> FloatArray:
    """Return the p-value of each window's mean (...), from the reference (..., m) and windows (..., n); equal spread assumed.

    A missing value makes its window's p-value NaN, which is below no level. Source: Student 1908; `scipy.stats.ttest_ind`.
    """
    from scipy.stats import ttest_ind

    found = ttest_ind(np.asarray(windows, dtype=float), np.asarray(reference, dtype=float), axis=-1)
    return cast("FloatArray", np.asarray(found.pvalue, dtype=float))

"""The arrays that functions take and return, by name."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


def outcomes(event: ArrayLike) -> NDArray[np.bool_]:
    """Return whether each event happened, in the shape of `event`. Raises ValueError where some outcome is missing."""
    values = np.asarray(event)
    missing = 0
    if values.dtype.kind == "f":
        missing = int(np.isnan(values).sum())
    elif values.dtype.kind == "O":
        missing = sum(one is None or one != one for one in values.flat)
    if missing:
        # As a boolean NaN would be an event, and None would be none.
        raise ValueError(f"{missing} of {values.size} outcomes are not known yet: drop these rows, or wait for them")
    return values.astype(bool)

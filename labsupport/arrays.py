"""The arrays that functions take and return, by name."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

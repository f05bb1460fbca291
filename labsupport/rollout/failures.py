"""Does the canary fail more often than the stable version? Evidence that may be looked at after each request.

Nobody knows the stable version's rate, and an outage behind both raises both. So each failure is asked one question only:
whose was it? If both fail alike, the canary has its share of the traffic, and of the failures, too: each failure is the toss of
a coin that falls on the canary with that share. The likelihood ratio for "more than its share" is an e-value (Wald's sequential
test of a ratio; Ramdas and Wang, Hypothesis Testing with E-values, 2025). Where many requests of a batch fail, the failures are
drawn without replacement, which scatters less than the coin (Hoeffding 1963): it stays an e-value.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import FloatArray

# How many times as often a bad canary may fail: evidence is a mean over all of them.
RATIOS = np.array([1.5, 3.0, 10.0])


@dataclass(frozen=True)
class Evidence:
    """Logarithms of the likelihood ratios so far, shape (..., ratios). Begin with `Evidence()`."""

    logs: FloatArray = field(default_factory=lambda: np.zeros(len(RATIOS)))

    @property
    def value(self) -> FloatArray:
        """The e-value, shape (...): a healthy canary ever has 1 / alpha with a chance of at most alpha."""
        return np.asarray(np.exp(np.logaddexp.reduce(self.logs, axis=-1) - np.log(len(RATIOS))))

    def add(
        self, canary: ArrayLike, canary_failed: ArrayLike, stable: ArrayLike, stable_failed: ArrayLike
    ) -> "Evidence":
        """Return the evidence after more requests: how many each had, and how many of them failed (counts of any one shape).

        Where only one of the two had requests there is nothing to compare, and the evidence stays.
        """
        counts = (canary, canary_failed, stable, stable_failed)
        requests, failed, others, others_failed = (np.asarray(x, dtype=float)[..., None] for x in counts)
        both = (requests > 0) & (others > 0)
        share = np.where(both, requests, 1) / np.where(both, requests + others, 2)
        expected = share * RATIOS / (share * RATIOS + 1 - share)
        gained = failed * np.log(expected / share)
        gained += others_failed * np.log((1 - expected) / (1 - share))
        return Evidence(self.logs + np.where(both, gained, 0.0))

"""Which policy is shipped? Several that were trained on leashes of several lengths, gauges that are free, and people who are not."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd

from labsupport.arrays import FloatArray
from labsupport.rl import rlhf

LEASHES = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
READINGS = 200
"""How many plans people read in a company: spread over all policies it is just enough for exercise 404.1."""
MISREAD = 1.0
"""By how many points a reader is usually off (standard deviation)."""
COMPANIES = {500: 1.0, 501: -1.5, 502: 3.0, 503: 0.2}
"""The companies of exercise 404.1, by their seed: what a repeated action costs there, in points; in one, repeating helps."""


@dataclass(frozen=True)
class Offers:
    """Policies to choose from: free `gauges` of each (kl, proxy), a row each, and what its plans are truly worth (offers, plans)."""

    gauges: pd.DataFrame
    worth: FloatArray

    @property
    def truth(self) -> FloatArray:
        """What a plan of each is truly worth on average, (offers,)."""
        found: FloatArray = self.worth.mean(axis=1)
        return found


class Readers:
    """People who read plans and say what they are worth; they count what they read."""

    def __init__(self, offers: Offers, seed: int) -> None:
        self._offers, self._rng, self.read = offers, np.random.default_rng([seed, 3404]), 0

    def __call__(self, number: int, plans: int) -> float:
        """Return the mean of `plans` readings of the policy with this number; raises ValueError if there is nothing to read."""
        if plans < 1 or number not in range(len(self._offers.worth)):
            last = len(self._offers.worth) - 1
            raise ValueError(f"one plan or more, of a policy from 0 to {last}; got {plans} plans of policy {number}")
        self.read += plans
        picked = self._rng.choice(self._offers.worth[number], size=plans)
        return float((picked + self._rng.normal(0, MISREAD, plans)).mean())


@cache
def offers(seed: int, repeated: float = 1.0) -> Offers:
    """Return the policies of one company, one a leash, in an order that tells nothing."""
    case = rlhf.prepare(seed, repeated=repeated)
    rows, worth = [], []
    for place in np.random.default_rng(seed).permutation(len(LEASHES)):
        *_, last = rlhf.follow(case, seed, replace(rlhf.Settings(), leash=LEASHES[place]))
        proxy, truth = rlhf.judged(case, last.weights, seed)
        rows.append({"kl": last.kl, "proxy": float(proxy.mean())})
        worth.append(truth)
    return Offers(pd.DataFrame(rows), np.stack(worth))

"""What a probability is worth: surprise in bits, and Bayes' rule."""

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import outcomes


def bits(probability: ArrayLike, happened: ArrayLike) -> float:
    """Return the mean surprise in bits per event of probabilities in the face of what happened.

    `probability` (n,) or one number: the forecast that the event happens; `happened` (n,): whether it did. A coin's
    forecast of 0.5 costs 1 bit; a sure and right one 0; a sure and wrong one infinity. It is the log loss with base 2,
    and the length per event of the best code built on the forecast (Shannon 1948, section 6).
    Raises ValueError for a probability outside 0 to 1, and for a missing outcome.
    """
    forecast = np.asarray(probability, dtype=float)
    if np.any(~((forecast >= 0) & (forecast <= 1))):
        raise ValueError("a probability lies between 0 and 1; got values outside, or missing ones")
    given_to_truth = np.where(outcomes(happened), forecast, 1 - forecast)
    with np.errstate(divide="ignore"):
        # 0.0 - x, so that a perfect forecast costs 0 and not -0.
        return float(0.0 - np.log2(given_to_truth).mean())


def bayes_update(prior: float, sign_if_true: float, sign_if_false: float) -> float:
    """Return the probability of an event after a sign was seen.

    `prior`: the event's probability before; `sign_if_true`, `sign_if_false`: how often the sign shows when the event
    comes and when it does not. Raises ValueError when the sign is impossible either way.
    """
    seen = prior * sign_if_true + (1 - prior) * sign_if_false
    if seen == 0:
        raise ValueError("the sign never shows, whether the event comes or not: there is nothing to learn from it")
    return prior * sign_if_true / seen

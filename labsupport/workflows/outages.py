"""How often all tries of a step meet the same outage."""

import math
from collections.abc import Sequence


def all_tries_fail(away: float, outage_s: float, pauses_s: Sequence[float]) -> float:
    """Return the probability that a server is away at the first try and at each one after it.

    `away`: the share of the time in which it is away; `outage_s`: how long an outage lasts on average, in seconds (outages
    and the times between them are exponential); `pauses_s`: seconds between one try and the next. Without any memory this
    would be away ** tries. Source: two-state Markov process, e.g. Ross, Introduction to Probability Models, chapter 6.
    """
    # Back to `away` from "is away now" at this rate: 1 / outage + 1 / time between outages.
    rate = 1 / (outage_s * (1 - away))
    probability = away
    for pause in pauses_s:
        probability *= away + (1 - away) * math.exp(-rate * pause)
    return probability

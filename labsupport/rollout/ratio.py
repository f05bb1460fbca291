"""Sample-ratio mismatch: are there as many users in each variant as were assigned, as far as chance allows?

Fabijan et al., Diagnosing Sample Ratio Mismatch in Online Controlled Experiments (KDD 2019).
"""

from collections.abc import Sequence

# Tested once for each experiment, and a broken one costs more than a second look: far below the usual 0.05.
ALARM = 0.001


def mismatch(users: Sequence[int], shares: Sequence[float]) -> float:
    """Return the p-value of a chi-square test: how often chance alone gives counts this far from the assigned shares.

    `users` (k,): how many were counted in each variant; `shares` (k,): how they were assigned, in any unit (0.9 and 0.1,
    or 90 and 10). Raises ValueError when nobody was counted, or a share is not above 0.
    """
    from scipy.stats import chisquare

    total, whole = sum(users), sum(shares)
    if total <= 0 or min(users) < 0 or min(shares) <= 0 or len(users) != len(shares):
        raise ValueError(f"counts of users and shares above 0 are compared; got {list(users)} and {list(shares)}")
    return float(chisquare(list(users), [total * share / whole for share in shares]).pvalue)

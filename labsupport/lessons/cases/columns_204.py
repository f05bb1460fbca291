"""Columns for 204.1, with what each plausible mistake chooses on them."""

from collections.abc import Callable

import numpy as np

Parts = Callable[[np.ndarray, np.ndarray], float]


def columns() -> list[tuple[np.ndarray, np.ndarray]]:
    """Return pairs of values and failures, each of which tells other mistakes from the best cut."""
    rng = np.random.default_rng(3)
    # On this column every usual mistake cuts somewhere else.
    telling = np.array(list("111110101111111101010110011000001110110000100000011000000001")) == "1"
    # Failures are rare in both parts: a count of errors sees no difference between cuts.
    rare = rng.permutation(np.linspace(0.3, 1, 200))
    rare_failed = rng.random(200) < np.where(rare < 0.55, 0.4, 0.05)
    equal = rng.integers(0, 6, 120).astype(float)
    equal_failed = rng.random(120) < np.where(equal > 3, 0.75, 0.15)
    # Two values that lie close together, with the best cut between them.
    close = np.array([0.3, 0.9, 0.6 + 1e-5, 0.1, 0.6, 0.8])
    close_failed = np.array([True, False, False, True, True, False])
    shuffled = rng.permutation(60)
    # The best gap lies between values that are no neighbours in the column.
    apart = np.array([9.0, 1.0, 10.0, 2.0, 11.0, 3.0])
    # Who cuts between equal values finds a pure part that no threshold can make.
    ties = np.array([1.0] * 4 + [2.0] * 6 + [3.0] * 3)
    ties_failed = np.array([True] * 6 + [False] * 7)
    return [
        (np.arange(60.0), telling),
        (rare, rare_failed),
        (equal, equal_failed),
        (np.array([2.0, 8.0, 2.0]), np.array([True, False, True])),
        (close, close_failed),
        (np.arange(60.0)[shuffled], telling[shuffled]),
        (apart, apart == 1.0),
        (ties, ties_failed),
        # Who begins with the largest value has an empty part, whose cost is no number.
        (np.array([5.0, 1.0, 2.0]), np.array([True, False, False])),
        _against_entropy(),
    ]


def _against_entropy() -> tuple[np.ndarray, np.ndarray]:
    """Return a column that entropy cuts elsewhere: it prefers a small pure part."""
    failed = np.array([False] * 9 + [True, False, False] * 5 + [True, True, False] * 5)
    return np.arange(float(len(failed))), failed


def impurity(failed: np.ndarray) -> float:
    """Return Gini's impurity of a part."""
    share = float(failed.mean())
    return 2 * share * (1 - share)


def cost(yes: np.ndarray, failed: np.ndarray) -> float:
    """Return the weighted impurity of two parts."""
    return float(yes.mean()) * impurity(failed[yes]) + float((~yes).mean()) * impurity(failed[~yes])


def costs(values: np.ndarray, failed: np.ndarray) -> dict[float, float]:
    """Return the cost of the cut in the middle of each gap."""
    return {t: cost(values <= t, failed) for t in middles(values)}


def middles(values: np.ndarray) -> list[float]:
    """Return the middle of each gap between different values."""
    known = np.unique(values)
    return [float(t) for t in (known[1:] + known[:-1]) / 2]


def is_best(values: np.ndarray, failed: np.ndarray, threshold: float) -> bool:
    """Tell whether a threshold makes two parts, and none make purer ones."""
    yes = values <= threshold
    best = min(costs(values, failed).values())
    return bool(0 < yes.sum() < len(values) and abs(cost(yes, failed) - best) <= 1e-12)


def _entropy(failed: np.ndarray) -> float:
    share = float(failed.mean())
    return -sum(p * float(np.log2(p)) for p in (share, 1 - share) if p > 0)


def _errors(failed: np.ndarray) -> float:
    return float(min(failed.sum(), (~failed).sum()))


MISTAKES: dict[str, Parts] = {
    "the plain mean of two impurities: weight each by the size of its part": lambda a, b: impurity(a) + impurity(b),
    "that is the worst cut: look for the smallest cost": lambda a, b: -len(a) * impurity(a) - len(b) * impurity(b),
    "only the impurity of the yes part counts in yours: add that of the other": lambda a, b: impurity(a),
    "only the impurity of the no part counts in yours: add that of the other": lambda a, b: impurity(b),
    "only the larger impurity of both counts in yours: add them, each weighted by its size": lambda a, b: max(
        impurity(a), impurity(b)
    ),
    "you counted errors; where failures are rare that does not see which part is purer": lambda a, b: (
        _errors(a) + _errors(b)
    ),
    "these cuts are the best by entropy; the exercise asks for Gini's impurity": lambda a, b: (
        len(a) * _entropy(a) + len(b) * _entropy(b)
    ),
    "the weights are exchanged: each impurity is weighted by the size of its own part": lambda a, b: (
        len(b) * impurity(a) + len(a) * impurity(b)
    ),
    "this cuts the column in two halves": lambda a, b: abs(len(a) - len(b)),
    "this makes the shares of failures differ most, however few deploys a part has": lambda a, b: (
        -abs(float(a.mean()) - float(b.mean()))
    ),
}


def mistake(asked: list[tuple[np.ndarray, np.ndarray, float]]) -> str:
    """Return the mistake that chooses the gap of every answer (values, failed, threshold), or nothing."""
    for cause, parts in MISTAKES.items():
        if all(_same_gap(values, _cut(values, failed, parts), saw) for values, failed, saw in asked):
            return cause
    unsorted = "the candidates lie between neighbours in the column, which is in no order: sort the values first"
    between_ties = "a cut between equal values makes no such parts: `<=` puts them all on one side"
    for cause, choose in {unsorted: _unsorted, between_ties: _between_ties}.items():
        if all(_same_gap(values, choose(values, failed), saw) for values, failed, saw in asked):
            return cause
    return ""


def of_one(values: np.ndarray, failed: np.ndarray, saw: float) -> str:
    """Return what is wrong with one answer that is no best cut, where the answer itself says so, or nothing."""
    known, found = np.unique(values), costs(values, failed)
    best = min(found, key=lambda t: found[t])
    if np.isclose(saw, found[best], rtol=0, atol=1e-9):
        return "that is the smallest cost itself: return the threshold that has it"
    if saw == list(found).index(best):
        return "that is the position of the best candidate: return the candidate that stands there"
    if saw == known[int((known <= best).sum())]:
        return "that value would fall into the yes part: take the middle of the gap, or the value below it"
    if (values <= saw).all() or not (values <= saw).any():
        return "one part is empty: no threshold at or above the largest value, none below the smallest"
    return ""


def _cut(values: np.ndarray, failed: np.ndarray, parts: Parts) -> float:
    return min(middles(values), key=lambda t: parts(failed[values <= t], failed[values > t]))


def _unsorted(values: np.ndarray, failed: np.ndarray) -> float:
    candidates = [float(t) for t in (values[1:] + values[:-1]) / 2 if 0 < (values <= t).sum() < len(values)]
    return min(candidates, key=lambda t: cost(values <= t, failed))


def _between_ties(values: np.ndarray, failed: np.ndarray) -> float:
    order = np.argsort(values, kind="stable")
    ordered, outcome = values[order], failed[order]
    first = np.arange(len(values))
    at = min(range(1, len(values)), key=lambda n: cost(first < n, outcome))
    return float(ordered[at - 1] + ordered[at]) / 2


def _same_gap(values: np.ndarray, one: float, other: float) -> bool:
    return bool(np.array_equal(values <= one, values <= other))

"""Columns for 204.2 and lists of depths for 204.3, with what each plausible mistake chooses on them."""

from collections.abc import Callable
from typing import Any

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


_SCORES = [0.021, 0.048, 0.067, 0.061, 0.05, -0.4]
_LEARNT = [0.02, 0.05, 0.09, 0.13, 0.30, 0.72]
_TURNED = [3, 4, 2, 5, 0, 1]
_EXACT = [0.0, 0.25, 0.3125, 0.5]
_BELOW = [-0.31, -0.2, -0.21, -0.9]


def _depths(
    depths: list[int], learnt: list[float], unseen: list[float], slack: float
) -> tuple[list[int], Any, Any, float]:
    return depths, np.array(learnt), np.array(unseen), slack


# Depths, skill on known deploys, skill on unseen ones, slack.
DEPTHS = [
    _depths([1, 2, 3, 5, 8, 13], _LEARNT, _SCORES, 0.3),
    _depths([1, 2, 3, 4], [0.1, 0.35, 0.41, 0.6], _EXACT, 0.25),
    _depths(
        [[1, 2, 3, 5, 8, 13][i] for i in _TURNED], [_LEARNT[i] for i in _TURNED], [_SCORES[i] for i in _TURNED], 0.02
    ),
    _depths([1, 2, 3, 5, 8, 13], _LEARNT, _SCORES, 0.02),
    _depths([1, 2, 3, 5, 8, 13], _LEARNT, _SCORES, 0.01),
    _depths([1, 2, 3, 5, 8, 13], _LEARNT, _SCORES, 0.05),
    _depths([2, 4, 6], [0.1, 0.2, 0.3], [0.095, 0.1, 0.02], 0.002),
    # All below 0: a share of the best would be above it. The first known score is far from the unseen one.
    _depths([4, 6, 7, 9], [0.3, 0.5, -0.2, 0.9], _BELOW, 0.12),
]


def depth_and_mistakes(depths: list[int], learnt: Any, unseen: Any, slack: float) -> tuple[int, dict[str, float]]:
    """Return the right depth for one of `DEPTHS`, and what each mistake chooses."""
    best = unseen.max()

    def smallest(good: Any) -> float:
        return float(min([depth for depth, ok in zip(depths, good, strict=True) if ok], default=np.nan))

    good = unseen >= best - slack
    places = np.flatnonzero(good)
    want = int(smallest(good))
    return want, {
        "the best on the deploys it learnt from is always the deepest: choose by `validation`": depths[
            int(learnt.argmax())
        ],
        "the rule was applied to `learnt`: choose by `validation`": smallest(learnt >= learnt.max() - slack),
        "the best score wins in yours: `slack` and the simpler depth are not looked at": depths[int(unseen.argmax())],
        "`slack` is not used: 0.01 stands in its place": smallest(unseen >= best - 0.01),
        "the scores on known and on unseen deploys are compared: good is what is near the *best* on unseen deploys": smallest(
            learnt - unseen <= slack
        ),
        "the largest of the good depths: take the smallest": max(depths[place] for place in places),
        "the first of the good depths in the list: the list may stand in any order, take the smallest": depths[
            places[0]
        ],
        "that is a position in the list: return the depth that stands there": int(places[0]),
        "that is the position of the smallest good depth: return the depth itself": depths.index(want),
        "every depth passes in yours: good is `validation.max() - slack` or more": min(depths),
        "slack is a difference in skill, not a share of the best: subtract it, don't multiply": smallest(
            unseen >= best * (1 - slack)
        ),
        "exactly `slack` below the best is still good: `>=`, not `>`": smallest(unseen > best - slack),
        "that is a score: return the depth that has it": unseen[depths.index(want)],
        "that is the best score: return the depth": float(best),
        "the worst of the good ones was taken: take the smallest depth, whatever its score": depths[
            int(places[np.argmin(unseen[places])])
        ],
    }

"""Columns for 204.1 and tables of misses for 204.2, with what each plausible mistake chooses on them."""

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


def _table(depths: list[int], best: int, behind: dict[int, tuple[float, float]], deploys: int) -> tuple[list[int], Any]:
    """Return depths and misses (deploys, depths), in which each depth is behind the best by (mean, standard error)."""
    rng = np.random.default_rng(deploys)
    # Rare failures, which miss widely by every depth alike.
    shared = np.where(np.arange(deploys) % 12 == 5, 0.8, 0.004)
    columns = []
    for depth in depths:
        mean, error = behind.get(depth, (0.0, 0.0))
        noise = rng.normal(size=deploys)
        noise = (noise - noise.mean()) / noise.std()
        columns.append(shared + mean + error * np.sqrt(deploys) * noise if depth != best else shared)
    return depths, np.array(columns).T


def tables_of_misses() -> list[tuple[list[int], Any]]:
    """Return depths with the misses of each deploy by each: (mean, standard error) behind the best are chosen so that no mistake is right."""
    k = 1e-3
    return [
        _table([1, 2, 3, 4, 6], 4, {1: (3 * k, k), 2: (0.6 * k, k), 3: (1.5 * k, k), 6: (0.4 * k, k)}, 400),
        # In no order; two standard errors would let 2 pass.
        _table([5, 2, 8, 3, 12], 8, {5: (0.5 * k, k), 2: (1.5 * k, k), 3: (0.7 * k, k), 12: (9 * k, k)}, 300),
        # The simplest is the best.
        _table([7, 1, 4], 1, {7: (0.5 * k, k), 4: (0.3 * k, k)}, 250),
        # 2 is nearer to the best than 1, and surely behind; 1 scatters.
        _table([1, 2, 3, 5], 5, {1: (2 * k, 4 * k), 2: (1.4 * k, 0.5 * k), 3: (0.2 * k, 0.5 * k)}, 500),
        # Behind by next to nothing, and by more than 0.01 where single deploys scatter widely.
        _table([2, 4, 10], 10, {2: (15 * k, 2 * k), 4: (0.01 * k, k)}, 400),
        # Few deploys: a miss by itself scatters by more than 0.01.
        _table([1, 2, 3], 3, {1: (15 * k, 5 * k), 2: (0.3 * k, k)}, 100),
        # Nothing but the best is good.
        _table([2, 3, 6], 6, {2: (20 * k, k), 3: (2 * k, k)}, 350),
    ]


def depth_and_mistakes(depths: list[int], misses: Any) -> tuple[int, dict[str, float]]:
    """Return the right depth for one of `tables_of_misses`, and what each mistake chooses."""
    means = misses.mean(axis=0)
    best = int(means.argmin())
    behind = misses - misses[:, [best]]
    root = np.sqrt(len(misses))
    error = behind.std(axis=0) / root

    def smallest(good: Any) -> float:
        return float(min([depth for depth, ok in zip(depths, good, strict=True) if ok], default=np.nan))

    good = behind.mean(axis=0) <= error
    places = np.flatnonzero(good)
    want = int(smallest(good))
    worst = misses - misses[:, [int(means.argmax())]]
    return want, {
        "the best score wins in yours: the standard error and the simpler depth are not looked at": depths[best],
        "the standard error is that of a miss by itself, with the luck that both depths share: take that of the difference": smallest(
            means <= means[best] + misses[:, best].std() / root
        ),
        "the two standard errors were added: what hits both depths alike cancels in the difference, so take that of the difference": smallest(
            means - misses.std(axis=0) / root <= means[best] + misses[:, best].std() / root
        ),
        "the standard deviation of one deploy was taken: that of the mean is smaller by the root of their number": smallest(
            behind.mean(axis=0) <= behind.std(axis=0)
        ),
        "the standard deviation was divided by the number of deploys: divide by its root": smallest(
            behind.mean(axis=0) <= error / root
        ),
        "two standard errors are allowed in yours, or 95 %: the rule says one": smallest(
            behind.mean(axis=0) <= 2 * error
        ),
        "a fixed slack of 0.01 stands in the place of the standard error": smallest(means <= means[best] + 0.01),
        "the largest of the good depths: take the smallest": max(depths[place] for place in places),
        "the first of the good depths in the list: the list may stand in any order, take the smallest": depths[
            places[0]
        ],
        "that is a position in the list: return the depth that stands there": int(places[0]),
        "that is the position of the smallest good depth: return the depth itself": depths.index(want),
        "the largest miss was taken for the best: a miss is better the smaller it is": smallest(
            worst.mean(axis=0) >= -worst.std(axis=0) / root
        ),
        "the good ones are those that are behind: turn the comparison round": smallest(behind.mean(axis=0) > error),
        "every depth passes in yours, whatever it misses": min(depths),
        "the depth next to the best in miss was taken: take the smallest good one": depths[int(np.argsort(means)[1])],
    }

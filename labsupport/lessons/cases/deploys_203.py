"""What plausible mistakes make of the answers to 203.2 to 203.5; for 203.6 columns of noise, and a look at what is selected on them."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np


def newton_mistakes(X: np.ndarray, failed: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return where each mistake of a Newton step leads; X is (n, k), failed (n,), weights (k,)."""
    n = len(X)
    p = 1 / (1 + np.exp(-X @ weights))
    slope = X.T @ (p - failed) / n
    curvature = (X.T * (p * (1 - p))) @ X / n
    move = np.linalg.solve(curvature, slope)
    return {
        "you went up the slope: the miss is `p - failed`, and its step is subtracted": weights + move,
        "this is the step alone: add it to `weights`": -move,
        "this is the step with the wrong sign, and without the weights": move,
        "the curvature lacks p * (1 - p): it is that of a line": weights - np.linalg.solve(X.T @ X / n, slope),
        "slope and curvature are not divided by the same n": weights - move / n,
        "only one of slope and curvature is divided by n": weights - move * n,
        "this is a step of gradient descent: the curvature is not used": weights - slope,
        "you multiplied by the curvature; `np.linalg.solve` divides by it": weights - curvature @ slope,
        "only the diagonal of the curvature was used: columns that go together share their curvature": (
            weights - slope / np.diag(curvature)
        ),
        "the log-odds were taken for the probability: put `sigmoid` around `X @ weights`": (
            weights - np.linalg.solve(_curvature_of_odds(X, weights), X.T @ (X @ weights - failed) / n)
        ),
        "the step was taken from 0, not from `weights`": -np.linalg.solve(X.T @ X / 4 / n, X.T @ (0.5 - failed) / n),
    }


def _curvature_of_odds(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    log_odds = X @ weights
    curvature: np.ndarray = (X.T * (log_odds * (1 - log_odds))) @ X / len(X)
    # From weights of 0 it is all zero: then this mistake is an error of the learner's own.
    return curvature if np.linalg.matrix_rank(curvature) == len(weights) else np.eye(len(weights))


def score_mistakes(tp: int, fp: int, fn: int) -> dict[str, tuple[float, float, float]]:
    """Return what each mistake makes of precision, recall and F1."""
    precision, recall = tp / (tp + fp), tp / (tp + fn)
    f1, mean = _harmonic(precision, recall), (precision + recall) / 2
    return {
        "precision and recall are swapped: precision divides by the alarms, recall by the events": (
            recall,
            precision,
            f1,
        ),
        "F1 comes last: the order is precision, recall, F1": (f1, precision, recall),
        "precision was divided by alarms and misses together: divide by the alarms, TP + FP": (
            tp / (tp + fp + fn),
            recall,
            _harmonic(tp / (tp + fp + fn), recall),
        ),
        "precision: divide the true positives by all alarms, TP + FP, not by the false ones": (
            tp / fp,
            recall,
            _harmonic(tp / fp, recall),
        ),
        "recall: divide the true positives by all events, TP + FN, not by the missed ones": (
            precision,
            tp / fn,
            _harmonic(precision, tp / fn),
        ),
        "F1 is the harmonic mean, this is the ordinary one: it would praise a model for one of the two alone": (
            precision,
            recall,
            mean,
        ),
        "F1 lacks its factor 2": (precision, recall, f1 / 2),
        "this is the geometric mean; F1 is 2 · precision · recall / (precision + recall)": (
            precision,
            recall,
            np.sqrt(precision * recall),
        ),
        "F1 lacks its denominator, precision + recall": (precision, recall, 2 * precision * recall),
    }


def _harmonic(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall)


def bin_mistakes(probability: np.ndarray, failed: np.ndarray, low: float, high: float) -> dict[str, Any]:
    """Return what each mistake makes of (promised, came) in the bin from `low` to `high`."""
    inside = (probability >= low) & (probability < high)
    promised, came = probability[inside].mean(), failed[inside].mean()
    edges = {
        "deploys that lie on `high` belong to the next bin: `probability < high`": inside | (probability == high),
        "deploys that lie on `low` belong to this bin: `probability >= low`": inside & (probability != low),
        "the edges are turned round: `low` belongs to the bin, `high` does not": (probability > low)
        & (probability <= high),
        "all deploys below `high` are in: those below `low` belong to other bins": probability < high,
        "all deploys from `low` on are in: those from `high` on belong to other bins": probability >= low,
        "`low` and `high` are not used: these are the means of all deploys": probability >= 0,
    }
    causes: dict[str, Any] = {"the two are swapped: the promise comes first": (came, promised)}
    causes |= {cause: (probability[chosen].mean(), failed[chosen].mean()) for cause, chosen in edges.items()}
    causes |= {
        "what was promised is the mean probability in the bin, not its middle": ((low + high) / 2, came),
        "divide by the deploys in the bin, not by all of them": (promised, failed[inside].sum() / 500),
        "both were divided by all deploys: divide by those in the bin": (
            probability[inside].sum() / 500,
            failed[inside].sum() / 500,
        ),
        "this is the count of failures: divide by the deploys in the bin": (promised, failed[inside].sum()),
        "the failures were not restricted to the bin": (promised, failed.mean()),
        "this is what the failures were promised: take all deploys of the bin": (
            probability[inside & failed].mean(),
            came,
        ),
        "this is the median promise: take the mean": (np.median(probability[inside]), came),
    }
    return causes


def mistaken_search(
    found: list[float], prices: Any, score: np.ndarray, failed: np.ndarray, candidates: np.ndarray
) -> str:
    """Name the mistake that leads to all of the answers found, one for each pair of prices."""
    held, strict = score[:, None] >= candidates, score[:, None] > candidates
    event = failed[:, None]

    def total(each: Any) -> np.ndarray:
        return np.asarray(np.asarray(each).sum(axis=0))

    def honest(hold: float, page: float) -> np.ndarray:
        return total(hold * held + page * (event & ~held))

    mistakes: dict[str, Any] = {
        "the two prices are swapped": lambda h, p: honest(p, h),
        "misses alone were counted: holding has its price, too": lambda h, p: total(event & ~held),
        "holds alone were counted: a failure that was let go costs `page_cost`": lambda h, p: total(held),
        "only false alarms were charged: each held deploy costs `hold_cost`, right or wrong": lambda h, p: total(
            h * (held & ~event) + p * (event & ~held)
        ),
        "every failure was charged, also those that were held": lambda h, p: total(h * held + p * event),
        "a deploy at the threshold is held, too: `score >= threshold`": lambda h, p: total(
            h * strict + p * (event & ~strict)
        ),
        # Holding what scores low costs a constant minus the honest cost, so both mistakes choose the same candidate.
        "something is turned round: hold what scores high, and take the lowest cost, not the highest": lambda h, p: (
            -honest(h, p)
        ),
        "the candidate with the most right answers was taken: prices are not used": lambda h, p: total(held != event),
    }
    for text, costs in mistakes.items():
        if found == [candidates[np.argmin(costs(*pair))] for pair in prices]:
            return text
    if found == [int(np.argmin(honest(*pair))) for pair in prices]:
        return "this is the position of the cheapest candidate: return `candidates[position]`"
    if np.allclose(found, [hold / page for hold, page in prices]):
        return "the price ratio holds for probabilities only; these scores are none: search"
    if not set(found) <= set(candidates):
        return "this is not one of `candidates`: compute the total cost of each, and return the cheapest"
    return ""


@contextlib.contextmanager
def selections() -> Iterator[list[tuple[int, int]]]:
    """Note (k, rows) of every selection by `SelectKBest` in the block; other ways to select leave no note."""
    from sklearn.feature_selection import SelectKBest

    noted: list[tuple[int, int]] = []
    fit = SelectKBest.fit

    def noting(self: Any, X: Any, y: Any = None) -> Any:
        noted.append((self.k, len(X)))
        return fit(self, X, y)

    SelectKBest.fit = noting
    try:
        yield noted
    finally:
        SelectKBest.fit = fit


def flattered(noise: np.ndarray, coin: np.ndarray) -> tuple[float, float]:
    """Return the accuracy of a selection before the folds, and that on the very rows of the fit."""
    from sklearn.feature_selection import SelectKBest
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    chosen = SelectKBest(k=20).fit_transform(noise, coin)
    model = LogisticRegression()
    return float(cross_val_score(model, chosen, coin).mean()), float(model.fit(chosen, coin).score(chosen, coin))


def coin(rows: int, columns: int, effect: float) -> tuple[np.ndarray, np.ndarray]:
    """Return columns of noise and a coin; with an effect, three of the columns know how it falls."""
    rng = np.random.default_rng(37)
    coin = rng.permutation(np.arange(rows) < rows // 2)
    noise = rng.normal(size=(rows, columns))
    noise[:, [3, 50, 99]] += effect * coin[:, None]
    return noise, coin

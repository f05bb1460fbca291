"""Lesson 203, logistic regression: checkers, hints and quiz."""

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded, learners_code
from labsupport.exercises.outcomes import Fail

exercises = Exercises("203")


@exercises.check(
    "1",
    "A sigmoid that never overflows",
    hints=(
        "For x below 0, `np.abs(x)` is -x, so `small` is exp(x). Which of the two forms in the text uses exp(x)?",
        "It is `small / (1 + small)`. Both answers have the same denominator.",
        "`np.where(x >= 0, 1, small) / (1 + small)`",
    ),
)
def sigmoid(answer: Guarded) -> str:
    """Try ordinary values, then values whose exponentials overflow, with numpy's warnings caught."""
    squash = expect.function(answer)
    ordinary = np.array([-3.0, -0.5, 0.0, 0.5, 4.0])
    want = 1 / (1 + np.exp(-ordinary))
    saw = _quietly(squash, ordinary)[0]
    if not np.allclose(saw, want, rtol=1e-9, atol=0):
        small = np.exp(-np.abs(ordinary))
        causes = {
            "x and -x are swapped: a large x is a probability near 1": 1 - want,
            "for x below 0 the answer is `small / (1 + small)`, not `1 / (1 + small)`": 1 / (1 + small),
            "for x of 0 or more the answer is `1 / (1 + small)`": small / (1 + small),
            "these are odds: divide by 1 + odds": np.exp(ordinary),
            "this is the hyperbolic tangent: it runs from -1 to 1, a probability from 0 to 1": np.tanh(ordinary),
        }
        from_zero = "right from 0 on; below 0 it is `small / (1 + small)`"
        otherwise = from_zero if np.allclose(saw[2:], want[2:]) else "try it for x = 0: that is 0.5"
        cause = next((c for c, wrong in causes.items() if np.allclose(saw, wrong)), otherwise)
        raise Fail(_listed(saw), f"{_listed(want)} for x of {_listed(ordinary)}", cause)
    far = np.array([-1000.0, -750.0, 750.0, 1000.0])
    saw, heard = _quietly(squash, far)
    if not np.allclose(saw, [0, 0, 1, 1], rtol=0, atol=1e-12):
        cause = "exp(1000) is infinite, and infinite by infinite is `nan`: take `np.exp(-np.abs(x))` on both sides"
        raise Fail(_listed(saw), f"[0, 0, 1, 1] for x of {_listed(far)}", cause)
    if heard:
        raise Fail(
            f"the right values, and the warning `{heard}`",
            "the right values, silently",
            "somewhere a positive number goes into `np.exp`; `np.where` computes both of its branches for all x",
        )
    return "Right from -1000 to 1000, and silent."


def _quietly(squash: Guarded, x: np.ndarray) -> tuple[np.ndarray, str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        values = expect.array(squash(x), x.shape, "the probabilities")
    return values, next((str(w.message) for w in caught if issubclass(w.category, RuntimeWarning)), "")


@exercises.check(
    "2",
    "One Newton step",
    hints=(
        "Begin with `p = sigmoid(X @ weights)`; the miss is `p - failed`.",
        "`slope = X.T @ (p - failed) / len(X)` and `curvature = (X.T * (p * (1 - p))) @ X / len(X)`.",
        "Go against the slope: `weights - np.linalg.solve(curvature, slope)`.",
    ),
    minutes=7,
)
def newton_step(answer: Guarded) -> str:
    """Compare one step from a place that is not 0; each usual mistake leads elsewhere."""
    step = expect.function(answer)
    rng = np.random.default_rng(23)
    start = np.array([0.4, -0.3, 0.2])
    X = np.column_stack([np.ones(60), rng.normal(size=(60, 2))])
    failed = (rng.random(60) < 0.35).astype(float)
    for weights in (np.array([0.4, -0.3, 0.2]), np.zeros(3)):
        p = 1 / (1 + np.exp(-X @ weights))
        slope, n = X.T @ (p - failed) / 60, 60
        curvature = (X.T * (p * (1 - p))) @ X / n
        want = weights - np.linalg.solve(curvature, slope)
        saw = expect.array(step(X, failed, weights), (3,), "the weights")
        if np.allclose(saw, want, rtol=1e-6, atol=1e-9):
            continue
        causes = {
            "you went up the slope: subtract the solution from the weights": 2 * weights - want,
            "this is the step alone: add it to `weights`": want - weights,
            "this is the step with the wrong sign, and without the weights": weights - want,
            "the curvature lacks p * (1 - p): it is that of a line": weights - np.linalg.solve(X.T @ X / n, slope),
            "slope and curvature are not divided by the same n": weights - np.linalg.solve(curvature * n, slope),
            "only one of slope and curvature is divided by n": weights - np.linalg.solve(curvature, slope * n),
            "this is a step of gradient descent: the curvature is not used": weights - slope,
            "you multiplied by the curvature; `np.linalg.solve` divides by it": weights - curvature @ slope,
            "the log-odds were taken for the probability: put `sigmoid` around `X @ weights`": weights
            - np.linalg.solve(_curvature_of_odds(X, weights), X.T @ (X @ weights - failed) / n),
        }
        cause = next(
            (c for c, wrong in causes.items() if np.allclose(saw, wrong, rtol=1e-6, atol=1e-9)),
            "print the shapes: slope is (k,), curvature (k, k)",
        )
        raise Fail(f"{_listed(saw)} from weights {_listed(weights)}", _listed(want), cause)
    with learners_code():
        # Not through Guarded, which gives copies: does it change the weights that it was given?
        step.function(X, failed, start)
    if not np.array_equal(start, [0.4, -0.3, 0.2]):
        cause = "`weights -= ...` changes the caller's own array: write `return weights - ...`"
        raise Fail("the right step, and the given weights were changed", "a new array", cause)
    return "Right from two places; from 0 the curvature is a quarter of a line's, because p (1 - p) is 0.25."


def _curvature_of_odds(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    log_odds = X @ weights
    curvature: np.ndarray = (X.T * (log_odds * (1 - log_odds))) @ X / len(X)
    # From weights of 0 it is all zero: then this mistake is an error of the learner's own.
    return curvature if np.linalg.matrix_rank(curvature) == len(weights) else np.eye(len(weights))


@exercises.check(
    "3",
    "Precision, recall, F1",
    hints=(
        "Alarms are TP + FP, events are TP + FN. Guard each division: `a / b if b else 0.0`.",
        "F1 divides by precision + recall, which is 0 as soon as there is no true positive.",
        "`f1 = 2 * precision * recall / (precision + recall) if true_positives else 0.0`",
    ),
    minutes=4,
)
def precision_recall_f1(answer: Guarded) -> str:
    """Try counts that tell all three apart, then the three empty cases."""
    score = expect.function(answer)
    for tp, fp, fn in ((30, 10, 70), (4, 12, 1)):
        saw = expect.array(score(tp, fp, fn), (3,), "the three scores")
        precision, recall = tp / (tp + fp), tp / (tp + fn)
        want = np.array([precision, recall, 2 * precision * recall / (precision + recall)])
        if np.allclose(saw, want, rtol=1e-9):
            continue
        raise Fail(
            f"{_listed(saw)} for TP {tp}, FP {fp}, FN {fn}", _listed(want), _mistaken_score(saw, want, tp, fp, fn)
        )
    for (tp, fp, fn), what in {
        (0, 0, 9): "without any alarm",
        (0, 7, 0): "without any failure",
        (0, 5, 5): "where each alarm is wrong",
        (0, 0, 0): "without alarms and failures",
    }.items():
        values: Any = score(tp, fp, fn)
        saw = np.asarray(values, dtype=float).ravel()
        if saw.shape != (3,) or not np.array_equal(saw, [0, 0, 0]):
            cause = "guard each of the three divisions; for an empty denominator the answer is 0.0"
            if saw.shape == (3,) and np.isnan(saw).any():
                cause = "0 divided by 0 is `nan`, also in numpy: decide before you divide"
            elif saw.shape == (3,) and saw.max() == 1:
                cause = "an empty denominator was counted as perfect: the answer here is 0.0"
            raise Fail(f"{_listed(saw)} {what}", "[0, 0, 0]", cause)
    return "Right for two confusion matrices and four empty ones."


def _mistaken_score(saw: np.ndarray, want: np.ndarray, tp: int, fp: int, fn: int) -> str:
    if np.allclose(saw[:2], want[1::-1]):
        return "precision and recall are swapped: precision divides by the alarms, recall by the events"
    if not np.allclose(saw[0], want[0]):
        if np.allclose(saw[0], tp / (tp + fp + fn)):
            return "precision was divided by alarms and misses together: divide by the alarms, TP + FP"
        return "precision: divide the true positives by all alarms, TP + FP"
    if not np.allclose(saw[1], want[1]):
        return "recall: divide the true positives by all events, TP + FN"
    if np.allclose(saw[2], want[:2].mean()):
        return "F1 is the harmonic mean, this is the ordinary one: it would praise a model for one of the two alone"
    if np.allclose(saw[2], want[2] / 2):
        return "F1 lacks its factor 2"
    if np.allclose(saw[2], np.sqrt(want[0] * want[1])):
        return "this is the geometric mean; F1 is 2 · precision · recall / (precision + recall)"
    return "precision and recall are right; F1 is 2 · precision · recall / (precision + recall)"


@exercises.check(
    "4",
    "Promised and came",
    hints=(
        "Make a boolean array first: `inside = (probability >= low) & (probability < high)`.",
        "`probability[inside]` are the promises in the bin, `failed[inside]` what came of them.",
        "The mean of a boolean array is the share of True.",
    ),
    minutes=4,
)
def promised_and_came(answer: Guarded) -> str:
    """Ask for two bins of which the edges hold deploys themselves."""
    bin_of = expect.function(answer)
    rng = np.random.default_rng(29)
    probability = rng.beta(1.2, 8, 500).round(2)
    failed = rng.random(500) < probability
    for low, high in ((0.1, 0.2), (0.03, 0.08)):
        inside = (probability >= low) & (probability < high)
        want = np.array([probability[inside].mean(), failed[inside].mean()])
        saw = expect.array(bin_of(probability, failed, low, high), (2,), "promised and came")
        if np.allclose(saw, want, rtol=1e-9):
            continue
        closed, shut = (probability >= low) & (probability <= high), (probability > low) & (probability < high)
        right = (probability > low) & (probability <= high)
        causes: dict[str, Any] = {
            "the two are swapped: the promise comes first": want[::-1],
            "deploys that lie on `high` belong to the next bin: `probability < high`": _bin(
                probability, failed, closed
            ),
            "deploys that lie on `low` belong to this bin: `probability >= low`": _bin(probability, failed, shut),
            "the edges are turned round: `low` belongs to the bin, `high` does not": _bin(probability, failed, right),
            "what was promised is the mean probability in the bin, not its middle": [(low + high) / 2, want[1]],
            "divide by the deploys in the bin, not by all of them": [want[0], failed[inside].sum() / 500],
            "this is the count of failures: divide by the deploys in the bin": [want[0], failed[inside].sum()],
            "the failures were not restricted to the bin": [want[0], failed.mean()],
            "`low` and `high` are not used: these are the means of all deploys": [probability.mean(), failed.mean()],
            "this is what the failures were promised: take all deploys of the bin": [
                probability[inside & failed].mean(),
                want[1],
            ],
        }
        cause = next(
            (c for c, wrong in causes.items() if np.allclose(saw, wrong, rtol=1e-9)),
            "first select the deploys of the bin, then take two means",
        )
        raise Fail(f"{_listed(saw)} for {low} to {high}", _listed(want), cause)
    return f"Right for two bins; the last promised {want[0]:.3f}, and {want[1]:.3f} came."


def _bin(probability: np.ndarray, failed: np.ndarray, inside: np.ndarray) -> list[float]:
    return [float(probability[inside].mean()), float(failed[inside].mean())]


@exercises.check(
    "5",
    "The cheapest threshold",
    hints=(
        "For one threshold: `held = score >= threshold`. How many are held, and which failures are not among them?",
        "The cost is `hold_cost * held.sum() + page_cost * (failed & ~held).sum()`. Collect it for each candidate.",
        "`candidates[np.argmin(costs)]` is the candidate, `np.argmin(costs)` only its position.",
    ),
    minutes=6,
)
def cheapest_threshold(answer: Guarded) -> str:
    """Search at three pairs of prices on scores that are no probabilities, some equal to a candidate."""
    search = expect.function(answer)
    rng = np.random.default_rng(31)
    failed = rng.random(600) < 0.2
    score = (rng.normal(size=600) + 1.3 * failed).round(1)
    candidates = np.array([9.0, 0.5, -0.5, 2.0, 1.0, 0.0, 1.5, -9.0])

    def cost(threshold: float, hold: float, page: float) -> float:
        held = score >= threshold
        return float(hold * held.sum() + page * (failed & ~held).sum())

    prices = ((60.0, 300.0), (60.0, 120.0), (1.0, 50.0), (500.0, 60.0))
    found = [
        expect.returned_number(
            lambda h=hold, p=page: search(score, failed, candidates, h, p),  # type: ignore[misc]
            "the threshold",
        )
        for hold, page in prices
    ]
    for saw, (hold, page) in zip(found, prices, strict=True):
        best = min(candidates, key=lambda t: cost(t, hold, page))
        if saw in candidates and cost(saw, hold, page) == cost(best, hold, page):
            continue
        saw_cost = f", which costs {cost(saw, hold, page):,.0f}" if saw in candidates else ""
        if np.isclose(saw, cost(best, hold, page)):
            cause = "this is the lowest cost: return the threshold that has it"
        else:
            cause = _mistaken_search(found, prices, score, failed, candidates)
        raise Fail(
            f"{saw:g}{saw_cost}, for prices {hold:g} and {page:g}", f"{best:g}: {cost(best, hold, page):,.0f}", cause
        )
    few, two_failed = np.array([1.0, 1.0, 1.0, 2.0, 2.0]), np.array([False, False, False, True, True])
    saw = expect.returned_number(lambda: search(few, two_failed, np.array([1.0, 2.0]), 60.0, 300.0), "the threshold")
    if saw == 1.0:
        cause = "a deploy at the threshold is held, too: `score >= threshold`"
        raise Fail("1 for scores 1, 1, 1, 2, 2 of which the last two failed", "2: it holds exactly these two", cause)
    return "Right at four pairs of prices, also where it is cheapest to hold nothing."


def _mistaken_search(
    found: list[float], prices: Any, score: np.ndarray, failed: np.ndarray, candidates: np.ndarray
) -> str:
    """Name the mistake that leads to all of the answers found, one for each pair of prices."""
    held, strict = score[:, None] >= candidates, score[:, None] > candidates
    event = failed[:, None]

    def total(each: Any) -> np.ndarray:
        return np.asarray(each).sum(axis=0)

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
    return "compute the total cost of each candidate, then take the lowest"


# What honest answers to 203.6 score on the telling columns: 0.755, and 0.73 to 0.77 when the folds are shuffled.
HONEST = (0.71, 0.785)


@exercises.check(
    "6",
    "Selection inside the folds",
    hints=(
        "`make_pipeline(SelectKBest(k=20), LibraryRegression())` is one model that selects and then fits.",
        "Give the pipeline and *all* columns to `cross_val_score`; it fits the whole pipeline anew in each fold.",
        "`cross_val_score(pipeline, columns, answers, cv=5).mean()`",
    ),
)
def honest_accuracy(answer: Guarded) -> str:
    """Score on pure noise, where honesty means about 0.5, and on columns that do know the answer."""
    from threadpoolctl import threadpool_limits

    score = expect.function(answer)
    noise, coin = _coin(120, 500, 0.0)
    telling, outcome = _coin(600, 300, 0.9)
    # Ten small fits: threads would wait for each other three times longer than they compute.
    with threadpool_limits(1):
        saw = expect.number(score(noise, coin), "the mean accuracy")
    if saw > 1:
        raise Fail(
            f"{saw:.2f}", "about 0.5", "an accuracy lies between 0 and 1: take the mean over the folds, not a sum"
        )
    if saw > 0.68:
        peeked, recited = _flattered(noise, coin)
        if abs(saw - peeked) < abs(saw - recited):
            cause = "the columns were selected before the folds: put `SelectKBest` into the pipeline"
        else:
            cause = "the model was scored on the rows it was fitted to: `cross_val_score` keeps a fold apart each time"
        raise Fail(f"{saw:.2f} on a coin", "about 0.5", cause)
    with threadpool_limits(1), _selections() as selected:
        saw = expect.number(score(telling, outcome), "the mean accuracy")
    if any(k != 20 for k, _ in selected):
        raise Fail(f"the {selected[0][0]} best columns", "the 20 best", "`SelectKBest` takes 10 unless you say k=20")
    rows = sorted({rows for _, rows in selected})
    if selected and rows != [480]:
        raise Fail(f"selections on {rows} of 600 rows", "on 480 each time, four of five folds", "five folds: `cv=5`")
    low, high = HONEST
    if saw > high:
        cause = "the mean over the folds, not the best one; and accuracy, which is the score if you name none"
        raise Fail(f"{saw:.2f}", f"{low} to {high}, by the order of the rows", cause)
    if 0.6 < saw < low:
        cause = "that is what all columns give: select the 20 best in each fold, in the pipeline"
        raise Fail(f"{saw:.2f}", f"{low} to {high}, by the order of the rows", cause)
    if saw < low:
        cause = "the columns or the answers got mixed, or the selection does not look at the answers"
        raise Fail(f"{saw:.2f} where three columns of 300 know the answer", f"{low} to {high}", cause)
    return f"About a half on a coin, and {saw:.2f} where there is something to find."


@contextlib.contextmanager
def _selections() -> Iterator[list[tuple[int, int]]]:
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


def _flattered(noise: np.ndarray, coin: np.ndarray) -> tuple[float, float]:
    """Return the accuracy of a selection before the folds, and that on the very rows of the fit."""
    from sklearn.feature_selection import SelectKBest
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    chosen = SelectKBest(k=20).fit_transform(noise, coin)
    model = LogisticRegression()
    return float(cross_val_score(model, chosen, coin).mean()), float(model.fit(chosen, coin).score(chosen, coin))


def _coin(rows: int, columns: int, effect: float) -> tuple[np.ndarray, np.ndarray]:
    """Return columns of noise and a coin; with an effect, three of the columns know how it falls."""
    rng = np.random.default_rng(37)
    coin = rng.permutation(np.arange(rows) < rows // 2)
    noise = rng.normal(size=(rows, columns))
    noise[:, [3, 50, 99]] += effect * coin[:, None]
    return noise, coin


def _listed(values: Any) -> str:
    return "[" + ", ".join(f"{value:.4g}" for value in np.atleast_1d(values)) + "]"


exercises.quiz(
    "a",
    "The weight of tests_failed_before is 0.4, and exp(0.4) is 1.5. What does one more failed test do to a deploy?",
    ("It adds 40 points in 100 to the probability that it fails.", False, "Weights add to the log-odds, not to the probability. From 95 % on there would be no room for 40 more."),
    ("It multiplies the odds that it fails by 1.5, whatever they were.", True, "Log-odds plus 0.4 are odds times 1.5. From 5 % that leads to 7 %, from 50 % to 60 %."),
    ("It multiplies the probability that it fails by 1.5.", False, "Nearly so for rare events, where odds and probability are alike. But 80 % times 1.5 would be 120 %."),
    ("Nothing that can be said, because it depends on the other columns.", False, "The probability does depend on them, the factor does not: that is what adding up means. It is also the limit of this model."),
)  # fmt: skip
exercises.quiz(
    "b",
    "Your model has 0.9 recall and 0.9 precision where half of the deploys fail. It moves to a team where 1 in 100 fails, and sorts as well there, at the same threshold. What happens?",
    ("Nothing: precision and recall belong to the model.", False, "Recall looks at the failures only, so it may stay. Precision mixes both kinds, and their shares have changed."),
    ("Recall falls, because failures are rarer.", False, "Recall is a share among the failures, however many they are. It stays about 0.9."),
    ("Precision falls to about 8 %: eleven of twelve alarms are false.", True, "Among equally many, one good deploy in ten rang. Now 99 good ones stand against each failure: 9.9 false alarms for 0.9 true ones."),
    ("Accuracy falls to about 8 %, and precision stays.", False, "The other way round. Nine of ten are still answered rightly, of both kinds, so accuracy stays at 0.9, and says nothing of the false alarms."),
)  # fmt: skip
exercises.quiz(
    "c",
    "Pages become cheaper: a failed deploy now costs 300 € and a held one 60 €. Your probabilities are calibrated. What do you do?",
    ("Train again, with the new prices as weights of the examples.", False, "The deploys did not change, so neither did their probabilities. Weights would spoil the calibration on top."),
    ("Keep 0.1, because it was checked by bootstrap on the data.", False, "The check was made at the old prices. At the new ones, holding at 0.1 spends 60 € to save 30 €."),
    ("Lower the threshold, because false alarms weigh more now.", False, "They do weigh more, and that is why you hold less, not more: a higher threshold rings less often."),
    ("Set the threshold to 60 / 300 = 0.2 and change nothing else.", True, "Below 0.2 a deploy costs less than 60 € on average when let go. The model stays, the action changes."),
)  # fmt: skip
exercises.quiz(
    "d",
    "Another team has opened its last part: 24 € per deploy. A colleague then tries forty other columns on that part and reports 22 €. What do you believe?",
    ("That a part which has not been used for choosing would show more than 22 €.", True, "The lowest of forty scores is partly the luckiest. Only new deploys can say what the choice is worth."),
    ("22 €, because it was measured on data that the model did not learn from.", False, "The model did not learn from it, but your colleague did, forty times. Choosing is learning."),
    ("That 24 € were wrong, and 22 € are right.", False, "24 € were measured once, after everything had been chosen. That number needs no correction, only an interval."),
)  # fmt: skip

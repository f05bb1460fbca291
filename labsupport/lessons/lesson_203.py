"""Lesson 203, logistic regression: checkers, hints and quiz."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded, learners_code
from labsupport.exercises.outcomes import Fail, LearnerError
from labsupport.lessons.cases import deploys_203

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
    """Try ordinary values, values far out on both sides, then values whose exponentials overflow, with warnings caught."""
    squash = expect.function(answer)
    ordinary = np.array([-3.0, -0.5, 0.0, 0.5, 4.0])
    # Here 1 - 1 / (1 + exp(x)) has lost digits, and from -37 on all of them.
    small_ones = np.array([-20.0, -30.0, -40.0])

    def cases() -> Iterator[expect.Case]:
        for x in (ordinary, small_ones):
            saw, small, want = _quietly(squash, x)[0], np.exp(-np.abs(x)), 1 / (1 + np.exp(-x))
            causes = {
                "x and -x are swapped: a large x is a probability near 1": 1 / (1 + np.exp(x)),
                "for x below 0 the answer is `small / (1 + small)`, not `1 / (1 + small)`": 1 / (1 + small),
                "for x of 0 or more the answer is `1 / (1 + small)`": small / (1 + small),
                "below 0 the answer is 1 less a number near 1, which leaves no digits: take `small / (1 + small)`": (
                    np.where(x >= 0, want, 1 - 1 / (1 + small))
                ),
                "1 less a number near 1 leaves no digits: take `small / (1 + small)` below 0": 1 - 1 / (1 + np.exp(x)),
                "1 less a number near 1 leaves no digits, as `np.tanh` near -1: take `small / (1 + small)` below 0": (
                    (1 + np.tanh(x / 2)) / 2
                ),
                "these are odds: divide by 1 + odds": np.exp(x),
                "this is `small` below 0, without its denominator `1 + small`": np.where(
                    x >= 0, 1 / (1 + small), small
                ),
                "this is the hyperbolic tangent: it runs from -1 to 1, a probability from 0 to 1": np.tanh(x),
                "the logarithm of the answer": np.log(want),
                "0 was taken for a negative number with the other form": np.where(
                    x > 0, want, np.where(x < 0, want, 0)
                ),
            }
            yield expect.Case(saw, want, causes, f" for x of {_listed(x)}", atol=0)

    expect.explain_all(cases(), "for x = 0 it is 0.5, for x = -3 it is 0.047: what does yours say, and by which form?")
    far = np.array([-1000.0, -750.0, 750.0, 1000.0])
    saw, heard = _quietly(squash, far)
    if not np.allclose(saw, [0, 0, 1, 1], rtol=0, atol=1e-12):
        cause = "exp(1000) is infinite, and infinite by infinite is `nan`: take `np.exp(-np.abs(x))` on both sides"
        known = np.isnan(saw).any()
        question = "what becomes of `np.exp(1000)` in yours?"
        raise Fail(
            _listed(saw),
            f"[0, 0, 1, 1] for x of {_listed(far)}",
            cause if known else "",
            question="" if known else question,
        )
    if heard:
        raise Fail(
            f"the right values, and the warning `{heard}`",
            "the right values, silently",
            "somewhere a positive number goes into `np.exp`; `np.where` computes both of its branches for all x",
        )
    _as_an_array(squash(far), "the next cells compute with it as an array: `np.array(...)` makes one of a list")
    return "Right from -1000 to 1000, and silent."


def _quietly(squash: Guarded, x: np.ndarray) -> tuple[np.ndarray, str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        values = expect.array(squash(x), x.shape, "the probabilities")
    return values, next((str(w.message) for w in caught if issubclass(w.category, RuntimeWarning)), "")


def _as_an_array(result: Any, cause: str) -> None:
    if not isinstance(result, np.ndarray):
        raise Fail(f"the right numbers in a {type(result).__name__}", "an array", cause)


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
    """Compare one step from two places; each usual mistake leads elsewhere."""
    step = expect.function(answer)
    rng = np.random.default_rng(23)
    X = np.column_stack([np.ones(60), rng.normal(size=(60, 2))])
    failed, n = (rng.random(60) < 0.35).astype(float), 60

    def cases() -> Iterator[expect.Case]:
        for weights in (np.array([0.4, -0.3, 0.2]), np.zeros(3)):
            p = 1 / (1 + np.exp(-X @ weights))
            slope = X.T @ (p - failed) / n
            curvature = (X.T * (p * (1 - p))) @ X / n
            move = np.linalg.solve(curvature, slope)
            saw = expect.array(step(X, failed, weights), (3,), "the weights")
            causes = deploys_203.newton_mistakes(X, failed, weights)
            yield expect.Case(saw, weights - move, causes, f" from weights {_listed(weights)}", rtol=1e-6)

    expect.explain_all(
        cases(), "which shapes have your slope and your curvature, (3,) and (3, 3), and what do you solve?"
    )
    start = np.array([0.4, -0.3, 0.2])
    with learners_code():
        # Not through Guarded, which gives copies: does it change the weights that it was given?
        result = step.function(X, failed, start)
    if not np.array_equal(start, [0.4, -0.3, 0.2]):
        cause = "`weights -= ...` changes the caller's own array: write `return weights - ...`"
        raise Fail("the right step, and the given weights were changed", "a new array", cause)
    _as_an_array(result, "the next cell computes with it: `np.array(...)` makes one of a list")
    return "Right from two places; from 0 the curvature is a quarter of a line's, because p (1 - p) is 0.25."


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
    """Try counts that tell all three apart, then the empty cases."""
    score = expect.function(answer)

    def cases() -> Iterator[expect.Case]:
        for tp, fp, fn in ((30, 10, 70), (4, 12, 1)):
            precision, recall = tp / (tp + fp), tp / (tp + fn)
            f1 = 2 * precision * recall / (precision + recall)
            saw = expect.array(score(tp, fp, fn), (3,), "the three scores")
            causes = deploys_203.score_mistakes(tp, fp, fn)
            yield expect.Case(saw, (precision, recall, f1), causes, f" for TP {tp}, FP {fp}, FN {fn}")

    expect.explain_all(cases(), "by what does yours divide for precision, by what for recall, and which mean is F1?")
    for (tp, fp, fn), what in {
        (0, 0, 9): "without any alarm",
        (0, 7, 0): "without any failure",
        (0, 5, 5): "where each alarm is wrong",
        (0, 0, 0): "without alarms and failures",
    }.items():
        try:
            saw = expect.array(score(tp, fp, fn), (3,), "the three scores")
        except LearnerError as error:
            if "ZeroDivisionError" not in error.summary:
                raise
            cause = "guard each of the three divisions; for an empty denominator the answer is 0.0"
            raise Fail(f"`{error.summary}` {what}", "[0, 0, 0]", cause) from None
        if not np.array_equal(saw, [0, 0, 0]):
            cause = ""
            if np.isnan(saw).any():
                cause = "0 divided by 0 is `nan`, also in numpy: decide before you divide"
            elif saw.max() == 1:
                cause = "an empty denominator was counted as perfect: the answer here is 0.0"
            question = "" if cause else "which of the three has nothing to divide by here?"
            raise Fail(f"{_listed(saw)} {what}", "[0, 0, 0]", cause, question=question)
    return "Right for two confusion matrices and four empty ones."


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
    """Ask for three bins, of which the edges hold deploys themselves and the last goes up to 1."""
    bin_of = expect.function(answer)
    rng = np.random.default_rng(29)
    probability = rng.beta(1.2, 8, 500).round(2)
    failed = rng.random(500) < probability

    def cases() -> Iterator[expect.Case]:
        for low, high in ((0.1, 0.2), (0.03, 0.08), (0.25, 1)):
            inside = (probability >= low) & (probability < high)
            promised, came = probability[inside].mean(), failed[inside].mean()
            try:
                result = bin_of(probability, failed, low, high)
            except LearnerError as error:
                if "truth value" not in error.summary:
                    raise
                cause = (
                    "Python's `low <= probability < high` asks for one truth value, and an array has many: write "
                    "`(probability >= low) & (probability < high)`"
                )
                raise Fail(f"`{error.summary}`", "two numbers", cause) from None
            saw = expect.array(result, (2,), "promised and came")
            causes = deploys_203.bin_mistakes(probability, failed, low, high)
            yield expect.Case(saw, (promised, came), causes, f" for {low} to {high}")

    last = expect.explain_all(cases(), "which deploys are in your bin, and what does each of your two means average?")[
        -1
    ]
    return f"Right for three bins; the last promised {last.want[0]:.3f}, and {last.want[1]:.3f} came."


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
            cause = deploys_203.mistaken_search(found, prices, score, failed, candidates)
        question = (
            "" if cause else "which deploys does yours hold at this candidate, and what do these and the others cost?"
        )
        raise Fail(
            f"{saw:g}{saw_cost}, for prices {hold:g} and {page:g}",
            f"{best:g}: {cost(best, hold, page):,.0f}",
            cause,
            question=question,
        )
    few, two_failed = np.array([1.0, 1.0, 1.0, 2.0, 2.0]), np.array([False, False, False, True, True])
    saw = expect.returned_number(lambda: search(few, two_failed, np.array([1.0, 2.0]), 60.0, 300.0), "the threshold")
    if saw == 1.0:
        cause = "a deploy at the threshold is held, too: `score >= threshold`"
        raise Fail("1 for scores 1, 1, 1, 2, 2 of which the last two failed", "2: it holds exactly these two", cause)
    return "Right at four pairs of prices, also where it is cheapest to hold nothing."


# What honest answers to 203.6 score on the telling columns: 0.755, and 0.748 +- 0.011 (0.708 to 0.773 in 180 shuffles of the
# folds). A regression on all columns scores 0.68 at best, columns chosen before the folds 0.777 at least.
HONEST = (0.69, 0.785)


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
    noise, coin = deploys_203.coin(120, 500, 0.0)
    telling, outcome = deploys_203.coin(600, 300, 0.9)
    # Ten small fits: threads would wait for each other three times longer than they compute.
    with threadpool_limits(1):
        saw = expect.number(score(noise, coin), "the mean accuracy")
    if saw > 1:
        raise Fail(
            f"{saw:.2f}", "about 0.5", "an accuracy lies between 0 and 1: take the mean over the folds, not a sum"
        )
    if saw > 0.68:
        peeked, recited = deploys_203.flattered(noise, coin)
        if abs(saw - peeked) < abs(saw - recited):
            cause = "the columns were selected before the folds: put `SelectKBest` into the pipeline"
        else:
            cause = "the model was scored on the rows it was fitted to: `cross_val_score` keeps a fold apart each time"
        raise Fail(f"{saw:.2f} on a coin", "about 0.5", cause)
    with threadpool_limits(1), deploys_203.selections() as selected:
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

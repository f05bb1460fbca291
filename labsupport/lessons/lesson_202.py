"""Lesson 202, loss functions and how to watch them: checkers, hints and quiz."""

import asyncio
import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded, learners_code
from labsupport.exercises.outcomes import Fail, LearnerError
from labsupport.lessons.cases import calls_202, pages_202

exercises = Exercises("202")


@exercises.check(
    "1",
    "The pinball loss",
    hints=(
        "First `short = came - said`: above 0 where the answer was too low.",
        "Where `short > 0` it costs `q * short`. Elsewhere the miss is `-short`, and costs `(1 - q) * -short`.",
        "`np.where(short > 0, q * short, (q - 1) * short)` chooses element by element; then take the mean.",
    ),
)
def pinball(answer: Guarded) -> str:
    """Compare at four quantiles, with an array and with one number as the answer."""
    loss = expect.function(answer)
    rng = np.random.default_rng(31)
    came = rng.gamma(3, 1.5, 40)

    def cases() -> Iterator[expect.Case]:
        for q, said in (
            (0.9, rng.normal(5, 2, 40)),
            (0.25, rng.normal(4, 2, 40)),
            (0.7, 4.0),
            (0.5, rng.normal(4, 2, 40)),
        ):
            saw = expect.returned_number(partial(loss, came, said, q), "the loss")
            short = came - said
            low, high = np.maximum(short, 0), np.maximum(-short, 0)
            causes = {
                "the two sides are swapped: too low costs `q`, too high `1 - q` (is your miss `came - said`?)": np.mean(
                    (1 - q) * low + q * high
                ),
                "the sum: the loss is the mean over all answers": np.sum(q * low + (1 - q) * high),
                "the mean of each side was taken for itself: divide the whole sum by the number of all answers": (
                    q * low[short > 0].mean() + (1 - q) * high[short <= 0].mean()
                ),
                "only answers that were too low are charged: too high costs `1 - q`": np.mean(q * low),
                "only answers that were too high are charged: too low costs `q`": np.mean((1 - q) * high),
                "the sign: where the answer is too high, came - said is negative, and a price is not": np.mean(
                    q * low - (1 - q) * high
                ),
                "the whole loss is negative: a miss costs, it does not pay": -_pinball(came, said, q),
                "both sides cost the same here: `q` is not used on each side": np.mean(q * np.abs(short)),
                "too high costs a full 1: its price is `1 - q`": np.mean(q * low + high),
                "too low costs a full 1: its price is `q`": np.mean(low + (1 - q) * high),
                "`q` is not used: this is the absolute error, and the two sides have different prices": np.mean(
                    np.abs(short)
                ),
                "`q` is not used: this is half of the absolute error": np.mean(np.abs(short)) / 2,
                "`q` is not used: 0.9 stands in its place": _pinball(came, said, 0.9),
                "the misses are squared: twice the miss costs twice as much": np.mean(q * low**2 + (1 - q) * high**2),
                "the smaller of both prices was taken: `np.maximum` gives the larger": np.mean(
                    np.minimum(q * short, (q - 1) * short)
                ),
                "the mean was taken first: each miss has its own side, so average last": max(
                    q * short.mean(), (q - 1) * short.mean()
                ),
            }
            yield expect.Case(saw, _pinball(came, said, q), causes, f" for q = {q}")

    expect.explain_all(
        cases(), "needed 5, said 3 costs 1.8 for q = 0.9, and needed 3, said 5 costs 0.2: what do they cost in yours?"
    )
    return "Right for four quantiles, for an array of answers and for one number."


def _pinball(came: np.ndarray, said: Any, q: float) -> float:
    short = came - said
    return float(np.mean(np.maximum(q * short, (q - 1) * short)))


@exercises.check(
    "2",
    "The cheapest booking",
    hints=(
        "Solve `share * idle = (1 - share) * missing` for `share`.",
        "`share` is `missing / (missing + idle)`: with 0.90 € and 0.10 € it is 0.9.",
        "`np.quantile(needs, share)` is the number that covers that share of the minutes.",
    ),
)
def best_booking(answer: Guarded) -> str:
    """Compare the bill of the answer with the smallest one, for four pairs of prices; any road to the place is fine."""
    book = expect.function(answer)
    rng = np.random.default_rng(37)
    needs = rng.gamma(4, 1.2, 4001)
    trials = []
    for missing, idle in ((0.9, 0.1), (0.4, 2.0), (3.0, 1.0), (1.0, 1.0)):
        saw = expect.returned_number(partial(book, needs, missing, idle), "the booking")
        share = missing / (missing + idle)
        best = float(np.quantile(needs, share))
        bill, least = _pinball(needs, saw, share), _pinball(needs, best, share)
        # Any place in the flat bottom of the valley is right: then what was wanted is what came.
        want = saw if bill <= 1.002 * least else best
        causes = {
            "the two prices are swapped: a high price of a missing replica wants a high quantile": float(
                np.quantile(needs, 1 - share)
            ),
            "this is the share to cover, not yet the booking: take that quantile of `needs`": share,
            "`np.percentile` counts from 0 to 100, `np.quantile` from 0 to 1": float(np.percentile(needs, share)),
            "this is the mean: best when the bill grows with the square of the miss": float(needs.mean()),
            "the price is not a share yet: divide `missing` by the sum of both": float(
                np.quantile(needs, min(missing, 1.0))
            ),
            "rounded: the booking may have a fraction, and whole replicas come later": float(round(best)),
            "rounded up: the booking may have a fraction, and whole replicas come later": float(math.ceil(best)),
            "rounded down: the booking may have a fraction, and whole replicas come later": float(math.floor(best)),
            "this is the smallest bill: return the booking that has it": least * (missing + idle),
            "this is the median: best when both prices are the same": float(np.median(needs)),
            "this covers every minute: the last ones cost more than they save": float(needs.max()),
            "the prices stand fixed in your function: use `missing` and `idle`": float(np.quantile(needs, 0.9)),
        }
        where = f" replicas for prices {missing} and {idle}" + (
            "" if want == saw else f", {bill / least - 1:.1%} dearer"
        )
        trials.append(expect.Case(saw, want, causes, where, rtol=1e-6))
    expect.explain_all(
        trials, "what share of the minutes does your booking cover, and what share do the two prices ask for?"
    )
    return "The smallest bill for four pairs of prices."


_WANTED = {
    "checkout": "pinball 0.9",
    "batch": "pinball 0.2",
    "budget": "absolute",
    "cooling": "squared",
    "deploy": "log",
}
_REASONS = {
    "checkout": "missing is nine times as dear as idle, so 9 / (9 + 1) is the quantile to cover",
    "batch": "idle is four times as dear as missing, so 1 / (1 + 4) is the quantile to cover",
    "budget": "each euro counts once, whichever side: twice the miss costs twice as much",
    "cooling": "twice the miss costs four times as much",
    "deploy": "the answer is a probability, and sure and wrong must cost most",
}  # fmt: skip


@exercises.check(
    "3",
    "A loss for each bill",
    hints=(
        "First ask whether the answer is a number or a probability. Then whether both sides cost the same.",
        "With different sides the quantile is price of too few / (sum of both prices).",
        "`batch`: too few costs 1, too many 4, so 1 / (1 + 4).",
    ),
    minutes=4,
)
def which_loss(answer: object) -> str:
    """Compare name by name; upper case, underscores and the losses themselves are welcome."""
    if not isinstance(answer, dict):
        raise Fail(f"a {type(answer).__name__}", "a dictionary", "map the name of each bill to the name of a loss")
    lost = [name for name in _WANTED if name not in answer]
    if lost:
        raise Fail(f"no entry for {', '.join(lost)}", "five entries", "a bill is missing, or its name is misspelt")
    for name, want in _WANTED.items():
        saw = _loss_name(answer[name])
        if saw == want:
            continue
        if saw not in _WANTED.values():
            raise Fail(f"`{saw}` for {name}", f"one of {', '.join(_WANTED.values())}", "this name is not in the list")
        if {saw, want} == {"pinball 0.9", "pinball 0.2"}:
            cause = f"the wrong side is dear: {_REASONS[name]}"
        elif saw.startswith("pinball"):
            cause = f"a pinball loss has a dear side and a cheap one, and this bill has none: {_REASONS[name]}"
        elif saw == "log":
            cause = f"log loss is for probabilities: {_REASONS[name]}"
        elif want == "log":
            cause = f"this charges by distance: {_REASONS[name]}"
        elif want.startswith("pinball"):
            cause = f"this charges both sides alike: {_REASONS[name]}"
        else:
            cause = f"how does the bill grow when the miss doubles? {_REASONS[name]}"
        raise Fail(f"`{saw}` for {name}", "another loss", cause)
    return "Five bills, five losses."


def _loss_name(given: object) -> str:
    text = str(getattr(given, "name", given)).lower().replace("_", " ").replace("(", " ").replace(")", "")
    words = [word for word in text.split() if word not in ("loss", "error")]
    return " ".join(words)


@exercises.check(
    "4",
    "The error ratio",
    hints=(
        "Keep the samples whose name is `model_predictions_total` and whose label `version` is the wanted one.",
        "The number of calls stands in `.value`; a sample is a whole series, not one call.",
        "Failed is every outcome except `ok`: there is a series for each kind of exception.",
    ),
)
def error_ratio(answer: Guarded) -> str:
    """Read pages with several versions, kinds of errors, orders of labels, and a histogram beside the counter."""
    ratio = expect.function(answer)

    def cases() -> Iterator[expect.Case]:
        page, calls = pages_202.page()
        for version in ("7", "8", "9", "1"):
            saw = expect.returned_number(partial(ratio, page, version), "the error ratio")
            want, causes = pages_202.ratio_and_mistakes(page, calls, version)
            yield expect.Case(saw, want, causes, f" for version {version}")

    expect.explain_all(cases(), "which samples of the page does yours add up, above the line and below it?")
    page, _ = pages_202.page()
    try:
        unseen = ratio(page, "2")
    except LearnerError as error:
        raise Fail(
            f"`{error.summary}` for a version without a call",
            "`nan`, as Prometheus says",
            "no calls are 0 by 0: decide before you divide",
        ) from None
    if unseen is None or not np.isnan(float(unseen)):
        cause = "there is nothing to divide by, so it is neither good nor bad: return `float('nan')`"
        raise Fail(f"{unseen} for a version without a call", "`nan`, as Prometheus says", cause)
    return "Right for five versions: with three kinds of errors, with one, with none, for 1 beside 10, and for one never called."


# The features at which the watched function of 202.6 is cancelled.
CANCELLED = -2.0


@exercises.check(
    "5",
    "The p95, read off buckets",
    hints=(
        "Go through the buckets and remember the edge and the count of the one before; the first has 0.0 and 0.",
        "In the bucket found, `rank - below` calls are still needed, and it has `up_to - below` of its own.",
        "`low + (edge - low) * (rank - below) / (up_to - below)`; for the infinite edge return `low`.",
    ),
    minutes=8,
)
def read_quantile(answer: Guarded) -> str:
    """Read quantiles from five histograms: in the first bucket, on an edge, in the infinite one, of few calls, of none."""
    read = expect.function(answer)

    def cases() -> Iterator[expect.Case]:
        for buckets, quantiles in pages_202.HISTOGRAMS:
            for q in quantiles:
                result = read(q, buckets)
                if result is None:
                    cause = (
                        "no bucket was found, or there is no `return`: the counts are up to an edge already, and the last "
                        "bucket has all calls"
                    )
                    raise Fail(f"`None` for q = {q} of {buckets}", "a number of seconds", cause)
                saw = expect.returned_number(lambda result=result: result, "the quantile")  # type: ignore[misc]
                causes = partial(pages_202.misread, q, buckets)
                yield expect.Case(saw, pages_202.quantile(q, buckets), causes, f" for q = {q} of {buckets}", " s")

    expect.explain_all(cases(), "for these buckets: which one holds the rank, and how far into it does yours go?")
    try:
        empty = read(0.95, [(0.1, 0), (0.5, 0), (math.inf, 0)])
    except LearnerError as error:
        raise Fail(
            f"`{error.summary}` for a histogram without calls",
            "`nan`, as Prometheus says",
            "no calls are a rank of 0 in an empty bucket, and 0 by 0: decide before you divide",
        ) from None
    if empty is None or not np.isnan(float(empty)):
        cause = "no calls have no quantile: return `float('nan')`"
        raise Fail(f"{empty} s for a histogram without calls", "`nan`, as Prometheus says", cause)
    return "Right in the first bucket, on an edge, in the infinite one, in an empty one, and without any call."


@exercises.check(
    "6",
    "Every call, also one that fails",
    hints=(
        "Write an inner function `wrapper(features)` and return it: `return wrapper`, without parentheses.",
        "`try: ... finally: ...` runs its last part for an answer and for an exception alike, and lets the exception go on.",
        'Begin with `outcome = "error"`, and set it to `"ok"` when the prediction is there. In `finally` report both metrics.',
    ),
    minutes=8,
)
def watched_predict(answer: Guarded) -> str:
    """Watch a function that answers twice, fails, and is cancelled, and read what real Prometheus metrics hold."""
    from prometheus_client import CollectorRegistry, Counter, Histogram

    watch = expect.function(answer)
    registry, clock = CollectorRegistry(), calls_202.Clock()
    calls = Counter("calls_total", "calls", ["outcome"], registry=registry)
    seconds = Histogram("seconds", "seconds", ["outcome"], registry=registry)
    failure = TimeoutError("the store is slow")

    def predict(features: float) -> float:
        clock.now += 0.25 if features > 0 else 2.0
        if features == CANCELLED:
            raise asyncio.CancelledError
        if features <= 0:
            raise failure
        return 10 * features

    with learners_code():
        # Not through Guarded: metrics hold locks, which can't be copied.
        wrapper = watch.function(predict, calls, seconds, clock)
    if not callable(wrapper):
        cause = (
            "return the inner function itself, without calling it"
            if wrapper is not None
            else "the function has no `return`: `return wrapper`"
        )
        raise Fail(f"a {type(wrapper).__name__}", "a function", cause)
    answers = []
    with learners_code():
        answers = [wrapper(1.0), wrapper(2.0)]
    if answers != [10.0, 20.0]:
        cause = "the prediction is not returned by the wrapper" if answers == [None, None] else "the answer was changed"
        if all(map(callable, answers)):
            cause = "the wrapper returns a function: it must call `predict` itself"
        raise Fail(f"{answers[0]!r:.60} from the wrapper", "10.0, as from `predict`", cause)
    calls_202.judge(registry, "ok", count=2, observed=2, duration=0.5, clock=clock)
    caught: TimeoutError | None = None
    other: Exception | None = None
    with learners_code():
        try:
            wrapper(-1.0)
        except TimeoutError as error:
            caught = error
        except Exception as error:
            if error.__cause__ is not failure and error.__context__ is not failure:
                raise
            other = error
    if other is not None:
        cause = "another exception was raised in its place: a bare `raise`, or no `except` at all"
        raise Fail(f"`{type(other).__name__}: {other}`", "the TimeoutError of `predict`", cause)
    if caught is None:
        cause = "the exception was swallowed: the caller takes a failure for an answer"
        raise Fail("no exception from a call that failed", "the TimeoutError of `predict`", cause)
    if isinstance(caught, TimeoutError) and caught.__cause__ is failure:
        cause = "a new exception was raised from it, with other words: a bare `raise` passes on the very one"
        raise Fail(f"`{caught}`", f"`{failure}`, the very object", cause)
    if caught is not failure:
        cause = "another exception was raised in its place: a bare `raise`, or no `except` at all"
        raise Fail(f"`{caught}`", f"`{failure}`, the very object", cause)
    if (registry.get_sample_value("calls_total", {"outcome": "ok"}) or 0) > 2:
        cause = 'the failed call was counted as "ok" (too): the outcome is known only when `predict` has returned'
        raise Fail("3 calls under ok, of 2 answers and a failure", "2", cause)
    calls_202.judge(registry, "error", count=1, observed=1, duration=2.0, clock=clock)
    calls_202.judge(registry, "ok", count=2, observed=2, duration=0.5, clock=clock)
    with learners_code():
        try:
            wrapper(CANCELLED)
        except asyncio.CancelledError:
            pass
        except Exception as error:
            cause = "a cancelled call is no `Exception`: only `finally` or `except BaseException` sees it"
            raise Fail(f"a {type(error).__name__} from a call that was cancelled", "CancelledError", cause) from None
    if (registry.get_sample_value("calls_total", {"outcome": "error"}) or 0) != 2:
        cause = '`except Exception` does not see it: begin with the outcome "error", and set "ok" after the answer'
        raise Fail("a cancelled call that was not counted as an error", "2 errors", cause)
    return "Two answers, a failure, a cancelled call: four counts, four latencies, and exceptions as they came."


exercises.quiz(
    "a",
    "Ten minutes of 4,320 are reported 60 times too high. Which of the three bookings moves?",
    ("The pinball's, because it looks at the high end of the needs.", False, "It asks how many minutes lie above it. Ten more of them up there shift a quantile by ten places among 4,320, however high they are."),
    ("The squared one, because it charges by the square of the miss.", True, "A miss of 200 costs 40,000, as much as 40,000 misses of 1: the mean goes to meet it. The two others only count how many minutes are above."),
    ("The absolute one, because it treats every minute alike.", False, "Alike means that a minute can pull with one vote only. Ten votes of 4,320 hardly move the median."),
    ("All three by about the same, since the data are the same.", False, "The data are the same, the question is not: a mean adds up sizes, a median and a quantile count places."),
)  # fmt: skip
exercises.quiz(
    "b",
    "The job that joins answers with the truth died on Friday night. What does `model_loss` show on Monday?",
    ("Nothing: a gauge that is not set disappears.", False, "A gauge keeps its last value as long as the process lives. It looks perfectly calm."),
    ("0, as there were no misses to count.", False, "Nobody set it to 0. (A gauge without labels would start at 0, which is the other lie.)"),
    ("Friday's last value; so alert on the age of `model_loss_published_timestamp_seconds`.", True, "A frozen gauge is the usual way in which a loss lies. The timestamp and the sample count are published with it for that reason."),
)  # fmt: skip
exercises.quiz(
    "c",
    "Which of these may be a label?",
    ("the version of the model", True, "A few values, each a thing that you compare with another, and old ones go away."),
    ("the id of the customer", False, "One series per customer and bucket. It belongs into a log line, where it can be searched."),
    ("the text of the error", False, "Texts hold ids, numbers and addresses, so there is no end of them. The kind of the exception is enough."),
    ("the prediction, rounded to two digits", False, "A number is what a histogram is for: buckets instead of a series for each value."),
)  # fmt: skip
exercises.quiz(
    "d",
    "A new version has error ratio 0, p95 40 ms and a third of the old one's squared error. Its bill in euros is higher. How?",
    ("Impossible: a model with a smaller loss is better.", False, "Smaller by the loss that was measured. The bill charges for something else."),
    ("The metrics were scraped too rarely.", False, "A counter loses nothing between two scrapes, and the bill is not read from them."),
    ("It overfits: its squared error was measured on training data.", False, "It may, but even an honest squared error does not know that a missing replica costs nine idle ones."),
    ("It aims at the mean, so half of the time a replica is missing, at the dear price.", True, "Judge and train by the loss that charges as the bill does, and put that one on the dashboard."),
)  # fmt: skip

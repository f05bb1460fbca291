"""Lesson 202, loss functions and how to watch them: checkers, hints and quiz."""

import asyncio
import itertools
import math
from typing import Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded, learners_code
from labsupport.exercises.outcomes import Fail

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
    """Compare at three quantiles, with an array and with one number as the answer."""
    loss = expect.function(answer)
    rng = np.random.default_rng(31)
    came = rng.gamma(3, 1.5, 40)
    for q, said in ((0.9, rng.normal(5, 2, 40)), (0.25, rng.normal(4, 2, 40)), (0.7, 4.0)):
        saw = expect.returned_number(lambda c=came, s=said, q=q: loss(c, s, q), "the loss")  # type: ignore[misc]
        short = came - said
        want = _pinball(came, said, q)
        if expect.close(saw, want, 1e-9):
            continue
        low, high = np.maximum(short, 0), np.maximum(-short, 0)
        causes = {
            "the two sides are swapped: too low costs `q`, too high `1 - q`": np.mean((1 - q) * low + q * high),
            "the sum: the loss is the mean over all answers": np.sum(q * low + (1 - q) * high),
            "only answers that were too low are charged: too high costs `1 - q`": np.mean(q * low),
            "only answers that were too high are charged: too low costs `q`": np.mean((1 - q) * high),
            "the sign: where the answer is too high, came - said is negative, and a price is not": np.mean(
                q * low - (1 - q) * high
            ),
            "the whole loss is negative: a miss costs, it does not pay": -want,
            "both sides cost the same here: `q` is not used on each side": np.mean(q * np.abs(short)),
            "too high costs a full 1: its price is `1 - q`": np.mean(q * low + high),
            "this is the absolute error: the two sides have different prices": np.mean(np.abs(short)),
            "the misses are squared: twice the miss costs twice as much": np.mean(q * low**2 + (1 - q) * high**2),
            "the smaller of both prices was taken: `np.maximum` gives the larger": np.mean(
                np.minimum(q * short, (q - 1) * short)
            ),
            "the mean was taken first: each miss has its own side, so average last": max(
                q * short.mean(), (q - 1) * short.mean()
            ),
        }
        cause = next((c for c, wrong in causes.items() if expect.close(saw, float(wrong), 1e-9)), None)
        raise Fail(
            f"{saw:.4f} for q = {q}",
            f"{want:.4f}",
            cause or "try it on one answer: needed 5, said 3, q = 0.9 costs 1.8; needed 3, said 5 costs 0.2",
        )
    return "Right for three quantiles, for an array of answers and for one number."


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
    """Compare the bill of the answer with the smallest one, for three pairs of prices; any road to the place is fine."""
    book = expect.function(answer)
    rng = np.random.default_rng(37)
    needs = rng.gamma(4, 1.2, 4001)
    for missing, idle in ((0.9, 0.1), (0.4, 2.0), (3.0, 1.0)):
        saw = expect.returned_number(lambda m=missing, i=idle: book(needs, m, i), "the booking")  # type: ignore[misc]
        share = missing / (missing + idle)
        best = float(np.quantile(needs, share))
        bill, least = _pinball(needs, saw, share), _pinball(needs, best, share)
        if bill <= 1.002 * least:
            continue
        where = f"{saw:.3f} replicas for prices {missing} and {idle}"
        want = f"{best:.3f} (yours costs {bill / least - 1:.0%} more)"
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
            "rounded: fractions are fine here, and whole replicas come later": float(round(best)),
            "rounded up: fractions are fine here, and whole replicas come later": float(math.ceil(best)),
            "this is the median: best when both prices are the same": float(np.median(needs)),
            "this covers every minute: the last ones cost more than they save": float(needs.max()),
            "the prices stand fixed in your function: use `missing` and `idle`": float(np.quantile(needs, 0.9)),
        }
        cause = next((c for c, wrong in causes.items() if expect.close(saw, wrong, 1e-6)), None)
        raise Fail(where, want, cause or "it is not the quantile missing / (missing + idle) of `needs`")
    return "The smallest bill for three pairs of prices."


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
    """Read a page with two versions, three kinds of errors and a histogram beside the counter."""
    ratio = expect.function(answer)
    page, calls = _page()
    for version in ("7", "8", "9", "1"):
        saw = expect.returned_number(lambda v=version: ratio(page, v), "the error ratio")  # type: ignore[misc]
        mine = {outcome: n for (v, outcome), n in calls.items() if v == version}
        everyone = sum(calls.values())
        ok, failed = mine["ok"], sum(mine.values()) - mine["ok"]
        want = failed / (ok + failed)
        if expect.close(saw, want, 1e-9):
            continue
        all_failed = everyone - sum(n for (_, outcome), n in calls.items() if outcome == "ok")
        causes = {
            "only one kind of exception was counted: failed is every outcome except `ok`": {
                n / (ok + failed) for outcome, n in mine.items() if outcome != "ok"
            },
            "failed by ok: divide by all calls, or a total failure is a division by 0": {failed / ok},
            "this is the share that went well: 1 minus it": {ok / (ok + failed)},
            "all versions were added up: look at the label `version`": {all_failed / everyone},
            "divided by the calls of all versions": {failed / everyone},
            "series were counted instead of calls: add up `.value`": {(len(mine) - 1) / len(mine)},
            "this is a number of calls: divide by all of them": {float(failed)},
            "other metrics of the page were added: compare `.name` with `model_predictions_total`": _of_all_names(
                page, version
            ),
        }
        cause = next((c for c, wrong in causes.items() if any(expect.close(saw, w, 1e-9) for w in wrong)), None)
        if version == "1" and cause is None:
            cause = "version 10 was counted as version 1: compare the labels with `==`"
        if failed == 0 and cause is None:
            cause = "this version has no failed call: its ratio is 0"
        raise Fail(
            f"{saw:.4f} for version {version}", f"{want:.4f}", cause or "failed calls by all calls of the version"
        )
    return "Right for four versions: with three kinds of errors, with one, with none, and for 1 beside 10."


def _page() -> tuple[list[Any], dict[tuple[str, str], int]]:
    from labsupport.monitoring.endpoint import Sample

    calls = {
        ("7", "ok"): 900, ("7", "TimeoutError"): 60, ("7", "ValueError"): 31, ("7", "other"): 9,
        ("8", "ok"): 400, ("8", "KeyError"): 100, ("9", "ok"): 250,
        ("1", "ok"): 70, ("1", "TimeoutError"): 30, ("10", "ok"): 40, ("10", "ValueError"): 160,
    }  # fmt: skip
    page = [Sample("process_cpu_seconds_total", {}, 12.5)]
    for (version, outcome), count in calls.items():
        labels = {"model": "planner", "outcome": outcome, "version": version}
        page.append(Sample("model_predictions_total", labels, float(count)))
        seconds = "model_prediction_duration_seconds"
        page += [
            Sample(f"{seconds}_bucket", {"le": edge, **labels}, float(up_to))
            for edge, up_to in (("0.3", count // 2), ("+Inf", count))
        ]
        page += [Sample(f"{seconds}_count", labels, float(count)), Sample(f"{seconds}_sum", labels, 0.21 * count)]
    return page, calls


def _of_all_names(page: list[Any], version: str) -> set[float]:
    mine = [sample for sample in page if sample.labels.get("version") == version]
    failed = sum(sample.value for sample in mine if sample.labels["outcome"] != "ok")
    return {failed / sum(sample.value for sample in mine)}


_INF = float("inf")
# The features at which the watched function of 202.6 is cancelled.
CANCELLED = -2.0
# What a page may hold, and the quantiles to read from it.
_HISTOGRAMS: list[tuple[list[tuple[float, float]], tuple[float, ...]]] = [
    ([(0.1, 40), (0.2, 100), (0.3, 180), (0.6, 196), (1.0, 200), (_INF, 200)], (0.95, 0.5, 0.12)),
    ([(0.05, 0), (0.3, 90), (0.5, 90), (1.0, 97), (_INF, 100)], (0.95, 0.99, 0.45, 0.9)),
    ([(0.1, 2), (0.3, 5), (1.0, 8), (_INF, 8)], (0.95,)),
]


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
    """Read eight quantiles from three histograms: in the first bucket, on an edge, in the infinite one, and of few calls."""
    read = expect.function(answer)
    for buckets, quantiles in _HISTOGRAMS:
        for q in quantiles:
            if read(q, buckets) is None:
                raise Fail(
                    f"`None` for q = {q} of {buckets}",
                    "a number of seconds",
                    "no bucket was found, or there is no `return`: the counts are up to an edge already, and the last "
                    "bucket has all calls",
                )
            saw = expect.returned_number(lambda b=buckets, q=q: read(q, b), "the quantile")  # type: ignore[misc]
            want = _quantile(q, buckets)
            if math.isclose(saw, want, rel_tol=1e-9, abs_tol=1e-12):
                continue
            position = next(k for k, (_, up_to) in enumerate(buckets) if up_to >= q * buckets[-1][1])
            edge, up_to = buckets[position]
            low, below = buckets[position - 1] if position else (0.0, 0.0)
            rank = q * buckets[-1][1]
            causes: dict[str, float] = {}
            if edge == _INF:
                causes["the infinite bucket: nothing is known there but its lower edge"] = _INF
            else:
                gap, own = edge - low, up_to - below
                causes = {
                    "this is the upper edge of the right bucket: go only a part of the way": edge,
                    "this is the lower edge of the right bucket: go a part of the way up": low,
                    "this is the middle of the bucket: the share of the way depends on the rank": low + gap / 2,
                    "the way was counted from the top of the bucket": edge - gap * (rank - below) / own,
                    "the share of the way is by the bucket's own calls, `up_to - below`": low
                    + gap * (rank - below) / up_to,
                    "divided by all calls: the share of the way is by the bucket's own, `up_to - below`": low
                    + gap * (rank - below) / buckets[-1][1],
                    "the calls below the bucket are not needed any more: `rank - below`": low + gap * rank / up_to,
                    "the lower edge was left out: start there": gap * (rank - below) / own,
                    "`rank` is a number of calls, `q * count`, not q itself": low + gap * (q - below) / own,
                    "you went on from the lower edge by the whole upper edge: the way is `edge - low`": low
                    + edge * (rank - below) / own,
                }
            cause = next((c for c, wrong in causes.items() if math.isclose(saw, wrong, rel_tol=1e-9)), None)
            if cause is None and math.isclose(rank, up_to):
                cause = "the first bucket whose count reaches the rank: `>=`, not `>`"
            if cause is None and math.isclose(saw, _quantile(int(rank) / buckets[-1][1], buckets), rel_tol=1e-9):
                cause = "the rank was cut to a whole number: leave it as it is"
            if cause is None and math.isclose(saw, _quantile_of_separate(q, buckets), rel_tol=1e-9):
                cause = "the counts are up to an edge already: don't add them up again"
            raise Fail(
                f"{saw:.4g} s for q = {q} of {buckets}",
                f"{want:.4g} s",
                cause or "follow the three steps on paper for these buckets",
            )
    return "Eight quantiles right, also in the first bucket, on an edge, and in the infinite one."


def _quantile(q: float, buckets: list[tuple[float, float]]) -> float:
    rank, low, below = q * buckets[-1][1], 0.0, 0.0
    for edge, up_to in buckets[:-1]:
        if up_to >= rank:
            return low + (edge - low) * (rank - below) / (up_to - below)
        low, below = edge, up_to
    return low


def _quantile_of_separate(q: float, buckets: list[tuple[float, float]]) -> float:
    counts = itertools.accumulate(up_to for _, up_to in buckets)
    return _quantile(q, [(edge, count) for (edge, _), count in zip(buckets, counts, strict=True)])


class _Clock:
    """Moves only when the watched function works; says how often it was read."""

    def __init__(self) -> None:
        self.now, self.reads = 5000.0, 0

    def __call__(self) -> float:
        self.reads += 1
        return self.now


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
    registry, clock = CollectorRegistry(), _Clock()
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
        raise Fail(f"{answers[0]!r} from the wrapper", "10.0, as from `predict`", cause)
    _judge(registry, "ok", count=2, observed=2, duration=0.5, clock=clock)
    caught: BaseException | None = None
    with learners_code():
        try:
            wrapper(-1.0)
        except TimeoutError as error:
            caught = error
    if caught is None:
        cause = "the exception was swallowed: the caller takes a failure for an answer"
        raise Fail("no exception from a call that failed", "the TimeoutError of `predict`", cause)
    if caught is not failure:
        cause = "another exception was raised in its place: a bare `raise`, or no `except` at all"
        raise Fail(f"`{caught}`", f"`{failure}`, the very object", cause)
    if (registry.get_sample_value("calls_total", {"outcome": "ok"}) or 0) > 2:
        cause = 'the failed call was counted as "ok" (too): the outcome is known only when `predict` has returned'
        raise Fail("3 calls under ok, of 2 answers and a failure", "2", cause)
    _judge(registry, "error", count=1, observed=1, duration=2.0, clock=clock)
    _judge(registry, "ok", count=2, observed=2, duration=0.5, clock=clock)
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


def _judge(registry: Any, outcome: str, *, count: int, observed: int, duration: float, clock: _Clock) -> None:
    labels = {"outcome": outcome}
    counted = registry.get_sample_value("calls_total", labels) or 0
    timed = registry.get_sample_value("seconds_count", labels) or 0
    total = registry.get_sample_value("seconds_sum", labels) or 0.0
    kind = "calls that failed" if outcome == "error" else "good calls"
    if counted != count:
        others = [
            sample.labels["outcome"]
            for family in registry.collect()
            for sample in family.samples
            if sample.name == "calls_total" and sample.value and sample.labels["outcome"] not in ("ok", "error")
        ]
        if others:
            cause = f'the outcome is called "ok" or "error" here, not {others[0]!r}'
        elif counted > count:
            cause = "a call was counted more than once"
        else:
            cause = f"{kind} are not counted: `calls.labels({outcome!r}).inc()`"
        raise Fail(f"{counted:.0f} counts of {kind}", f"{count}", cause)
    if timed != observed:
        cause = (
            f"{kind} leave no latency: `observe` must stand where every call passes, in `finally`"
            if timed < observed
            else "a latency was observed more than once for a call"
        )
        raise Fail(f"{timed:.0f} latencies of {kind}", f"{observed}", cause)
    if not math.isclose(total, duration, rel_tol=1e-6):
        if clock.reads == 0:
            cause = "the passed `clock` was not read: call it before and after"
        elif math.isclose(total, -duration, rel_tol=1e-6):
            cause = "begin minus end: turn it round"
        elif math.isclose(total, 1000 * duration, rel_tol=1e-6):
            cause = "milliseconds: Prometheus wants the base unit, seconds"
        elif total > 1000:
            cause = "the time of day was observed: subtract the clock's reading before the call"
        else:
            cause = "the clock must be read right before `predict` and again after it"
        raise Fail(f"{total:g} s in {observed} {kind}", f"{duration:g} s", cause)


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

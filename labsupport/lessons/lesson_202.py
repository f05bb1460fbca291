"""Lesson 202, loss functions and how to watch them: checkers, hints, quiz and guesses."""

import asyncio
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from labsupport.exercises import Measured, expect, refute
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded, learners_code
from labsupport.exercises.outcomes import Fail, LearnerError
from labsupport.lessons.cases import calls_202, pages_202, weeks_202

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
        "Stop where both are equal: `share * idle = (1 - share) * missing`. Solve it for the share covered.",
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
        saw = expect.returned_number(partial(_booked, book, needs, missing, idle), "the booking")
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


def _booked(book: Callable[..., Any], needs: np.ndarray, missing: float, idle: float) -> Any:
    try:
        return book(needs, missing, idle)
    except LearnerError as error:
        if "Quantiles must be in the range" not in error.summary:
            raise
        cause = "a price or a ratio of prices is not a share yet: divide `missing` by the sum of both prices"
        saw = f"`{error.summary}` for prices {missing} and {idle}"
        raise Fail(saw, "a share from 0 to 1 for `np.quantile`", cause) from None


@exercises.check(
    "3",
    "A plan in whole replicas",
    hints=(
        "The need in a quarter of an hour is one of `now + changes`, an array, each as likely.",
        "The expected bill of a number of replicas is the mean, over these needs, of what is missing and what idles, by its price.",
        "Try the whole numbers from 0 to one above `max(now + changes)`: `min(range(...), key=expected_bill)`.",
    ),
    minutes=8,
)
def plan_whole(answer: Guarded) -> str:
    """Compare expected bills at seven needs and prices, then replay unseen weeks; any road to the number is fine."""
    plan = expect.function(answer)
    # In an order of their own, as minutes have.
    rng = np.random.default_rng(41)
    changes = np.concatenate([rng.normal(0, 0.12, 300), rng.uniform(1, 5, 9), rng.uniform(-5, -1, 3)])
    rng.shuffle(changes)

    def cases() -> Iterator[expect.Case]:
        for now, missing, idle in weeks_202.ASKED:
            saw = expect.returned_number(partial(plan, now, changes, missing, idle), "the plan")
            best = weeks_202.cheapest(now, changes, missing, idle)
            bill, least = (weeks_202.expected_bill(now + changes, number, missing, idle) for number in (saw, best))
            want = saw if saw.is_integer() and saw >= 0 and bill <= least + weeks_202.SAME else best
            where = f" replicas for {now} now and prices {missing} and {idle}"
            where += "" if want == saw else f", {bill / least - 1:+.0%} on the bill"
            yield expect.Case(saw, want, partial(weeks_202.mistakes, now, changes, missing, idle), where)

    expect.explain_all(cases(), "what is the expected bill of one replica less than yours, and of one more?")
    yours, nothing, reference = (
        weeks_202.billed(each, 0.9, 0.1).mean() for each in (plan, weeks_202.rounded_up, weeks_202.cheapest)
    )
    return (
        f"The smallest expected bill in {len(weeks_202.ASKED)} cases. On {len(weeks_202.UNSEEN)} unseen weeks, in euros a week: yours "
        f"{yours:.2f}, the reference {reference:.2f}; same as now, rounded up, {nothing:.2f}."
    )


@exercises.check(
    "4",
    "The error ratio between two scrapes",
    hints=(
        "From each page keep the samples named `model_predictions_total` of this version: a dictionary from outcome to `.value`.",
        "For each outcome of the later page: later minus earlier, `before.get(outcome, 0)`. If that is below 0, take the later value.",
        "Failed is every outcome except `ok`. Decide before you divide: no calls are `float('nan')`.",
    ),
    minutes=8,
)
def error_ratio(answer: Guarded) -> str:
    """Read two pages with several versions and kinds of errors, a series that is new, one that was restarted, one at rest."""
    ratio = expect.function(answer)

    def cases() -> Iterator[expect.Case]:
        for version in pages_202.VERSIONS:
            ask = partial(ratio, pages_202.page(pages_202.BEFORE), pages_202.page(pages_202.AFTER), version)
            saw = _ratio_of(ask)
            want, causes = pages_202.ratio_and_mistakes(version)
            yield expect.Case(saw, want, causes, f" for version {version}")

    expect.explain_all(cases(), "which calls does yours count above the line and below it, and since when?")
    for version, why in (("5", "that was not called in between"), ("2", "that is on neither page")):
        _expect_nan(
            partial(ratio, pages_202.page(pages_202.BEFORE), pages_202.page(pages_202.AFTER), version),
            f"for a version {why}",
        )
    return "Right for seven versions: among them series that are new, a restarted one, 1 beside 10, and two without a call."


def _ratio_of(ask: Callable[[], Any]) -> float:
    """Return the ratio, also one that is `nan`: a mistake may leave no calls where there are some."""
    answer = ask()
    return math.nan if answer is not None and answer != answer else expect.returned_number(lambda: answer, "the ratio")


def _expect_nan(ask: Callable[[], Any], where: str) -> None:
    try:
        saw = ask()
    except LearnerError as error:
        cause = "no calls are 0 by 0: decide before you divide"
        raise Fail(f"`{error.summary}` {where}", "`nan`: no calls, no ratio", cause) from None
    if saw is None or not np.isnan(float(saw)):
        cause = "there is nothing to divide by, so it is neither good nor bad: return `float('nan')`"
        raise Fail(f"{saw} {where}", "`nan`: no calls, no ratio", cause)


# The features at which the watched function of 202.5 is cancelled.
CANCELLED = -2.0
# And at which it answers 0.
IDLE = 0.5


@exercises.check(
    "5",
    "Every call, also one that fails",
    hints=(
        "Write an inner function `wrapper(features)` and return it: `return wrapper`, without parentheses.",
        "`try: ... finally: ...` runs its last part for an answer and for an exception alike, and lets the exception go on.",
        'Begin with `outcome = "error"`, and set it to `"ok"` when the prediction is there. In `finally` report both metrics.',
    ),
    minutes=8,
)
def watched_predict(answer: Guarded) -> str:
    """Watch a function that answers, also with 0, fails, and is cancelled, and read what real Prometheus metrics hold."""
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
        return 0.0 if features == IDLE else 10 * features

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
        idle = wrapper(IDLE)
    if idle != 0 and answers == [10.0, 20.0]:
        raise Fail(
            f"{idle!r:.60} from the wrapper",
            "0.0, as from `predict`",
            "an answer of 0 is an answer: no replica is needed",
        )
    if answers != [10.0, 20.0]:
        cause = "the prediction is not returned by the wrapper" if answers == [None, None] else "the answer was changed"
        if all(map(callable, answers)):
            cause = "the wrapper returns a function: it must call `predict` itself"
        raise Fail(f"{answers[0]!r:.60} from the wrapper", "10.0, as from `predict`", cause)
    if registry.get_sample_value("calls_total", {"outcome": "error"}):
        cause = "an answer of 0 is an answer, too: what tells a failure is the exception, not the value"
        raise Fail("an error among three calls that all gave an answer", "3 counts under ok", cause)
    calls_202.judge(registry, "ok", count=3, observed=3, duration=0.75, clock=clock)
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
    if caught is not failure:
        cause = "another exception was raised in its place: a bare `raise`, or no `except` at all"
        if caught.__cause__ is failure:
            cause = "a new exception was raised from it, with other words: a bare `raise` passes on the very one"
        raise Fail(f"`{caught}`", f"`{failure}`, the very object", cause)
    if caught.__cause__ is not None:
        cause = "`from` makes it its own cause, which was not there before: a bare `raise` passes it on as it came"
        raise Fail(f"`{caught}`, and a cause of it", f"`{failure}` as it came, without a cause", cause)
    if (registry.get_sample_value("calls_total", {"outcome": "ok"}) or 0) > 3:
        cause = 'the failed call was counted as "ok" (too): the outcome is known only when `predict` has returned'
        raise Fail("4 calls under ok, of 3 answers and a failure", "3", cause)
    calls_202.judge(registry, "error", count=1, observed=1, duration=2.0, clock=clock)
    calls_202.judge(registry, "ok", count=3, observed=3, duration=0.75, clock=clock)
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
    calls_202.judge(registry, "error", count=2, observed=2, duration=4.0, clock=clock)
    return "Three answers (one is 0), a failure, a cancelled call: five counts, five latencies, and exceptions as they came."


@exercises.refute(
    "6",
    "Rounding up is margin enough: same as now, rounded up, costs at most 5 % more than the planner with the smallest expected bill",
    case="the price of a missing replica, a whole number of cents from 5 to 1000; an idle one costs 10",
    hints=(
        "Rounding up adds half a replica on average, whatever the prices. Which share of the minutes should be covered at 9 to 1?",
        "Where both sides cost about the same, half of the minutes should be covered: rounding to the nearer number is better then.",
        "The other way round: where a missing replica costs a hundred idle ones, even rare crowds deserve a replica.",
    ),
)
def rounding_up_is_margin_enough(case: Any) -> Measured:
    """Replay the unseen weeks at one price, by the reference planner and by the need of now, rounded up."""
    cents = refute.whole_number(case, 5, 1000, "a price in cents")
    nothing, planned = (weeks_202.billed(each, cents / 100, 0.1) for each in (weeks_202.rounded_up, weeks_202.cheapest))
    more = nothing.sum() / planned.sum() - 1
    least, most = (nothing / planned - 1).min(), (nothing / planned - 1).max()
    return Measured(
        bool(more <= 0.05),
        f"at {cents} cents, same as now, rounded up, pays {nothing.mean():.2f} € a week and the planner {planned.mean():.2f} €, "
        f"{more:.1%} more ({least:.1%} to {most:.1%} in the {len(nothing)} weeks)",
    )


exercises.guess("g1", "With 480 of 4320 minutes spoilt, the quantile 0.9 moves by less than one replica")
exercises.guess("g2", "Rounded up to whole replicas, the line taught by the bill still costs less than “same as now”")
exercises.guess("g3", "The series of one histogram on the page, after 2,000 request ids as a label", unit="series")

exercises.quiz(
    "a",
    "A collector of another week sleeps: 12 % of the minutes, spread over day and night, report 0. Where does the quantile 0.9 go?",
    ("Nowhere at all: a quantile is robust, it does not look at the sizes.", False, "It does count places, and the false zeros take places below it: its own place is reached earlier among the good minutes."),
    ("To 0, because 12 % is more than the tenth that it can stand.", False, "A tenth is what it stands above it. Below it nine tenths may be spoilt before it is one of them: the side counts."),
    ("A little down, to about the quantile 0.89 of the good minutes.", True, "It leaves a tenth of all minutes above it, and all of these are good: 0.10 of 0.88 is 0.114, so the good ones' quantile 0.886."),
    ("Up, since the zeros pull the mean down and it must balance them.", False, "No quantile balances a mean. The zeros fill places at the bottom, so each quantile of all minutes moves down."),
)  # fmt: skip
exercises.quiz(
    "b",
    "On Friday night the thread that calls `publish_loss` died; the planner's process runs on. What does `model_loss` show on Monday?",
    ("Nothing: a gauge that nobody sets goes stale and disappears.", False, "A series goes stale when it leaves the page. This gauge is scraped as long as its process lives, and looks perfectly calm."),
    ("A growing loss: no truth arrives, so every answer is a miss.", False, "An answer without a truth is no miss: it waits. `publish_loss` is not called, so nothing is computed at all."),
    ("Friday's last value; its timestamp is what tells that it is old.", True, "A frozen gauge is the usual way in which a loss lies. Alert on the age of `model_loss_published_timestamp_seconds`."),
    ("0, since the mean over the last hour has no answers in it.", False, "Nobody set it to 0, and a mean of nothing is not 0. (A gauge without labels would *start* at 0, which is the other lie.)"),
)  # fmt: skip
exercises.quiz(
    "c",
    "`observed` would take one more label. Eight pods, ten deploys a day, 40,000 customers. Which one is worth its series?",
    ("the customer's plan: free, team or enterprise", True, "Three values that stay, each a thing that you compare with the others: three times the series, and an answer that you lacked."),
    ("the pod's name, to find the one that is slow", False, "Each deploy brings eight new names: 80 new sets of series a day, of dead pods. And a scrape adds `instance` by itself."),
    ("the text of the error, to see what went wrong", False, "Texts hold ids, numbers and addresses, so there is no end of them. The kind of the exception stands in `outcome`."),
    ("the customer's id, but only of the failed calls", False, "Few on a good day. On the day of the incident all 40,000 fail, and the monitoring goes down with the service."),
)  # fmt: skip
exercises.quiz(
    "d",
    "A nightly job may run late: a missing replica costs 0.02 €, an idle one 0.10 €. Its planner books the quantile 0.9, “to be safe”. And now?",
    ("Keep it: covering nine nights of ten is what a careful team does.", False, "Careful of what? Nine nights of ten pay for idle replicas, at the dear price, to save the cheap one once."),
    ("Book the quantile 1/6: most nights should lack a replica.", True, "0.02 / (0.02 + 0.10): too few is the cheap side here, so the cheapest booking is too small in five nights of six."),
    ("Book the quantile 5/6: idle is five times as dear as missing.", False, "The sides are swapped: the quantile is the price of *too few* by the sum of both, 0.02 / 0.12."),
    ("Book the mean: with such small prices the sides do not matter.", False, "Only the ratio of the prices decides where to book, and it is one to five. Their size decides whether it is worth the effort."),
)  # fmt: skip

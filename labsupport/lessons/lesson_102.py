"""Lesson 102, the web service: checkers, hints and quiz."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, LearnerError
from labsupport.lessons.cases.ratios_102 import CASES, NORMAL

exercises = Exercises("102")

RIDDLE_SEED = 105
# Requests of the cell that goes on with 102.1.
MANY = 100_000


@exercises.check(
    "1",
    "Lindley's recursion",
    hints=(
        "Start with `waits = [0.0]` and go through the requests from the second one on.",
        "`max(0.0, x)` is x, but never below zero. What comes before you is `waits[n - 1] + services[n - 1]`.",
        "`waits.append(max(0.0, waits[n - 1] + services[n - 1] - (arrivals[n] - arrivals[n - 1])))`",
    ),
    minutes=6,
)
def waiting_times(answer: Guarded) -> str:
    """Compare with a replica's own clock on a busy queue of 300, then on as many requests as the next cell has."""
    function = expect.function(answer)
    rng = np.random.default_rng(21)
    arrivals = 50 + np.cumsum(rng.exponential(1.0, 300))
    services = rng.exponential(0.85, 300)
    want = _waits(arrivals, services)
    gaps = np.diff(arrivals)
    result = function(arrivals, services)
    if result is not None and np.shape(result) == (299,):
        cause = "one wait is missing: the first request waits too, 0 seconds; begin with `waits = [0.0]`"
        raise Fail("299 waits for 300 requests", "300 waits", cause)
    causes = {
        "the wait falls below zero: an idle replica serves at once, take `max(0, ...)`": np.append(
            0.0, np.cumsum(services[:-1] - gaps)
        ),
        "the service of this request was added: it waits for the one before, `services[n - 1]`": _waits(
            arrivals, np.append(services[1:], 0.0)
        ),
        "the wait of the one before is forgotten: a queue of several needs `waits[n - 1]`": np.append(
            0.0, np.maximum(services[:-1] - gaps, 0)
        ),
        "the service of the one before is forgotten": np.zeros(300),
        "these are latencies, wait and service together: return the wait alone": want + services,
        "these are the seconds at which service begins: subtract the arrivals": want + arrivals,
        "these are the seconds at which requests leave: subtract arrivals and services": want + arrivals + services,
        "the gap is missing: while you are on your way, the queue melts": np.append(0.0, np.cumsum(services[:-1])),
    }
    paper = "arrivals 0, 1, 2 and services of 2 seconds wait 0, 1, 2: what does yours say, step by step?"
    expect.explain(expect.array(result, (300,), "the waits"), want, causes, paper, unit=" s")
    many, long = np.cumsum(rng.exponential(1.0, MANY)), rng.exponential(0.8, MANY)
    try:
        waits = expect.array(function(many, long), (MANY,), "the waits")
    except LearnerError as error:
        if "RecursionError" not in error.summary:
            raise
        cause = "a function that calls itself once a request does not get that far in Python: use a loop"
        raise Fail(f"`{error.summary}` for {MANY:,} requests", "waits for all of them", cause) from None
    expect.explain(waits, _waits(many, long), {}, "what is different when the queue is long?", atol=1e-6, unit=" s")
    return f"{MANY:,} waits and 300, of which {np.mean(want == 0):.0%} are none; the longest is {want.max():.1f} s."


def _waits(arrivals: np.ndarray, services: np.ndarray) -> np.ndarray:
    free_at, waits = -np.inf, []
    for arrival, service in zip(arrivals, services, strict=True):
        start = max(arrival, free_at)
        waits.append(start - arrival)
        free_at = start + service
    return np.array(waits)


@exercises.check(
    "2",
    "Little's law, both sides",
    hints=(
        "`np.searchsorted(arrivals, moments)` says, for each moment, how many had come by then. It needs sorted times.",
        "Sort a copy of the departures to count who has left. Inside at a moment is who has come and not yet left.",
        "The rate is `len(arrivals) / (arrivals[-1] - arrivals[0])`; `(departures - arrivals).mean()` is the time inside.",
    ),
    minutes=6,
)
def count_twice(answer: Guarded) -> str:
    """Compare with counting heads one by one; the clock begins at 5000 and departures are not in order."""
    function = expect.function(answer)
    rng = np.random.default_rng(22)
    arrivals = 5000 + np.cumsum(rng.exponential(0.5, 2000))
    departures = arrivals + rng.exponential(3.0, 2000)
    moments = rng.uniform(arrivals[0] + 20, arrivals[-1], 150)
    counted = float(np.mean([np.sum((arrivals <= m) & (departures > m)) for m in moments]))
    rate, time = 2000 / (arrivals[-1] - arrivals[0]), float((departures - arrivals).mean())
    result = expect.returned(function(arrivals, departures, moments), "two numbers")
    saw = expect.array(result, (2,), "the two numbers")
    want = f"({counted:.2f}, {rate * time:.2f})"
    heads, law = expect.close(saw[0], counted, 1e-6), expect.close(saw[1], rate * time, 0.02 * rate * time)
    # Nobody who divides by some other span of the data lands on the counted number to the sixth digit.
    law = law and not expect.close(saw[1], counted, 1e-6)
    if heads and law:
        return f"{counted:.2f} counted at 150 moments, {rate * time:.2f} by law: two roads, one number."
    shown = f"({saw[0]:.2f}, {saw[1]:.2f})"
    came = np.searchsorted(arrivals, moments)
    counts = {
        "the departures were not sorted before `np.searchsorted`: who came first need not leave first": (
            came - np.searchsorted(departures, moments)
        ).mean(),
        "who has left was not subtracted: you counted all who ever came": came.mean(),
        "the sum over the moments: take the mean": counted * 150,
        "those who have left were counted: subtract them from those who came": (
            np.searchsorted(np.sort(departures), moments).mean()
        ),
    }
    laws = {
        "the rate is turned round: requests per second is a count divided by seconds": time / rate,
        "the clock of the data does not begin at 0: divide by last arrival minus first": 2000 / arrivals[-1] * time,
        "the time inside is missing: multiply the rate by the mean of departure minus arrival": rate,
        "the rate is missing: multiply the mean time inside by requests per second": time,
        "the mean gap is not the rate: requests per second is one over it": (arrivals[-1] - arrivals[0]) / 2000 * time,
    }
    if expect.close(saw[1], counted, 1e-6) and heads:
        cause = "the second number is the counted one again: take it from the law, rate times mean time"
    elif expect.close(saw[1], counted, 1e-6) and expect.close(saw[0], rate * time, 0.02 * rate * time):
        cause = "the two are swapped: the counted number comes first"
    elif expect.close(saw[0], rate * time, 0.001) and law:
        cause = "the first number is not counted but taken from the law: count who is inside at each moment"
    elif not heads:
        question = "for one of the moments: who has come, who has left, and whom does your first number count?"
        expect.explain(saw[0], counted, counts, question, where=", the first of the two", rtol=1e-6)
    else:
        question = "what are your requests per second, and what is the mean time inside?"
        expect.explain(saw[1], rate * time, laws, question, where=", the second of the two", rtol=1e-3)
    raise Fail(shown, want, cause)


@exercises.check(
    "3",
    "The smallest number that keeps the promise",
    hints=(
        "Try 1, 2, 3, ... and stop at the first number that is good enough.",
        "`while latency_of(replicas) > limit_s:` goes on as long as the promise is broken; `inf > 0.3` is True.",
        "Start with `replicas = 1`, add 1 in the loop, return `replicas` after it.",
    ),
)
def replicas_needed(answer: Guarded) -> str:
    """Try services that need 1, 2, 4, 7 and 137 replicas, one of them exactly at the limit."""
    function = expect.function(answer)
    services = ((7, 0.3, False), (1, 0.5, False), (4, 0.25, True), (2, 0.2, False), (137, 0.3, False))

    def cases() -> Iterator[expect.Case]:
        for need, limit, exactly in services:
            table = _Latencies(need, limit, exactly)
            saw = expect.returned_number(partial(function, table, limit), "the number of replicas")
            causes: dict[str, float] = {
                "a p95 of exactly the limit keeps the promise: compare with `<=`": need + exactly,
                "one too many: you add one after the promise is already kept": need + 1,
                "the search begins at 2: one replica may be enough": max(need, 2),
                "one too few: this number still breaks the promise; it is the next that keeps it": need - 1,
                "this is a latency: return the number of replicas": table(need),
                "this is the latency of one replica more: return the number of replicas": table(need + 1),
                "the first finite latency was taken: it must also keep the limit": max(need - 2, 1),
                "the number is doubled until it is enough: that is not the smallest": 2 ** (need - 1).bit_length(),
            }
            for end in (10, 20, 49, 50, 64, 99, 100, 128):
                causes[f"the search ends at {end}: large services need a loop without a fixed end"] = min(need, end)
            yield expect.Case(saw, need, causes, f" for a service that needs {need}", " replicas")

    expect.explain_all(
        cases(), "enough, but not the smallest, or too few: which number do you try first, and what makes you stop?"
    )
    return "Right for services that need 1, 2, 4, 7 and 137 replicas, and for a p95 that is exactly the limit."


class _Latencies:
    """A p95 that is infinite, then too long, then just short enough from `need` replicas on."""

    def __init__(self, need: int, limit_s: float, exactly: bool) -> None:
        self.need, self.limit_s, self.exactly = need, limit_s, exactly

    def __call__(self, replicas: int) -> float:
        if replicas < 1 or replicas != int(replicas):
            raise ValueError(f"replicas is a whole number from 1 on; got {replicas}")
        if replicas < self.need - 2:
            return float("inf")
        if replicas == self.need and self.exactly:
            return self.limit_s
        return (
            self.limit_s * (1 + 0.17 * (self.need - replicas) - (0.05 if replicas == self.need else 0.0))
            if replicas <= self.need
            else self.limit_s * (0.5 + 0.4 / replicas)
        )


@exercises.check(
    "4",
    "Where a model may be trusted",
    hints=(
        "`np.quantile(seen, 0.01)` is the value below which 1 % of what was seen lies; the upper border is at 0.99.",
        "Both borders count: `(asked >= low) & (asked <= high)`, with brackets and `&` for arrays.",
        "`low, high = np.quantile(seen, [share, 1 - share])`",
    ),
    minutes=4,
)
def may_trust(answer: Guarded) -> str:
    """Ask below, inside and above a skewed sample with outliers, for two shares."""
    function = expect.function(answer)
    rng = np.random.default_rng(24)
    seen = np.append(rng.gamma(4.0, 0.1, 2000), [0.0, 3.0])
    borders = {share: np.quantile(seen, [share, 1 - share]) for share in (0.01, 0.1)}
    (low, high), (wide_low, wide_high) = borders.values()
    asked = np.array(
        [0.02, low * 0.9, low * 1.1, wide_low * 1.1, 0.35, 0.9, wide_high * 0.95, wide_high * 1.1, high * 1.05, 2.5]
    )
    rng.shuffle(asked)

    def between(borders: Any) -> np.ndarray:
        lowest, highest = borders
        return np.asarray((asked >= lowest) & (asked <= highest))

    def cases() -> Iterator[expect.Case]:
        for share, (lowest, highest) in borders.items():
            want = between((lowest, highest))
            causes = {
                "turned round: True is for what lies inside": ~want,
                "smallest and largest value: one outlier would open the border wide, take quantiles": between(
                    (seen.min(), seen.max())
                ),
                "only the upper border: what is smaller than anything seen is unknown too": asked <= highest,
                "only the lower border: above what was seen is where it hurts": asked >= lowest,
                "mean and standard deviation: the data are skewed, take the two quantiles": np.abs(asked - seen.mean())
                <= 2 * seen.std(),
                "`or` in place of `and`: every value lies above the lower border or below the upper one, so use `&`": (
                    np.ones(len(asked), bool)
                ),
                "`np.percentile` counts from 0 to 100, `np.quantile` from 0 to 1": between(
                    np.percentile(seen, [share, 1 - share])
                ),
                "`np.percentile` takes `share` for a percentage": between(np.percentile(seen, [share, 100 - share])),
                "half of `share` was cut off at each end: cut off all of it": between(
                    np.quantile(seen, [share / 2, 1 - share / 2])
                ),
                "`share` is not used, a number stands in its place": between(borders[0.01]),
                "the borders are quantiles of `asked`: take those of `seen`": between(
                    np.quantile(asked, [share, 1 - share])
                ),
            }
            saw = expect.truths(
                function(seen, asked, share=share),
                len(asked),
                "truth values, one a question,",
                "compare `asked` with the two borders and return the result",
            )
            where = f" for a share of {share}, whose borders are {lowest:.3f} and {highest:.3f}"
            yield expect.Case(saw, want, causes, where)

    first = expect.explain_all(cases(), "which two borders does yours use, and which values lie between them?")[0]
    return f"Trusts {first.want.sum()} of {len(asked)} questions, between {low:.2f} and {high:.2f}; an outlier at 3.0 did not open the border."


@exercises.check(
    "5",
    "Three hidden faults",
    hints=(
        "Go down each column until the first ratio that is clearly not 1: that is where the story begins.",
        "11:30: busy, slow, and yet the CPU is calm. Who is waiting for whom? 14:00: look at the replicas before the errors.",
        "16:30: every ratio is about 1 but one, and that one is 1/1000. A service does not become a thousand times faster.",
    ),
)
def named(answer: Any) -> str:
    """Compare with what the seed hides; each place has its own trap."""
    from labsupport.world.riddles import CAUSES, hidden_faults

    if isinstance(answer, str | Guarded):
        raise Fail(f"a {type(answer).__name__}", "a list of three names", "write the three names in square brackets")
    if isinstance(answer, set | frozenset):
        cause = "a set has no order, and the order says which fault came when: use square brackets"
        raise Fail("a set of names", "a list of three names, in order of time", cause)
    if isinstance(answer, Mapping):
        answer = [answer[key] for key in sorted(answer)]
    try:
        names = [str(name) for name in answer]
    except TypeError:
        raise Fail(
            f"a {type(answer).__name__}", "a list of three names", "write the three names in square brackets"
        ) from None
    if len(names) != 3:
        raise Fail(f"{len(names)} names", "three names", "one for each page: 11:30, 14:00 and 16:30, in this order")
    known = {_plain(cause): cause for cause in CAUSES}
    strange = [name for name in names if _plain(name) not in known]
    if strange:
        cause = (
            "use the names of the list above; each page has one of the five faults, also where the service looks well"
        )
        raise Fail(f"the name `{strange[0]}`", f"names out of {', '.join(CAUSES)}", cause)
    said = [known[_plain(name)] for name in names]
    truth = [type(fault).__name__ for fault in hidden_faults(RIDDLE_SEED)]
    places = (
        ("11:30", "traffic and replicas as before, replicas busy 1.26 but CPU 1.03: they wait, they do not work"),
        ("14:00", "the errors are a consequence: a third of the replicas is missing, so the others are overloaded"),
        ("16:30", "load, CPU and traffic are as before: the service is well, a latency of 1/1000 is a unit"),
    )
    for (start, cause), name, right in zip(places, said, truth, strict=True):
        if name != right:
            raise Fail(f"{name} at {start}", "another fault there", cause)
    return "All three: a calm CPU, errors that were only a consequence, and a dashboard in the wrong unit."


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


@exercises.check(
    "6",
    "A diagnosis as a program",
    hints=(
        'One `if` a fault, in the order of the text, each with a `return`; after the last one `return "nothing"`.',
        "Thresholds with room: traffic above 1.15, replicas below 0.9, busy above 1.1 while CPU is below 1.1, errors above 5.",
        '`if ratios["latency_p95_ms"] < 0.01: return "WrongUnits"` comes first, the error rate comes last.',
    ),
    minutes=8,
)
def diagnose(answer: Guarded) -> str:
    """Draw ratios as the simulator gives them, with and without overload and after it; the first wrong name is explained."""
    import pandas as pd

    function = expect.function(answer)
    rng = np.random.default_rng(26)
    names = {_plain(cause): cause for cause, _ in CASES}
    for _ in range(5):
        for want, changed in CASES:
            ratios = {metric: rng.uniform(*bounds) for metric, bounds in (NORMAL | changed).items()}
            result = expect.returned(function(pd.Series(ratios)), f'"{want}": end with `return "nothing"`')
            if not isinstance(result, str):
                raise Fail(f"a {type(result).__name__}, `{result!r:.40}`", "one name", "return the name itself")
            saw = names.get(_plain(result))
            if saw is not None and result != saw:
                raise Fail(f"`{result}`", f"`{saw}`", "spell the names as the text does: the next cell compares them")
            if saw is None:
                raise Fail(f"`{result}`", f"one of {', '.join(names.values())}", "another name, or not a name")
            if saw != want:
                shown = ", ".join(f"{metric} {ratio:.3g}" for metric, ratio in ratios.items())
                raise Fail(f"{saw} for {shown}", want, _misled(want, saw, ratios))
    return f"{5 * len(CASES)} sets of ratios named, overloaded ones among them, and no false alarm on calm ones."


def _misled(want: str, saw: str, ratios: Mapping[str, float]) -> str:
    if want == "nothing" and saw == "WrongUnits":
        return (
            "a false alarm: the p95 falls to a twentieth when an overload ends; only a thousandth is another unit, so ask "
            "for less than 0.01"
        )
    if want == "nothing" and ratios["utilisation"] < 0.9:
        return "a false alarm: an incident is over here, and the numbers come back to what they were"
    if saw == "BadDeploy" and ratios["error_rate"] > 5:
        return (
            "errors are a consequence of overload here: ask for traffic, replicas and calm CPU first, for errors last"
        )
    if want == "nothing":
        return "a false alarm: ratios wander by some 10 %, error rates may double; leave room in the thresholds"
    if want == "WrongUnits":
        return "a latency of a thousandth is no good news: ask for it first, with a threshold such as 0.01"
    if want == "SlowDependency":
        return "replicas busier while the CPU is calm: compare `utilisation` with `cpu_percent`"
    if saw == "SlowDependency":
        return "a slow dependency leaves the CPU calm: ask for `cpu_percent` near 1 too, and for traffic and replicas before"
    if saw == "nothing":
        return f"a {want} was missed: a threshold is too far out, or its question is missing"
    return f"the question for {saw} comes too early, or does not look at the metric that tells it from {want}"


exercises.quiz(
    "a",
    "One replica goes from 90 % to 95 % load. What does its mean wait do?",
    ("It grows by about 5 %, as the load did.", False, "That would be a straight line. Load grew by 5 points, but the time in which the queue can melt was halved."),
    ("It about doubles: half of the free time is left.", True, "0.9/0.1 = 9 service times become 0.95/0.05 = 19. One over what is free: 10 % became 5 %."),
    ("It becomes infinite, because the replica is full.", False, "At 100 % it would. At 95 % there is a mean, and it is 19 service times."),
)  # fmt: skip
exercises.quiz(
    "b",
    "11 replicas, 82 % busy each. Behind one queue the p95 keeps its 300 ms, behind a random balancer it is above a second. Where does the time go?",
    ("Choosing a replica at random takes longer than taking the next one.", False, "Drawing a number takes nanoseconds. The time is spent in queues."),
    ("The replicas get more work in total.", False, "Work and load are equal in all three rows; only who waits where differs."),
    ("Some replicas are slower, and chance hits them too often.", False, "All replicas of this experiment are equally fast. Chance alone makes one queue long while others are empty."),
    ("Requests wait at one replica while another is idle.", True, "Each replica is alone with its share, so its knee is the one of a single replica: 50 %. That is what one common queue avoids."),
)  # fmt: skip
exercises.quiz(
    "c",
    "p95 has tripled, traffic and CPU are as before, replicas are busy. Your autoscaler looks at CPU. What do you do?",
    ("Look at what the requests wait for; the autoscaler will not act.", True, "Busy without CPU is waiting: a database, an API, a lock. More replicas buy time; only the dependency ends it."),
    ("Wait: the CPU shows that there is no real load.", False, "The replicas are occupied all the same, and the queue behaves as at high load: it explodes near 100 % busy."),
    ("Lower the CPU target, so that the autoscaler reacts sooner.", False, "The CPU did not move, so no target within reason will be crossed at the right moment. Scale on busy replicas or queue depth."),
)  # fmt: skip
exercises.quiz(
    "d",
    "A model predicts the p95 within 3 % on a year of calm days. Marketing plans the largest sale ever. What is its forecast worth?",
    ("About 3 %: a year is a lot of data.", False, "A year of calm days says nothing on loads that never came. In this lesson such a model was off by more than half."),
    ("Nothing at all: models cannot extrapolate.", False, "One with the right form, 1 / (1 − load), did much better from the very same days. Form is knowledge."),
    ("Little, unless its form knows what happens near full load; so test under load or let it refuse.", True, "Inside what it saw it is good. Outside, only knowledge of the world or new data carry, and a border says where that begins."),
    ("More after another calm year of data.", False, "More of the same loads narrows the error where it is small already."),
)  # fmt: skip

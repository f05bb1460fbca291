"""Lesson 102, the web service: checkers, hints, quiz and guesses."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from labsupport.exercises import Measured, OutsideRules, expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, LearnerError
from labsupport.lessons.cases import services_102
from labsupport.lessons.cases.ratios_102 import CASES, NORMAL

exercises = Exercises("102")

# Requests of the cell that goes on with 102.1.
MANY = 100_000


@exercises.check(
    "1",
    "Lindley's recursion",
    hints=(
        "Start with `waits = [0.0]`, and go through the requests from the second one on: `for n in range(1, len(arrivals))`.",
        "On the clock: when is the one before you done? It came at `arrivals[n - 1]`, waited, and was served. You come at `arrivals[n]`. "
        "`max(0.0, x)` is x, but never below zero.",
        "`waits.append(max(0.0, waits[n - 1] + services[n - 1] - (arrivals[n] - arrivals[n - 1])))`",
    ),
    minutes=8,
)
def waiting_times(answer: Guarded) -> str:
    """Compare with a replica's own clock on a busy queue of 300, then on as many requests as the next cell has."""
    function = expect.function(answer)
    arrivals, services = services_102.jammed(rng := np.random.default_rng(21))
    want = services_102.waits(arrivals, services)
    gaps = np.diff(arrivals)
    result = function(arrivals, services)
    if result is not None and np.shape(result) == (299,):
        cause = "one wait is missing: the first request waits too, 0 seconds; begin with `waits = [0.0]`"
        raise Fail("299 waits for 300 requests", "300 waits", cause)
    causes = {
        "never below zero holds for *each* wait: the next one builds on it, so `max` belongs into the loop": np.maximum(
            0, np.append(0.0, np.cumsum(services[:-1] - gaps))
        ),
        "the wait falls below zero: an idle replica serves at once, take `max(0, ...)`": np.append(
            0.0, np.cumsum(services[:-1] - gaps)
        ),
        "the service of this request was added: it waits for the one before, `services[n - 1]`": services_102.waits(
            arrivals, np.append(services[1:], 0.0)
        ),
        "the wait of the one before is forgotten: a queue of several needs `waits[n - 1]`": np.append(
            0.0, np.maximum(services[:-1] - gaps, 0)
        ),
        "every wait is 0: the service of the one before is missing, or a time of the clock stands where the gap between "
        "two arrivals belongs": np.zeros(300),
        "these are latencies, wait and service together: return the wait alone": want + services,
        "these are the seconds at which service begins: subtract the arrivals": want + arrivals,
        "these are the seconds at which requests leave: subtract arrivals and services": want + arrivals + services,
        "the gap is missing: while you are on your way, the queue melts": np.append(0.0, np.cumsum(services[:-1])),
    }
    paper = "arrivals 0, 1, 9, 10 and services of 2 seconds wait 0, 1, 0, 1: what does yours say, step by step?"
    expect.explain(expect.array(result, (300,), "the waits"), want, causes, paper, unit=" s")
    many, long = np.cumsum(rng.exponential(1.0, MANY)), rng.exponential(0.8, MANY)
    try:
        waits = expect.array(function(many, long), (MANY,), "the waits")
    except LearnerError as error:
        if "RecursionError" not in error.summary:
            raise
        cause = "a function that calls itself once a request does not get that far in Python: use a loop"
        raise Fail(f"`{error.summary}` for {MANY:,} requests", "waits for all of them", cause) from None
    different = "what is different when the queue is long?"
    expect.explain(waits, services_102.waits(many, long), {}, different, atol=1e-6, unit=" s")
    return f"Two queues, of 300 and of {MANY:,} requests. Of the 300, {np.mean(want == 0):.0%} wait 0 s; the longest wait is {want.max():.1f} s."


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
            table = services_102.Latencies(need, limit, exactly)
            saw = services_102.whole(function(table, limit))
            causes: dict[str, float] = {
                "a p95 of exactly the limit keeps the promise: compare with `<=`": need + exactly,
                "one too many: you add one after the promise is already kept": need + 1,
                "the search begins at 2: one replica may be enough": max(need, 2),
                "one too few: this number still breaks the promise; it is the next that keeps it": need - 1,
                "the p95 nearest to the limit may be too long: it must be at most the limit": (
                    need if exactly else max(need - 1, 1)
                ),
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


CROWDS = ("10:00", "14:30", "18:00")
BROKEN_MINUTES, REPLICA_HOURS = 10, 155
BUSY_CPU = 64.0  # per cent, of a replica that is never idle


@exercises.check(
    "4",
    "A target for the autoscaler",
    hints=(
        "The HPA adds a replica only when the CPU is a tenth above its target. How busy are the replicas by then? And how few of "
        "them are there at night, and how busy may so few be?",
        "At night it is three or four. `theory.latency_quantile(0.95, busy * 3 / 0.075, 0.075, 3)` is the p95 of three replicas "
        "at a load: up to which load are 280 ms kept?",
        "Three replicas: up to 62 % busy, which is 4 + 60 × 0.62 = 41 % CPU. Divide by 1.1, for it acts a tenth above.",
    ),
    minutes=7,
)
def target(answer: Any) -> str:
    """Replay three Mondays with a crowd at different hours; the worst of them counts."""
    percent = expect.number(answer, "the target")
    wanted = "a target in per cent of CPU, between 1 and 100"
    if 0 < percent < 1:
        cause = f"this is a share; an HPA's target is in per cent: did you mean {100 * percent:g}?"
        raise Fail(f"{percent:g}", wanted, cause)
    if not 1 <= percent <= 100:
        question = "what is the CPU of an idle replica, and of one that is never idle?"
        raise Fail(f"{percent:g}", wanted, question=question)
    days = [services_102.billed(percent, start) for start in CROWDS]
    broken, hours, fewest = max(day[0] for day in days), max(day[1] for day in days), min(day[2] for day in days)
    bill = f"{broken} broken minute{'s' * (broken != 1)} and {hours:.0f} replica hours, on the worst of three days"
    if broken <= BROKEN_MINUTES and round(hours) <= REPLICA_HOURS:
        fixed = max(services_102.billed(None, start)[0] for start in CROWDS)
        return f"{bill}. Six replicas, day and night, cost 144 hours and break the promise in {fixed} minutes."
    acts = 1.1 * percent
    if acts > BUSY_CPU:
        cause = (
            f"the CPU never gets there: an HPA with this target acts from {acts:.0f} % on, and a replica that is never idle "
            f"shows {BUSY_CPU:.0f} %. So it only shrank, to {fewest} replicas"
        )
    elif broken > BROKEN_MINUTES:
        cause = (
            f"too little room: with this target the CPU may rise to {acts:.0f} %, which is {(acts - 4) / 60:.0%} busy, before "
            f"anything happens; at night {fewest} replicas break the promise then, crowd or no crowd"
        )
    else:
        cause = "the promise is kept, by replicas that idle: a higher target is cheaper"
    raise Fail(bill, f"at most {BROKEN_MINUTES} minutes and {REPLICA_HOURS} replica hours", cause)


@exercises.check(
    "5",
    "A diagnosis as a program",
    hints=(
        "One `if` a fault, each with a `return`. Which ratio only ever moves for one fault? Ask for those first: an impossible "
        'latency, traffic, replicas, busy replicas without CPU; errors last; then `return "nothing"`.',
        "Thresholds with room: traffic above 1.15, replicas below 0.9, busy above 1.1 while CPU is below 1.1, errors above 5.",
        '`if ratios["latency_p95_ms"] < 0.01: return "WrongUnits"` comes first, the error rate comes last.',
    ),
    minutes=9,
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


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


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
    if want == "nothing" and saw == "BadDeploy":
        return "a false alarm: error rates are small counts and may double; leave room in the threshold"
    if want == "nothing":
        return "a false alarm: ratios wander by some 10 %; leave room in the thresholds"
    if want == "WrongUnits":
        return "a latency of a thousandth is no good news: ask for it first, with a threshold such as 0.01"
    if want == "SlowDependency":
        return "replicas busier while the CPU is calm: compare `utilisation` with `cpu_percent`"
    if saw == "SlowDependency":
        return "a slow dependency leaves the CPU calm: ask for `cpu_percent` near 1 too, and for traffic and replicas before"
    if saw == "nothing":
        return f"a {want} was missed: a threshold is too far out, or its question is missing"
    return f"the question for {saw} comes too early, or does not look at the metric that tells it from {want}"


REPLICAS, RATE, MEAN_S, REQUESTS = 11, 120.0, 0.075, 30_000


@exercises.refute(
    "6",
    "Reserving replicas for the long requests never makes the p95 more than 5 % shorter than one queue for all",
    case="(share, times, reserved): the share of long requests from 0.001 to 0.5, how many times as long they are from 1 to 300, "
    "and 1 to 10 reserved replicas; both sides can do their work",
    hints=(
        "What makes a queue long besides the load? With which mix of requests is there most of it?",
        "Few and very long: one request in thirty, thirty times as long. Small ones must then not wait behind them.",
        "Give each side replicas for its work: long requests hold share × times / (1 + share × (times − 1)) of it. For "
        "(0.03, 30) that is nearly half, so 5 of 11.",
    ),
    minutes=8,
)
def one_queue_is_best(case: Any) -> Measured:
    """Replay the case on two days, with the same requests for both; reserving must win on both, by more than 5 %."""
    share, times, reserved = _mix(case)
    days = np.array([_both_ways(share, times, reserved, seed) for seed in (61, 62)])
    shorter = 1 - days[:, 1] / days[:, 0]
    one, apart, long_one, long_apart = days.mean(axis=0)
    numbers = (
        f"p95 {1000 * one:.0f} ms in one queue, {1000 * apart:.0f} ms with {reserved} of {REPLICAS} reserved, on two days "
        f"{' and '.join(f'{100 * by:.0f} % shorter' if by >= 0 else f'{-100 * by:.0f} % longer' for by in shorter)}; of the long "
        f"requests alone {1000 * long_one:.0f} and {1000 * long_apart:.0f} ms"
    )
    return Measured(bool(shorter.min() <= 0.05), numbers)


def _mix(case: Any) -> tuple[float, float, int]:
    parts = list(case) if isinstance(case, tuple | list | np.ndarray) else []
    try:
        share, times, reserved = (float(part) for part in parts)
    except (TypeError, ValueError):
        raise OutsideRules("a case is three numbers in brackets, such as (0.1, 1, 1): share, times, reserved") from None
    if not 0.001 <= share <= 0.5:
        raise OutsideRules(f"the share of long requests lies between 0.001 and 0.5, this is {share:g}")
    if not 1 <= times <= 300:
        raise OutsideRules(f"long requests are 1 to 300 times as long as the others, these {times:g} times")
    if reserved not in range(1, REPLICAS):
        raise OutsideRules(f"1 to 10 of the 11 replicas are reserved, a whole number; this is {reserved:g}")
    work_s = RATE * MEAN_S
    long_work = work_s * share * times / (1 + share * (times - 1))
    for who, work, replicas in (
        ("the long requests", long_work, reserved),
        ("the others", work_s - long_work, REPLICAS - reserved),
    ):
        if work >= replicas:
            raise OutsideRules(
                f"{who} keep {work:.1f} replicas busy, and you give them {replicas:g}: their queue would never end"
            )
    return share, times, int(reserved)


def _both_ways(share: float, times: float, reserved: int, seed: int) -> tuple[float, float, float, float]:
    """Return p95 latencies in seconds: of all in one queue, of all apart, of the long ones in one queue, apart."""
    from labsupport.world import central_queue

    rng = np.random.default_rng(seed)
    arrivals = np.cumsum(rng.exponential(1 / RATE, REQUESTS))
    long = rng.random(REQUESTS) < share
    long[0] = True  # so that there is one
    services = rng.exponential(MEAN_S / (1 + share * (times - 1)), REQUESTS) * np.where(long, times, 1.0)
    together = central_queue(arrivals, services, REPLICAS).latencies
    apart = np.empty(REQUESTS)
    for chosen, replicas in ((long, reserved), (~long, REPLICAS - reserved)):
        apart[chosen] = central_queue(arrivals[chosen], services[chosen], replicas).latencies
    all_p95 = float(np.quantile(together, 0.95)), float(np.quantile(apart, 0.95))
    return *all_p95, float(np.quantile(together[long], 0.95)), float(np.quantile(apart[long], 0.95))


exercises.guess("g1", "On this day the CPU of the replicas rises above 70 % in at least one minute")
exercises.guess("g2", "The mean wait at one replica at 95 % load", unit="service times")
exercises.guess(
    "g3", "Replicas for the same promise behind a random balancer, where one queue needs 11", unit="replicas"
)

exercises.quiz(
    "a",
    "One replica is 90 % busy. You move it to a machine that is twice as fast; the traffic stays. Its mean wait becomes about ...",
    ("a half: each request takes half the time.", False, "The service does. But the load falls as well, from 90 % to 45 %, and waiting goes with load / (1 - load)."),
    ("a fifth: the free time grows fivefold.", False, "The free time goes from 10 % to 55 %, so far you are right. The load in the numerator is halved too, and so is the service time itself."),
    ("a twentieth: all three factors shrink.", True, "From 75 ms x 0.9 / 0.1 = 675 ms to 37.5 ms x 0.45 / 0.55 = 31 ms: the service, the load, and one over what is free."),
)  # fmt: skip
exercises.quiz(
    "b",
    "Behind a random balancer a service is too slow. Over the year its traffic doubles, and so do its replicas. What does its p95 do?",
    ("It falls: a large service bears a higher load.", False, "Behind one queue it would: the knee moves right. At random each replica is alone with its share, however many others there are."),
    ("It stays: each replica has the same share.", True, "Sixteen replicas at random are sixteen services of one. Twice as many of the same do not help one another."),
    ("It rises: chance has more queues to make long.", False, "More queues are long at any moment, and as many more are short: a request meets the same mix as before."),
)  # fmt: skip
exercises.quiz(
    "c",
    "A slow database keeps 6 replicas 93 % busy at 48 % CPU; the HPA's target is 70 %, its minimum 6. A colleague lowers the target to 40 %. What happens next?",
    ("Nothing: an HPA on CPU doesn't see waiting.", False, "It sees 48 / 40 = 1.2, more than its tolerance. Waiting is invisible, but the rule of three works on any number."),
    ("It asks for 8 replicas, and the p95 falls.", True, "ceil(6 x 48 / 40) = 8, so 70 % busy. That buys time, by accident: the CPU knows nothing of the cause, and the database now has eight callers."),
    ("It adds replicas until the p95 is good again.", False, "An HPA on CPU does not know the p95. It stops where CPU and target differ by less than a tenth, whatever the latency."),
)  # fmt: skip
exercises.quiz(
    "d",
    "Your model refuses outside of the loads it learnt from. Today utilisation shows 60 %, as on many evenings, but a dependency is slow, and the p95 is twice that of those evenings. What does it do?",
    ("It answers, and is wrong by half.", True, "The border looks at what is asked, and a load of 60 % is familiar. That the world behind it has changed shows only in the error: watch that, too."),
    ("It refuses: the p95 was never so high.", False, "The p95 is what it foretells, it isn't asked at a p95. Its input, the load, lies well inside of the borders."),
    ("It answers rightly: the load is a usual one.", False, "It learnt which p95 belonged to this load when requests took 75 ms. Now they take longer."),
)  # fmt: skip

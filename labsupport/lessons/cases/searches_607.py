"""Moments of a search, for lesson 607: what starts, who is hopeless, and what the usual mistakes would decide; and rehearsals."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.explain import Case
from labsupport.exercises.outcomes import Fail

FAILURES = ("Failed", "MetricsUnavailable")


def _to_start(states: list[str], parallel: int, most: int, failures: int) -> int:
    if sum(state in FAILURES for state in states) >= failures:
        return 0
    running = sum(state in ("", "Running") for state in states)
    return max(0, min(parallel - running, most - len(states)))


def _mistakes_of_a_start(states: list[str], parallel: int, most: int, failures: int) -> dict[str, int]:
    def count(*kinds: str) -> int:
        return sum(state in kinds for state in states)

    running, failed = count("", "Running"), count(*FAILURES)
    free, left = parallel - running, most - len(states)
    allowed = max(0, min(free, left))
    return {
        "those that run already take a place: of `parallel`, take away the trials that are not over": 0 if failed >= failures else max(0, min(parallel, left)),
        'a trial that was just stored (`""`) takes a place, too: it will run in a moment': 0 if failed >= failures else max(0, min(parallel - count("Running"), left)),
        "never more than `most` trials in all, those that failed and those that were ended early included": 0 if failed >= failures else max(0, free),
        "all trials that there are count towards `most`, not only those that succeeded": 0 if failed >= failures else max(0, min(free, most - count("Succeeded"))),
        "trials that run or were just stored count towards `most`, too, or there will be too many": 0 if failed >= failures else max(0, min(free, most - (len(states) - running))),
        "a negative number can't be started: when `parallel` was lowered, or all are made, it is 0": 0 if failed >= failures else min(free, left),
        "from `failures` failures on nothing is started": allowed,
        "the failure that reaches the limit ends the search: compare by >=": 0 if failed > failures else allowed,
        "a trial that never said its metric (`MetricsUnavailable`) is a failure": 0 if count("Failed") >= failures else allowed,
        "a trial that was ended early did not fail": 0 if failed + count("EarlyStopped") >= failures else allowed,
    }  # fmt: skip


def moments(call: Callable[..., Any]) -> Iterator[Case]:
    """Ask how many trials to start at chosen moments, and at forty that are drawn."""
    rng = np.random.default_rng(607)
    words = ["", "Running", "Succeeded", "EarlyStopped", "Failed", "MetricsUnavailable"]
    chosen: list[tuple[list[str], int, int, int]] = [
        ([], 3, 12, 3),
        (["Succeeded"] * 3, 3, 12, 3),
        (["Succeeded", "Running", "Running"], 3, 12, 3),
        (["", "", "Running"], 3, 12, 3),
        (["Running"] * 5, 3, 12, 3),
        (["Succeeded"] * 10 + ["Running"], 3, 12, 3),
        (["Succeeded"] * 9 + ["EarlyStopped", "Failed", "Succeeded"], 3, 12, 3),
        (["Failed", "MetricsUnavailable", "Succeeded"], 3, 12, 3),
        (["Failed", "MetricsUnavailable", "Failed"], 3, 12, 3),
        (["EarlyStopped"] * 4, 3, 12, 3),
    ]
    for _ in range(40):
        states = [str(one) for one in rng.choice(words, rng.integers(0, 10), p=[0.15, 0.2, 0.3, 0.15, 0.1, 0.1])]
        chosen.append((states, int(rng.integers(1, 5)), max(len(states), int(rng.integers(1, 14))), int(rng.integers(1, 5))))  # fmt: skip
    for states, parallel, most, failures in chosen:
        asked = f" for {states}, parallel={parallel}, most={most}, failures={failures}"
        saw = expect.returned_number(lambda now=(list(states), parallel, most, failures): call(*now), "how many trials to start")  # type: ignore[misc]  # fmt: skip
        causes = _mistakes_of_a_start(states, parallel, most, failures)
        yield Case(saw, _to_start(states, parallel, most, failures), causes, asked)


def _median_rule(said: list[float], finished: list[list[float]], start: int, least: int) -> bool:
    if len(said) < start or len(finished) < least:
        return False
    return bool(max(said) < np.median([np.mean(values[:start]) for values in finished]))


def _mistakes_of_the_rule(said: list[float], finished: list[list[float]], start: int, least: int) -> dict[str, bool]:
    may = len(said) >= start and len(finished) >= least
    early = [float(np.mean(values[:start])) for values in finished] or [0.0]
    bar, best = float(np.median(early)), max(said, default=0.0)
    whole = [float(np.mean(values)) for values in finished] or [0.0]
    last = [values[-1] for values in finished] or [0.0]
    at = [values[min(start, len(values)) - 1] for values in finished] or [0.0]
    middle = [float(np.median(values[:start])) for values in finished] or [0.0]
    peak = [max(values[:start]) for values in finished] or [0.0]
    return {
        "one bad value is no reason: its best value yet counts, not its latest": may and bool(said) and said[-1] < bar,
        "its best value yet counts, not the mean of what it said": may and bool(said) and float(np.mean(said)) < bar,
        "the bar is the median of the others; this is their mean": may and best < float(np.mean(early)),
        "rivals count with their first `start_step` values: at their end all are better": may and best < float(np.median(whole)),
        "rivals count with the mean of their first values, not with their last value": may and best < float(np.median(last)),
        "rivals count with the mean of their first values, not with value number `start_step`": may and best < float(np.median(at)),
        "rivals count with the mean of their first values, not with the best of them": may and best < float(np.median(peak)),
        "rivals count with the mean of their first values, not with their median": may and best < float(np.median(middle)),
        "on the bar is not below it": may and best <= bar,
        "the rule speaks from value number `start_step` on: with just so many values, too": may and len(said) > start and best < bar,
        "with just `at_least` finished trials there is a bar": may and len(finished) > least and best < bar,
        "before its `start_step`th value no trial is ended": bool(said) and len(finished) >= least and best < bar,
        "without `at_least` finished trials there is no bar": len(said) >= start and bool(finished) and best < bar,
        "`start_step` is an argument, it is not always 4": len(said) >= 4 and len(finished) >= least and best < float(np.median([float(np.mean(values[:4])) for values in finished] or [0.0])),
        "`at_least` is an argument, it is not always 3": len(said) >= start and len(finished) >= 3 and best < bar,
        "more is better here: below the bar is hopeless": may and best > bar,
    }  # fmt: skip


def trials_to_judge(call: Callable[..., Any]) -> Iterator[Case]:
    """Ask about chosen trials, and 120 that are drawn, whether they are to be ended."""
    flat = [[0.5] * 6, [0.6] * 6, [0.7] * 6]
    chosen: list[tuple[list[float], list[list[float]], int, int]] = [
        ([0.1, 0.2, 0.3, 0.4], flat, 4, 3),
        ([0.1, 0.2, 0.3], flat, 4, 3),
        ([0.1, 0.2, 0.3, 0.4], flat[:2], 4, 3),
        ([0.2, 0.6, 0.3, 0.4], flat, 4, 3),
        ([0.1, 0.8, 0.3, 0.2], flat, 4, 3),
        ([], flat, 4, 3),
        ([0.1] * 5, [], 4, 3),
        ([0.1, 0.2], flat, 2, 3),
        ([0.1] * 5, flat, 6, 3),
        ([0.1] * 4, flat, 4, 4),
        ([0.1] * 4, flat[:2], 4, 2),
        ([0.5, 0.55, 0.5, 0.5], [[0.5] * 6, [0.5] * 6, [0.9] * 6], 4, 3),
        ([0.5] * 4, [[0.1] * 6, [0.6] * 6, [0.6] * 6], 4, 3),
        ([0.2] * 4, [[0.1] * 3 + [0.9] * 3] * 3, 4, 3),
    ]
    rng = np.random.default_rng(3)
    for _ in range(120):
        start, least, long = int(rng.integers(2, 6)), int(rng.integers(1, 5)), 12
        finished = [_curve(rng, long) for _ in range(int(rng.integers(0, 7)))]
        chosen.append((_curve(rng, long)[: int(rng.integers(1, 9))], finished, start, least))
    for said, finished, start, least in chosen:
        result = call(list(said), [list(one) for one in finished], start, least)
        expect.returned(result, "True or False")
        if not isinstance(result, bool | np.bool_ | int):
            raise Fail(f"{type(result).__name__}: `{result}`"[:80], "True or False", "return the outcome of the comparison")  # fmt: skip
        want = _median_rule(said, finished, start, least)
        causes = {cause: _word(value) for cause, value in _mistakes_of_the_rule(said, finished, start, least).items()}
        asked = f" for said={said}, finished={finished}, start_step={start}, at_least={least}"
        yield Case(_word(result), _word(want), causes, asked)


def _curve(rng: np.random.Generator, length: int) -> list[float]:
    """Return what a trial might say: it rises from somewhere to somewhere, and shakes."""
    low, high = sorted(float(one) for one in rng.uniform(0.1, 0.8, 2))
    rise = 1 - np.exp(-np.arange(length) / rng.uniform(1, 5))
    return [round(float(one), 2) for one in low + (high - low) * rise + rng.normal(0, 0.06, length)]


def _word(ends: Any) -> set[str]:
    return {"end it"} if ends else {"let it go on"}


@functools.lru_cache(maxsize=8)
def rehearsed(low: float, start: int | None, seed: int) -> dict[int, list[float]]:
    """Return what each of twelve random trials says: rates from `low` to 1, the median rule from `start` on (None: without)."""
    from labsupport.dl.space import Range, Real, Whole
    from labsupport.workflows.experiments_plan import Plan
    from labsupport.workflows.experiments_rehearsal import rehearse

    stop = None if start is None else {"start_step": start, "min_trials_required": 3}
    space: dict[str, Range] = {"learning_rate": Real(low, 1, log=True), "batch_size": Whole(16, 128, log=True)}
    plan = Plan(
        metric="accuracy", maximize=True, strategy="latest", goal=None, algorithm="random",
        settings={"random_state": seed}, stop=stop, parallel=3, most=12, failures=12, space=space, references={}, job={}, retain=True,
    )  # fmt: skip
    trials = rehearse(plan, lambda settings: iter(_said(settings["learning_rate"], settings["batch_size"], seed)))
    return {number: trial.said for number, trial in enumerate(trials)}


@functools.lru_cache(maxsize=64)
def _said(rate: float, batch: int, seed: int) -> tuple[float, ...]:
    from threadpoolctl import threadpool_limits

    from labsupport.dl.trials import Model
    from labsupport.workflows.experiments_trial import learn

    # So small a network is slower with threads, and they would be in each other's way.
    with threadpool_limits(1):
        return tuple(value for _, value in learn(Model(rate, batch, (64,)), seed))

"""An Experiment without a cluster: the same plan, search and rules, on a clock that counts reports. For trials by the hundred."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from labsupport.dl.space import Settings
from labsupport.workflows.experiments_metrics import value
from labsupport.workflows.experiments_plan import ENDED, Plan, to_start, verdict
from labsupport.workflows.experiments_search import suggest
from labsupport.workflows.experiments_stop import bar, stops_at


@dataclass
class Rehearsed:
    """One trial: its settings, the bar that it had to reach (None without one), what it said, and how it ended."""

    settings: Settings
    bar: float | None
    said: list[float] = field(default_factory=list)
    state: str = "Running"


def rehearse(plan: Plan, trainer: Callable[[Settings], Iterator[float]]) -> list[Rehearsed]:
    """Run a plan to its end and return its trials, in the order in which they began.

    `trainer` yields what a trial with these settings says, report by report; a ValueError is a crash. All trials that run
    say one value at each tick of the clock.
    """
    trials: list[Rehearsed] = []
    voices: dict[int, Iterator[float]] = {}

    def judged(trial: Rehearsed) -> float | None:
        return value(trial.said, plan.strategy) if trial.state != "Failed" else None

    while True:
        values = [found for one in trials if one.state in ("Succeeded", "EarlyStopped") and (found := judged(one)) is not None]  # fmt: skip
        best = (max if plan.maximize else min)(values, default=None)
        states = [trial.state for trial in trials]
        if verdict(plan, states, best):
            return trials
        for _ in range(to_start(plan, states)):
            told = [(one.settings, judged(one)) for one in trials]
            settings = suggest(plan.algorithm, plan.space, len(trials), told, plan.maximize, **plan.settings)
            finished = [one.said for one in trials if one.state == "Succeeded"]
            trials.append(Rehearsed(settings, bar(finished, **plan.stop) if plan.stop is not None else None))
            voices[len(trials) - 1] = trainer(settings)
        for number, trial in enumerate(trials):
            if trial.state not in ENDED:
                _tick(plan, trial, voices[number])


def _tick(plan: Plan, trial: Rehearsed, voice: Iterator[float]) -> None:
    try:
        trial.said.append(next(voice))
    except StopIteration:
        trial.state = "Succeeded" if trial.said else "MetricsUnavailable"
    except ValueError:
        trial.state = "Failed"
    else:
        first = (plan.stop or {}).get("start_step", 4)
        if trial.bar is not None and stops_at(trial.said, trial.bar, first, plan.maximize):
            trial.state = "EarlyStopped"

"""Optuna behind the same two questions: its sampler says where to try, its pruner who goes on."""

import math
from collections import deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from labsupport.dl.search import Job, Search
from labsupport.dl.space import OneOf, Range, Real, Settings, Whole

if TYPE_CHECKING:
    import optuna


def distributions(space: Mapping[str, Range]) -> dict[str, Any]:
    """Return a space in Optuna's words."""
    from optuna import distributions as words

    found: dict[str, Any] = {}
    for name, one in space.items():
        match one:
            case Real():
                found[name] = words.FloatDistribution(one.low, one.high, log=one.log)
            case Whole():
                found[name] = words.IntDistribution(one.low, one.high, log=one.log)
            case OneOf():
                found[name] = words.CategoricalDistribution(one.values)
            case _:
                raise ValueError(f"Optuna has no word for {name}: {one}")
    return found


class OptunaSearch(Search):
    """A study that is asked for new trials, told each look, and asked whether to prune; who is not pruned goes on at once.

    It never ends.
    """

    def __init__(self, study: "optuna.Study", space: Mapping[str, Range], looks: Iterable[int] = (1, 3, 9, 27)) -> None:
        super().__init__(space, looks, 0)
        self.study = study
        self._words = distributions(space)
        self._trials: list[optuna.Trial] = []
        self._going_on: deque[tuple[int, int]] = deque()

    def tell(self, job: Job, value: float) -> None:
        """Report a look to the study, which finishes, prunes or goes on."""
        from optuna.trial import TrialState

        super().tell(job, value)
        trial = self._trials[job.trial]
        if value != value:
            self.study.tell(trial, state=TrialState.FAIL)
            return
        trial.report(value, job.epochs)
        if job.rung == len(self.looks) - 1:
            self.study.tell(trial, value)
        elif trial.should_prune():
            self.study.tell(trial, state=TrialState.PRUNED)
        else:
            self._going_on.append((job.trial, job.rung + 1))

    def _next(self) -> tuple[int, int] | None:
        if self._going_on:
            return self._going_on.popleft()
        self._trials.append(self.study.ask(self._words))
        return self._new(self._trials[-1].params)


def study_of(
    space: Mapping[str, Range], trials: Iterable[tuple[Settings, float]], logarithms: bool = True
) -> "optuna.Study":
    """Return a study that holds finished trials, each its settings and its value (more is better), for Optuna to look at.

    With `logarithms` a setting that is drawn on a log scale is told as its log10: Optuna's fANOVA weighs a range evenly as it stands,
    whatever its distribution says (`transform_log=False`), and so would look nearly only at the last tenfold.
    """
    import optuna

    study = optuna.create_study(direction="maximize")
    logged = {name for name, one in space.items() if logarithms and isinstance(one, Real | Whole) and one.log}
    told = {name: _logarithm_of(one) if name in logged else one for name, one in space.items()}
    words = distributions(told)
    for settings, value in trials:
        params = {name: math.log10(one) if name in logged else one for name, one in settings.items()}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=words, value=value))
    return study


def _logarithm_of(one: Any) -> Real:
    return Real(math.log10(one.low), math.log10(one.high))

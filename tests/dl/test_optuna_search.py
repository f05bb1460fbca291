"""Optuna behind `ask` and `tell`: its pruner decides, its study knows what became of each trial."""

import math

import optuna
import pytest
from optuna.trial import TrialState

from labsupport.dl.optuna_search import OptunaSearch, distributions, study_of
from labsupport.dl.search import Job
from labsupport.dl.space import OneOf, Range, Real, Whole

SPACE: dict[str, Range] = {"rate": Real(0.001, 1, log=True), "layers": Whole(1, 3), "kind": OneOf(["a", "b"])}


@pytest.fixture(autouse=True)
def quiet():
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def asked(search: OptunaSearch) -> Job:
    job = search.ask()
    assert job is not None
    return job


def searching(pruner: optuna.pruners.BasePruner) -> OptunaSearch:
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0), pruner=pruner)
    return OptunaSearch(study, SPACE, (1, 3, 9))


def test_who_is_not_pruned_goes_on_to_the_end() -> None:
    search = searching(optuna.pruners.NopPruner())
    jobs = []
    for _ in range(6):
        job = asked(search)
        search.tell(job, 0.5)
        jobs.append((job.trial, job.trained, job.epochs))
    assert jobs == [(0, 0, 1), (0, 1, 3), (0, 3, 9), (1, 0, 1), (1, 1, 3), (1, 3, 9)]
    assert [each.state for each in search.study.trials] == [TrialState.COMPLETE] * 2


def test_who_is_below_the_median_is_pruned() -> None:
    search = searching(optuna.pruners.MedianPruner(n_startup_trials=2))
    for trial, value in enumerate((0.6, 0.7, 0.1)):
        while True:
            job = asked(search)
            search.tell(job, value)
            if job.epochs == 9 or trial == 2:
                break
    last = search.study.trials[2]
    assert last.state is TrialState.PRUNED and last.intermediate_values == {1: 0.1}
    assert asked(search).trial == 3


def test_a_failed_trial_is_told_as_failed() -> None:
    search = searching(optuna.pruners.NopPruner())
    search.tell(asked(search), math.nan)
    assert search.study.trials[0].state is TrialState.FAIL and asked(search).trial == 1


def test_a_space_keeps_its_bounds_and_scales_in_optunas_words() -> None:
    words = distributions(SPACE)
    assert (words["rate"].low, words["rate"].high, words["rate"].log) == (0.001, 1, True)
    assert (words["layers"].low, words["layers"].high) == (1, 3) and words["kind"].choices == ("a", "b")
    with pytest.raises(ValueError, match="no word for x"):
        distributions({"x": "0 to 1"})  # type: ignore[dict-item]


def test_importance_counts_factors_of_what_is_drawn_by_factors() -> None:
    # Nine tenths of the plain range are level: there only the layers matter.
    rates = [10 ** (-3 + 3 * n / 59) for n in range(60)]
    told = [
        ({"rate": r, "layers": 1 + n % 3, "kind": "a"}, min(math.log10(r), -1) + 0.3 * (n % 3))
        for n, r in enumerate(rates)
    ]
    first = {
        logarithms: max(
            optuna.importance.get_param_importances(
                study_of(SPACE, told, logarithms), evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0)
            ).items(),
            key=lambda item: item[1],
        )[0]
        for logarithms in (False, True)
    }
    assert first == {False: "layers", True: "rate"}


def test_a_study_holds_logarithms_only_where_factors_count() -> None:
    told = [({"rate": 0.01, "layers": 3, "kind": "b"}, 0.5)]
    (trial,) = study_of(SPACE, told).trials
    assert trial.params == {"rate": -2, "layers": 3, "kind": "b"} and trial.value == 0.5
    assert trial.distributions["rate"] == optuna.distributions.FloatDistribution(-3, 0)
    assert study_of(SPACE, told, logarithms=False).trials[0].params == told[0][0]


def test_importance_finds_the_setting_that_decides() -> None:
    told = [({"rate": 0.001 * 1.2**n, "layers": 1 + n % 3, "kind": "ab"[n % 2]}, float(n)) for n in range(36)]
    found = optuna.importance.get_param_importances(
        study_of(SPACE, told), evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0)
    )
    assert max(found, key=lambda name: found[name]) == "rate" and found["rate"] > 0.8

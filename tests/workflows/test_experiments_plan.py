"""A plan is read from an Experiment word by word, and what nobody would obey is refused with the field's name."""

import copy
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from labsupport import paths
from labsupport.dl.space import OneOf, Real, Whole
from labsupport.workflows import experiments_search as search
from labsupport.workflows.experiments_plan import ENDED, FAILED, Plan, Refused, to_start, verdict

FOLDER = paths.course_root() / "manifests" / "607"
RANDOM = yaml.safe_load((FOLDER / "random.yaml").read_text())


def changed(**parts: Any) -> dict[str, Any]:
    experiment = copy.deepcopy(RANDOM)
    experiment["spec"] |= parts
    return experiment


def within(part: str, **parts: Any) -> dict[str, Any]:
    return changed(**{part: RANDOM["spec"][part] | parts})


def test_the_labs_own_experiment_is_read() -> None:
    plan = Plan.of(RANDOM)
    assert (plan.metric, plan.maximize, plan.strategy, plan.goal) == ("accuracy", True, "latest", None)
    assert (plan.parallel, plan.most, plan.failures, plan.retain) == (3, 12, 3, True)
    assert plan.space == {"learning_rate": Real(0.001, 1, log=True), "batch_size": Whole(16, 128, log=True)}
    assert plan.references == {"rate": "learning_rate", "batch": "batch_size"}


def test_what_katib_leaves_out_is_katibs_default() -> None:
    experiment = within("objective", metricStrategies=[])
    for name in ("parallelTrialCount", "maxFailedTrialCount"):
        del experiment["spec"][name]
    plan = Plan.of(experiment)
    assert (plan.strategy, plan.parallel, plan.failures) == ("max", 3, 12)
    assert Plan.of(within("objective", metricStrategies=[], type="minimize")).strategy == "min"


def test_a_choice_is_one_of_its_list() -> None:
    parameter = {"name": "learning_rate", "parameterType": "categorical", "feasibleSpace": {"list": ["0.1", "0.3"]}}
    plan = Plan.of(changed(parameters=[parameter, RANDOM["spec"]["parameters"][1]]))
    assert plan.space["learning_rate"] == OneOf(("0.1", "0.3"))


def test_the_numbers_of_a_choice_are_the_texts_that_its_trials_keep() -> None:
    parameter = {"name": "learning_rate", "parameterType": "categorical", "feasibleSpace": {"list": [0.1, 1.0]}}
    plan = Plan.of(changed(parameters=[parameter, RANDOM["spec"]["parameters"][1]]))
    assert plan.space["learning_rate"] == OneOf(("0.1", "1.0"))
    for share in (0.0, 0.9):
        settings = {name: one.at(share) for name, one in plan.space.items()}
        assert search.read(search.written(settings), plan.space) == settings


BATCH = RANDOM["spec"]["parameters"][1]


def rate(**space: Any) -> dict[str, Any]:
    return changed(parameters=[{"name": "learning_rate", "parameterType": "double", "feasibleSpace": space}, BATCH])


def setting(part: str, algorithm: str, name: str, value: Any) -> dict[str, Any]:
    return changed(**{part: {"algorithmName": algorithm, "algorithmSettings": [{"name": name, "value": value}]}})


@pytest.mark.parametrize(
    ("experiment", "words"),
    [
        (yaml.safe_load((FOLDER / "broken" / "handout.yaml").read_text()), "spec.trialTemplate: must be specified"),
        (changed(resumePolicy="Never"), "spec.resumePolicy: not known"),
        (changed(nasConfig={}), "spec.nasConfig: not known"),
        (changed(objective={}), "spec.objective: must be specified"),
        (within("objective", type="highest"), "'highest' is not known here; known are maximize, minimize"),
        (within("objective", objectiveMetricName=""), "objectiveMetricName: must be specified"),
        (within("objective", additionalMetricNames=["loss"]), "spec.objective.additionalMetricNames: not known"),
        (within("objective", metricStrategies=[{"name": "accuracy", "value": "mean"}]), "'mean' is not known"),
        (within("algorithm", algorithmName="hyperband"), "'hyperband' is not known here"),
        (within("algorithm", algorithmSettings=[{"name": "gamma", "value": "1"}]), "'gamma' is not known"),
        (changed(earlyStopping={"algorithmName": "asha"}), "spec.earlyStopping.algorithmName: 'asha'"),
        (changed(metricsCollectorSpec={"collector": {"kind": "File"}}), "'File' is not known here; known is StdOut"),
        (changed(parameters=[]), "there is nothing to search"),
        (changed(maxTrialCount=None), "spec.maxTrialCount: must be a whole number from 1; it is None"),
        (changed(parallelTrialCount="3"), "spec.parallelTrialCount: must be a whole number"),
        (changed(parallelTrialCount=13), "at most maxTrialCount"),
        (changed(maxFailedTrialCount=-1), "spec.maxFailedTrialCount: must be a whole number from 0"),
        (rate(min="0.1", max="0.01"), "spec.parameters[learning_rate].feasibleSpace: low is at most high"),
        (rate(min="0", max="1", distribution="logUniform"), "above 0 where the scale is log"),
        (rate(min="0.1"), "feasibleSpace: 'max'"),
        (rate(min=None, max="1"), "spec.parameters[learning_rate].feasibleSpace:"),
        (rate(min="0.1", max="inf"), "feasibleSpace: a bound is a number; got 'inf'"),
        (setting("algorithm", "random", "random_state", "ten"), "spec.algorithm.algorithmSettings[random_state]: must be a whole number from 0; it is 'ten'"),
        (setting("algorithm", "multivariate-tpe", "n_startup_trials", "4.0"), "must be a whole number from 1; it is '4.0'"),
        (setting("earlyStopping", "medianstop", "start_step", "0"), "algorithmSettings[start_step]: must be a whole number from 1; it is '0'"),
        (setting("earlyStopping", "medianstop", "min_trials_required", None), "must be a whole number from 1"),
        (within("objective", goal="high"), "spec.objective.goal: must be a number; it is 'high'"),
        (within("objective", metricStrategies=[{"value": "max"}]), "spec: a part of it is not as it must be"),
        (within("trialTemplate", trialParameters=[{"name": "rate"}]), "spec.trialTemplate.trialParameters.reference: must be specified"),
        (changed(parameters=["learning_rate"]), "spec: a part of it is not as it must be"),
        (rate(min="0.1", max="1", step="0.1"), "feasibleSpace.step: not known"),
        (rate(min="0.1", max="1", distribution="normal"), "'normal' is not known here; known are uniform, logUniform"),
        (within("trialTemplate", trialSpec={"kind": "Pod"}), "must be a Job of batch/v1"),
        (within("trialTemplate", trialParameters=[{"name": "rate", "reference": "learning_rate"}]), "no reference to batch_size"),
        (within("trialTemplate", trialParameters=[*RANDOM["spec"]["trialTemplate"]["trialParameters"], {"name": "x", "reference": "width"}]), "width is no name in spec.parameters"),
        (within("trialTemplate", trialParameters=[*RANDOM["spec"]["trialTemplate"]["trialParameters"], {"name": "x", "reference": "batch_size"}]), "nowhere says ${trialParameters.x}"),
    ],
)  # fmt: skip
def test_what_can_not_be_done_is_refused_by_the_fields_name(experiment: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as refusal:
        Plan.of(experiment)
    assert words in str(refusal.value)


STATES = st.lists(st.sampled_from(["", "Running", *ENDED]), max_size=15)


@given(STATES, st.integers(1, 5), st.integers(5, 15))
def test_never_too_many_are_started_and_never_too_few(states: list[str], parallel: int, most: int) -> None:
    plan = Plan.of(changed(parallelTrialCount=parallel, maxTrialCount=most, maxFailedTrialCount=most))
    more = to_start(plan, states)
    running = sum(state not in ENDED for state in states)
    assert more >= 0
    if more:
        assert running + more <= parallel and len(states) + more <= most
        assert running + more == parallel or len(states) + more == most
    else:
        assert running >= parallel or len(states) >= most


def test_a_search_is_over_at_its_goal_its_failures_or_its_end() -> None:
    plan = Plan.of(within("objective", goal=0.8))
    assert verdict(plan, [], None) is None
    assert verdict(plan, ["Succeeded"] * 11, 0.79) is None
    assert verdict(plan, ["Succeeded"] * 12, 0.79) == ("Succeeded", "all 12 trials are over")
    assert verdict(plan, ["Succeeded", "Running"], 0.8) == ("Succeeded", "the goal 0.8 is reached")
    ended = verdict(plan, ["Failed", "MetricsUnavailable", "Failed", "Running"], 0.5)
    assert ended is not None and ended[0] == "Failed" and "3 trials have failed" in ended[1]
    assert verdict(plan, [*FAILED, "Running"], 0.5) is None
    goal_first = verdict(plan, ["Failed"] * 3, 0.9)
    assert goal_first is not None and goal_first[0] == "Succeeded"


def test_without_a_failure_nothing_has_failed_even_if_none_is_allowed() -> None:
    assert verdict(Plan.of(changed(maxFailedTrialCount=0)), ["Succeeded"], 0.5) is None


def test_a_goal_that_is_to_be_minimized_is_reached_from_above() -> None:
    plan = Plan.of(within("objective", type="minimize", goal=0.2))
    assert verdict(plan, ["Succeeded"], 0.3) is None
    assert verdict(plan, ["Succeeded"], 0.1) is not None

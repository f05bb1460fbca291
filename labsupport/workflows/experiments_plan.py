"""What an Experiment asks for, as far as our controller can do it. It refuses all other fields: a wish that nobody reads misleads."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from labsupport.dl.space import OneOf, Range, Real, Whole

Object = dict[str, Any]

FAILED = ("Failed", "MetricsUnavailable")
ENDED = ("Succeeded", "EarlyStopped", "Killed", *FAILED)
"""States of a trial that is over; one that is not is Running."""
# The whole numbers that each takes, with the least one.
_SETTINGS = {"random": {"random_state": 0}, "multivariate-tpe": {"random_state": 0, "n_startup_trials": 1}}
_STOPS = {"medianstop": {"min_trials_required": 1, "start_step": 1}}


class Refused(Exception):
    """The controller can't do what an Experiment asks for; the text names the field, and what is taken there."""


@dataclass(frozen=True)
class Plan:
    """An Experiment that was accepted. Counts are trials; `goal` is in the metric's unit, None without one."""

    metric: str
    maximize: bool
    strategy: str
    goal: float | None
    algorithm: str
    settings: Mapping[str, int]
    stop: Mapping[str, int] | None
    parallel: int
    most: int
    failures: int
    space: Mapping[str, Range]
    references: Mapping[str, str]
    """The name of the parameter behind each `${trialParameters.NAME}` of the trial's Job."""
    job: Object
    retain: bool

    @classmethod
    def of(cls, experiment: Object) -> Self:
        """Read an Experiment; raises Refused, with a sentence, for what is missing, unknown or contradicts itself."""
        try:
            plan = cls._read(experiment)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Refused(f"spec: a part of it is not as it must be ({type(error).__name__}: {error})") from None
        plan._require()
        return plan

    @classmethod
    def _read(cls, experiment: Object) -> Self:
        spec = experiment.get("spec") or {}
        _only(spec, "spec", ("objective", "algorithm", "earlyStopping", "parallelTrialCount", "maxTrialCount", "maxFailedTrialCount", "parameters", "trialTemplate", "metricsCollectorSpec"))  # fmt: skip
        if "trialTemplate" not in spec:
            raise Refused("spec.trialTemplate: must be specified; nothing says which program a trial runs")
        objective = _part(spec, "objective", ("type", "goal", "objectiveMetricName", "metricStrategies"))
        template = _part(spec, "trialTemplate", ("primaryContainerName", "trialParameters", "trialSpec", "retain"))
        _collector(spec)
        algorithm, settings = _algorithm(spec, "algorithm", _SETTINGS)
        stop = _algorithm(spec, "earlyStopping", _STOPS)[1] if "earlyStopping" in spec else None
        space = {_need(one, "name", "spec.parameters"): _range(one) for one in spec.get("parameters") or []}
        if not space:
            raise Refused("spec.parameters: must be specified; there is nothing to search")
        most = _count(spec, "maxTrialCount", None, 1)
        return cls(
            metric=_need(objective, "objectiveMetricName", "spec.objective"),
            maximize=_one_of(objective, "type", "spec.objective", ("maximize", "minimize")) == "maximize",
            strategy=_strategy(objective),
            goal=_goal(objective),
            algorithm=algorithm,
            settings=settings,
            stop=stop,
            parallel=_count(spec, "parallelTrialCount", 3, 1),
            most=most,
            failures=_count(spec, "maxFailedTrialCount", most, 0),
            space=space,
            references=_references(template),
            job=template.get("trialSpec") or {},
            retain=bool(template.get("retain")),
        )

    def _require(self) -> None:
        if self.parallel > self.most or self.failures > self.most:
            raise Refused("spec: parallelTrialCount and maxFailedTrialCount are at most maxTrialCount")
        if (self.job.get("apiVersion"), self.job.get("kind")) != ("batch/v1", "Job"):
            raise Refused("spec.trialTemplate.trialSpec: must be a Job of batch/v1 here")
        if unknown := sorted(set(self.references.values()) - set(self.space)):
            raise Refused(f"spec.trialTemplate.trialParameters: {unknown[0]} is no name in spec.parameters")
        if unused := sorted(set(self.space) - set(self.references.values())):
            raise Refused(f"spec.trialTemplate.trialParameters: no reference to {unused[0]}, so no trial would read it")
        if unread := [name for name in self.references if f"${{trialParameters.{name}}}" not in str(self.job)]:
            raise Refused(f"spec.trialTemplate.trialSpec: nowhere says ${{trialParameters.{unread[0]}}}")

    def better(self, one: float, other: float) -> bool:
        """Tell whether one value of the metric beats another."""
        return one > other if self.maximize else one < other


def to_start(plan: Plan, states: Collection[str]) -> int:
    """Return how many trials to start now, for the states of all trials so far: as many as may run, and none too many."""
    running = sum(state not in ENDED for state in states)
    return max(0, min(plan.parallel - running, plan.most - len(states)))


def verdict(plan: Plan, states: Iterable[str], best: float | None) -> tuple[str, str] | None:
    """Return (Succeeded or Failed, a sentence) for an Experiment that is over, None for one that goes on.

    `best`: the best value of the metric so far. The order matters: a goal that is reached outweighs failures, as in Katib.
    """
    count = Counter(states)
    failed = sum(count[state] for state in FAILED)
    if best is not None and plan.goal is not None and (best == plan.goal or plan.better(best, plan.goal)):
        return "Succeeded", f"the goal {plan.goal:g} is reached"
    if failed and failed >= plan.failures:
        return "Failed", f"{failed} trials have failed, and maxFailedTrialCount is {plan.failures}"
    if sum(count[state] for state in ENDED) >= plan.most:
        return "Succeeded", f"all {plan.most} trials are over"
    return None


def _only(part: Object, path: str, known: Iterable[str]) -> None:
    if unknown := sorted(set(part) - set(known)):
        raise Refused(f"{path}.{unknown[0]}: not known here; known are {', '.join(known)}")


def _part(spec: Object, name: str, known: Iterable[str]) -> Object:
    part: Object = spec.get(name) or {}
    if not part:
        raise Refused(f"spec.{name}: must be specified")
    _only(part, f"spec.{name}", known)
    return part


def _need(part: Object, name: str, path: str) -> str:
    if not part.get(name):
        raise Refused(f"{path}.{name}: must be specified")
    return str(part[name])


def _one_of(part: Object, name: str, path: str, known: Collection[str]) -> str:
    if part.get(name) not in known:
        raise Refused(f"{path}.{name}: {part.get(name)!r} is not known here; known are {', '.join(known)}")
    return str(part[name])


def _count(spec: Object, name: str, otherwise: int | None, least: int) -> int:
    found = spec.get(name, otherwise)
    if isinstance(found, bool) or not isinstance(found, int) or found < least:
        raise Refused(f"spec.{name}: must be a whole number from {least}; it is {found!r}")
    return found


def _goal(objective: Object) -> float | None:
    try:
        return None if objective.get("goal") is None else float(objective["goal"])
    except (TypeError, ValueError):
        raise Refused(f"spec.objective.goal: must be a number; it is {objective['goal']!r}") from None


def _references(template: Object) -> dict[str, str]:
    path = "spec.trialTemplate.trialParameters"
    return {_need(one, "name", path): _need(one, "reference", path) for one in template.get("trialParameters") or []}


def _algorithm(spec: Object, part: str, known: Mapping[str, Mapping[str, int]]) -> tuple[str, dict[str, int]]:
    chosen = _part(spec, part, ("algorithmName", "algorithmSettings"))
    name = _one_of(chosen, "algorithmName", f"spec.{part}", known)
    settings = {}
    for one in chosen.get("algorithmSettings") or []:
        which, text = _one_of(one, "name", f"spec.{part}.algorithmSettings", known[name]), str(one.get("value"))
        # Katib has texts here.
        if not text.isdecimal() or int(text) < known[name][which]:
            raise Refused(f"spec.{part}.algorithmSettings[{which}]: must be a whole number from {known[name][which]}; it is {text!r}")  # fmt: skip
        settings[which] = int(text)
    return name, settings


def _strategy(objective: Object) -> str:
    given = {one["name"]: one["value"] for one in objective.get("metricStrategies") or []}
    # Katib's own default: the best value that a trial has said at any time.
    usual = "max" if objective.get("type") == "maximize" else "min"
    chosen = given.get(objective.get("objectiveMetricName"), usual)
    return _one_of({"value": chosen}, "value", "spec.objective.metricStrategies", ("latest", "max", "min"))


def _collector(spec: Object) -> None:
    kind = (spec.get("metricsCollectorSpec") or {}).get("collector", {}).get("kind", "StdOut")
    if kind != "StdOut":
        raise Refused(f"spec.metricsCollectorSpec.collector.kind: {kind!r} is not known here; known is StdOut")


def _range(parameter: Object) -> Range:
    path = f"spec.parameters[{parameter['name']}]"
    _only(parameter, path, ("name", "parameterType", "feasibleSpace"))
    kind = _one_of(parameter, "parameterType", path, ("double", "int", "categorical"))
    space = parameter.get("feasibleSpace") or {}
    _only(space, f"{path}.feasibleSpace", ("list",) if kind == "categorical" else ("min", "max", "distribution"))
    scale = _one_of({"distribution": "uniform"} | space, "distribution", path, ("uniform", "logUniform"))
    log = scale == "logUniform"
    try:
        match kind:
            case "double":
                return Real(_number(space["min"]), _number(space["max"]), log)
            case "int":
                return Whole(int(space["min"]), int(space["max"]), log)
        # A trial keeps its settings as texts; a number of YAML would not be found again.
        return OneOf(tuple(str(one) for one in space["list"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(f"{path}.feasibleSpace: {error}") from None


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"a bound is a number; got {value!r}")
    return number

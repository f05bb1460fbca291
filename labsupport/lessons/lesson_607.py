"""Lesson 607, tuning on the cluster: checks on two rules of the controller, and on snapshots of two Experiments."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from labsupport.cluster import look
from labsupport.cluster.quantities import quantity
from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.explain import explain_all
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, FinalFail, NotAttempted
from labsupport.exercises.refute import Measured, OutsideRules, whole_number
from labsupport.lessons.cases import searches_607

Object = dict[str, Any]
exercises = Exercises("607")


@exercises.check(
    "1",
    "How many trials to start",
    hints=(
        "Three limits: places that are free, trials that are left, failures. The smallest decides.",
        "Free places: `parallel` minus the trials that are not over. Left: `most` minus all trials that there are.",
        "`max(0, min(free, left))`, and 0 when the failures have reached their limit.",
    ),
    minutes=8,
)
def start_now(answer: Guarded) -> str:
    """Ask for many moments of a search, drawn and chosen, so that each forgotten limit shows."""
    call = expect.function(answer)
    explain_all(searches_607.moments(call), "which of the three limits decides at this moment?")
    return "Never too many, never too few, and nothing any more once too many have failed."


@exercises.check(
    "2",
    "A tutorial's Experiment that runs",
    hints=(
        'Each trialParameter joins a name in the Job to a parameter: `{"name": "rate", "reference": "learning_rate"}`.',
        "min and max are texts. From 0.001 to 1, and which distribution makes each tenfold as likely? (307 called it a log scale.)",
        '`{"min": "0.001", "max": "1", "distribution": "logUniform"}` for learning_rate; batch_size as in the tutorial.',
    ),
    minutes=9,
    look=look,
)
def tutorial_repaired(snapshot: Any) -> str:
    """Look at the tutorial's Experiment: who refused it, its references, its space, and whether its trials get somewhere."""
    experiment = snapshot.get("Experiment", "hyperparameter-tuning")
    if experiment is None:
        said = "There is no Experiment `hyperparameter-tuning`: if you have stored one, the API server refused it, and the cell above says why."
        raise NotAttempted(said)
    spec = experiment["spec"]
    if "trialTemplate" not in spec:
        raise NotAttempted("The Experiment has no trialTemplate yet.")
    _not_refused(experiment)
    references = {one["name"]: one["reference"] for one in spec["trialTemplate"].get("trialParameters") or []}
    words = " ".join(_container(spec).get("command") or [])
    for option, parameter in (("rate", "learning_rate"), ("batch", "batch_size")):
        found = re.search(rf"--{option}[= ]\$\{{trialParameters\.([\w-]+)\}}", words)
        joined = references.get(found[1]) if found else None
        if joined != parameter:
            cause = f"the program would train with --{option} taken from {joined or 'nothing'}: the name is the Job's, the reference is the parameter's"
            raise FinalFail(f"--{option} from {joined}", f"--{option} from {parameter}", cause)
    _space_of_the_tutorial({one["name"]: one for one in spec["parameters"]})
    states = [_state(trial) for trial in _trials(snapshot, "hyperparameter-tuning")]
    if "Succeeded" not in states:
        failed = [
            trial for trial in _trials(snapshot, "hyperparameter-tuning") if _state(trial) in searches_607.FAILURES
        ]
        if failed:
            raise Fail(f"trials that failed: {_message(failed[0])}", "a trial that succeeds", question="what do `kubectl describe trial` and its log say?")  # fmt: skip
        raise Fail(f"{len(states)} trials, none over", "a trial that succeeded", "trials take some seconds: wait, then check again")  # fmt: skip
    return "Accepted at the door and by the controller, and its trials run with what it draws."


def _space_of_the_tutorial(parameters: Mapping[str, Object]) -> None:
    for name in ("learning_rate", "batch_size"):
        if name not in parameters:
            raise FinalFail(f"no parameter `{name}`", "learning_rate and batch_size", "the tutorial's program takes both: nothing draws this one")  # fmt: skip
    if (kind := parameters["learning_rate"].get("parameterType")) != "double":
        cause = "any rate between two ends is to be drawn, with all its digits behind the point"
        raise FinalFail(f"a rate of the type {kind}", "parameterType double", cause)
    rate = parameters["learning_rate"].get("feasibleSpace") or {}
    low, high = float(rate["min"]), float(rate["max"])
    if low > 0.001:
        cause = "the tutorial's own rate 0.001 lies outside: no search looks beyond its range"
        raise FinalFail(f"rates from {low:g}", "from 0.001 or below", cause)
    if high < 1:
        cause = "good rates lay above: see the picture of the first twelve trials"
        raise FinalFail(f"rates up to {high:g}", "up to 1", cause)
    if low < 1e-6 or high > 10:
        raise FinalFail(f"rates from {low:g} to {high:g}", "about 0.001 to 1", "a few trials are spread over that much: most would be hopeless")  # fmt: skip
    if rate.get("distribution") != "logUniform":
        above = (high - 0.1) / (high - low)
        cause = f"on this scale {above:.0%} of the trials have a rate above 0.1: each tenfold is to be as likely, so logUniform"
        raise FinalFail(f"distribution {rate.get('distribution', 'uniform')}", "logUniform", cause)
    batch = parameters["batch_size"]
    sizes = batch.get("feasibleSpace") or {}
    if batch.get("parameterType") != "int" or [sizes.get(end) for end in ("min", "max")] != ["16", "128"]:
        raise FinalFail(f"batch_size {sizes}", "whole numbers from 16 to 128", "the rest of the tutorial stays as it is")  # fmt: skip


@exercises.check(
    "3",
    "Who is hopeless",
    hints=(
        "Two questions come first: has it said enough, and have enough others finished?",
        "The bar: `np.median([np.mean(values[:start_step]) for values in finished])`.",
        "Its best value yet, `max(said)`, against the bar; on the bar it goes on.",
    ),
    minutes=8,
)
def is_hopeless(answer: Guarded) -> str:
    """Ask about many trials, drawn and chosen, in which each usual mistake decides otherwise at least once."""
    call = expect.function(answer)
    explain_all(
        searches_607.trials_to_judge(call),
        "what is its best value yet, what is the bar, and may the rule speak already?",
    )
    return "It waits for enough values and enough rivals, and one bad epoch is no reason."


FITS = 15_000


@exercises.check(
    "4",
    "An Experiment whose trials fit",
    hints=(
        "Which of the three knobs changes what a trial needs, which what it may have, and which only who is told?",
        "Everything up to `max` will be drawn some time. How wide is a network that takes the limit's memory?",
        'With `"192Mi"`, `max` 16000 fits. Or keep 131072 and give 640Mi: four of them at once are 2.5 GB. The failures stay at 3.',
    ),
    minutes=7,
    look=look,
)
def trials_that_fit(snapshot: Any) -> str:
    """Look at the Experiment `wide`: what was changed, whether the widest network fits its limit, and how its trials ended."""
    experiment = snapshot.get("Experiment", "wide")
    if experiment is None:
        raise NotAttempted("There is no Experiment `wide`: run the cell that stores it.")
    _not_refused(experiment)
    spec = experiment["spec"]
    widest = int(spec["parameters"][0]["feasibleSpace"]["max"])
    limit = _bytes((_container(spec).get("resources") or {}).get("limits", {}).get("memory"))
    failures = spec.get("maxFailedTrialCount")
    if (widest, limit, failures) == (131072, 192 * 2**20, 3):
        raise NotAttempted(
            "The Experiment `wide` is as your colleague left it: write your knobs, and run the cell that stores it with them."
        )
    needed = 63e6 + 3_470 * widest
    trials = _trials(snapshot, "wide")
    dead = [trial for trial in trials if _state(trial) in searches_607.FAILURES]
    seen = f"widths up to {widest}, {limit / 2**20:.0f}Mi, {failures} failures"
    if widest < FITS:
        cause = f"widths up to {FITS:,} fit into what they had: nobody looks there any more"
        raise FinalFail(seen, f"widths up to {FITS:,} or more", cause)
    if needed > 1.03 * limit:
        cause = f"a trial of width {widest} takes about {needed / 1e6:.0f} MB, and may have {limit / 1e6:.0f}: it will be killed"
        if failures is None or failures > 3:
            cause = "more failures are allowed now, and none is prevented: what dies is not measured, and the search does not say so"
        elif widest == 131072:
            cause = f"more memory, and not enough: a trial of width {widest} takes about {needed / 1e6:.0f} MB, and may have {limit / 1e6:.0f}"
        elif not dead:
            cause += ", only these eight draws had none"
        raise FinalFail(seen, "a limit that the widest network fits into", cause)
    if failures != 3:
        cause = "the trials fit, so the limit of failures needs no change: one that is too high lets a broken program die again and again"
        if failures is not None and failures < 3:
            cause = (
                "with a limit that low, one trial with bad luck (a node that goes, a disk that is full) ends the search"
            )
        raise FinalFail(seen, "3 failures, as it was", cause)
    if _state(experiment) not in ("Succeeded", "Failed"):
        raise Fail(f"{len(trials)} trials, and it is not over", "an Experiment that succeeded", "wait until it is over, then check again")  # fmt: skip
    if dead or _state(experiment) == "Failed":
        raise Fail(f"{len(dead)} trials that failed: {_message((dead or [experiment])[0])}", "none", question="which width did they have, and what does their pod's status say?")  # fmt: skip
    if spec.get("maxTrialCount") != 8:
        raise Fail(f"{spec.get('maxTrialCount')} trials", "8", "a smaller search meets fewer faults, and finds less")
    return f"All {len(trials)} trials ran to their end, and whatever will be drawn fits."


def _not_refused(experiment: Object) -> None:
    conditions = experiment.get("status", {}).get("conditions") or [{}]
    if conditions[-1].get("reason") == "Refused":
        raise Fail("an Experiment that the controller refuses", "one that it takes", f"its event says: {conditions[-1]['message']}")  # fmt: skip


def _container(spec: Object) -> Object:
    found: Object = spec["trialTemplate"]["trialSpec"]["spec"]["template"]["spec"]["containers"][0]
    return found


def _trials(snapshot: Any, experiment: str) -> list[Object]:
    return [trial for trial in snapshot.all("Trial") if trial["metadata"]["labels"]["katib.kubeflow.org/experiment"] == experiment]  # fmt: skip


def _state(item: Object) -> str:
    conditions = item.get("status", {}).get("conditions") or [{}]
    return str(conditions[-1].get("type", ""))


def _message(item: Object) -> str:
    conditions = item.get("status", {}).get("conditions") or [{}]
    return str(conditions[-1].get("message", ""))[:120]


def _bytes(text: Any) -> float:
    try:
        return quantity(text)
    except ValueError:
        raise Fail(f"a memory limit of {text!r}", "a quantity such as 192Mi", "a number, and Mi or Gi") from None


@exercises.refute(
    "5",
    "The median rule costs nothing: what it ends would not have won",
    case="the lowest rate of the space (0.001 to 0.5), a start_step (1 to 10), and a seed (0 to 999)",
    hints=(
        "The rule compares early values. When do they say least about the last ones?",
        "Where hopeless rates are in the space, they make the bar easy. In a space of good rates the early order is chance.",
        "Judge as early as you may, in a space from 0.1 on, and try some seeds.",
    ),
    minutes=6,
)
def nothing_is_lost(case: Any) -> Measured:
    """Rehearse twelve random trials without the rule and with it; it fails when the best of the second is worse."""
    if isinstance(case, np.ndarray):
        case = case.tolist()
    if not isinstance(case, list | tuple) or len(case) != 3:
        raise OutsideRules("a case has three parts, such as (0.001, 4, 0)")
    low, start, seed = case
    if isinstance(low, bool) or not isinstance(low, int | float) or not 0.001 <= low <= 0.5:
        raise OutsideRules("the lowest rate lies between 0.001 and 0.5")
    start, seed = whole_number(start, 1, 10, "start_step"), whole_number(seed, 0, 999)
    free, ruled = searches_607.rehearsed(float(low), None, seed), searches_607.rehearsed(float(low), start, seed)
    best, left = max(said[-1] for said in free.values()), max(said[-1] for said in ruled.values() if len(said) == 27)
    winner = max(free, key=lambda number: free[number][-1])
    ended = sum(len(said) < 27 for said in ruled.values())
    numbers = f"the rule ends {ended} of 12; the best has {best:.3f} without it, {left:.3f} with it"
    if left < best:
        numbers += f": it ended the winner after {len(ruled[winner])} of 27 epochs"
    return Measured(left >= best, numbers)


exercises.guess("g1", "The search ends with its twelve trials, none of them lost and none run twice")
exercises.guess("g2", "The API server stores an Experiment whose spec is `banana: 3`")
exercises.guess("g3", "Share of all epochs that the median rule would have saved", unit="%")
exercises.guess("g4", "When trials are killed for their memory, the last line of their log says so")
exercises.quiz(
    "a",
    "A colleague may create Experiments in this namespace. She may neither create Jobs nor read Secrets. Can she get at the database password in a Secret here?",
    ("No: RBAC refuses her `get secrets`, and nothing else in Kubernetes shows what a Secret holds.", False, "It refuses *her*. What a pod mounts is decided by its Job, and who writes that Job?"),
    ("No: the controller's account has no right to read Secrets either.", False, "It needs none. It makes a Job that mounts the Secret, and the node hands the file to the pod."),
    ("Yes: her trialTemplate mounts and prints it, and the controller makes that Job.", True, "Who may make an object from which a controller makes pods may run any pod of the namespace. Grant the one as you would grant the other."),
    ("Only if the controller ran as cluster-admin, which this one does not.", False, "The right to create Jobs in this namespace is enough. Cluster-admin would add all other namespaces."),
)  # fmt: skip
exercises.quiz(
    "b",
    "48 trials for `multivariate-tpe` with the median rule, and the cluster has room for all of them. You set `parallelTrialCount: 48`. What do you get?",
    ("The same 48 trials in a fraction of the time.", False, "The same only for a search that looks at nothing. This one looks at values, and there are none yet."),
    ("A random search, with no trial ended early.", True, "All 48 begin before the first has told anything, so nothing is learnt from, and no bar is known. Fast, and neither smart nor thrifty."),
    ("A smart search whose first trials are worse, because they share the machines.", False, "There is room for all of them. What they lack is what earlier trials would have told."),
    ("Most trials are ended early, because 47 rivals make a high bar.", False, "The bar comes from trials that are *over*, and it is fixed when a trial begins. At that moment nobody is over."),
)  # fmt: skip
exercises.quiz(
    "c",
    "An Experiment leaves `metricStrategies` out, so Katib takes the largest value that a trial has ever said. Trial A says 0.70, 0.81, 0.74; trial B says 0.70, 0.76, 0.78. The program saves its network at its end. What happens?",
    ("A wins, and that is right: it has shown that it can.", False, "It could, for an epoch, on 200 pictures. The network of that epoch was not kept."),
    ("B wins, because its last value is the highest.", False, "So it would by `latest`. By the largest value, 0.81 beats 0.78."),
    ("Neither: values that fall make a trial `MetricsUnavailable`.", False, "That is a trial which never said the metric at all."),
    ("A wins, and you ship a network that says 0.74.", True, "The number that is compared must belong to the thing that is kept. Take `latest`, or let the program keep the network of its best epoch and say so."),
)  # fmt: skip
exercises.quiz(
    "d",
    "The first three Jobs are Complete, and yet the Experiment has failed: three trials `MetricsUnavailable`. The logs end with `accuracy: 0.771 (epoch 27)`. What mends it?",
    ("A higher `maxFailedTrialCount`, since the trainings went well.", False, "Then twelve trials are trained and none is judged. A search without values has no winner."),
    ("`retain: true`, so that the log is still there when the collector looks.", False, "The log is there and was read: it was just quoted."),
    ("A program that prints `accuracy=0.771`.", True, "The collector looks for NAME=NUMBER, letter for letter. A colon is for people. Nothing crashed, and nothing was said to it."),
    ("`objectiveMetricName: \"accuracy:\"`, as it is printed.", False, "A name holds no colon for the collector, and there would still be no `=`."),
)  # fmt: skip

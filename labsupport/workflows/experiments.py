"""An operator that tunes: it looks at an Experiment and its trials, compares that with what is wanted, and acts.

    kopf run --standalone --namespace=lab-607 -m labsupport.workflows.experiments

It keeps nothing in memory. All that it knows stands in the objects of the cluster, so it may die at any moment: its
successor looks, compares and acts as it would have done.
"""

import asyncio
import logging
from collections import Counter
from typing import Any, cast

import kopf

from labsupport.workflows import experiments_metrics as metrics
from labsupport.workflows import experiments_search as search
from labsupport.workflows import experiments_stop as stop
from labsupport.workflows import owners
from labsupport.workflows.experiments_objects import (
    EXPERIMENT,
    KATIB,
    Object,
    Said,
    Store,
    assignments,
    condition,
    job_of,
    now,
    reports_of,
    state_of,
    value_of,
)  # fmt: skip
from labsupport.workflows.experiments_plan import ENDED, Plan, Refused, to_start, verdict

INTERVAL_SECONDS = 0.5
_tasks: dict[str, asyncio.Task[None]] = {}


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Let kopf speak of trouble only, in events and in the log."""
    settings.posting.level = logging.WARNING
    settings.scanning.disabled = True
    for name in ("kopf", "aiohttp.access"):
        logging.getLogger(name).setLevel(logging.WARNING)


@kopf.on.event(*KATIB, "experiments")
async def seen(name: str, namespace: str | None, type: str, **_: Any) -> None:
    """Keep one task for each Experiment that was made, changed, or found at the start."""
    task = _tasks.get(name)
    if type != "DELETED" and (task is None or task.done()):
        _tasks[name] = asyncio.create_task(tend(Store.of(str(namespace)), name))


async def tend(store: Store, name: str) -> None:
    """Look, compare, act, and look again, until the Experiment is over. An API server that fails is asked again."""
    while True:
        try:
            if not await asyncio.to_thread(step, store, name):
                return
        except Exception:
            logging.exception("experiment %s: trying again", name)
        await asyncio.sleep(INTERVAL_SECONDS)


def step(store: Store, name: str) -> bool:
    """Do for an Experiment what is to be done now; return whether there will be more."""
    experiment = store.experiment(name)
    if experiment is None or state_of(experiment) == "Succeeded":
        return False
    try:
        plan = Plan.of(experiment)
    except Refused as refusal:
        return refuse(store, experiment, str(refusal))
    trials = store.trials(name)
    follow(store, plan, name, trials)
    states = [state_of(trial) for trial in trials]
    best = best_of(plan, trials)
    end = verdict(plan, states, value_of(best, plan.strategy) if best else None)
    if end is None:
        for number in range(len(trials), len(trials) + to_start(plan, states)):
            trials.append(begin(store, plan, experiment, trials, number))
        follow(store, plan, name, trials[len(states) :])
    else:
        for trial in trials:
            if state_of(trial) not in ENDED:
                store.delete_job(trial["metadata"]["name"])
                store.report("trials", trial, {"conditions": condition("Killed", "ExperimentOver", end[1])})
    store.report("experiments", experiment, status_of(plan, trials, best, end))
    return end is None


def refuse(store: Store, experiment: Object, sentence: str) -> bool:
    """Say on the Experiment, and by an event, why nothing will happen."""
    before = experiment.get("status", {}).get("conditions") or [{}]
    if before[-1].get("message") != sentence:
        kopf.warn(cast("kopf.Body", experiment), reason="Refused", message=sentence)
    store.report("experiments", experiment, {"conditions": condition("Failed", "Refused", sentence)})
    return False


def begin(store: Store, plan: Plan, experiment: Object, trials: list[Object], number: int) -> Object:
    """Store a new Trial: its settings, and the bar that it must reach. What follows trials makes its Job.

    `number`: of the trial, or a later one where that is taken: somebody may have deleted a trial before it.
    """
    number = max(number, *(1 + _number_of(trial) for trial in trials), 0)
    told = [(search.read(assignments(trial), plan.space), value_of(trial, plan.strategy)) for trial in trials]
    settings = search.suggest(plan.algorithm, plan.space, number, told, plan.maximize, **plan.settings)
    name = experiment["metadata"]["name"]
    spec: Object = {"parameterAssignments": [{"name": one, "value": text} for one, text in search.written(settings).items()]}  # fmt: skip
    if plan.stop is not None:
        finished = [reports_of(trial) for trial in trials if state_of(trial) == "Succeeded"]
        bar = stop.bar(finished, **plan.stop)
        if bar is not None:
            spec["earlyStoppingRules"] = [{"name": plan.metric, "value": f"{bar:.6g}", "comparison": "less" if plan.maximize else "greater", "startStep": plan.stop.get("start_step", 4)}]  # fmt: skip
    labels = {EXPERIMENT: name, "app.kubernetes.io/part-of": "labs"}
    meta = {"name": f"{name}-{number:02d}", "labels": labels, "ownerReferences": [owners.reference(experiment)]}
    trial = {"apiVersion": "/".join(KATIB), "kind": "Trial", "metadata": meta, "spec": spec}
    logging.info("%s begins: %s", meta["name"], search.written(settings))
    return store.make("trials", trial)


def _number_of(trial: Object) -> int:
    last = trial["metadata"]["name"].rpartition("-")[2]
    return int(last) if last.isdecimal() else -1


def follow(store: Store, plan: Plan, experiment: str, trials: list[Object]) -> None:
    """Bring every trial that is not over up to date with its Job, and make that Job if there is none."""
    jobs = store.jobs(experiment)
    for trial in trials:
        if state_of(trial) in ENDED:
            continue
        name = trial["metadata"]["name"]
        if name not in jobs:
            texts = assignments(trial)
            values = {reference: texts[of] for reference, of in plan.references.items()}
            store.make("jobs", job_of(plan.job, values, name, experiment, trial))
        said = store.said(name)
        state, why = judge(plan, trial, jobs.get(name, {}), said)
        store.report("trials", trial, observation(plan, said) | {"conditions": condition(state, f"Trial{state}", why)} | ({"completionTime": now()} if state in ENDED else {"startTime": trial["metadata"]["creationTimestamp"]}))  # fmt: skip
        if state == "EarlyStopped" or (state in ENDED and not plan.retain):
            store.delete_job(name)


def judge(plan: Plan, trial: Object, job: Object, said: Said) -> tuple[str, str]:
    """Return a trial's state and a sentence, from its Job and what its pod says."""
    values = metrics.values(said.log, plan.metric)
    conditions = {one["type"]: one for one in job.get("status", {}).get("conditions") or [] if one["status"] == "True"}
    if "Failed" in conditions:
        last = said.log.strip().splitlines()[-1:] or ["nothing"]
        return "Failed", f"{said.ending or conditions['Failed'].get('message', '')}; its last words: {last[0]}"
    if "Complete" in conditions:
        if metrics.value(values, plan.strategy) is None:
            return "MetricsUnavailable", f"its log says no {plan.metric}=NUMBER"
        return "Succeeded", "its program ended well"
    for rule in trial["spec"].get("earlyStoppingRules") or []:
        report = stop.stops_at(values, float(rule["value"]), rule["startStep"], plan.maximize)
        if report is not None:
            return "EarlyStopped", f"{plan.metric} missed {rule['value']} at report {report}"
    return "Running", "its Job is there"


def observation(plan: Plan, said: Said) -> Object:
    """Return what is known of the metric: its latest, largest and smallest value, and all of them in a line."""
    values = metrics.values(said.log, plan.metric)
    if metrics.value(values, "max") is None:
        return {}
    summary = {way: f"{found:.6g}" for way in ("latest", "max", "min") if (found := metrics.value(values, way)) is not None}  # fmt: skip
    # Katib keeps the single values in a database of its own; ours are few.
    history = " ".join(f"{value:.6g}" for value in values)
    return {"observation": {"metrics": [{"name": plan.metric} | summary]}, "history": history}


def status_of(plan: Plan, trials: list[Object], best: Object | None, end: tuple[str, str] | None) -> Object:
    """Return the status of an Experiment: counts, the best trial so far, and whether it is over."""
    count = Counter(state_of(trial) for trial in trials)
    status: Object = {
        "trials": len(trials),
        "trialsRunning": sum(count[state] for state in count if state not in ENDED),
        "trialsSucceeded": count["Succeeded"],
        "trialsEarlyStopped": count["EarlyStopped"],
        "trialsFailed": count["Failed"],
        "trialMetricsUnavailable": count["MetricsUnavailable"],
        "trialsKilled": count["Killed"],
        "conditions": condition(end[0] if end else "Running", "ExperimentOver" if end else "ExperimentRunning", end[1] if end else "trials run"),
    }  # fmt: skip
    if best:
        status["currentOptimalTrial"] = {"bestTrialName": best["metadata"]["name"], "parameterAssignments": best["spec"]["parameterAssignments"], "observation": best["status"]["observation"]}  # fmt: skip
    return status


def best_of(plan: Plan, trials: list[Object]) -> Object | None:
    """Return the trial with the best value among those that ended with one, the first of equal ones; None if there is none."""
    best, record = None, 0.0
    for trial in trials:
        value = value_of(trial, plan.strategy) if state_of(trial) in ("Succeeded", "EarlyStopped") else None
        if value is not None and (best is None or plan.better(value, record)):
            best, record = trial, value
    return best

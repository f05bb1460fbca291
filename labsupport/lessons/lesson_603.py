"""Lesson 603, a training pipeline as a workflow: checks on a controller's decisions, and on snapshots of Workflows."""

import itertools
import re
from typing import Any

import numpy as np

from labsupport.cluster import look, rollout
from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, FinalFail, NotAttempted
from labsupport.exercises.refute import Measured, OutsideRules
from labsupport.lessons.cases import gates, registry_603

Object = dict[str, Any]
exercises = Exercises("603")
STEPS = ("prepare", "train", "evaluate", "register")
ENDS = ("Succeeded", "Failed", "Error")


@exercises.check(
    "1",
    "Four steps, one graph",
    hints=(
        "A task is a dictionary: `name`, `template`, and where it needs something, `dependencies` (a list of names of tasks).",
        "`train` reads what `prepare` has written, `evaluate` what `train` has written, and only then `register` may begin.",
        'The hash: `"arguments": {"parameters": [{"name": "data", "value": "{{tasks.prepare.outputs.parameters.hash}}"}]}`.',
        'The gate: `"when": "{{tasks.evaluate.outputs.parameters.verdict}} == better"`.',
    ),
    minutes=8,
    look=look,
)
def four_steps(snapshot: Any) -> str:
    """Read the graph of the Workflow `training`: its tasks, their order, the hash, the gate; then what came of it."""
    workflow = snapshot.get("Workflow", "training")
    templates = (workflow or {}).get("spec", {}).get("templates", [])
    main = next((one for one in templates if one["name"] == "main"), None)
    if workflow is None or main is None:
        raise NotAttempted("There is no Workflow `training` with a template `main` yet.")
    tasks = _tasks_by_template(main)
    for later, before in itertools.pairwise(reversed(STEPS)):
        after = _all_before(tasks, tasks[later]["name"])
        if tasks[before]["name"] not in after:
            cause = (
                f"`{later}` begins while `{before}` still works, and does not find its file: add it to `dependencies`"
            )
            if not _dependencies(tasks[later]):
                cause = f"`{later}` names nothing that it waits for, so it starts at once: `dependencies`"
            if tasks[later]["name"] in _all_before(tasks, tasks[before]["name"]):
                cause = (
                    f"an arrow points the wrong way: `dependencies` names what comes before, and `{before}` comes first"
                )
            raise FinalFail(f"`{later}` does not wait for `{before}`", f"`{before}`, then `{later}`", cause)
    _hands_on_the_hash(tasks)
    gates.judge(tasks["register"].get("when"), tasks["evaluate"]["name"])
    status = workflow.get("status") or {}
    if str(status.get("message", "")).startswith("invalid spec"):
        raise FinalFail(status["message"][:160], "a Workflow that is accepted", "the message names the field")
    phases = _phases(workflow)
    if status.get("phase") not in ENDS:
        raise Fail("a Workflow that has not ended", "one that has", "wait for its end, then check again")
    for step in STEPS[:3]:
        phase = phases.get(tasks[step]["name"], "not begun")
        if phase != "Succeeded":
            said = _last_words(snapshot, step) or "look at `kubectl describe workflow training`"
            raise Fail(f"`{step}` is {phase}", f"`{step}` Succeeded", f"its last words: {said}")
    return "prepare, train, evaluate, register: in this order, with the hash handed on and a gate before the last step."


def _tasks_by_template(main: Object) -> dict[str, Object]:
    tasks = (main.get("dag") or {}).get("tasks") or []
    found = {}
    for step in STEPS:
        own = [task for task in tasks if task.get("template") == step]
        if not own:
            raise FinalFail(f"no task of the template `{step}`", "one for each of the four", f"add a task for `{step}`")
        if len(own) > 1:
            raise FinalFail(f"{len(own)} tasks of the template `{step}`", "one", "two would write the same files")
        found[step] = own[0]
    return found


def _all_before(tasks: dict[str, Object], name: str) -> set[str]:
    """Return the names of all tasks that a task waits for, directly or by others."""
    direct = {task["name"]: _dependencies(task) for task in tasks.values()}
    found: set[str] = set()
    todo = [*direct.get(name, [])]
    while todo:
        one = todo.pop()
        if one not in found:
            found.add(one)
            todo += direct.get(one, [])
    return found


def _dependencies(task: Object) -> list[str]:
    """Return what a task names in `dependencies` or, as Argo also allows, in `depends`."""
    return [*(task.get("dependencies") or []), *re.findall(r"[\w-]+(?=\.|\s|&|\||\)|$)", task.get("depends") or "")]


def _hands_on_the_hash(tasks: dict[str, Object]) -> None:
    given = (tasks["train"].get("arguments") or {}).get("parameters") or []
    value = next((str(one.get("value", "")) for one in given if one.get("name") == "data"), None)
    wanted = f"{{{{tasks.{tasks['prepare']['name']}.outputs.parameters.hash}}}}"
    if value is None:
        cause = "`train` refuses records that are not those of `prepare`, so it must be told their hash: `arguments`"
        raise FinalFail("`train` gets no parameter `data`", f"data: {wanted}", cause)
    if value.replace(" ", "") != wanted:
        cause = "a hash that is written down is right for one data set only; a reference is right for each"
        if "{{" in value:
            cause = "the reference names something else: {{tasks.TASK.outputs.parameters.PARAMETER}}"
        raise FinalFail(f"data: {value[:60]}", f"data: {wanted}", cause)


def _phases(workflow: Object) -> dict[str, str]:
    nodes = ((workflow.get("status") or {}).get("nodes") or {}).values()
    return {node["displayName"]: node["phase"] for node in nodes}


def _last_words(snapshot: Any, step: str) -> str:
    said = [
        text
        for name, text in snapshot.logs.items()
        if name.startswith(f"training-{step}-") and name.endswith("/main") and text.strip()
    ]
    return said[-1].strip().splitlines()[-1][:200] if said else ""


GOOD = ("Succeeded", "Skipped")
BAD = ("Failed", "Error", "Omitted")
UNDER_WAY = ("Pending", "Running")


@exercises.check(
    "2",
    "Which tasks may start",
    hints=(
        "Two conditions: the task has not begun (`task['name'] not in phases`), and all that it depends on has gone well.",
        "`task.get('dependencies', [])`: the first task has none. `all(...)` of an empty list is true, which is right here.",
        "`phases.get(name) in ('Succeeded', 'Skipped')`: what has not begun has no phase, and that is not good.",
    ),
    minutes=7,
)
def may_start(answer: Guarded) -> str:
    """Ask the answer about small graphs that tell the usual slips apart, then about random ones."""
    ready = expect.function(answer)
    for tasks, phases, wanted, cause in _small_graphs():
        _compare(ready, tasks, phases, wanted, cause)
    rng = np.random.default_rng(603)
    for _ in range(40):
        tasks, phases = _random_graph(rng)
        wanted = [one["name"] for one in tasks if one["name"] not in phases and _gone_well(one, phases)]
        _compare(ready, tasks, phases, wanted, "")
    return "The same decisions as the controller's, on 40 random graphs and at each of the usual slips."


def _gone_well(task: Object, phases: dict[str, str]) -> bool:
    return all(phases.get(name) in GOOD for name in task.get("dependencies", []))


def _compare(ready: Guarded, tasks: list[Object], phases: dict[str, str], wanted: list[str], cause: str) -> None:
    said = ready(tasks, phases)
    graph = ", ".join(f"{one['name']} after {'+'.join(one.get('dependencies', [])) or 'nothing'}" for one in tasks)
    if said is None:
        raise Fail("`None`", "a list of names", expect.NO_RETURN)
    if isinstance(said, str | bytes) or not hasattr(said, "__iter__"):
        raise Fail(f"`{said!r}`"[:60], "a list of names", "one name alone is `[name]`, and none is `[]`")
    names = list(said)
    if any(isinstance(one, dict) for one in names):
        raise Fail("whole tasks", "their names", "take `task['name']`")
    if sorted(map(str, names)) != sorted(wanted):
        saw = f"{names} for the graph ({graph}) with the phases {phases}"
        if begun := [name for name in names if str(name) in phases]:
            cause = f"{begun[0]} has begun already: a controller looks again and again, and would make a second pod each time"
        if len(set(map(str, names))) == len(set(wanted)) and set(map(str, names)) == set(wanted):
            cause = "a name came twice: a task with two dependencies is still one task"
        if cause:
            raise Fail(saw, f"{wanted}", cause)
        raise Fail(saw, f"{wanted}", question="which of the two conditions lets it through, or keeps it back?")


def _small_graphs() -> list[tuple[list[Object], dict[str, str], list[str], str]]:
    a, b = {"name": "a"}, {"name": "b", "dependencies": ["a"]}
    c, both = {"name": "c"}, {"name": "d", "dependencies": ["a", "c"]}
    cases: list[tuple[list[Object], dict[str, str], list[str], str]] = [
        ([a, b], {}, ["a"], "what has no dependencies may start, and what waits for a task that has not begun may not"),
        ([b, a], {"a": "Succeeded"}, ["b"], "the order in which tasks are written says nothing"),
        (
            [a, c, both],
            {"a": "Succeeded", "c": "Running"},
            [],
            "ALL that a task depends on must be done, not one of it",
        ),
        ([a, c, both], {"a": "Succeeded", "c": "Succeeded"}, ["d"], "all that `d` depends on has succeeded"),
        (
            [a, b],
            {"a": "Skipped"},
            ["b"],
            "Skipped counts as well: its `when` was false, and that is a decision, no fault",
        ),
        ([], {}, [], "no tasks, nothing to start"),
    ]
    cases += [([a, b], {"a": "Succeeded", "b": phase}, [], "") for phase in (*UNDER_WAY, *GOOD, *BAD)]
    wrong = "{} is finished, too, but not well: what builds on it would work with nothing"
    return cases + [([a, b], {"a": phase}, [], wrong.format(phase)) for phase in BAD]


def _random_graph(rng: np.random.Generator) -> tuple[list[Object], dict[str, str]]:
    names = [f"t{number}" for number in range(int(rng.integers(3, 8)))]
    tasks: list[Object] = []
    phases: dict[str, str] = {}
    for number, name in enumerate(names):
        before = [other for other in names[:number] if rng.random() < 0.4]
        tasks.append({"name": name, "template": "work"} | ({"dependencies": before} if before else {}))
        if _gone_well(tasks[-1], phases) and rng.random() < 0.8:
            phases[name] = str(rng.choice([*GOOD, *GOOD, *BAD, *UNDER_WAY]))
    return [tasks[one] for one in rng.permutation(len(tasks))], phases


@exercises.check(
    "3",
    "On from where it stopped",
    hints=(
        "What did `register` say? `kubectl logs -l workflows.argoproj.io/workflow=training --prefix` shows it.",
        "The server's Deployment `mlflow` wants 0 replicas: `kubectl scale deployment/mlflow --replicas=1`.",
        "Wait until it is ready, or the three tries meet a server that is still starting: `kubectl rollout status ...`.",
        "Then `argo retry training`: only what failed is done again.",
    ),
    minutes=7,
    look=look,
)
def went_on(snapshot: Any) -> str:
    """Look for a Workflow that succeeded with what it had done before the server was there."""
    workflow = snapshot.get("Workflow", "training")
    server = rollout.of(snapshot, "mlflow")
    if workflow is None or server is None:
        raise NotAttempted("There is no Workflow `training` yet, or no Deployment `mlflow`.")
    phase = (workflow.get("status") or {}).get("phase")
    if not phase:
        raise NotAttempted("The Workflow `training` has not run yet.")
    if phase not in ENDS:
        raise Fail(f"`training` is {phase}", "a Workflow that has ended", "wait, then check again")
    if phase != "Succeeded":
        if not server.wanted:
            raise NotAttempted("`training` has failed, and the server that `register` asks for has 0 replicas.")
        said = _last_words(snapshot, "register") or "nothing"
        cause = (
            "Failed is an end: nobody looks at a Workflow that has ended. `argo retry training` opens it again; begun "
            "before the server answers, it fails again: `kubectl rollout status deployment/mlflow` waits for that"
        )
        if not server.complete:
            cause = (
                "the server is not ready yet: `kubectl rollout status deployment/mlflow`, then `argo retry training`"
            )
        raise Fail(f"`training` failed; the last words of `register`: {said}", "`training` Succeeded", cause)
    pods = [pod for pod in snapshot.all("Pod") if _of(pod) == "training"]
    began = {pod["metadata"]["labels"].get("labs/step"): pod["status"].get("startTime", "") for pod in pods}
    up = min((pod["status"].get("startTime", "") for pod in snapshot.pods_of("mlflow")), default="")
    if not up:
        raise Fail("no pod of `mlflow`", "a server with the new version", "start it again: the model is on its volume")
    early = [step for step in STEPS[:3] if step in began and began[step] < up]
    if len(early) < 3:
        cause = "all four steps ran again: after hours of training, that is the bill of a server that was away"
        again = [step for step in STEPS[:3] if step not in early]
        raise Fail(f"pods of {', '.join(again)} younger than the server", "the old ones, and a new `register`", cause)
    return "`register` ran again, and nothing else: what had succeeded is still what it was."


def _of(pod: Object) -> str:
    return str((pod["metadata"].get("labels") or {}).get("workflows.argoproj.io/workflow", ""))


@exercises.check(
    "4",
    "A step that may be done twice",
    hints=(
        "Before you make something, ask whether it is there: `registry.version_of(run)`.",
        "What if the pod died after `make_version` and before `set_champion`? Then the version is there, and no champion.",
        "So: ask; make it only if there is none; and set the champion in both cases.",
    ),
    minutes=6,
    may_change=True,
)
def done_twice(answer: Guarded) -> str:
    """Kill the answer at each moment, begin it again, and count versions; with other runs before it, and without."""
    register = expect.function(answer)
    for before in (["older", "old"], []):
        quiet, said = registry_603.with_a_kill(register, before, 0)
        _is_registered(quiet, said, before, "with no kill at all")
        for moment in range(1, quiet.moments + 1):
            registry, said = registry_603.with_a_kill(register, before, moment)
            _is_registered(registry, said, before, f"killed at moment {moment} of {quiet.moments}, and begun again")
    return f"Killed at each of {quiet.moments} moments, and always one version, which is champion."


def _is_registered(registry: registry_603.Registry, said: object, before: list[str], story: str) -> None:
    mine = [number for number, run in enumerate(registry.versions, 1) if run == "mine"]
    wanted = "one version of the run, and it is champion"
    saw = f"versions of {registry.versions}, champion {registry.champion_is} ({story})"
    if len(mine) > 1:
        raise Fail(saw, wanted, "it was made twice: the first one was there already, only nobody had heard of it")
    if not mine:
        raise Fail(saw, wanted, "there is none: `registry.make_version(run)`, unless `version_of(run)` finds one")
    if registry.versions[: len(before)] != before:
        raise Fail(saw, wanted, "versions of other runs must stay as they are")
    if registry.champion_is != mine[0]:
        cause = "the version was there, but its first try had died before `set_champion`: that must be caught up on"
        if "no kill" in story:
            cause = "`registry.set_champion(version)` is missing, or got another version"
        raise Fail(saw, wanted, cause)
    if said != mine[0]:
        cause = expect.NO_RETURN if said is None else "return the version of this run"
        raise Fail(f"`{said!r}` was returned ({story})", f"{mine[0]}", cause)


AWAY, PAUSES_S, LIMIT = 0.01, (2.0, 4.0), 1e-4


@exercises.refute(
    "5",
    "Where a server is away for 1 % of the time, three tries (after 0, 2 and 6 seconds) all fail in fewer than 1 of 10,000 runs",
    case="how long one outage of that server lasts on average, in seconds (0.1 to 3600)",
    hints=(
        "0.01 x 0.01 x 0.01 is right for three tries that know nothing of each other. When do they?",
        "1 % of the time: that may be a blink every ten seconds, or half a day once in seven weeks.",
        "Let an outage last longer than all three tries together.",
    ),
    minutes=5,
)
def three_tries_are_enough(case: Any) -> Measured:
    """Compute how often all three tries meet an outage; it fails when that is more than the limit."""
    from labsupport.workflows.outages import all_tries_fail

    if isinstance(case, bool) or not isinstance(case, int | float | np.number) or not 0.1 <= float(case) <= 3600:
        raise OutsideRules("a case is a number of seconds from 0.1 to 3600")
    share = all_tries_fail(AWAY, float(case), PAUSES_S)
    said = f"with outages of {float(case):g} s, {share * 10_000:.2g} of 10,000 runs fail"
    return Measured(share < LIMIT, said, question="what do three tries within six seconds see of a longer outage?")


exercises.guess("g1", "With the kind defined and no controller, the API server takes this Workflow")
exercises.guess("g2", "Once the server answers, the failed Workflow goes on by itself")
exercises.guess("g3", "A run whose model does not pass the gate ends as `Failed`")
exercises.quiz(
    "a",
    "A colleague installs the CustomResourceDefinition of `Backup`, applies a `Backup`, and sees it with `kubectl get backup`. A day later there is no copy anywhere, no event, no error. What is the first thing you look for?",
    ("A fault in the spec, which the API server would have stored with a warning.", False, "It checks the form. A spec that asks for nonsense is stored without a word, and here not even a controller has complained."),
    ("A program that watches `Backup` objects, and its log.", True, "The object is a row in a table. Without a controller nobody reads it, and nobody can complain about it either."),
    ("The scheduler's log, for a pod that found no node.", False, "There would be a Pending pod. Nobody has made one."),
    ("The rights of the service account under which the copy runs.", False, "Missing rights come later, and loudly: a controller that is refused says so in its log or an event."),
)  # fmt: skip
exercises.quiz(
    "b",
    "The controller creates a pod, and is killed before it writes the new status. Which of its habits keeps the step from being done twice?",
    ("It writes the status first, and creates the pod then.", False, "Killed in between, it would wait for ever for a pod that nobody makes."),
    ("It handles one event at a time.", False, "That helps against itself, not against its own death: the next one starts from the status that was written."),
    ("It gives the pod an owner, so that the second one is collected as garbage.", False, "Both pods would have the same living owner. Nothing is collected."),
    ("The pod's name follows from the node's, so a second one can't be made.", True, "Asked for again, the API server answers 409, and the controller goes on. The status may be behind the world: it is written anew from it."),
)  # fmt: skip
exercises.quiz(
    "c",
    "A nightly `train` needs 40 minutes and ends by being killed for its memory at minute 35. Somebody sets `retryStrategy: {limit: 3}`. What does that buy?",
    ("Nothing but nearly two more hours of a busy node: the same input meets the same limit each time.", True, "A retry helps against what changes by itself. This needs another number in the spec, thus another Workflow."),
    ("A fair chance: memory use differs from run to run, and four tries are more than one.", False, "It might, by luck. 35 of 40 minutes each night point to the data's size, not to luck, and the bill is nearly two hours each night."),
    ("Nothing, because a pod that is killed counts as Error, and OnFailure does not retry those.", False, "The container ended with a code (137), so it is a Failure: it is retried, three times, at 35 minutes each."),
    ("Time: the next try begins with the checkpoint of the one before.", False, "Only if the program writes one and looks for it. A retry begins at the beginning."),
)  # fmt: skip
exercises.quiz(
    "d",
    "Steps hand each other files on a `ReadWriteOnce` volume, as here. The cluster gets three nodes. What happens to a graph with two trainings side by side?",
    ("Nothing changes: a claim can be mounted by any number of pods.", False, "By any number of pods of one node. That was true as long as there was one."),
    ("The second training reads an empty folder on its own node.", False, "A claim is never silently another disk: the pod would wait for it, Pending or ContainerCreating."),
    ("Both pods run on the volume's node, or one of them waits.", True, "ReadWriteOnce means one node. A node's own disk draws both pods there. A disk that can be attached anywhere the scheduler does not ask: the second pod may land elsewhere and wait in ContainerCreating. Files in an object store have no node."),
    ("The controller refuses the graph, because two tasks share a volume.", False, "It does not look at volumes at all: that is between the scheduler, the kubelet and the storage."),
)  # fmt: skip

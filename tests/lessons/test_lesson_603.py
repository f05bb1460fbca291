"""Lesson 603: usual mistakes, each with words of its own diagnosis, and right answers; on the cluster, recorded snapshots of both (see test_every_lesson)."""

import copy

import pytest

from labsupport.cluster import lab
from labsupport.cluster.look import recorded
from labsupport.cluster.snapshot import Snapshot
from labsupport.exercises import proof
from labsupport.exercises.engine import evaluate
from labsupport.exercises.outcomes import Outcome
from labsupport.exercises.proof import Kind


def ready(condition: str, *, result: str = "[task['name'] for task in tasks if CONDITION]") -> str:
    return f"def ready(tasks, phases):\n    return {result.replace('CONDITION', condition)}"


NEW = "task['name'] not in phases"
GOOD = "('Succeeded', 'Skipped')"
BEFORE = "task.get('dependencies', [])"
WELL = f"all(phases.get(name) in {GOOD} for name in {BEFORE})"


def register(*lines: str) -> str:
    return "\n".join(["def register(registry, run):", *(f"    {line}" for line in lines)])


MAKE, CROWN, BACK = "version = registry.make_version(run)", "registry.set_champion(version)", "return version"
LOOK, UNLESS = "version = registry.version_of(run)", "if version is None:"

WRONG = {
    "603.1": {
        "forgets a step": ("603-no-register", "no task of the template `register`"),
        "trains twice": ("603-two-trainings", "would write the same files"),
        "lets a step start at once": ("603-no-order", "names nothing that it waits for"),
        "turns the arrows round": ("603-backwards", "points the wrong way"),
        "evaluates beside the training": ("603-evaluate-early", "begins while `train` still works"),
        "forgets the hash": ("603-no-hash", "must be told their hash"),
        "writes the hash down": ("603-hash-by-hand", "right for one data set only"),
        "names something else": ("603-other-reference", "the reference names something else"),
        "has no gate": ("603-no-gate", "a bad model becomes champion, too"),
        "turns the gate round": ("603-gate-reversed", "for `better` this is False"),
        "asks for the status": ("603-gate-elsewhere", "the verdict is an output of `evaluate`"),
    },
    "603.2": {
        "starts what has begun": (ready(WELL), "make a second pod each time"),
        "takes one for all": (
            ready(f"{NEW} and (not {BEFORE} or any(phases.get(name) in {GOOD} for name in {BEFORE}))"),
            "ALL that a task depends on",
        ),
        "waits for an end of any kind": (
            ready(f"{NEW} and all(phases.get(name) in (*{GOOD}, 'Failed', 'Error', 'Omitted') for name in {BEFORE})"),
            "finished, too, but not well",
        ),
        "takes Omitted for Skipped": (
            ready(f"{NEW} and all(phases.get(name) in (*{GOOD}, 'Omitted') for name in {BEFORE})"),
            "Omitted is finished, too",
        ),
        "forgets Skipped": (
            ready(f"{NEW} and all(phases.get(name) == 'Succeeded' for name in {BEFORE})"),
            "that is a decision, no fault",
        ),
        "needs that something is before it": (ready(f"{NEW} and {BEFORE} and {WELL}"), "no dependencies may start"),
        "is content with what is not begun": (
            ready(f"{NEW} and all(phases.get(name, 'Succeeded') in {GOOD} for name in {BEFORE})"),
            "has not begun may not",
        ),
        "returns the tasks": (
            ready(f"{NEW} and {WELL}", result="[task for task in tasks if CONDITION]"),
            "their names",
        ),
        "returns the first one only": (
            ready(f"{NEW} and {WELL}", result="next((task['name'] for task in tasks if CONDITION), [])"),
            "one name alone is `[name]`",
        ),
        "returns nothing": (ready("", result="None"), "no `return`"),
    },
    "603.3": {
        "retries before the server is there": ("603-retried-too-early", "Failed is an end"),
        "runs all of it again": ("603-submitted-again", "all four steps ran again"),
    },
    "603.4": {
        "always makes one": (register(MAKE, CROWN, BACK), "it was made twice"),
        "stops where there is one": (
            register(LOOK, UNLESS, f"    {MAKE}", f"    {CROWN}", BACK),
            "must be caught up on",
        ),
        "looks at the champion": (
            register("version = registry.champion()", UNLESS, f"    {MAKE}", CROWN, BACK),
            "there is none",
        ),
        "forgets the champion": (
            register(LOOK, UNLESS, f"    {MAKE}", BACK),
            "`registry.set_champion(version)` is missing",
        ),
        "forgets to return": (register(LOOK, UNLESS, f"    {MAKE}", CROWN), "no `return`"),
        "returns something else": (register(LOOK, UNLESS, f"    {MAKE}", CROWN, "return run"), "return the version"),
    },
    "603.5": {
        "takes blinks": ("case = 0.5", "the sentence held"),
        "takes the lesson's own case": ("case = 1", "0.39 of 10,000"),
        "leaves the range": ("case = 7200", "from 0.1 to 3600"),
        "gives a text": ("case = '60 s'", "a number of seconds"),
    },
}

RIGHT = {
    "603.1": {"as it stops at the server": "603-stopped-at-register", "with other names and one arrow more": "603-other-names"},
    "603.2": {
        "as a set": ready(f"{NEW} and {WELL}", result="{task['name'] for task in tasks if CONDITION}"),
        "by what is done": (
            "def ready(tasks, phases):\n"
            "    done = {name for name, phase in phases.items() if phase in ('Skipped', 'Succeeded')}\n"
            "    found = []\n"
            "    for task in tasks:\n"
            "        if task['name'] in phases:\n"
            "            continue\n"
            "        if set(task.get('dependencies') or ()) <= done:\n"
            "            found.append(task['name'])\n"
            "    return found"
        ),
    },
    "603.3": {"waits for the server": "603-went-on"},
    "603.4": {
        "with `or`": register("version = registry.version_of(run) or registry.make_version(run)", CROWN, BACK),
        "with a look at the champion": register(
            LOOK, UNLESS, f"    {MAKE}", "if registry.champion() != version:", f"    {CROWN}", BACK
        ),
    },
    "603.5": {"two seconds": "case = 2", "an hour": "case = 3600.0"},
}  # fmt: skip


@pytest.mark.parametrize("given", ["nothing", "603-begun"])
@pytest.mark.parametrize("key", ["603.1", "603.3"])
def test_what_was_not_touched_is_not_yet_an_answer(key: str, given: str) -> None:
    outcome = evaluate(key, seen=Snapshot("lab-603")) if given == "nothing" else proof.outcome_of(key, given)
    assert outcome.kind is Kind.NOT_YET


VERDICT = "{{tasks.evaluate.outputs.parameters.verdict}}"


def gated(condition: str) -> Outcome:
    """Return what is said to a Workflow that was recorded, with another `when`."""
    seen = recorded("603-went-on")
    objects = copy.deepcopy(seen.objects)
    workflow = next(one for one in objects if one["kind"] == "Workflow" and one["metadata"]["name"] == "training")
    main = next(one for one in workflow["spec"]["templates"] if one["name"] == "main")
    next(task for task in main["dag"]["tasks"] if task["template"] == "register")["when"] = condition
    return evaluate("603.1", seen=Snapshot(seen.namespace, objects, seen.events, seen.logs))


@pytest.mark.parametrize(
    "condition", [f"'{VERDICT}' == 'better'", f'better=="{VERDICT}"', f"{VERDICT.replace('tasks', ' tasks')} != worse"]
)
def test_a_gate_may_be_written_in_other_ways(condition) -> None:
    assert gated(condition).kind is Kind.PASS


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (f"({VERDICT} == better)", "without brackets"),
        (f"'{VERDICT}' == 'better' && {VERDICT} != ''", "one comparison"),
        ("{{=tasks.evaluate.outputs.parameters.verdict == 'better'}}", "how does a plain reference look?"),
        (VERDICT, "`A == B` or `A != B`"),
        (f"{VERDICT} != better", "for `better` this is False, for `worse` it is True"),
    ],
)
def test_a_gate_that_the_controller_does_not_read_is_explained(condition, words) -> None:
    outcome = gated(condition)
    assert outcome.kind is Kind.FAIL
    assert words in proof.diagnosis(outcome)


def test_a_run_that_stopped_at_the_server_is_not_yet_repaired() -> None:
    assert proof.outcome_of("603.3", "603-stopped-at-register").kind is Kind.NOT_YET


def test_the_handouts_manifest_is_the_handouts() -> None:
    text = (lab.manifests_of("603") / "broken" / "handout.yaml").read_text()
    assert "name: ml-training-pipeline" in text
    assert "image: tensorflow:latest" in text
    assert "entrypoint" not in text

"""Lesson 607: usual mistakes, each with words of its own diagnosis, and right answers; on the cluster, recorded snapshots (see test_every_lesson)."""

import copy

import pytest

from labsupport.cluster import lab, look
from labsupport.cluster.snapshot import Snapshot
from labsupport.exercises import proof
from labsupport.exercises.engine import evaluate
from labsupport.exercises.outcomes import Fail
from labsupport.exercises.proof import Kind
from labsupport.lessons import lesson_607


def starts(
    result: str = "max(0, min(parallel - running, most - len(states)))",
    running: str = 'sum(s in ("", "Running") for s in states)',
    failed: str = 'sum(s in ("Failed", "MetricsUnavailable") for s in states)',
    ends: str = "failed >= failures",
) -> str:
    return (
        "def start_now(states, parallel, most, failures):\n"
        f"    running = {running}\n"
        f"    failed = {failed}\n"
        f"    if {ends}:\n"
        "        return 0\n"
        f"    return {result}"
    )


def judges(
    result: str = "max(said) < bar",
    bar: str = "np.median([np.mean(values[:start_step]) for values in finished])",
    waits: str = "len(said) < start_step or len(finished) < at_least",
) -> str:
    return (
        "def is_hopeless(said, finished, start_step=4, at_least=3):\n"
        f"    if {waits}:\n"
        "        return False\n"
        f"    bar = {bar}\n"
        f"    return {result}"
    )


WRONG = {
    "607.1": {
        "forgets who runs": (starts("max(0, min(parallel, most - len(states)))"), "already take a place"),
        "forgets who was just stored": (starts(running='states.count("Running")'), "just stored"),
        "forgets the end": (starts("max(0, parallel - running)"), "never more than `most`"),
        "counts successes only": (
            starts('max(0, min(parallel - running, most - states.count("Succeeded")))'),
            "all trials that there are count",
        ),
        "counts the ended only": (
            starts("max(0, min(parallel - running, most - (len(states) - running)))"),
            "there will be too many",
        ),
        "goes below 0": (starts("min(parallel - running, most - len(states))"), "can't be started"),
        "never gives up": (starts(ends="False"), "on nothing is started"),
        "gives up too late": (starts(ends="failed > failures"), "compare by >="),
        "forgives silence": (starts(failed='states.count("Failed")'), "never said its metric"),
        "blames who was ended": (
            starts(failed='sum(s in ("Failed", "MetricsUnavailable", "EarlyStopped") for s in states)'),
            "ended early did not fail",
        ),
        "starts one": (starts("1"), "which of the three limits"),
        "returns nothing": (starts("None"), "no `return`"),
    },
    "607.2": {
        "swaps the references": ("607-tutorial-swapped", "the name is the Job's"),
        "starts too high": ("607-tutorial-high", "0.001 lies outside"),
        "keeps the tutorial's end": ("607-tutorial-low", "good rates lay above"),
        "forgets the log scale": ("607-tutorial-linear", "each tenfold"),
        "searches everywhere": ("607-tutorial-wide", "most would be hopeless"),
        "changes the batch": ("607-tutorial-batch", "stays as it is"),
        "asks for what is not known": ("607-tutorial-refused", "its event says"),
        "has not waited": ("607-tutorial-running", "wait, then check again"),
    },
    "607.3": {
        "looks at the last value": (judges("said[-1] < bar"), "not its latest"),
        "takes the trial's mean": (judges("np.mean(said) < bar"), "not the mean of what it said"),
        "takes the mean of all": (
            judges(bar="np.mean([np.mean(values[:start_step]) for values in finished])"),
            "this is their mean",
        ),
        "takes whole lives": (judges(bar="np.median([np.mean(v) for v in finished])"), "at their end all are better"),
        "takes last values": (judges(bar="np.median([v[-1] for v in finished])"), "not with their last value"),
        "takes one value": (judges(bar="np.median([v[start_step - 1] for v in finished])"), "value number"),
        "takes the peaks": (judges(bar="np.median([max(v[:start_step]) for v in finished])"), "the best of them"),
        "takes medians": (
            judges(bar="np.median([np.median(values[:start_step]) for values in finished])"),
            "not with their median",
        ),
        "ends on the bar": (judges("max(said) <= bar"), "on the bar is not below"),
        "waits one too long": (
            judges(waits="len(said) <= start_step or len(finished) < at_least"),
            "with just so many values, too",
        ),
        "wants one rival more": (
            judges(waits="len(said) < start_step or len(finished) <= at_least"),
            "there is a bar",
        ),
        "judges at once": (judges(waits="not said or len(finished) < at_least"), "no trial is ended"),
        "needs no rivals": (judges(waits="len(said) < start_step or not finished"), "there is no bar"),
        "has four in its head": (
            judges(
                bar="np.median([np.mean(values[:4]) for values in finished])",
                waits="len(said) < 4 or len(finished) < at_least",
            ),
            "is not always 4",
        ),
        "has three in its head": (judges(waits="len(said) < start_step or len(finished) < 3"), "is not always 3"),
        "turns it round": (judges("max(said) > bar"), "below the bar is hopeless"),
        "returns nothing": (judges("None"), "no `return`"),
        "returns the bar": (judges("float(bar)"), "the outcome of the comparison"),
    },
    "607.4": {
        "allows more to die": ("607-wide-more-failures", "none is prevented"),
        "shrinks too much": ("607-wide-narrow", "nobody looks there any more"),
        "shrinks too little": ("607-wide-little", "it will be killed"),
        "raises the limit too little": ("607-wide-little-memory", "more memory, and not enough"),
        "turns all knobs": ("607-wide-all-knobs", "needs no change"),
        "allows no failure": ("607-wide-strict", "one trial with bad luck"),
    },
    "607.5": {
        "a space with hopeless rates": ("case = (0.001, 4, 0)", "the best has"),
        "judges late": ("case = (0.1, 10, 0)", "ends 0 of 12"),
        "leaves the space": ("case = (2, 1, 0)", "between 0.001 and 0.5"),
        "forgets the seed": ("case = (0.1, 1)", "three parts"),
        "stops at nothing": ("case = (0.1, 0, 0)", "between 1 and 10"),
    },
}

RIGHT = {
    "607.1": {
        "by sets": (
            "def start_now(states, parallel, most, failures):\n"
            '    over = {"Succeeded", "EarlyStopped", "Failed", "MetricsUnavailable"}\n'
            '    if len([s for s in states if s == "Failed" or s == "MetricsUnavailable"]) >= failures:\n'
            "        return 0\n"
            "    free = parallel - len([s for s in states if s not in over])\n"
            "    return len(range(min(free, most - len(states))))"
        ),
    },
    "607.2": {"with the tutorial's names": "607-tutorial-repaired", "a little wider": "607-tutorial-wider"},
    "607.3": {
        "by numpy": judges("np.max(said) < bar"),
        "by statistics": (
            "def is_hopeless(said, finished, start_step=4, at_least=3):\n"
            "    from statistics import fmean, median\n"
            "    enough = len(said) >= start_step and len(finished) >= at_least\n"
            "    return enough and all(v < median(fmean(f[:start_step]) for f in finished) for v in said)"
        ),
    },
    "607.4": {"by a narrower range": "607-wide-fits", "by memory": "607-wide-memory"},
    "607.5": {"another seed": "case = [0.1, 1, 2]", "as an array": "case = np.array([0.1, 1, 2])"},
}


@pytest.mark.parametrize("key", ["607.2", "607.4"])
@pytest.mark.parametrize("given", ["nothing", "607-begun"])
def test_what_was_not_touched_is_not_yet_an_answer(key: str, given: str) -> None:
    outcome = evaluate(key, seen=Snapshot("lab-607")) if given == "nothing" else proof.outcome_of(key, given)
    assert outcome.kind is Kind.NOT_YET


RATE = {"name": "learning_rate", "parameterType": "double", "feasibleSpace": {"min": "0.001", "max": "1", "distribution": "logUniform"}}  # fmt: skip
BATCH = {"name": "batch_size", "parameterType": "int", "feasibleSpace": {"min": "16", "max": "128"}}
DISCRETE = {"name": "learning_rate", "parameterType": "discrete", "feasibleSpace": {"list": ["0.001", "0.1", "1"]}}


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ([RATE], "no parameter `batch_size`"),
        ([BATCH], "no parameter `learning_rate`"),
        ([DISCRETE, BATCH], "a rate of the type discrete"),
        ([RATE, {"name": "batch_size", "parameterType": "int"}], "the rest of the tutorial stays as it is"),
        ([BATCH, RATE], ""),
    ],
)
def test_a_space_without_a_part_of_the_tutorials_gets_a_cause(parameters: list, said: str) -> None:
    seen = copy.deepcopy(look.recorded("607-tutorial-repaired"))
    experiment = seen.get("Experiment", "hyperparameter-tuning") or {}
    experiment["spec"]["parameters"] = parameters
    outcome = evaluate("607.2", seen=seen)
    assert (outcome.kind is Kind.FAIL and said in proof.diagnosis(outcome)) if said else outcome.kind is Kind.PASS


@pytest.mark.parametrize(
    ("text", "size"), [("192Mi", 192 * 2**20), ("0.2G", 2e8), ("200000k", 2e8), ("1Ti", 2**40), (2_000, 2_000)]
)
def test_a_memory_limit_is_read_in_all_its_units(text: object, size: float) -> None:
    assert lesson_607._bytes(text) == size


@pytest.mark.parametrize("text", [None, "", "much", "192MB", "NaN", "inf"])
def test_what_is_no_quantity_is_a_fail(text: object) -> None:
    with pytest.raises(Fail, match="a quantity such as 192Mi"):
        lesson_607._bytes(text)


def test_the_handouts_experiment_is_the_handouts() -> None:
    text = (lab.manifests_of("607") / "broken" / "handout.yaml").read_text()
    assert 'min: "0.01"' in text and "goal: 0.99" in text and "maxFailedTrialCount: 3" in text
    assert "trialTemplate" not in text

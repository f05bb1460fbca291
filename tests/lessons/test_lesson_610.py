"""Lesson 610: usual mistakes, each with words of its own diagnosis, and right answers; on the cluster, recorded snapshots of both (see test_every_lesson)."""

import copy

import pytest

from labsupport.cluster import lab, look
from labsupport.cluster.snapshot import Snapshot
from labsupport.exercises import proof
from labsupport.exercises.engine import evaluate
from labsupport.exercises.proof import Kind


def detector(
    step: str = "(stakes + 1) * factor",
    ring: str = "stakes.mean() >= nights / level",
    begin: str = "np.zeros(evidence.shape[1])",
    end: str = "None",
    night: str = "night",
) -> str:
    return (
        "def first_alarm(evidence, nights, level):\n"
        f"    stakes = {begin}\n"
        "    for night, factor in enumerate(evidence):\n"
        f"        stakes = {step}\n"
        f"        if {ring}:\n"
        f"            return {night}\n"
        f"    return {end}"
    )


def weigh(body: str, few: str = "len(since) < 30") -> str:
    lines = [f"if {few}:", "    return 'unknown'", "low, high = change(before, since)", *body.split("\n")]
    text = "\n".join(f"    {line}" for line in lines)
    return f"from labsupport.drift.bills import change\ndef weigh(before, since, tolerance):\n{text}"


BOTH = "return 'harmful' if low > tolerance else 'harmless' if high <= tolerance else 'unknown'"

WRONG = {
    "610.1": {
        "adds the euro too late": (detector("stakes * factor + 1"), "before the night's evidence"),
        "bets once": (detector("stakes * factor", begin="np.ones(evidence.shape[1])"), "each night adds one"),
        "sums": (detector(ring="stakes.sum() >= nights / level"), "not their sum"),
        "takes the best bet": (detector(ring="stakes.max() >= nights / level"), "no longer fair"),
        "forgets the nights": (detector(ring="stakes.mean() >= 1 / level"), "grows to `nights`"),
        "counts the nights so far": (detector(ring="stakes.mean() >= len(evidence) / level"), "fewer may have passed"),
        "rings above only": (detector(ring="stakes.mean() > nights / level"), "AT the limit"),
        "counts from 1": (detector(night="night + 1"), "count from 0"),
        "never says never": (detector(end="0"), "the answer is None"),
        "does not carry on": (detector("1.0 * factor"), "carried on"),
        "returns a truth": (detector(night="True"), "the number of a night"),
        "returns nothing": (detector(night="None"), "no `return`"),
        "returns no number": (detector(end="np.nan"), "as a whole number"),
    },
    "610.2": {
        "looks at the mean": (weigh("return 'harmful' if since.mean() - before.mean() > tolerance else 'harmless'"), "the low end of the interval is not"),
        "forgets the tolerance": (weigh("return 'harmful' if low > 0 else 'harmless' if high <= tolerance else 'unknown'"), "what it is for"),
        "takes unsure for harmless": (weigh("return 'harmful' if low > tolerance else 'harmless'"), "no proof of none"),
        "asks for 0": (weigh("return 'harmful' if low > tolerance else 'harmless' if high <= 0 else 'unknown'"), "a rise above this tolerance is excluded"),
        "takes any number of labels": (weigh(BOTH, few="len(since) == 0"), "fewer than 30"),
        "asks for more than 30": (weigh(BOTH, few="len(since) <= 30"), "30 labels are enough"),
        "says something else": (weigh("return low > tolerance"), "one of the three words"),
        "returns nothing": (weigh("low > tolerance"), "no `return`"),
    },
    "610.3": {
        "a smaller level": ("610-single-look", "ring with a probability of 89%"),
        "forgets the columns": ("610-per-column-forgotten", "365 nights and 6 columns"),
        "silences it": ("610-suspended", "for real drifts either"),
        "promises a month": ("610-short-promise", "broken after them"),
        "promises half": ("610-loose", "the share of healthy services"),
        "makes it deaf": ("610-deaf", "never rings"),
    },
    "610.4": {
        "lets worse through": ("610-not-unsure", "shown to be worse"),
        "turns it round": ("610-only-worse", "it lets worse through"),
        "names no verdict": ("610-no-gate", "does not name the verdict"),
        "lets luck through": ("610-lets-luck-through", "an interval around 0 is luck"),
    },
    "610.5": {
        "takes the lesson's own case": ("case = 0", "the sentence held"),
        "leaves the range": ("case = 1", "from 0 to 0.95"),
        "gives a text": ("case = 'bursts'", "a number from 0 to 0.95"),
    },
}  # fmt: skip

RIGHT = {
    "610.1": {
        "as a float": detector(night="float(night)"),
        "with lists": (
            "def first_alarm(evidence, nights, level):\n"
            "    stakes = [0.0] * len(evidence[0])\n"
            "    for night in range(len(evidence)):\n"
            "        stakes = [(s + 1) * e for s, e in zip(stakes, evidence[night])]\n"
            "        if sum(stakes) / len(stakes) * level >= nights:\n"
            "            return night"
        ),
    },
    "610.2": {
        "by the bell curve": (
            "def weigh(before, since, tolerance):\n"
            "    if len(since) < 30:\n"
            "        return 'unknown'\n"
            "    rise = np.mean(since) - np.mean(before)\n"
            "    half = 1.96 * np.sqrt(np.var(since) / len(since) + np.var(before) / len(before))\n"
            "    if rise - half > tolerance:\n"
            "        return 'harmful'\n"
            "    return 'harmless' if rise + half < tolerance else 'unknown'"
        ),
    },
    "610.3": {"words apart": "610-believable", "a shared t-test": "610-shared-t-test"},
    "610.4": {"with quotes": "610-proven"},
    "610.5": {"strong": "case = 0.9", "as a numpy number": "case = np.float64(0.7)"},
}


@pytest.mark.parametrize("given", ["nothing", "610-begun"])
@pytest.mark.parametrize("key", ["610.3", "610.4"])
def test_what_was_not_touched_is_not_yet_an_answer(key: str, given: str) -> None:
    outcome = evaluate(key, seen=Snapshot("lab-610")) if given == "nothing" else proof.outcome_of(key, given)
    assert outcome.kind is Kind.NOT_YET


def test_the_gate_that_was_handed_over_is_not_yet_an_answer() -> None:
    text = (lab.manifests_of("610") / "retrain.yaml").read_text()
    config = {"kind": "ConfigMap", "metadata": {"name": "retrain"}, "data": {"workflow.yaml": text}}
    assert evaluate("610.4", seen=Snapshot("lab-610", [config])).kind is Kind.NOT_YET


@pytest.mark.parametrize(
    "when, end",
    [
        ("{{tasks.judge.outputs.parameters.verdict}} == better", "shown to be better becomes champion"),
        ("better == {{tasks.judge.outputs.parameters.verdict}}", "shown to be better becomes champion"),
        ("({{tasks.judge.outputs.parameters.verdict}} == better)", "without brackets"),
        (
            "{{tasks.judge.outputs.parameters.verdict}} != worse && {{tasks.judge.outputs.parameters.verdict}} != unsure",
            "one comparison",
        ),
    ],
)
def test_a_gate_is_read_as_the_controller_reads_it(when: str, end: str) -> None:
    text = (lab.manifests_of("610") / "retrain.yaml").read_text()
    text = text.replace("{{tasks.judge.outputs.parameters.verdict}} != worse", when)
    config = {"kind": "ConfigMap", "metadata": {"name": "retrain"}, "data": {"workflow.yaml": text}}
    outcome = evaluate("610.4", seen=Snapshot("lab-610", [config]))
    assert end in str(outcome)


def test_a_watch_that_looks_once_a_year_is_not_believed() -> None:
    seen = look.recorded("610-believable")
    watch = seen.get("CronJob", "watch") or {}
    yearly = {**watch, "spec": {**watch["spec"], "schedule": "0 0 1 1 *"}}
    outcome = evaluate("610.3", seen=Snapshot("lab-610", [yearly]))
    assert outcome.kind is Kind.FAIL and "looks less often" in proof.diagnosis(outcome)


@pytest.mark.parametrize(
    ("arguments", "said"), [("--level=nan --windows=365", "never rings"), ("--windows=nan", "broken after them")]
)
def test_a_watch_by_what_is_no_number_is_not_believed(arguments: str, said: str) -> None:
    seen = copy.deepcopy(look.recorded("610-believable"))
    watch = seen.get("CronJob", "watch") or {}
    watch["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["args"] = arguments.split()
    outcome = evaluate("610.3", seen=seen)
    assert outcome.kind is Kind.FAIL and said in proof.diagnosis(outcome)


def test_both_labs_bring_the_same_kind() -> None:
    texts = [(lab.manifests_of(number) / "definitions.yaml").read_text() for number in ("603", "610")]
    assert texts[0].replace("'603'", "'610'") == texts[1]

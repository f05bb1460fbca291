"""Lesson 604: usual mistakes, each with words of its own diagnosis, and right answers; on the cluster, recorded snapshots of both (see test_every_lesson)."""

import copy

import pytest

from labsupport.cluster.look import recorded
from labsupport.cluster.snapshot import Snapshot
from labsupport.exercises import proof
from labsupport.exercises.engine import evaluate
from labsupport.exercises.proof import Kind
from labsupport.lessons.cases import ending


def request(
    name: str = '"X"', shape: str = "list(a.shape)", datatype: str = '"FP32"', data: str = "a.ravel().tolist()"
) -> str:
    tensor = f'{{"name": {name}, "shape": {shape}, "datatype": {datatype}, "data": {data}}}'
    return f'def infer_request(rows):\n    a = np.asarray(rows, dtype=float)\n    return {{"inputs": [{tensor}]}}'


def rule(*lines: str) -> str:
    return "\n".join(["def desired_replicas(replicas, use, target, low, high):", *(f"    {line}" for line in lines)])


REST = "if abs(use / target - 1) <= 0.1: return min(max(replicas, low), high)"
CEIL = "return min(max(math.ceil(replicas * use / target), low), high)"
SERVER = "python -m labsupport.apps.server --model=models:/deploy-risk@champion --drain-seconds=2"


def by_shell(script: str) -> Snapshot:
    """Return the snapshot of the right answer, its server started by a shell's text."""
    seen = recorded("604-graceful")
    objects = copy.deepcopy(seen.objects)
    for one in objects:
        if one["kind"] == "Deployment" and one["metadata"]["name"] == "deploy-risk":
            one["spec"]["template"]["spec"]["containers"][0] |= {"command": ["sh", "-c", script], "args": []}
    return Snapshot(seen.namespace, objects, seen.events, seen.logs)


WRONG = {
    "604.1": {
        "leaves the list out": (
            'def infer_request(rows):\n    return {"inputs": {"name": "X", "data": rows.tolist()}}',
            "the tensor stands in a list",
        ),
        "returns nothing": ('def infer_request(rows):\n    {"inputs": []}', "no `return`"),
        "sends NumPy": (request(data="a"), "are no JSON"),
        "sends a tensor for each row": (
            'def infer_request(rows):\n    return {"inputs": [{"name": "X"} for row in [1, 2]]}',
            "all rows travel in one tensor",
        ),
        "calls the input input": (request(name='"input"'), "see its metadata"),
        "says float32": (request(datatype='"float32"'), "in capital letters"),
        "turns the shape round": (request(shape="list(a.shape)[::-1]"), "rows come first"),
        "says how many numbers": (request(shape="[a.size]"), "that is the length of the data"),
        "always says one row": (request(shape="[1, 8]"), "take it from the table"),
        "goes down the columns": (request(data="a.T.ravel().tolist()"), "go down the columns"),
        "sends the first row": (request(data="a[0].tolist()"), "only the first row"),
    },
    "604.2": {
        "never rests": (
            rule("return min(max(math.ceil(replicas * use / target), low), high)"),
            "or it would never rest",
        ),
        "rounds": (rule(REST, "return min(max(round(replicas * use / target), low), high)"), "round up"),
        "knows no limits": (
            rule("if abs(use / target - 1) <= 0.1: return replicas", "return math.ceil(replicas * use / target)"),
            "the limits hold",
        ),
        "has no limits while it rests": (
            rule(
                "if abs(use / target - 1) <= 0.1: return replicas",
                "return min(max(math.ceil(replicas * use / target), low), high)",
            ),
            "within the tolerance, too",
        ),
        "counts points": (
            rule(
                "if abs(use - target) <= 10: return min(max(replicas, low), high)",
                "return min(max(math.ceil(replicas * use / target), low), high)",
            ),
            "not 10 points",
        ),
        "divides the wrong way": (
            rule(REST, "return min(max(math.ceil(replicas * target / max(use, 1)), low), high)"),
            "upside down",
        ),
        "forgets the pods": (
            rule(REST, "return min(max(math.ceil(use / target), low), high)"),
            "multiply by `replicas`",
        ),
        "rests within a twentieth": (rule(REST.replace("0.1", "0.05"), CEIL), "54 % of 50 %"),
        "takes a tenth of the use": (
            rule(REST.replace("/ target - 1) <= 0.1", "- target) <= 0.1 * use"), CEIL),
            "136 % of 150 %",
        ),
        "rests above the target only": (
            rule(REST.replace("abs(use / target - 1)", "0 <= use / target - 1"), CEIL),
            "46 % of 50 %",
        ),
        "returns nothing": (rule("math.ceil(replicas * use / target)"), "no `return`"),
    },
    "604.3": {
        "keeps the shell": ("604-shell-more-grace", "has no handler for SIGTERM"),
        "waits once": ("604-trap-once", "`wait` once more"),
        "leaves the server in front": ("604-trap-in-front", "only when the program in front of it has ended"),
        "catches and keeps it": ("604-trap-nobody", "does not hand it on"),
        "ends at once": ("604-no-drain", "others still send"),
        "has too little grace": ("604-short-grace", "it must be longer"),
        "ends all before it begins": ("604-recreate", "ends all old pods"),
        "has no probe": ("604-no-probe", "before it can answer"),
        "adds a container": ("604-another-container", "merged by their name"),
        "runs something else": ("604-another-program", "holds the command as it was"),
        "crashes": ("604-crash", "has their last words"),
    },
    "604.4": {
        "lets none go": ("604-none-may-go", "none may ever go"),
        "keeps a share that is rounded up": ("604-share", "a share is rounded up"),
        "keeps none": ("604-none-stays", "both may go"),
        "protects nobody": ("604-nobody", "the budget protects nobody"),
        "has pods that are not ready": ("604-not-healthy", "not all pods are ready"),
    },
    "604.5": {
        "stays within both": ("case = (1.9, 7.5)", "0 met a server that takes none any more, 0 were cut off"),
        "knows no seconds": ('case = ("5 s", "1 s")', "seconds are numbers from 0 to 60"),
        "goes back in time": ("case = (-1, 2)", "these are [-1, 2]"),
        "gives one number": ("case = 5", "a pair of seconds"),
    },
}

RIGHT = {
    "604.1": {
        "with nested rows and an id": (
            "def infer_request(rows):\n"
            "    rows = [[float(x) for x in row] for row in np.asarray(rows)]\n"
            '    tensor = dict(name="X", shape=(len(rows), len(rows[0])), datatype="FP32", data=rows)\n'
            '    return {"id": "a", "inputs": [tensor]}'
        ),
    },
    "604.2": {
        "with integers": rule(
            "wanted = -(-replicas * use // target)",
            "if 9 * target <= 10 * use <= 11 * target: wanted = replicas",
            "return low if wanted < low else high if wanted > high else wanted",
        ),
    },
    "604.3": {
        "without a shell": "604-graceful",
        "by exec": "604-exec",
        "by exec, and more behind it": "604-exec-and-more",
        "by a trap that waits twice": "604-trap-twice",
    },
    "604.4": {"by those that stay": "604-one-stays", "by those that go": "604-one-goes"},
    "604.5": {"with a long answer": "case = [0.5, 12.0]", "with both": "case = (30, 60)"},
}


@pytest.mark.parametrize("key", ["604.3", "604.4"])
def test_an_empty_namespace_is_not_yet_an_answer(key) -> None:
    outcome = evaluate(key, seen=Snapshot("lab-604"))
    assert outcome.kind is Kind.NOT_YET
    assert "apply" in outcome.text


@pytest.mark.parametrize(("key", "begun"), [("604.3", "604-shell"), ("604.4", "604-all-stay")])
def test_what_was_not_touched_is_not_yet_an_answer(key, begun) -> None:
    outcome = proof.outcome_of(key, begun)
    assert outcome.kind is Kind.NOT_YET
    assert "still" in outcome.text


@pytest.mark.parametrize(
    "script",
    [
        f"set -e; exec {SERVER}",
        f"cd /tmp && exec {SERVER}",
        f"set -e\nexec \\\n{SERVER}\n",
        f"trap 'kill $child; wait $child' TERM INT; {SERVER} & child=$!; wait $child",
        f"trap 'kill -s TERM $child; wait' 15\n{SERVER} & child=$!\nwait",
    ],
)
def test_a_shell_that_gives_way_or_hands_the_signal_on_is_right(script) -> None:
    outcome = evaluate("604.3", seen=by_shell(script))
    assert outcome.kind is Kind.PASS, proof.diagnosis(outcome)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (f"cd /tmp && {SERVER}", "process 1 is a shell"),
        ("exec python -m http.server", "holds the command as it was"),
        (f"trap 'kill -TERM $child; wait $child' INT; {SERVER} & child=$!; wait $child", "this trap waits for INT"),
        (f"trap 'kill -9 $child; wait' TERM; {SERVER} & child=$!; wait", "SIGKILL ends the server at once"),
        (f"trap 'kill -s KILL $child; wait' TERM; {SERVER} & child=$!; wait", "SIGKILL ends the server at once"),
    ],
)
def test_a_shell_that_keeps_the_signal_is_explained(script, words) -> None:
    outcome = evaluate("604.3", seen=by_shell(script))
    assert outcome.kind is Kind.FAIL
    assert words in proof.diagnosis(outcome)


def test_an_end_loses_what_comes_too_late_and_what_takes_too_long() -> None:
    assert ending.end(drain=2, grace=10, news=2, longest=8) == ending.Lost(1101, 0, 0)
    late, long = ending.end(2, 10, 2.1, 1), ending.end(2, 10, 1, 12)
    assert (late.refused, late.killed) == (10, 0)
    assert long.refused == 0
    assert long.killed > 0

"""Lesson 604: usual mistakes, each with words of its own diagnosis, and right answers; on the cluster, recorded snapshots of both (see test_every_lesson)."""

import pytest

from labsupport.cluster.snapshot import Snapshot
from labsupport.exercises import proof
from labsupport.exercises.engine import evaluate
from labsupport.exercises.proof import Kind


def request(
    name: str = '"X"', shape: str = "list(a.shape)", datatype: str = '"FP32"', data: str = "a.ravel().tolist()"
) -> str:
    tensor = f'{{"name": {name}, "shape": {shape}, "datatype": {datatype}, "data": {data}}}'
    return f'def infer_request(rows):\n    a = np.asarray(rows, dtype=float)\n    return {{"inputs": [{tensor}]}}'


def rule(*lines: str) -> str:
    return "\n".join(["def desired_replicas(replicas, use, target, low, high):", *(f"    {line}" for line in lines)])


REST = "if abs(use / target - 1) <= 0.1: return min(max(replicas, low), high)"


def change(*lines: str) -> str:
    head = [
        "def repair(manifest):",
        '    spec = manifest["spec"]',
        '    pod = spec["template"]["spec"]',
        '    c = pod["containers"][0]',
    ]
    return "\n".join([*head, *(f"    {line}" for line in lines)])


SELECTOR = 'spec["selector"] = {"matchLabels": {"app": "tf"}}'
LABELS = 'spec["template"]["metadata"] = {"labels": {"app": "tf"}}'
VOLUME = 'pod["volumes"] = [{"name": "model-storage", "persistentVolumeClaim": {"claimName": "models"}}]'
IMAGE = 'c["image"] = "tensorflow/serving:2.19.1"'
PROBE = 'c["readinessProbe"] = {"httpGet": {"path": "/v1/models/my_model", "port": 8501}}'

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
        "returns nothing": (rule("math.ceil(replicas * use / target)"), "no `return`"),
    },
    "604.3": {
        "keeps the shell": ("604-shell-more-grace", "does not hand SIGTERM on"),
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
        "forgets the selector": (change(LABELS, VOLUME, IMAGE, PROBE), "which pods are its own"),
        "forgets the labels": (change(SELECTOR, VOLUME, IMAGE, PROBE), "what the selector asks for"),
        "forgets the volume": (change(SELECTOR, LABELS, IMAGE, PROBE), "each mount names a volume"),
        "removes the mount": (change(SELECTOR, LABELS, 'del c["volumeMounts"]', IMAGE, PROBE), "no model to serve"),
        "mounts nothing": (
            change(SELECTOR, LABELS, 'pod["volumes"] = [{"name": "model-storage", "emptyDir": {}}]', IMAGE, PROBE),
            "anything else is empty",
        ),
        "keeps the moving tag": (change(SELECTOR, LABELS, VOLUME, PROBE), "another program tomorrow"),
        "forgets the probe": (change(SELECTOR, LABELS, VOLUME, IMAGE), "has not loaded its model"),
        "probes another page": (
            change(SELECTOR, LABELS, VOLUME, IMAGE, PROBE.replace("/v1/models/my_model", "/healthz")),
            "when the model is loaded",
        ),
        "probes the gRPC port": (change(SELECTOR, LABELS, VOLUME, IMAGE, PROBE.replace("8501", "8500")), "speaks gRPC"),
        "writes the port in quotes": (
            change(SELECTOR, LABELS, VOLUME, IMAGE, PROBE.replace("8501", '"8501"')),
            "the *name* of a port",
        ),
        "throws the container away": (change(SELECTOR, LABELS, 'pod["containers"] = []'), "in its place"),
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
    },
    "604.4": {"by those that stay": "604-one-stays", "by those that go": "604-one-goes"},
    "604.5": {
        "by expressions": change(
            'spec["selector"] = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["tf"]}]}',
            LABELS,
            VOLUME,
            IMAGE,
            PROBE,
        ),
        "with named ports and a digest": change(
            SELECTOR,
            'spec["template"]["metadata"] = {"labels": {"app": "tf", "tier": "serving"}}',
            VOLUME,
            'c["image"] = "docker.io/tensorflow/serving@sha256:" + 64 * "0"',
            'c["ports"][1]["name"] = "rest"',
            PROBE.replace("8501", '"rest"'),
            "return manifest",
        ),
    },
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

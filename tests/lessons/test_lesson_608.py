"""Lesson 608: usual mistakes, each with words of its own diagnosis, and right answers; on the cluster, recorded snapshots of both (see test_every_lesson)."""

import pytest

from labsupport.cluster import lab, show
from labsupport.cluster.snapshot import Snapshot
from labsupport.exercises import proof
from labsupport.exercises.engine import evaluate
from labsupport.exercises.proof import Kind
from labsupport.lessons import lesson_608
from labsupport.lessons.cases import scaling_608


def rule(
    groups: str = '["apps"]',
    resources: str = '["deployments/scale"]',
    names: str | None = '["web-policy"]',
    verbs: str = '["patch"]',
) -> str:
    named = "" if names is None else f'"resourceNames": {names}, '
    return f'rules = [{{"apiGroups": {groups}, "resources": {resources}, {named}"verbs": {verbs}}}]'


def counts(
    out: str = '"deletionTimestamp" in pod["metadata"] or status["phase"] in ("Succeeded", "Failed")',
    is_ready: str = 'any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))',
    result: str = "ready, starting",
) -> str:
    return (
        "def seen(pods):\n"
        "    ready = starting = 0\n"
        "    for pod in pods:\n"
        '        status = pod["status"]\n'
        f"        if {out}:\n"
        "            continue\n"
        f"        if {is_ready}:\n"
        "            ready += 1\n"
        "        else:\n"
        "            starting += 1\n"
        f"    return {result}"
    )


WRONG = {
    "608.1": {
        "leaves the emptyDir": ("608-learner-empty", "the next pod finds an empty one"),
        "leaves the tries": ("608-learner-no-tries", "the first pod that is killed ends the Job"),
        "mounts elsewhere": ("608-learner-elsewhere", "a mount elsewhere keeps nothing"),
        "names another claim": ("608-learner-other-claim", "a claim which is not there waits for ever"),
        "only reads": ("608-learner-read-only", "is for those who use a model"),
        "is not killed": ("608-learner-not-killed", "does the cell above kill it"),
        "is cut off": ("608-learner-cut-off", "what do its pods say"),
    },
    "608.2": {
        "forgets the name": (rule(names=None), "it may scale every Deployment"),
        "names the Deployment": (rule(resources='["deployments"]'), "a right to a Deployment is none to its subresource"),
        "names the Deployment, too": (rule(resources='["deployments", "deployments/scale"]'), "may give it another image"),
        "names the bare subresource": (rule(resources='["scale"]'), "a subresource is named with what it belongs to"),
        "takes the group of pods": (rule(groups='[""]'), "is the group of pods and Services"),
        "updates": (rule(verbs='["update"]'), "is a PUT of the whole"),
        "takes all verbs": (rule(verbs='["*"]'), "one verb is enough"),
        "reads and writes it all": (rule(verbs='["get", "list", "watch", "patch", "update", "deletecollection"]'), "its one request is a PATCH"),
        "sets the status, too": (rule(resources='["deployments/scale", "deployments/status"]'), "allowed: patch deployments/status"),
        "scales ReplicaSets, too": (rule(resources='["deployments/scale", "replicasets/scale"]'), "allowed: patch replicasets/scale"),
        "names two groups": (rule(groups='["apps", ""]'), "allowed: patch deployments/scale, web-policy"),
        "names another Deployment, too": (rule(names='["web-policy", "mlflow"]'), "group apps, mlflow"),
        "writes ConfigMaps, too": (f"{rule()} + [{{'apiGroups': [''], 'resources': ['configmaps'], 'resourceNames': ['web-policy'], 'verbs': ['patch']}}]", "patch configmaps"),
        "reads Deployments, too": (f"{rule()} + [{{'apiGroups': ['apps'], 'resources': ['deployments'], 'verbs': ['get', 'list']}}]", "it sets the scale of one Deployment"),
        "takes all resources": (rule(resources='["*/scale"]'), "a star means all that there is"),
        "names it as kubectl does": (rule(names='["deployment/web-policy"]'), "plain names of objects"),
        "gives halves": ('rules = [{"apiGroups": ["apps"], "resources": ["deployments/scale"], "resourceNames": ["web-policy"], "verbs": ["get"]}, {"apiGroups": ["apps"], "resources": ["daemonsets"], "resourceNames": ["web-policy"], "verbs": ["patch"]}]', "two rules with a half each"),
        "gives one dictionary": ('rules = {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["patch"]}', "a Role has a list"),
        "gives a text for a list": (rule(verbs='"patch"'), "all four are lists"),
        "names a field that there is not": ('rules = [{"apiGroups": ["apps"], "resource": ["deployments/scale"], "verbs": ["patch"]}]', "knows no such field"),
        "gives no rule": ("rules = []", "no rule, no right"),
        "leaves out the group": ('rules = [{"resources": ["deployments/scale"], "verbs": ["patch"]}]', "refuses such a rule"),
    },
    "608.3": {
        "counts what runs": (counts(is_ready='status["phase"] == "Running"'), "may wait for its gate"),
        "looks at the containers": (counts(is_ready='any(c["type"] == "ContainersReady" and c["status"] == "True" for c in status.get("conditions", []))'), "the condition `Ready` decides"),
        "takes a text for a truth value": (counts(is_ready='any(c["type"] == "Ready" and c["status"] for c in status.get("conditions", []))'), "counts as true in Python"),
        "counts who is about to end": (counts(out='status["phase"] in ("Succeeded", "Failed")'), "who is about to end serves nobody soon"),
        "counts who is about to end as starting": (counts(out='status["phase"] in ("Succeeded", "Failed")', is_ready='any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", [])) and "deletionTimestamp" not in pod["metadata"]'), "who is about to end"),
        "counts who has failed": (counts(out='"deletionTimestamp" in pod["metadata"] or status["phase"] == "Succeeded"'), "never starts again"),
        "counts who has ended": (counts(out='"deletionTimestamp" in pod["metadata"] or status["phase"] == "Failed"'), "`Succeeded` has ended, too"),
        "forgets who has no node": (counts(out='"deletionTimestamp" in pod["metadata"] or status["phase"] in ("Succeeded", "Failed") or "nodeName" not in pod["spec"]'), "it was ordered and will come"),
        "forgets who is pending": (counts(out='"deletionTimestamp" in pod["metadata"] or status["phase"] in ("Succeeded", "Failed") or (status["phase"] == "Pending" and "nodeName" in pod["spec"])'), "Pending is starting, too"),
        "takes what is not False": (counts(is_ready='any(c["type"] == "Ready" and c["status"] != "False" for c in status.get("conditions", []))'), "only `True` is ready"),
        "compares with a truth value": (counts(is_ready='any(c["type"] == "Ready" and c["status"] is True for c in status.get("conditions", []))'), "which of these pods is ready"),
        "returns one number": (counts(result="ready"), "`return ready, starting`"),
        "returns nothing": (counts(result="None"), "no `return`"),
    },
    "608.4": {
        "names the number": ("608-release-14", "a manifest that names a number"),
        "takes the line out": ("608-release-one", "what nobody sets is 1"),
        "scales by hand afterwards": ("608-release-by-hand", "scaled back by hand"),
    },
    "608.5": {
        "takes faster pods": ("seconds = 30", "the sentence held"),
        "takes the edge": ("seconds = 300", "luck can explain it"),
        "takes none of the steps": ("seconds = 100", "in steps of 30"),
        "gives a text": ('seconds = "480"', "a number of seconds"),
    },
}  # fmt: skip

RIGHT = {
    "608.1": {"with more tries and another name of the volume": "608-learner-right"},
    "608.2": {
        "with a look at the scale": rule(verbs='["get", "patch"]'),
        "in two rules": 'rules = [{"apiGroups": ["apps"], "resources": ["deployments/scale"], "resourceNames": ["web-policy"], "verbs": ["get"]}, {"apiGroups": ("apps",), "resources": ["deployments/scale"], "resourceNames": ["web-policy"], "verbs": ["patch"]}]',
    },
    "608.3": {
        "by lists": (
            "def seen(pods):\n"
            '    there = [p for p in pods if not p["metadata"].get("deletionTimestamp") and p["status"]["phase"] not in {"Failed", "Succeeded"}]\n'
            '    ready = [p for p in there if {c["type"]: c["status"] for c in p["status"].get("conditions", [])}.get("Ready") == "True"]\n'
            "    return [len(ready), len(there) - len(ready)]"
        ),
        "as an array": "import numpy as np\n" + counts(result="np.array([ready, starting])"),
    },
    "608.4": {"by the server": "608-release-server", "by what kubectl believes": "608-release-believed"},
    "608.5": {"much slower": "seconds = 600", "as a float": "seconds = 510.0"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("608.1", "608-learner-given"),
        ("608.1", "nothing"),
        ("608.4", "nothing"),
        ("608.4", "608-release-before"),
        ("608.4", "608-release-not-arrived"),
    ],
)
def test_what_was_not_touched_is_not_yet_an_answer(key, given) -> None:
    outcome = evaluate(key, seen=Snapshot("lab-608")) if given == "nothing" else proof.outcome_of(key, given)
    assert outcome.kind is Kind.NOT_YET


def test_the_handouts_manifest_is_the_handouts() -> None:
    text = (lab.manifests_of("608") / "broken" / "rl-deployment.yaml").read_text()
    for words in ("kind: Deployment", "image: rl-training:latest", 'value: "/models/rl_model"', "mountPath: /models"):
        assert words in text
    assert "selector" not in text and "volumes:" not in text


@pytest.mark.parametrize("seconds", [30, 120, 240])
def test_pods_that_are_about_as_fast_as_in_training_leave_the_policy_the_cheaper_one(seconds) -> None:
    assert lesson_608.no_dearer(seconds).held


@pytest.mark.parametrize("seconds", [450, 480, 600])
def test_much_slower_pods_make_it_the_dearer_one(seconds) -> None:
    assert not lesson_608.no_dearer(seconds).held


def test_the_rule_of_the_manifests_allows_what_its_controller_asks() -> None:
    found = show.documents(lab.manifests_of("608") / "scalers.yaml")
    role = next(one for one in found if one["kind"] == "Role")
    own = scaling_608.Request("patch", "apps", "deployments/scale", "web-hpa", True, "")
    assert scaling_608.allows(role["rules"], own)
    assert not scaling_608.allows(role["rules"], scaling_608.OWN)

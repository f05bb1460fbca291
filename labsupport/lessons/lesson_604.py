"""Lesson 604, serving: checks on requests and manifests, and on snapshots of the cluster."""

import copy
import functools
import itertools
import json
import math
import shlex
from typing import Any

import numpy as np

from labsupport.cluster import look
from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded, learners_code
from labsupport.exercises.outcomes import Fail, NotAttempted
from labsupport.lessons.cases import selectors

Object = dict[str, Any]
exercises = Exercises("604")


@exercises.check(
    "1",
    "A request of the Open Inference Protocol",
    hints=(
        "One input: a dictionary with name, shape, datatype and data. Around it: a list, in a dictionary under `inputs`.",
        "`rows.shape` is a tuple such as (200, 8); `list(...)` makes the protocol's [200, 8] of it.",
        "`rows.ravel().tolist()` gives all numbers row after row, as plain Python numbers.",
    ),
)
def infer_request(answer: Guarded) -> str:
    """Try three tables, of one row, of several, and of another width; what JSON can't hold is named."""
    write = expect.function(answer)
    rng = np.random.default_rng(11)
    for shape in ((1, 8), (5, 8), (3, 2)):
        rows = rng.normal(size=shape).round(3)
        body = write(rows.copy())
        if not isinstance(body, dict) or not isinstance(body.get("inputs"), list):
            cause = "the tensor stands in a list, and the list in a dictionary: {'inputs': [{...}]}"
            if body is None:
                cause = "the function has no `return`"
            raise Fail(f"{type(body).__name__} {_short(body)}", "a dictionary with a list `inputs`", cause)
        try:
            body = json.loads(json.dumps(body))
        except TypeError as error:
            cause = "NumPy's own types are no JSON: `.tolist()` makes plain numbers of them"
            raise Fail(f"{error}", "what JSON can hold", cause) from None
        if len(body["inputs"]) != 1 or not isinstance(body["inputs"][0], dict):
            raise Fail(
                f"{len(body['inputs'])} inputs", "one input, X", "all rows travel in one tensor, not one in each"
            )
        tensor = body["inputs"][0]
        if tensor.get("name") != "X":
            raise Fail(f"name {tensor.get('name')!r}", "'X'", "the model's input has this name: see its metadata")
        if tensor.get("datatype") != "FP32":
            raise Fail(
                f"datatype {tensor.get('datatype')!r}", "'FP32'", "the protocol's word for float32, in capital letters"
            )
        if tensor.get("shape") != list(shape):
            cause = "the shape of the table: rows, then columns"
            if tensor.get("shape") == list(shape)[::-1]:
                cause = "rows come first, then columns"
            elif tensor.get("shape") == [shape[0] * shape[1]]:
                cause = "that is the length of the data; the shape says how they belong together"
            elif shape[0] > 1 and tensor.get("shape") in ([1, 8], [8], [1, shape[1]]):
                cause = "take it from the table: another table has other numbers of rows and columns"
            raise Fail(f"shape {tensor.get('shape')} for a table {shape}", f"{list(shape)}", cause)
        # The protocol takes nested rows, too.
        data = np.ravel(np.asarray(tensor.get("data", []), dtype=float))
        if data.size != rows.size or not np.allclose(data, rows.ravel()):
            cause = "all numbers, row after row"
            if data.size == rows.size and np.allclose(data, rows.T.ravel()):
                cause = "these go down the columns: the protocol goes along the rows, as `ravel()` does"
            elif data.size == shape[1] and shape[0] > 1:
                cause = "that is only the first row"
            raise Fail(f"data {_short(data.tolist())}", _short(rows.ravel().tolist()), cause)
    return "Any table becomes a request that every server of this protocol understands."


@exercises.check(
    "2",
    "The autoscaler's rule",
    hints=(
        "`ratio = use / target` says by which factor the pods are too busy.",
        "Within 10 % of 1 the number stays; else it is `math.ceil(replicas * ratio)`.",
        "The limits come last: `min(max(wanted, low), high)`.",
    ),
)
def desired_replicas(answer: Guarded) -> str:
    """Try cases below, above and within the tolerance, and at both limits."""
    rule = expect.function(answer)
    cases = [
        (2, 100, 50, 1, 10), (3, 70, 50, 1, 10), (2, 60, 50, 1, 10), (3, 60, 50, 1, 10), (4, 25, 50, 1, 10), (4, 1, 50, 2, 10), (2, 400, 50, 2, 4),
        (5, 52, 50, 1, 10), (7, 47, 50, 1, 10), (6, 48, 50, 1, 4), (1, 53, 50, 2, 4), (2, 0, 50, 1, 10),
    ]  # fmt: skip
    for replicas, use, target, low, high in cases:
        saw = expect.returned_number(functools.partial(rule, replicas, use, target, low, high), "the number of pods")
        rest = abs(use / target - 1) <= 0.1
        wanted = replicas if rest else math.ceil(replicas * use / target)
        expected = min(max(wanted, low), high)
        if saw == expected:
            continue
        text = f"{saw:g} for {replicas} pods at {use} % of {target} %, between {low} and {high}"
        free = replicas if rest else math.ceil(replicas * use / target)
        cause = "`ceil(pods * use / target)`, then the limits"
        if rest and saw == min(max(math.ceil(replicas * use / target), low), high):
            cause = "this is within 10 % of the target: leave the number as it is, or it would never rest"
        elif saw == free or saw == max(free, low) or saw == min(free, high):
            cause = "the limits hold also here, within the tolerance, too: never below `low`, never above `high`"
        elif abs(use - target) <= 10 and saw == min(max(replicas, low), high):
            cause = "10 % of the target are meant, not 10 points: compare `use / target` with 1"
        elif saw in (round(replicas * use / target), replicas * use // target):
            cause = "round up: a part of a pod does not help the others"
        elif saw == min(max(math.ceil(replicas * target / use), low), high) if use else False:
            cause = "upside down: the busier they are, the more pods"
        elif saw == min(max(math.ceil(use / target), low), high):
            cause = "the factor holds for the pods that there are: multiply by `replicas`"
        raise Fail(text, f"{expected}", cause)
    return "Twelve cases: the controller of Kubernetes does the same, by default each 15 seconds."


@exercises.check(
    "3",
    "An update without a lost request",
    hints=(
        "Which program is process 1 of the container? `kubectl get deployment deploy-risk -o yaml` shows its command.",
        'Give the container its command without the shell: `{"name": "server", "command": plain}`.',
        "And time: `terminationGracePeriodSeconds` beside `containers`, longer than `--drain-seconds`, 10 for example.",
    ),
    minutes=6,
    look=look,
)
def graceful(snapshot: Any) -> str:
    """Look at the Deployment `deploy-risk`: who gets SIGTERM, how long it answers after it, and whether all pods are so."""
    deployment = snapshot.get("Deployment", "deploy-risk")
    if deployment is None:
        raise NotAttempted("There is no Deployment `deploy-risk` in the namespace: apply server.yaml first.")
    template = deployment["spec"]["template"]["spec"]
    if len(template["containers"]) != 1:
        names = ", ".join(container["name"] for container in template["containers"])
        cause = "the patch added a container: containers are merged by their name, which is `server`"
        raise Fail(f"containers {names}", "the one container, server", cause)
    container = template["containers"][0]
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    shell = bool(words) and words[0].rsplit("/", 1)[-1] in ("sh", "bash", "dash")
    script = next((word for word in words[1:] if not word.startswith("-")), "") if shell else ""
    if script.endswith("; echo the server has ended") and template.get("terminationGracePeriodSeconds") == 1:
        raise NotAttempted("The server of `deploy-risk` is still wrapped in a shell, with 1 s of grace.")
    if shell and "trap" in script and "TERM" in script:
        cause = (
            "this shell catches SIGTERM, and may hand it on; but whether the server gets it depends on the script, and this "
            "check can't read it. `exec`, or no shell, makes the server process 1"
        )
        raise Fail(f"command {_short(words[:2])}, with a trap", "the server itself as process 1", cause)
    if shell and not script.lstrip().startswith("exec "):
        cause = "process 1 is a shell, which does not hand SIGTERM on: no shell, or `exec` in front of the program"
        raise Fail(f"command {_short(words[:2])}", "the server itself as process 1", cause)
    if shell:
        words = _first_command(script.lstrip().removeprefix("exec "))
    if "labsupport.apps.server" not in words:
        raise Fail(f"command {_short(words)}", "the model server", "`plain` holds the command as it was")
    drain, grace = _drain(words), template.get("terminationGracePeriodSeconds", 30)
    if drain < 1:
        cause = "it stops while others still send: the news that a pod goes takes a moment to reach everybody"
        raise Fail(f"--drain-seconds={drain:g}", "at least 1", cause)
    if grace <= drain:
        cause = "SIGKILL comes when the grace period ends, whatever the server still does: it must be longer"
        raise Fail(f"terminationGracePeriodSeconds {grace}, --drain-seconds={drain:g}", "more grace than drain", cause)
    strategy = deployment["spec"].get("strategy", {}).get("type", "RollingUpdate")
    if strategy == "Recreate":
        raise Fail("strategy Recreate", "RollingUpdate", "it ends all old pods before there is a new one")
    if "readinessProbe" not in container:
        cause = "without it a new pod gets requests before it can answer"
        raise Fail("no readinessProbe", "the probe that was there", cause)
    status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if updated < wanted or available < wanted:
        cause = "the update is under way: wait some seconds, and check again"
        if any(map(_crashes, snapshot.pods_of("deploy-risk"))):
            cause = "the new pods crash: `kubectl logs deployment/deploy-risk` has their last words"
        saw = f"{updated} of {wanted} pods are of the new kind, {available} can serve"
        raise Fail(saw, f"{wanted} new ones that serve", cause)
    return f"SIGTERM reaches the server, which answers for {drain:g} s more, and has {grace} s for it."


def _first_command(script: str) -> list[str]:
    """Return the words of a shell's text up to the first `;` or the like."""
    lexer = shlex.shlex(script, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    return list(itertools.takewhile(lambda word: not set(word) <= set(";&|"), lexer))


def _crashes(pod: Object) -> bool:
    statuses = pod.get("status", {}).get("containerStatuses") or []
    return any(status.get("restartCount") or "terminated" in status.get("state", {}) for status in statuses)


def _drain(words: list[str]) -> float:
    """Return the server's --drain-seconds, 2 when nothing is said."""
    for at, word in enumerate(words):
        name, _, value = word.partition("=")
        if name == "--drain-seconds":
            try:
                return float(value or words[at + 1])
            except (ValueError, IndexError):
                return 0.0
    return 2.0


@exercises.check(
    "4",
    "A budget that lets one go",
    hints=(
        "There are two pods. How many must stay, so that one may go?",
        "`minAvailable` counts pods that stay. The patch merges into `spec`.",
        '`{"spec": {"minAvailable": 1}}`',
    ),
    minutes=4,
    look=look,
)
def budget(snapshot: Any) -> str:
    """Look at the PodDisruptionBudget `deploy-risk` and at what its controller makes of it."""
    found = snapshot.get("PodDisruptionBudget", "deploy-risk")
    if found is None:
        raise NotAttempted("There is no PodDisruptionBudget `deploy-risk` in the namespace: apply budget.yaml first.")
    spec, status = found["spec"], found.get("status", {})
    stays, goes = spec.get("minAvailable"), spec.get("maxUnavailable")
    if stays == 2 and goes is None:
        raise NotAttempted("The budget `deploy-risk` still wants both pods to stay.")
    said = f"minAvailable {stays}" if goes is None else f"maxUnavailable {goes}"
    pods = status.get("expectedPods", 0)
    labels = (spec.get("selector") or {}).get("matchLabels") or {}
    if not pods:
        raise Fail(
            f"selector {labels}, no pod", "the pods of deploy-risk", "the budget protects nobody: look at its selector"
        )
    must_stay = status.get("desiredHealthy", 0)
    if must_stay >= pods:
        cause = "all must stay, so none may ever go: every drain of a node waits for ever"
        if isinstance(stays, str):
            cause = "a share is rounded up: of two pods, anything above 50 % means both"
        raise Fail(f"{said}: {must_stay} of {pods} pods must stay", "one may go", cause)
    if must_stay == 0:
        cause = "then both may go at the same time, and nobody answers"
        raise Fail(f"{said}: none of {pods} pods must stay", "one stays", cause)
    if not status.get("disruptionsAllowed"):
        cause = "the budget is right, but not all pods are ready yet: wait some seconds, and check again"
        raise Fail(f"{status.get('currentHealthy', 0)} healthy pods, none may go now", "one may go", cause)
    return f"Of {pods} pods {must_stay} must stay: a node can be drained, and somebody always answers."


def _handed_over() -> Object:
    from labsupport.cluster import lab, show

    return show.documents(lab.manifests_of("604") / "broken" / "tensorflow-serving.yaml")[0]


@exercises.check(
    "5",
    "TensorFlow Serving, repaired",
    hints=(
        "A selector, and labels of the template that match it. The template has no `metadata` yet.",
        "`volumes` belongs to `spec.template.spec`: name `model-storage`, `persistentVolumeClaim: {claimName: models}`.",
        "In the container: image with a tag, `readinessProbe: {httpGet: {path: /v1/models/my_model, port: 8501}}`.",
    ),
    minutes=7,
    may_change=True,
)
def repair(answer: Guarded) -> str:
    """Look at selector, labels, volume, image and probe of the repaired Deployment, in the order in which servers complain."""
    change = expect.function(answer)
    before = _handed_over()
    given = copy.deepcopy(before)
    with learners_code():
        # Not through Guarded: it may change the manifest in place, and would change a copy.
        returned = change.function(given)
    after: Any = given if returned is None else returned
    if after == before:
        raise NotAttempted("Nothing was changed yet.")
    try:
        spec, pod = after["spec"], after["spec"]["template"]["spec"]
        container = pod["containers"][0]
    except (KeyError, TypeError, IndexError):
        cause = "add to what is there, and leave `spec.template.spec.containers` in its place"
        raise Fail(_short(after), "the Deployment with its container", cause) from None
    selector = spec.get("selector") or {}
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        cause = "`spec.selector.matchLabels` says which pods are its own"
        raise Fail(f"selector {spec.get('selector')}", "{'matchLabels': {...}}", cause)
    labels = (spec["template"].get("metadata") or {}).get("labels") or {}
    if not selectors.matches(selector, labels):
        cause = "`spec.template.metadata.labels` must have what the selector asks for"
        raise Fail(f"selector {selector}, labels {labels}", "labels that match", cause)
    mounts = {mount.get("name"): mount.get("mountPath") for mount in container.get("volumeMounts") or []}
    if "/models" not in mounts.values():
        raise Fail("no mount at /models", "the mount that was there", "without it there is no model to serve")
    volumes = {volume.get("name"): volume for volume in pod.get("volumes") or [] if isinstance(volume, dict)}
    if missing := [name for name in mounts if name not in volumes]:
        cause = "each mount names a volume of the pod, in `spec.template.spec.volumes`"
        raise Fail(f"no volume named {missing[0]}", "a volume for each mount", cause)
    claim = next(
        (volumes[name].get("persistentVolumeClaim") or {} for name, at in mounts.items() if at == "/models"), {}
    )
    if claim.get("claimName") != "models":
        cause = "the models lie on a claim: `persistentVolumeClaim: {claimName: models}`; anything else is empty"
        raise Fail(f"the volume's claim {claim.get('claimName')}", "models", cause)
    name, _, tag = container.get("image", "").rpartition("/")[2].partition(":")
    tag = tag.partition("@")[0] or ("a digest" if "@sha256:" in container.get("image", "") else "")
    if name.partition("@")[0] != "serving" or not tag or tag == "latest":
        cause = "`latest` is another program tomorrow: name a version, such as tensorflow/serving:2.19.1"
        raise Fail(f"image {container.get('image')}", "a tag that stays", cause)
    probe = container.get("readinessProbe")
    if not probe:
        raise Fail(
            "no readinessProbe", "one that asks for the model", "a server that runs has not loaded its model yet"
        )
    asks = probe.get("httpGet") or {}
    if asks.get("path") != "/v1/models/my_model":
        cause = "this page answers 200 when the model is loaded; others do not know"
        raise Fail(f"the probe asks for {asks.get('path')}", "/v1/models/my_model", cause)
    if str(asks.get("port")).isdecimal() and isinstance(asks.get("port"), str):
        cause = (
            "a port in quotes is the *name* of a port, and a name has a letter: write the number 8501 without quotes"
        )
        raise Fail(f"the probe asks at port {asks.get('port')!r}, a text", "8501, a number", cause)
    named = {port.get("name"): port.get("containerPort") for port in container.get("ports") or []}
    if named.get(asks.get("port"), asks.get("port")) != 8501:
        is_grpc = named.get(asks.get("port"), asks.get("port")) == 8500
        cause = "8500 speaks gRPC; the page is at the REST port" if is_grpc else ""
        question = "" if is_grpc else "at which of the container's ports is the page?"
        raise Fail(f"the probe asks at port {asks.get('port')}", "8501", cause, question=question)
    return "Selector, volume, tag and probe: the API server will take it, and a pod is ready when its model is."


def _short(value: Any, limit: int = 70) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


exercises.quiz(
    "a",
    "Suppose our server collected requests for 5 ms before each call. What could these 16 clients get at most, however fast the model is?",
    ("As much as now: larger batches, fewer calls.", False, "Calls get fewer, but every client waits at least 5 ms for each answer, and asks nothing meanwhile."),
    ("200 answers a second: one call each 5 ms.", False, "That many calls, yes. But a call may hold a question of each of the 16 clients."),
    ("3,200 answers a second: 16 each 5 ms.", True, "In a closed loop each client gets one answer in 5 ms. Waiting pays where a call is dear and clients are many, as on a GPU."),
    ("More than now: a batch costs less than its rows one by one.", False, "It does, but that gain is microseconds a row here, and the price is 5 ms an answer."),
)  # fmt: skip
exercises.quiz(
    "b",
    "The alias `champion` moved to another version, and no pod was restarted. When do you still need a rolling update?",
    ("When the server's program, its settings or its image change.", True, "The alias moves the model only. All else of a pod is in its template, and a new template means new pods."),
    ("When the new version has a higher number than the old one.", False, "The server looks whether the version is another one, not whether it is higher: it also goes back."),
    ("When requests are under way.", False, "That is what the reload was made for: old requests end on the old version."),
)  # fmt: skip
exercises.quiz(
    "c",
    "A server gets SIGTERM itself. It has `--drain-seconds=10`, and its pod `terminationGracePeriodSeconds: 5`. What will an update do?",
    ("Each old pod ends ten seconds after SIGTERM; no request is lost.", False, "The grace period is the limit, whatever the program intends."),
    ("Each old pod is killed after five seconds, while it still takes requests.", True, "Draining was to be over before the grace is: SIGKILL comes in the middle of answers. The grace must be the longer of the two."),
    ("Nothing: the API server refuses the manifest.", False, "To Kubernetes a command is text; it does not know what `--drain-seconds` means."),
)  # fmt: skip
exercises.quiz(
    "d",
    "The API server takes your manifest in a dry run. What may still go wrong?",
    ("A mount without a volume.", False, "That is one of the rules which a server-side dry run asks; a schema alone would not."),
    ("A field that is misspelt.", False, "It is refused as an unknown field, where the kind has a schema."),
    ("An image that does not exist.", True, "Nobody behind the API server is asked: no scheduler, no kubelet, no volume's driver."),
    ("A selector that does not match its template's labels.", False, "The API server checks this when it validates the Deployment, in a dry run as well."),
)  # fmt: skip

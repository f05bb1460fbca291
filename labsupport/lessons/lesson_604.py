"""Lesson 604, serving: checks on requests and a rule, and on snapshots of the cluster."""

import functools
import itertools
import json
import math
import re
import shlex
from typing import Any

import numpy as np

from labsupport.cluster import look, rollout
from labsupport.cluster.rollout import Stage
from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, FinalFail, NotAttempted
from labsupport.exercises.refute import Measured, OutsideRules
from labsupport.lessons.cases import ending

Object = dict[str, Any]
exercises = Exercises("604")
SERVER = "labsupport.apps.server"


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
        "The load is what all pods use together, `replicas * use`. `use / target` says by which factor the pods are too busy.",
        "Where `0.9 <= ratio <= 1.1`, with `ratio = use / target`, the number stays; else it is `math.ceil(replicas * ratio)`.",
        "The limits come last: `min(max(wanted, low), high)`.",
    ),
)
def desired_replicas(answer: Guarded) -> str:
    """Try cases below, above and within the tolerance, and at both limits."""
    rule = expect.function(answer)
    cases = [
        (2, 100, 50, 1, 10), (3, 70, 50, 1, 10), (2, 60, 50, 1, 10), (3, 60, 50, 1, 10), (4, 25, 50, 1, 10), (4, 1, 50, 2, 10), (2, 400, 50, 2, 4),
        (5, 52, 50, 1, 10), (7, 47, 50, 1, 10), (6, 48, 50, 1, 4), (1, 53, 50, 2, 4), (2, 0, 50, 1, 10),
        (4, 54, 50, 1, 10), (20, 46, 50, 1, 30), (20, 136, 150, 1, 30),
    ]  # fmt: skip
    for replicas, use, target, low, high in cases:
        saw = expect.returned_number(functools.partial(rule, replicas, use, target, low, high), "the number of pods")
        rest = 0.9 <= use / target <= 1.1
        wanted = replicas if rest else math.ceil(replicas * use / target)
        expected = min(max(wanted, low), high)
        if saw == expected:
            continue
        text = f"{saw:g} for {replicas} pods at {use} % of {target} %, between {low} and {high}"
        free = replicas if rest else math.ceil(replicas * use / target)
        cause = "the load is `replicas * use`; over how many pods must it be spread so that none is above the target?"
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
    return f"{len(cases)} cases: the controller of Kubernetes does the same, by default each 15 seconds."


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
    deployment, rolled = snapshot.get("Deployment", "deploy-risk"), rollout.of(snapshot, "deploy-risk")
    if deployment is None or rolled is None:
        raise NotAttempted("There is no Deployment `deploy-risk` in the namespace: apply server.yaml first.")
    template = deployment["spec"]["template"]["spec"]
    if len(template["containers"]) != 1:
        names = ", ".join(container["name"] for container in template["containers"])
        cause = "the patch added a container: containers are merged by their name, which is `server`"
        raise FinalFail(f"containers {names}", "the one container, server", cause)
    container = template["containers"][0]
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    shell = bool(words) and words[0].rsplit("/", 1)[-1] in ("sh", "bash", "dash")
    script = next((word for word in words[1:] if not word.startswith("-")), "") if shell else ""
    if script.endswith("; echo the server has ended") and template.get("terminationGracePeriodSeconds") == 1:
        raise NotAttempted("The server of `deploy-risk` is still wrapped in a shell, with 1 s of grace.")
    if shell and "trap" in script:
        words = _trapped(script)
    elif shell and not (programs := [one[1:] for one in _commands(script) if one[0] == "exec"]):
        cause = "process 1 is a shell, which has no handler for SIGTERM and hands nothing on: no shell, or `exec` in front of the program"
        raise FinalFail(f"command {_short(words[:2])}", "a server that gets the signal", cause)
    elif shell:
        words = next((one for one in programs if SERVER in one), programs[0])
    if SERVER not in words:
        raise FinalFail(f"command {_short(words)}", "the model server", "`plain` holds the command as it was")
    drain, grace = _drain(words), template.get("terminationGracePeriodSeconds", 30)
    if drain < 1:
        cause = "it stops while others still send: the news that a pod goes takes a moment to reach everybody"
        raise FinalFail(f"--drain-seconds={drain:g}", "at least 1", cause)
    if grace <= drain:
        cause = "SIGKILL comes when the grace period ends, whatever the server still does: it must be longer"
        raise FinalFail(
            f"terminationGracePeriodSeconds {grace}, --drain-seconds={drain:g}", "more grace than drain", cause
        )
    strategy = deployment["spec"].get("strategy", {}).get("type", "RollingUpdate")
    if strategy == "Recreate":
        raise FinalFail("strategy Recreate", "RollingUpdate", "it ends all old pods before there is a new one")
    if "readinessProbe" not in container:
        cause = "without it a new pod gets requests before it can answer"
        raise FinalFail("no readinessProbe", "the probe that was there", cause)
    if not rolled.complete:
        cause = "the update is under way: wait some seconds, and check again"
        if rolled.stage is Stage.CRASH:
            cause = "the new pods crash: `kubectl logs deployment/deploy-risk` has their last words"
        saw = f"{rolled.updated} of {rolled.wanted} pods are of the new kind, {rolled.available} can serve"
        raise Fail(saw, f"{rolled.wanted} new ones that serve", cause)
    return f"SIGTERM reaches the server, which answers for {drain:g} s more, and has {grace} s for it."


def _trapped(script: str) -> list[str]:
    """Return the server's words in a shell's text that hands SIGTERM on; raises Fail for one that ends before its server."""
    want = "a shell that hands SIGTERM on, and stays until the server has ended"
    saw, words = f"sh -c {_short(script)}", _words(script)
    if not re.search(r"\bkill\b", script):
        raise Fail(saw, want, "the trap catches SIGTERM and does not hand it on: `kill` the server in it")
    if re.search(r"\bkill\s+-(s\s*)?(9|(SIG)?KILL)\b", script):
        cause = "SIGKILL ends the server at once, in the middle of its answers: hand TERM on, as plain `kill` does"
        raise Fail(saw, want, cause)
    signals = [signal for command in _commands(script) if command[0] == "trap" for signal in command[2:]]
    if not {"TERM", "SIGTERM", "15"} & set(signals):
        cause = f"a pod's end is told by TERM, and this trap waits for {', '.join(signals) or 'nothing'}"
        raise Fail(saw, want, cause)
    if "&" not in words:
        cause = "a shell runs its trap only when the program in front of it has ended: start that with `&`, then `wait`"
        raise Fail(saw, want, cause)
    if len(re.findall(r"\bwait\b", script)) < 2 and not {"while", "until"} & set(words):
        cause = (
            "the signal ends the first `wait` at once; then the script is over, and with process 1 all of the container is "
            "killed, while the server still drains. `wait` once more"
        )
        raise Fail(saw, want, cause)
    return next((words for words in _commands(script) if words[0].startswith("python")), words)


def _commands(script: str) -> list[list[str]]:
    """Return the simple commands of a shell's text, each as its words."""
    lines = script.replace("\\\n", " ").replace("\n", " ; ")
    parts = itertools.groupby(_words(lines), key=lambda word: set(word) <= set(";&|"))
    return [list(words) for ends, words in parts if not ends]


def _words(script: str) -> list[str]:
    lexer = shlex.shlex(script, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        return list(lexer)
    except ValueError:
        raise Fail(f"sh -c {_short(script)}", "a script that a shell can read", "a quote is not closed") from None


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
    return f"Of {pods} pods {must_stay} must stay: a node can be drained, and no eviction takes the last one."


@exercises.refute(
    "5",
    "A server that gets SIGTERM, answers for 2 s after it and has 10 s of grace loses no request",
    case="a pair: seconds until the last client has heard that the pod goes, and seconds that the longest answer takes (0 to 60 each)",
    hints=(
        "When does the last request come to this pod, and when does this pod stop to take requests?",
        "Or: a request comes just before that. When must its answer be ready?",
        "Let the news take longer than the drain, or an answer longer than the grace.",
    ),
    minutes=5,
)
def such_an_end_loses_nothing(case: Any) -> Measured:
    """Send a hundred requests a second to a pod that ends; it fails when one meets a closed door or SIGKILL."""
    if not isinstance(case, list | tuple | np.ndarray) or len(case) != 2:
        raise OutsideRules("a case is a pair of seconds such as (0.5, 0.2)")
    numbers = [one for one in case if isinstance(one, int | float | np.number) and not isinstance(one, bool)]
    if len(numbers) < 2 or not all(0 <= float(one) <= 60 for one in numbers):
        raise OutsideRules(f"seconds are numbers from 0 to 60, these are {_short(list(case))}")
    news, longest = map(float, numbers)
    lost = ending.end(drain=2.0, grace=10.0, news=news, longest=longest)
    return Measured(lost.refused + lost.killed == 0, str(lost))


exercises.guess("g1", "How many times as many answers a second our server gives as the tutorial's", unit="")
exercises.guess("g2", "While the alias moves there and back under load, at least one request fails")
exercises.guess("g3", "The update of the wrapped server loses no request")


def _short(value: Any, limit: int = 70) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


exercises.quiz(
    "a",
    "Suppose our server collected requests for 50 ms before each call. What could these 16 clients get at most, however fast the model is?",
    ("As much as now: larger batches, fewer calls.", False, "Calls get fewer, but every client waits at least 50 ms for each answer, and asks nothing meanwhile."),
    ("20 answers a second: one call each 50 ms.", False, "That many calls, yes. But a call may hold a question of each of the 16 clients."),
    ("320 answers a second: 16 each 50 ms.", True, "In a closed loop each client gets one answer in 50 ms. Waiting pays where a call is dear and clients are many, as on a GPU."),
    ("More than now: a batch costs less than its rows one by one.", False, "It does, but that gain is microseconds a row here, and the price is 50 ms an answer."),
)  # fmt: skip
exercises.quiz(
    "b",
    "Version 7 of the model needs a ninth number, which `/predict` must compute from the request. How do you bring both into production?",
    ("First the alias, so that version 7 is there when the new program starts.", False, "The old program meets the new model at once: every question has eight numbers where nine are wanted."),
    ("First a program that can serve both versions, then the alias.", True, "Two changes that depend on each other become two steps, each of which can be taken back. In between, old and new pods may meet both models."),
    ("Both in the same minute: the rollout and the alias.", False, "A rollout takes as long as it takes, and pods of both kinds answer meanwhile. There is no same minute."),
    ("Scale to zero, change both, scale up.", False, "That is right about the order and an outage for everybody."),
)  # fmt: skip
exercises.quiz(
    "c",
    "After each update some requests fail with 503 *model not loaded*. The server catches SIGTERM, drains 5 s, and has 30 s of grace. Its readiness probe asks `/v2/health/live`. Where are they lost?",
    ("At the end of the old pods: 5 s of draining are too few.", False, "Then connections would be refused or cut off. A 503 about a model comes from a server that has just begun."),
    ("At SIGKILL: 30 s are not enough.", False, "After 5 s of draining nothing is left to kill. And a killed server sends no status."),
    ("At the start of the new pods: the probe says yes too soon.", True, "Alive is not ready. The Service sends requests from the first yes on, and the rollout takes the next old pod away."),
    ("In the Service: its selector matches pods of both templates.", False, "So it should, for an update is a while with both. What matters is which of them are ready."),
)  # fmt: skip
exercises.quiz(
    "d",
    "A node upgrade has hung for an hour: *Cannot evict pod as it would violate the pod's disruption budget*. The Deployment has one replica, its budget says `minAvailable: 1`. What do you do?",
    ("Scale to two; when the second is ready, the drain goes on by itself.", True, "The budget is kept and the node gets empty. With one replica such a budget can only say no: it belongs to two or more."),
    ("Set `maxUnavailable: 0` instead.", False, "The same promise in other words: none may go."),
    ("Delete the pod by hand.", False, "A budget counts evictions, so that works: it is the outage which somebody did not want."),
    ("Raise `terminationGracePeriodSeconds`, so that the pod may end in peace.", False, "It never gets as far as that: the eviction itself is refused."),
)  # fmt: skip

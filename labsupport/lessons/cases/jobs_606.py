"""Cases of lab 606: nodes and pods with GPUs to count, failures for a policy to judge, and a queue of workers for four GPUs."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
GPU = "nvidia.com/gpu"


@dataclass(frozen=True)
class Case:
    """A node with its pods, how many GPUs are free, what is special about it, and why one may count another number."""

    node: Object
    pods: list[Object]
    free: int
    told: str
    cause: str = ""


def node(name: str, whole: int | None, working: int | None = None) -> Object:
    """Return a Node with so many GPUs, of which some are working; None: it does not name any."""
    plain = {"cpu": "8", "memory": "32Gi"}
    capacity = plain | ({} if whole is None else {GPU: str(whole)})
    allocatable = plain | ({} if whole is None else {GPU: str(whole if working is None else working)})
    return {"kind": "Node", "metadata": {"name": name}, "status": {"capacity": capacity, "allocatable": allocatable}}


def pod(name: str, *gpus: int | None, on: str | None = "one", phase: str = "Running", **metadata: Any) -> Object:
    """Return a Pod with a container for each number of GPUs; None: its container does not name any resources."""
    containers = []
    for number, each in enumerate(gpus):
        asked = {"cpu": "1"} | ({GPU: str(each)} if each else {})
        resources = (
            {} if each is None else {"requests": asked, "limits": {key: asked[key] for key in asked if key == GPU}}
        )
        containers.append({"name": f"worker-{number}", "image": "train:1.0", "resources": resources})
    spec = {"containers": containers} | ({"nodeName": on} if on else {})
    status = {"phase": phase}
    return {"kind": "Pod", "metadata": {"name": name, **metadata}, "spec": spec, "status": status}


SINGLE = (
    Case(node("one", 4), [], 4, "a node with 4 and no pods"),
    Case(node("one", 4), [pod("a", 1), pod("b", 1)], 2, "4 GPUs, two pods that hold 1 each"),
    Case(node("one", 8), [pod("a", 3)], 5, "8 GPUs, one pod that holds 3", "count what a pod asks for, not pods"),
    Case(node("one", 8), [pod("a", 1, 2)], 5, "8 GPUs, a pod of two containers that ask for 1 and 2", "each container asks by itself: add them up"),
    Case(node("one", 4, working=3), [pod("a", 1)], 2, "4 GPUs of which 3 can be given, one pod", "`capacity` counts broken ones, too: `allocatable` is what can be given"),
    Case(node("one", 4), [pod("a", 1), pod("done", 2, phase="Succeeded")], 3, "4 GPUs, a pod that runs and one that has succeeded", "a pod that has ended holds nothing: `Succeeded`, and `Failed`"),
    Case(node("one", 4), [pod("a", 1), pod("done", 2, phase="Failed")], 3, "4 GPUs, a pod that runs and one that has failed", "a pod that has failed has ended, too"),
    Case(node("one", 4), [pod("a", 1), pod("other", 2, on="two")], 3, "4 GPUs, and one of two pods is on another node", "compare `spec.nodeName` with the node's name"),
    Case(node("one", 4), [pod("a", 1), pod("waits", 2, on=None, phase="Pending")], 3, "4 GPUs, and one of two pods has no node yet", "a pod without a node holds nothing: it waits for this very thing"),
    Case(node("one", 4), [pod("a", 1), pod("pulls", 2, phase="Pending")], 1, "4 GPUs, a pod that runs and one that is bound and pulls its image (Pending)", "`Pending` is also a pod that has a node, and starts: what is bound holds"),
    Case(node("one", 4), [pod("a", 1), pod("lost", 2, phase="Unknown")], 1, "4 GPUs, a pod that runs and one whose phase is Unknown", "only `Succeeded` and `Failed` have ended for good"),
    Case(node("one", 4), [pod("a", 1), pod("goes", 1, deletionTimestamp="2026-01-05T08:00:00Z")], 2, "4 GPUs, two pods of which one is about to end", "a pod that is being deleted holds until it has ended"),
    Case(node("one", 4), [pod("a", 0), pod("b", None)], 4, "4 GPUs, and two pods that ask for none"),
    Case(node("one", None), [pod("a", 0)], 0, "a node that names no GPUs"),
    Case(node("one", 2), [pod("a", 1), pod("b", 1)], 0, "2 GPUs, both held"),
)  # fmt: skip


def mixed(rng: random.Random) -> Iterator[Case]:
    """Yield nodes with several pods of all kinds, in any order."""
    kinds = (
        ("Running", "one", True), ("Pending", "one", True), ("Running", "two", False), ("Pending", None, False),
        ("Succeeded", "one", False), ("Failed", "one", False),
    )  # fmt: skip
    for number in range(6):
        free, pods = 40, []
        for place in range(rng.randint(3, 9)):
            phase, on, holds = rng.choice(kinds)
            asked = [rng.choice((0, 1, 2, None)) for _ in range(rng.randint(1, 2))]
            pods.append(pod(f"pod-{place}", *asked, on=on, phase=phase))
            free -= sum(each or 0 for each in asked) if holds else 0
        yield Case(
            node("one", 48, working=40),
            pods,
            free,
            f"mixed case {number + 1}, 40 of 48 GPUs can be given, {len(pods)} pods",
        )


# How a worker ended: its status, whether its node was drained, what is wanted, and the cause of what else one may get.
FAILURES: tuple[tuple[int, bool, str, dict[str, str]], ...] = (
    (2, False, "FailJob", {"Ignore": "a typo would be tried again for ever: nothing counts it", "Count": "nothing matches 2 before it counts, so it is tried again: rules are read from the top"}),
    (3, False, "Ignore", {"FailJob": "one killed pod would end the training: its neighbours say 3", "Count": "each loss uses up a try of both neighbours, who have done nothing wrong"}),
    (137, False, "Count", {"Ignore": "a worker that needs too much memory would be killed and tried again for ever", "FailJob": "a pod that was killed deserves another try"}),
    (1, False, "Count", {"Ignore": "a crash that comes each time would be tried for ever", "FailJob": "a crash may be a disk or a network that hiccups: the table wants another try"}),
    (143, False, "Count", {"Ignore": "a pod that was ended without a drained node counts", "FailJob": "a pod that was ended deserves another try"}),
    (2, True, "Ignore", {"FailJob": "nothing tells a drained node from a typo: `onPodConditions`", "Count": "status 2 counts here, and no rule matches a drained node: `onPodConditions`"}),
    (137, True, "Ignore", {"Count": "nothing tells a drained node from a crash: `onPodConditions`, type `DisruptionTarget`, status `\"True\"`"}),
    (1, True, "Ignore", {"Count": "a drained node is nobody's failure, whatever the program said"}),
    (3, True, "Ignore", {}),
)  # fmt: skip
_OTHERS = set(range(1, 256)) - {code for code, *_ in FAILURES}
FAILURES += tuple(
    (code, False, "Count", {"Ignore": "the table ignores 3 alone: any other status counts", "FailJob": "the table ends the training at 2 alone: any other status counts"})
    for code in sorted(_OTHERS)
)  # fmt: skip
FAILURES += tuple((code, True, "Ignore", {}) for code in sorted(_OTHERS))
WORKER = "worker"
"""The name of the only container of the pods."""


def judged(rules: list[Object], code: int, drained: bool) -> str:
    """Return what a Job's podFailurePolicy does with a failed pod, as the Job controller reads it: the first rule that matches."""
    for rule in rules:
        if on := rule.get("onExitCodes"):
            matches = (code in on["values"]) == (on["operator"] == "In") and on.get("containerName", WORKER) == WORKER
        else:
            conditions = {"DisruptionTarget": "True"} if drained else {}
            matches = any(
                conditions.get(one["type"]) == one.get("status", "True") for one in rule.get("onPodConditions") or []
            )
        if matches:
            return str(rule["action"])
    return "Count"


def knows_drained(rules: list[Object]) -> bool:
    """Tell whether a rule for conditions matches a pod of a drained node, in whatever place it stands."""
    return any(judged([rule], 137, drained=True) == rule["action"] for rule in rules if rule.get("onPodConditions"))


def played(order: str, gpus: int, workers: int) -> tuple[dict[str, int], list[str]]:
    """Give GPUs to the pods of trainings A and B in that order; return what each holds when nothing moves, and who completed."""
    held, complete, queue = dict.fromkeys("AB", 0), [], list(order)
    while queue and sum(held.values()) < gpus:
        name = queue.pop(0)
        held[name] += 1
        if held[name] == workers:
            complete.append(name)
            held[name] = 0
    return held, complete

"""Cases of lab 608: requests that rules of a Role allow or not, and pods of a Deployment to count."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What an account asks of the API server, and whether it should be allowed; None: either will do."""

    verb: str
    group: str
    resource: str
    name: str
    wanted: bool | None
    cause: str

    def __str__(self) -> str:
        group = f" of the group {self.group}" if self.group else ""
        return f"{self.verb} {self.resource}{group}, {self.name}"


OWN = Request("patch", "apps", "deployments/scale", "web-policy", True, "")
REQUESTS = (
    OWN,
    Request("patch", "apps", "deployments/scale", "web-hpa", False, "without `resourceNames` it may scale every Deployment of the namespace"),
    Request("patch", "apps", "deployments", "web-policy", False, "who may patch the Deployment itself may give it another image: the scale is a subresource with rights of its own"),
    Request("delete", "apps", "deployments", "web-policy", False, "a controller that scales never deletes"),
    Request("delete", "apps", "deployments/scale", "web-policy", False, "one verb is enough"),
    Request("create", "apps", "deployments/scale", "web-policy", False, "one verb is enough"),
    Request("patch", "apps", "statefulsets/scale", "web-policy", False, "name the resource: a star means all that there is and will be"),
    Request("patch", "batch", "jobs", "web-policy", False, "name the group: a star means all that there is and will be"),
    Request("list", "", "pods", "", False, "it is told what telemetry shows; it does not look at pods"),
    Request("get", "", "secrets", "web-policy", False, "it needs no Secret"),
)  # fmt: skip


def allows(rules: list[Object], asked: Request) -> bool:
    """Say whether one of the rules allows a request, as the API server reads a Role."""
    return any(_matches(rule, asked) for rule in rules)


def _matches(rule: Object, asked: Request) -> bool:
    subresource = "*/" + asked.resource.partition("/")[2]
    names = rule.get("resourceNames") or []
    return (
        bool({asked.verb, "*"} & set(rule.get("verbs") or []))
        and bool({asked.group, "*"} & set(rule.get("apiGroups") or []))
        and bool({asked.resource, subresource, "*"} & set(rule.get("resources") or []))
        and (not names or asked.name in names)
    )


def beyond(rules: list[Object]) -> Request | None:
    """Return the first right that the program has no use for, or None; to get the scale that it sets may stay."""
    lists = ("verbs", "apiGroups", "resources", "resourceNames")
    for rule in rules:
        for verb, group, resource, name in itertools.product(*(rule.get(key) or ["*"] for key in lists)):
            if (group, resource, name) != (OWN.group, OWN.resource, OWN.name):
                return Request(
                    verb, group, resource, name, False, "it sets the scale of one Deployment, and has no use for more"
                )
            if verb not in ("patch", "get"):
                return Request(verb, group, resource, name, False, "its one request is a PATCH: one verb is enough")
    return None


@dataclass(frozen=True)
class Pods:
    """Pods of a Deployment, how many are ready and how many start, what is special, and why one may count otherwise."""

    pods: list[Object]
    ready: int
    starting: int
    told: str
    cause: str = ""


def pod(
    name: str,
    ready: str | None = "True",
    phase: str = "Running",
    going: bool = False,
    node: str | None = "one",
    running: bool = True,
) -> Object:
    """Return a Pod; `ready`: the status of its condition Ready, None without one."""
    metadata: Object = {"name": name, "labels": {"app": "web-policy"}}
    if going:
        metadata["deletionTimestamp"] = "2026-01-06T10:58:00Z"
    conditions = [{"type": "PodScheduled", "status": "True" if node else "False"}]
    if ready is not None:
        conditions.append({"type": "ContainersReady", "status": "True" if running else "False"})
        conditions.append({"type": "Ready", "status": ready})
    spec: Object = {"containers": [{"name": "web"}], "readinessGates": [{"conditionType": "labs/warm"}]}
    if node:
        spec["nodeName"] = node
    return {"kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": phase, "conditions": conditions}}


SINGLE = (
    Pods([], 0, 0, "no pods"),
    Pods([pod("a"), pod("b")], 2, 0, "two ready pods"),
    Pods([pod("a"), pod("b", "False")], 1, 1, "a pod is ready, and one runs whose gate is closed", "a pod that runs (`phase`, `ContainersReady`) may wait for its gate: the condition `Ready` decides, and its status is a text (`'False'` counts as true in Python)"),
    Pods([pod("a"), pod("b", None, "Pending", node=None)], 1, 1, "a pod is ready, and one has no node yet", "it was ordered and will come: it is starting, though nothing says so in its conditions"),
    Pods([pod("a"), pod("b", "False", "Pending", running=False)], 1, 1, "a pod is ready, and one pulls its image (Pending)", "Pending is starting, too"),
    Pods([pod("a"), pod("b", going=True)], 1, 0, "a pod is ready, and one with a `deletionTimestamp` still is", "who is about to end serves nobody soon: it is not counted"),
    Pods([pod("a"), pod("b", "False", going=True)], 1, 0, "a pod is ready, and one that was starting is about to end", "who is about to end is not starting"),
    Pods([pod("a"), pod("b", "False", "Failed", running=False)], 1, 0, "a pod is ready, and one has failed (evicted)", "a pod that has ended never starts again; its ReplicaSet makes another"),
    Pods([pod("a"), pod("b", "False", "Succeeded", running=False)], 1, 0, "a pod is ready, and one has ended well", "`Succeeded` has ended, too"),
    Pods([pod("a"), pod("b", "Unknown", "Unknown")], 1, 1, "a pod is ready, and of one the node has not been heard of: Ready is Unknown", "only `True` is ready; what exists and is not ready counts as starting"),
)  # fmt: skip


def mixed(rng: random.Random) -> Iterator[Pods]:
    """Yield pods of all kinds, in any order."""
    kinds: tuple[tuple[Object, int, int], ...] = (
        ({}, 1, 0),
        ({"ready": "False"}, 0, 1),
        ({"ready": None, "phase": "Pending", "node": None}, 0, 1),
        ({"going": True}, 0, 0),
        ({"ready": "False", "phase": "Failed", "running": False}, 0, 0),
    )
    for number in range(6):
        pods, ready, starting = [], 0, 0
        for place in range(rng.randint(4, 12)):
            given, one, other = rng.choice(kinds)
            pods.append(pod(f"pod-{place}", **given))
            ready, starting = ready + one, starting + other
        yield Pods(pods, ready, starting, f"mixed case {number + 1} of {len(pods)} pods")

"""Who does what after `kubectl apply`: watch the steps from a stored wish to an address that answers."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from labsupport.cluster.lab import Lab
from labsupport.cluster.objects import is_true
from labsupport.errors import LabsError


@dataclass(frozen=True)
class Step:
    """One step: who took it, what it is, and the seconds after the start when it was seen to be complete."""

    who: str
    what: str
    seconds: float


def follow(lab: Lab, deployment: str, replicas: int, act: Callable[[], None], limit: float = 60.0) -> list[Step]:
    """Do `act` (which applies a Deployment with a Service of its name) and watch until all its steps are complete.

    Raises LabsError with the step that did not come when `limit` seconds pass.
    """
    import kubernetes

    client = lab.cluster.client()
    apps, core = kubernetes.client.AppsV1Api(client), kubernetes.client.CoreV1Api(client)
    discovery = kubernetes.client.DiscoveryV1Api(client)
    wanted: list[tuple[str, str, Callable[[dict[str, Any]], bool]]] = [
        ("API server", "stores the Deployment", lambda seen: deployment in seen["deployments"]),
        ("deployment controller", "makes a ReplicaSet", lambda seen: bool(seen["sets"])),
        (
            "replicaset controller",
            f"makes {replicas} pod{'s' * (replicas > 1)}",
            lambda seen: len(seen["pods"]) == replicas,
        ),
        (
            "scheduler",
            "gives each a node",
            lambda seen: _count(seen, lambda pod: pod["spec"].get("nodeName")) == replicas,
        ),
        ("kubelet", "runs their containers", lambda seen: _count(seen, _runs) == replicas),
        ("kubelet", "finds them ready", lambda seen: _count(seen, lambda pod: is_true(pod, "Ready")) == replicas),
        ("endpoint controller", "puts them behind the Service", lambda seen: seen["addresses"] == replicas),
    ]
    acting = threading.Thread(target=act)
    started = time.monotonic()
    acting.start()
    done: dict[int, float] = {}
    try:
        while len(done) < len(wanted):
            seen = _look(apps, core, discovery, lab.namespace, deployment)
            now = time.monotonic() - started
            for index, (_, _, is_complete) in enumerate(wanted):
                if index not in done and is_complete(seen):
                    done[index] = now
            if len(done) < len(wanted) and now > limit:
                who, what, _ = next(step for index, step in enumerate(wanted) if index not in done)
                raise LabsError(f"After {limit:.0f} s the {who} has not done its part: {what}.")
            # Exact to 2 % of the time that has passed: a step of half a minute is not worth a thousand looks.
            time.sleep(max(0.02, now / 50))
    finally:
        acting.join()
    return [Step(who, what, done[index]) for index, (who, what, _) in enumerate(wanted)]


def _look(apps: Any, core: Any, discovery: Any, namespace: str, name: str) -> dict[str, Any]:
    def items(ask: Callable[..., Any], selector: str = "") -> list[Any]:
        # Not the client's models: they refuse a slice without endpoints, which the API server allows.
        answer = ask(namespace, label_selector=selector, _preload_content=False)
        return list(json.loads(answer.data)["items"])

    # Consequences before their causes: what comes about between two questions never shows a step without the one before.
    slices = items(discovery.list_namespaced_endpoint_slice, f"kubernetes.io/service-name={name}")
    behind = [one for item in slices for one in item.get("endpoints") or []]
    return {
        "addresses": sum(bool(one.get("conditions", {}).get("ready")) for one in behind),
        "pods": items(core.list_namespaced_pod, f"app={name}"),
        "sets": items(apps.list_namespaced_replica_set, f"app={name}"),
        "deployments": [item["metadata"]["name"] for item in items(apps.list_namespaced_deployment)],
    }


def _count(seen: dict[str, Any], test: Callable[[Any], Any]) -> int:
    return sum(bool(test(pod)) for pod in seen["pods"])


def _runs(pod: Any) -> bool:
    containers = pod["status"].get("containerStatuses") or []
    return bool(containers) and all("running" in one["state"] for one in containers)

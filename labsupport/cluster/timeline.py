"""Who does what after `kubectl apply`: watch the steps from a stored wish to an address that answers."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from labsupport.cluster.lab import Lab
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
        ("replicaset controller", f"makes {replicas} pods", lambda seen: len(seen["pods"]) == replicas),
        ("scheduler", "gives each a node", lambda seen: _count(seen, lambda pod: pod.spec.node_name) == replicas),
        ("node agent", "runs their containers", lambda seen: _count(seen, _runs) == replicas),
        ("node agent", "finds them ready", lambda seen: _count(seen, _is_ready) == replicas),
        ("endpoint controller", "puts them behind the Service", lambda seen: seen["addresses"] == replicas),
    ]
    acting = threading.Thread(target=act)
    started = time.monotonic()
    acting.start()
    steps: list[Step] = []
    try:
        while len(steps) < len(wanted):
            seen = _look(apps, core, discovery, lab.namespace, deployment)
            now = time.monotonic() - started
            while len(steps) < len(wanted) and wanted[len(steps)][2](seen):
                who, what, _ = wanted[len(steps)]
                steps.append(Step(who, what, now))
            if now > limit:
                who, what, _ = wanted[len(steps)]
                raise LabsError(f"After {limit:.0f} s the {who} has not done its part: {what}.")
            time.sleep(0.02)
    finally:
        acting.join()
    return steps


def _look(apps: Any, core: Any, discovery: Any, namespace: str, name: str) -> dict[str, Any]:
    label = f"app={name}"
    slices = discovery.list_namespaced_endpoint_slice(
        namespace, label_selector=f"kubernetes.io/service-name={name}"
    ).items
    ready = [one for item in slices for one in item.endpoints or [] if one.conditions.ready]
    return {
        "deployments": [item.metadata.name for item in apps.list_namespaced_deployment(namespace).items],
        "sets": apps.list_namespaced_replica_set(namespace, label_selector=label).items,
        "pods": core.list_namespaced_pod(namespace, label_selector=label).items,
        "addresses": len(ready),
    }


def _count(seen: dict[str, Any], test: Callable[[Any], Any]) -> int:
    return sum(bool(test(pod)) for pod in seen["pods"])


def _runs(pod: Any) -> bool:
    return bool(pod.status.container_statuses) and all(one.state.running for one in pod.status.container_statuses)


def _is_ready(pod: Any) -> bool:
    return any(one.type == "Ready" and one.status == "True" for one in pod.status.conditions or [])

"""Say in the API's words how a pod is: phase, conditions and the states of its containers, as a kubelet does."""

import logging

from labsupport.cluster.pocket.node import clock, fields
from labsupport.cluster.pocket.node.api import Api, ApiError, Json
from labsupport.cluster.pocket.node.pod import INIT, MAIN, SIDECAR, Container, Pod

# `kubectl debug` adds one, and waits for ever where nobody says that it won't run.
NO_EPHEMERAL_CONTAINERS = (
    "this node has no ephemeral containers; use kubectl exec: a container has the machine's programs"
)
log = logging.getLogger("status")


def phase(pod: Pod) -> str:
    """Return Pending, Running, Succeeded or Failed."""
    if pod.ended:
        return pod.ended
    never_ran = any("waiting" in container.state and not container.last_state for container in pod.of_kind(MAIN))
    return "Running" if pod.initialized and not never_ran else "Pending"


def final_phase(pod: Pod) -> str:
    """Return how a pod ended whose containers will not run again."""
    return "Succeeded" if all(container.exit_code == 0 for container in pod.of_kind(MAIN)) else "Failed"


def of(pod: Pod) -> Json:
    """Return the whole status of a pod, except for what the scheduler and others say in it."""
    addresses = [{"ip": pod.address}]
    current = phase(pod)
    return {
        "observedGeneration": pod.object["metadata"].get("generation"),
        "phase": current,
        "conditions": _conditions(pod, current),
        "reason": pod.reason or None,
        "message": pod.message or None,
        "hostIP": fields.HOST_ADDRESS,
        "hostIPs": _replacing([{"ip": fields.HOST_ADDRESS}]),
        "podIP": pod.address,
        "podIPs": _replacing(addresses),
        "startTime": pod.start_time,
        "initContainerStatuses": [_container(container) for container in pod.of_kind(INIT, SIDECAR)] or None,
        "containerStatuses": [_container(container) for container in pod.of_kind(MAIN)],
        "ephemeralContainerStatuses": [_refused(spec) for spec in pod.spec.get("ephemeralContainers") or []] or None,
    }


async def send(pod: Pod, api: Api) -> bool:
    """Tell the API server how a pod is. Returns False when it knows no such pod (any more)."""
    async with pod.sending:
        # A pod of the same name that came after this one must not get its status.
        body = {"metadata": {"uid": pod.uid}, "status": of(pod)}
        try:
            answer = await api.patch(f"{pod.path}/status", body, "strategic-merge-patch")
        except ApiError as error:
            if error.status in (404, 409):
                return False
            raise
        pod.object["status"] = answer["status"]
    return True


def _refused(spec: Json) -> Json:
    ended = {"exitCode": 128, "reason": "ContainerCannotRun", "message": NO_EPHEMERAL_CONTAINERS}
    state = {"state": {"terminated": ended}, "ready": False, "restartCount": 0}
    return {"name": spec["name"], "image": spec["image"], "imageID": "", **state}


def _container(container: Container) -> Json:
    return {
        "name": container.name,
        "image": container.spec["image"],
        "imageID": container.image_id,
        "containerID": container.identity,
        "ready": container.ready if container.kind != INIT else container.exit_code == 0,
        "started": container.started,
        "restartCount": container.restart_count,
        "state": container.state,
        "lastState": container.last_state,
    }


def _conditions(pod: Pod, current: str) -> list[Json]:
    main = pod.of_kind(MAIN, SIDECAR)
    unready = [container.name for container in main if not container.ready]
    incomplete = [container.name for container in pod.of_kind(INIT) if container.exit_code != 0]
    over = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(current, "")
    words = f"containers with unready status: [{' '.join(unready)}]" if unready and not over else ""
    containers_ready = pod.initialized and not unready and not over
    reason, gates = over or "ContainersNotReady", _closed_gates(pod)
    initialized_reason = "" if pod.initialized and current != "Succeeded" else over or "ContainersNotInitialized"
    initialized_message = (
        f"containers with incomplete status: [{' '.join(incomplete)}]" if not pod.initialized and not over else ""
    )
    return [
        _condition(pod, "PodReadyToStartContainers", pod.volumes_ready and not over),
        _condition(pod, "Initialized", pod.initialized, initialized_reason, initialized_message),
        _condition(pod, "ContainersReady", containers_ready, "" if containers_ready else reason, words),
        _condition(
            pod, "Ready", containers_ready and not gates, *(_ready_reason(containers_ready, gates, reason, words))
        ),
    ]


def _ready_reason(containers_ready: bool, gates: list[str], reason: str, words: str) -> tuple[str, str]:
    if not containers_ready:
        return reason, words
    return ("ReadinessGatesNotReady", ", ".join(gates)) if gates else ("", "")


def _closed_gates(pod: Pod) -> list[str]:
    states = {condition["type"]: condition["status"] for condition in _known(pod)}
    closed = []
    for gate in pod.spec.get("readinessGates") or []:
        kind = gate["conditionType"]
        if kind not in states:
            closed.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif states[kind] != "True":
            closed.append(f'the status of pod readiness gate "{kind}" is not "True", but {states[kind]}')
    return closed


def _condition(pod: Pod, kind: str, holds: bool, reason: str = "", message: str = "") -> Json:
    value = str(holds)
    before = next((condition for condition in _known(pod) if condition["type"] == kind), None)
    same = before is not None and before["status"] == value
    since = before.get("lastTransitionTime") if same and before else None
    return {
        "type": kind,
        "status": value,
        "observedGeneration": pod.object["metadata"].get("generation"),
        "lastProbeTime": None,
        "lastTransitionTime": since or clock.now(),
        "reason": reason or None,
        "message": message or None,
    }


def _known(pod: Pod) -> list[Json]:
    return (pod.object.get("status") or {}).get("conditions") or []


def _replacing(items: list[Json]) -> list[Json]:
    """Return a list that takes the place of the old one: a strategic merge would add to it."""
    return [*items, {"$patch": "replace"}]

"""Begin with pods that were there before this agent: their containers have ended, whatever the API server still says."""

from pathlib import Path

from labsupport.cluster.pocket.node import clock, containers
from labsupport.cluster.pocket.node.api import Json
from labsupport.cluster.pocket.node.pod import INIT, MAIN, SIDECAR, Container, Pod
from labsupport.files import remove_folder

ENDED = ("Succeeded", "Failed")
# The kubelet's words for a container of which it does not know how it ended.
_LOST = "The container could not be located when the pod was terminated.  The container used to be Running"


def restore(pod: Pod) -> None:
    """Give a pod its containers; those that ran under an earlier agent keep their count and their logs."""
    known = pod.object.get("status") or {}
    pod.start_time = known.get("startTime") or clock.now()
    if known.get("phase") in ENDED:
        # It stays as it is, with its logs, until somebody deletes it.
        pod.ended, pod.initialized = known["phase"], True
        pod.reason, pod.message = known.get("reason", ""), known.get("message", "")
    before = {
        status["name"]: status
        for status in [*(known.get("initContainerStatuses") or []), *(known.get("containerStatuses") or [])]
    }
    init = pod.spec.get("initContainers") or []
    waiting = "PodInitializing" if init else "ContainerCreating"
    for spec in [*init, *pod.spec["containers"]]:
        kind = MAIN if spec not in init else SIDECAR if spec.get("restartPolicy") == "Always" else INIT
        container = Container(spec["name"], spec, pod.folder / "containers" / spec["name"], kind)
        pod.containers[spec["name"]] = container
        container.wait_for(waiting)
        if status := before.get(spec["name"]):
            _recover(pod, container, status)


def remove_other_folders(folder: Path, known: set[str]) -> None:
    """Remove what pods left behind that were deleted while no agent ran."""
    for place in folder.iterdir():
        if place.name not in known:
            remove_folder(place)


def _recover(pod: Pod, container: Container, status: Json) -> None:
    if not status.get("containerID"):
        return
    container.restart_count = status["restartCount"]
    container.identity, container.image_id = status["containerID"], status.get("imageID", "")
    container.last_state = status.get("lastState") or {}
    container.log = containers.log_of(pod, container)
    policy = pod.spec.get("restartPolicy", "Always")
    state: Json = status.get("state") or {}
    if pod.ended:
        container.state = state
        return
    if "terminated" in state and container.kind != SIDECAR:
        container.state = state
        finished = state["terminated"]["exitCode"] == 0 and (policy != "Always" or container.kind == INIT)
        if finished or policy == "Never":
            return
    if "running" in state:
        container.state = state
        lost = containers.terminated(container, 137, "ContainerStatusUnknown", _LOST)
        container.state = {"terminated": lost}
        if policy == "Never" and container.kind == MAIN:
            # A new start would be a second try, which the manifest forbids.
            return
    container.wait_for("ContainerCreating")
    container.restart_count += 1

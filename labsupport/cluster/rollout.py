"""The verdict on a rollout: how far a Deployment's newest template has come, and what it is stuck at."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from labsupport.cluster import owners
from labsupport.cluster.objects import condition, is_true, message
from labsupport.cluster.snapshot import Snapshot

Object = dict[str, Any]


class Stage(StrEnum):
    """Where a rollout is."""

    COMPLETE = "complete"
    UNSEEN = "not yet seen by its controller"
    REFUSED = "its pods are refused"
    UNSCHEDULED = "no node has room"
    IMAGE = "the image can't be had"
    CONFIG = "the container can't be made"
    CRASH = "the container ends and starts again"
    UNREADY = "the container runs and is not ready"
    UNDER_WAY = "under way"


# The reasons of a waiting container that no time mends.
_CONFIG = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")


@dataclass(frozen=True)
class Rollout:
    """What has become of the newest template: numbers of pods, the stage, and the cluster's own words on it.

    `pods` are those of the newest template that are not about to end; `ready` of them are Ready. `updated` and
    `available` are the controller's numbers. `words` is empty where the cluster says nothing.
    """

    wanted: int
    updated: int
    available: int
    ready: int
    stage: Stage
    words: str = ""
    pods: list[Object] = field(default_factory=list, repr=False)

    @property
    def complete(self) -> bool:
        """Whether all wanted pods are of the newest template and serve."""
        return self.stage is Stage.COMPLETE

    def __str__(self) -> str:
        said = f": {self.words}" if self.words else ""
        return f"{self.ready} of {self.wanted} pods of the newest template are ready; {self.stage}{said}"


def of(snapshot: Snapshot, deployment: str) -> Rollout | None:
    """Return the verdict on a Deployment of a namespace, or None when it is not there."""
    found = snapshot.get("Deployment", deployment)
    if found is None:
        return None
    status, wanted = found.get("status", {}), found["spec"].get("replicas", 1)
    newest = _newest_set(snapshot, found)
    pods = [
        pod
        for pod in (owners.pods_of(snapshot.objects, "ReplicaSet", newest) if newest else [])
        if not pod["metadata"].get("deletionTimestamp")
    ]
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    # The order and the conditions are those of `kubectl rollout status` (DeploymentStatusViewer in polymorphichelpers).
    # Until the controller has seen a patch, its numbers are about the template before.
    if status.get("observedGeneration", 0) < found["metadata"].get("generation", 0):
        stage, words = Stage.UNSEEN, ""
    elif not _is_late(found) and wanted <= updated <= available and status.get("replicas", 0) <= updated:
        stage, words = Stage.COMPLETE, ""
    else:
        stage, words = _stuck(snapshot, found, newest, pods)
    ready = sum(is_true(pod, "Ready") for pod in pods)
    return Rollout(wanted, updated, available, ready, stage, words, pods)


def _is_late(deployment: Object) -> bool:
    """Tell whether the controller has given the rollout up: it took longer than its `progressDeadlineSeconds`."""
    conditions = deployment.get("status", {}).get("conditions") or []
    return any((item["type"], item.get("reason")) == ("Progressing", "ProgressDeadlineExceeded") for item in conditions)


def _stuck(snapshot: Snapshot, deployment: Object, newest: str, pods: list[Object]) -> tuple[Stage, str]:
    if not pods:
        refused = _refusal(snapshot, deployment, newest)
        return (Stage.REFUSED, refused) if refused else (Stage.UNDER_WAY, "")
    for pod in pods:
        if condition(pod, "PodScheduled") == "False":
            return Stage.UNSCHEDULED, message(pod, "PodScheduled")
        for status in _containers(pod):
            waiting = status.get("state", {}).get("waiting") or {}
            reason, said = waiting.get("reason", ""), waiting.get("message", "")
            if "Image" in reason:
                return Stage.IMAGE, f"{status.get('image', '')}: {reason} {said}".strip()
            if reason in _CONFIG:
                return Stage.CONFIG, f"{reason} {said}".strip()
            if reason == "CrashLoopBackOff" or _has_crashed(status):
                return Stage.CRASH, _last_words(snapshot, pod, status)
    for pod in pods:
        running = [status for status in _containers(pod) if "running" in status.get("state", {})]
        if any(not status.get("ready") for status in running):
            failed = [text for text in _events(snapshot, pod) if "probe failed" in text]
            # Until its startup probe has succeeded, a container may still be loading.
            starts = any(status.get("started") is False for status in running)
            return Stage.UNDER_WAY if starts else Stage.UNREADY, (failed or [""])[-1]
    return Stage.UNDER_WAY, ""


def _newest_set(snapshot: Snapshot, deployment: Object) -> str:
    """Return the name of the ReplicaSet of the Deployment's present template, or nothing when it is not made yet."""
    wanted = _without_hash(deployment["spec"]["template"])
    for item in snapshot.all("ReplicaSet"):
        own = owners.owner_of(item) == ("Deployment", deployment["metadata"]["name"])
        if own and _without_hash(item["spec"]["template"]) == wanted:
            return str(item["metadata"]["name"])
    return ""


def _without_hash(template: Object) -> Object:
    meta = template.get("metadata") or {}
    labels = {key: value for key, value in (meta.get("labels") or {}).items() if key != "pod-template-hash"}
    return {**template, "metadata": {"labels": labels, "annotations": meta.get("annotations") or {}}}


def _refusal(snapshot: Snapshot, deployment: Object, newest: str) -> str:
    said = (
        [text for text in snapshot.messages("ReplicaSet", newest) if text.startswith("FailedCreate")] if newest else []
    )
    return said[-1].removeprefix("FailedCreate: ") if said else message(deployment, "ReplicaFailure")


def _containers(pod: Object) -> list[Object]:
    status = pod.get("status", {})
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def _has_crashed(status: Object) -> bool:
    """Tell whether a container that is not ready has ended badly, now or before its present start."""
    ends = [status.get("state", {}).get("terminated"), status.get("lastState", {}).get("terminated")]
    failed = any(end and end.get("exitCode") for end in ends) or bool(status.get("restartCount"))
    return failed and not status.get("ready")


def _last_words(snapshot: Snapshot, pod: Object, status: Object) -> str:
    said = snapshot.logs.get(f"{pod['metadata']['name']}/{status['name']}", "").strip().splitlines()
    return said[-1] if said else ""


def _events(snapshot: Snapshot, pod: Object) -> list[str]:
    return [
        str(event.get("message", "")).strip()
        for event in snapshot.events
        if (event["involvedObject"].get("kind"), event["involvedObject"].get("name"))
        == ("Pod", pod["metadata"]["name"])
    ]

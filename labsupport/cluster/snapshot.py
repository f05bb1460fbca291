"""What a namespace holds at one moment: objects, events, logs. Checks look at this, never at the cluster itself."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labsupport.cluster import objects, owners

if TYPE_CHECKING:
    from labsupport.cluster.interface import Cluster

Object = dict[str, Any]
KINDS = (
    "pods,deployments,replicasets,statefulsets,daemonsets,jobs,cronjobs,services,endpointslices,configmaps,"
    "persistentvolumeclaims,horizontalpodautoscalers,poddisruptionbudgets,events"
)
LOG_LINES = 20


@dataclass(frozen=True)
class Snapshot:
    """The objects of a namespace with their kinds, its events, and the last lines of each container's log."""

    namespace: str
    objects: list[Object] = field(default_factory=list)
    events: list[Object] = field(default_factory=list)
    logs: dict[str, str] = field(default_factory=dict)

    def get(self, kind: str, name: str) -> Object | None:
        """Return the object of a kind (such as Deployment) and a name, or None."""
        return next((item for item in self.all(kind) if item["metadata"]["name"] == name), None)

    def all(self, kind: str) -> list[Object]:
        """Return the objects of a kind."""
        return [item for item in self.objects if item["kind"] == kind]

    def pods_of(self, deployment: str) -> list[Object]:
        """Return the pods that a Deployment owns by its ReplicaSets."""
        return owners.pods_of(self.objects, "Deployment", deployment)

    def messages(self, kind: str, prefix: str = "") -> list[str]:
        """Return "Reason: message" of the events about objects of a kind whose name begins so, oldest first."""
        return [
            f"{event.get('reason')}: {event.get('message', '').strip()}"
            for event in self.events
            if event["involvedObject"].get("kind") == kind
            and event["involvedObject"].get("name", "").startswith(prefix)
        ]

    def save(self, path: Path) -> None:
        """Write it as JSON, without what changes from run to run and nobody looks at."""
        value = {
            "namespace": self.namespace,
            # Each namespace has that one, and nobody asks for it.
            "objects": [_slim(item) for item in self.objects if item["metadata"]["name"] != "kube-root-ca.crt"],
            "events": [_slim_event(item) for item in self.events],
            "logs": self.logs,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(value, indent=1, sort_keys=True) + "\n"
        # Packed, for they are many, and without a time, so that the same snapshot gives the same file.
        path.write_bytes(gzip.compress(text.encode(), mtime=0))


def take(cluster: "Cluster", namespace: str, *, logs: bool = True, kinds: Sequence[str] = ()) -> Snapshot:
    """Look at a namespace now. Logs cost a call of kubectl for each container; without `logs` the snapshot has none.

    `kinds`: kinds of operators (workflows.argoproj.io) to look at besides, if the cluster knows them all.
    """
    asked = ",".join([KINDS, *kinds])
    found = cluster.kubectl("get", asked, "-n", namespace, "-o", "json", check=False) if kinds else None
    # A kind that is not defined (yet) is an error for kubectl; then the others are asked for alone.
    items = json.loads(found.output)["items"] if found and found.ok else cluster.get(KINDS, "-n", namespace)["items"]
    events = objects.in_order([item for item in items if item["kind"] == "Event"])
    others = [item for item in items if item["kind"] != "Event"]
    said_by = {}
    for pod in others:
        if pod["kind"] != "Pod" or not logs:
            continue
        for container in pod["spec"]["containers"]:
            name = f"{pod['metadata']['name']}/{container['name']}"
            said = cluster.kubectl(
                "logs", pod["metadata"]["name"], "-c", container["name"], "-n", namespace, f"--tail={LOG_LINES}",
                check=False,
            )  # fmt: skip
            said_by[name] = said.output if said.ok else ""
    return Snapshot(namespace, others, events, said_by)


def load(path: Path) -> Snapshot:
    """Read what `save` wrote."""
    return Snapshot(**json.loads(gzip.decompress(path.read_bytes())))


def _slim(item: Object) -> Object:
    """Return an object without what no check reads: what the API server and the node add by themselves, and times."""
    meta = {key: value for key, value in item["metadata"].items() if key in _METADATA}
    spec = {
        key: value for key, value in item.get("spec", {}).items() if not (item["kind"] == "Pod" and key in _ADMITTED)
    }
    slim: Object = _without_trifles({**item, "metadata": meta, **({"spec": spec} if spec else {})})
    if item["kind"] == "Pod":
        _without_token(slim["spec"])
    return slim


def _slim_event(event: Object) -> Object:
    about = {key: event["involvedObject"].get(key, "") for key in ("kind", "name")}
    kept = {key: event[key] for key in ("type", "reason", "message", "count") if event.get(key)}
    return {"involvedObject": about, **kept}


def _without_trifles(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_trifles(part) for key, part in value.items() if key not in _TRIFLES}
    return [_without_trifles(part) for part in value] if isinstance(value, list) else value


def _without_token(pod: Object) -> None:
    """Take the volume of the ServiceAccount's token, which every pod is given, out of a pod's spec."""
    tokens = {one["name"] for one in pod.get("volumes") or [] if one["name"].startswith("kube-api-access-")}
    pod["volumes"] = [one for one in pod.get("volumes") or [] if one["name"] not in tokens]
    for container in [*pod.get("containers", []), *pod.get("initContainers", [])]:
        mounts = [mount for mount in container.get("volumeMounts") or [] if mount["name"] not in tokens]
        container["volumeMounts"] = mounts


_METADATA = ("name", "namespace", "labels", "ownerReferences", "deletionTimestamp", "generation")
_ADMITTED = (
    "tolerations", "serviceAccount", "serviceAccountName", "schedulerName", "dnsPolicy", "enableServiceLinks", "priority",
    "preemptionPolicy",
)  # fmt: skip
# Of anything, at any depth. A pod's startTime and a Job's completionTime stay: a check compares them.
_TRIFLES = (
    "lastTransitionTime", "lastUpdateTime", "lastProbeTime", "startedAt", "finishedAt", "firstTimestamp", "lastTimestamp",
    "eventTime", "reportingInstance", "uid", "resourceVersion", "containerID", "imageID", "hostIP", "hostIPs",
    "reportingComponent", "qosClass", "podIPs", "progressDeadlineSeconds", "revisionHistoryLimit", "internalTrafficPolicy",
    "terminationMessagePath", "terminationMessagePolicy", "blockOwnerDeletion", "managedFields", "creationTimestamp",
)  # fmt: skip

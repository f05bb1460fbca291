"""What a namespace holds at one moment: objects, events, logs. Checks look at this, never at the cluster itself."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labsupport.cluster import owners

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
            "objects": [_slim(item) for item in self.objects],
            "events": [_slim(item) for item in self.events],
            "logs": self.logs,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")


def take(cluster: "Cluster", namespace: str, *, logs: bool = True) -> Snapshot:
    """Look at a namespace now. Logs cost a call of kubectl for each container; without `logs` the snapshot has none."""
    items = cluster.get(KINDS, "-n", namespace)["items"]
    events = [item for item in items if item["kind"] == "Event"]
    events.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
    objects = [item for item in items if item["kind"] != "Event"]
    said_by = {}
    for pod in objects:
        if pod["kind"] != "Pod" or not logs:
            continue
        for container in pod["spec"]["containers"]:
            name = f"{pod['metadata']['name']}/{container['name']}"
            said = cluster.kubectl(
                "logs", pod["metadata"]["name"], "-c", container["name"], "-n", namespace, f"--tail={LOG_LINES}",
                check=False,
            )  # fmt: skip
            said_by[name] = said.output if said.ok else ""
    return Snapshot(namespace, objects, events, said_by)


def load(path: Path) -> Snapshot:
    """Read what `save` wrote."""
    return Snapshot(**json.loads(path.read_text(encoding="utf-8")))


def _slim(item: Object) -> Object:
    meta = {key: value for key, value in item["metadata"].items() if key in _METADATA}
    return {**item, "metadata": meta}


_METADATA = ("name", "namespace", "labels", "ownerReferences", "deletionTimestamp", "generation")

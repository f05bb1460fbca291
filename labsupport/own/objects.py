"""What `kubectl get ... -o json` says: the objects themselves, and a frame of their containers to audit.

kubectl get deployments,statefulsets,daemonsets,cronjobs,replicasets,jobs,pods -A -o json > objects.json

Between a Deployment and its pods stands a ReplicaSet: only where it is in the file, too, is a pod known for the Deployment's.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labsupport.own.reading import OwnDataError, parse_json, read

if TYPE_CHECKING:
    import pandas as pd

# Where the pod stands in an object of each kind.
POD = {
    "Pod": (), "PodTemplate": ("template",), "Deployment": ("spec", "template"), "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"), "ReplicaSet": ("spec", "template"), "ReplicationController": ("spec", "template"),
    "Job": ("spec", "template"), "CronJob": ("spec", "jobTemplate", "spec", "template"),
}  # fmt: skip


def objects(where: str | Path | None = None, kind: str | None = None) -> list[dict[str, Any]]:
    """Return the objects in a file that kubectl wrote, one or a list of them; `kind`: only those, such as "Service".

    Raises OwnDataError for another text (YAML, a table) and for what are no objects of Kubernetes.
    """
    text, name = read(where, "objects.json")
    if text.lstrip()[:1] not in ("{", "[", "<"):
        raise OwnDataError(f"{name} begins with {text.strip().splitlines()[0][:40]!r} and not with an object: ask kubectl for JSON, by -o json.")  # fmt: skip
    document = parse_json(text, name)
    is_list = isinstance(document, dict) and str(document.get("kind", "")).endswith("List") and "items" in document
    found = (document["items"] or []) if is_list else document if isinstance(document, list) else [document]
    for place, item in enumerate(found, 1):
        if not isinstance(item, dict) or not item.get("kind") or not isinstance(item.get("metadata"), dict):
            raise OwnDataError(f"{name}: object {place} has no kind or no metadata, so it is none of Kubernetes'. Save the whole answer of kubectl get -o json.")  # fmt: skip
    if not found:
        raise OwnDataError(
            f"{name} is an empty list: kubectl found nothing. Is it the right namespace? -A asks in all."
        )
    return [item for item in found if kind is None or item["kind"] == kind]


def containers(where: str | Path | None = None) -> "pd.DataFrame":
    """Return a row for each container of each workload in a file that kubectl wrote: n rows, in the file's order.

    Columns: `kind`, `namespace`, `name` of the workload; `replicas` (1 where it says nothing); `container`, `image`;
    `cpu_request`, `cpu_limit` (cores), `memory_request`, `memory_limit` (bytes), NaN where not set; `readiness`,
    `liveness`, `pre_stop` (bool: is there one); `non_root`, `read_only` (bool: does it say so, itself or by its pod);
    `privileged` (bool); `claims` (names of volume claims, joined by ","); `plain_secrets` (names of variables that sound like
    secrets and hold their value in the open). Pods and ReplicaSets whose owner is in the file too are left out; init
    containers are not listed. Raises OwnDataError as `objects` does, and for a file without a workload.
    """
    import pandas as pd

    found = objects(where)
    known = {item["metadata"].get("uid") for item in found} - {None}
    rows = [row for item in found if not _owners(item) & known for row in _rows(item)]
    if not rows:
        kinds = ", ".join(sorted({str(item["kind"]) for item in found}))
        raise OwnDataError(f"There is no workload in it, only {kinds}: ask for deployments,statefulsets,daemonsets,cronjobs,replicasets,jobs,pods.")  # fmt: skip
    return pd.DataFrame(rows)


def _rows(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if item["kind"] not in POD:
        return
    pod: Any = item
    for key in POD[item["kind"]]:
        pod = _mapping(pod.get(key))
    spec, meta = _mapping(pod.get("spec")), item["metadata"]
    whole = _mapping(spec.get("securityContext"))
    claims = [_mapping(volume.get("persistentVolumeClaim")).get("claimName") for volume in _items(spec.get("volumes"))]
    replicas = _mapping(item.get("spec")).get("replicas")
    for container in _items(spec.get("containers")):
        own, resources = _mapping(container.get("securityContext")), _mapping(container.get("resources"))
        asked, most = _mapping(resources.get("requests")), _mapping(resources.get("limits"))
        title = f"{item['kind']} {meta.get('name')}, container {container.get('name')}"
        yield {
            "kind": item["kind"], "namespace": meta.get("namespace", "default"), "name": str(meta.get("name", "")),
            "replicas": 1 if replicas is None else int(replicas), "container": str(container.get("name", "")),
            "image": str(container.get("image", "")),
            "cpu_request": quantity(asked.get("cpu"), title), "cpu_limit": quantity(most.get("cpu"), title),
            "memory_request": quantity(asked.get("memory"), title), "memory_limit": quantity(most.get("memory"), title),
            "readiness": bool(container.get("readinessProbe")), "liveness": bool(container.get("livenessProbe")),
            "pre_stop": bool(_mapping(container.get("lifecycle")).get("preStop")),
            "non_root": bool(own.get("runAsNonRoot", whole.get("runAsNonRoot", False))),
            "read_only": bool(own.get("readOnlyRootFilesystem", False)), "privileged": bool(own.get("privileged", False)),
            "claims": ",".join(str(claim) for claim in claims if claim),
            "plain_secrets": ",".join(_plain_secrets(container)),
        }  # fmt: skip


def quantity(value: Any, title: str) -> float:
    """Return a quantity of Kubernetes' API, such as "250m" or "1Gi", as a number; NaN for None. Raises OwnDataError."""
    from kubernetes.utils.quantity import parse_quantity

    if value is None:
        return float("nan")
    try:
        return float(parse_quantity(str(value)))
    except ValueError:
        raise OwnDataError(f"{title}: {value!r} is no quantity: one such as 250m or 1Gi was expected.") from None


def _plain_secrets(container: dict[str, Any]) -> list[str]:
    words = ("PASSWORD", "SECRET", "TOKEN", "API_KEY", "PRIVATE_KEY")
    named = [(str(one.get("name", "")), one.get("value")) for one in _items(container.get("env"))]
    return [name for name, value in named if value and any(word in name.upper() for word in words)]


def _owners(item: dict[str, Any]) -> set[Any]:
    return {owner.get("uid") for owner in _items(item["metadata"].get("ownerReferences"))} - {None}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []

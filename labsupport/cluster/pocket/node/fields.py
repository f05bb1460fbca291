"""Answer a pod's questions about itself: fieldRef and resourceFieldRef of its environment and volumes."""

import math
import re

from labsupport.cluster.pocket.node import capacity
from labsupport.cluster.pocket.node.api import Json
from labsupport.cluster.pocket.node.pod import Pod
from labsupport.cluster.quantities import exactly

HOST_ADDRESS = "127.0.0.1"
_ONE = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


def field(pod: Pod, path: str) -> str:
    """Return the text of a field such as metadata.name, metadata.labels['app'] or status.podIP."""
    metadata = pod.object["metadata"]
    if found := _ONE.fullmatch(path):
        return str((metadata.get(found[1]) or {}).get(found[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        return _listing(metadata.get(path.partition(".")[2]) or {})
    own = {
        "metadata.name": pod.name,
        "metadata.namespace": pod.namespace,
        "metadata.uid": pod.uid,
        "spec.nodeName": pod.spec.get("nodeName", ""),
        "spec.serviceAccountName": pod.spec.get("serviceAccountName", "default"),
        "status.hostIP": HOST_ADDRESS,
        "status.hostIPs": HOST_ADDRESS,
        "status.podIP": pod.address,
        "status.podIPs": pod.address,
    }
    if path not in own:
        raise ValueError(f"unsupported fieldPath: {path}")
    return str(own[path])


def resource(pod: Pod, reference: Json, container: str = "") -> str:
    """Return a request or limit in units of its divisor, rounded up; without a limit, what the node has.

    Raises ValueError for a container or a quantity that is none.
    """
    group, _, name = reference["resource"].partition(".")
    named = reference.get("containerName") or container
    if named not in pod.containers:
        raise ValueError(f"container {named} not found")
    spec = pod.containers[named].spec.get("resources") or {}
    value = (spec.get(group) or {}).get(name)
    if value is None and group == "requests":
        value = 0
    elif value is None:
        value = capacity.of_machine().get(name, "0")
    divisor = exactly(reference.get("divisor") or 1) or 1
    return str(math.ceil(exactly(value) / divisor))


def _listing(items: dict[str, str]) -> str:
    quoted = {key: value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for key, value in items.items()}
    return "\n".join(f'{key}="{quoted[key]}"' for key in sorted(quoted))

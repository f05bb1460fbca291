"""Answer a pod's questions about itself: fieldRef and resourceFieldRef of its environment and volumes."""

import math
import re

from labsupport.cluster.pocket.node import capacity
from labsupport.cluster.pocket.node.api import Json
from labsupport.cluster.pocket.node.pod import Pod

HOST_ADDRESS = "127.0.0.1"
_ONE = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")
_SUFFIXES = {"": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}
_SUFFIXES |= {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50}


def quantity(text: str | int | float) -> float:
    """Return the value of a Kubernetes quantity: `100m` is 0.1, `1Ki` is 1024."""
    found = re.fullmatch(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([a-zA-Z]*)", str(text))
    if found is None or found[2] not in _SUFFIXES:
        raise ValueError(f"not a quantity: {text!r}")
    return float(found[1]) * _SUFFIXES[found[2]]


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
    """Return a request or limit in units of its divisor, rounded up; without a limit, what the node has."""
    group, _, name = reference["resource"].partition(".")
    spec = pod.containers[reference.get("containerName") or container].spec.get("resources") or {}
    value = (spec.get(group) or {}).get(name)
    if value is None and group == "requests":
        value = 0
    elif value is None:
        value = capacity.of_machine().get(name, "0")
    divisor = quantity(reference.get("divisor") or 1) or 1.0
    # Before rounding up, remove what a division of decimal fractions leaves.
    return str(math.ceil(round(quantity(value) / divisor, 6)))


def _listing(items: dict[str, str]) -> str:
    quoted = {key: value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for key, value in items.items()}
    return "\n".join(f'{key}="{quoted[key]}"' for key in sorted(quoted))

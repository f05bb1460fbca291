"""Answer a pod's questions about itself: fieldRef and resourceFieldRef of its environment and volumes."""

import math
import re
from fractions import Fraction

from labsupport.cluster.pocket.node import capacity
from labsupport.cluster.pocket.node.api import Json
from labsupport.cluster.pocket.node.pod import Pod

HOST_ADDRESS = "127.0.0.1"
_ONE = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")
# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/: a suffix or an exponent; 1E is a suffix.
_QUANTITY = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[eE]([+-]?[0-9]+)|([numkMGTPE]|[KMGTPE]i)?)")
_POWERS = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
# No quantity is larger, and a larger exponent would only take time.
_LARGEST, _LARGEST_EXPONENT = 2**63 - 1, 40


def quantity(text: str | int | float) -> float:
    """Return the value of a Kubernetes quantity: `100m` is 0.1, `1Ki` is 1024, `1e3` is 1000. Raises ValueError."""
    return float(_exactly(text))


def _exactly(text: str | int | float) -> Fraction:
    found = _QUANTITY.fullmatch(str(text))
    if found is None:
        raise ValueError(f"not a quantity: {text!r}")
    number, exponent, suffix = Fraction(found[1]), found[2], found[3] or ""
    if suffix in _BINARY:
        value: Fraction = number * 2 ** _BINARY[suffix]
    else:
        power = int(exponent) if exponent else _POWERS[suffix]
        value = number * Fraction(10) ** max(-_LARGEST_EXPONENT, min(power, _LARGEST_EXPONENT))
    return max(Fraction(-_LARGEST), min(value, Fraction(_LARGEST)))


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
    divisor = _exactly(reference.get("divisor") or 1) or 1
    return str(math.ceil(_exactly(value) / divisor))


def _listing(items: dict[str, str]) -> str:
    quoted = {key: value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for key, value in items.items()}
    return "\n".join(f'{key}="{quoted[key]}"' for key in sorted(quoted))

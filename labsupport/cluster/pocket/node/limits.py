"""Say, once for each pod, what its manifest asks for and processes without namespaces can't be given."""

from typing import Any

from labsupport.cluster.pocket.node.api import Json
from labsupport.cluster.pocket.node.node import Node
from labsupport.cluster.pocket.node.pod import Pod

NETWORK_POLICIES = "/apis/networking.k8s.io/v1/networkpolicies"


def tell(pod: Pod, node: Node) -> None:
    """Send one event that names everything in a pod's manifest that this node does not enforce."""
    if found := not_enforced(pod.spec):
        words = f"Containers are processes of one user on this node, so it does not enforce: {', '.join(found)}"
        node.events.of_pod(pod, "Normal", "NotEnforced", words)


def tell_of_policy(kind: str, changed: Any, node: Node) -> None:
    """Send an event for each NetworkPolicy that is made."""
    if kind == "ADDED":
        item = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", **changed}
        words = "Pods of this node share the machine's network, so it does not enforce NetworkPolicies"
        node.events.of_object(item, "Warning", "NotEnforced", words)


def not_enforced(spec: Json) -> list[str]:
    """Return what a pod's spec asks for in vain, in the words of its fields."""
    found: dict[str, None] = {}
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            found[name] = None
    if user := (spec.get("securityContext") or {}).get("runAsUser"):
        found[f"runAsUser {user}"] = None
    for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
        context = container.get("securityContext") or {}
        limits = (container.get("resources") or {}).get("limits") or {}
        if "cpu" in limits:
            found["CPU limits"] = None
        if context.get("runAsUser"):
            found[f"runAsUser {context['runAsUser']}"] = None
        if context.get("readOnlyRootFilesystem"):
            found["readOnlyRootFilesystem"] = None
        if context.get("capabilities"):
            found["capabilities"] = None
        if any(port.get("hostPort") for port in container.get("ports") or []):
            found["hostPort"] = None
        if context.get("privileged"):
            found["privileged"] = None
        if any(mount.get("readOnly") for mount in _own_mounts(container)):
            found["read-only volumeMounts"] = None
        if any("grpc" in (container.get(f"{kind}Probe") or {}) for kind in ("startup", "readiness", "liveness")):
            found["grpc probes (only the connection is tried)"] = None
    for volume in spec.get("volumes") or []:
        if (volume.get("emptyDir") or {}).get("sizeLimit"):
            found["emptyDir.sizeLimit"] = None
        if "hostPath" in volume:
            found[f"hostPath isolation ({volume['hostPath']['path']} is this machine's)"] = None
    return list(found)


def _own_mounts(container: Json) -> list[Json]:
    """Return a container's mounts without the token that admission adds to every pod."""
    mounts = container.get("volumeMounts") or []
    return [mount for mount in mounts if not mount["mountPath"].startswith("/var/run/secrets/kubernetes.io")]

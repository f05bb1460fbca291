"""Make a container's environment variables, from every source and in the order of the kubelet."""

import contextlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from labsupport import files, paths
from labsupport.cluster.pocket.node import fields, references
from labsupport.cluster.pocket.node.api import Json
from labsupport.cluster.pocket.node.node import Node
from labsupport.cluster.pocket.node.pod import Container, Pod
from labsupport.cluster.pocket.node.references import NotFound

SITE = Path(__file__).parent / "site"
TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
# What an image would bring along; everything else of the agent's own environment stays outside.
_PASSED_ON = (
    "LANG",
    "LC_ALL",
    "TZ",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "MALLOC_ARENA_MAX",
    "PYTHONDONTWRITEBYTECODE",
)
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_REFERENCE = re.compile(r"\$\$|\$\(([^)]*)\)")


class ConfigError(Exception):
    """The environment names something that is not there; the text is the kubelet's."""


async def build(pod: Pod, container: Container, node: Node) -> dict[str, str]:
    """Return the variables that the manifest asks for, on those of the image and of Services. Raises ConfigError."""
    services = await _services(pod, node)
    known = dict(services)
    for source in container.spec.get("envFrom") or []:
        known.update(await _from_object(pod, source, node))
    for entry in container.spec.get("env") or []:
        value = await _value(pod, container, entry, known, node)
        if value is not None:
            known[entry["name"]] = value
    return {**of_image(pod, container), **known}


def of_this_node(pod: Pod, container: Container, variables: Mapping[str, str], node: Node) -> dict[str, str]:
    """Return the variables by which programs in the pod know its mounts, its address and the API server."""
    path = variables.get("PYTHONPATH", "")
    added = {
        "PYTHONPATH": f"{SITE}:{path}" if path else str(SITE),
        "LABS_POCKET_ADDRESS": pod.loopback,
        "LABS_POCKET_NAMESPACE": pod.namespace,
        "LABS_POCKET_HOSTNAME": hostname(pod),
        "LABS_POCKET_HOSTS": str(node.layout.hosts),
        "LABS_POCKET_FOLDER": str(node.layout.folder),
        "LABS_POCKET_MOUNTS": json.dumps({path: str(real) for path, real in container.mounts.items()}),
        "LABS_POCKET_API_PORT": str(node.layout.ports().apiserver),
    }
    token = container.mounts.get(TOKEN_FOLDER)
    if token is not None and "KUBECONFIG" not in variables:
        added["KUBECONFIG"] = str(_write_kubeconfig(pod, token, node))
    return added


def hostname(pod: Pod) -> str:
    return str(pod.spec.get("hostname") or pod.name)[:63]


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace $(NAME) by the variable's value; an unknown name stays as it is, and $$(NAME) becomes $(NAME)."""

    def replaced(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return variables.get(found[1], found[0])

    return _REFERENCE.sub(replaced, text)


def service_variables(service: Json) -> dict[str, str]:
    """Return the variables that tell of a Service: WEB_SERVICE_HOST, WEB_SERVICE_PORT, WEB_PORT_8000_TCP_ADDR, ..."""
    spec, address = service["spec"], service["spec"].get("clusterIP")
    if not address or address == "None":
        return {}
    name = service["metadata"]["name"].upper().replace("-", "_")
    ports = spec.get("ports") or []
    found = {f"{name}_SERVICE_HOST": address}
    for number, port in enumerate(ports):
        protocol = port.get("protocol", "TCP")
        url = f"{protocol.lower()}://{address}:{port['port']}"
        if number == 0:
            found |= {f"{name}_SERVICE_PORT": str(port["port"]), f"{name}_PORT": url}
        if port.get("name"):
            found[f"{name}_SERVICE_PORT_{port['name'].upper().replace('-', '_')}"] = str(port["port"])
        prefix = f"{name}_PORT_{port['port']}_{protocol}"
        found |= {prefix: url, f"{prefix}_PROTO": protocol.lower()}
        found |= {f"{prefix}_PORT": str(port["port"]), f"{prefix}_ADDR": address}
    return found


def of_image(pod: Pod, container: Container) -> dict[str, str]:
    """Return the variables that an image would bring: real paths of this machine, which no mount may change."""
    temporary = container.mounts.get("/tmp") or container.folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        **(_course(container) if container.image.apart else {}),
        "PATH": f"{container.image.programs}:{_SYSTEM_PATH}",
        "HOME": str(container.folder),
        "TMPDIR": str(temporary),
        "HOSTNAME": hostname(pod),
        "PYTHONUNBUFFERED": "1",
    }


def _course(container: Container) -> dict[str, str]:
    """Return the path by which a Python apart finds the course's package, and nothing of what lies beside it."""
    folder = container.folder / "course"
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (folder / "labsupport").symlink_to(paths.PACKAGE, target_is_directory=True)
    return {"PYTHONPATH": str(folder)}


async def _services(pod: Pod, node: Node) -> dict[str, str]:
    """Return the variables of the namespace's Services, and of the API server: its real port, below 1024 in the API."""
    variables: dict[str, str] = {}
    if pod.spec.get("enableServiceLinks", True):
        listed = await node.api.get(f"/api/v1/namespaces/{pod.namespace}/services")
        for service in listed["items"]:
            variables |= service_variables(service)
    port = {"name": "https", "port": node.layout.ports().apiserver}
    kubernetes = {"metadata": {"name": "kubernetes"}, "spec": {"clusterIP": fields.HOST_ADDRESS, "ports": [port]}}
    return {name: value for name, value in variables.items() if not name.startswith("KUBERNETES_")} | service_variables(
        kubernetes
    )


async def _from_object(pod: Pod, source: Json, node: Node) -> dict[str, str]:
    kind = "configmap" if "configMapRef" in source else "secret"
    reference = source.get("configMapRef") or source["secretRef"]
    try:
        data = await references.read(node, kind, pod.namespace, reference["name"])
    except NotFound as error:
        if reference.get("optional"):
            return {}
        raise ConfigError(str(error)) from error
    prefix = source.get("prefix", "")
    return {prefix + key: value.decode(errors="replace") for key, value in data.items()}


async def _value(pod: Pod, container: Container, entry: Json, known: Mapping[str, str], node: Node) -> str | None:
    source = entry.get("valueFrom")
    if not source:
        return expand(entry.get("value", ""), known)
    if "fieldRef" in source:
        return fields.field(pod, source["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in source:
        return fields.resource(pod, source["resourceFieldRef"], container.name)
    kind, title = ("configmap", "ConfigMap") if "configMapKeyRef" in source else ("secret", "Secret")
    reference = source.get("configMapKeyRef") or source.get("secretKeyRef")
    if reference is None:
        raise ConfigError(f"this node can't fill variable {entry['name']} from {', '.join(source)}")
    try:
        data = await references.read(node, kind, pod.namespace, reference["name"])
    except NotFound as error:
        if reference.get("optional"):
            return None
        raise ConfigError(str(error)) from error
    if reference["key"] not in data:
        if reference.get("optional"):
            return None
        raise ConfigError(f"couldn't find key {reference['key']} in {title} {pod.namespace}/{reference['name']}")
    return data[reference["key"]].decode(errors="replace")


def _write_kubeconfig(pod: Pod, token: Path, node: Node) -> Path:
    """Write a kubeconfig of the pod's ServiceAccount, for kubectl and clients that look for no mounted token."""
    server = f"https://{fields.HOST_ADDRESS}:{node.layout.ports().apiserver}"
    cluster = {"server": server, "certificate-authority": str(token / "ca.crt")}
    context = {"cluster": "labs", "user": "pod", "namespace": pod.namespace}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "labs", "cluster": cluster}],
        "users": [{"name": "pod", "user": {"tokenFile": str(token / "token")}}],
        "contexts": [{"name": "pod", "context": context}],
        "current-context": "pod",
    }
    file = pod.folder / "kubeconfig"
    files.write_private(file, json.dumps(content).encode())
    return file

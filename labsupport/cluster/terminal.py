"""What makes kubectl in a terminal use a cluster, and a lab's namespace without being told each time."""

import hashlib
import json
import os
import shlex
from pathlib import Path

from labsupport import files, paths
from labsupport.cluster.interface import Cluster
from labsupport.errors import LabsError


def line_for(number: str, cluster: str = "auto") -> str:
    """Return what to type in a terminal before kubectl works on a lab; `cluster`: as the notebook chose it."""
    chosen = "" if cluster == "auto" else f"LABS_CLUSTER={shlex.quote(cluster)} "
    return f'eval "$({chosen}labs cluster env {number})"'


def script(cluster: Cluster, namespace: str = "") -> str:
    """Return the line of shell that makes kubectl use a cluster, with a namespace as its default where one is named.

    Raises LabsError where a namespace is named and the cluster is not known to kubectl yet.
    """
    access = cluster.access
    if namespace:
        return _export(kubeconfig(cluster, namespace))
    if access.kubeconfig is None:
        return f"kubectl config use-context {shlex.quote(access.context)}"
    return _export(str(access.kubeconfig))


def kubeconfig(cluster: Cluster, namespace: str) -> str:
    """Return what KUBECONFIG is for a cluster with a namespace as kubectl's default: files, with colons between.

    Raises LabsError where the cluster is not known to kubectl yet.
    """
    access = cluster.access
    first = _settings(cluster, namespace)
    rest = [str(access.kubeconfig)] if access.kubeconfig else _own_files()
    return os.pathsep.join([str(first), *(file for file in rest if file != str(first))])


def _settings(cluster: Cluster, namespace: str) -> Path:
    """Write the kubeconfig that stands before the cluster's own: the same context with a namespace, and no credentials."""
    access = cluster.access
    known = json.loads(cluster.kubectl("config", "view", "-o", "json").output).get("contexts") or []
    context = next((item["context"] for item in known if item["name"] == access.context), None)
    if context is None:
        raise LabsError(f"The cluster {cluster.name} was not started yet. Start it: labs cluster up")
    if access.kubeconfig:
        file = access.kubeconfig.parent / f"{namespace}.kubeconfig"
    else:
        # Two terminals may work on the same lab on two clusters; a context's name is no file's name.
        file = paths.data_home() / f"{namespace}.{hashlib.sha256(access.context.encode()).hexdigest()[:8]}.kubeconfig"
    contexts = [{"name": access.context, "context": {**context, "namespace": namespace}}]
    files.write_json(
        file, {"apiVersion": "v1", "kind": "Config", "current-context": access.context, "contexts": contexts}
    )
    return file


def _own_files() -> list[str]:
    named = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    return [file for file in named.split(os.pathsep) if file]


def _export(value: str) -> str:
    return f"export KUBECONFIG={shlex.quote(value)}"

"""The API metrics.k8s.io, from which `kubectl top` and the HorizontalPodAutoscaler read what pods use."""

from typing import Any

from labsupport.cluster.pocket.layout import NODE_NAME
from labsupport.cluster.pocket.node import clock, selectors, usage
from labsupport.cluster.pocket.node.http import Refusal, Request
from labsupport.cluster.pocket.node.node import Node
from labsupport.cluster.pocket.node.pod import Pod
from labsupport.cluster.pocket.node.usage import Sample

VERSION = "metrics.k8s.io/v1beta1"
_WINDOW = f"{usage.WINDOW * usage.PERIOD:.0f}s"
_VERBS = ["get", "list"]

Object = dict[str, Any]


def answer(request: Request, node: Node) -> Object:
    """Return the object or list that a path of this API names. Raises Refusal."""
    try:
        selected = selectors.parse(request.value("labelSelector"))
    except ValueError as error:
        raise Refusal(400, str(error)) from error
    parts = request.path.strip("/").split("/")
    if "/".join(parts[1:3]) != VERSION:
        raise Refusal(404, f"404 page not found: {request.path}")
    match parts[3:]:
        case []:
            return _resources()
        case ["nodes"]:
            return _list("NodeMetrics", [_of_node(node)] if selected(_node_labels()) else [])
        case ["nodes", name] if name == NODE_NAME:
            return _of_node(node)
        case ["pods"]:
            return _list("PodMetrics", _of_pods(node, selected))
        case ["namespaces", namespace, "pods"]:
            return _list("PodMetrics", _of_pods(node, selected, namespace))
        case ["namespaces", namespace, "pods", name]:
            pod = node.pods.find(namespace, name)
            if pod is not None and (samples := _samples(node, pod)):
                return _of_pod(pod, samples)
            raise Refusal(404, f'podmetrics.metrics.k8s.io "{namespace}/{name}" not found')
        case ["nodes", name]:
            raise Refusal(404, f'nodemetrics.metrics.k8s.io "{name}" not found')
    raise Refusal(404, f"404 page not found: {request.path}")


def _resources() -> Object:
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": VERSION,
        "resources": [
            {"name": "nodes", "singularName": "", "namespaced": False, "kind": "NodeMetrics", "verbs": _VERBS},
            {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": _VERBS},
        ],
    }


def _list(kind: str, items: list[Object]) -> Object:
    return {"kind": f"{kind}List", "apiVersion": VERSION, "metadata": {}, "items": items}


def _of_pods(node: Node, selected: selectors.Requirement, namespace: str | None = None) -> list[Object]:
    found = []
    for pod in node.pods.all():
        if namespace not in (None, pod.namespace) or not selected(pod.object["metadata"].get("labels") or {}):
            continue
        # A pod that was not seen twice yet has no rate, so it is left out, as by metrics-server.
        if samples := _samples(node, pod):
            found.append(_of_pod(pod, samples))
    return found


def _of_pod(pod: Pod, samples: dict[str, Sample]) -> Object:
    metadata = {"name": pod.name, "namespace": pod.namespace, "labels": pod.object["metadata"].get("labels") or {}}
    containers = [{"name": name, "usage": _quantities(sample)} for name, sample in samples.items()]
    return {**_measured("PodMetrics", metadata), "containers": containers}


def _of_node(node: Node) -> Object:
    """Return what the node's pods use together: its own programs are no part of what it offers to pods."""
    samples = [sample for pod in node.pods.all() for sample in _samples(node, pod).values()]
    total = Sample(sum(sample.cpu_cores for sample in samples), sum(sample.resident_bytes for sample in samples))
    metadata = {"name": NODE_NAME, "labels": _node_labels()}
    return {**_measured("NodeMetrics", metadata), "usage": _quantities(total)}


def _node_labels() -> dict[str, str]:
    return {"kubernetes.io/hostname": NODE_NAME, "kubernetes.io/os": "linux"}


def _samples(node: Node, pod: Pod) -> dict[str, Sample]:
    """Return the samples of a pod's running containers by their names."""
    found = {container.name: node.usage.of(container) for container in pod.containers.values() if container.running}
    return {name: sample for name, sample in found.items() if sample is not None}


def _measured(kind: str, metadata: Object) -> Object:
    now = clock.now()
    return {
        "kind": kind,
        "apiVersion": VERSION,
        "metadata": {**metadata, "creationTimestamp": now},
        "timestamp": now,
        "window": _WINDOW,
    }


def _quantities(sample: Sample) -> dict[str, str]:
    return {"cpu": f"{round(sample.cpu_cores * 1e9)}n", "memory": f"{sample.resident_bytes // 1024}Ki"}

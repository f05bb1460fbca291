"""Workflows on a lab's cluster: have a controller for them, wait for their end, let a failed one go on, show their nodes."""

import json
from typing import Any

from labsupport import paths
from labsupport.cluster import waiting
from labsupport.cluster.lab import Lab
from labsupport.cluster.snapshot import Snapshot
from labsupport.workflows import argo
from labsupport.workflows.again import again

Object = dict[str, Any]
KIND = f"{argo.PLURAL}.{argo.GROUP}"
FINISHED = ("Succeeded", "Failed", "Error")
PATIENCE_SECONDS = 240.0
_NAMESPACE, _CONTROLLER = "argo", "deployment/workflow-controller"


def is_real(lab: Lab) -> bool:
    """Tell whether Argo's own controller acts on this cluster; else it is ours, which comes with the lab."""
    return lab.cluster.name == "kind" or (lab.cluster.name != "pocket" and _is_anothers(lab))


def define(lab: Lab) -> None:
    """Make the kind Workflow known to the cluster; print what was made.

    On kind it comes with Argo, whose controller is stopped: a lab begins without one. What somebody else has installed on a
    cluster of theirs stays as it is.
    """
    if not is_real(lab):
        lab.apply("definitions.yaml")
    elif lab.cluster.name == "kind":
        # A lab's cleanup takes the kind and leaves the controller.
        there = [("get", _CONTROLLER, "-n", _NAMESPACE), ("get", "crd", KIND)]
        if not all(lab.cluster.kubectl(*words, check=False).ok for words in there):
            manifest = paths.course_root() / "manifests" / "kind" / "argo.yaml"
            lab.cluster.kubectl("apply", "--server-side", "-f", str(manifest))
        lab.cluster.kubectl("scale", _CONTROLLER, "-n", _NAMESPACE, "--replicas=0")
        print("The kind Workflow comes with Argo, whose controller is stopped for now.")
    else:
        print("The kind Workflow is there already, with a controller that the labs do not stop.")
    waiting.wait_for(lab.cluster, f"crd/{KIND}", "Established", timeout=PATIENCE_SECONDS)


def control(lab: Lab) -> None:
    """Start the controller of Workflows, Argo's or ours, and wait until it is there."""
    if not is_real(lab):
        lab.apply("controller.yaml")
        lab.wait("deployment/controller", seconds=PATIENCE_SECONDS)
    elif lab.cluster.name == "kind":
        lab.cluster.kubectl("scale", _CONTROLLER, "-n", _NAMESPACE, "--replicas=1")
        waiting.wait_for(lab.cluster, _CONTROLLER, "rolled-out", _NAMESPACE, PATIENCE_SECONDS)


def _is_anothers(lab: Lab) -> bool:
    found = lab.cluster.kubectl("get", "crd", KIND, "-o", "json", check=False)
    return found.ok and "labs/lab" not in json.loads(found.output)["metadata"].get("labels", {})


def submit(lab: Lab, workflow: Object) -> Object:
    """Apply a Workflow anew, without what an earlier one of its name did, wait for its end, and return it."""
    name = workflow["metadata"]["name"]
    lab.ask(f"kubectl delete {KIND} {name} --ignore-not-found --cascade=foreground")
    lab.apply(workflow)
    return end_of(lab, name)


def end_of(lab: Lab, name: str, seconds: float = PATIENCE_SECONDS) -> Object:
    """Wait until a Workflow has ended, well or not, and return it."""

    def look(seen: Snapshot) -> Object | None:
        found = seen.get("Workflow", name)
        return found if found and found.get("status", {}).get("phase") in FINISHED else None

    ended: Object = lab.until(look, f"the Workflow {name} ends", seconds)
    return ended


def running_pod(lab: Lab, name: str, step: str, seconds: float = PATIENCE_SECONDS) -> str:
    """Wait until a pod of a Workflow's step (the label `labs/step` of its template) runs, and return the pod's name.

    The controller knows it, too: the pod of a try that it still takes for Pending would be made again, as the same try.
    """
    label = f"labs/step={step},{argo.WORKFLOW}={name}"

    def look() -> str | None:
        pods = lab.cluster.get("pods", "-n", lab.namespace, "-l", label)["items"]
        pod = next((one for one in pods if one["status"].get("phase") == "Running"), None)
        if pod is None:
            return None
        nodes = lab.cluster.get(KIND, name, "-n", lab.namespace).get("status", {}).get("nodes") or {}
        known = {node["name"] for node in nodes.values() if node["phase"] == "Running"}
        return pod["metadata"]["name"] if pod["metadata"]["annotations"][argo.NODE] in known else None

    return waiting.until(look, f"{step} of {name} runs", seconds) or ""


def retry(lab: Lab, name: str) -> None:
    """Do what `argo retry NAME` does: forget what failed, so that the controller goes on from there; prints a refusal, too."""
    workflow = lab.cluster.get(KIND, name, "-n", lab.namespace)
    try:
        new, forgotten = again(workflow)
    except ValueError as error:
        print(error)
        return
    pods = lab.cluster.get("pods", "-n", lab.namespace, "-l", f"{argo.WORKFLOW}={name}")["items"]
    failed = [pod["metadata"]["name"] for pod in pods if pod["metadata"]["annotations"].get(argo.NODE) in forgotten]
    lab.cluster.kubectl("delete", "pods", "-n", lab.namespace, "--ignore-not-found", *failed)
    lab.cluster.kubectl("replace", "-n", lab.namespace, "-f", "-", stdin=json.dumps(new))
    print(f"{name} goes on; forgotten: {', '.join(one.removeprefix(f'{name}.') for one in forgotten)}")


def show_nodes(workflow: Object) -> None:
    """Print a Workflow's end, and each node of its graph with its phase, its message and its output."""
    status = workflow["status"]
    print(f"{workflow['metadata']['name']}: {status['phase']}. {status.get('message') or ''}".rstrip())
    for node in nodes_of(workflow):
        # Argo's own controller lists the outputs of a node that failed too, without a value.
        outputs = [one for one in node.get("outputs", {}).get("parameters", []) if "value" in one]
        values = [f"{one['name']} {one['value'][:12]}" for one in outputs]
        print(f"  {node['displayName']:<14}{node['phase']:<11}{node.get('message') or ', '.join(values)}".rstrip())


def nodes_of(workflow: Object) -> list[Object]:
    """Return the nodes of a Workflow's graph but the whole, in the order in which they began."""
    nodes = workflow.get("status", {}).get("nodes") or {}
    own = [node for node in nodes.values() if node["name"] != workflow["metadata"]["name"]]
    return sorted(own, key=lambda node: (node.get("startedAt") or "", node["name"]))

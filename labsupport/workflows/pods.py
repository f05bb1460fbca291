"""From a task to a pod, and from a pod to what came of it."""

from typing import Any

from labsupport.workflows import argo
from labsupport.workflows.values import fill

Object = dict[str, Any]


def of_task(workflow: Object, template: Object, node: str, scope: dict[str, str]) -> Object:
    """Return the pod that does a task's work once. Raises ValueError for a `{{name}}` that nobody can fill.

    `node`: the name of the try, such as `training.register(1)`; `scope`: what `{{...}}` can name in the template.
    """
    spec, name = workflow["spec"], workflow["metadata"]["name"]
    container = {"name": "main", **fill(template["container"], scope)}
    # A file that a container leaves there goes into the status of its pod (at most 4 kB): so a small value comes
    # back without a second container. Argo has one beside it, which reads files of any number.
    for output in template.get("outputs", {}).get("parameters", []):
        container["terminationMessagePath"] = output["valueFrom"]["path"]
    passed_on = ("serviceAccountName", "securityContext", "volumes")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": argo.pod_name(name, template["name"], node),
            "labels": {**fill(template.get("metadata", {}).get("labels", {}), scope), argo.WORKFLOW: name},
            "annotations": {argo.NODE: node},
        },
        "spec": {
            "restartPolicy": "Never",
            "containers": [container],
            **{key: fill(spec[key], scope) for key in passed_on if key in spec},
        },
    }


def outcome(pod: Object | None, template: Object) -> tuple[str, str, dict[str, Any]]:
    """Return the phase of a node from its pod, a message, and its outputs. `pod`: None when it is gone.

    Failed: the program said no. Error: something else came in between.
    """
    if pod is None:
        return "Error", "pod deleted", {}
    status = pod.get("status", {})
    phase = status.get("phase", "Pending")
    if pod["metadata"].get("deletionTimestamp") or phase not in ("Succeeded", "Failed"):
        return ("Pending" if phase == "Pending" else "Running"), "", {}
    ended = next((one["state"].get("terminated") or {} for one in status.get("containerStatuses", [])), {})
    code = ended.get("exitCode")
    outputs: dict[str, Any] = {} if code is None else {"exitCode": str(code)}
    if phase == "Failed":
        reason = status.get("message") or f"main: {ended.get('reason', 'Error')} (exit code {code})"
        return "Failed", reason, outputs
    for output in template.get("outputs", {}).get("parameters", []):
        if not ended.get("message"):
            return "Error", f"{output['valueFrom']['path']} holds nothing: no value for {output['name']}", outputs
        outputs["parameters"] = [{"name": output["name"], "value": ended["message"].strip()}]
    return "Succeeded", "", outputs

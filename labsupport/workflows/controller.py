"""The controller of Workflows: `python -m labsupport.workflows.controller --namespace NAMESPACE`.

It follows no script. Whenever a Workflow or one of its pods changes, it looks at all of it, takes the one step that
brings it nearer to its end, and forgets what it saw. So it may be killed at any time.
"""

import json
from datetime import UTC, datetime
from typing import Any

import kopf
import kubernetes

from labsupport.workflows import argo, graph, operator
from labsupport.workflows.advance import Advance

Object = dict[str, Any]


@kopf.on.event(argo.GROUP, argo.VERSION, argo.PLURAL)
async def workflow_changed(namespace: str | None, name: str, **_: Any) -> None:
    """A Workflow was made or changed."""
    await operator.look(step, namespace, name)


@kopf.on.event("v1", "pods", labels={argo.WORKFLOW: kopf.PRESENT})
async def pod_changed(namespace: str | None, labels: Any, **_: Any) -> None:
    """A pod of a Workflow was made, changed or deleted."""
    await operator.look(step, namespace, labels[argo.WORKFLOW])


def step(namespace: str, name: str) -> float | None:
    """Look at a Workflow and take its next step; return after how many seconds to look again, None: when something changes."""
    workflow = operator.read(argo.GROUP, argo.VERSION, argo.PLURAL, namespace, name)
    if workflow is None or workflow.get("status", {}).get("phase") in graph.FINISHED:
        return None
    if wrong := argo.objections(workflow["spec"]):
        refuse(workflow, "; ".join(wrong))
        return None
    try:
        todo = Advance(workflow, pods_of(namespace, name), datetime.now(UTC))
    except ValueError as error:
        refuse(workflow, str(error))
        return None
    for pod in todo.create:
        operator.create_pod(pod, workflow)
    operator.write_status(workflow, argo.PLURAL, todo.status)
    return todo.again_in


def refuse(workflow: Object, reason: str) -> None:
    """End a Workflow that can't be run, and say why in its status and in an event."""
    message = f"invalid spec: {reason}"
    operator.warn(workflow, "WorkflowFailed", message)
    operator.write_status(workflow, argo.PLURAL, {"phase": "Failed", "message": message})


def pods_of(namespace: str, name: str) -> dict[str, Object]:
    """Ask the API server for the pods of a Workflow; by name."""
    ask = kubernetes.client.CoreV1Api().list_namespaced_pod
    answer = ask(namespace, label_selector=f"{argo.WORKFLOW}={name}", _preload_content=False)
    return {pod["metadata"]["name"]: pod for pod in json.loads(answer.data)["items"]}


if __name__ == "__main__":
    operator.run()

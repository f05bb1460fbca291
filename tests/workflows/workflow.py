"""A Workflow of two or three tasks for tests, and its pods in the phases that they need."""

from typing import Any

from labsupport.workflows import argo, pods

Object = dict[str, Any]


def made(tasks: list[Object], **templates: Object) -> Object:
    """Return a Workflow `w` with these tasks; each template has a container, and what is given beside it."""
    named = {task["template"] for task in tasks}
    own = [
        {"name": name, "container": {"image": "labs-serve:1.0", "command": ["python"]}, **templates.get(name, {})}
        for name in sorted(named)
    ]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "w", "namespace": "n", "uid": "u-1"},
        "spec": {"entrypoint": "main", "templates": [{"name": "main", "dag": {"tasks": tasks}}, *own]},
    }


def task(name: str, *dependencies: str, template: str = "work", **more: Any) -> Object:
    return {"name": name, "template": template} | ({"dependencies": list(dependencies)} if dependencies else {}) | more


def ended(pod: Object, code: int = 0, message: str = "") -> Object:
    """Return a pod as the API server has it when its container has ended."""
    terminated = {"exitCode": code, "reason": "Error" if code else "Completed", "message": message}
    status = {"phase": "Failed" if code else "Succeeded", "containerStatuses": [{"state": {"terminated": terminated}}]}
    return {**pod, "status": status}


__all__ = ["argo", "ended", "made", "pods", "task"]

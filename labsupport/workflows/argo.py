"""The part of Argo's Workflow that our controller knows, and the names that it shares with Argo's.

Names and shapes are those of Argo Workflows 4.0 (Apache-2.0), so that programs read both alike.
"""

import zlib
from typing import Any

from labsupport.workflows import retries
from labsupport.workflows.fields import ANY, lacking, unknown

Object = dict[str, Any]
GROUP, VERSION, PLURAL = "argoproj.io", "v1alpha1", "workflows"
# On each pod: whose it is, and which node of the graph.
WORKFLOW, NODE = "workflows.argoproj.io/workflow", "workflows.argoproj.io/node-name"
_GIVEN = {"parameters": [{"name": ANY, "value": ANY}]}
_TASK = {"name": ANY, "template": ANY, "dependencies": [ANY], "when": ANY, "arguments": _GIVEN}
_TEMPLATE = {
    "name": ANY,
    "metadata": {"labels": ANY},
    "inputs": {"parameters": [{"name": ANY}]},
    "outputs": {"parameters": [{"name": ANY, "valueFrom": {"path": ANY}}]},
    "container": ANY,
    "dag": {"tasks": [_TASK]},
    "retryStrategy": {"limit": ANY, "retryPolicy": ANY, "backoff": {"duration": ANY, "factor": ANY}},
}
KNOWN = {
    "entrypoint": ANY,
    "arguments": _GIVEN,
    "serviceAccountName": ANY,
    "securityContext": ANY,
    "volumes": ANY,
    "templates": [_TEMPLATE],
}

_NEEDED = {
    "entrypoint": ANY,
    "arguments": _GIVEN,
    "templates": [{
        "name": ANY,
        "inputs": {"parameters": [{"name": ANY}]},
        "outputs": {"parameters": [{"name": ANY, "valueFrom": {"path": ANY}}]},
        "dag": {"tasks": [{"name": ANY, "template": ANY, "arguments": _GIVEN}]},
    }],
}  # fmt: skip


def objections(spec: Object) -> list[str]:
    """Return what is wrong with a Workflow before anything runs: what Argo refuses, too, and what only ours lacks."""
    if fields := unknown(spec, KNOWN):
        return [f"{path} is a field that this controller does not know" for path in fields]
    if fields := lacking(spec, _NEEDED):
        return [f"{path} is required" for path in fields]
    templates = {template["name"]: template for template in spec.get("templates", [])}
    tasks = templates.get(spec["entrypoint"], {}).get("dag", {}).get("tasks", [])
    wrong = [] if tasks else [f"template {spec['entrypoint']!r} is no dag with tasks"]
    names = {task["name"] for task in tasks}
    for task in tasks:
        if "container" not in templates.get(task.get("template"), {}):
            wrong.append(f"task {task['name']}: there is no template {task.get('template')!r} with a container")
        for other in set(task.get("dependencies", [])) - names:
            wrong.append(f"task {task['name']} depends on {other}, which is not there")
    many = [template["name"] for template in templates.values() if len(_outputs(template)) > 1]
    wrong += [f"template {name}: this controller carries one output parameter" for name in many]
    for name, template in templates.items():
        wrong += [f"template {name}: {words}" for words in retries.objections(template.get("retryStrategy", {}))]
    return wrong + ([] if wrong or _ends(tasks) else ["the dependencies form a circle"])


def node_id(workflow: str, name: str) -> str:
    """Return the key of a node in `status.nodes`: the same for the same name."""
    return name if name == workflow else f"{workflow}-{zlib.crc32(name.encode())}"


def pod_name(workflow: str, template: str, node: str) -> str:
    """Return the name of a node's pod. Nothing in it is random, so that nobody can make a second pod for the node."""
    return f"{workflow}-{template}-{zlib.crc32(node.encode())}"


def scope_of(workflow: Object) -> dict[str, str]:
    """Return what `{{...}}` can name everywhere in a Workflow: its name, its uid and its own parameters."""
    given = workflow["spec"].get("arguments", {}).get("parameters", [])
    own = {f"workflow.parameters.{one['name']}": str(one["value"]) for one in given}
    return {f"workflow.{key}": workflow["metadata"][key] for key in ("name", "uid")} | own


def _outputs(template: Object) -> list[Object]:
    return list(template.get("outputs", {}).get("parameters", []))


def _ends(tasks: list[Object]) -> bool:
    done: set[str] = set()
    while more := {task["name"] for task in tasks if set(task.get("dependencies", [])) <= done} - done:
        done |= more
    return len(done) == len(tasks)

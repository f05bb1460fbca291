"""Let a workflow that has failed go on where it failed: what `argo retry NAME` does, for Argo's Workflows and for ours."""

import copy
from typing import Any

Object = dict[str, Any]
_GONE = ("Failed", "Error", "Omitted")
COMPLETED = "workflows.argoproj.io/completed"


def again(workflow: Object) -> tuple[Object, list[str]]:
    """Return the Workflow as if what went wrong had never begun, and the names of the nodes that are forgotten.

    What succeeded stays, with its outputs. The controller sees a graph in which something is still to be done, and does
    it. The pods of the forgotten nodes must go first: a new try has their names. Raises ValueError for a workflow that
    has not failed, or was refused before anything ran.
    """
    new, whole = copy.deepcopy(workflow), workflow["metadata"]["name"]
    status = new.get("status") or {}
    phase, nodes = status.get("phase"), status.get("nodes") or {}
    if phase not in ("Failed", "Error"):
        raise ValueError(f"Workflow {whole} is {phase}: only one that failed can be retried.")
    if whole not in nodes:
        raise ValueError(f"Workflow {whole} has not begun ({status.get('message', '')}): mend it, and make it anew.")
    gone = {key for key, node in nodes.items() if node["phase"] in _GONE and node["name"] != whole}
    # All tries of a task that failed in the end, also those that were cut short.
    gone |= {child for key in gone for child in nodes[key].get("children", []) if nodes[key]["type"] == "Retry"}
    forgotten = sorted(nodes[key]["name"] for key in gone)
    for key in gone:
        del nodes[key]
    for node in nodes.values():
        for field in ("children", "outboundNodes"):
            if field in node:
                node[field] = [child for child in node[field] if child not in gone]
    nodes[whole] |= {"phase": "Running", "message": ""}
    nodes[whole].pop("finishedAt", None)
    new["status"] |= {"phase": "Running", "message": "", "finishedAt": None}
    new["status"].pop("conditions", None)
    new["metadata"].get("labels", {}).pop(COMPLETED, None)
    return new, forgotten

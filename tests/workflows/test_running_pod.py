"""A pod of a step counts as running when both the cluster and the controller of Workflows say so."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from labsupport.cluster import argo
from labsupport.cluster.lab import Lab
from labsupport.cluster.waiting import WaitFailed

NODE = "w.work(0)"


def lab_that_saw(pod_phase: str, *node_phases: str) -> Lab:
    """Return a lab with one pod of the step `work`, whose node has these phases, one a look, the last one for good."""
    left = list(node_phases)

    def get(kind: str, *_: str) -> dict[str, Any]:
        if kind == "pods":
            meta = {"name": "w-work-1", "annotations": {"workflows.argoproj.io/node-name": NODE}}
            return {"items": [{"metadata": meta, "status": {"phase": pod_phase}}]}
        phase = left.pop(0) if len(left) > 1 else left[0]
        return {"status": {"nodes": {"w-1": {"name": NODE, "phase": phase}, "w": {"name": "w", "phase": "Running"}}}}

    return cast(Lab, SimpleNamespace(cluster=SimpleNamespace(get=get), namespace="lab-603"))


def test_it_waits_until_the_controller_has_seen_the_pod_run() -> None:
    lab = lab_that_saw("Running", "Pending", "Pending", "Running")
    assert argo.running_pod(lab, "w", "work", seconds=20) == "w-work-1"


@pytest.mark.parametrize(("pod", "node"), [("Running", "Pending"), ("Pending", "Running"), ("Succeeded", "Running")])
def test_one_of_the_two_is_not_enough(pod: str, node: str) -> None:
    with pytest.raises(WaitFailed, match="work of w runs"):
        argo.running_pod(lab_that_saw(pod, node), "w", "work", seconds=0)

"""Pods for 601.2, in each of the places where a pod gets stuck."""

from typing import Any

Object = dict[str, Any]


def _status(phase: str, *, scheduled: bool = True, ready: bool = False, state: Object | None = None) -> Object:
    conditions = [
        {"type": "PodReadyToStartContainers", "status": str(scheduled)},
        {"type": "Initialized", "status": str(scheduled)},
        {"type": "ContainersReady", "status": str(ready)},
        {"type": "Ready", "status": str(ready)},
        {"type": "PodScheduled", "status": str(scheduled)},
    ]
    # Their order is not promised.
    turn = len(phase) % len(conditions)
    conditions = conditions[turn:] + conditions[:turn]
    found: Object = {"phase": phase, "conditions": conditions}
    if state is not None:
        found["containerStatuses"] = [{"name": "web", "ready": ready, "state": state}]
    return {"metadata": {"name": "web-1"}, "status": found}


_RUNNING: Object = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
STUCK: list[tuple[str, Object]] = [
    ("serves", _status("Running", ready=True, state=_RUNNING)),
    ("scheduler", _status("Pending", scheduled=False)),
    # As it really looks: a pod without a node has no word on Ready.
    ("scheduler", {"status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False"}]}}),
    ("image", _status("Pending", state={"waiting": {"reason": "ErrImagePull"}})),
    ("image", _status("Pending", state={"waiting": {"reason": "ImagePullBackOff"}})),
    ("crash", _status("Running", state={"waiting": {"reason": "CrashLoopBackOff"}})),
    ("probe", _status("Running", state=_RUNNING)),
]

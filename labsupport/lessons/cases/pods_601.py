"""Pods for 601.2, in each of the places where a pod gets stuck."""

from typing import Any

Object = dict[str, Any]


def _status(phase: str, *, scheduled: bool = True, ready: bool = False, states: tuple[Object, ...] = ()) -> Object:
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
    if states:
        found["containerStatuses"] = [
            {"name": f"c{at}", "ready": ready or ("running" in state and len(states) > 1), "state": state}
            for at, state in enumerate(states)
        ]
    return {"metadata": {"name": "web-1"}, "status": found}


def _waits(reason: str) -> Object:
    return {"waiting": {"reason": reason}}


_RUNNING: Object = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
_ENDED: Object = {"terminated": {"exitCode": 1, "reason": "Error"}}
_CRASHES = _waits("CrashLoopBackOff")
STUCK: list[tuple[str, Object]] = [
    ("serves", _status("Running", ready=True, states=(_RUNNING,))),
    ("scheduler", _status("Pending", scheduled=False)),
    # As it really looks: a pod without a node has no word on Ready.
    ("scheduler", {"status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False"}]}}),
    ("image", _status("Pending", states=(_waits("ErrImagePull"),))),
    ("image", _status("Pending", states=(_waits("ImagePullBackOff"),))),
    ("starting", _status("Pending", states=(_waits("ContainerCreating"),))),
    ("config", _status("Pending", states=(_waits("CreateContainerConfigError"),))),
    ("crash", _status("Running", states=(_CRASHES,))),
    ("crash", _status("Running", states=(_ENDED,))),
    ("crash", _status("Running", states=(_RUNNING, _CRASHES))),
    ("config", _status("Pending", states=(_waits("CreateContainerConfigError"), _RUNNING))),
    ("probe", _status("Running", states=(_RUNNING,))),
    ("serves", _status("Running", ready=True, states=(_RUNNING, _RUNNING))),
]

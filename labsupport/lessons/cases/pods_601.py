"""Pods for 601.1, in states that a controller meets, and for 601.2, in each of the places where a pod gets stuck."""

from typing import Any

Object = dict[str, Any]


def _pod(name: str, phase: str = "Running", ready: bool = True) -> Object:
    return {"name": f"web-{name}", "phase": phase, "ready": ready}


STATES: list[tuple[str, int, list[Object]]] = [
    ("nothing there", 3, []),
    ("one too few", 3, [_pod("a"), _pod("b")]),
    ("just right", 2, [_pod("a"), _pod("b", "Pending", False)]),
    ("one too many", 1, [_pod("a"), _pod("b")]),
    ("too many, one of them not ready", 2, [_pod("a"), _pod("b", ready=False), _pod("c")]),
    ("too many, two of them not ready", 1, [_pod("a", "Pending", False), _pod("b"), _pod("c", ready=False)]),
    ("one has failed", 2, [_pod("a"), _pod("b", "Failed", False)]),
    ("too many, and one has ended", 1, [_pod("a", "Succeeded", False), _pod("b"), _pod("c")]),
    ("scaled to zero", 0, [_pod("a"), _pod("b", "Succeeded", False)]),
]
"""What it is, how many are wanted, and the pods."""


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
WHY = {
    "scheduler": "it has no node: PodScheduled is False, and there are no containerStatuses yet",
    "image": "waiting with ErrImagePull or ImagePullBackOff: both are about the image",
    "starting": "ContainerCreating: nothing has ended. Whether a mount fails, its events say. Waiting alone is no crash",
    "config": "CreateContainerConfigError: a ConfigMap or Secret that it names is not there, so it never ran",
    "crash": "CrashLoopBackOff: it starts and ends again, though its phase is Running",
    "probe": "its container runs and Ready is False: phase Running does not mean that it serves",
    "serves": "Ready is True: it gets traffic",
}

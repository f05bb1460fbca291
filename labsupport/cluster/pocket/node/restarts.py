"""Decide whether a container that ended is started again, and when."""

from labsupport.cluster.pocket.node.pod import INIT, Container, Pod

# Kubernetes waits 10 s, 20 s, ... 300 s. Here the same happens ten times as fast, because a lab has minutes, not hours.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
# A container that ran this long has earned a fresh start.
STEADY = 2 * LONGEST_PAUSE


def is_due(policy: str, code: int) -> bool:
    """Tell whether a restart policy (Always, OnFailure, Never) wants a container back that ended with `code`."""
    return policy == "Always" or (policy == "OnFailure" and code != 0)


def policy_of(pod: Pod, container: Container) -> str:
    """Return a container's restart policy: its own, else its pod's; an init container is done when it succeeded."""
    policy = str(container.spec.get("restartPolicy") or pod.spec.get("restartPolicy", "Always"))
    return "OnFailure" if container.kind == INIT and policy == "Always" else policy


class BackOff:
    """The growing pause before a container's next start."""

    def __init__(self, first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE) -> None:
        self._first, self._longest = first, longest
        self._next = 0.0

    def after(self, seconds_run: float) -> float:
        """Return how long to wait after a run: nothing after the first one, then a pause that doubles."""
        if seconds_run > STEADY:
            self._next = 0.0
        pause = self._next
        self._next = min(max(2 * pause, self._first), self._longest)
        return pause

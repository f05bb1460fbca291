"""Pods on nodes as kube-scheduler places them, by their CPU requests alone (kube-scheduler, NodeResourcesFit, LeastAllocated)."""

from collections.abc import Sequence

NODES = 3
# Of each node, in thousandths of a core, as a manifest's `m`.
CORES = 4000


def place(requests: Sequence[int]) -> list[int | None]:
    """Return the node (0, 1, ...) of each pod, or None for one that waits. `requests`: thousandths of a core, in order of arrival.

    First the filter: nodes on which the request fits. Then the score: of these the one with the largest share free.
    Among equals the first is taken; the real one draws lots.
    """
    placed: list[int | None] = []
    for at, request in enumerate(requests):
        left = free(requests[:at], placed)
        fitting = [node for node in range(NODES) if left[node] >= request]
        placed.append(max(fitting, key=lambda node: left[node]) if fitting else None)
    return placed


def free(requests: Sequence[int], placed: Sequence[int | None]) -> list[int]:
    """Return what is free on each node, in thousandths of a core, beside the pods that are placed."""
    taken = [0] * NODES
    for request, node in zip(requests, placed, strict=True):
        if node is not None:
            taken[node] += request
    return [CORES - each for each in taken]

"""One queue before c replicas, fast: many stretches of time side by side, and exact.

The state of a first-come-first-served queue is the sorted vector of times at which each replica will be free (Kiefer
and Wolfowitz 1955). A request starts at max(its arrival, the first of them), which its finish then replaces. The
recursion runs from request to request and cannot be vectorised along time, but a queue forgets: from any two states it
soon does the same. So the requests are cut into blocks that are all stepped at once, each from the state that the block
before had reached in the last pass; a block whose start state did not change is settled. What is left after the passes
(overload forgets slowly) is repaired in order by a heap. The result is bit by bit that of a plain loop
(time-parallel simulation: Greenberg, Lubachevsky and Mitrani 1991; Heidelberger and Stone 1990).
"""

from heapq import heapify, heapreplace

import numpy as np

from labsupport.arrays import FloatArray

BLOCK = 1_000
PASSES = 2
# Below this many requests, and above this many replicas, the heap alone is faster.
FEWEST_REQUESTS = 20_000
MOST_REPLICAS = 24


def serve(
    arrivals: FloatArray, services: FloatArray, free_at: FloatArray, patience_s: float
) -> tuple[FloatArray, FloatArray]:
    """Return when each request starts, and when the replicas are free afterwards.

    `arrivals` (requests,): seconds, in order; `services` (requests,): seconds; `free_at` (replicas,): seconds, sorted.
    A request that would start later than its arrival + `patience_s` gives up and takes no service: its start is only the
    one it would have had. Returns starts (requests,), in order, and the new free_at (replicas,), sorted.
    """
    if len(arrivals) < FEWEST_REQUESTS or len(free_at) > MOST_REPLICAS:
        return _loop(arrivals, services, free_at, patience_s)
    whole = len(arrivals) // BLOCK * BLOCK
    starts = np.empty_like(arrivals)
    starts[:whole], free_at = _side_by_side(arrivals[:whole], services[:whole], free_at, patience_s)
    starts[whole:], free_at = _loop(arrivals[whole:], services[whole:], free_at, patience_s)
    return starts, free_at


def _loop(
    arrivals: FloatArray, services: FloatArray, free_at: FloatArray, patience_s: float
) -> tuple[FloatArray, FloatArray]:
    free = free_at.tolist()
    heapify(free)
    starts: list[float] = []
    append = starts.append
    for arrival, service in zip(arrivals.tolist(), services.tolist(), strict=True):
        start = free[0]
        if start < arrival:
            start = arrival
        append(start)
        if start - arrival <= patience_s:
            heapreplace(free, start + service)
    return np.array(starts), np.sort(np.array(free))


def _side_by_side(
    arrivals: FloatArray, services: FloatArray, free_at: FloatArray, patience_s: float
) -> tuple[FloatArray, FloatArray]:
    # (position in the block, block): a step works on one row, which lies together in memory.
    arrive = np.ascontiguousarray(arrivals.reshape(-1, BLOCK).T)
    service = np.ascontiguousarray(services.reshape(-1, BLOCK).T)
    starts = np.empty_like(arrive)
    blocks = arrive.shape[1]
    # Free before the block's first arrival is as good as free at it; without this clip equal states would look different.
    begin = np.maximum(free_at[:, None], arrive[0])
    end = np.empty_like(begin)
    unsettled = np.arange(blocks)
    for _ in range(PASSES):
        state = begin[:, unsettled]
        starts[:, unsettled] = _step_all(arrive[:, unsettled], service[:, unsettled], state, patience_s)
        end[:, unsettled] = state
        reached = np.maximum(end[:, :-1], arrive[0, 1:])
        unsettled = np.flatnonzero((reached != begin[:, 1:]).any(axis=0)) + 1
        begin[:, unsettled] = reached[:, unsettled - 1]
        if not unsettled.size:
            break
    _repair(arrive, service, starts, begin, end, set(unsettled.tolist()), patience_s)
    return starts.T.ravel(), end[:, -1]


def _step_all(arrive: FloatArray, service: FloatArray, state: FloatArray, patience_s: float) -> FloatArray:
    """Step every block through its requests; `state` (replicas, blocks), sorted downwards, is changed in place."""
    starts = np.empty_like(arrive)
    rows = list(state)
    passed = np.empty_like(arrive[0])
    endless = np.isinf(patience_s)
    for step in range(len(arrive)):
        start = np.maximum(arrive[step], rows[0], out=starts[step])
        np.add(start, service[step], out=passed)
        if not endless:
            # Who gives up puts back what it took: the first free time.
            np.copyto(passed, rows[0], where=start - arrive[step] > patience_s)
        # Insert the finish into the sorted rows, dropping the first: one stroke of insertion sort for all blocks.
        for here, after in zip(rows, rows[1:], strict=False):
            np.minimum(after, passed, out=here)
            np.maximum(after, passed, out=passed)
        rows[-1][:] = passed
    return starts


def _repair(
    arrive: FloatArray,
    service: FloatArray,
    starts: FloatArray,
    begin: FloatArray,
    end: FloatArray,
    unsettled: set[int],
    patience_s: float,
) -> None:
    for block in range(min(unsettled, default=arrive.shape[1]), arrive.shape[1]):
        reached = np.maximum(end[:, block - 1], arrive[0, block])
        if block in unsettled or (reached != begin[:, block]).any():
            starts[:, block], end[:, block] = _loop(arrive[:, block], service[:, block], reached, patience_s)

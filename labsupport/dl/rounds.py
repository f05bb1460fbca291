"""Which block goes where in a ring, step after step; and the same played on paper: who holds whose numbers."""

from collections.abc import Callable

Plan = Callable[[int, int, int], tuple[int, int]]
"""Called with step, rank and number of workers; returns (block to give to the right, block to take from the left)."""
Holds = list[list[frozenset[int]]]
"""`holds[rank][block]`: whose numbers are in this worker's copy of a block."""


def first_half(step: int, rank: int, workers: int) -> tuple[int, int]:
    """Return (block to give, block to take): each takes a block, adds its own numbers, and hands it on in the next step."""
    return (rank - step) % workers, (rank - step - 1) % workers


def second_half(step: int, rank: int, workers: int) -> tuple[int, int]:
    """Return (block to give, block to take): what is whole goes round, and replaces what was there."""
    return (rank + 1 - step) % workers, (rank - step) % workers


def beginning(workers: int) -> Holds:
    """Return what is held before the first step: of each block everybody has the own numbers only."""
    return [[frozenset({rank})] * workers for rank in range(workers)]


def step_of(holds: Holds, plan: Plan, step: int, add: bool) -> Holds:
    """Return what is held after one step in which all give and take at once: what is taken is added, or replaces what was there.

    Raises ValueError when a worker puts what comes into another block than its left neighbour gave.
    """
    workers = len(holds)
    plans = [plan(step, rank, workers) for rank in range(workers)]
    after = [list(blocks) for blocks in holds]
    for rank, (_, take) in enumerate(plans):
        given = int(plans[rank - 1][0]) % workers
        if given != take % workers:
            raise ValueError(f"worker {rank} takes block {take}, its left neighbour gives block {given}")
        come = holds[rank - 1][given]
        after[rank][given] = holds[rank][given] | come if add else come
    return after


def play(holds: Holds, plan: Plan, add: bool) -> Holds:
    """Return what is held after the N - 1 steps of one half of the ring."""
    for step in range(len(holds) - 1):
        holds = step_of(holds, plan, step, add)
    return holds

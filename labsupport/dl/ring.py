"""A ring of workers over TCP: each talks to its two neighbours only, and all end with the same sum.

Source: Patarasuk, Yuan (2009), "Bandwidth Optimal All-reduce Algorithms for Clusters of Workstations"; made popular for networks
by Baidu and Horovod (Sergeev, Del Balso 2018).
"""

import socket
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from labsupport.dl.links import Address, Link, Lost, meet
from labsupport.dl.network import Array
from labsupport.dl.rounds import first_half, second_half
from labsupport.errors import LabsError


class LostNeighbour(LabsError):
    """A worker is gone, or says nothing: `worker` is its rank, `rank` that of who noticed or was told."""

    def __init__(self, rank: int, worker: int, address: Address, why: str) -> None:
        super().__init__(
            f"Worker {rank} has lost worker {worker} ({address[0]}:{address[1]}): {why}. "
            f"Look at what worker {worker} said last, and start all workers again: they go on from the last checkpoint."
        )
        self.rank, self.worker, self.why = rank, worker, why


class Ring:
    """Worker `rank` of as many as there are `addresses` (host, port), the same list for all of them.

    It waits for its neighbours for `patience` seconds: at the start until they are there, later until they say something.
    `listener`: a socket that listens at its own address already; else it makes one. `plan` is anything that all must
    agree on, such as the settings of a training. `sent` counts the bytes of numbers sent to the neighbour on the right,
    `frames` the messages that they went in. Raises LostNeighbour, and LabsError for a neighbour with another plan.
    """

    def __init__(
        self,
        rank: int,
        addresses: Sequence[Address],
        patience: float = 30.0,
        listener: socket.socket | None = None,
        plan: str = "",
    ) -> None:
        if not 0 <= rank < len(addresses):
            raise LabsError(f"A rank is a whole number from 0 to {len(addresses) - 1}, one an address; this is {rank}.")
        self.rank, self.workers = rank, len(addresses)
        self.addresses, self.patience = list(addresses), patience
        self.sent = self.frames = 0
        self.left, self.right = (rank - 1) % self.workers, (rank + 1) % self.workers
        self.link: Link | None = None
        if self.workers > 1:
            try:
                self.link = meet(rank, self.addresses, patience, listener, plan)
            except Lost as lost:
                raise self._lost(lost) from None

    def swap(self, block: Array, count: int) -> Array:
        """Give a block to the right neighbour, and return the one that the left neighbour gives: `count` numbers, same type."""
        assert self.link is not None, "a ring of one has no neighbours"
        try:
            taken = self.link.swap(block.tobytes(), count * block.itemsize)
        except Lost as lost:
            raise self._lost(lost) from None
        self.sent += block.nbytes
        self.frames += 1
        return np.frombuffer(taken, block.dtype)

    def all_reduce(self, vector: Array) -> Array:
        """Return the sum of all workers' vectors (n,), the same to the last bit for each; all bring the same n and type.

        Each worker sends 2 (N - 1) blocks of about n / N numbers: 2 (N - 1) / N times its vector.
        """
        total = vector.copy()
        blocks = np.array_split(total, self.workers)
        for step in range(self.workers - 1):
            give, take = first_half(step, self.rank, self.workers)
            blocks[take] += self.swap(blocks[give], blocks[take].size)
        for step in range(self.workers - 1):
            give, take = second_half(step, self.rank, self.workers)
            blocks[take][:] = self.swap(blocks[give], blocks[take].size)
        return total

    def pass_around(self, vector: Array) -> Array:
        """Return the same sum by the plain way: whole vectors go round until each has been everywhere, N - 1 times the vector."""
        guest, by_rank = vector, {self.rank: vector}
        for step in range(1, self.workers):
            guest = self.swap(guest, guest.size)
            by_rank[(self.rank - step) % self.workers] = guest
        # In the order of ranks: sums of floats depend on it.
        return np.sum([by_rank[rank] for rank in range(self.workers)], axis=0, dtype=vector.dtype)

    def close(self) -> None:
        """Say goodbye; what was sent still arrives."""
        if self.link is not None:
            self.link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: Any) -> None:
        self.close()

    def _lost(self, lost: Lost) -> LostNeighbour:
        if self.link is not None:
            self.link.tell(lost.worker)
        return LostNeighbour(self.rank, lost.worker, self.addresses[lost.worker], lost.why)

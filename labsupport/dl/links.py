"""A worker's two connections, to its neighbours in a ring: how they meet, how blocks are swapped, how a loss is told.

A message is a head, which says what follows, and a block of bytes. All are sent and received side by side: if everybody
sent first, and the blocks were larger than what the system keeps in between, nobody would ever receive.
"""

import contextlib
import hashlib
import select
import socket
import struct
import time
from collections.abc import Sequence

from labsupport.errors import LabsError

Address = tuple[str, int]
HEAD = struct.Struct("!iQ")
"""-1 and the length of the block that follows; or the rank of a worker that was lost, and 0."""
HELLO = struct.Struct("!8sii16s")
"""Who calls: a mark, its rank, how many workers it was told of, and a digest of what all must agree on."""
MARK = b"labsring"
BLOCK = -1
FAREWELL_S = 2.0
CALL_S = 2.0


class Lost(Exception):
    """A neighbour is gone, or was lost by another who tells: `worker` is its rank."""

    def __init__(self, worker: int, why: str) -> None:
        super().__init__(why)
        self.worker, self.why = worker, why


class Link:
    """Sockets to both neighbours, without blocking: blocks go to the right and come from the left; a loss is told both ways."""

    def __init__(self, left: socket.socket, right: socket.socket, ranks: tuple[int, int], patience: float) -> None:
        self.left, self.right, self.patience = left, right, patience
        self.left_rank, self.right_rank = ranks
        self.pending = memoryview(b"")
        self.right_talks = True
        for each in (left, right):
            each.setblocking(False)
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def swap(self, block: bytes, length: int) -> bytes:
        """Send a block to the right and return the one of `length` bytes that comes from the left. Raises Lost.

        Raises LabsError when the neighbour's block has another length: then both do not the same work.
        """
        self.pending = memoryview(HEAD.pack(BLOCK, len(block)) + block)
        taken, wanted = bytearray(), HEAD.size + length
        moved = time.monotonic()
        while self.pending or len(taken) < wanted:
            if self._move(taken, wanted):
                moved = time.monotonic()
            elif time.monotonic() - moved > self.patience:
                silent = self.left_rank if len(taken) < wanted else self.right_rank
                raise Lost(silent, f"it has said nothing for {self.patience:g} s")
            if len(taken) >= HEAD.size:
                self._read_head(taken, length)
        return bytes(taken[HEAD.size :])

    def _read_head(self, taken: bytearray, length: int) -> None:
        kind, announced = HEAD.unpack_from(taken)
        if kind != BLOCK:
            raise Lost(kind, f"worker {self.left_rank} says so")
        if announced != length:
            raise LabsError(
                f"Worker {self.left_rank} sends {announced} bytes where {length} were expected: do both train the same network?"
            )

    def _move(self, taken: bytearray, wanted: int) -> bool:
        """Wait until bytes can go or come, and move them; return whether any did."""
        poll = select.poll()
        if len(taken) < wanted:
            poll.register(self.left, select.POLLIN)
        # The right one only speaks to tell a loss.
        wishes = (select.POLLOUT if self.pending else 0) | (select.POLLIN if self.right_talks else 0)
        if wishes:
            poll.register(self.right, wishes)
        ready = dict(poll.poll(1000 * min(self.patience, 1.0)))
        before = len(self.pending), len(taken)
        if self.right.fileno() in ready:
            self._hear_right()
        if self.left.fileno() in ready:
            came = _receive(self.left, self.left_rank, min(wanted - len(taken), 1 << 20))
            if came == b"":
                raise Lost(self.left_rank, "it has closed the connection")
            taken += came or b""
        if self.pending and ready.get(self.right.fileno(), 0) & ~select.POLLIN:
            with contextlib.suppress(BlockingIOError):
                try:
                    self.pending = self.pending[self.right.send(self.pending) :]
                except OSError as error:
                    raise Lost(self.right_rank, f"it does not take anything any more ({error.strerror})") from None
        return (len(self.pending), len(taken)) != before

    def _hear_right(self) -> None:
        if not self.right_talks:
            return
        told = _receive(self.right, self.right_rank, HEAD.size)
        if told == b"":
            # It may have all that it needs, and be done.
            self.right_talks = False
            if self.pending:
                raise Lost(self.right_rank, "it has closed the connection")
        elif told is not None and len(told) == HEAD.size:
            raise Lost(HEAD.unpack(told)[0], f"worker {self.right_rank} says so")

    def tell(self, worker: int) -> None:
        """Tell both neighbours which worker is lost, as well as they can still hear, and close."""
        end = time.monotonic() + FAREWELL_S
        words = HEAD.pack(worker, 0)
        for each, told in ((self.right, bytes(self.pending) + words), (self.left, words)):
            with contextlib.suppress(OSError):
                each.settimeout(max(end - time.monotonic(), 0.01))
                each.sendall(told)
                each.shutdown(socket.SHUT_WR)
        # Who closes with unread bytes takes back what it has said: read until they close, too.
        for each in (self.right, self.left):
            with contextlib.suppress(OSError):
                while time.monotonic() < end and each.recv(1 << 16):
                    each.settimeout(max(end - time.monotonic(), 0.01))
        self.close()

    def close(self) -> None:
        """Close both connections."""
        self.left.close()
        self.right.close()


def meet(
    rank: int, addresses: Sequence[Address], patience: float, listener: socket.socket | None = None, plan: str = ""
) -> Link:
    """Return the links of worker `rank`: it calls its right neighbour until that answers, and waits for its left one's call.

    Raises Lost when one of them is not there in time, and LabsError when one was told other things than this worker.
    """
    end = time.monotonic() + patience
    workers = len(addresses)
    left, right = (rank - 1) % workers, (rank + 1) % workers
    hello = HELLO.pack(MARK, rank, workers, hashlib.md5(plan.encode(), usedforsecurity=False).digest())
    with contextlib.ExitStack() as undo:
        own = undo.enter_context(listener or _listen(addresses[rank], end))
        caller = undo.enter_context(_call(addresses[right], right, end))
        _say_hello(caller, hello, right, end)
        called = undo.enter_context(_accept(own, left, hello, end))
        # Hello is answered, so that nobody takes a connection that only waits in a queue for a neighbour.
        called.settimeout(max(end - time.monotonic(), 0.01))
        called.sendall(hello)
        _check(_exactly(caller, right, end), hello, right)
        undo.pop_all()
    own.close()
    return Link(called, caller, (left, right), patience)


def _listen(address: Address, end: float) -> socket.socket:
    """Listen at the own address as soon as its name is known: that of a pod may come a moment after the pod."""
    while True:
        try:
            family, kind, protocol, _, found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
        except socket.gaierror as error:
            if time.monotonic() > end:
                raise LabsError(f"The name of this worker, {address[0]}, is not known: {error.strerror}.") from None
            time.sleep(0.2)
            continue
        own = socket.socket(family, kind, protocol)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            own.bind(found)
            own.listen(8)
        except OSError as error:
            own.close()
            raise LabsError(f"Can't listen at {address[0]}:{address[1]}: {error.strerror}.") from None
        return own


def _call(address: Address, rank: int, end: float) -> socket.socket:
    while True:
        try:
            # A short try: the address behind a pod's name changes when the pod starts again.
            return socket.create_connection(address, timeout=min(max(end - time.monotonic(), 0.01), CALL_S))
        except OSError as error:
            if time.monotonic() > end:
                raise Lost(rank, f"nobody answers ({error.strerror or error})") from None
            time.sleep(0.05)


def _say_hello(caller: socket.socket, hello: bytes, rank: int, end: float) -> None:
    caller.settimeout(max(end - time.monotonic(), 0.01))
    try:
        caller.sendall(hello)
    except OSError as error:
        raise Lost(rank, f"it does not take a hello ({error.strerror or error})") from None


def _accept(own: socket.socket, left: int, hello: bytes, end: float) -> socket.socket:
    """Return the connection of the left neighbour; strangers, such as a probe of ports, are sent away."""
    while True:
        own.settimeout(max(end - time.monotonic(), 0.01))
        try:
            called, _ = own.accept()
        except OSError:
            raise Lost(left, "it has not called") from None
        try:
            said = _exactly(called, left, min(end, time.monotonic() + FAREWELL_S))
        except Lost:
            called.close()
            continue
        if said[: len(MARK)] == MARK:
            try:
                _check(said, hello, left)
            except LabsError:
                # It should know, too.
                with contextlib.suppress(OSError):
                    called.sendall(hello)
                called.close()
                raise
            return called
        called.close()


def _check(said: bytes, hello: bytes, rank: int) -> None:
    mark, caller, workers, plan = HELLO.unpack(said)
    _, _, own_workers, own_plan = HELLO.unpack(hello)
    if (mark, caller, workers) != (MARK, rank, own_workers):
        raise LabsError(
            f"Worker {rank} of {own_workers} was expected, and worker {caller} of {workers} is there: give all the same addresses."
        )
    if plan != own_plan:
        raise LabsError(f"Worker {rank} was started with other settings than this one: give all the same.")


def _exactly(other: socket.socket, rank: int, end: float) -> bytes:
    said = b""
    while len(said) < HELLO.size:
        other.settimeout(max(end - time.monotonic(), 0.01))
        try:
            came = other.recv(HELLO.size - len(said))
        except OSError:
            came = b""
        if not came:
            raise Lost(rank, "it does not say hello")
        said += came
    return said


def _receive(other: socket.socket, rank: int, most: int) -> bytes | None:
    """Return what has come: nothing (None), an end (b"") or bytes. Raises Lost."""
    try:
        return other.recv(most)
    except BlockingIOError:
        return None
    except OSError as error:
        raise Lost(rank, f"it is gone ({error.strerror})") from None

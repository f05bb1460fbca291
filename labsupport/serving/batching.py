"""Batches: whatever arrived within one turn of the event loop is computed together; nobody waits for a timer.

A turn of the loop reads all sockets that have something, so under load a batch forms by itself, and a lonely request is
computed at once. A timer would make every request wait, to save a call that here costs 10 microseconds. The model runs on
the loop itself: a hand-over to a thread would cost more than such a call. A model that takes tenths of a second would keep
health from being answered meanwhile; it wants a server of another kind.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np

from labsupport.serving.protocol import Tensors

# Rows computed in one call: enough that the cost of a call no longer matters, few enough that health is answered between.
MOST_ROWS = 64
# Requests that may wait. More would be answered after their clients have gone, and the queue would never empty again.
MOST_WAITING = 512


class Busy(Exception):
    """So many requests wait already that this one is not taken: come back a little later."""


@dataclass(slots=True)
class Stages:
    """When a request was put into the queue, taken out, and answered, in ns since 1970; with whom it shared the call.

    A time that is 0 did not come. `requests`, `rows`: of the whole batch.
    """

    queued_ns: int = 0
    taken_ns: int = 0
    done_ns: int = 0
    requests: int = 0
    rows: int = 0


# Who wants to know the stages of its request sets this before it submits.
STAGES: ContextVar[Stages | None] = ContextVar("stages", default=None)


@dataclass(slots=True)
class _Waiting:
    inputs: Tensors
    rows: int
    answer: "asyncio.Future[Tensors]"
    stages: Stages | None


class Batcher:
    """Collects requests for one model and computes them together.

    `run`: from arrays by name to arrays by name, row by row; `together`: whether rows of several requests may share a
    call; `observe`: is told the rows of each call.
    """

    def __init__(
        self,
        run: Callable[[Tensors], Tensors],
        *,
        together: bool = True,
        most_rows: int = MOST_ROWS,
        most_waiting: int = MOST_WAITING,
        observe: Callable[[int], None] = lambda rows: None,
    ) -> None:
        self._run = run
        self._most_rows = most_rows if together else 1
        self._most_waiting = most_waiting
        self._observe = observe
        self._queue: deque[_Waiting] = deque()
        self._planned = False

    def __len__(self) -> int:
        """Return how many requests wait."""
        return len(self._queue)

    def submit(self, inputs: Tensors, rows: int) -> "asyncio.Future[Tensors]":
        """Return the future answer for some rows; raises Busy when too many wait already."""
        if len(self._queue) >= self._most_waiting:
            raise Busy
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Tensors] = loop.create_future()
        stages = STAGES.get()
        if stages is not None:
            stages.queued_ns = time.time_ns()
        self._queue.append(_Waiting(inputs, rows, answer, stages))
        if not self._planned:
            self._planned = True
            loop.call_soon(self._turn, loop)
        return answer

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        batch = self._next()
        # One batch a turn: between two of them the loop reads sockets, answers health and refuses what is too much.
        self._planned = bool(self._queue)
        if self._planned:
            loop.call_soon(self._turn, loop)
        if not batch:
            return
        rows = sum(waiting.rows for waiting in batch)
        self._observe(rows)
        watched = [waiting.stages for waiting in batch if waiting.stages is not None]
        for stages in watched:
            stages.taken_ns, stages.requests, stages.rows = time.time_ns(), len(batch), rows
        self._answer(batch)
        for stages in watched:
            stages.done_ns = time.time_ns()

    def _answer(self, batch: Sequence[_Waiting]) -> None:
        if len(batch) == 1:
            self._alone(batch[0])
            return
        results = self._together(batch)
        if results is None:
            for waiting in batch:
                self._alone(waiting)
            return
        begin = 0
        for waiting in batch:
            end = begin + waiting.rows
            waiting.answer.set_result({name: array[begin:end] for name, array in results.items()})
            begin = end

    def _together(self, batch: Sequence[_Waiting]) -> Tensors | None:
        """Return the model's answer to all rows of a batch, or None where the requests must be answered one by one."""
        try:
            results = self._run({name: np.concatenate([w.inputs[name] for w in batch]) for name in batch[0].inputs})
        except Exception:
            # One of them made the model fail; the others must not pay for it.
            return None
        # More or fewer rows than were asked: nothing says whose they are.
        rows = sum(waiting.rows for waiting in batch)
        return results if all(array.shape[:1] == (rows,) for array in results.values()) else None

    def _alone(self, waiting: _Waiting) -> None:
        try:
            waiting.answer.set_result(self._run(waiting.inputs))
        except Exception as error:
            waiting.answer.set_exception(error)

    def _next(self) -> list[_Waiting]:
        """Take the next batch off the queue: at least one request, then as many as fit; those whose client left are dropped."""
        batch: list[_Waiting] = []
        rows = 0
        while self._queue:
            if self._queue[0].answer.done():
                self._queue.popleft()
                continue
            if batch and rows + self._queue[0].rows > self._most_rows:
                break
            batch.append(self._queue.popleft())
            rows += batch[-1].rows
        return batch

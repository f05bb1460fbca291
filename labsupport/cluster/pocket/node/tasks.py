"""Tasks that run to their end, whose end somebody looks at, and that end when they are told to.

asyncio itself holds tasks only weakly, and the garbage collector takes some half-way; it tells of an error only when the
task is collected; and a task may survive its cancellation (`asyncio.wait_for` before Python 3.12 loses one that comes in
the moment in which what it waits for finishes). kopf guards its tasks in the same way (kopf/_cogs/aiokits/aiotasks.py).
"""

import asyncio
import logging
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")
# A task that still runs so long after it was cancelled is cancelled again.
_AGAIN = 5.0
_running: set[asyncio.Task[Any]] = set()
log = logging.getLogger("tasks")


def start(work: Coroutine[Any, Any, T], what: str) -> asyncio.Task[T]:
    """Start work in the background; an error that ends it is logged at once, under the name `what`."""
    task = asyncio.create_task(work, name=what)
    task.add_done_callback(_look_at)
    return task


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until they have ended, however they do."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN)
        for task in left:
            log.error("%s goes on after its cancellation; cancelled again", task.get_name())


async def together(*works: Coroutine[Any, Any, Any]) -> None:
    """Do several things beside each other, to their ends; an error of one ends the others and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


def _look_at(task: asyncio.Task[Any]) -> None:
    if task.cancelled() or (error := task.exception()) is None:
        return
    if isinstance(error, ConnectionError):
        # Peers leave when they like.
        log.info("%s ended: %r", task.get_name(), error)
    else:
        log.error("%s failed", task.get_name(), exc_info=error)


def keep_all(loop: asyncio.AbstractEventLoop) -> None:
    """Hold every task of a loop until it is done, also those that asyncio makes for connections to a server.

    A relay between two sockets that are both closed is a cycle that nothing else refers to; collected, its connection
    would break off in the middle. See "Important" at asyncio.create_task in Python's documentation.
    """

    def make(
        loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any] | Generator[Any, None, Any], **options: Any
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(work, loop=loop, **options)
        _running.add(task)
        task.add_done_callback(_running.discard)
        return task

    loop.set_task_factory(make)

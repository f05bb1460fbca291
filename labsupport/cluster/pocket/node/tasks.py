"""Tasks that run to their end: asyncio itself holds them only weakly, and the garbage collector takes some half-way."""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any

_running: set[asyncio.Task[Any]] = set()


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

"""A task that only itself knows still runs to its end."""

import asyncio
import gc
import weakref

from labsupport.cluster.pocket.node import tasks


def test_a_task_that_nobody_holds_survives_the_garbage_collector() -> None:
    ended: list[str] = []
    futures: list[weakref.ref[asyncio.Future[str]]] = []

    async def lonely() -> None:
        # The future's callback holds the task, and the task's frame holds the future: a cycle.
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        futures.append(weakref.ref(future))
        ended.append(await future)

    async def run() -> None:
        tasks.keep_all(asyncio.get_running_loop())
        asyncio.get_running_loop().create_task(lonely())
        await asyncio.sleep(0)
        gc.collect()
        future = futures[0]()
        assert future is not None
        future.set_result("woken")
        await asyncio.sleep(0.01)

    asyncio.run(run())
    assert ended == ["woken"]


def test_tasks_are_held_until_they_are_done() -> None:
    async def run() -> None:
        tasks.keep_all(asyncio.get_running_loop())
        task = asyncio.create_task(asyncio.sleep(0.01))
        assert task in tasks._running
        await task
        await asyncio.sleep(0)
        assert task not in tasks._running

    asyncio.run(run())

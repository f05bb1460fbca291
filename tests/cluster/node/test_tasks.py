"""A task that only itself knows still runs to its end, its end is looked at, and it ends when it is told to."""

import ast
import asyncio
import gc
import logging
import weakref
from pathlib import Path

import pytest

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


def test_error_that_ends_a_background_task_is_logged_at_once_under_its_name(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("odd")

    async def run() -> None:
        kept = tasks.start(fail(), "the renewal")
        await asyncio.wait({kept})
        assert [(entry.message, str(entry.exc_info[1])) for entry in caplog.records if entry.exc_info] == [
            ("the renewal failed", "odd")
        ]

    with caplog.at_level(logging.ERROR):
        asyncio.run(run())


def test_task_that_survives_its_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tasks, "_AGAIN", 0.01)
    survived: list[str] = []

    async def stubborn() -> None:
        while len(survived) < 2:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                survived.append("once")
        await asyncio.sleep(60)

    async def run() -> None:
        task = tasks.start(stubborn(), "the stubborn one")
        await asyncio.sleep(0)
        await tasks.end(task)
        assert task.cancelled()

    asyncio.run(run())
    assert "the stubborn one goes on after its cancellation" in caplog.text


def test_who_ends_a_task_can_be_cancelled_meanwhile() -> None:
    async def run() -> bool:
        release = asyncio.Event()

        async def slow() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                await release.wait()

        task = tasks.start(slow(), "a slow one")
        await asyncio.sleep(0)
        ending = asyncio.create_task(tasks.end(task))
        await asyncio.sleep(0)
        ending.cancel()
        release.set()
        await asyncio.wait({ending})
        return ending.cancelled()

    assert asyncio.run(run())


def test_of_works_that_are_done_together_none_outlives_the_error_of_another() -> None:
    ended: list[str] = []

    async def long() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("long")

    async def failing() -> None:
        await asyncio.sleep(0)
        raise ValueError("odd")

    async def run() -> None:
        with pytest.raises(ValueError, match="odd"):
            await tasks.together(long(), failing())
        assert ended == ["long"]

    asyncio.run(run())


def test_every_background_task_of_the_agent_is_started_where_its_end_is_looked_at() -> None:
    folder = Path(tasks.__file__).parent
    bare = {
        path.stem
        for path in folder.glob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("asyncio.create_task", "asyncio.ensure_future")
    }
    # The server hands on what its two tasks raised: a refusal is an answer, not a failure.
    assert bare == {"tasks", "server"}

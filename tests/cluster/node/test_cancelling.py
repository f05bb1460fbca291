"""What is cancelled ends, also when the cancellation comes in the very moment in which something else happens.

A pod that was deleted while its readiness probe connected stayed for ever: `asyncio.wait_for` of Python 3.11 took the
connection and lost the cancellation.
"""

import asyncio
from types import SimpleNamespace as Some
from typing import Any

import pytest

from labsupport.cluster.pocket.node import life, probes, server


def container(**spec: object) -> Some:
    return Some(name="main", spec=spec, started=False, ready=False, kind="main", stopping=asyncio.Event())


@pytest.mark.parametrize("turns", range(6))
def test_probe_that_is_cancelled_as_it_connects_ends(turns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> bool:
        connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asked = asyncio.Event()

        async def open_connection(*_: object) -> tuple[None, Some]:
            asked.set()
            await connected
            return None, Some(close=lambda: None)

        monkeypatch.setattr(asyncio, "open_connection", open_connection)
        pod = Some(changed=asyncio.Event(), grace_period=1.0, loopback="127.18.7.7", address="198.18.7.7")
        probe = {"tcpSocket": {"port": 8000}, "periodSeconds": 60}
        node: Any = Some(events=Some(of_container=lambda *_: None))
        watching = asyncio.create_task(probes.watch(pod, container(readinessProbe=probe), node))  # type: ignore[arg-type]
        await asked.wait()
        connected.set_result(None)
        # Somewhere among these turns of the loop the connection is there and the probe does not know it yet.
        for _ in range(turns):
            await asyncio.sleep(0)
        watching.cancel()
        await asyncio.wait({watching}, timeout=1)
        return watching.done()

    assert asyncio.run(scenario())


@pytest.mark.parametrize("turns", range(6))
def test_rest_that_is_cancelled_as_it_is_over_ends_what_rests(turns: int) -> None:
    async def scenario() -> bool:
        stopping, rested = asyncio.Event(), False

        async def work() -> None:
            nonlocal rested
            await life._rest(stopping, 60)
            rested = True
            await asyncio.sleep(60)

        working = asyncio.create_task(work())
        await asyncio.sleep(0)
        stopping.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        working.cancel()
        await asyncio.wait({working}, timeout=1)
        return working.cancelled()

    assert asyncio.run(scenario())


def test_request_that_is_cancelled_while_it_ends_its_work_is_cancelled() -> None:
    async def scenario() -> bool:
        ending, release = asyncio.Event(), asyncio.Event()

        async def work() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                ending.set()
                await release.wait()

        reader = asyncio.StreamReader()
        answering = asyncio.create_task(server._until_gone(Some(reader=reader), work()))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        # The client leaves, and the agent ends while the client's work is being ended.
        reader.feed_eof()
        await ending.wait()
        answering.cancel()
        release.set()
        await asyncio.wait({answering}, timeout=1)
        return answering.cancelled()

    assert asyncio.run(scenario())


def test_watch_of_a_container_leaves_nothing_behind_when_one_probe_fails_unexpectedly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> set[str]:
        async def ask(pod: object, container: object, probe: dict) -> None:
            if probe["kind"] == "liveness":
                raise RuntimeError("odd")

        monkeypatch.setattr(probes, "_ask", ask)
        kinds = {f"{kind}Probe": {"kind": kind, "periodSeconds": 0.01} for kind in ("readiness", "liveness")}
        pod, node = Some(changed=asyncio.Event(), grace_period=1.0), Some()
        with pytest.raises(RuntimeError, match="odd"):
            await probes.watch(pod, container(**kinds), node)  # type: ignore[arg-type]
        return {task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()}}

    assert asyncio.run(scenario()) == set()

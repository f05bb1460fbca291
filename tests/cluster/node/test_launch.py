"""Processes of containers are in sessions of their own and can be found and ended as a whole."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from labsupport.cluster import waiting
from labsupport.cluster.pocket.node import launch

SLEEP = "import time; time.sleep(60)"
PARENT = (
    f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}], start_new_session=bool(sys.argv[1:]))"
)


def environment(**variables: str) -> dict[str, str]:
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **variables}


async def start(*argv: str, **variables: str) -> asyncio.subprocess.Process:
    return await launch.launch(argv, environment(**variables), Path.cwd())


def test_session_is_ended_with_its_children() -> None:
    async def scenario() -> None:
        async with asyncio.timeout(10):
            process = await start("python", "-c", PARENT)
            while len(launch.processes_of_sessions().get(process.pid, [])) < 2:
                await asyncio.sleep(0.02)
            launch.terminate_session(process.pid)
            assert await process.wait() == -signal.SIGKILL
            while launch.processes_of_sessions().get(process.pid):
                await asyncio.sleep(0.02)

    asyncio.run(scenario())


def test_child_that_left_the_session_is_found_by_its_mark() -> None:
    async def scenario() -> None:
        async with asyncio.timeout(10):
            process = await start("python", "-c", PARENT, "apart", LABS_TEST_MARK="one")
            while len(marked(b"LABS_TEST_MARK=one")) < 2:
                await asyncio.sleep(0.02)
            launch.end_marked("LABS_TEST_MARK", "one")
            await process.wait()
            while marked(b"LABS_TEST_MARK=one"):
                await asyncio.sleep(0.02)

    asyncio.run(scenario())


def marked(mark: bytes) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in entry.read_bytes().split(b"\0"):
                found.append(entry.parent.name)
        except OSError:
            continue
    return found


def test_missing_program_is_an_error_of_the_caller() -> None:
    with pytest.raises(FileNotFoundError):
        asyncio.run(start("no-such-program"))


def test_container_dies_with_its_agent() -> None:
    agent = (
        "import asyncio, os, sys; from pathlib import Path; from labsupport.cluster.pocket.node import launch\n"
        "async def main():\n"
        f"    process = await launch.launch([sys.executable, '-c', {SLEEP!r}], dict(os.environ), Path.cwd())\n"
        "    print(process.pid, flush=True); await process.wait()\n"
        "asyncio.run(main())"
    )
    with subprocess.Popen([sys.executable, "-c", agent], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        child = int(running.stdout.readline())
        running.kill()
    waiting.until(lambda: not _lives(child), "the container is gone", 60)


def _lives(process: int) -> bool:
    try:
        return b") Z " not in Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return False


CATCHING = (
    "import signal, time; signal.signal(signal.SIGTERM, lambda *_: exit(3)); print('up', flush=True); time.sleep(60)"
)
IGNORING = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
DEFAULT = "import time; print('up', flush=True); time.sleep(60)"


@pytest.mark.parametrize(("code", "arrives"), [(CATCHING, True), (IGNORING, False), (DEFAULT, False)])
def test_first_process_gets_only_the_signals_that_it_catches(code: str, arrives: bool) -> None:
    async def scenario() -> None:
        outer, inner = os.pipe()
        with os.fdopen(outer, "rb") as said:
            process = await launch.launch(["python", "-c", code], environment(), Path.cwd(), stdout=inner, first=True)
            os.close(inner)
            async with asyncio.timeout(10):
                assert await asyncio.to_thread(said.readline) == b"up\n"
                assert launch.signal_first(process, signal.SIGTERM) is arrives
                if arrives:
                    assert await process.wait() == 3
                else:
                    launch.terminate_session(process.pid)
                    assert await process.wait() == -signal.SIGKILL

    asyncio.run(scenario())


def test_process_that_has_ended_catches_nothing() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
        assert not launch.catches(process.pid, signal.SIGTERM)

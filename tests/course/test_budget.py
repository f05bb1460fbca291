"""What a run costs: everything below the watched process counts, the watched process itself does not."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from labsupport.course import budget
from labsupport.course.budget import Budget

AMPLE = Budget(cpu_seconds=60, memory_mb=4000, wall_seconds=300)
BURN = "import time\nwhile time.process_time() < {seconds}: pass\n"
# Starts a program and waits for it, as papermill waits for a kernel, and a kernel for what a cell started.
START = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', {program!r}])\n"


def is_gone(pid: int) -> bool:
    """Whether a process has ended; where nobody collects it, a dead one stays listed as a zombie."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@contextmanager
def running(program: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    try:
        yield process
    finally:
        budget.end_tree(process)


def test_cpu_seconds_of_a_grandchild_count_and_those_of_the_root_do_not() -> None:
    grandchild = START.format(program=START.format(program=BURN.format(seconds=1)))
    with running(BURN.format(seconds=1) + grandchild) as process:
        cost, reason = budget.watch(process, AMPLE)
    assert reason is None
    # Looked at five times a second, so the last moments of a process are missed.
    assert 0.7 < cost.cpu_seconds < 1.7


def test_memory_of_a_grandchild_counts() -> None:
    eats = "block = bytearray(200_000_000)\nfor i in range(0, len(block), 4096): block[i] = 1\n" + BURN.format(
        seconds=1
    )
    with running(START.format(program=START.format(program=eats))) as process:
        cost, reason = budget.watch(process, AMPLE)
    assert reason is None
    assert 200 < cost.memory_mb < 300
    assert cost.excess(Budget(60, 150, 60)) == f"took {cost.memory_mb:.0f} MB; the budget is 150 MB"


def test_memory_of_a_process_that_starts_others_counts_once() -> None:
    starts = (
        "import subprocess, time\n"
        "block = bytearray(200_000_000)\nfor i in range(0, len(block), 4096): block[i] = 1\n"
        "end = time.monotonic() + 3\nwhile time.monotonic() < end: subprocess.run(['true'])\n"
    )
    with running(START.format(program=starts)) as process:
        cost, _ = budget.watch(process, AMPLE)
    assert 200 < cost.memory_mb < 300


def test_a_run_that_takes_twice_its_memory_is_ended() -> None:
    eats = "block = bytearray(100_000_000)\nfor i in range(0, len(block), 4096): block[i] = 1\nimport threading; threading.Event().wait()"
    with running(START.format(program=eats)) as process:
        _, reason = budget.watch(process, Budget(60, 40, 300))
        assert process.poll() is not None
    assert reason is not None and reason.endswith("MB, twice its budget of 40 MB")


def test_a_run_that_never_ends_is_ended_with_everything_it_started_even_what_ignores_the_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "pid"
    deaf = (
        "import os, pathlib, signal, threading\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"pathlib.Path({str(mark)!r} + '.partial').write_text(str(os.getpid()))\n"
        f"os.rename({str(mark)!r} + '.partial', {str(mark)!r})\n"
        "threading.Event().wait()\n"
    )
    # Time stands still until the grandchild is there, then it is up.
    monkeypatch.setattr("labsupport.course.budget.time.monotonic", lambda: 1000.0 if mark.exists() else 0.0)
    with running(START.format(program=deaf)) as process:
        _, reason = budget.watch(process, AMPLE)
        assert process.poll() is not None
    assert reason == "did not finish within 300 s"
    assert is_gone(int(mark.read_text()))


def test_an_interrupt_while_waiting_ends_the_run() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with running("import threading; threading.Event().wait()") as process:
        with pytest.raises(KeyboardInterrupt):
            budget.watch(process, AMPLE, tick=interrupt)
        assert process.poll() is not None


def test_a_cost_above_its_budget_is_said_in_numbers() -> None:
    assert budget.Cost(10, 61, 10).excess(budget.LESSON) == "took 61 CPU seconds; the budget is 60"
    assert budget.Cost(10, 5, 1200).excess(budget.LESSON) == "took 1200 MB; the budget is 1000 MB"
    assert budget.Cost(10, 5, 120).excess(budget.LESSON) is None


def test_a_busy_machine_is_granted_processor_time_but_no_memory() -> None:
    assert budget.Cost(10, 119, 10).excess(budget.LESSON, budget.BUSY) is None
    assert budget.Cost(10, 121, 10).excess(budget.LESSON, budget.BUSY) == "took 121 CPU seconds; the budget is 60"
    assert budget.Cost(10, 5, 1200).excess(budget.LESSON, budget.BUSY) == "took 1200 MB; the budget is 1000 MB"

"""What a run may cost, and what it did cost: CPU seconds and memory of a process and everything it started."""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

SAMPLE_SECONDS = 0.2
# To add up the pages of a process takes the kernel milliseconds, and that process waits meanwhile: after the first seconds of
# a run, memory is looked at less often.
MEMORY_SECONDS = 1.0
# A slow or busy machine takes more processor time for the same work: only where costs are measured does the budget hold
# as it stands. Memory is the same on all.
BUSY = 2.0


@dataclass(frozen=True)
class Budget:
    """The limits of one notebook: CPU seconds and MB over the kernel's whole process tree, wall seconds over all and of a cell."""

    cpu_seconds: float
    memory_mb: float
    wall_seconds: float
    cell_seconds: int = 300


LESSON = Budget(cpu_seconds=60, memory_mb=1000, wall_seconds=600)
LAB = Budget(cpu_seconds=120, memory_mb=1500, wall_seconds=900)
# Game day: the whole system on one cluster.
DAY = Budget(cpu_seconds=180, memory_mb=1800, wall_seconds=1200, cell_seconds=600)


def of(number: str) -> Budget:
    """Return the budget of a lesson, by its number."""
    return DAY if number == "615" else LAB if number.startswith("6") else LESSON


@dataclass(frozen=True)
class Cost:
    """What a run took: wall seconds of the whole run, CPU seconds and peak MB of the children of the watched process."""

    wall_seconds: float
    cpu_seconds: float
    memory_mb: float

    def excess(self, budget: Budget, tolerance: float = 1.0) -> str | None:
        """Say which limit was exceeded, or return None; `tolerance` times the CPU seconds are let pass."""
        if self.cpu_seconds > tolerance * budget.cpu_seconds:
            return f"took {self.cpu_seconds:.0f} CPU seconds; the budget is {budget.cpu_seconds:.0f}"
        if self.memory_mb > budget.memory_mb:
            return f"took {self.memory_mb:.0f} MB; the budget is {budget.memory_mb:.0f} MB"
        return None


def watch(
    process: subprocess.Popen[bytes],
    budget: Budget,
    tick: Callable[[], None] | None = None,
    others: Callable[[], list[int]] = list,
) -> tuple[Cost, str | None]:
    """Wait for a process, measuring everything below it; end it when it goes far over its budget.

    `others` returns the ids of further processes that count with all below them, such as a cluster's.

    Memory is PSS where the system tells it (shared pages are counted once), else RSS. The process itself is the
    measuring tool (papermill) and does not count. Returns the cost and, if the run was ended, the reason.
    """
    started = time.monotonic()
    root = psutil.Process(process.pid)
    cpu: dict[tuple[int, float], float] = {}
    peak, next_look = 0.0, started
    reason = None
    try:
        while process.poll() is None and reason is None:
            memory, now = 0.0, time.monotonic()
            if looks := now >= next_look:
                next_look = now + min(MEMORY_SECONDS, (now - started) / 10)
            for child in [*_children(root), *(one for number in others() for one in _family(number))]:
                try:
                    times, key = child.cpu_times(), (child.pid, child.create_time())
                    # Until a new process has its own program it shows the memory of the one that starts it.
                    memory += _resident_bytes(child) if looks and key in cpu else 0
                    cpu[key] = times.user + times.system
                except psutil.Error:
                    continue
            peak = max(peak, memory / 1e6)
            if time.monotonic() - started > budget.wall_seconds:
                reason = f"did not finish within {budget.wall_seconds:.0f} s"
            elif peak > 2 * budget.memory_mb:
                reason = f"took {peak:.0f} MB, twice its budget of {budget.memory_mb:.0f} MB"
            if tick:
                tick()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(SAMPLE_SECONDS)
    finally:
        if process.poll() is None:
            end_tree(process)
    return Cost(time.monotonic() - started, sum(cpu.values()), peak), reason


def end_tree(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started, gently first; return when they are gone."""
    try:
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    except psutil.NoSuchProcess:
        process.wait()
        return
    for member in family:
        _quietly(member.terminate)
    _, alive = psutil.wait_procs(family, timeout=3)
    for member in alive:
        _quietly(member.kill)
    psutil.wait_procs(alive, timeout=3)
    process.wait()


def end_children() -> None:
    """Kill all that this process started."""
    children = _children(psutil.Process())
    for child in children:
        _quietly(child.kill)
    psutil.wait_procs(children, timeout=3)


def end_all_with(name: str, value: str) -> int:
    """Kill all other processes of this user that have this variable in their environment; returns how many they were."""
    found = []
    for process in psutil.process_iter():
        # Others' may not be read, and some end while we look.
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(name) == value:
                found.append(process)
    for process in found:
        _quietly(process.kill)
    psutil.wait_procs(found, timeout=3)
    return len(found)


def _children(root: psutil.Process) -> list[psutil.Process]:
    try:
        return root.children(recursive=True)
    except psutil.Error:
        return []


def _family(number: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(number)
    except psutil.Error:
        return []
    return [first, *_children(first)]


def _resident_bytes(process: psutil.Process) -> float:
    try:
        return process.memory_full_info().pss
    except (psutil.AccessDenied, AttributeError):
        return process.memory_info().rss


def _quietly(action: Callable[[], None]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        action()

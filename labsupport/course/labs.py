"""A lab's run: as many at a time as there is memory for, each with a pocket cluster of its own that ends with it."""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from labsupport import machine, scratch
from labsupport.cluster import locking
from labsupport.course import budget
from labsupport.errors import LabsError

# What the folders of runs and of `labs record` are called, with the place of LABS_HOME in each.
RUN, _HOMES = "labs-run-", {"labs-run-": "home", "labs-record-": ""}
# The programs that a lab's images stand for on the pocket cluster, and that pip does not have for every machine.
_PROGRAMS = {"611": "traefik", "614": "weed", "615": "traefik"}
# A lab with its cluster; a lane has as much again for a lesson beside it and everything else.
BYTES = budget.LAB.memory_mb * 1e6
_WAIT_SECONDS = 1800.0
_LOOK_SECONDS = 0.2


def lanes() -> int:
    """Return how many labs may run at once: one on a cluster that all share; else one more than cores, where there is the memory.

    A lab waits for pods half of its time.
    """
    from labsupport.cluster.choose import get_cluster

    if get_cluster().name != "pocket":
        return 1
    return max(1, min(machine.cores() + 1, int(machine.memory() // (2 * BYTES))))


@contextlib.contextmanager
def lane(tick: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold one of this user's lanes for labs; `tick` is called while other runs have them all, and may raise.

    Raises LabsError when that takes half an hour.
    """
    deadline = time.monotonic() + _WAIT_SECONDS
    files = [Path(tempfile.gettempdir()) / f"labs-lane-{os.getuid()}-{number}.lock" for number in range(lanes())]
    while (taken := _first_free(files)) is None:
        if time.monotonic() > deadline:
            raise LabsError("Other runs work on the labs for too long. End them, then try again.")
        tick()
        time.sleep(_LOOK_SECONDS)
    try:
        yield
    finally:
        os.close(taken)


def _first_free(files: list[Path]) -> int | None:
    """Return a descriptor that holds the lock of one of the files, or None when all are held."""
    return next((held for file in files if (held := locking.take(file)) is not None), None)


def processes(home: Path) -> list[int]:
    """Return the process that started all of the pocket cluster in a run's LABS_HOME, if it runs."""
    from labsupport.cluster.pocket import supervisor
    from labsupport.cluster.pocket.layout import Layout

    state = supervisor.read_state(Layout(home / "pocket"))
    return [] if state is None else [state.pid]


def end(home: Path) -> None:
    """Stop the pocket cluster in a run's LABS_HOME and delete it, if there is one."""
    from labsupport.cluster.pocket.layout import Layout
    from labsupport.cluster.pocket.runtime import PocketCluster

    PocketCluster(Layout(home / "pocket")).down()


def end_abandoned() -> str:
    """End and delete what runs that were killed have left, with those who would have done so; returns what was done, or ""."""
    scratch.sweep()
    ended = folders = 0
    for prefix, place in _HOMES.items():
        for left in scratch.abandoned(prefix):
            home = left.folder / place
            # First those that could start something again.
            ended += budget.end_all_with("LABS_HOME", str(home))
            end(home)
            left.remove()
            folders += 1
    if not folders:
        return ""
    runs = "a run that was killed" if folders == 1 else f"{folders} runs that were killed"
    return f"cleaned up after {runs}: {ended} processes, and the folder of what they stored."


def why_not() -> str | None:
    """Say why no lab can run on this machine, or return None."""
    from labsupport.cluster.choose import get_cluster
    from labsupport.cluster.pocket import programs

    try:
        if get_cluster().name != "pocket":
            return None
        if sys.platform != "linux":
            return "the pocket cluster runs on Linux (and WSL2) only, and no kind cluster `labs` runs: labs cluster up"
        programs.find()
    except LabsError as error:
        return str(error)
    return None


def lacks(number: str) -> str | None:
    """Say which program of a lab the pocket cluster lacks on this machine, or return None. Raises LabsError for an unknown cluster."""
    from labsupport.cluster.choose import get_cluster
    from labsupport.cluster.pocket.node import images

    program = _PROGRAMS.get(number)
    if program is None or images.which(program) or get_cluster().name != "pocket":
        return None
    return (
        f"it runs the program {program}, which pip has for Linux on x86-64 only: "
        "put it on PATH, or use kind: LABS_CLUSTER=kind labs cluster up"
    )

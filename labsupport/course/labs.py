"""A lab's run: one at a time, with a pocket cluster of its own that counts and that ends with it."""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from labsupport.errors import LabsError

# Two clusters on one machine share the address of the Service `kubernetes`, so pods of one could ask the other.
_WAIT_SECONDS = 1800.0
_TICK_SECONDS = 0.5


@contextlib.contextmanager
def alone(tick: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold this user's lane for labs; `tick` is called while another run has it, and may raise.

    Raises LabsError when that takes half an hour.
    """
    from filelock import FileLock, Timeout

    lane = FileLock(Path(tempfile.gettempdir()) / f"labs-lane-{os.getuid()}.lock")
    deadline = time.monotonic() + _WAIT_SECONDS
    while not lane.is_locked:
        try:
            lane.acquire(timeout=_TICK_SECONDS)
        except Timeout:
            tick()
            if time.monotonic() > deadline:
                raise LabsError("Another run works on the labs for too long. End it, then try again.") from None
    try:
        yield
    finally:
        lane.release()


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


def why_not() -> str | None:
    """Say why no lab can run on this machine, or return None."""
    from labsupport.cluster.interface import get_cluster
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

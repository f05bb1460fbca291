"""Find and end processes of a cluster whose parent died: a mark in their environment says whose they are."""

import contextlib
import os
import signal
import time
from pathlib import Path

# The value of either is the cluster's folder.
PROGRAM_MARK = "LABS_POCKET_PROGRAM"
POD_MARK = "LABS_POCKET_POD"


def find(mark: str, folder: Path) -> list[int]:
    """Return the ids of all processes but this one that were started with this mark."""
    wanted = f"{mark}={folder}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        # Processes end while we look, and others' environments may not be read.
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def end(mark: str, folder: Path, limit: float = 5.0) -> int:
    """Kill all processes with this mark, again until none is found; returns how many were killed."""
    killed: set[int] = set()
    deadline = time.monotonic() + limit
    while (found := find(mark, folder)) and time.monotonic() < deadline:
        for process in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        killed.update(found)
        time.sleep(0.02)
    return len(killed)

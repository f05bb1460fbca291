"""What this machine gives to programs: processor cores and memory."""

import math
import os
from pathlib import Path

import psutil

_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
# Microseconds of processor time, and in how many of them it may be used: in one file, or in two.
_SHARES = (
    (Path("/sys/fs/cgroup/cpu.max"),),
    (Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")),
)


def cores() -> int:
    """Return how many cores this process may use, or fewer where a container's share of them, rounded up, says so."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for files in _SHARES:
        try:
            share, period = (int(number) for file in files for number in file.read_text().split())
        except (OSError, ValueError):
            continue
        # Without a limit it is -1 or, in the one file, a word.
        return min(own, math.ceil(share / period)) if share > 0 else own
    return own


def memory() -> int:
    """Return the bytes of memory: the machine's, or fewer where a container's limit says so."""
    total = int(psutil.virtual_memory().total)
    for file in _LIMITS:
        try:
            return min(total, int(file.read_text()))
        except (OSError, ValueError):
            continue
    return total

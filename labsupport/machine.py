"""What this machine gives to programs: processor cores and memory."""

import os
from pathlib import Path

import psutil

_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> int:
    """Return the bytes of memory: the machine's, or fewer where a container's limit says so."""
    total = int(psutil.virtual_memory().total)
    for file in _LIMITS:
        try:
            return min(total, int(file.read_text()))
        except (OSError, ValueError):
            continue
    return total

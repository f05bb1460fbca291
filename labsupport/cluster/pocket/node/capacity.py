"""What this machine can give to pods."""

import os
import shutil
from functools import cache
from pathlib import Path

_PODS = 110


@cache
def of_machine() -> dict[str, str]:
    """Return the node's capacity as quantities: cpu, memory, pods, ephemeral-storage."""
    return {
        "cpu": str(_cores()),
        "memory": f"{_memory() // 1024}Ki",
        "pods": str(_PODS),
        "ephemeral-storage": f"{shutil.disk_usage('/').total // 1024}Ki",
    }


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _memory() -> int:
    """Return the bytes of memory: the machine's, or fewer where a container's limit says so."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for file in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        try:
            return min(total, int(file.read_text()))
        except (OSError, ValueError):
            continue
    return total

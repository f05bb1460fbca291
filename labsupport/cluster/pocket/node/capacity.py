"""What this machine can give to pods."""

import shutil
from functools import cache

from labsupport import machine

_PODS = 110


@cache
def of_machine() -> dict[str, str]:
    """Return the node's capacity as quantities: cpu, memory, pods, ephemeral-storage."""
    return {
        "cpu": str(machine.cores()),
        "memory": f"{machine.memory() // 1024}Ki",
        "pods": str(_PODS),
        "ephemeral-storage": f"{shutil.disk_usage('/').total // 1024}Ki",
    }

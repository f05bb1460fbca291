"""How benchmarks/quality.py measures each tool: in its own process, the fastest of some rounds."""

import resource
import time
from collections.abc import Callable


def measure(check: Callable[[], int], rounds: int) -> dict[str, float]:
    """Return seconds and processor seconds of the fastest round after a first one, the process's peak memory, the bad rows."""
    bad = check()
    best, cpu = float("inf"), float("inf")
    for _ in range(rounds):
        clock, processor = time.perf_counter(), time.process_time()
        bad = check()
        best = min(best, time.perf_counter() - clock)
        cpu = min(cpu, time.process_time() - processor)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": best, "cpu": cpu, "memory_mb": peak / 1024, "bad": float(bad)}

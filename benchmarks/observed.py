"""What `observed` costs a call: a bare function, ours, and prometheus_client's own context managers.

    python benchmarks/observed.py

Microseconds of processor time a call, medians of rounds of 20,000; each round measures all of them, so that a busy moment meets
all alike. The ratio is that of a model that takes 100 microseconds, a small one. It takes about ten seconds.
"""

import asyncio
import statistics
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Histogram

from labsupport.monitoring.observed import LATENCY_BUCKETS_S, observed

CALLS, ROUNDS, MODEL_US = 20_000, 15, 100.0


def bare(load: float) -> float:
    return load


async def bare_coroutine(load: float) -> float:
    return load


def with_context_managers() -> Callable[[float], float]:
    """The usual way by hand: labels looked up at each call, successes and errors by two metrics."""
    registry = CollectorRegistry()
    errors = Counter("errors", "errors", ["version"], registry=registry)
    seconds = Histogram("seconds", "seconds", ["version"], registry=registry, buckets=LATENCY_BUCKETS_S)

    def predict(load: float) -> float:
        with seconds.labels("2").time(), errors.labels("2").count_exceptions():
            return bare(load)

    return predict


def run(function: Callable[[float], float]) -> float:
    begin = time.process_time()
    for _ in range(CALLS):
        function(1.0)
    return (time.process_time() - begin) / CALLS * 1e6


def run_coroutine(function: Callable) -> float:
    async def calls() -> float:
        begin = time.process_time()
        for _ in range(CALLS):
            await function(1.0)
        return (time.process_time() - begin) / CALLS * 1e6

    return asyncio.run(calls())


def main() -> None:
    registry = CollectorRegistry()
    ways: dict[str, Callable[[], float]] = {
        "bare function": lambda: run(bare),
        "observed function": (lambda f: lambda: run(f))(observed(bare, model="b", version="2", registry=registry)),
        "context managers": (lambda f: lambda: run(f))(with_context_managers()),
        "bare coroutine": lambda: run_coroutine(bare_coroutine),
        "observed coroutine": (lambda f: lambda: run_coroutine(f))(
            observed(bare_coroutine, model="c", version="2", registry=registry)
        ),
    }
    measured: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            measured[name].append(way())
    medians = {name: statistics.median(values) for name, values in measured.items()}
    print(f"{'way':<20} {'us a call':>10} {'us added':>10} {'ratio to a model of 100 us':>28}")
    for name, value in medians.items():
        base = medians["bare coroutine" if "coroutine" in name else "bare function"]
        print(f"{name:<20} {value:>10.2f} {value - base:>10.2f} {1 + (value - base) / MODEL_US:>28.3f}")


if __name__ == "__main__":
    main()

"""How fast and how right the simulated queue is: ours, a plain heap loop and simpy, the same M/M/c at 80 % load.

    python benchmarks/world.py

Requests per second include drawing the random numbers; medians of rounds, one core. The error is that of the mean wait
over all rounds against Erlang C. The slower ones get fewer requests (and so a larger error of
chance). It takes about ten seconds.
"""

import heapq
import random
import statistics
import time
from collections.abc import Callable

import numpy as np
import simpy

from labsupport.world import Exponential, simulate_queue, theory

LOAD = 0.8
ROUNDS = 5
OURS, LOOP, SIMPY = 2_000_000, 300_000, 30_000


def ours(replicas: int, requests: int, seed: int) -> float:
    return simulate_queue(LOAD * replicas, Exponential(1.0), replicas, requests=requests, seed=seed).mean_wait


def heap_loop(replicas: int, requests: int, seed: int) -> float:
    rng = random.Random(seed)
    free, now, waited = [0.0] * replicas, 0.0, 0.0
    for _ in range(requests):
        now += rng.expovariate(LOAD * replicas)
        start = max(now, free[0])
        heapq.heapreplace(free, start + rng.expovariate(1.0))
        waited += start - now
    return waited / requests


def with_simpy(replicas: int, requests: int, seed: int) -> float:
    rng, environment = random.Random(seed), simpy.Environment()
    pool, waits = simpy.Resource(environment, replicas), []

    def request():
        arrived = environment.now
        with pool.request() as turn:
            yield turn
            waits.append(environment.now - arrived)
            yield environment.timeout(rng.expovariate(1.0))

    def arrivals():
        for _ in range(requests):
            yield environment.timeout(rng.expovariate(LOAD * replicas))
            environment.process(request())

    environment.process(arrivals())
    environment.run()
    return statistics.fmean(waits)


def measure(simulate: Callable[[int, int, int], float], replicas: int, requests: int) -> tuple[float, float]:
    """Return the median requests per second, and the relative error of the mean wait over all rounds."""
    speeds, waits = [], []
    for seed in range(ROUNDS):
        begin = time.perf_counter()
        waits.append(simulate(replicas, requests, seed))
        speeds.append(requests / (time.perf_counter() - begin))
    expected = theory.mean_wait(LOAD * replicas, 1.0, replicas)
    return statistics.median(speeds), float(np.mean(waits) / expected - 1)


def main() -> None:
    print(f"{'replicas':>8}  {'simulator':<10} {'requests/s':>12} {'times simpy':>12} {'error of wait':>14}")
    for replicas in (1, 8):
        rows = [("simpy", with_simpy, SIMPY), ("heap loop", heap_loop, LOOP), ("ours", ours, OURS)]
        base = 0.0
        for name, simulate, requests in rows:
            speed, error = measure(simulate, replicas, requests)
            base = base or speed
            print(f"{replicas:>8}  {name:<10} {speed:>12,.0f} {speed / base:>12.1f} {error:>13.2%}")


if __name__ == "__main__":
    main()

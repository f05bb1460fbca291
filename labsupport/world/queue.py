"""Requests that wait for replicas: who waits how long, under a central queue or behind a load balancer.

All disciplines are first come, first served. `central_queue` is the M/M/c of the books (and of a worker pool): one
queue, the next request goes to the replica that is free first. `balanced_queues` is what a simple load balancer does:
it picks a replica at arrival, in turn or at random, and the request waits there even if another replica is idle.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labsupport.arrays import FloatArray
from labsupport.world.blocks import serve
from labsupport.world.durations import Durations, Exponential

Discipline = Literal["central", "round-robin", "random"]


@dataclass(frozen=True)
class QueueRun:
    """What happened to every request; all arrays are (requests,), in order of arrival, in seconds.

    `waits` until service or until giving up; `services` as drawn; `answered`: False for a request that gave up;
    `replicas`: how many served (at the start, if that changed).
    """

    arrivals: FloatArray
    waits: FloatArray
    services: FloatArray
    replicas: int
    answered: NDArray[np.bool_] = field(repr=False)

    @property
    def latencies(self) -> FloatArray:
        """Seconds from arrival to answer (to giving up, for who gave up)."""
        return self.waits + np.where(self.answered, self.services, 0.0)

    @property
    def departures(self) -> FloatArray:
        """The second at which each request left."""
        return self.arrivals + self.latencies

    @property
    def arrival_rate(self) -> float:
        """Requests per second over the run."""
        return (len(self.arrivals) - 1) / float(self.arrivals[-1] - self.arrivals[0])

    @property
    def utilisation(self) -> float:
        """Seconds of service asked for, per replica and second of the run."""
        return float(self.services[self.answered].mean() * self.answered.mean()) * self.arrival_rate / self.replicas

    @property
    def mean_wait(self) -> float:
        """Mean seconds in the queue."""
        return float(self.waits.mean())

    @property
    def mean_latency(self) -> float:
        """Mean seconds from arrival to answer."""
        return float(self.latencies.mean())

    def quantile(self, q: float) -> float:
        """Return the latency in seconds that a share `q` of the requests did not exceed; q = 0.95 is the p95."""
        return float(np.quantile(self.latencies, q))

    def after(self, requests: int) -> "QueueRun":
        """Return the run without its first requests, the warm-up from an empty queue."""
        parts = {name: getattr(self, name)[requests:] for name in ("arrivals", "waits", "services", "answered")}
        return replace(self, **parts)


def simulate_queue(
    rate_rps: float,
    service: Durations,
    replicas: int = 1,
    *,
    requests: int = 200_000,
    seed: int | np.random.Generator = 0,
    discipline: Discipline = "central",
    interarrival: Durations | None = None,
    patience_s: float = np.inf,
    warm_up: float = 0.1,
) -> QueueRun:
    """Simulate a queue at one load: draw arrivals and service times, let them wait, drop the warm-up.

    `rate_rps`: arrivals per second, Poisson unless `interarrival` gives the distribution of the times between arrivals
    (only its shape counts: it is scaled to the rate); `discipline`: see the module; `warm_up`: the share of `requests`
    that is simulated and left out. More than a million requests a second on one core, random numbers included.
    Raises ValueError for a rate that is not above 0, fewer than 10 requests, an unknown discipline.
    """
    if not (np.isfinite(rate_rps) and rate_rps > 0):
        raise ValueError(f"rate_rps, arrivals per second, is above 0 and finite; got {rate_rps}")
    if requests < 10 or not 0 <= warm_up < 1:
        raise ValueError(f"a run needs 10 requests and a warm_up from 0 to below 1; got {requests} and {warm_up}")
    rng = np.random.default_rng(seed)
    between = interarrival or Exponential(1 / rate_rps)
    arrivals = np.cumsum(between.draw(requests, rng))
    arrivals *= 1 / (rate_rps * between.mean_s)
    services = service.draw(requests, rng)
    if discipline == "central":
        run = central_queue(arrivals, services, replicas, patience_s=patience_s)
    elif np.isfinite(patience_s):
        raise ValueError(f"patience_s is simulated for the central queue only; got it with {discipline!r}")
    else:
        run = balanced_queues(arrivals, services, replicas, policy=discipline, seed=rng)
    return run.after(int(requests * warm_up))


def lindley_waits(arrivals: ArrayLike, services: ArrayLike) -> FloatArray:
    """Return each request's wait at one replica, first come first served, in seconds.

    Lindley (1952): wait(n) = max(0, wait(n-1) + service(n-1) - gap(n)). Unrolled, it is how far the sum of the steps
    stands above its lowest value so far, and a running minimum is vectorised. Arrays (requests,), arrivals in order.
    """
    arrival, service = _checked(arrivals, services)
    climbed = np.zeros(len(arrival))
    np.cumsum(service[:-1] - np.diff(arrival), out=climbed[1:])
    return climbed - np.minimum.accumulate(climbed)


def central_queue(
    arrivals: ArrayLike,
    services: ArrayLike,
    replicas: int = 1,
    *,
    patience_s: float = np.inf,
    changes: Sequence[tuple[float, int]] = (),
) -> QueueRun:
    """Simulate one queue before `replicas` replicas: the oldest request goes to the replica that is free first.

    `arrivals`, `services` (requests,): seconds, arrivals in order. A request that has waited `patience_s` seconds gives
    up. `changes`: (second, replicas) in order of time; a new replica takes work at once, a removed one (the first that is
    idle) finishes its request first. Exact: equal to a loop over the requests with a heap.
    Raises ValueError for arrivals out of order, negative times, fewer than 1 replica.
    """
    arrival, service = _checked(arrivals, services)
    for count in (replicas, *(count for _, count in changes)):
        _check_replicas(count)
    if not patience_s >= 0:
        raise ValueError(f"patience_s, in seconds, is 0 or above; got {patience_s}")
    if replicas == 1 and not changes and np.isinf(patience_s):
        return QueueRun(arrival, lindley_waits(arrival, service), service, 1, np.ones(len(arrival), dtype=bool))
    times = [second for second, _ in changes]
    if times != sorted(times):
        raise ValueError("changes, pairs of a second and a number of replicas, come in order of time; sort them first")
    starts = np.empty_like(arrival)
    free_at = np.full(replicas, -np.inf)
    done = 0
    for second, count in changes:
        come = int(np.searchsorted(arrival, second))
        starts[done:come], _ = serve(arrival[done:come], service[done:come], free_at, patience_s)
        # Who had not started when the number changed is served again, by the new number.
        started = done + int(np.searchsorted(starts[done:come], second))
        free_at = _free_at(arrival[done:started], starts[done:started], service[done:started], free_at, patience_s)
        added = np.full(max(count - len(free_at), 0), float(second))
        free_at = np.sort(np.concatenate([free_at[max(len(free_at) - count, 0) :], added]))
        done = started
    starts[done:], _ = serve(arrival[done:], service[done:], free_at, patience_s)
    waits = starts - arrival
    answered = waits <= patience_s
    return QueueRun(arrival, np.minimum(waits, patience_s), service, replicas, answered)


def balanced_queues(
    arrivals: ArrayLike,
    services: ArrayLike,
    replicas: int = 1,
    *,
    policy: Literal["round-robin", "random"] = "round-robin",
    seed: int | np.random.Generator = 0,
) -> QueueRun:
    """Simulate a load balancer before replicas with a queue each: a request waits where it was sent.

    `policy`: "round-robin" sends in turn, "random" draws a replica. Waits are longer than under `central_queue`, because
    one replica may be idle while another has a queue. Raises ValueError as `central_queue`, and for another policy.
    """
    arrival, service = _checked(arrivals, services)
    _check_replicas(replicas)
    if policy == "round-robin":
        chosen = np.arange(len(arrival)) % replicas
    elif policy == "random":
        chosen = np.random.default_rng(seed).integers(replicas, size=len(arrival))
    else:
        raise ValueError(f"a load balancer's policy is 'round-robin' or 'random'; got {policy!r}")
    waits = np.empty_like(arrival)
    for replica in range(replicas):
        mine = np.flatnonzero(chosen == replica)
        waits[mine] = lindley_waits(arrival[mine], service[mine])
    return QueueRun(arrival, waits, service, replicas, np.ones(len(arrival), dtype=bool))


def _free_at(
    arrival: FloatArray, starts: FloatArray, service: FloatArray, before: FloatArray, patience_s: float
) -> FloatArray:
    # Each request replaces the smallest free time by a larger one, so the state is always the c largest seen so far.
    finished = (starts + service)[starts - arrival <= patience_s]
    return np.sort(np.concatenate([before, finished]))[-len(before) :]


def _checked(arrivals: ArrayLike, services: ArrayLike) -> tuple[FloatArray, FloatArray]:
    arrival, service = np.asarray(arrivals, dtype=float), np.asarray(services, dtype=float)
    if arrival.ndim != 1 or arrival.shape != service.shape:
        raise ValueError(
            f"arrivals and services are two arrays of seconds, one entry a request; got {arrival.shape} and {service.shape}"
        )
    if len(arrival) and not (np.all(np.diff(arrival) >= 0) and np.isfinite(arrival[[0, -1]]).all()):
        raise ValueError("arrivals are finite seconds in order of time; sort them, and leave out missing ones")
    if not np.all(service >= 0):
        raise ValueError("service times are 0 seconds or longer; got a negative or missing one")
    return arrival, service


def _check_replicas(replicas: int) -> None:
    if replicas < 1 or int(replicas) != replicas:
        raise ValueError(f"replicas is a whole number from 1 on; got {replicas}")

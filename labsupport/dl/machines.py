"""Rented machines on a made-up clock: they ask a search for jobs until the money is gone, and are paid busy or idle."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from labsupport.dl.search import Job, Search


@dataclass(frozen=True)
class Done:
    """A job that ended in time: on which `machine`, from `begin` to `end` in minutes, and the value that was told."""

    job: Job
    machine: int
    begin: float
    end: float
    value: float


@dataclass(frozen=True)
class Rental:
    """Some `machines` for some `minutes`, at a price in euros per machine and hour."""

    machines: int = 4
    minutes: float = 120.0
    price: float = 3.0

    @property
    def euros(self) -> float:
        """What all of it costs."""
        return self.euros_at(self.minutes)

    def euros_at(self, minutes: float) -> float:
        """Return what all machines have cost after so many minutes."""
        return self.machines * self.price * minutes / 60

    def run(self, search: Search, train: Callable[[Job], float], minutes: Callable[[Job], float]) -> list[Done]:
        """Let the machines work for a search, and return its jobs in the order in which they ended.

        `train` returns the value of a job, `minutes` how long it takes. A job that would end too late is paid and never told.
        """
        done: list[Done] = []
        running: list[tuple[float, int, Done]] = []
        idle, now, order = list(range(self.machines)), 0.0, count()
        while True:
            while idle and (job := search.ask()):
                machine, end = idle.pop(0), now + minutes(job)
                value = train(job) if end <= self.minutes else float("nan")
                heapq.heappush(running, (end, next(order), Done(job, machine, now, end, value)))
            if not running or running[0][0] > self.minutes:
                return done
            now, _, ended = heapq.heappop(running)
            search.tell(ended.job, ended.value)
            done.append(ended)
            idle = sorted([*idle, ended.machine])

    def idle_share(self, done: Sequence[Done], until: float) -> float:
        """Return which share of the paid time until a minute no machine worked on a job that ended by then, 0 to 1."""
        busy = sum(each.end - each.begin for each in done if each.end <= until)
        return 1 - busy / (self.machines * until)


def best_so_far(done: Sequence[Done]) -> list[Done]:
    """Return the jobs that had the highest value so far when they ended, in this order; failed ones (nan) never."""
    leaders: list[Done] = []
    for each in sorted(done, key=lambda one: one.end):
        if each.value > (leaders[-1].value if leaders else float("-inf")):
            leaders.append(each)
    return leaders

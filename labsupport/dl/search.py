"""Searches for good settings, to ask and to tell: random, grid, successive halving, ASHA.

A search knows no trainer, no clock and no cluster. Ask it for a job, train, tell it the value (more is better), ask again:

>>> search, budget = ASHA(space, seed=0), 500
>>> while budget > 0 and (job := search.ask()):
...     search.tell(job, accuracy_after(job.settings, job.epochs))
...     budget -= job.epochs - job.trained

Only a grid ends by itself. A search draws by its seed only, so the same answers in the same order lead to the same questions:
who keeps the answers can go on after a restart.
"""

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from labsupport.dl.space import Range, Settings, draw


@dataclass(frozen=True)
class Job:
    """What to do next: train `trial` (0, 1, ...) with its settings on from `trained` epochs until it has had `epochs`.

    `rung`: the place of `epochs` among those after which the search looks, 0 for the first.
    """

    trial: int
    settings: Settings
    rung: int
    trained: int
    epochs: int


class Search(ABC):
    """What all searches have in common: `looks` (rungs,), the epochs after which a value is told, and the book of open jobs."""

    def __init__(self, space: Mapping[str, Range], looks: Iterable[int], seed: int) -> None:
        self.space = dict(space)
        self.looks = tuple(looks)
        self.rng = np.random.default_rng(seed)
        self.told: list[dict[int, float]] = [{} for _ in self.looks]
        """For each rung the values by trial, in the order in which they were told."""
        self._settings: list[Settings] = []
        self._open: set[tuple[int, int]] = set()

    def ask(self) -> Job | None:
        """Return the next job; None: nothing to do until an open job is told, and if none is open, the search is over."""
        found = self._next()
        if found is None:
            return None
        trial, rung = found
        self._open.add(found)
        return Job(trial, self._settings[trial], rung, self.looks[rung - 1] if rung else 0, self.looks[rung])

    def tell(self, job: Job, value: float) -> None:
        """Take the value of a job that was asked for; nan for one that failed. Raises ValueError for any other job."""
        if (job.trial, job.rung) not in self._open:
            raise ValueError(f"trial {job.trial} at rung {job.rung} is not open: never asked for, or told already")
        self._open.remove((job.trial, job.rung))
        self.told[job.rung][job.trial] = float(value)

    def _new(self, settings: Settings | None = None) -> tuple[int, int]:
        self._settings.append(draw(self.space, self.rng) if settings is None else settings)
        return len(self._settings) - 1, 0

    @abstractmethod
    def _next(self) -> tuple[int, int] | None:
        """Return (trial, rung) of the next job."""


def best(values: Mapping[int, float], count: int) -> list[int]:
    """Return the `count` trials of the highest values, the best first; of equal ones the earlier. Failed ones (nan) never."""
    alive = [trial for trial, value in values.items() if not math.isnan(value)]
    return sorted(alive, key=lambda trial: -values[trial])[:count]


def rungs(first: int, longest: int, eta: int) -> tuple[int, ...]:
    """Return the epochs of the rungs: `first`, `eta` times as many, and so on, at last `longest`, however near it is."""
    if not (1 <= first <= longest and eta >= 2):
        raise ValueError(f"first is 1 or more and at most longest, eta 2 or more; got {first}, {longest}, {eta}")
    looks = []
    while first < longest:
        looks.append(first)
        first *= eta
    return (*looks, longest)


class RandomSearch(Search):
    """Each trial is drawn by itself and trained to the end. It never waits, and never ends.

    Source: Bergstra and Bengio 2012, "Random search for hyper-parameter optimization".
    """

    def __init__(self, space: Mapping[str, Range], longest: int = 27, seed: int = 0) -> None:
        super().__init__(space, [longest], seed)

    def _next(self) -> tuple[int, int] | None:
        return self._new()


class GridSearch(Search):
    """All combinations of `counts` evenly spaced values each, in an order drawn by the seed, trained to the end.

    A range without a count stays at its middle. In a fixed order a grid that is cut short would never try its last values.
    """

    def __init__(self, space: Mapping[str, Range], counts: Mapping[str, int], longest: int = 27, seed: int = 0) -> None:
        super().__init__(space, [longest], seed)
        unknown = set(counts) - set(space)
        if unknown:
            raise ValueError(f"no range for {', '.join(sorted(unknown))}")
        values = [
            [one.at((place + 0.5) / counts.get(name, 1)) for place in range(counts.get(name, 1))]
            for name, one in self.space.items()
        ]
        combinations = [dict(zip(self.space, each, strict=True)) for each in product(*values)]
        self._left: Iterator[Settings] = (combinations[at] for at in self.rng.permutation(len(combinations)))

    def _next(self) -> tuple[int, int] | None:
        settings = next(self._left, None)
        return None if settings is None else self._new(settings)


class SuccessiveHalving(Search):
    """Many trials begin; at each rung all wait for the last one, and one in `eta` goes on. Then a new bracket begins.

    It never ends.
    Source: Jamieson and Talwalkar 2016, "Non-stochastic best arm identification and hyperparameter optimization".
    """

    def __init__(
        self, space: Mapping[str, Range], first: int = 1, longest: int = 27, eta: int = 3, seed: int = 0
    ) -> None:
        super().__init__(space, rungs(first, longest, eta), seed)
        self.eta = eta
        self._waiting: deque[tuple[int, int]] = deque()
        self._rung = -1
        self._here: set[int] = set()

    def _next(self) -> tuple[int, int] | None:
        if not self._waiting and not self._open:
            self._climb()
        return self._waiting.popleft() if self._waiting else None

    def _climb(self) -> None:
        values = {trial: value for trial, value in self.told[self._rung].items() if trial in self._here}
        going_on = best(values, len(values) // self.eta) if 0 <= self._rung < len(self.looks) - 1 else []
        self._rung += 1
        if not going_on:
            self._rung = 0
            going_on = [self._new()[0] for _ in range(self.eta ** (len(self.looks) - 1))]
        self._here = set(going_on)
        self._waiting.extend((trial, self._rung) for trial in going_on)


class ASHA(Search):
    """Successive halving that never waits: who is in the best `eta`th of its rung so far goes on; if nobody is, a new trial begins.

    It never ends.
    Source: Li et al. 2020, "A system for massively parallel hyperparameter tuning".
    """

    def __init__(
        self, space: Mapping[str, Range], first: int = 1, longest: int = 27, eta: int = 3, seed: int = 0
    ) -> None:
        super().__init__(space, rungs(first, longest, eta), seed)
        self.eta = eta
        self._went_on: list[set[int]] = [set() for _ in self.looks]

    def _next(self) -> tuple[int, int] | None:
        for rung in reversed(range(len(self.looks) - 1)):
            values = self.told[rung]
            for trial in best(values, len(values) // self.eta):
                if trial not in self._went_on[rung]:
                    self._went_on[rung].add(trial)
                    return trial, rung + 1
        return self._new()

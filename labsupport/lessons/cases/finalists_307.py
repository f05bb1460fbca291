"""Sixty trials as a team has them after a search: each was looked at once, by few pictures, and another look costs money."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

LOOK = 5.0
"""Euros for one more training of a trial, with another seed and on other pictures."""

POINT = 500.0
"""Euros for each point of true accuracy by which the shipped trial is behind the best."""

NOISE = 5.0
"""Points by which looks at one trial scatter: 200 pictures and the seed."""


@dataclass
class Team:
    """A search's outcome: `first` is the accuracy of each trial in %, as it was seen once; `true` what nobody sees."""

    seed: int
    trials: int = 60
    true: dict[int, float] = field(init=False)
    first: dict[int, float] = field(init=False)
    looks: list[int] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng([307, self.seed])
        # As random trials have it: most are far behind, a dozen close together at the top.
        names = self._rng.permutation(1_000)[: self.trials].tolist()
        behind = self._rng.gamma(1.6, 4.0, self.trials)
        self.true = dict(zip(names, (80 - behind).tolist(), strict=True))
        self.first = {name: self._seen(name) for name in names}

    def look(self, trial: int) -> float:
        """Train a trial once more and return its accuracy in %; the bill grows by LOOK. Raises KeyError for one that is not there."""
        value = self._seen(trial)
        self.looks.append(trial)
        return value

    def _seen(self, trial: int) -> float:
        return float(self.true[trial] + self._rng.normal(0, NOISE))

    def bill(self, shipped: int) -> float:
        """Return what the choice costs: its looks, and how far the shipped trial is behind the best."""
        return LOOK * len(self.looks) + POINT * (max(self.true.values()) - self.true[shipped])


Choose = Callable[[dict[int, float], Callable[[int], float]], int]


def bills(choose: Choose, seeds: range) -> list[tuple[float, float, float]]:
    """Let a rule choose for each team, and return for each (the bill, what its looks cost, points behind the best)."""
    found = []
    for seed in seeds:
        team = Team(seed)
        shipped = choose(dict(team.first), team.look)
        bill = team.bill(shipped)
        paid = LOOK * len(team.looks)
        found.append((bill, paid, (bill - paid) / POINT))
    return found

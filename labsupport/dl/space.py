"""A space of settings: for each name a range, and a value for each share of it, from 0 to 1."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Settings = dict[str, Any]
"""A value for each name of a space."""


class Range(Protocol):
    """What a setting may be."""

    def at(self, share: float) -> Any:
        """Return the value below which this share of the range lies (0 to below 1)."""


@dataclass(frozen=True)
class Real:
    """Numbers from `low` to `high`; with `log` each factor is as likely as any other, so 0.001 to 0.01 as 0.1 to 1."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _require(self.low, self.high, self.log)

    def at(self, share: float) -> float:
        """Return the value below which this share of the range lies."""
        return _between(self.low, self.high, share, self.log)


@dataclass(frozen=True)
class Whole:
    """Whole numbers from `low` up to `high`, both included, each as likely as any other; with `log` each factor."""

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        _require(self.low, self.high, self.log)

    def at(self, share: float) -> int:
        """Return the value below which this share of the range lies."""
        # Half a number of room at both ends: rounding would give the ends half of what the others get.
        found = math.floor(_between(self.low - 0.5, self.high + 0.5, share, self.log) + 0.5)
        return min(max(found, self.low), self.high)


@dataclass(frozen=True)
class OneOf:
    """One of some values, each as likely as any other."""

    values: Sequence[Any]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a choice needs values to choose from")

    def at(self, share: float) -> Any:
        """Return the value below which this share of the values lies."""
        return self.values[min(int(share * len(self.values)), len(self.values) - 1)]


def draw(space: Mapping[str, Range], rng: np.random.Generator) -> Settings:
    """Return settings drawn from all of the space."""
    return {name: one.at(rng.random()) for name, one in space.items()}


def _require(low: float, high: float, log: bool) -> None:
    if not low <= high or (log and low <= 0):
        raise ValueError(f"low is at most high, and above 0 where the scale is log; got {low} to {high}")


def _between(low: float, high: float, share: float, log: bool) -> float:
    if log:
        return float(math.exp(math.log(low) + share * (math.log(high) - math.log(low))))
    return low + share * (high - low)

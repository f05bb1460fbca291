"""What columns look like when all is well, and how far a new delivery lies from it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

BINS = 20
# Two samples of one source differ by less than this over the root of the rows, in 99 of 100 cases (Kolmogorov).
CHANCE = 1.63
MISSING = "missing"


@dataclass(frozen=True)
class Numbers:
    """A column of numbers: the edges of its quantile bins (k + 1,), the share of rows in each (k,), the missing share."""

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    missing: float


@dataclass(frozen=True)
class Shares:
    """A column of few values: the share of each, `missing` among them."""

    shares: Mapping[Any, float]


@dataclass(frozen=True)
class Profile:
    """The columns of a sample of `rows` rows, by name."""

    rows: int
    columns: Mapping[str, Numbers | Shares]

    @classmethod
    def of(cls, frame: "pd.DataFrame", *, leave_out: tuple[str, ...] = ()) -> "Profile":
        """Describe numbers, flags and columns of at most 20 texts; keys and times belong into `leave_out`."""
        import pandas as pd

        found: dict[str, Numbers | Shares] = {}
        for name in frame.columns:
            values = frame[name]
            if name in leave_out or values.isna().all():
                continue
            if (
                pd.api.types.is_numeric_dtype(values)
                and not pd.api.types.is_bool_dtype(values)
                and values.nunique() > 2
            ):
                found[name] = _numbers(values.to_numpy(dtype=float))
            elif values.nunique() <= BINS:
                found[name] = Shares(_shares(values))
        return cls(len(frame), found)

    def distance(self, name: str, values: "pd.Series") -> float:
        """Return how far a column has moved, from 0 (as before) to 1 (elsewhere altogether).

        For numbers the largest difference between the shares of rows up to a value (the Kolmogorov-Smirnov statistic, on
        the profile's bins), for others half the sum of the differences; a change in what is missing counts as much.
        """
        known = self.columns[name]
        if isinstance(known, Shares):
            now = _shares(values)
            return 0.5 * sum(abs(known.shares.get(value, 0.0) - now.get(value, 0.0)) for value in {*known.shares, *now})
        numbers = values.to_numpy(dtype=float)
        gone = np.isnan(numbers)
        there = numbers[~gone]
        moved = abs(float(gone.mean()) - known.missing) if len(numbers) else 0.0
        if not len(there):
            return moved
        edges = np.asarray(known.edges)
        counts = np.bincount(np.searchsorted(edges[1:-1], there, side="left"), minlength=len(known.shares))
        return max(moved, float(np.abs(np.cumsum(counts / len(there) - known.shares)).max()))

    def by_chance(self, name: str, rows: int) -> float:
        """Return the distance that so many rows of a column stay below in 99 of 100 cases when nothing has changed.

        For numbers it is Kolmogorov's bound. For others more values mean more distance: the bound of its mean, and McDiarmid's
        of how far a distance lies above its mean (their sum is on the safe side).
        """
        one = math.sqrt(1 / max(rows, 1) + 1 / self.rows)
        known = self.columns[name]
        if isinstance(known, Shares):
            spread = sum(math.sqrt(share * (1 - share)) for share in known.shares.values())
            return one * (spread / math.sqrt(2 * math.pi) + math.sqrt(math.log(100) / 2))
        return CHANCE * one


def _numbers(values: NDArray[np.float64]) -> Numbers:
    there = values[~np.isnan(values)]
    edges = np.unique(np.quantile(there, np.linspace(0, 1, BINS + 1)))
    edges = np.r_[-np.inf, edges[:-1], np.inf] if len(edges) > 1 else np.array([-np.inf, edges[0], np.inf])
    counts = np.bincount(np.searchsorted(edges[1:-1], there, side="left"), minlength=len(edges) - 1)
    return Numbers(tuple(edges), tuple(counts / len(there)), float(np.isnan(values).mean()))


def _shares(values: "pd.Series") -> dict[Any, float]:
    counts = values.value_counts(normalize=True, dropna=False)
    return {MISSING if value != value or value is None else value: float(share) for value, share in counts.items()}

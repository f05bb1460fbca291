"""How long things take: distributions of service times and of the times between arrivals, in seconds."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

import numpy as np

from labsupport.arrays import FloatArray


class Durations(Protocol):
    """A distribution of durations that a queue can be fed with.

    `mean_s`: seconds; `scv`: squared coefficient of variation, variance / mean², which is all that the mean wait of a
    single-server queue needs to know of a distribution (Pollaczek-Khinchine).
    """

    @property
    def mean_s(self) -> float: ...

    @property
    def scv(self) -> float: ...

    def draw(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Return `count` durations in seconds."""

    def quantile(self, q: float) -> float:
        """Return the duration in seconds that a share `q` does not exceed."""


@dataclass(frozen=True)
class Exponential:
    """Memoryless durations: the M of M/M/c."""

    mean_s: float

    def __post_init__(self) -> None:
        _check_mean(self.mean_s)

    @property
    def scv(self) -> float:
        return 1.0

    def draw(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Return `count` durations in seconds."""
        return rng.exponential(self.mean_s, count)

    def quantile(self, q: float) -> float:
        """Return the duration in seconds that a share `q` does not exceed."""
        return -self.mean_s * math.log1p(-_share(q))


@dataclass(frozen=True)
class LogNormal:
    """Durations with a long right tail, as measured services have; `cv` is standard deviation / mean."""

    mean_s: float
    cv: float = 1.0

    def __post_init__(self) -> None:
        _check_mean(self.mean_s)
        if not (math.isfinite(self.cv) and self.cv > 0):
            raise ValueError(f"cv, the standard deviation over the mean, is above 0; got {self.cv}: use Deterministic")

    @property
    def scv(self) -> float:
        return self.cv**2

    @property
    def _sigma(self) -> float:
        return math.sqrt(math.log1p(self.cv**2))

    @property
    def _mu(self) -> float:
        return math.log(self.mean_s) - self._sigma**2 / 2

    def draw(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Return `count` durations in seconds."""
        return rng.lognormal(self._mu, self._sigma, count)

    def quantile(self, q: float) -> float:
        """Return the duration in seconds that a share `q` does not exceed."""
        return 0.0 if _share(q) == 0 else math.exp(self._mu + self._sigma * NormalDist().inv_cdf(q))


@dataclass(frozen=True)
class Deterministic:
    """Durations that are all the same: the D of M/D/1."""

    mean_s: float

    def __post_init__(self) -> None:
        _check_mean(self.mean_s)

    @property
    def scv(self) -> float:
        return 0.0

    def draw(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Return `count` durations in seconds."""
        return np.full(count, self.mean_s)

    def quantile(self, q: float) -> float:
        """Return the duration in seconds that a share `q` does not exceed."""
        _share(q)
        return self.mean_s


def _check_mean(mean_s: float) -> None:
    if not (math.isfinite(mean_s) and mean_s > 0):
        raise ValueError(f"mean_s, a mean duration in seconds, is above 0 and finite; got {mean_s}")


def _share(q: float) -> float:
    if not 0 <= q < 1:
        raise ValueError(f"a quantile is named by a share from 0 to below 1, such as 0.95; got {q}")
    return q

"""How good guesses are: surprise in bits, and whether what was called 80 % came true in 80 of 100 cases."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# 0 and 1 would cost infinitely many bits when wrong.
SURE = 0.001
# Between these, what was said is put together; 0.3 for a sentence counts as 0.7 against it.
EDGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
# Of fewer cases nothing is said.
ENOUGH = 5
HELD = 0.8


def surprise(probability: float, truth: bool) -> float:
    """Return the bits of surprise at the truth about a sentence that was given a probability; a coin's are 1.

    Source: I. J. Good, "Rational decisions", Journal of the Royal Statistical Society B 14 (1952).
    """
    of_truth = probability if truth else 1 - probability
    return abs(math.log2(min(max(of_truth, SURE), 1 - SURE)))


@dataclass(frozen=True)
class Share:
    """How many of some cases came true, and what was said of them on average (0 to 1)."""

    said: float
    true: int
    cases: int

    @property
    def share(self) -> float:
        """The share that came true."""
        return self.true / self.cases

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share that would come true of many such cases."""
        from scipy.stats import binomtest

        found = binomtest(self.true, self.cases).proportion_ci(method="wilson")
        return float(found.low), float(found.high)

    @property
    def is_enough(self) -> bool:
        """Whether there are enough cases to say something."""
        return self.cases >= ENOUGH


@dataclass(frozen=True)
class Calibration:
    """All guesses of one learner of which the truth is known.

    `levels`: by how sure they were, from a coin's toss to certainty. `placed`: where the truth lay in each interval, -1 at its
    lower end, 1 at its upper one (infinite beside an interval without width). `bits`: surprise at each sentence.
    """

    levels: list[Share]
    bits: list[float]
    placed: list[float]

    @property
    def held(self) -> Share | None:
        """How many intervals held the truth; None without intervals."""
        return Share(HELD, sum(abs(place) <= 1 for place in self.placed), len(self.placed)) if self.placed else None


def calibration(entries: Mapping[str, Mapping[str, Any]]) -> Calibration:
    """Return how well guesses and truths of a progress file agree."""
    known = [(entry["guess"], entry["truth"]) for entry in entries.values() if "guess" in entry and "truth" in entry]
    sentences = [(said, bool(truth)) for said, truth in known if not isinstance(said, list)]
    folded = [(said, truth) if said >= 0.5 else (1 - said, not truth) for said, truth in sentences]
    levels = []
    for low, high in zip(EDGES, EDGES[1:], strict=False):
        inside = [(said, truth) for said, truth in folded if low <= said < high or said == high == EDGES[-1]]
        if inside:
            mean = sum(said for said, _ in inside) / len(inside)
            levels.append(Share(mean, sum(truth for _, truth in inside), len(inside)))
    placed = [_place(said, truth) for said, truth in known if isinstance(said, list)]
    return Calibration(levels, [surprise(said, truth) for said, truth in sentences], placed)


def _place(interval: list[float], truth: float) -> float:
    low, high = interval
    away = truth - (low + high) / 2
    place = 2 * away / (high - low) if high > low else math.copysign(math.inf, away)
    if low <= truth <= high:
        return min(max(place, -1.0), 1.0) if high > low else 0.0
    # Rounded, it could lie on the end itself.
    return math.copysign(max(abs(place), math.nextafter(1, 2)), place)

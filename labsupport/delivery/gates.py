"""Gates before a release: the challenger against the champion on the same deploys, in money, with what luck could do to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labsupport.arrays import FloatArray, outcomes
from labsupport.ml.classification import calibration
from labsupport.ml.thresholds import Prices

LEVEL = 0.95
REPEATS = 2_000


@dataclass(frozen=True)
class Gate:
    """One condition of a release: its name, whether it holds, and the numbers that say so."""

    name: str
    passed: bool
    words: str

    def __str__(self) -> str:
        return f"{'passed' if self.passed else 'FAILED'}  {self.name}: {self.words}"


@dataclass(frozen=True)
class Limits:
    """What a release may cost, in euros per deploy: on all deploys, and in a slice; how far promises may be off (a share),
    and how many times slower than the champion an answer may be."""

    margin: float = 0.75
    slice_margin: float = 3.0
    calibration_gap: float = 0.02
    times_slower: float = 5.0


def bills(hold: ArrayLike, failed: ArrayLike, prices: Prices) -> FloatArray:
    """Return what each deploy costs (n,): a colleague who watches where it is held, a page at night where it is not and fails."""
    return np.where(np.asarray(hold, dtype=bool), prices.alarm, prices.missed * np.asarray(failed, dtype=float))


def paired(difference: ArrayLike, seed: int = 0, level: float = LEVEL) -> tuple[float, float]:
    """Return the bootstrap interval of the mean of paired differences (n,).

    Only few values occur, so a resample is a draw of how often each does: the same as drawing rows, and much faster.
    """
    values, counts = np.unique(np.asarray(difference, dtype=float), return_counts=True)
    total = counts.sum()
    drawn = np.random.default_rng(seed).multinomial(total, counts / total, REPEATS)
    low, high = np.quantile(drawn @ values / total, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def verdict(interval: tuple[float, float], margin: float) -> str:
    """Return `no worse` if all of the interval lies within the margin, `worse` if all of it lies above 0, else `unsure`.

    `interval`: of what the challenger costs more. Where both hold, it is worse by less than anybody minds: `no worse`.
    """
    low, high = interval
    return "no worse" if high <= margin else "worse" if low > 0 else "unsure"


def against(
    name: str, champion: FloatArray, challenger: FloatArray, margin: float, seed: int = 0, level: float = LEVEL
) -> Gate:
    """Return the gate on two models' bills of the same deploys (n,), (n,): it opens when `no worse` is proven."""
    interval = paired(challenger - champion, seed, level)
    said = verdict(interval, margin)
    low, high = interval
    words = (
        f"{said}, costs {low:+.2f} to {high:+.2f} euros more per deploy (margin {margin:g}, {len(champion):,} deploys)"
    )
    return Gate(name, said == "no worse", words)


def validate_model(
    champion: FloatArray,
    challenger: FloatArray,
    failed: ArrayLike,
    slices: Mapping[str, NDArray[np.bool_]],
    prices: Prices,
    limits: Limits | None = None,
    seconds: Sequence[float] | None = None,
    seed: int = 0,
) -> list[Gate]:
    """Return the gates of a release, from both models' probabilities that each deploy fails (n,), and whether it did (n,).

    `slices`: masks (n,) by name; `seconds`: what an answer of the champion and of the challenger takes, if that was measured.
    The slices share one level (Bonferroni), as the worst of many is partly the unluckiest.
    """
    limits = limits or Limits()
    came = outcomes(failed)
    old, new = (bills(one >= prices.threshold, came, prices) for one in (champion, challenger))
    gates = [against("all deploys", old, new, limits.margin, seed)]
    level = 1 - (1 - LEVEL) / max(1, len(slices))
    gates += [against(name, old[rows], new[rows], limits.slice_margin, seed, level) for name, rows in slices.items()]
    gap = calibration(challenger, came).gap
    gates.append(
        Gate(
            "calibration",
            gap <= limits.calibration_gap,
            f"promises are off by {gap:.3f} (limit {limits.calibration_gap:g})",
        )
    )
    if seconds is not None:
        before, after = seconds
        # No number: it would be another one at each run.
        held = after <= limits.times_slower * before
        words = f"{'within' if held else 'beyond'} {limits.times_slower:g} times the champion's"
        gates.append(Gate("latency", held, words))
    return gates

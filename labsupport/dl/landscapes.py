"""Losses over two numbers, which can be seen as a landscape, and the walks of optimisers over them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.dl.optimizers import SGD, Optimizer
from labsupport.dl.schedules import rising


@dataclass(frozen=True)
class Landscape:
    """A loss over points of two numbers: `value` (..., 2) -> (...), `gradient` (..., 2) -> (..., 2), and where walks begin."""

    name: str
    value: Callable[[FloatArray], FloatArray]
    gradient: Callable[[FloatArray], FloatArray]
    start: tuple[float, float]


def two_columns(
    factor: float = 1.0, both: float = 1.0, minutes: int = 200, seed: int = 0
) -> tuple[Landscape, FloatArray]:
    """Return the loss of a line over two columns of telemetry, and the two best weights.

    What is predicted is the latency, in ms about its mean, from the load and the size of the answers, in standard
    deviations, of `minutes` minutes. The second column is then multiplied by `factor`, and `both` by another: other units,
    the same facts. The loss is half of the mean squared miss, as far as the weights can lower it: 0 at its bottom.
    Raises ValueError for factors that are not above 0.
    """
    if not (factor > 0 and both > 0):
        raise ValueError(f"the factor of a unit is above 0; got {factor} and {both}")
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(minutes, 2))
    columns = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    latency = columns @ [3.0, 2.0] + rng.normal(size=minutes)
    columns = columns * [both, both * factor]
    curvature = columns.T @ columns / minutes
    best = np.linalg.solve(curvature, columns.T @ (latency - latency.mean()) / minutes)
    name = f"two columns, the second times {factor:g}"
    return Landscape(name, *_bowl(curvature, best), start=(0.0, 0.0)), best


def saddle() -> Landscape:
    """Return a pass between two hills: uphill in x on both sides, downhill in y, with a bottom of -1 at y = 2 and -2."""

    def value(at: FloatArray) -> FloatArray:
        x, y = at[..., 0], at[..., 1]
        height: FloatArray = x**2 + y**4 / 16 - y**2 / 2
        return height

    def gradient(at: FloatArray) -> FloatArray:
        x, y = at[..., 0], at[..., 1]
        slopes: FloatArray = np.stack([2 * x, y**3 / 4 - y], axis=-1)
        return slopes

    return Landscape("a saddle", value, gradient, start=(-1.5, 0.001))


# Place (2,), height (negative: a hole) and radius of each bump.
_BUMPS = (
    (-1.6, -0.9, -1.2, 0.8),
    (1.4, 1.1, -2.4, 0.9),
    (-0.2, 0.5, 1.0, 0.6),
    (1.5, -1.3, -1.0, 0.6),
    (-1.2, 1.4, 0.8, 0.5),
)


def hills() -> Landscape:
    """Return a bowl with peaks and valleys in it: three valleys, of which the one at (1.4, 1.1) is the deepest."""

    def parts(at: FloatArray) -> list[tuple[FloatArray, FloatArray, float]]:
        found = []
        for x, y, height, radius in _BUMPS:
            away = at - np.array([x, y])
            found.append((away, height * np.exp(-(away**2).sum(axis=-1) / (2 * radius**2)), radius))
        return found

    def value(at: FloatArray) -> FloatArray:
        bumps: FloatArray = np.sum([bump for _, bump, _ in parts(at)], axis=0)
        bowl: FloatArray = 0.1 * (at**2).sum(axis=-1)
        return bumps + bowl

    def gradient(at: FloatArray) -> FloatArray:
        slopes: FloatArray = np.sum([-away * bump[..., None] / radius**2 for away, bump, radius in parts(at)], axis=0)
        return slopes + 0.2 * at

    return Landscape("hills", value, gradient, start=(-2.2, 1.8))


def walk(
    landscape: Landscape,
    optimizer: Optimizer,
    steps: int,
    start: Any = None,
    noise: float = 0.0,
    seed: int = 0,
) -> FloatArray:
    """Return the places of a walk, its start included: shape (steps + 1, 2), or (steps + 1, n, 2) for n starts (n, 2).

    `noise`: the standard deviation of what is added to each gradient, as a batch adds it. A walk that leaves all numbers
    ends in inf or nan, without a warning.
    """
    rng = np.random.default_rng(seed)
    here = np.array(landscape.start if start is None else start, dtype=float)
    path = [here.copy()]
    with np.errstate(all="ignore"):
        for _ in range(steps):
            gradient = landscape.gradient(here)
            if noise:
                gradient = gradient + rng.normal(scale=noise, size=here.shape)
            optimizer.apply([gradient], [here])
            path.append(here.copy())
    return np.array(path)


def unseen(seed: int) -> Landscape:
    """Return the loss of two columns in units that nobody knows: the rate that suits it lies anywhere in five decades."""
    rng = np.random.default_rng(seed)
    return two_columns(rng.uniform(2, 9), 10 ** rng.uniform(-1.5, 1.5), seed=seed)[0]


def roughness(landscape: Landscape) -> float:
    """Return the noise of batches that belongs to a landscape's units: 3 % of the gradient where walks begin."""
    return float(0.03 * np.linalg.norm(landscape.gradient(np.array(landscape.start))))


def range_test(landscape: Landscape, seed: int = 0, steps: int = 200) -> tuple[FloatArray, FloatArray]:
    """Return (rates, losses), each (steps,), of one walk by plain descent whose rate rises from 1e-6 to 1e4.

    Each loss is the one before the step with its rate; where the walk has left all numbers it is inf or nan.
    """
    schedule = rising(1e-6, 1e4, steps)
    path = walk(landscape, SGD(schedule), steps - 1, noise=roughness(landscape), seed=seed)
    with np.errstate(all="ignore"):
        return np.array([schedule(step) for step in range(steps)]), landscape.value(path)


def steps_needed(landscape: Landscape, rate: float, seed: int = 0, share: float = 0.05, at_most: int = 1_000) -> int:
    """Return after how many steps plain descent at one rate first stands below `share` of its first loss; else `at_most`."""
    path = walk(landscape, SGD(rate), at_most, noise=roughness(landscape), seed=seed)
    with np.errstate(all="ignore"):
        losses = landscape.value(path)
    below = np.flatnonzero(losses <= share * losses[0])
    return int(below[0]) if len(below) else at_most


def _bowl(
    curvature: FloatArray, best: FloatArray
) -> tuple[Callable[[FloatArray], FloatArray], Callable[[FloatArray], FloatArray]]:
    def value(at: FloatArray) -> FloatArray:
        away = at - best
        height: FloatArray = 0.5 * np.einsum("...i,ij,...j->...", away, curvature, away)
        return height

    def gradient(at: FloatArray) -> FloatArray:
        return (at - best) @ curvature

    return value, gradient

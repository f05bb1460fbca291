"""Valleys for 203.1, in which a whole step, a part of it or none is right, and what plausible mistakes make of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from labsupport.arrays import FloatArray

HALVINGS = 40
Loss = Callable[[FloatArray], float]


@dataclass(frozen=True)
class Leap:
    """A loss, the place `here` (k,) and a `step` (k,); `name` says what is special about it."""

    name: str
    loss: Loss
    here: FloatArray
    step: FloatArray

    @property
    def want(self) -> FloatArray:
        """The place (k,) that a careful step leads to."""
        return _first(self, lambda there, height: there <= height)


def cases() -> list[Leap]:
    """Return seven leaps on valleys with their lowest point at (1, -2)."""
    goal = np.array([1.0, -2.0])

    def bowl(place: FloatArray) -> float:
        return float(((place - goal) ** 2).sum())

    def edge(place: FloatArray) -> float:
        return float("nan") if place[0] > 3 else bowl(place)

    def wall(place: FloatArray) -> float:
        return float("inf") if place[0] > 3 else bowl(place)

    start = np.array([-1.0, 0.5])
    down = goal - start
    return [
        Leap("where the whole step leads down", bowl, start, 0.9 * down),
        Leap("where the half of the step is right", bowl, start, 3.1 * down),
        # A smaller part of it would be lower still: the first that is no higher is asked for.
        Leap("where an eighth is right, and less would be lower still", bowl, start, 15.0 * down),
        Leap("where the whole step ends at a loss of `nan`", edge, start, 2.9 * down),
        Leap("where the whole step ends at an infinite loss", wall, start, 2.9 * down),
        Leap("at the goal, with a step of 0", bowl, goal, np.zeros(2)),
        Leap("at the goal, with a step that can only lead up", bowl, goal, np.array([4.0, 1.0])),
    ]


def mistakes(case: Leap) -> dict[str, FloatArray]:
    """Return the place to which each mistake leads."""
    height = case.loss(case.here)
    whole, half = case.here + case.step, case.here + case.step / 2
    return {
        "the whole step was taken, wherever it leads": whole,
        "`nan` is not higher than anything, so `> height` lets it pass: ask `loss(place) <= height`, which it fails": (
            _first(case, lambda there, height: not there > height)
        ),
        "half a step was taken where a whole one leads higher, and nobody looked where the half leads": (
            whole if case.loss(whole) <= height else half
        ),
        "this is the step: add it to `here`": case.want - case.here,
        "this is the step, and a place is asked for: add it to `here`": (
            case.here if _stays(case) else case.want - case.here
        ),
        "the place was halved, not the step: try `here + step / 2`": _halved_place(case),
        "the lowest of all parts was taken: the first that is no higher is asked for": _lowest(case),
        "you stay where the whole step leads higher: try half of it": whole
        if case.loss(whole) <= height
        else case.here,
        "the step was turned round": case.here - (case.want - case.here),
    }


def _first(case: Leap, good: Callable[[float, float], bool]) -> FloatArray:
    height, step = case.loss(case.here), case.step
    for _ in range(HALVINGS + 1):
        if good(case.loss(case.here + step), height):
            return np.asarray(case.here + step, dtype=float)
        step = step / 2
    return case.here


def _stays(case: Leap) -> bool:
    return bool(np.array_equal(case.want, case.here) and case.step.any())


def _halved_place(case: Leap) -> FloatArray:
    height, place = case.loss(case.here), case.here + case.step
    for _ in range(HALVINGS):
        if case.loss(place) <= height:
            break
        place = place / 2
    return place


def _lowest(case: Leap) -> FloatArray:
    places = [case.here + case.step / 2**part for part in range(HALVINGS + 1)]
    return min([case.here, *places], key=lambda place: float(np.nan_to_num(case.loss(place), nan=np.inf)))

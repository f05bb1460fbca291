"""Heatmaps of telemetry, pods by minutes, in which all pods become slower at one minute: a step to be found."""

from typing import Any

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.dl.convolution import convolve

PODS, MINUTES = 8, 60


def heatmap(seed: int, step: float = 2.0) -> tuple[FloatArray, int]:
    """Return latencies (pods, minutes) in ms and the minute of the step, from 12 to 48.

    Beside the step of all pods there are noise of 1 ms, a slow drift of 6 ms an hour up or down, one pod that is always slower,
    one long pause in one pod, and a fall as deep as the step, at least ten minutes away.
    """
    rng = np.random.default_rng([303, seed])
    map_ = 40 + rng.normal(size=(PODS, MINUTES)) + rng.choice([-1, 1]) * np.linspace(0, 6, MINUTES)
    minute = int(rng.integers(12, 49))
    far = [at for at in range(8, 53) if abs(at - minute) >= 10]
    map_[:, minute:] += step
    map_[:, rng.choice(far) :] -= step
    map_[rng.integers(PODS)] += 10
    map_[rng.integers(PODS), rng.integers(MINUTES)] += 12
    return map_, minute


def found(map_: FloatArray, filter_: Any) -> int:
    """Return the minute in front of which the middle of the filter (pods, minutes) stands where its answer is the highest."""
    filter_ = np.asarray(filter_, dtype=float)
    rows, columns = filter_.shape
    side = max(rows, columns)
    # Our convolution slides squares: what is missing of one is filled with weights of 0.
    square = np.zeros((side, side, 1, 1))
    square[:rows, :columns, 0, 0] = filter_
    room = np.pad(map_, ((0, side - rows), (0, side - columns)))
    answers = convolve(room[None, :, :, None], square)[0, ..., 0]
    answers = answers[: map_.shape[0] - rows + 1, : map_.shape[1] - columns + 1]
    place = int(answers.max(axis=0).argmax())
    return place + int(columns) // 2

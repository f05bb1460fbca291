"""What 302.2 is asked about: values of layers that tell apart how dead and saturated can be misread."""

from typing import Any

import numpy as np


def layers() -> list[tuple[str, Any, tuple[float, float] | None]]:
    """Return a name, values (rows, ..., units) and the ends of the activation, or None, for each layer."""
    rng = np.random.default_rng(3)
    sparse = np.where(rng.random((12, 6)) < 0.7, 0, rng.random((12, 6)) + 0.1)
    sparse[3] = 1
    sparse[:, 2] = 0
    maps = rng.random((3, 4, 5, 6)) * (rng.random((3, 4, 5, 6)) < 0.4)
    maps[..., [0, 4]] = 0
    maps[0, :, :, 1] = 0
    broken = rng.random((5, 8)) + 0.1
    broken[:, 1], broken[:, 5], broken[:4, 6], broken[:, 7] = np.nan, 0, np.nan, np.inf
    mixed = rng.normal(size=(7, 5))
    mixed[:, [1, 4]], mixed[:, 3], mixed[0, 3] = -np.abs(mixed[:, [1, 4]]), 0, np.nan
    mixed[2, 1] = 0
    balanced = np.array([[1.0, 0, 2], [-1, 0, 2], [0, 0, -4]])
    squeezed = np.array([[0.005, 0.5, 0.995], [0.011, 0.989, 0.2], [0.5, 0.999, 0.001], [0.3, 0.015, 0.985]])
    bent = np.array([[-0.985, 0.5, 0.985], [0.0, -0.975, 0.2], [0.999, -1.0, 0.975], [0.0, 0.005, 0.0]])
    deep = 1 / (1 + np.exp(-rng.normal(0, 6, (2, 3, 3, 4))))
    return [
        ("a sparse ReLU layer", sparse, None),
        ("maps of a convolution", maps, None),
        ("a layer with nan and infinity", broken, None),
        ("values of both signs", mixed, None),
        ("units that add up to 0", balanced, None),
        ("one example", np.array([[0.0, 0.2, 0, 0.7]]), None),
        ("a sigmoid layer", squeezed, (0, 1)),
        ("a tanh layer", bent, (-1, 1)),
        ("maps behind a sigmoid", deep, (0, 1)),
        ("an activation from 2 to 6", np.array([[2.0, 4, 6], [2.03, 2.05, 5.95], [3, 3, 5.97]]), (2, 6)),
    ]

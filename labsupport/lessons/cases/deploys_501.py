"""Deploys for 501: durations of teams with units of their own, and slices of which the wrong rows were counted."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

# The share of wrong rows overall, then (slice, rows, wrong rows) with the index that they have.
TABLES: list[tuple[float, list[tuple[str, int, int]], list[int]]] = [
    (0.30, [("team a", 9000, 2690), ("team b", 31, 15), ("team c", 220, 100), ("team d", 800, 236), ("team e", 4000, 1245)], [7, 3, 9, 1, 4]),
    (0.06, [("night", 35, 7), ("bump", 400, 54), ("friday", 6000, 402), ("large", 2500, 148)], [0, 1, 2, 3]),
    (0.02, [("asia", 40, 4), ("europe", 12000, 282), ("phones", 900, 44)], [5, 6, 7]),
    (0.50, [("old", 30, 21), ("new", 2000, 1120), ("all day", 20000, 10090), ("short", 60, 18)], [2, 4, 6, 8]),
]  # fmt: skip


def runtimes(seed: int) -> "tuple[pd.Series, pd.Series, NDArray[np.float64]]":
    """Return durations as the teams wrote them, whose they are, and the true seconds: in a shuffled order, with an index of its own."""
    import pandas as pd

    rng = np.random.default_rng(seed)
    sizes = {"cart": 120, "search": 90, "login": 60, "mail": 40, "ads": 6, "batch": 5}
    team = np.repeat(list(sizes), list(sizes.values()))
    seconds = rng.lognormal(np.log(90), 1.2, len(team)).clip(2, 9_000)
    # Few deploys and a hung one, in either unit; one that was over at once.
    seconds[-11:] = [40, 61.5, 75, 110, 86_400, 88, 0.4, 80, 93, 130, 86_400]
    in_ms = np.isin(team, ["search", "mail", "batch"])
    order = rng.permutation(len(team))
    index = pd.Index(rng.permutation(1_000)[: len(team)])
    given = pd.Series(np.where(in_ms, 1000 * seconds, seconds)[order], index=index)
    return given, pd.Series(team[order], index=index), seconds[order]

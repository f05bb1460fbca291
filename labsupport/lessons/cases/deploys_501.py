"""Deploys for 501: durations of teams with units of their own, slices of which the wrong rows were counted, and deliveries with copies."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

# The share of wrong rows overall, then (slice, rows, wrong rows) with the index that they have.
TABLES: list[tuple[float, list[tuple[str, int, int]], list[int]]] = [
    (0.30, [("team a", 9000, 2690), ("team b", 31, 15), ("team c", 220, 100), ("team d", 800, 236), ("team e", 4000, 1245)], [7, 3, 9, 1, 4]),
    (0.06, [("night", 35, 6), ("bump", 400, 54), ("friday", 6000, 402), ("large", 2500, 148)], [0, 1, 2, 3]),
    (0.02, [("asia", 40, 3), ("europe", 12000, 282), ("phones", 900, 44)], [5, 6, 7]),
    (0.50, [("old", 30, 20), ("new", 2000, 1120), ("all day", 20000, 10090), ("short", 60, 18)], [2, 4, 6, 8]),
    # One slice is better than the rest, and nothing is as sure as that.
    (0.20, [("docs", 1500, 90), ("login", 700, 189), ("tiny", 32, 12), ("search", 7000, 1450)], [3, 1, 0, 2]),
]  # fmt: skip


TEAMS = {"cart": 120, "search": 90, "login": 60, "mail": 40, "ads": 6, "batch": 5}
WRITERS = ("search", "mail", "batch")


def runtimes(seed: int, in_ms: tuple[str, ...] = WRITERS) -> "tuple[pd.Series, pd.Series, NDArray[np.float64]]":
    """Return durations as the teams wrote them, whose they are, and the true seconds: shuffled, with an index of its own.

    The teams of `in_ms` write milliseconds, the others seconds.
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    team = np.repeat(list(TEAMS), list(TEAMS.values()))
    seconds = rng.lognormal(np.log(90), 1.2, len(team)).clip(2, 9_000)
    # Few deploys and a hung one, in either unit; one that was over at once.
    seconds[-11:] = [40, 61.5, 75, 110, 86_400, 88, 0.04, 80, 93, 130, 86_400]
    written_in_ms = np.isin(team, in_ms)
    order = rng.permutation(len(team))
    index = pd.Index(rng.permutation(1_000)[: len(team)])
    given = pd.Series(np.where(written_in_ms, 1000 * seconds, seconds)[order], index=index)
    return given, pd.Series(team[order], index=index), seconds[order]


def deliveries() -> "tuple[pd.DataFrame, pd.DataFrame, NDArray[np.bool_]]":
    """Return rows to learn from, rows to judge, and which of these were seen in the former."""
    import pandas as pd

    rng = np.random.default_rng(17)
    count = 120
    # Two services may start in one second, and many deploys change 12 lines.
    second = np.sort(rng.choice(400, count)) * 7
    service = rng.choice(["search", "cart", "login"], count)
    keep = ~pd.DataFrame({"s": service, "t": second}).duplicated().to_numpy()
    frame = pd.DataFrame(
        {
            "delivery": np.arange(count),
            "service": service,
            "started_at": pd.Timestamp("2024-05-01") + pd.to_timedelta(second, unit="s"),
            "lines_changed": rng.choice([3, 12, 40], count),
            "coverage": np.where(rng.random(count) < 0.2, np.nan, rng.choice([0.7, 0.8], count)),
        }
    )[keep].reset_index(drop=True)
    learn, new = frame[:70], frame[70:]
    gap, full = learn[learn.coverage.isna()][:4], learn[learn.coverage.notna()][:8]
    still = learn[learn.coverage.isna()][4:6]
    # The same second, another service: never seen.
    twin = learn[20:23].assign(
        service=lambda rows: rows.service.map({"search": "mail", "cart": "mail", "login": "mail"})
    )
    # A known service in a known second, in which it did not start.
    crossed = learn[24:30].assign(service=lambda rows: rows.service.map({"search": "cart", "cart": "login", "login": "search"}))  # fmt: skip
    again = pd.concat([gap.assign(coverage=0.9), full, still, twin, crossed])
    again = again.assign(delivery=range(900, 900 + len(again)))
    # Copies arrive anywhere: in `learn` itself, and of new deploys in `judge`.
    learn = pd.concat([learn, full[:3].assign(delivery=range(950, 953))])
    again = pd.concat([again, new[6:9].assign(delivery=range(960, 963), coverage=0.65)])
    # Some copies lie in other rows than their originals, and some new deploys in rows that others had.
    again.index = [*range(700, 706), *again.index[6:]]
    new = new.set_axis([*range(10, 15), *new.index[5:]])
    judge = pd.concat([new, again])
    known = set(zip(learn.service, learn.started_at, strict=True))
    want = np.array([pair in known for pair in zip(judge.service, judge.started_at, strict=True)])
    order = rng.permutation(len(judge))
    return learn, judge.iloc[order], want[order]

"""A point-in-time join of a million questions with a million rows of 1000 entities: ours, pandas and a plain loop.

    python benchmarks/point_in_time.py

Seconds are medians of rounds on one core, from frames in random order to a joined frame; the loop answers only a hundredth of
the questions. Ours and pandas must agree row by row. It takes about a minute.
"""

import bisect
import statistics
import time
from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pandas as pd

from labsupport.data.join import last_known, point_in_time_join

ROWS, ENTITIES, ROUNDS, SHARE = 1_000_000, 1000, 3, 100


def frames(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2024-01-01")

    def times() -> pd.DatetimeIndex:
        return start + pd.to_timedelta(rng.integers(0, 30 * 86400 * 1000, ROWS), unit="ms")

    asked = pd.DataFrame({"entity": rng.integers(0, ENTITIES, ROWS), "asked_at": times()})
    table = pd.DataFrame({"entity": rng.integers(0, ENTITIES, ROWS), "known_at": times(), "value": rng.random(ROWS)})
    return asked, table


def ours(asked: pd.DataFrame, table: pd.DataFrame) -> np.ndarray:
    return point_in_time_join(asked, table, "entity").value.to_numpy()


def positions_only(asked: pd.DataFrame, table: pd.DataFrame) -> np.ndarray:
    return last_known(asked.asked_at, table.known_at, asked.entity, table.entity)


def with_pandas(asked: pd.DataFrame, table: pd.DataFrame) -> np.ndarray:
    joined = pd.merge_asof(
        asked.reset_index().sort_values("asked_at", kind="stable"),
        table.sort_values("known_at", kind="stable"),
        left_on="asked_at",
        right_on="known_at",
        by="entity",
    )
    return joined.set_index("index").value.sort_index().to_numpy()


def loop(asked: pd.DataFrame, table: pd.DataFrame) -> np.ndarray:
    known: dict[int, list] = defaultdict(list)
    for entity, at, value in table.sort_values("known_at", kind="stable").itertuples(index=False):
        known[entity].append((at, value))
    answers = []
    for entity, at in asked[: ROWS // SHARE].itertuples(index=False):
        found = bisect.bisect_right(known[entity], at, key=lambda pair: pair[0]) - 1
        answers.append(known[entity][found][1] if found >= 0 else np.nan)
    return np.array(answers)


def measure(join: Callable, asked: pd.DataFrame, table: pd.DataFrame, rounds: int) -> tuple[float, np.ndarray]:
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        answer = join(asked, table)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds), answer


def main() -> None:
    asked, table = frames()
    results = {
        join.__name__: measure(join, asked, table, 1 if join is loop else ROUNDS)
        for join in (ours, positions_only, with_pandas, loop)
    }
    np.testing.assert_array_equal(results["ours"][1], results["with_pandas"][1])
    np.testing.assert_array_equal(results["ours"][1][: ROWS // SHARE], results["loop"][1])
    print(f"{ROWS:,} questions, {ROWS:,} rows, {ENTITIES} entities; all answers are equal")
    for name, (seconds, _) in results.items():
        note = f"   (for {ROWS // SHARE:,} questions, sorting included)" if name == "loop" else ""
        print(f"{name:<16} {seconds:6.2f} s{note}")


if __name__ == "__main__":
    main()

"""What 301.4 offers: tables in which each forgotten rule chooses another size."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def parameters(hidden: tuple[int, ...], bias: bool = True) -> int:
    """Return how many weights a network with these hidden widths has, 784 inputs and 10 outputs."""
    sizes = (784, *hidden, 10)
    return sum((i + bias) * o for i, o in zip(sizes, sizes[1:], strict=False))


def chosen(table: "pd.DataFrame", megabytes: float, microseconds: float, best_of_all: bool = False) -> tuple[int, ...]:
    """Return the hidden widths that 301.4 asks for; () if none fits."""
    runs = {hidden: row.to_numpy(float) for hidden, (_, row) in zip(table["hidden"], table.filter(like="seed_").iterrows(), strict=True)}  # fmt: skip
    fast = dict(zip(table["hidden"], table["one_us"], strict=True))
    fits = [h for h in runs if 8 * parameters(h) <= 1e6 * megabytes and fast[h] <= microseconds]
    if not fits:
        return ()
    best = max(runs if best_of_all else fits, key=lambda h: runs[h].mean())

    def beaten(hidden: tuple[int, ...]) -> bool:
        gap = runs[best] - runs[hidden]
        return bool(gap.mean() > 2 * gap.std(ddof=1) / np.sqrt(len(gap)))

    return min((h for h in fits if not beaten(h)), key=parameters, default=())


def tables_of_sizes() -> "list[tuple[pd.DataFrame, float, float]]":
    """Return tables of sizes with a budget of memory (MB) and of time (µs) each."""
    import pandas as pd

    def table(*rows: tuple[tuple[int, ...], float, list[float]], index: list[int] | None = None) -> pd.DataFrame:
        frame = pd.DataFrame({"hidden": [r[0] for r in rows], "parameters": [parameters(r[0]) for r in rows], "one_us": [r[1] for r in rows]}, index=index)  # fmt: skip
        for seed in range(len(rows[0][2])):
            frame[f"seed_{seed}"] = [r[2][seed] for r in rows]
        return frame

    low, mid, high, top = ((8,), 4.0, [0.80, 0.81, 0.79, 0.80]), ((32,), 6.0, [0.840, 0.852, 0.846, 0.842]), ((64,), 9.0, [0.845, 0.848, 0.844, 0.849]), ((256, 128), 40.0, [0.880, 0.881, 0.879, 0.882])  # fmt: skip
    paired = [((16,), 5.0, [0.80, 0.84, 0.82, 0.86]), ((64, 32), 9.0, [0.81, 0.85, 0.831, 0.87]), ((32,), 6.0, [0.79, 0.83, 0.81, 0.85])]  # fmt: skip
    better = np.array([0.845, 0.855, 0.849, 0.851])

    def behind(hidden: tuple[int, ...], *by: float) -> tuple[tuple[int, ...], float, list[float]]:
        return hidden, 5.0, list(better - np.array(by))

    near = [behind((32,), 0, 0.01, -0.002, 0.004), behind((64,), 0, 0, 0, 0), behind((256, 128), -0.01, 0.002, -0.004, 0)]  # fmt: skip
    return [
        (table(behind((32,), 0, 0.01, 0, 0.01), near[1]), 5.0, 100.0),  # 1.7 standard errors
        (table(*near), 0.5, 100.0),  # beside the one that does not fit, 32 is clearly worse; beside 64 it is not
        (
            table(near[1], behind((32,), 0.005, 0.015, 0, 0.01)),
            5.0,
            100.0,
        ),  # 2.3 standard errors, 1.2 standard deviations
        (table(low, high, top), 0.4068, 100.0),  # the biases of 64 are too much
        (table(low, mid, high, top), 3.0, 100.0),  # all fit but the largest: one copy of it would
        (table(high, top, low, mid, index=[3, 0, 2, 1]), 1.0, 100.0),
        (table(top, high, mid, low), 3.0, 7.0),
        (table(*paired, index=[9, 4, 7]), 5.0, 100.0),  # the same seeds are lucky for all: paired, the gap is clear
        (table(low, mid, high, top), 8.0, 100.0),
        (table(low, high, top), 0.4, 100.0),  # 64 would fit once, not twice
        (table(((16, 16), 5.0, [0.84, 0.85]), ((17,), 4.9, [0.841, 0.849]), _low_two()), 5.0, 10.0),
    ]


def _low_two() -> tuple[tuple[int, ...], float, list[float]]:
    """Return a size that is clearly worse over two seeds."""
    return ((), 3.0, [0.80, 0.81])


def mistake(
    saw: tuple[int, ...], want: tuple[int, ...], table: "pd.DataFrame", megabytes: float, microseconds: float
) -> str:
    """Return what is wrong with a size that was chosen instead of `want`."""
    row = table[[hidden == saw for hidden in table["hidden"]]].iloc[0]
    needs = 8 * parameters(saw) / 1e6
    if needs > megabytes:
        return (
            f"two copies of it take {needs:.2f} MB: weights and biases, 4 bytes each, twice while versions are swapped"
        )
    if row["one_us"] > microseconds:
        return f"one picture takes it {row['one_us']} µs"
    if saw == chosen(table, megabytes, microseconds, best_of_all=True):
        return "compared with a best one that keeps no budget: first what fits, then the best of that"
    gap = table.filter(like="seed_").to_numpy(float)
    place = {hidden: at for at, hidden in enumerate(table["hidden"])}
    fits = [h for h, fast in zip(table["hidden"], table["one_us"], strict=True) if 8 * parameters(h) <= 1e6 * megabytes and fast <= microseconds]  # fmt: skip
    best = max(fits, key=lambda h: gap[place[h]].mean())
    if saw == best:
        return f"it is the best on average, but {want} lags by no more than two standard errors and costs less"
    if saw == chosen(table, megabytes / 2, microseconds):
        return f"{want} fits: two copies take 8 bytes a number, not 16. Training's copies are not in the pod"
    away = gap[place[best]] - gap[place[saw]]
    if away.mean() > 2 * away.std(ddof=1) / np.sqrt(len(away)):
        return f"{best} is ahead of it seed by seed, by {100 * away.mean():.1f} points on average: compare in pairs, the same seed on both sides"
    return f"{want} has fewer parameters, and is not clearly worse than the best either"

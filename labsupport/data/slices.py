"""Find the slices of the rows on which a model does badly, without being fooled by the small ones.

Source: Chung, Kraska, Polyzotis, Tae and Whang 2019, "Slice Finder: automated data slicing for model validation".
"""

from collections.abc import Hashable, Iterator
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd

FEW_VALUES = 6
# Which condition it is: its column, and its number among those of this column.
Key = tuple[Hashable, int]
Condition = tuple[str, NDArray[np.bool_]]


def conditions(rows: "pd.DataFrame", *, bins: int = 4) -> dict[Key, Condition]:
    """Return the conditions that cut `rows` (n, k), by column and number: what each says, and its mask (n,).

    A column of few values gives one condition a value; a number of many values is cut at its quantiles into `bins`. A value
    that fills a whole bin is a condition of its own, and the rest is cut. So is a missing value.
    """
    return {
        (column, number): condition
        for column in rows.columns
        for number, condition in enumerate(_conditions_of(column, rows[column], bins))
    }


def _conditions_of(column: Hashable, values: "pd.Series", bins: int) -> Iterator[Condition]:
    import pandas as pd

    if values.isna().any():
        yield f"{column} missing", values.isna().to_numpy()
    known = values.dropna()
    if known.nunique() <= FEW_VALUES or not pd.api.types.is_numeric_dtype(values):
        for value in sorted(known.unique(), key=str):
            yield f"{column} = {value}", (values == value).to_numpy(dtype=bool)
        return
    numbers, shares = values.to_numpy(dtype=float), np.linspace(0, 1, bins + 1)
    quantiles = np.quantile(known.to_numpy(dtype=float), shares)
    full = quantiles[1:][np.diff(quantiles) == 0]
    rest = values.notna().to_numpy() & ~np.isin(numbers, full)
    edges = np.unique(np.append(full, np.quantile(numbers[rest], shares) if rest.any() else []))
    words = _told_apart(edges)
    for at, edge in enumerate(edges):
        if edge in full:
            yield f"{column} = {words[at]}", numbers == edge
    for at, (low, high) in enumerate(pairwise(edges)):
        last = at == len(edges) - 2
        inside = rest & (numbers >= low) & ((numbers <= high) if last else (numbers < high))
        if inside.any():
            begins, ends = "<" if low in full else "<=", "<=" if last and high not in full else "<"
            yield f"{words[at]} {begins} {column} {ends} {words[at + 1]}", inside


def _told_apart(edges: NDArray[np.float64]) -> list[str]:
    """Return numbers as texts of three digits, or of as many as tell them apart."""
    tried = ([f"{edge:.{digits}g}" for edge in edges] for digits in range(3, 18))
    return next(words for words in tried if len(set(words)) == len(words))


def find_slices(
    rows: "pd.DataFrame", loss: ArrayLike, *, least_rows: int = 30, bins: int = 4, level: float = 0.05
) -> "pd.DataFrame":
    """Return the slices whose rows lose more than the others, those first that surely lose most a row.

    `rows` (n, k): the columns to cut by; `loss` (n,): what the model loses on each row (an error as 0 or 1, or money).
    Slices are one condition or two together. Listed is a slice of at least `least_rows` whose excess over the other rows
    is beyond chance at `level`, divided by the number of slices that were looked at (Bonferroni), because the
    worst of many slices is partly the unluckiest. Two conditions are listed only where they lose more than each of them
    alone, one condition only where it loses without its listed pairs, by the same measure. Columns: `slice`, `rows`, `loss` (mean inside), `excess` (over the mean outside),
    `excess_low` (its lower bound), `total` (rows * excess). Raises ValueError when rows and losses don't match.
    """
    import pandas as pd

    lost = np.asarray(loss, dtype=float)
    if len(lost) != len(rows) or np.isnan(lost).any():
        raise ValueError(f"each of the {len(rows)} rows has one loss, which is a number; got {len(lost)} losses")
    single = conditions(rows, bins=bins)
    masks = dict(_large_enough(single, least_rows, len(rows)))
    beyond = level / max(1, len(masks))
    found, explained = {}, set()
    for keys, inside in masks.items():
        mean, excess, low = _excess(lost, inside, ~inside, beyond)
        if low <= 0:
            continue
        whole = [(one,) for one in keys if len(keys) > 1 and (one,) in masks]
        # A pair must be worse than what is left of each of its conditions, or it only repeats one of them.
        if any(_excess(lost, inside, masks[one] & ~inside, beyond)[2] <= 0 for one in whole):
            continue
        name = " and ".join(single[one][0] for one in keys)
        found[keys] = (name, int(inside.sum()), mean, excess, low, excess * inside.sum())
        # And a condition of which nothing bad is left without the pair only repeats the pair.
        explained |= {one for one in whole if _excess(lost, masks[one] & ~inside, ~masks[one], beyond)[2] <= 0}
    left = [slice_ for keys, slice_ in found.items() if keys not in explained]
    table = pd.DataFrame(left, columns=["slice", "rows", "loss", "excess", "excess_low", "total"])
    return table.sort_values("excess_low", ascending=False, ignore_index=True)


def _large_enough(
    single: dict[Key, Condition], least: int, count: int
) -> Iterator[tuple[tuple[Key, ...], NDArray[np.bool_]]]:
    """Yield (its conditions, mask) of each slice that has enough rows inside and outside."""
    for key, (_, mask) in single.items():
        if least <= mask.sum() <= count - least:
            yield (key,), mask
    # A pair has no more rows than each of its conditions: an id's thousands of values are not paired.
    large = [(key, mask, size) for key, (_, mask) in single.items() if (size := mask.sum()) >= least]
    for (one, mask, size), (other, more, others) in combinations(large, 2):
        both = mask & more
        if one[0] != other[0] and least <= both.sum() < min(size, others):
            yield (one, other), both


def _excess(
    lost: NDArray[np.float64], inside: NDArray[np.bool_], outside: NDArray[np.bool_], level: float
) -> tuple[float, float, float]:
    """Return the mean loss inside, its excess over that outside, and the excess's lower bound."""
    from scipy.stats import t

    here, there = lost[inside], lost[outside]
    if len(here) < 2 or len(there) < 2:
        return float(here.mean()) if len(here) else 0.0, 0.0, 0.0
    # A slice may have no spread of its own, by luck; then that of all rows counts. Few rows: Student's t, not the normal.
    spread = lost.var(ddof=1)
    error = np.sqrt(max(here.var(ddof=1), spread) / len(here) + max(there.var(ddof=1), spread) / len(there))
    excess = float(here.mean() - there.mean())
    return float(here.mean()), excess, excess - float(t.isf(level, len(here) - 1)) * float(error)

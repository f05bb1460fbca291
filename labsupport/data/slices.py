"""Find the slices of the rows on which a model does badly, without being fooled by the small ones.

Source: Chung, Kraska, Polyzotis, Tae and Whang 2019, "Slice Finder: automated data slicing for model validation".
"""

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd

FEW_VALUES = 6


def conditions(rows: "pd.DataFrame", *, bins: int = 4) -> dict[str, tuple[str, NDArray[np.bool_]]]:
    """Return the conditions that cut `rows` (n, k), by what they say: (column, mask (n,)).

    A column of few values gives one condition a value; a number of many values is cut at its quantiles into `bins`.
    A missing value is a condition of its own.
    """
    import pandas as pd

    found: dict[str, tuple[str, NDArray[np.bool_]]] = {}
    for column in rows.columns:
        values = rows[column]
        if values.isna().any():
            found[f"{column} missing"] = (column, values.isna().to_numpy())
        known = values.dropna()
        if known.nunique() <= FEW_VALUES or not pd.api.types.is_numeric_dtype(values):
            for value in sorted(known.unique(), key=str):
                found[f"{column} = {value}"] = (column, (values == value).to_numpy(dtype=bool))
            continue
        edges = np.unique(np.quantile(known.to_numpy(dtype=float), np.linspace(0, 1, bins + 1)))
        numbers = values.to_numpy(dtype=float)
        for at, (low, high) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
            last = at == len(edges) - 2
            inside = (numbers >= low) & ((numbers <= high) if last else (numbers < high))
            found[f"{low:.3g} <= {column} {'<=' if last else '<'} {high:.3g}"] = (column, inside)
    return found


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
    found, explained = [], set()
    for name, (parents, inside) in masks.items():
        mean, excess, low = _excess(lost, inside, ~inside, beyond)
        if low <= 0:
            continue
        whole = [one for one in parents if one in masks]
        # A pair must be worse than what is left of each of its conditions, or it only repeats one of them.
        if any(_excess(lost, inside, masks[one][1] & ~inside, beyond)[2] <= 0 for one in whole):
            continue
        found.append((name, int(inside.sum()), mean, excess, low, excess * inside.sum()))
        # And a condition of which nothing bad is left without the pair only repeats the pair.
        explained |= {one for one in whole if _excess(lost, masks[one][1] & ~inside, ~masks[one][1], beyond)[2] <= 0}
    found = [slice_ for slice_ in found if slice_[0] not in explained]
    table = pd.DataFrame(found, columns=["slice", "rows", "loss", "excess", "excess_low", "total"])
    return table.sort_values("excess_low", ascending=False, ignore_index=True)


def _large_enough(
    single: dict[str, tuple[str, NDArray[np.bool_]]], least: int, count: int
) -> Iterator[tuple[str, tuple[tuple[str, ...], NDArray[np.bool_]]]]:
    """Yield (name, (its conditions, mask)) of each slice that has enough rows inside and outside."""
    for name, (_, mask) in single.items():
        if least <= mask.sum() <= count - least:
            yield name, ((), mask)
    for (one, (first, mask)), (other, (second, more)) in combinations(single.items(), 2):
        both = mask & more
        if first != second and least <= both.sum() < min(mask.sum(), more.sum()):
            yield f"{one} and {other}", ((one, other), both)


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

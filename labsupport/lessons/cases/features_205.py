"""What 205 tries answers on: a day of load, features that look ahead and ones that don't, times to look up, two paths to compare."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from labsupport.lessons.cases import skew

if TYPE_CHECKING:
    import pandas as pd


def monday() -> "pd.Series":
    """Return a day of load, a value a minute, labelled from 0."""
    import pandas as pd

    rng = np.random.default_rng(8)
    return pd.Series(5 + 3 * np.sin(np.arange(1440) / 229) + rng.normal(0, 0.3, 1440), name="load")


Make = Callable[[Any], Any]
HONEST: dict[str, Make] = {
    "a plain column": lambda x: x * 2,
    "a trailing mean, whose first rows are missing": lambda x: x.rolling(10).mean(),
    "the highest so far": lambda x: np.maximum.accumulate(np.asarray(x)),
    "a mean of all rows so far": lambda x: (x.cumsum() / np.arange(1, len(x) + 1)).to_list(),
    "a column whose missing rows are filled with 0": lambda x: x.shift(3).fillna(0),
}
LEAKS: dict[str, Make] = {
    "a centred mean": lambda x: x.rolling(31, center=True).mean(),
    "a centred mean without missing values": lambda x: x.rolling(31, center=True, min_periods=1).mean(),
    "the highest of the whole day": lambda x: np.full(len(x), np.max(x)),
    "a column divided by the mean of all rows": lambda x: x / x.mean(),
    "the next row": lambda x: x.shift(-1),
    "a column divided by the number of rows": lambda x: x / len(x),
    # Each of these hides from one shortcut.
    "the load of the day's last row, in the first row only": lambda x: np.where(np.arange(len(x)) == 0, x.iloc[-1], x),
    "ranks within the day, whose mean is always the same": lambda x: np.asarray(x.rank(pct=True)) - 0.5 - 0.5 / len(x),
    "two rows exchanged by what the day's last row says": lambda x: _exchanged(np.asarray(x, float)),
    "0 where the next row is missing": lambda x: np.where(np.arange(len(x)) == len(x) - 1, np.nan, 0.0),
}


def _exchanged(load: np.ndarray) -> np.ndarray:
    """Return the load with rows 5 and 6 exchanged where the day goes on after 150 rows: sums and means keep their value."""
    changed = load.copy()
    if len(load) > 150:
        changed[[5, 6]] = changed[[6, 5]]
    return changed


def looked_wrong(blamed: set[str], missed: set[str]) -> str:
    """Return the mistake of a test that blames these honest features and misses these leaks, or nothing."""
    with_holes = {"a trailing mean, whose first rows are missing"}
    of_holes = {name for name, make in LEAKS.items() if _only_by_holes(make)}
    first = "the load of the day's last row, in the first row only"
    cases = {
        "True and False are exchanged: True means that it looks ahead": (set(HONEST), set(LEAKS)),
        "everything is blamed: compare the first `cut` answers of both, and no others": (set(HONEST), set()),
        "two missing values count as a difference: `nan == nan` is False, so use `equal_nan=True`": (with_holes, set()),
        "both answers were made from the same rows: the second call gets `load[:cut]`": (set(), set(LEAKS)),
        "a value that is missing in one answer only is a difference too: then it came from the future": (
            set(),
            of_holes,
        ),
        "the last rows alone are compared: a leak can show in any of the first `cut` rows": (
            set(),
            {first, "two rows exchanged by what the day's last row says"},
        ),
        "only means are compared, or sums: rows cancel in them, so compare row by row": (
            set(),
            {
                "two rows exchanged by what the day's last row says",
                "ranks within the day, whose mean is always the same",
            },
        ),
        "the order of the rows is lost, as in a sum or a sorted list: compare row by row": (
            set(),
            {"two rows exchanged by what the day's last row says"},
        ),
        "holes were filled with 0, and a hole is no 0": (set(), {"0 where the next row is missing"}),
        "rows were brought together without their holes, as in a mean or a sum: rows cancel there, and a hole is a difference": (
            set(),
            {"two rows exchanged by what the day's last row says", "0 where the next row is missing"},
        ),
        "both loads have the same number of rows: a feature can see that there are later ones, so cut them off, `load[:cut]`": (
            set(),
            {
                "a column divided by the number of rows",
                "two rows exchanged by what the day's last row says",
                "0 where the next row is missing",
            },
        ),
        "rows were brought together, as in a mean: rows cancel there, and one hole makes `nan` of all": (
            with_holes,
            {"two rows exchanged by what the day's last row says"},
        ),
    }
    return next((cause for cause, found in cases.items() if found == (blamed, missed)), "")


def _only_by_holes(make: Make) -> bool:
    """Tell whether a leak shows by missing values alone."""
    import pandas as pd

    load = pd.Series(np.random.default_rng(5).uniform(2, 8, 200) + np.linspace(0, 3, 200))
    whole, past = np.asarray(make(load), float)[:120], np.asarray(make(load[:120]), float)
    both = ~np.isnan(whole) & ~np.isnan(past)
    return bool(np.allclose(whole[both], past[both]))


def known_value(asked: np.ndarray, known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the value of the last row known at or before each question, NaN where there is none."""
    rows = [([np.nan] + [v for k, v in zip(known, values, strict=True) if k <= t])[-1] for t in asked]
    return np.array(rows)


def lookup_mistakes(asked: np.ndarray, known: np.ndarray, values: np.ndarray) -> dict[str, np.ndarray]:
    """Return what plausible mistakes look up."""
    left = np.searchsorted(known, asked, side="left") - 1
    right = np.searchsorted(known, asked, side="right") - 1
    following = np.minimum(right + 1, len(known) - 1)
    nearest = np.abs(known[None, :] - asked[:, None]).argmin(axis=1)
    want = known_value(asked, known, values)
    return {
        'a row written in the very second of the question is known: use `<=`, or `side="right"`': np.where(
            left >= 0, values[np.maximum(left, 0)], np.nan
        ),
        "before the first row the index is -1, and in Python that is the last row, from the far future": values[right],
        "before the first row the first row stands in, from the future: say `nan`": values[np.maximum(right, 0)],
        "before the first row there is no answer: say `nan`, not 0": np.nan_to_num(want),
        "the nearest row may lie in the future: only rows at or before the question count": values[nearest],
        "this is the row after: the last row known has the count less 1 as its index": values[following],
        "the row after was read, from the future: the last row known has the count less 1 as its index": values[
            np.minimum(left + 1, len(known) - 1)
        ],
        "one place too far: the last row known has the count less 1 as its index": np.where(
            right >= 0, values[following], np.nan
        ),
        "the newest value was given to every question": np.full(asked.shape, values[-1]),
        "the largest value known so far was taken: the last one is asked for": np.array(
            [np.max(values[: row + 1], initial=-np.inf) if row >= 0 else np.nan for row in right]
        ),
        "these are places in the table: return `values` at these places": right.astype(float),
        "these are the times of the rows: return `values` at their places": np.where(
            right >= 0, known[np.maximum(right, 0)], np.nan
        ),
        "the answers are in order of time; give them in the order of the questions": want[np.argsort(asked)],
        "the index -1 means the last row, and a row written in the same second is known": values[left],
    }


def two_paths() -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Return offline and online, frames of 40 rows; each column is skewed, or not, in its own way."""
    import pandas as pd

    rng = np.random.default_rng(6)
    names = (
        "same",
        "rounded",
        "missing_in_both",
        "higher_in_one_row",
        "lower_in_one_row",
        "cancels_in_the_mean",
        "missing_online",
        "missing_offline",
        "missing_in_turn",  # one hole on each side
        "missing_for_zero",  # a quiet night: 0 offline, nothing online
        "zero_for_missing",
        "large_values",
        "tiny_values",
        "higher_in_all_rows",
    )
    offline = pd.DataFrame(rng.uniform(1, 5, (40, len(names))), columns=names)
    offline["large_values"] *= 1000
    offline["tiny_values"] *= 1e-8
    row = np.arange(len(offline))
    offline.loc[14, ["missing_for_zero", "zero_for_missing"]] = 0.0
    online = offline.copy()
    online["rounded"] += 1e-9
    online["large_values"] += 0.005 * (row == 4)
    online["tiny_values"] *= 1.3
    online["higher_in_one_row"] += 0.3 * (row == 3)
    online["lower_in_one_row"] -= 0.3 * (row == 39)
    online["higher_in_all_rows"] += 0.9
    online["cancels_in_the_mean"] += 0.7 * (row == 7) - 0.7 * (row == 8)
    offline.loc[[2, 9], "missing_in_both"] = online.loc[[2, 9], "missing_in_both"] = np.nan
    online.loc[11, "missing_online"] = np.nan
    offline.loc[12, "missing_offline"] = np.nan
    offline.loc[5, "missing_in_turn"] = online.loc[6, "missing_in_turn"] = np.nan
    online.loc[14, "missing_for_zero"] = np.nan
    offline.loc[14, "zero_for_missing"] = np.nan
    return offline, online


def skewed(offline: "pd.DataFrame", online: "pd.DataFrame", tolerance: float) -> set[str]:
    """Return the columns that 205.5 asks for."""
    apart = (offline - online).abs() > tolerance
    return set(offline.columns[(apart | (offline.isna() != online.isna())).any()])


def other_answers(offline: "pd.DataFrame", online: "pd.DataFrame", tolerance: float) -> dict[str, set[str]]:
    """Return, for each plausible mistake, the columns that it names."""
    others: dict[str, skew.Allowed] = {
        "`np.allclose` also allows 1e-5 of the value itself, much for large ones: set `rtol=0`": lambda left, right: (
            tolerance + 1e-5 * right.abs()
        ),
        "a share of the value was allowed: the tolerance is a difference, the same for every value": lambda left, right: (
            tolerance * left.abs()
        ),
        "`tolerance` is not used: a fixed number stands in its place": lambda left, right: left.abs() * 0 + 1e-6,
        "`tolerance` is not used, a fixed number stands in its place: `np.allclose` has its own, 1e-8 and 1e-5 of the value": lambda left, right: (
            1e-8 + 1e-5 * right.abs()
        ),
        "exact equality: allow differences up to `tolerance`, any difference counts in yours": lambda left, right: (
            left.abs() * 0
        ),
        "`tolerance` is a share for `np.isclose`'s second place, `rtol`: it belongs to `atol`": lambda left, right: (
            1e-8 + tolerance * right.abs()
        ),
    }
    return skew.other_answers(offline, online, lambda left, right: left.abs() * 0 + tolerance, others)

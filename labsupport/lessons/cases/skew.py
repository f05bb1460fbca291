"""How a comparison of two tables goes wrong (205.5): every plausible other comparison, with the words for its fault.

A comparison of columns has three parts: how far values are apart, what a missing value means, and how rows are brought
together. Each wrong version of a part, and each pair of them, is a program whose answer a checker can look for.
"""

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

# What values may differ by, given left (training, offline) and right (serving, online).
Allowed = Callable[["pd.DataFrame", "pd.DataFrame"], "pd.DataFrame"]

RIGHT = ""


def other_answers(
    left: "pd.DataFrame", right: "pd.DataFrame", allowed: Allowed, other_allowances: dict[str, Allowed]
) -> dict[str, set[str]]:
    """Return, for each fault or pair of faults, the columns that a comparison with it names."""
    margins = {RIGHT: allowed, **other_allowances}
    apart = {name: (left - right).abs() > margin(left, right) for name, margin in margins.items()}
    apart |= {
        "differences in one direction only, up: take the absolute difference": right - left > allowed(left, right),
        "differences in one direction only, down: take the absolute difference": left - right > allowed(left, right),
        "exact equality: allow differences up to the tolerance": (left != right) & left.notna() & right.notna(),
    }
    alone = {
        RIGHT: left.isna() != right.isna(),
        "a value missing on one side only slipped through: comparisons with NaN are False, so compare `.isna()` of both": (
            left.isna() & False
        ),
        "missing on both sides is no difference: NaN is not equal to NaN, so ask for `.isna()`": left.isna()
        | right.isna(),
        "holes were counted: as many on both sides may lie in other rows": left.isna() & False
        | (left.isna().sum() != right.isna().sum()),
        "holes on the right side only were looked for": right.isna() & left.notna(),
        "holes on the left side only were looked for": left.isna() & right.notna(),
    }
    together = {
        RIGHT: "any",
        "one row is enough: ask `.any()`, not `.all()`": "all",
        "most rows were asked for: one is enough": "most",
        "only the first row was compared": "first",
        "only the last row was compared": "last",
    }
    filled = (left.fillna(0) - right.fillna(0)).abs()
    found: dict[str, set[str]] = {
        "a hole was filled with 0, and a hole is no 0": _names(
            filled > allowed(left.fillna(0), right.fillna(0)), "any"
        ),
        "holes were filled with 0 for the difference, and a hole is no 0": _names(filled > allowed(left, right), "any"),
    }
    parts = itertools.product(apart.items(), alone.items(), together.items())
    for (far, a), (hole, b), (rows, how) in sorted(parts, key=lambda part: sum(bool(name) for name, _ in part)):
        faults = [fault for fault in (far, hole, rows) if fault]
        if faults and len(faults) < 3:
            found["; and ".join(faults)] = _names(a | b, how)
    averages = {"only means were compared: other rows can have the same mean": (left.mean(), right.mean())}
    averages["only sums were compared: rows cancel in them"] = (left.sum(), right.sum())
    for fault, (one, other) in averages.items():
        limit = allowed(one.to_frame().T, other.to_frame().T).iloc[0]
        found[fault] = set(left.columns[(one - other).abs() > limit])
    for far, bad in apart.items():
        turned = "these are the columns that agree: turn the condition round"
        found[f"{turned}; and {far}" if far else turned] = set(left.columns[~(bad | alone[RIGHT]).any()])
    return found


def _names(bad: "pd.DataFrame", how: str) -> set[str]:
    chosen = {
        "any": bad.any(),
        "all": bad.all(),
        "most": bad.mean() > 0.5,
        "first": bad.iloc[0].astype(bool),
        "last": bad.iloc[-1].astype(bool),
    }[how]
    return set(bad.columns[np.asarray(chosen, bool)])

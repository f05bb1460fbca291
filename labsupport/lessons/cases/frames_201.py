"""Tables for 201.1 and 201.5: minutes in disorder and with gaps; the same columns from training and from serving."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labsupport.lessons.cases import skew

if TYPE_CHECKING:
    import pandas as pd


def merged_days() -> "pd.DataFrame":
    """Return 40 minutes in no order, whose labels stand twice, as files that were merged leave them."""
    import pandas as pd

    rng = np.random.default_rng(3)
    minutes = pd.date_range("2024-03-01", periods=40, freq="min")
    table = pd.DataFrame({"time": minutes, "cpu_percent": rng.normal(30, 5, 40)}).iloc[rng.permutation(40)]
    table.index = rng.permutation(np.arange(40) // 2)
    return table


def with_gaps() -> "pd.DataFrame":
    """Return 50 minutes in no order, few of them in a long night, so that a share of the time is another share of the rows."""
    import pandas as pd

    rng = np.random.default_rng(4)
    seconds = np.cumsum(
        np.concatenate([rng.integers(60, 90, 20), rng.integers(3000, 9000, 5), rng.integers(60, 90, 25)])
    )
    times = pd.Timestamp("2024-03-01") + pd.to_timedelta(seconds, unit="s")
    return pd.DataFrame({"time": times, "cpu_percent": rng.normal(30, 5, 50)}).sample(frac=1, random_state=2)


COLUMNS = (
    "same",
    "rounded",  # to 32 bits
    "both_missing",
    "per_minute",
    "lower",
    "shifted",  # the same values in other rows
    "tiny",  # values of a millionth of a millionth, a tenth apart
    "negative",
    "negative_same",
    "from_zero",  # 0 in training, not quite 0 in serving: more than any share of 0
    "zero_same",
    "one_row",
    "one_side_missing",
    "missing_for_zero",  # nothing in serving where training says 0
    "missing_in_training",
    "half_as_much_again",  # 60 % of the training value, 38 % of the serving value
    "mean_kept",  # two rows cancel in the mean
)


def two_sides() -> tuple["pd.DataFrame", "pd.DataFrame"]:
    """Return training and serving, frames of 200 rows with the columns of `COLUMNS`."""
    import pandas as pd

    rng = np.random.default_rng(29)
    training = pd.DataFrame({name: rng.uniform(20, 60, 200) for name in COLUMNS})
    training[["negative", "negative_same"]] *= -1
    training.loc[23, "missing_in_training"] = np.nan
    training["tiny"] *= 1e-12
    training.loc[3, "both_missing"] = np.nan
    training.loc[[5, 6], ["from_zero", "zero_same", "missing_for_zero"]] = 0.0
    serving = training.copy()
    serving["rounded"] = training["rounded"].astype("float32").astype(float)
    serving["per_minute"] = training["per_minute"] * 60
    serving["lower"] = training["lower"] * 0.5
    serving["shifted"] = np.roll(training["shifted"], 7)
    serving["tiny"] = training["tiny"] * 1.1
    serving["negative"] = training["negative"] * 1.1
    serving.loc[5, "from_zero"] = 1e-9
    serving["one_row"] += np.where(np.arange(200) == 199, 5.0, 0.0)
    serving.loc[17, "one_side_missing"] = np.nan
    serving.loc[5, "missing_for_zero"] = np.nan
    serving.loc[23, "missing_in_training"] = 5.0
    serving["half_as_much_again"] = 1.6 * training["half_as_much_again"]
    serving["mean_kept"] += np.where(np.arange(200) == 30, 2.0, 0.0) - np.where(np.arange(200) == 31, 2.0, 0.0)
    return training, serving


def skewed(training: "pd.DataFrame", serving: "pd.DataFrame", tolerance: float) -> set[str]:
    """Return the columns that 201.5 asks for."""
    apart = (training - serving).abs() > tolerance * training.abs()
    return set(training.columns[(apart | (training.isna() != serving.isna())).any()])


def other_answers(training: "pd.DataFrame", serving: "pd.DataFrame", tolerance: float) -> dict[str, set[str]]:
    """Return, for each plausible mistake, the columns that it names."""
    others: dict[str, skew.Allowed] = {
        "an absolute tolerance: compare relative to the training value, some values are tiny": lambda left, right: (
            left.abs() * 0 + tolerance
        ).fillna(tolerance),
        "the tolerance is a share of the *absolute value* of training: a negative value allows a difference, too": (
            lambda left, right: tolerance * left
        ),
        "the tolerance is a share of the training value, and yours is one of the serving value": lambda left, right: (
            tolerance * right.abs()
        ),
        "the tolerance is a share of the training value, and yours is one of the larger of both": lambda left, right: (
            tolerance * left.abs().where(left.abs() > right.abs(), right.abs())
        ),
        "an absolute tolerance was added to the relative one, as `np.isclose` does by default: set `atol=0`": lambda left, right: (
            tolerance * left.abs() + 1e-8
        ),
        "`tolerance` is not used: a number stands in its place": lambda left, right: 1e-6 * left.abs(),
    }
    for fixed in (1e-9, 1e-8, 1e-6, 1e-5, 1e-3):
        fault = f"an absolute tolerance of {fixed:g} stands fixed: it is a share of the training value"
        others[fault] = partial(_fixed, fixed)
    return skew.other_answers(training, serving, lambda left, right: tolerance * left.abs(), others)


def _fixed(tolerance: float, training: "pd.DataFrame", serving: "pd.DataFrame") -> "pd.DataFrame":
    return (training.abs() * 0 + tolerance).fillna(tolerance)

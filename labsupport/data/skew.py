"""Training/serving skew: the same entity and time through both paths must give the same values."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


class SkewError(AssertionError):
    """Training and serving disagree about the value of a feature."""


def skew_report(offline: "pd.DataFrame", online: "pd.DataFrame", tolerance: float = 1e-6) -> "pd.DataFrame":
    """Compare two frames of features row by row; one row a column comes back.

    `offline` (n, k): what training read; `online` (n, k): what serving answered for the same questions in the same
    order; `tolerance`: differences up to this are rounding. Columns of the report: `differ`, rows whose values differ
    or are missing on one side only; `missing`, the latter alone; `worst`, the largest difference. Raises ValueError
    when rows or columns don't match.
    """
    import pandas as pd

    if len(offline) != len(online):
        raise ValueError(f"both paths answer the same questions; got {len(offline)} and {len(online)} rows")
    if set(offline.columns) != set(online.columns):
        odd = sorted(map(str, set(offline.columns) ^ set(online.columns)))
        raise ValueError(f"both paths give the same columns; only one of them has {', '.join(odd)}")
    rows = {}
    for name in offline.columns:
        ours, theirs = offline[name].to_numpy(float), online[name].to_numpy(float)
        gap = np.abs(ours - theirs)
        one_sided = np.isnan(ours) != np.isnan(theirs)
        worst = float(np.nanmax(gap)) if not np.isnan(gap).all() else 0.0
        rows[name] = {
            "differ": int(((gap > tolerance) | one_sided).sum()),
            "missing": int(one_sided.sum()),
            "worst": worst,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def require_no_skew(offline: "pd.DataFrame", online: "pd.DataFrame", tolerance: float = 1e-6) -> None:
    """Raise SkewError when any column differs anywhere; to be run before each release and on a sample of live requests."""
    report = skew_report(offline, online, tolerance)
    skewed = report[report["differ"] > 0]
    if len(skewed):
        found = "; ".join(
            f"{name}: {row['differ']:.0f} of {len(offline)} rows, worst by {row['worst']:.3g}"
            for name, row in skewed.iterrows()
        )
        raise SkewError(f"training and serving disagree ({found}): compute the feature in one place, for both")

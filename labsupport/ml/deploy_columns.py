"""From a deploy's record to what a model of deploys sees: shared by training and serving, so it needs neither of both.

It computes on whatever holds columns by name: a frame, or arrays in a mapping, as a server without pandas has them.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Union

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

Records = Union["pd.DataFrame", Mapping[str, Any]]

# The columns of the pipeline in their order, each with its unit.
UNITS = {
    "lines_changed_log10": "log10 of lines",
    "files_changed": "files",
    "author_deploys_log10": "log10 of 1 + deploys",
    "tests_failed_before": "test runs",
    "coverage": "share, 0 to 1",
    "dependency_bump": "0 or 1",
    "friday": "0 or 1",
    "night": "0 or 1, from 20:00 to 06:00 UTC",
}
COLUMNS = tuple(UNITS)
NEEDED = (
    "lines_changed", "files_changed", "author_deploys", "tests_failed_before", "coverage", "dependency_bump", "friday",
    "hour",
)  # fmt: skip


def columns(records: Records) -> dict[str, Any]:
    """Return the columns by name, in the order of `COLUMNS`, from deploy records (n rows).

    Sizes that span powers of ten become logarithms, and the hour, which is a circle, becomes night or not.
    Raises ValueError for records that lack a field.
    """
    missing = [name for name in NEEDED if name not in records]
    if missing:
        raise ValueError(f"deploy records lack {', '.join(missing)}: a model of deploys needs {', '.join(NEEDED)}")
    return {
        "lines_changed_log10": np.log10(records["lines_changed"]),
        "files_changed": records["files_changed"],
        "author_deploys_log10": np.log10(1 + records["author_deploys"]),
        "tests_failed_before": records["tests_failed_before"],
        "coverage": records["coverage"],
        "dependency_bump": records["dependency_bump"],
        "friday": records["friday"],
        "night": at_night(records["hour"]),
    }


def at_night(hour: Any) -> Any:
    """Return whether each hour of the day (UTC, 0 to 24) lies from 20:00 to 06:00: the hour is a circle, so it is cut once."""
    return (hour >= 20) | (hour < 6)

"""Tables for 201.1: minutes in disorder and with gaps."""

from typing import TYPE_CHECKING

import numpy as np

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

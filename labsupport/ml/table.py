"""The simplest model that learns: a table of what followed each combination of signs."""

from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    import pandas as pd


class TableModel:
    """Predict an event's probability by counting what followed the same signs before.

    `smoothing` events and non-events are added to each row (Laplace's rule of succession with 1), so that a row seen
    once does not become a certainty. A combination never seen gets the overall share.

    Learnt: `table_` (frame indexed by the signs: probability, days), `base_rate_`, `feature_names_in_`.
    """

    def __init__(self, smoothing: float = 1.0) -> None:
        self.smoothing = smoothing

    def fit(self, signs: "pd.DataFrame", happened: ArrayLike) -> Self:
        """Count. `signs` (n, k): categories or booleans; `happened` (n,): whether the event followed."""
        import pandas as pd

        event = np.asarray(happened, dtype=float)
        if len(event) != len(signs) or not len(event):
            raise ValueError(f"signs and outcomes belong together row by row; got {len(signs)} and {len(event)} rows")
        by = [signs[name] for name in signs.columns]
        counts = pd.Series(event, index=signs.index).groupby(by, observed=True).agg(["sum", "count"])
        probability = (counts["sum"] + self.smoothing) / (counts["count"] + 2 * self.smoothing)
        self.table_ = counts.assign(probability=probability).rename(columns={"count": "days"})[["probability", "days"]]
        self.base_rate_ = float(event.mean())
        self.feature_names_in_ = list(signs.columns)
        return self

    def predict(self, signs: "pd.DataFrame") -> np.ndarray:
        """Return the probability of the event for each row of `signs` (n, k): shape (n,).

        Raises ValueError for other signs than those that were counted, or another order of them, and before `fit`.
        """
        import pandas as pd

        if not hasattr(self, "table_"):
            raise ValueError("this table has counted nothing yet: call `fit(signs, happened)` first")
        if list(signs.columns) != self.feature_names_in_:
            counted, given = (", ".join(map(str, names)) for names in (self.feature_names_in_, signs.columns))
            raise ValueError(
                f"the table has counted the signs {counted}; got {given}: select them by name, in that order"
            )

        keys = pd.MultiIndex.from_frame(signs) if signs.shape[1] > 1 else pd.Index(signs.iloc[:, 0])
        found = self.table_["probability"].reindex(keys).to_numpy(dtype=float)
        return np.where(np.isnan(found), self.base_rate_, found)

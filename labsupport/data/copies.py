"""Find rows of one part that stand in another: what was learnt by heart is no test."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


def copies_across(
    learn: "pd.DataFrame", judge: "pd.DataFrame", columns: Sequence[str] | None = None
) -> NDArray[np.bool_]:
    """Return which rows of `judge` (m,) stand in `learn` as well, equal in all `columns` (all shared ones unless named).

    Name the columns that say what a row *is*; a number that each delivery gives anew makes every copy look new.
    Raises ValueError when a column is missing or none is left.
    """
    import pandas as pd

    by = [name for name in judge.columns if name in learn.columns] if columns is None else list(columns)
    missing = [name for name in by if name not in learn.columns or name not in judge.columns]
    if missing or not by:
        raise ValueError(
            f"rows are compared by columns that both parts have; not so: {', '.join(missing) or 'none is left'}"
        )
    # One frame, because a hash is of the bytes: 1 and 1.0, or a time in other units, are equal only in a common type.
    hashes = pd.util.hash_pandas_object(pd.concat([learn[by], judge[by]], ignore_index=True), index=False).to_numpy()
    return np.isin(hashes[len(learn) :], hashes[: len(learn)])

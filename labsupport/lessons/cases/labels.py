"""Names of columns that came back in a pandas Series, for 101.5 and 205.4."""

from typing import Any

from labsupport.exercises import expect
from labsupport.exercises.outcomes import Fail


def names(result: Any) -> set[str]:
    """Return the names that came back; raises Fail for a Series in which they are the labels."""
    import pandas as pd

    if isinstance(result, pd.Series) and len(result) and pd.api.types.is_float_dtype(result):
        cause = "the names are the labels of this Series: `.index` is missing"
        raise Fail(f"numbers, such as {result.iloc[0]:.4g}", "a list of names", cause)
    return expect.names(result)

"""What the model sees of a deploy; shared by training and evaluation."""

import numpy as np
import pandas as pd


def columns(rows: pd.DataFrame) -> np.ndarray:
    """Return the model's columns (n, 7) of deploys (n rows)."""
    hour = rows["time"].dt.hour
    seen = [
        np.log10(rows["lines_changed"]),
        rows["files_changed"],
        np.log10(1 + rows["author_deploys"]),
        rows["tests_failed_before"],
        rows["coverage"],
        rows["dependency_bump"],
        (hour >= 20) | (hour < 6),
    ]
    return np.column_stack(seen).astype(float)

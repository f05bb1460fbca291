"""What a predictor writes down: a file of rows for each day, and, days later, a file of what became of them.

`FOLDER/SERVICE/rows-007.npz` has the columns that the model saw (n, 8) and what it said (n,); `failed-007.npy` the truth (n,).
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import FloatArray

CHAMPION, CHALLENGER = "champion.json", "challenger.json"


def write_rows(folder: Path, day: int, columns: ArrayLike, said: ArrayLike) -> None:
    """Write a day's rows (n, k) and what the model said about each (n,)."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / f"rows-{day:03d}.npz", columns=np.asarray(columns), said=np.asarray(said))


def write_labels(folder: Path, day: int, failed: ArrayLike) -> None:
    """Write what became of a day's rows (n,)."""
    np.save(folder / f"failed-{day:03d}.npy", np.asarray(failed, dtype=bool))


def rows(folder: Path) -> tuple[FloatArray, FloatArray]:
    """Return all rows (days, n, k) and what was said of them (days, n); raises FileNotFoundError for a folder without any."""
    files = sorted(folder.glob("rows-*.npz"))
    if not files:
        raise FileNotFoundError(f"no rows in {folder}: has the service written its log?")
    days = [np.load(file) for file in files]
    return np.stack([day["columns"] for day in days]), np.stack([day["said"] for day in days])


def labels(folder: Path) -> FloatArray:
    """Return what became of the rows of the days whose truth has come, 0 or 1: (labelled days, n)."""
    return np.array([np.load(file) for file in sorted(folder.glob("failed-*.npy"))], dtype=float)


def save(path: Path, value: dict[str, Any]) -> None:
    """Write a small JSON file in one step: who reads meanwhile sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value))
    part.replace(path)


def load(path: Path) -> dict[str, Any]:
    """Read what `save` wrote."""
    value: dict[str, Any] = json.loads(path.read_text())
    return value


def probability(model: dict[str, Any], columns: ArrayLike) -> FloatArray:
    """Return a stored model's probability of failing for rows (..., k)."""
    log_odds = np.asarray(columns, dtype=float) @ np.array(model["weights"]) + model["intercept"]
    return np.asarray(1 / (1 + np.exp(-log_odds)), dtype=float)

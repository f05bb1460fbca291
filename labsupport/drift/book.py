"""What a predictor writes down: a file of rows for each day, and, days later, a file of what became of them.

`FOLDER/SERVICE/rows-007.npz` has the columns that the model saw (n, 8) and what it said (n,); `failed-007.npy` the truth (n,).
"""

import json
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from labsupport import files
from labsupport.arrays import FloatArray

CHAMPION, CHALLENGER = "champion.json", "challenger.json"


def write_rows(folder: Path, day: int, columns: ArrayLike, said: ArrayLike) -> None:
    """Write a day's rows (n, k) and what the model said about each (n,), in one step."""
    folder.mkdir(parents=True, exist_ok=True)
    with files.replacing(folder / f"rows-{day:03d}.npz", 0o644) as stream:
        np.savez(stream, columns=np.asarray(columns), said=np.asarray(said))


def write_labels(folder: Path, day: int, failed: ArrayLike) -> None:
    """Write what became of a day's rows (n,), in one step."""
    with files.replacing(folder / f"failed-{day:03d}.npy", 0o644) as stream:
        np.save(stream, np.asarray(failed, dtype=bool))


def rows(folder: Path) -> tuple[FloatArray, FloatArray]:
    """Return all rows (days, n, k) and what was said of them (days, n), from day 0 on.

    Raises FileNotFoundError for a folder without any, ValueError for a day that is missing between others.
    """
    found = _by_day(folder, "rows-*.npz")
    if not found:
        raise FileNotFoundError(f"no rows in {folder}: has the service written its log?")
    whole = _without_gap(found)
    if len(whole) < len(found):
        raise ValueError(
            f"no rows of day {len(whole)} in {folder}, but of later ones: bring rows-{len(whole):03d}.npz back"
        )
    days = [np.load(file) for file in whole]
    return np.stack([day["columns"] for day in days]), np.stack([day["said"] for day in days])


def labels(folder: Path) -> FloatArray:
    """Return what became of the rows of the days whose truth has come, 0 or 1: (labelled days, n), from day 0 on.

    Where one day's truth is late, that of the days after it waits for it: a row's place is its day.
    """
    return np.array([np.load(file) for file in _without_gap(_by_day(folder, "failed-*.npy"))], dtype=float)


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


def _by_day(folder: Path, pattern: str) -> dict[int, Path]:
    """Return the files of a folder by the day in their names."""
    return {int(file.stem.partition("-")[2]): file for file in folder.glob(pattern)}


def _without_gap(found: dict[int, Path]) -> list[Path]:
    """Return the files of days 0, 1, ... up to the first day that has none."""
    return [found[day] for day in takewhile(found.__contains__, count())]

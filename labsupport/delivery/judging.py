"""Judge exported models, by the files that would be served: on recorded deploys, with the course's prices and slices."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labsupport.arrays import FloatArray
from labsupport.delivery import gates, training
from labsupport.ml import deploy_columns
from labsupport.ml.thresholds import Prices
from labsupport.serving.session import Session

if TYPE_CHECKING:
    import pandas as pd

# Those of lesson 203: an hour of a colleague who watches, against a page at night.
PRICES = Prices(alarm=60, missed=600)
SLICES = {"dependency bumps": "dependency_bump", "Fridays": "friday", "at night": "night"}
TRIES = 200


def probabilities(file: Path, records: "pd.DataFrame") -> FloatArray:
    """Return the probability that each deploy fails (n,), as the model's file says it."""
    return _asked(Session(file), _rows(records))


def slices_of(records: "pd.DataFrame") -> dict[str, NDArray[np.bool_]]:
    """Return which deploys belong to each slice (n,)."""
    seen = deploy_columns.columns(records)
    return {name: np.asarray(seen[column], dtype=bool) for name, column in SLICES.items()}


def judge(champion: Path, candidate: Path, seed: int) -> list[gates.Gate]:
    """Return the gates of a candidate's file against the champion's."""
    records = training.judged_on(seed)
    rows, sessions = _rows(records), [Session(file) for file in (champion, candidate)]
    before, after = (_asked(session, rows) for session in sessions)
    seconds = [_seconds(session, rows[:1]) for session in sessions]
    failed, slices = records["failed"].to_numpy(), slices_of(records)
    return gates.validate_model(before, after, failed, slices, PRICES, seconds=seconds, seed=seed)


def known_answer(file: Path) -> tuple[dict[str, Any], float]:
    """Return a deploy that is asked for in smoke tests, and its probability to fail by the model's file."""
    question = training.judged_on(0, 1)[list(deploy_columns.NEEDED)]
    plain = {str(name): values[0] for name, values in question.to_dict("list").items()}
    return plain, float(probabilities(file, question)[0])


def _rows(records: "pd.DataFrame") -> NDArray[np.float32]:
    seen = deploy_columns.columns(records)
    return np.column_stack([np.asarray(seen[name], dtype=np.float32) for name in deploy_columns.COLUMNS])


def _asked(session: Session, rows: NDArray[np.float32]) -> FloatArray:
    (name,) = session.inputs
    return np.asarray(session.run({name: rows})["probabilities"][:, 1], dtype=float)


def _seconds(session: Session, row: NDArray[np.float32]) -> float:
    """Return what one answer takes: the middle of many, as single ones catch what else the machine does."""
    taken = []
    for _ in range(TRIES):
        began = time.perf_counter()
        _asked(session, row)
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))

"""The steps of the retraining: a challenger from what came after the alarm, a paired judgement, and the change of champion."""

from pathlib import Path

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.drift import bills, book, gate

# The first part of the labelled rows teaches, the rest judges.
LEARN = 0.6


def train(folder: Path, since: int) -> int:
    """Train a challenger on the first part of the labelled rows from day `since`, and store it; returns how many rows."""
    columns, failed = _labelled(folder, since)
    count = round(LEARN * len(failed))
    book.save(folder / book.CHALLENGER, fit(columns[:count], failed[:count]))
    return count


def fit(columns: FloatArray, failed: FloatArray) -> dict[str, object]:
    """Return a logistic regression as plain numbers, from rows (n, k) and what became of them (n,)."""
    from labsupport.ml.logistic import LogisticRegression

    model = LogisticRegression(C=1e3).fit(columns, failed.astype(bool))
    return {"weights": model.coef_[0].tolist(), "intercept": float(model.intercept_[0]), "rows": len(failed)}


def judge(folder: Path, since: int) -> tuple[str, tuple[float, float]]:
    """Return `better`, `worse` or `unsure`, and what the challenger saves per deploy (95 % interval), on rows that neither learnt from."""
    columns, failed = _labelled(folder, since)
    count = round(LEARN * len(failed))
    champion, challenger = (
        bills.bills(book.probability(book.load(folder / name), columns[count:]), failed[count:])
        for name in (book.CHAMPION, book.CHALLENGER)
    )
    found = gate.saved(champion, challenger)
    return gate.verdict(found), found


def promote(folder: Path) -> None:
    """Make the challenger champion. Done twice, it is done once."""
    book.save(folder / book.CHAMPION, book.load(folder / book.CHALLENGER) | {"by": "retraining"})


def _labelled(folder: Path, since: int) -> tuple[FloatArray, FloatArray]:
    truth = book.labels(folder)
    columns, _ = book.rows(folder)
    rows = columns[since : len(truth)].reshape(-1, columns.shape[-1])
    return rows, np.asarray(truth[since:].ravel())

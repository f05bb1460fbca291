"""What the watch does each night: read the whole log, look for the first alarm, and weigh it as soon as labels allow.

It keeps nothing from night to night: a night that was missed is made up for by the next one.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.drift import bills, book, edetector, student
from labsupport.drift.ranks import conformal_ranks
from labsupport.ml.deploy_columns import COLUMNS

REFERENCE_DAYS = 10
# The calendar's columns are no drift: every night and every Friday would be one.
WATCHED = tuple(name for name in COLUMNS if name not in ("friday", "night"))
ENOUGH_LABELS = 1_000


@dataclass(frozen=True)
class Finding:
    """What the watch thinks of a service: `quiet`, `waiting` (for labels), `harmless`, `unknown` or `harmful`."""

    service: str
    state: str
    alarm_day: int | None
    column: str
    words: str


def watch(folder: Path, *, detector: str, level: float, windows: int, tolerance: float) -> Finding:
    """Look at the log of a service; `level`: of each t-test, or of all `windows` of the rank detector together.

    The verdict on costs (`tolerance`: euros per deploy) holds with 95 % for one night. Of many nights, one is wrong more often: let a
    gate decide what follows from it.
    """
    columns, said = book.rows(folder)
    day, column = first_alarm(columns, detector, level, windows)
    service = folder.name
    if day is None:
        return Finding(service, "quiet", None, "", f"quiet for {len(columns) - REFERENCE_DAYS} days")
    truth = book.labels(folder)
    rang = f"alarm on day {day} by {column}"
    since = truth[day:].size
    if since < ENOUGH_LABELS:
        return Finding(service, "waiting", day, column, f"{rang}; {since} labels since, waiting for {ENOUGH_LABELS}")
    paid = bills.bills(said[: len(truth)], truth)
    low, high = bills.change(paid[:day].ravel(), paid[day:].ravel())
    state = bills.verdict((low, high), tolerance)
    words = f"{rang}; since then {low:+.1f} to {high:+.1f} euros per deploy: {state}"
    return Finding(service, state, day, column, words)


def first_alarm(columns: FloatArray, detector: str, level: float, windows: int) -> tuple[int | None, str]:
    """Return the day of the first alarm, and the column that rang, from rows (days, n, k); None and "" without one."""
    known, new = columns[:REFERENCE_DAYS], columns[REFERENCE_DAYS:]
    found = []
    for place, name in enumerate(COLUMNS):
        if name not in WATCHED or not len(new):
            continue
        reference, rows = known[..., place].ravel(), new[..., place]
        if detector == "t-test":
            below = np.flatnonzero(student.p_values(reference, rows) < level)
            alarm = int(below[0]) if len(below) else None
        else:
            limit = edetector.sure_limit(windows, level, len(WATCHED))
            heights = edetector.statistic(edetector.evidence(conformal_ranks(reference, rows, seed=place)))
            alarm = edetector.first_alarm(heights, limit)
        if alarm is not None:
            found.append((alarm + REFERENCE_DAYS, name))
    return min(found, default=(None, ""))

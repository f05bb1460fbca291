"""Logs of one JSON object a line, as services, `kubectl logs` and log collectors write them."""

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labsupport.own.reading import OwnDataError, lines, read
from labsupport.own.times import column, moment, zone_of

if TYPE_CHECKING:
    import pandas as pd

# Under which of these names a line says when it was written; the first that it has counts.
TIMES = ("time", "timestamp", "@timestamp", "ts", "datetime", "date", "time_s")


def json_lines(where: str | Path | None = None, *, zone: str = "UTC", skip: bool = False) -> "pd.DataFrame":
    """Return a row for each line of a log, in the file's order: n rows.

    Columns: `time` (UTC), from the first field of `TIMES` that a line has (a number since 1970 in seconds, milliseconds,
    micro- or nanoseconds, or a text in ISO 8601; `zone`: of texts without one), and the other fields, those of nested objects
    as `outer.inner`; missing where a line lacks a field. `skip`: leave out lines that can't be read, with a warning that
    counts them, instead of raising OwnDataError with the first one's number.
    """
    import pandas as pd

    text, name = read(where, "service.jsonl")
    where_from = zone_of(zone)
    rows: list[dict[str, Any]] = []
    moments, bad = [], 0
    for number, line in lines(text):
        try:
            row = _object(line)
            key = next((key for key in TIMES if key in row), None)
            if key is None:
                raise ValueError(f"none of its fields says when: {', '.join(TIMES[:4])}, ... were looked for")
            moments.append(moment(row.pop(key), where_from))
            rows.append(row)
        except (ValueError, TypeError) as error:
            if not skip:
                raise OwnDataError(f"{name}, line {number}: one JSON object with its time was expected: {error}; got {line.strip()[:60]!r}. skip=True leaves such lines out.") from None  # fmt: skip
            bad += 1
    if not rows:
        raise OwnDataError(f"No line of {name} could be read: is it a log of JSON lines?")
    if bad:
        warnings.warn(f"{bad} lines of {name} could not be read and are left out", stacklevel=2)
    frame = pd.json_normalize(rows).drop(columns=["time"], errors="ignore")
    frame.insert(0, "time", column(moments))
    return frame


def _object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at column {error.colno}") from None
    if not isinstance(found, dict):
        raise ValueError("it is JSON, but no object")
    return found

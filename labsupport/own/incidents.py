"""A log of incidents: which symptom was seen when, what was done about it, and how long it took."""

from pathlib import Path
from typing import TYPE_CHECKING

from labsupport.own.reading import OwnDataError, csv_table, read
from labsupport.own.times import column, moment, zone_of

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("incident", "time", "symptom", "action")


def incidents(where: str | Path | None = None, *, zone: str = "UTC") -> "pd.DataFrame":
    """Return a row for each action of a CSV of incidents, by incident and time: n rows.

    The CSV has a line of names, separated by comma, semicolon or tab, with `COLUMNS`: each line says what was seen in an
    incident and what was done. An incident is over with a line that has no action; its symptom then says how it ended, such as "recovered". Columns
    of the answer: `incident` (text), `time` (UTC), `symptom`, `action`, `minutes` until the incident's next line, and `after`, its symptom. The
    last action of an incident that is still open is left out: nobody knows yet what came of it. `zone`: of times without one. Raises
    OwnDataError, with the line.
    """
    import pandas as pd

    text, name = read(where, "incidents.csv")
    names, table = csv_table(text, name)
    missing = [title for title in COLUMNS if title not in names]
    if missing:
        raise OwnDataError(f"{name}, line 1: no column {', '.join(missing)}; {', '.join(COLUMNS)} were expected; got {', '.join(names)[:120]}.")  # fmt: skip
    rows, moments, where_from = [], [], zone_of(zone)
    for line, row in table:
        try:
            moments.append(moment(row["time"], where_from))
        except ValueError as error:
            raise OwnDataError(f"{name}, line {line}: {error}.") from None
        rows.append({title: row[title].strip() for title in ("incident", "symptom", "action")})
    frame = pd.DataFrame(rows, columns=["incident", "symptom", "action"])
    frame.insert(1, "time", column(moments))
    frame = frame.sort_values(["incident", "time"], kind="stable", ignore_index=True)
    later = frame.groupby("incident").shift(-1)
    frame["minutes"] = (later.time - frame.time).dt.total_seconds() / 60
    frame["after"] = later.symptom
    known = frame[frame.action.ne("") & later.time.notna()].reset_index(drop=True)
    if known.empty:
        raise OwnDataError(f"{name} holds no action that a later line of its incident follows: what came of it is not known.")  # fmt: skip
    return known

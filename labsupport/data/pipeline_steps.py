"""The steps of the pipeline of deploys: each works for one day, in one folder, and may be run again.

The folder holds inbox/DAY.csv (what was delivered), history/DAY.csv (days on which all was well, of which the contract is
made), and what the steps write: good/DAY.csv, quarantine/DAY.jsonl, models/DAY.joblib, reports/DAY.json. Each of these
is replaced in one step, so a second run changes nothing, and one that was interrupted leaves the old file or the new one.
"""

import io
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labsupport import files
from labsupport.errors import LabsError

if TYPE_CHECKING:
    import pandas as pd

    from labsupport.data.contracts import Contract
    from labsupport.data.quality import Report

# How many days before its own a day's model learns from, and how long after midnight a run begins.
WINDOW = 14
BEGINS = timedelta(hours=3)


class RowsLost(LabsError):
    """What came and what is kept do not agree, or nothing came."""


def lay_out(folder: Path, days: "list[pd.DataFrame]", history: int = 14) -> list[str]:
    """Write days of deliveries into a new pipeline folder, the first `history` of them as good ones; return the others' names."""
    names = []
    for number, frame in enumerate(days):
        name = str(days[number]["time"].min().date()) if len(frame) else ""
        places = ("history", "good") if number < history else ("inbox",)
        for place in places:
            deliver(folder, name, frame, place)
        if number >= history:
            names.append(name)
    return names


def deliver(folder: Path, day: str, frame: "pd.DataFrame", place: str = "inbox") -> None:
    """Write one day's rows as a file of a place, in one step."""
    text = io.StringIO()
    frame.to_csv(text, index=False, lineterminator="\n")
    files.write_text(folder / place / f"{day}.csv", text.getvalue())


def rows_of(folder: Path, place: str, day: str) -> "pd.DataFrame":
    """Return a day's rows, times in UTC; only an empty field is a missing value. Raises FileNotFoundError.

    A CSV knows no types: in a column in which some value is no number, the others are numbers still.
    """
    import pandas as pd

    frame = pd.read_csv(folder / place / f"{day}.csv", keep_default_na=False, na_values=[""], encoding="utf-8")
    for name in frame.columns.difference(["deploy_id", "team", "time"]):
        if frame[name].dtype == object:
            texts = frame[name].map(lambda value: isinstance(value, str))
            numbers = pd.to_numeric(frame[name].where(texts), errors="coerce")
            frame[name] = frame[name].mask(numbers.notna(), numbers)
    frame["time"] = pd.to_datetime(frame["time"], utc=True, format="ISO8601")
    return frame


def receive(folder: Path, day: str) -> str:
    """Return the day, once its delivery is there; raises FileNotFoundError until then."""
    if not (folder / "inbox" / f"{day}.csv").exists():
        raise FileNotFoundError(f"no delivery of {day} yet")
    return day


def check(folder: Path, day: str) -> dict[str, Any]:
    """Judge a day's delivery by the contract, keep its good rows and its bad ones, and return how many there are.

    A line that is no row is a bad one. Fresh is what is fresh when the day's run is due, not by the clock: a later run comes
    to the same verdict. Raises GateClosed, with the report, for a delivery that must not go on or can't be read; it then has
    no good rows. Raises FileNotFoundError as `receive` does.
    """
    from labsupport.data.quality import GateClosed

    receive(folder, day)
    try:
        good, bad = _judged(folder, day)
    except GateClosed:
        (folder / "good" / f"{day}.csv").unlink(missing_ok=True)
        raise
    deliver(folder, day, good, "good")
    return {"day": day, "good": len(good), "bad": bad}


def learn(folder: Path, day: str) -> dict[str, Any]:
    """Learn from the good rows of the days before, and return the `model`'s file and the number of `rows`."""
    import joblib
    import pandas as pd

    from labsupport.data.dose_response import models

    days = before(day)
    frames = [rows_of(folder, "good", each) for each in days if (folder / "good" / f"{each}.csv").exists()]
    features, failed = _examples(pd.concat(frames, ignore_index=True))
    model = models()["logistic"].fit(features, failed)
    content = io.BytesIO()
    joblib.dump(model, content)
    name = f"models/{day}.joblib"
    files.write_bytes(folder / name, content.getvalue())
    return {"model": name, "rows": len(failed)}


def judge(folder: Path, day: str, learnt: dict[str, Any]) -> dict[str, Any]:
    """Let what was `learnt`, which did not see this day, decide which of its deploys to hold; write and return what that costs."""
    import joblib
    import numpy as np

    from labsupport.ml.deploy_risk import PRICES

    features, failed = _examples(rows_of(folder, "good", day))
    # A file that this pipeline wrote: joblib runs whatever a file says.
    held = joblib.load(folder / learnt["model"]).predict_proba(features)[:, 1] >= PRICES.threshold
    cost = np.where(held, PRICES.alarm, np.where(failed, PRICES.missed, 0))
    report = {
        "day": day,
        "deploys": len(failed),
        "learnt_from": learnt["rows"],
        "euros_per_deploy": round(float(cost.mean()), 2),
        "without_a_model": round(float(PRICES.missed * failed.mean()), 2),
    }
    files.write_json(folder / "reports" / f"{day}.json", report)
    return report


def audit(folder: Path, day: str) -> dict[str, int]:
    """Count what came and what is kept, from the files themselves; raises RowsLost unless every row is in one place.

    Raises LabsError for a delivery that can't be read, FileNotFoundError as `receive` does.
    """
    quarantine = folder / "quarantine" / f"{day}.jsonl"
    good = folder / "good" / f"{day}.csv"
    counts = {
        "came": _rows(folder / "inbox" / f"{receive(folder, day)}.csv"),
        "good": _rows(good) if good.exists() else 0,
        "bad": len(quarantine.read_text(encoding="utf-8").splitlines()) if quarantine.exists() else 0,
    }
    if counts["came"] <= 0 or counts["came"] != counts["good"] + counts["bad"]:
        raise RowsLost(f"{day}: {counts['came']} rows came, {counts['good']} good and {counts['bad']} bad are kept")
    return counts


def before(day: str, window: int = WINDOW) -> list[str]:
    """Return the days from which the model of a day learns, in order."""
    own = date.fromisoformat(day)
    return [str(own - timedelta(days=number)) for number in range(window, 0, -1)]


def reports(folder: Path) -> "pd.DataFrame":
    """Return the reports that there are, a row a day."""
    import pandas as pd

    return pd.DataFrame(json.loads(path.read_text()) for path in sorted((folder / "reports").glob("*.json")))


def _judged(folder: Path, day: str) -> "tuple[pd.DataFrame, int]":
    """Keep a delivery's bad rows; return its good ones, and how many are bad. Raises GateClosed."""
    import pandas as pd

    from labsupport.data.delivery import read_csv
    from labsupport.data.quality import GateClosed, gate, inspect
    from labsupport.data.quarantine import Quarantine

    quarantine, rules = Quarantine(folder / "quarantine"), _rules(folder)
    try:
        came = read_csv(folder / "inbox" / f"{day}.csv", rules.columns)
    except LabsError as error:
        quarantine.keep(day, pd.DataFrame())
        raise GateClosed(f"STOPPED: {error}") from None
    due = pd.Timestamp(day, tz="UTC") + timedelta(days=1) + BEGINS
    report = inspect(came.frame, rules, now=due)
    good, bad = report.split(came.frame)
    lines = [{"line": text, "reasons": f"line {number}: it is no row"} for number, text in came.unreadable]
    quarantine.keep(day, pd.concat([bad, pd.DataFrame(lines)], ignore_index=True) if lines else bad)
    gate(_with_lines(report, len(lines)))
    return good, len(bad) + len(lines)


def _with_lines(report: "Report", lines: int) -> "Report":
    """Return the report of a delivery of which so many lines are no rows: it stops where they are too many bad ones."""
    if int(report.bad.sum()) + lines <= report.tolerated * (report.rows + lines) or not lines:
        return report
    return replace(report, table=(*report.table, f"{lines} lines are no rows: read them in the quarantine"))


def _rules(folder: Path) -> "Contract":
    from labsupport.data.deploy_contract import contract

    return contract([rows_of(folder, "history", path.stem) for path in sorted((folder / "history").glob("*.csv"))])


def _examples(rows: "pd.DataFrame") -> Any:
    from labsupport.data.deploy_contract import training_rows
    from labsupport.ml.deploy_risk import features

    examples = training_rows([rows])
    return features(examples), examples["failed"].to_numpy(dtype=bool)


def _rows(path: Path) -> int:
    """Count what came in a file of rows: those, and the lines that are none."""
    from labsupport.data.delivery import read_csv

    found = read_csv(path, ())
    return len(found.frame) + len(found.unreadable)

"""The trials of an Experiment as a table, from the objects that the cluster keeps."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from labsupport.workflows.experiments_objects import assignments, reports_of, state_of, value_of

if TYPE_CHECKING:
    import pandas as pd

Object = dict[str, Any]


def table(trials: Iterable[Object], strategy: str = "latest") -> "pd.DataFrame":
    """Return a row a trial, by name: its settings (numbers), `state`, `value`, `reports` (how many), `begin` and `end` in seconds after the first began."""
    import pandas as pd

    rows: dict[str, Object] = {}
    for trial in sorted(trials, key=lambda one: str(one["metadata"]["name"])):
        status = trial.get("status", {})
        rows[trial["metadata"]["name"]] = {name: float(text) for name, text in assignments(trial).items()} | {
            "state": state_of(trial),
            "value": value_of(trial, strategy),
            "reports": len(reports_of(trial)),
            "begin": _seconds(status.get("startTime")),
            "end": _seconds(status.get("completionTime")),
        }
    found = pd.DataFrame.from_dict(rows, orient="index")
    found[["begin", "end"]] -= found["begin"].min()
    return found


def _seconds(text: str | None) -> float:
    return datetime.fromisoformat(text).timestamp() if text else float("nan")

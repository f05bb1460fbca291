"""The history of changes: a CSV of deploys, or `git log` where nobody kept one.

git log --date-order --numstat --format='commit%x09%H%x09%an%x09%cI%x09%s' > git.log
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labsupport.own.reading import OwnDataError, csv_table, lines, read
from labsupport.own.times import column, moment, zone_of

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "--numstat --format='commit%x09%H%x09%an%x09%cI%x09%s'"
TIMES = ("time", "timestamp", "deployed_at", "created_at", "finished_at", "date", "datetime")
OUTCOMES = ("failed", "failure", "outcome", "status", "result", "conclusion", "state", "success", "succeeded")
BAD = {
    "failed",
    "failure",
    "fail",
    "error",
    "errored",
    "rolled_back",
    "rollback",
    "reverted",
    "timed_out",
    "unsuccessful",
}
GOOD = {"success", "succeeded", "successful", "ok", "passed", "done", "deployed", "completed"}
YES, NO = {"true", "1", "yes", "y", "t"}, {"false", "0", "no", "n", "f"}
REVERT = re.compile(r'Revert "(.*)"')


def deploys(where: str | Path | None = None, *, zone: str = "UTC") -> "pd.DataFrame":
    """Return a row for each deploy of a CSV, in order of time: n rows.

    The CSV has a line of names, separated by comma, semicolon or tab. Needed are a time (one of `TIMES`; ISO 8601 or a
    number since 1970; `zone`: of those without one) and how it ended (one of `OUTCOMES`: true/false, 1/0, yes/no, or a word such
    as failed, rolled_back, success). Columns: `time` (UTC), `failed` (bool), and the others: numbers where all are, bool where
    all are true or false, else text. Deploys that have not ended (an empty outcome) are left out. Raises OwnDataError, with the line.
    """
    import pandas as pd

    text, name = read(where, "deploys.csv")
    names, table = csv_table(text, name)
    at, ended = _one_of(TIMES, names, name, "when"), _one_of(OUTCOMES, names, name, "how it ended")
    where_from = zone_of(zone)
    rows: list[dict[str, Any]] = []
    moments, failed = [], []
    for line, row in table:
        if not row[ended].strip():
            continue
        try:
            moments.append(moment(row[at], where_from))
            failed.append(_failed(row[ended], ended))
        except ValueError as error:
            raise OwnDataError(f"{name}, line {line}: {error}.") from None
        rows.append({key: value for key, value in row.items() if key not in (at, ended)})
    if not rows:
        raise OwnDataError(f"{name} has a line of names and no deploy that has ended.")
    frame = pd.DataFrame(rows).apply(_typed) if rows[0] else pd.DataFrame(index=range(len(rows)))
    frame.insert(0, "time", column(moments))
    frame.insert(1, "failed", failed)
    return frame.sort_values("time", kind="stable", ignore_index=True)


def git_log(where: str | Path | None = None) -> "pd.DataFrame":
    """Return a row for each commit of `git log` in the format of this module (`FORMAT`), in order of time: n rows.

    Columns: `time` (UTC, of the commit), `failed` (bool: a later commit reverts it, by its subject), `author`, `subject`,
    `commit`, `files_changed`, `lines_changed` (added and deleted; a binary file counts as a file without lines), and
    `author_deploys` (commits that the author made before). Reverts themselves stay in. Raises OwnDataError, with the line.
    """
    import pandas as pd

    text, name = read(where, "git.log")
    rows: list[dict[str, Any]] = []
    zone = zone_of("UTC")
    for number, line in lines(text):
        parts = line.split("\t")
        try:
            if parts[0] == "commit":
                _, commit, author, when, *subject = parts
                rows.append({"time": moment(when, zone), "author": author, "subject": "\t".join(subject), "commit": commit, "files_changed": 0, "lines_changed": 0})  # fmt: skip
            else:
                added, deleted, _ = parts
                rows[-1]["files_changed"] += 1
                rows[-1]["lines_changed"] += sum(int(count) for count in (added, deleted) if count != "-")
        except (ValueError, IndexError):
            raise OwnDataError(f"{name}, line {number}: a line of git log {FORMAT} was expected; got {line[:60]!r}.") from None  # fmt: skip
    frame = pd.DataFrame(rows)
    frame["time"] = column([row["time"] for row in rows])
    frame = frame.iloc[::-1].sort_values("time", kind="stable", ignore_index=True)
    frame["author_deploys"] = frame.groupby("author").cumcount()
    frame.insert(1, "failed", _reverted(list(frame["subject"])))
    return frame


def _reverted(subjects: list[str]) -> list[bool]:
    """Return whether a later subject reverts each: the latest one of that name before it."""
    failed = [False] * len(subjects)
    latest: dict[str, int] = {}
    for place, subject in enumerate(subjects):
        found = REVERT.fullmatch(subject)
        if found and found[1] in latest:
            failed[latest[found[1]]] = True
        latest[subject] = place
    return failed


def _one_of(wanted: tuple[str, ...], names: list[str], name: str, what: str) -> str:
    found = next((title for title in wanted if title in names), None)
    if found is None:
        raise OwnDataError(f"{name}, line 1: no column says {what}: one of {', '.join(wanted)} was expected; got {', '.join(names)[:120]}.")  # fmt: skip
    return found


def _failed(text: str, title: str) -> bool:
    word = text.strip().lower().replace(" ", "_").replace("-", "_")
    if word in BAD or word in GOOD:
        return word in BAD
    if word in YES or word in NO:
        return (word in YES) is (title in ("failed", "failure"))
    raise ValueError(f"{title} is {text!r}: true or false, or a word such as failed or success was expected")


def _typed(values: "pd.Series") -> "pd.Series":
    import pandas as pd

    words = values.str.strip().str.lower()
    if words.isin(["true", "false"]).all():
        return words == "true"
    numbers = pd.to_numeric(words.replace("", "nan"), errors="coerce")
    whole = bool((numbers.notna() | words.isin(["", "nan"])).all())
    return numbers if whole else values

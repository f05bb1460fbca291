"""Where bad rows wait: kept as they came, with their reasons, counted, and never twice."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labsupport import files
from labsupport.errors import LabsError

if TYPE_CHECKING:
    import pandas as pd

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Quarantine:
    """A folder with one file of JSON lines for each delivery that had bad rows.

    A delivery has a name that stays the same when it is run again. Keeping it again replaces what was kept, in one
    step, so a second run counts nothing twice and an interrupted one leaves the old file or the new one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, delivery: str, bad: "pd.DataFrame") -> int:
        """Keep a delivery's bad rows, with their column `reasons`, and return how many were not there before.

        No bad rows is an answer, too: what was kept of this delivery before is then removed.
        Raises LabsError for a name that can't be a file's, ValueError for rows without reasons.
        """
        path = self._path(delivery)
        if len(bad) and ("reasons" not in bad or not bad["reasons"].map(bool).all()):
            raise ValueError("each row in quarantine has a reason: Report.split() gives them")
        before = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        lines = [json.dumps(row, default=str, sort_keys=True) for row in _plain(bad)]
        if lines:
            files.write_text(path, "\n".join(lines) + "\n")
        else:
            path.unlink(missing_ok=True)
        return len(_without(lines, before))

    def rows(self) -> "pd.DataFrame":
        """Return everything that is kept, with the name of its `delivery`; raises LabsError, naming file and line, for damage."""
        import pandas as pd

        found: list[dict[str, Any]] = []
        for path in sorted(self.folder.glob("*.jsonl")):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                try:
                    found.append({"delivery": path.stem, **json.loads(line)})
                except ValueError:
                    raise LabsError(
                        f"{path.name}, line {number}, is damaged. Run the delivery {path.stem} again: it writes the file anew."
                    ) from None
        return pd.DataFrame(found) if found else pd.DataFrame(columns=["delivery", "reasons"])

    def counts(self) -> "pd.Series":
        """Return how many rows wait for each reason, most first; a row with two reasons counts for both."""
        reasons = self.rows()["reasons"].str.split("; ").explode()
        counted: pd.Series = reasons.value_counts()
        return counted

    def _path(self, delivery: str) -> Path:
        if not NAME.fullmatch(delivery):
            raise LabsError(
                f"{delivery!r} can't name a delivery: letters, digits, dots, dashes, such as deploys-2024-05-01."
            )
        return self.folder / f"{delivery}.jsonl"


def _plain(bad: "pd.DataFrame") -> list[dict[str, Any]]:
    return [{str(key): _value(value) for key, value in row.items()} for row in bad.to_dict("records")]


def _value(value: Any) -> Any:
    """Return a value as JSON can say it: a missing one as null, a time in ISO's form."""
    if value is None or value != value:
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def _without(lines: list[str], before: list[str]) -> list[str]:
    """Return the lines that were not there before, each as often as it is new."""
    from collections import Counter

    return list((Counter(lines) - Counter(before)).elements())

"""The book of a day: what happened and who did what, one line of JSON each, only added to; it outlives a kernel."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labsupport import paths

Entry = dict[str, Any]
# By whom something was done.
YOU, REFERENCE, SABOTEUR = "you", "the reference", "the saboteur"


class Book:
    """The book in a file. `write` may be called by several processes at a time: a line is added in one step."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path, self._clock = path, clock

    def begin(self, seed: int) -> None:
        """Begin a new day; the book of the day before is kept beside it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            self.path.replace(self.path.with_suffix(".before.jsonl"))
        self.write("begin", seed=seed)

    def write(self, what: str, *, at: float | None = None, **said: Any) -> Entry:
        """Add an entry; `at` (seconds since 1970) is now, if it is not given."""
        entry = {"at": round(self._clock() if at is None else at, 3), "what": what, **said}
        line = (json.dumps(entry) + "\n").encode()
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line)
        finally:
            os.close(file)
        return entry

    def entries(self) -> list[Entry]:
        """Return all entries in the order in which they were written; a line that was cut off is left out."""
        if not self.path.exists():
            return []
        found = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found


def default() -> Book:
    """Return the book of this learner's day."""
    return Book(paths.data_home() / "gameday" / "book.jsonl")


def injected(entries: list[Entry]) -> list[Entry]:
    """Return the incidents that were injected, in their order."""
    return [entry for entry in entries if entry["what"] == "incident"]


def under_way(entries: list[Entry]) -> Entry | None:
    """Return the incident that is not repaired yet, or None."""
    repaired = {entry["number"] for entry in entries if entry["what"] == "repaired"}
    return next((one for one in injected(entries) if one["number"] not in repaired), None)

"""The book of a day: what happened and who did what, one line of JSON each, only added to; it outlives a kernel."""

import errno
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labsupport import files, paths

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
        """Add an entry; `at` (seconds since 1970) is now, if it is not given. Raises LabsError where the disk is full."""
        entry = {"at": round(self._clock() if at is None else at, 3), "what": what, **said}
        line = (json.dumps(entry) + "\n").encode()
        with files.clear_disk_errors(self.path):
            file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                _append(file, line)
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


def _append(file: int, line: bytes) -> None:
    size = os.fstat(file).st_size
    # What was cut off stays a line of its own.
    if size and os.pread(file, 1, size - 1) != b"\n":
        line = b"\n" + line
    if os.write(file, line) < len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


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

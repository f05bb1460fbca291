"""The ledger of deploys: rows that are only added to, their labels, which come late, and what was declared void."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from labsupport.drift.inject import NAMES
from labsupport.ml.deploy_columns import NEEDED

# Who reports how a deploy ended.
SOURCES = ("build-1", "build-2", "build-3", "build-4")
LATE_S = 2.0
# So many of the newest rows, and labels, say how things are now.
WINDOW, LABELS, FEWEST = 120, 600, 100
# A source goes on turning labels until so much of what it turned is void.
ENOUGH = 0.9
Row = dict[str, Any]


class Ledger:
    """A folder with `rows.jsonl`, which grows, and `state.json`; one process writes it."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        """Go on with what the folder holds."""
        self._folder, self._clock, self._lock = folder, clock, threading.RLock()
        folder.mkdir(parents=True, exist_ok=True)
        self.rows: list[Row] = _whole(folder / "rows.jsonl")
        state: dict[str, Any] = {}
        if (folder / "state.json").exists():
            state = json.loads((folder / "state.json").read_text())
        self.world_now: str = state.get("world", "none")
        self._since: int = state.get("reference", 0)
        self._void: set[int] = set(state.get("void", []))
        self._turned: set[int] = set(state.get("turned", []))
        self._turning: str = state.get("turning", "")
        self._saved, self._open = len(self.rows), len(self.rows)
        self._reference: dict[str, list[float]] | None = state.get("learnt")

    def world(self, kind: str) -> str:
        """Let the deploys come from another world (a name of labsupport.drift.inject) from now on."""
        if kind not in NAMES:
            raise ValueError(f"the world is one of {', '.join(NAMES)}; got {kind!r}")
        self.world_now = kind
        return kind

    def backfill(self, source: str, rows: int) -> int:
        """Deliver labels of one source again for the newest rows, turned over; returns how many.

        The source turns over all it delivers from now on, until what it turned is void.
        """
        if source not in SOURCES:
            raise ValueError(f"the sources are {', '.join(SOURCES)}; got {source!r}")
        _require_some(rows)
        with self._lock:
            chosen = {row["id"] for row in self._labelled()[-rows:] if row["source"] == source}
            self._turned |= chosen
            self._turning = source
        return len(chosen)

    def reference(self, columns: dict[str, list[float]], since: int = 0) -> int:
        """Compare what is sent with these values (what the model that answers learnt from) from now on; returns how many."""
        if type(columns) is not dict or sorted(columns) != sorted(NEEDED):
            raise ValueError(f"the reference has the columns {', '.join(NEEDED)}")
        if not all(map(_numbers, columns.values())) or len({len(values) for values in columns.values()}) > 1:
            raise ValueError("each column of the reference is a list of finite numbers, at least one, all as many")
        if type(since) is not int:
            raise ValueError(f"`since` is a whole number of seconds; got {since!r}")
        self._reference, self._since = columns, since
        return len(next(iter(columns.values())))

    def quarantine(self, ids: list[int]) -> int:
        """Declare rows void, by their ids: nothing is learnt or concluded from them any more; returns how many are void now.

        Whoever is told nearly all rows that it turned mends its labels.
        """
        with self._lock:
            self._void |= {int(one) for one in ids} & {row["id"] for row in self.rows}
            if len(self._turned & self._void) >= ENOUGH * len(self._turned):
                self._turning = ""
        return len(self._void)

    def turned(self) -> dict[str, int]:
        """Return how many rows have a label that was turned over, how many of those are void, and how many good ones are."""
        with self._lock:
            found = self._turned & self._void
            return {"turned": len(self._turned), "void": len(found), "good_void": len(self._void - found)}

    def write(self, row: Row, failed: bool) -> list[Row]:
        """Add a row; returns the rows whose label has come meanwhile."""
        with self._lock:
            self.rows.append({"id": len(self.rows), "at": round(self._clock(), 3), **row, "failed": failed})
            begin = self._open
            while self._open < len(self.rows) and self.rows[self._open]["at"] <= self._clock() - LATE_S:
                if self.rows[self._open]["source"] == self._turning:
                    self._turned.add(self._open)
                self._open += 1
            return self.rows[begin : self._open]

    def shown(self, last: int, since: float | None = None) -> list[Row]:
        """Return the newest rows, or those since a time, as others may see them: a label that has not come is null, a void row says so."""
        if since is None:
            _require_some(last)
        with self._lock:
            chosen = self.rows[-last:] if since is None else [row for row in self.rows if row["at"] >= since]
            return [self._seen(row) for row in chosen]

    def save(self) -> None:
        """Write what is new."""
        with self._lock:
            fresh = self.rows[self._saved :]
            state = {"world": self.world_now, "reference": self._since, "void": sorted(self._void),
                     "turned": sorted(self._turned), "turning": self._turning, "learnt": self._reference}  # fmt: skip
        with (self._folder / "rows.jsonl").open("a") as file:
            file.writelines(json.dumps(row) + "\n" for row in fresh)
        self._saved += len(fresh)
        part = self._folder / "state.part"
        part.write_text(json.dumps(state))
        part.replace(self._folder / "state.json")

    def psi(self) -> dict[str, float]:
        """Return how far each column that was sent of late lies from the reference; empty without one, or with few rows."""
        from labsupport.drift.psi import psi

        sent = [row["sent"] for row in self.rows[-WINDOW:]]
        if self._reference is None or len(sent) < FEWEST:
            return {}
        numbers = ("lines_changed", "files_changed", "author_deploys", "tests_failed_before", "coverage")
        return {name: float(psi(self._reference[name], [[float(one[name]) for one in sent]])[0]) for name in numbers}

    def hold_share(self) -> float:
        """Return the share of the newest answers that say hold; 0 without any."""
        return _share(row["hold"] for row in self.rows[-WINDOW:] if row["hold"] is not None)

    def failed_share(self) -> float:
        """Return the share of the newest labels, of rows that are not void, that say failed; 0 with few."""
        with self._lock:
            valid = [row for row in self._labelled()[-LABELS:] if row["id"] not in self._void]
        return _share(self._label(row) for row in valid) if len(valid) >= FEWEST else 0.0

    def _labelled(self) -> list[Row]:
        return self.rows[: self._open]

    def _label(self, row: Row) -> bool:
        return bool(row["failed"]) != (row["id"] in self._turned)

    def _seen(self, row: Row) -> Row:
        label = self._label(row) if row["id"] < self._open else None
        return row | {"failed": label, "void": row["id"] in self._void}


def _whole(path: Path) -> list[Row]:
    """Return the rows of a file, if it is there, and cut off the half line that a killed process may have left at its end."""
    if not path.exists():
        return []
    held = path.read_bytes()
    whole = held[: held.rfind(b"\n") + 1]
    os.truncate(path, len(whole))
    return [json.loads(line) for line in whole.splitlines()]


def _numbers(values: Any) -> bool:
    # No NaN, and no whole number that is too large for a float, of which JSON may hold both.
    return (
        type(values) is list
        and bool(values)
        and all(type(one) in (int, float) and abs(one) <= sys.float_info.max for one in values)
    )


def _require_some(rows: int) -> None:
    if type(rows) is not int or rows < 1:
        raise ValueError(f"the number of rows is a whole number above 0; got {rows!r}")


def _share(values: Iterable[Any]) -> float:
    found = [bool(value) for value in values]
    return sum(found) / len(found) if found else 0.0

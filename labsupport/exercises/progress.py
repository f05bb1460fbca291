"""The learner's progress: one JSON file, safe against two kernels writing at once and a kill at any moment."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labsupport import paths

Entry = dict[str, Any]


def path() -> Path:
    """Return the progress file."""
    return paths.data_home() / "progress.json"


def read(file: Path | None = None) -> dict[str, Entry]:
    """Return what is known of each exercise: outcome, attempts, hints, solution_shown, passed_at.

    Raises ValueError when the file is damaged.
    """
    file = file or path()
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    exercises = known.get("exercises") if isinstance(known, dict) else None
    if not isinstance(exercises, dict) or not all(map(_is_entry, exercises.values())):
        raise ValueError(f"{file} is not a progress file: expected an object with `exercises`")
    return exercises


def record_outcome(key: str, outcome: str) -> str | None:
    """Count an attempt and keep its outcome; returns a sentence when it could not be stored."""

    def change(entry: Entry) -> None:
        entry["attempts"] = entry.get("attempts", 0) + 1
        entry["outcome"] = outcome
        if outcome == "PASS":
            entry.setdefault("passed_at", datetime.now(UTC).isoformat(timespec="seconds"))

    return _update(key, change)


def record_solution_shown(key: str) -> str | None:
    """Remember that the reference answer was shown."""
    return _update(key, lambda entry: entry.update(solution_shown=True))


def record_hint(key: str) -> str | None:
    """Count a hint."""
    return _update(key, lambda entry: entry.update(hints=entry.get("hints", 0) + 1))


def hints_seen(key: str) -> int:
    """Return how many hints of an exercise were shown."""
    try:
        return int(read().get(key, {}).get("hints", 0))
    except (OSError, ValueError):
        return 0


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and all(isinstance(entry.get(name, 0), int) for name in ("attempts", "hints"))


def _update(key: str, change: Callable[[Entry], None]) -> str | None:
    from filelock import FileLock, Timeout

    from labsupport import files
    from labsupport.errors import LabsError

    file = path()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock"), timeout=5):
            note = None
            try:
                exercises = read(file)
            except ValueError:
                aside = file.with_name(f"progress.damaged-{datetime.now():%Y%m%d-%H%M%S-%f}.json")
                file.rename(aside)
                exercises, note = (
                    {},
                    f"Your progress file was damaged; it is kept as {aside.name}, and a new one begins.",
                )
            change(exercises.setdefault(key, {}))
            files.write_json(file, {"format": 1, "exercises": exercises})
            return note
    except Timeout:
        return "Your progress was not stored: another program holds its file. Check again to store it."
    except LabsError as error:
        return f"Your progress was not stored: {error}"
    except OSError as error:
        return (
            f"Your progress was not stored: {error.strerror} ({file.name}). Set LABS_HOME to a folder you may write to."
        )

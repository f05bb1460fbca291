"""The learner's progress: one JSON file, safe against two kernels writing at once and a kill at any moment."""

import contextlib
import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labsupport import paths

Entry = dict[str, Any]

# How many hints were shown where the file can't be written.
_not_stored: dict[str, int] = {}


def path() -> Path:
    """Return the progress file."""
    return paths.data_home() / "progress.json"


def read(file: Path | None = None) -> dict[str, Entry]:
    """Return what is known of each exercise (outcome, attempts, hints, solution_shown, passed_at) and guess (guess, truth).

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
    """Keep the outcome of the last answer and count it; returns a sentence when it could not be stored.

    NOT YET is no answer: it is kept only where there was none before. `passed_at` stays, whatever comes after it.
    """

    def change(entry: Entry) -> None:
        if outcome == "NOT YET":
            entry.setdefault("outcome", outcome)
            return
        entry["attempts"] = entry.get("attempts", 0) + 1
        entry["outcome"] = outcome
        if outcome == "PASS":
            entry.setdefault("passed_at", _now())

    return _update(key, change)


def record_guess(key: str, guess: float | list[float], unseen: bool = False) -> tuple[Entry, str | None]:
    """Keep a first guess: a probability, or [low, high]. One that was made before stays.

    After the truth none is kept, unless the learner says that it was shown `unseen`.

    Returns what is known now, and a sentence when it could not be stored.
    """

    def change(entry: Entry) -> None:
        _forget_another_question(entry, isinstance(guess, list))
        if "guess" not in entry and ("truth" not in entry or unseen):
            entry.update(guess=guess, guessed_at=_now())

    return _updated(key, change)


def record_truth(key: str, truth: bool | float) -> tuple[Entry, str | None]:
    """Remember that the truth about a guess was shown, and which it was; returns as `record_guess` does.

    The guess that was made before the first truth is scored by that truth.
    """

    def change(entry: Entry) -> None:
        _forget_another_question(entry, not isinstance(truth, bool))
        if "truth" not in entry:
            entry.update(truth=truth, revealed_at=_now())

    return _updated(key, change)


def record_solution_shown(key: str) -> str | None:
    """Remember that the reference answer was shown."""
    return _update(key, lambda entry: entry.update(solution_shown=True))


def record_hint(key: str) -> str | None:
    """Count a hint; where it can't be stored, it is remembered until the kernel ends."""
    seen = hints_seen(key)
    if note := _update(key, lambda entry: entry.update(hints=entry.get("hints", 0) + 1)):
        _not_stored[key] = seen + 1
    return note


def hints_seen(key: str) -> int:
    """Return how many hints of an exercise were shown."""
    try:
        stored = int(read().get(key, {}).get("hints", 0))
    except (OSError, ValueError):
        stored = 0
    return max(stored, _not_stored.get(key, 0))


def _forget_another_question(entry: Entry, wants_number: bool) -> None:
    """Drop a guess and a truth of the other kind: an earlier version of the course asked something else under this key."""
    of_number = [isinstance(entry["guess"], list)] if "guess" in entry else []
    of_number += [not isinstance(entry["truth"], bool)] if "truth" in entry else []
    if (not wants_number) in of_number:
        for name in ("guess", "guessed_at", "truth", "revealed_at"):
            entry.pop(name, None)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    guess = entry.get("guess", 0.0)
    ends = guess if isinstance(guess, list) else [guess]
    return (
        all(isinstance(entry.get(name, 0), int) for name in ("attempts", "hints"))
        and len(ends) == (2 if isinstance(guess, list) else 1)
        and all(map(_is_number, [*ends, entry.get("truth", 0.0)]))
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _updated(key: str, change: Callable[[Entry], None]) -> tuple[Entry, str | None]:
    known: Entry = {}

    def change_and_tell(entry: Entry) -> None:
        change(entry)
        known.update(entry)

    note = _update(key, change_and_tell)
    if not known:  # The file could not be had: what would be known then.
        with contextlib.suppress(OSError, ValueError):
            known.update(read().get(key, {}))
        change(known)
    return known, note


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
                aside = files.free_name(file.with_name(f"progress.damaged-{files.stamp()}.json"))
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

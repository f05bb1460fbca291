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

_OF_GUESS = ("guess", "guessed_at", "truth", "revealed_at")
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
        return _parsed(file.read_bytes(), str(file))
    except FileNotFoundError:
        return {}


def merge(content: bytes) -> tuple[bool, str | None]:
    """Add what another progress file knows to one's own, which loses nothing.

    Of an exercise the earliest pass, the larger counts and the outcome of who tried more often stay; of a guess the first one,
    with the truth that it was scored by.

    Returns whether something was new, and a sentence when one's own file was damaged. Raises ValueError when the content is
    no progress file, LabsError or OSError when nothing could be stored.
    """
    from filelock import Timeout

    from labsupport.errors import LabsError

    other = _parsed(content, "it")
    is_new = False

    def change(exercises: dict[str, Entry]) -> None:
        nonlocal is_new
        merged = {key: _merged(exercises.get(key, {}), other.get(key, {})) for key in exercises | other}
        is_new = merged != exercises
        exercises.update(merged)

    try:
        note = _change(change)
    except Timeout:
        raise LabsError(f"{path()} is held by another program. Repeat this.") from None
    return is_new, note


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
    if (not wants_number) in _asks_for_number(entry):
        for name in _OF_GUESS:
            entry.pop(name, None)


def _asks_for_number(entry: Entry) -> set[bool]:
    """Return whether its guess and its truth are about a number, or about a sentence."""
    asks = {isinstance(entry["guess"], list)} if "guess" in entry else set()
    return asks | ({not isinstance(entry["truth"], bool)} if "truth" in entry else set())


def _merged(mine: Entry, other: Entry) -> Entry:
    """Return what two files know of one exercise or guess."""
    more, less = (other, mine) if _tries(other) > _tries(mine) else (mine, other)
    merged = {name: value for name, value in (less | more).items() if name not in _OF_GUESS}
    for name in ("attempts", "hints", "solution_shown"):
        if name in merged:
            merged[name] = max(mine.get(name, 0), other.get(name, 0))
    if "passed_at" in merged:
        merged["passed_at"] = min(entry["passed_at"] for entry in (mine, other) if "passed_at" in entry)
    return merged | _merged_guess(mine, other)


def _tries(entry: Entry) -> tuple[int, bool]:
    """Order entries by what was tried; NOT YET is no answer."""
    return entry.get("attempts", 0), entry.get("outcome", "NOT YET") != "NOT YET"


def _merged_guess(mine: Entry, other: Entry) -> Entry:
    known = [{name: entry[name] for name in _OF_GUESS if name in entry} for entry in (mine, other)]
    if len(_asks_for_number(mine) | _asks_for_number(other)) > 1:
        # Versions of the course asked different things under this key: the later one is asked now.
        return max(known, key=lambda entry: max(entry.get("guessed_at", ""), entry.get("revealed_at", "")))
    # Two truths may differ, by the seed say: a guess keeps its own.
    first, second = sorted(
        known, key=lambda entry: ("guess" not in entry, entry.get("guessed_at") or entry.get("revealed_at", ""))
    )
    if "truth" in first:
        return first
    return first | {name: second[name] for name in ("truth", "revealed_at") if name in second}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _parsed(content: bytes, name: str) -> dict[str, Entry]:
    known = json.loads(content.decode())
    exercises = known.get("exercises") if isinstance(known, dict) else None
    if not isinstance(exercises, dict) or not all(map(_is_entry, exercises.values())):
        raise ValueError(f"{name} is not a progress file: expected an object with `exercises`")
    return exercises


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    guess = entry.get("guess", 0.0)
    ends = guess if isinstance(guess, list) else [guess]
    return (
        all(isinstance(entry.get(name, 0), int) for name in ("attempts", "hints", "solution_shown"))
        and all(isinstance(entry.get(name, ""), str) for name in ("passed_at", "guessed_at", "revealed_at"))
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
    from filelock import Timeout

    from labsupport.errors import LabsError

    try:
        return _change(lambda exercises: change(exercises.setdefault(key, {})))
    except Timeout:
        return "Your progress was not stored: another program holds its file. Check again to store it."
    except LabsError as error:
        return f"Your progress was not stored: {error}"
    except OSError as error:
        return f"Your progress was not stored: {error.strerror} ({path().name}). Set LABS_HOME to a folder you may write to."


def _change(change: Callable[[dict[str, Entry]], None]) -> str | None:
    """Change what is known, under the file's lock; return a sentence when the file was damaged.

    Raises filelock.Timeout, LabsError or OSError when nothing could be stored.
    """
    from filelock import FileLock

    from labsupport import files

    file = path()
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_suffix(".lock"), timeout=5):
        note = None
        try:
            exercises = read(file)
        except ValueError:
            aside = files.free_name(file.with_name(f"progress.damaged-{files.stamp()}.json"))
            file.rename(aside)
            exercises, note = {}, f"Your progress file was damaged; it is kept as {aside.name}, and a new one begins."
        change(exercises)
        files.write_json(file, {"format": 1, "exercises": exercises})
        return note

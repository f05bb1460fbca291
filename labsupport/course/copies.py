"""The learner's copies in work/: made without ever overwriting, reset with a backup."""

from datetime import datetime
from pathlib import Path

from labsupport import files, paths
from labsupport.course import archive, source
from labsupport.errors import LabsError


def start(numbers: list[str] | None = None) -> list[Path]:
    """Copy the lessons named (all when none is named) to work/ where no copy is yet; return the new copies."""
    made = []
    for original in _originals(numbers):
        copy = paths.work() / original.name
        if copy.exists():
            continue
        with files.clear_disk_errors(copy):
            copy.parent.mkdir(parents=True, exist_ok=True)
            files.write_text(copy, original.read_text(encoding="utf-8"))
        made.append(copy)
    return made


def reset(number: str) -> tuple[Path, Path | None]:
    """Give a fresh copy of a lesson; return it and the dated backup of the old one (None when there was none)."""
    (original,) = _originals([number])
    copy = paths.work() / original.name
    fresh = original.read_text(encoding="utf-8")
    if not copy.exists():
        files.write_text(copy, fresh)
        return copy, None
    backup = archive.free_name(copy.with_name(f"{copy.stem}.{datetime.now():%Y-%m-%d-%H%M%S}.ipynb"))
    with files.clear_disk_errors(copy):
        copy.rename(backup)
        try:
            files.write_text(copy, fresh)
        except BaseException:
            # A disk that is full, say: the learner's work has its name back.
            backup.rename(copy)
            raise
    return copy, backup


def outdated() -> list[str]:
    """Return the names of the copies whose original has changed since they were made."""
    names = []
    for original in _originals(None):
        copy = paths.work() / original.name
        if not copy.exists():
            continue
        try:
            labs = files.read_notebook(copy).metadata.get("labs", {})
        except LabsError:
            names.append(copy.name)
            continue
        if labs.get("source_hash") != files.read_notebook(original).metadata.labs.source_hash:
            names.append(copy.name)
    return names


def outdated_text() -> str:
    """Say which copies have newer originals; works also where no course folder is."""
    try:
        names = outdated()
    except LabsError:
        return "This copy stands alone: there is no course folder to compare it with."
    if not names:
        return "All your copies are made from the newest originals."
    return f"Newer originals exist of {', '.join(names)}: `labs reset NNN` gives a fresh copy and keeps yours."


def _originals(numbers: list[str] | None) -> list[Path]:
    found = [paths.notebooks() / f"{path.stem}.ipynb" for path in source.select(numbers)]
    missing = [path.name for path in found if not path.exists()]
    if missing:
        raise LabsError(f"{', '.join(missing)} is not built yet: run `labs build {missing[0][:3]}`.")
    return found

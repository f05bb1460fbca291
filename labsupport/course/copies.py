"""The learner's copies in work/: made without ever overwriting, reset with a backup, packed for another machine."""

import shutil
import zipfile
import zlib
from datetime import datetime
from pathlib import Path

from labsupport import files, paths
from labsupport.course import source
from labsupport.errors import LabsError
from labsupport.exercises import progress

PROGRESS = "progress.json"


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
    backup = None
    if copy.exists():
        backup = _free(copy.with_name(f"{copy.stem}.{datetime.now():%Y-%m-%d-%H%M%S}.ipynb"))
        copy.rename(backup)
    files.write_text(copy, original.read_text(encoding="utf-8"))
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


def save(archive: Path) -> int:
    """Pack work/ and the progress into a zip file; return the number of files. An existing file is not overwritten."""
    if archive.exists():
        raise LabsError(f"{archive} exists already. Choose another name: labs save {archive.stem}-2{archive.suffix}")
    packed = {path.relative_to(paths.work()): path for path in sorted(paths.work().rglob("*")) if path.is_file()}
    packed = {name: path for name, path in packed.items() if ".ipynb_checkpoints" not in name.parts}
    if not packed and not progress.path().exists():
        raise LabsError("There is nothing to save yet: no copies in work/ and no progress.")
    partial = archive.with_name(f".{archive.name}.partial")
    try:
        with files.clear_disk_errors(archive):
            archive.parent.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as zipped:
                for name, path in packed.items():
                    zipped.write(path, f"work/{name}")
                if progress.path().exists():
                    zipped.write(progress.path(), PROGRESS)
            partial.replace(archive)
    finally:
        partial.unlink(missing_ok=True)
    return len(packed)


def restore(archive: Path) -> tuple[list[Path], list[Path]]:
    """Unpack what `save` packed; return the restored files and the backups made of files that differed.

    Raises LabsError when the archive is missing, damaged, or not one of ours; nothing is changed then.
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            contents = {name: zipped.read(name) for name in zipped.namelist() if not name.endswith("/")}
    except FileNotFoundError:
        raise LabsError(f"There is no file {archive}. `labs save` makes one.") from None
    except (zipfile.BadZipFile, OSError, zlib.error, RuntimeError) as error:  # RuntimeError: it is encrypted
        raise LabsError(f"{archive} is not an archive of `labs save` ({error}).") from None
    targets = {name: _target(name, archive) for name in contents}
    restored, backups = [], []
    stamp = f"{datetime.now():%Y-%m-%d-%H%M%S}"
    for name, content in contents.items():
        path = targets[name]
        if path.exists() and path.read_bytes() == content:
            continue
        with files.clear_disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                backup = _free(path.with_name(f"{path.stem}.{stamp}{path.suffix}"))
                shutil.copy2(path, backup)
                backups.append(backup)
            partial = path.with_name(f".{path.name}.partial")
            partial.write_bytes(content)
            partial.replace(path)
        restored.append(path)
    return restored, backups


def _originals(numbers: list[str] | None) -> list[Path]:
    found = [paths.notebooks() / f"{path.stem}.ipynb" for path in source.select(numbers)]
    missing = [path.name for path in found if not path.exists()]
    if missing:
        raise LabsError(f"{', '.join(missing)} is not built yet: run `labs build {missing[0][:3]}`.")
    return found


def _target(name: str, archive: Path) -> Path:
    if name == PROGRESS:
        return progress.path()
    path = (paths.course_root() / name).resolve()
    if not name.startswith("work/") or paths.work().resolve() not in path.parents:
        raise LabsError(f"{archive} is not an archive of `labs save`: it holds {name!r}. Nothing was changed.")
    return path


def _free(path: Path) -> Path:
    candidate, number = path, 2
    while candidate.exists():
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return candidate

"""The learner's work and progress in a zip file: all that can be packed is, and what can't is named."""

import contextlib
import errno
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from labsupport import files, paths
from labsupport.errors import LabsError
from labsupport.exercises import progress

PROGRESS = "progress.json"
# The comment that ends each archive, by which the next `save` leaves it out.
_MARK = b"made by `labs save`"
_CHUNK = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT)
# Where a file lies is at fault, not where the archive lies.
_UNREADABLE = (errno.EIO, errno.ESTALE)

Report = Callable[[str], None]


def save(archive: Path, report: Report = print) -> tuple[int, bool]:
    """Pack work/ and the progress into a zip file; return the number of files, and whether the progress is among them.

    An existing file is not overwritten. Earlier archives that lie in work/ are not packed.

    `report` is told each thing in work/ that is left out, and why: what may not be read, links to folders, names that are
    not text. A link to a file is packed as that file; dates that zip can't hold (before 1980, after 2107) are moved there.
    """
    found = {f"work/{path.relative_to(paths.work())}": path for path in _below(paths.work(), report)}
    packed = {name: path for name, path in found.items() if _can_be_packed(path, report) and not _is_archive(path)}
    if not packed and not progress.path().exists():
        raise LabsError("There is nothing to save yet: no copies in work/ and no progress.")
    if progress.path().exists() and _can_be_packed(progress.path(), report):
        packed[PROGRESS] = progress.path()
    with files.clear_disk_errors(archive):
        if archive.exists():
            raise LabsError(f"{archive} exists already. Choose another name: labs save {files.free_name(archive)}")
        archive.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(archive, 0o644) as stream:
            _pack(packed, stream, report)
    return len(packed.keys() - {PROGRESS}), PROGRESS in packed


def restore(archive: Path, report: Report = print) -> tuple[list[Path], list[Path]]:
    """Unpack what `save` packed; return the restored files and the backups made of files that differed.

    Progress is merged; it is among the restored files when the archive's knew more. `report` is told what could not be
    restored, and why. Raises LabsError when the archive is missing, damaged, or not one of ours; nothing is changed then.
    """
    with _opened(archive) as zipped:
        members = {name: info for name, info in zipped.NameToInfo.items() if not info.is_dir()}
        targets = {name: _target(name, archive) for name in members}
        different = [name for name, path in targets.items() if not _is_the_same(zipped, name, path)]
        restored: list[Path] = []
        backups: list[Path] = []
        stamp = files.stamp()
        for name in different:
            try:
                if name == PROGRESS:
                    restored += _merge_progress(zipped.read(name), archive, report)
                    continue
                backups += _unpack(zipped, name, targets[name], stamp)
                restored.append(targets[name])
            except OSError as error:
                if error.errno in _FULL:
                    raise LabsError(
                        f"The disk is full: {targets[name]} could not be written, what was there is kept. "
                        "Free some space and repeat."
                    ) from None
                report(f"{targets[name]} could not be written: {error.strerror}.")
    return restored, backups


def _below(folder: Path, report: Report) -> Iterator[Path]:
    """Yield all below a folder that is no folder itself, in order."""

    def unreadable(error: OSError) -> None:
        if error.filename and Path(error.filename) != folder:
            report(f"{_shown(Path(error.filename))} is left out: {error.strerror}.")

    for place, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if name != ".ipynb_checkpoints")
        for name in sorted(folders):
            if (Path(place) / name).is_symlink():
                report(f"{_shown(Path(place) / name)} is left out: it is a link to a folder.")
        for name in sorted(names):
            yield Path(place) / name


def _can_be_packed(path: Path, report: Report) -> bool:
    try:
        str(path).encode()
        if not stat.S_ISREG(path.stat().st_mode):
            raise LabsError("it is not a file")
        path.open("rb").close()
        return True
    except UnicodeEncodeError:
        reason = "its name is not text (UTF-8); give it another one"
    except FileNotFoundError:
        reason = "it is a link to what is not there"
    except LabsError as error:
        reason = str(error)
    except OSError as error:
        reason = str(error.strerror)
    report(f"{_shown(path)} is left out: {reason}.")
    return False


def _is_archive(path: Path) -> bool:
    end = len(_MARK).to_bytes(2, "little") + _MARK
    try:
        with path.open("rb") as stream:
            stream.seek(-len(end), os.SEEK_END)
            return stream.read() == end
    except OSError:
        # Shorter than that.
        return False


def _pack(packed: dict[str, Path], stream: BinaryIO, report: Report) -> None:
    """Write the archive; a file that turns out to be unreadable half-way is taken out, and the archive begun again."""
    while True:
        stream.seek(0)
        stream.truncate()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as zipped:
            zipped.comment = _MARK
            for name, path in list(packed.items()):
                try:
                    zipped.write(path, name)
                except FileNotFoundError:
                    # Deleted since it was found; nothing of it was written.
                    report(f"{_shown(path)} is left out: it was deleted meanwhile.")
                    del packed[name]
                except OSError as error:
                    if error.errno not in _UNREADABLE:
                        raise
                    report(f"{_shown(path)} is left out: {error.strerror}.")
                    del packed[name]
                    break
            else:
                return


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive of which every byte has been read and checked."""
    try:
        zipped = zipfile.ZipFile(archive)
        damaged = zipped.testzip()
        if damaged:
            raise zipfile.BadZipFile(f"{damaged} is damaged")
    except FileNotFoundError:
        raise LabsError(f"There is no file {archive}. `labs save` makes one.") from None
    # RuntimeError: it is encrypted, or packed in a way that this Python does not know. ValueError: an impossible date.
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error, RuntimeError, ValueError) as error:
        raise LabsError(f"{archive} is not an archive of `labs save` ({error}).") from None
    with zipped:
        yield zipped


def _is_the_same(zipped: zipfile.ZipFile, name: str, path: Path) -> bool:
    try:
        if not path.is_file() or path.stat().st_size != zipped.getinfo(name).file_size:
            return False
        with zipped.open(name) as packed, path.open("rb") as there:
            while chunk := packed.read(_CHUNK):
                if there.read(len(chunk)) != chunk:
                    return False
        return True
    except OSError:
        return False


def _unpack(zipped: zipfile.ZipFile, name: str, path: Path, stamp: str) -> list[Path]:
    """Write one file in one step and return the backup of what was there; a link there is replaced, not followed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    backups: list[Path] = []
    with files.replacing(path, 0o644) as written:
        with zipped.open(name) as packed:
            shutil.copyfileobj(packed, written, _CHUNK)
        if path.is_file():
            backup = files.free_name(path.with_name(f"{path.stem}.{stamp}{path.suffix}"))
            shutil.copy2(path, backup)
            backups.append(backup)
    return backups


def _merge_progress(content: bytes, archive: Path, report: Report) -> list[Path]:
    """Merge an archive's progress into one's own; return the progress file when that brought something new."""
    try:
        is_new, note = progress.merge(content)
    except ValueError as error:
        report(f"The progress in {archive} is left out: {error}.")
        return []
    except LabsError as error:
        report(str(error))
        return []
    if note:
        report(note)
    return [progress.path()] if is_new else []


def _target(name: str, archive: Path) -> Path:
    if name == PROGRESS:
        return progress.path()
    parts = PurePosixPath(name).parts
    path = paths.course_root() / name
    # The folder's links are followed, which could lead elsewhere; the file itself may be a link, which is replaced.
    inside = path.parent.resolve().is_relative_to(paths.work().resolve())
    if len(parts) < 2 or parts[0] != "work" or ".." in parts or not inside:
        raise LabsError(f"{archive} is not an archive of `labs save`: it holds {name!r}. Nothing was changed.")
    return path


def _shown(path: Path) -> str:
    """Return a path for people, whatever bytes its name is made of."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")

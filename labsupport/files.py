"""Write files whole: an interrupted run, a full disk or a second process leaves the old one or the new one."""

import contextlib
import errno
import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from labsupport.errors import LabsError

if TYPE_CHECKING:
    from nbformat import NotebookNode


def write_text(path: Path, text: str) -> None:
    """Replace a file's content in one step."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file's content in one step."""
    with clear_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, 0o644) as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())


def write_private(path: Path, content: bytes) -> None:
    """Replace a file that only its owner may read, in one step. Raises OSError; a power cut may take the new content."""
    with replacing(path, 0o600) as stream:
        stream.write(content)


@contextlib.contextmanager
def replacing(path: Path, mode: int) -> Iterator[BinaryIO]:
    """Yield the stream of a file that takes the place of `path`, with this mode, when the block ends without an error."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink(missing_ok=True)
        raise


def remove_folder(folder: Path) -> None:
    """Delete a folder, also where something in it may not be written; what can't be deleted stays.

    Of a link to a folder only the link goes.
    """
    if folder.is_symlink():
        with contextlib.suppress(OSError):
            folder.unlink()
        return
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        return
    # From the top: a folder is opened before it is entered.
    for place, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            Path(place).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def stamp() -> str:
    """Return this moment as names of files say it: 2026-11-28-093005."""
    return f"{datetime.now():%Y-%m-%d-%H%M%S}"


def free_name(path: Path) -> Path:
    """Return the path, or one beside it with a number when something has that name."""
    candidate, number = path, 2
    while os.path.lexists(candidate):
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return candidate


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file in one step."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """Return a value as JSON with its keys sorted, so that a rebuild writes the same bytes."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read_json(path: Path, mend: str) -> Any:
    """Read a JSON file; raise LabsError with what mends it when it is damaged, FileNotFoundError when it is missing."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LabsError(f"{path} is damaged ({error}). {mend}") from None


def write_notebook(path: Path, notebook: "NotebookNode") -> None:
    """Replace a notebook in one step."""
    # Not above: a learner's first check writes progress through this module and need not wait for nbformat.
    import nbformat

    write_text(path, nbformat.writes(notebook) + "\n")


def read_notebook(path: Path, mend: str = "") -> "NotebookNode":
    """Read a notebook; raise LabsError, with what mends it, when it is missing or damaged."""
    import nbformat

    try:
        notebook: NotebookNode = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except FileNotFoundError:
        raise LabsError(f"There is no notebook {path}. {mend}".rstrip()) from None
    except Exception as error:
        first = (str(error).splitlines() or ["unreadable"])[0]
        raise LabsError(f"{path} is not a notebook any more ({first}). {mend}".rstrip()) from None
    return notebook


def from_git(path: Path) -> str:
    """Say how a file of the course comes back as it was committed, in the midst of a merge, too."""
    return f"`git checkout HEAD -- {shlex.quote(str(path))}` brings the committed one back"


@contextlib.contextmanager
def clear_disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a forbidden folder into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise LabsError(
                f"The disk is full: {path} could not be written, what was there is kept. Free some space and repeat."
            ) from None
        if error.errno == errno.EROFS:
            raise LabsError(
                f"{path} can't be written: the file system is read-only. Change into a folder that you may write, or copy the course there."
            ) from None
        if error.errno in (errno.EACCES, errno.EPERM):
            raise LabsError(
                f"{path} may not be written here ({error.strerror}). Check who owns {path.resolve().parent}."
            ) from None
        raise

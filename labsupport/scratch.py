"""Folders that live as long as a process: removed when it ends, and by the next one when it was killed and could not.

A lock in the folder says that its owner lives: the system drops it with the owner, in whatever way that ends. A folder on a
disk without locks tells nobody, and is never taken for abandoned.
"""

import atexit
import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LOCK = "owner.lock"
_PREFIX = "labs-scratch-"
# This process's own, by name.
_folders: dict[str, "Owned"] = {}


@dataclass(frozen=True)
class Owned:
    """A folder and the descriptor of its lock; a process that inherits the descriptor owns the folder, too."""

    folder: Path
    lock: int | None

    def remove(self) -> None:
        """Delete the folder with all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.lock is not None:
            os.close(self.lock)


def folder(name: str) -> Path:
    """Return a new, empty folder, such as `folder("201")`: it goes when this process ends, or when its name is asked for again.

    What processes that were killed have left goes now.
    """
    sweep()
    if not _folders:
        atexit.register(_remove_own, os.getpid())
    if name in _folders:
        _folders.pop(name).remove()
    _folders[name] = own(_PREFIX)
    made = _folders[name].folder / name
    made.mkdir()
    return made


def sweep() -> None:
    """Remove the folders that `folder` gave to processes which were killed."""
    for left in abandoned(_PREFIX):
        left.remove()


def own(prefix: str) -> Owned:
    """Make a folder for temporary files whose name begins with `prefix`, owned by this process until it is removed."""
    made = Path(tempfile.mkdtemp(prefix=prefix))
    # The lock gets its name when it is held: what has the name and is not held is abandoned.
    lock = _take(made / "new.lock", os.O_CREAT)
    if lock is not None:
        (made / "new.lock").replace(made / _LOCK)
    return Owned(made, lock)


@contextlib.contextmanager
def owned(prefix: str) -> Iterator[Owned]:
    """Yield a folder that is removed at the end of the block."""
    made = own(prefix)
    try:
        yield made
    finally:
        made.remove()


def abandoned(prefix: str) -> Iterator[Owned]:
    """Yield this user's folders of this prefix whose owners are gone; this process owns each from then on, and should remove it."""
    for found in sorted(Path(tempfile.gettempdir()).glob(f"{prefix}*")):
        # Not there, or removed by another process at this moment.
        with contextlib.suppress(OSError):
            lock = _take(found / _LOCK) if _is_ours(found) else None
            if lock is not None:
                yield Owned(found, lock)


def _is_ours(found: Path) -> bool:
    """Whether a name is a folder that this user made. Raises OSError."""
    # Anybody may make such a name among the temporary files, or a link, and say in it what is to be ended and deleted.
    seen = found.lstat()
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid()


def _take(file: Path, flags: int = 0) -> int | None:
    """Return a descriptor that holds a file's lock, or None when another process does, or the disk has none. Raises OSError."""
    descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _remove_own(process: int) -> None:
    # A fork inherits what was registered; the folders stay its parent's.
    if os.getpid() == process:
        for made in _folders.values():
            made.remove()
        _folders.clear()

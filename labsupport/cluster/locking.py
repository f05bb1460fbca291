"""Locks that a process holds on a file until it ends, however it ends."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from labsupport.errors import LabsError


@contextlib.contextmanager
def locked(file: Path, limit: float, busy: str) -> Iterator[None]:
    """Hold the lock of a file. Raises LabsError with the sentence `busy` when others hold it for `limit` seconds."""
    deadline = time.monotonic() + limit
    while (descriptor := take(file)) is None:
        if time.monotonic() > deadline:
            raise LabsError(busy)
        time.sleep(0.1)
    try:
        yield
    finally:
        os.close(descriptor)


def take(file: Path) -> int | None:
    """Return an open descriptor that holds the lock, or None when another process holds it.

    Raises LabsError on a disk that has no locks.
    """
    while True:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError as error:
            os.close(descriptor)
            raise LabsError(
                f"{file} can't be locked ({error.strerror}): its disk, a shared one perhaps, has no file locks. "
                "Set LABS_HOME to a folder on a disk of this machine."
            ) from None
        # Its last holder may have deleted the file in between; a lock on a file without a name protects nothing.
        with contextlib.suppress(FileNotFoundError):
            if file.stat().st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        os.close(descriptor)


def is_locked(file: Path) -> bool:
    """Tell whether some process holds the lock of a file."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # A shared lock, so that two who ask at once don't take each other for a holder.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        # A disk without locks: nobody holds one.
        return False
    finally:
        os.close(descriptor)
    return False

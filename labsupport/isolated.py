"""The environments of tools that can't live beside the course's libraries: each made once, from a lock of its own.

Such a tool is run, never imported. `labs env mlserver` makes one; whoever needs one asks `program` for its path.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from labsupport import files, indexes, paths
from labsupport.errors import LabsError

# All of them. Each has requirements/NAME.in and NAME.txt, which `make lock` renews.
TOOLS = ("airflow", "drift", "mlserver", "quality", "rl", "scan")


def program(name: str, command: str) -> Path:
    """Return the path of a command in an environment; raises LabsError, with the line that makes it, when it is not there."""
    found = _folder(name) / "bin" / command
    if not (_is_ready(name) and found.exists()):
        raise LabsError(
            f"{command} lives in an environment of its own, which is not there yet. Make it: labs env {name}"
        )
    return found


def make(name: str, *, quiet: bool = False) -> Path:
    """Make an environment unless it is there, and return its folder; installers show their own progress, unless `quiet`.

    Raises LabsError for an unknown name and for an installation that fails; of one that does not end nothing stays. Who
    comes while another one makes it waits for that, and says so.
    """
    folder = _folder(name)
    # Somebody else's may be in a folder where nobody but they may write.
    if _is_ready(name):
        return folder
    with files.clear_disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder) as turn:
            if not _is_ready(name):
                files.remove_folder(folder)
                try:
                    _install(name, folder, quiet, turn)
                    _stamp(name).write_text(str(folder))
                except BaseException:
                    # Up to 5 GB; what was downloaded, the installers keep elsewhere.
                    files.remove_folder(folder)
                    raise
    return folder


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[int]:
    """Hold the turn to make an environment, and yield its lock's descriptor. Raises LabsError on a disk without file locks."""
    descriptor = os.open(folder.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("Another one makes this environment; waiting (Ctrl-C ends it).", flush=True)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            raise LabsError(
                f"{folder.parent} can't be locked ({error.strerror}): its disk, a shared one perhaps, has no file locks. "
                "Set LABS_HOME to a folder on a disk of this machine."
            ) from None
        yield descriptor
    finally:
        os.close(descriptor)


def _install(name: str, folder: Path, quiet: bool, turn: int) -> None:
    python, lock = folder / "bin" / "python", _lock(name)
    # What goes wrong is said all the same.
    silence = ["--quiet"] if quiet else []
    run = partial(_run, name=name, turn=turn)
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        run([uv, "pip", "install", *silence, "--compile-bytecode", "--python", str(python), "-r", str(lock)])
    else:
        run([sys.executable, "-m", "venv", str(folder)])
        run([str(python), "-m", "pip", "install", *silence, "--disable-pip-version-check", "-r", str(lock)])


def _is_ready(name: str) -> bool:
    """Whether an environment was finished, here (its programs name their Python by path), and its Python is still there."""
    folder = _folder(name)
    try:
        place = _stamp(name).read_text()
    except OSError:
        return False
    return place in ("", str(folder)) and (folder / "bin" / "python").exists()


def _run(command: list[str], name: str, turn: int) -> None:
    try:
        # As long as an installer lives, even without this process, it is nobody else's turn.
        code = subprocess.call(command, env=indexes.for_installer(sys.executable), pass_fds=(turn,))
    except OSError as error:
        raise LabsError(f"{command[0]} could not start: {error}.") from None
    if code:
        raise LabsError(
            f"The environment {name} was not finished: the installer's own words stand above. Check network and disk, "
            f"then repeat: labs env {name}"
        )


def _folder(name: str) -> Path:
    """Return where an environment lies: another lock or another Python is another environment."""
    mark = hashlib.sha256(_lock(name).read_text(encoding="utf-8").encode() + sys.version.encode()).hexdigest()[:8]
    return paths.environments() / f"{name}-{mark}"


def _stamp(name: str) -> Path:
    return _folder(name) / "labs-ready"


def _lock(name: str) -> Path:
    lock = _locks() / f"{name}.txt"
    if name not in TOOLS:
        raise LabsError(f"There is no environment {name!r}; there are: {', '.join(TOOLS)}.")
    return lock


def _locks() -> Path:
    return paths.course_root() / "requirements"

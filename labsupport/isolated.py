"""The environments of tools that can't live beside the course's libraries: each made once, from a lock of its own.

Such a tool is run, never imported. `labs env mlserver` makes one; whoever needs one asks `program` for its path.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from labsupport import paths
from labsupport.errors import LabsError

# All of them. Each has requirements/NAME.in and NAME.txt, which `make lock` renews.
TOOLS = ("mlserver", "quality")


def program(name: str, command: str) -> Path:
    """Return the path of a command in an environment; raises LabsError, with the line that makes it, when it is not there."""
    found = _folder(name) / "bin" / command
    if not (_stamp(name).exists() and found.exists()):
        raise LabsError(
            f"{command} lives in an environment of its own, which is not there yet. Make it: labs env {name}"
        )
    return found


def make(name: str) -> Path:
    """Make an environment unless it is there, and return its folder; installers show their own progress.

    Raises LabsError for an unknown name and for an installation that fails; the next call begins afresh.
    """
    folder = _folder(name)
    if _stamp(name).exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    python, lock = folder / "bin" / "python", _lock(name)
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], name)
        _run([uv, "pip", "install", "--compile-bytecode", "--python", str(python), "-r", str(lock)], name)
    else:
        _run([sys.executable, "-m", "venv", str(folder)], name)
        _run([str(python), "-m", "pip", "install", "--disable-pip-version-check", "-r", str(lock)], name)
    _stamp(name).touch()
    return folder


def _run(command: list[str], name: str) -> None:
    try:
        code = subprocess.call(command)
    except OSError as error:
        raise LabsError(f"{command[0]} could not start: {error}.") from None
    if code:
        raise LabsError(
            f"The environment {name} was not finished: the installer's own words stand above. Check network and disk, "
            f"then repeat: labs env {name}"
        )


def _folder(name: str) -> Path:
    """Return where an environment lies: another lock or another Python is another environment."""
    mark = hashlib.sha256(_lock(name).read_bytes() + sys.version.encode()).hexdigest()[:8]
    return paths.data_home() / "environments" / f"{name}-{mark}"


def _stamp(name: str) -> Path:
    return _folder(name) / "labs-ready"


def _lock(name: str) -> Path:
    lock = _locks() / f"{name}.txt"
    if name not in TOOLS:
        raise LabsError(f"There is no environment {name!r}; there are: {', '.join(TOOLS)}.")
    return lock


def _locks() -> Path:
    return paths.course_root() / "requirements"

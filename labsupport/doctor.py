"""Look for what could go wrong on this machine; each finding comes with the line that mends it."""

import os
import platform
import shutil
import site
import sys
from collections.abc import Iterator
from pathlib import Path

from labsupport import inheritance, paths
from labsupport.errors import LabsError
from labsupport.findings import FAIL, INSTALL, NOTE, OK, Finding

FREE_GB = 5
MEMORY_GB = 4
# What in a kernel makes it fail, or lessons say something else.
_REACHING_KERNELS = ("JUPYTER_PATH", "PYTHONPATH", "PYTHONHOME", "PYTHONWARNINGS", "PYTHONOPTIMIZE", "PROMETHEUS_MULTIPROC_DIR", "KERAS_BACKEND", "MPLBACKEND", "MATPLOTLIBRC", "IPYTHONDIR")  # fmt: skip


def examine() -> list[Finding]:
    """Return all findings, in the order in which to mend them."""
    checks = (_python, _environment, _clone, _disk, _memory, _system, _cluster, _proxy, _foreign, _locks, _progress)
    return [finding for check in checks for finding in check()]


def _python() -> Iterator[Finding]:
    from labsupport.bootstrap import NEWEST, OLDEST

    version = platform.python_version()
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        yield Finding(OK, f"Python {version}.")
    else:
        yield Finding(
            FAIL,
            f"Python {version} is not supported; the course runs on {_dotted(OLDEST)} to {_dotted(NEWEST)}.",
            "install Python 3.12, delete .venv, then: make lab",
        )


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _environment() -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, version

    missing = []
    for name in ("jupyterlab", "papermill", "numpy", "scikit-learn", "matplotlib", "gymnasium", "mlflow"):
        try:
            version(name)
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        yield Finding(FAIL, f"The environment lacks {', '.join(missing)}.", f"{INSTALL}   (installs what is missing)")
    else:
        yield Finding(OK, "The course's libraries are installed.")
    users = Path(site.getusersitepackages())
    if site.ENABLE_USER_SITE and users.is_dir() and any(users.iterdir()):
        yield Finding(
            NOTE,
            f"The packages in {users} win over the course's. The kernels of `make lab` don't see them; `labs` and an editor do.",
            "export PYTHONNOUSERSITE=1",
        )


def _disk() -> Iterator[Finding]:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    if free < 1:
        yield Finding(
            FAIL,
            f"Only {free:.1f} GB of disk are free.",
            f"free {FREE_GB} GB; `make clean` removes what the course built",
        )
    elif free < FREE_GB:
        yield Finding(
            NOTE,
            f"{free:.0f} GB of disk are free; the labs with containers want {FREE_GB}.",
            "docker system prune   (asks first)",
        )
    else:
        yield Finding(OK, f"At least {FREE_GB} GB of disk are free.")


def _memory() -> Iterator[Finding]:
    from labsupport import machine

    total = machine.memory() / 1e9
    if total < MEMORY_GB - 0.5:
        yield Finding(
            NOTE, f"{total:.1f} GB of memory: run one notebook at a time.", "close other programs; labs run -j 1"
        )
    else:
        yield Finding(OK, f"At least {MEMORY_GB - 1} GB of memory.")


def _system() -> Iterator[Finding]:
    system, machine = platform.system(), platform.machine()
    if system == "Darwin" and machine == "x86_64":
        yield Finding(FAIL, "Intel Macs have no current TensorFlow.", "use the devcontainer (.devcontainer/) or Binder")
    elif system == "Windows":
        yield Finding(
            FAIL,
            "Windows itself is not supported.",
            "wsl --install -d Ubuntu-24.04, then clone and run the course inside WSL2",
        )
    elif "microsoft" in platform.release().lower() and str(Path.cwd()).startswith("/mnt/"):
        yield Finding(
            NOTE,
            "The course lies on a Windows drive; notebooks and Git are slow there.",
            "clone it inside WSL2: cd ~ && git clone ...",
        )
    else:
        yield Finding(OK, f"{system} on {machine}.")


def _cluster() -> Iterator[Finding]:
    from labsupport.cluster import doctor

    yield from doctor.findings()


def _clone() -> Iterator[Finding]:
    """Look whether these are the programs of the course in whose folder they were called."""
    try:
        paths.course_root()
    except LabsError as error:
        sentence, _, mend = str(error).partition(". ")
        yield Finding(FAIL if "make setup" in mend else NOTE, f"{sentence}.", mend.partition(": ")[2] or mend)


def _proxy() -> Iterator[Finding]:
    """Look at proxies that would catch what is on this machine in programs that the course does not start."""
    found = {name: value for name in inheritance.PROXIES if (value := os.environ.get(name))}
    said = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    exempt = {entry.strip() for entry in said.split(",")}
    if found and "*" not in exempt and not {"127.0.0.1", "localhost"} <= exempt:
        yield Finding(
            NOTE,
            f"{', '.join(sorted(found))} would also catch this machine's own addresses. The course's programs and the kernels of "
            "`make lab` know better; an editor that starts kernels itself does not.",
            "export no_proxy=127.0.0.1,localhost,127.0.0.0/8,$no_proxy NO_PROXY=127.0.0.1,localhost,127.0.0.0/8,$NO_PROXY",
        )
    socks = sorted(name for name, value in found.items() if value.lower().startswith("socks"))
    if socks and not {"https_proxy", "HTTPS_PROXY"} & (found.keys() - set(socks)):
        yield Finding(
            NOTE,
            f"{', '.join(socks)} is a SOCKS proxy, which Python's libraries and pip can't use; uv, kubectl and Go can.",
            "put uv on PATH before `make setup`, or set HTTPS_PROXY to an HTTP proxy",
        )


def _foreign() -> Iterator[Finding]:
    """Look for variables of other tools that would reach kernels which the course does not start."""
    found = sorted(name for name in _REACHING_KERNELS if os.environ.get(name))
    if found:
        verb = "is" if len(found) == 1 else "are"
        yield Finding(
            NOTE,
            f"{', '.join(found)} {verb} set for other tools. The kernels of `make lab` don't get them; those of an editor do.",
            f"open the notebooks by `make lab`, or: unset {' '.join(found)}",
        )


def _locks() -> Iterator[Finding]:
    from labsupport.cluster import locking

    file = paths.data_home() / "doctor.lock"
    try:
        descriptor = locking.take(file)
        if descriptor is not None:
            os.close(descriptor)
        file.unlink(missing_ok=True)
    except LabsError:
        yield Finding(
            FAIL,
            f"The disk of {file.parent} has no file locks, which your progress and the labs' cluster need.",
            "export LABS_HOME=/a/folder/on/a/disk/of/this/machine",
        )
    except OSError:
        # The look at the progress says what is wrong with the folder.
        return


def _progress() -> Iterator[Finding]:
    from labsupport.exercises import progress

    file = progress.path()
    try:
        progress.read()
        file.parent.mkdir(parents=True, exist_ok=True)
    except ValueError:
        yield Finding(NOTE, "Your progress file is damaged; the next check keeps it aside and begins a new one.")
        return
    except OSError:
        yield Finding(FAIL, "Your progress can't be stored.", "export LABS_HOME=/a/folder/you/own")
        return
    if os.access(file.parent, os.W_OK):
        yield Finding(OK, "Your progress can be stored.")
    else:
        yield Finding(FAIL, "The folder of your progress may not be written.", "export LABS_HOME=/a/folder/you/own")

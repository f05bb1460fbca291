"""Look for what could go wrong on this machine; each finding comes with the line that mends it."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from labsupport.findings import FAIL, NOTE, OK, Finding

FREE_GB = 5
MEMORY_GB = 4


def examine() -> list[Finding]:
    """Return all findings, in the order in which to mend them."""
    checks = (_python, _environment, _disk, _memory, _system, _cluster, _proxy, _progress)
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
        yield Finding(FAIL, f"The environment lacks {', '.join(missing)}.", "make lab   (installs what is missing)")
    else:
        yield Finding(OK, "The course's libraries are installed.")


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
    import psutil

    total = psutil.virtual_memory().total / 1e9
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
            FAIL, "Windows itself is not supported.", "wsl --install, then clone and run the course inside WSL2"
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


def _proxy() -> Iterator[Finding]:
    proxies = sorted(name for name in os.environ if name.lower() in ("http_proxy", "https_proxy", "all_proxy"))
    exempt = os.environ.get("no_proxy", os.environ.get("NO_PROXY", ""))
    if proxies and "127.0.0.1" not in exempt:
        yield Finding(
            NOTE,
            f"{', '.join(proxies)} is set and would also catch local services.",
            "export no_proxy=127.0.0.1,localhost,$no_proxy",
        )


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

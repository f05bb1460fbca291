"""Where the programs of the control plane come from: yours, the cache, official releases, or a build with Go."""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from labsupport.cluster import locking, versions
from labsupport.cluster.pocket import download, gobuild
from labsupport.cluster.pocket.controlplane import PROGRAMS
from labsupport.cluster.pocket.sources import Progress, Refused
from labsupport.errors import LabsError
from labsupport.inheritance import inherited

VARIABLE = "LABS_KUBERNETES_BIN"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Found:
    """Programs that can be used: their folder, and which source they came from."""

    folder: Path
    source: str


def find() -> Found:
    """Return programs that are there, without fetching anything. Raises LabsError when there are none."""
    # Who names a folder wants that one, or a word why not.
    named = os.environ.get(VARIABLE)
    try:
        return _own() if named else _cache()
    except Refused as refused:
        mend = (
            f"Correct {VARIABLE}, or unset it and run: labs cluster install" if named else "Run: labs cluster install"
        )
        raise LabsError(f"The control plane's programs can't be used: {refused}. {mend}") from refused


def install(say: Say, progress: Progress) -> Found:
    """Take the programs from the first source that has them and say why the others had nothing.

    Raises LabsError when no source has them.
    """
    _check_system()
    busy = "Another `labs cluster install` is at work; wait for it, then try again."
    with locking.locked(cache_folder().parent / "install.lock", 3600, busy):
        for text, source in _sources(progress):
            try:
                found = source()
            except Refused as refused:
                say(f"{text}: no: {refused}.")
                continue
            say(f"{text}: yes, in {found.folder}.")
            return found
    raise LabsError(
        f"No source has Kubernetes {versions.KUBERNETES} and etcd {versions.ETCD} for this machine. "
        f"Set {VARIABLE} to a folder with {', '.join(PROGRAMS)}, or install Go 1.26 or newer and run this again."
    )


def version_of(folder: Path, program: str) -> str:
    """Return the version that a program says. Raises Refused when it does not run."""
    try:
        ended = subprocess.run(
            [folder / program, "--version"], capture_output=True, text=True, timeout=20, env=inherited()
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(f"{folder / program} does not run ({error})") from error
    found = re.search(r"\d+\.\d+\.\d+", ended.stdout)
    if ended.returncode or not found:
        raise Refused(f"{folder / program} --version says nothing of use")
    return found[0]


def cache_folder() -> Path:
    """Return the folder of this user's cache that holds the pinned versions for this processor."""
    from platformdirs import user_cache_path

    name = f"kubernetes-{versions.KUBERNETES}-etcd-{versions.ETCD}-{architecture()}"
    return user_cache_path("labs", appauthor=False) / name


def architecture() -> str:
    """Return the processor's name in Kubernetes' words."""
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _sources(progress: Progress) -> Iterator[tuple[str, Callable[[], Found]]]:
    yield f"{VARIABLE}", _own
    yield "cache", _cache
    yield "official releases", lambda: _released(progress)
    yield "build with Go", lambda: _built(progress)


def _own() -> Found:
    named = os.environ.get(VARIABLE)
    if not named:
        raise Refused("it is not set")
    folder = Path(named).expanduser().resolve()
    _check(folder)
    found, wanted = version_of(folder, "kube-apiserver"), versions.KUBERNETES
    if found.split(".")[:2] != wanted.split(".")[:2]:
        raise Refused(f"{folder} has Kubernetes {found}; the labs are written for {wanted}")
    return Found(folder, VARIABLE)


def _cache() -> Found:
    folder = cache_folder()
    _check(folder)
    # Written last: programs without it are those of an installation that was interrupted.
    source = folder / "source.txt"
    if not source.exists():
        raise Refused(f"{folder} is incomplete")
    return Found(folder, source.read_text().strip())


def _released(progress: Progress) -> Found:
    return _filled("official releases", lambda folder: download.releases(folder, architecture(), progress))


def _built(progress: Progress) -> Found:
    return _filled("build with Go", lambda folder: gobuild.build(folder, progress))


def _filled(source: str, fill: Callable[[Path], None]) -> Found:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fill(folder)
        for program, wanted in (("kube-apiserver", versions.KUBERNETES), ("etcd", versions.ETCD)):
            if (found := version_of(folder, program)) != wanted:
                raise Refused(f"its {program} says version {found} instead of {wanted}")
        (folder / "source.txt").write_text(source + "\n")
    except OSError as error:
        raise Refused(f"{folder} can't be written ({error.strerror or error})") from error
    return Found(folder, source)


def _check(folder: Path) -> None:
    if not folder.is_dir():
        raise Refused(f"{folder} is not there")
    missing = [name for name in PROGRAMS if not os.access(folder / name, os.X_OK)]
    if missing:
        raise Refused(f"{folder} lacks {', '.join(missing)}")


def _check_system() -> None:
    if sys.platform != "linux":
        raise LabsError("The pocket cluster runs on Linux (and WSL2) only; here, use kind: LABS_CLUSTER=kind")

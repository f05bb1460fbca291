"""Where Prometheus, Alertmanager and their tools come from: this machine, official releases, Debian's packages, or Go.

Only the labs that watch need them. Debian's packages stand before the build: they take seconds, the build takes minutes.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from labsupport import inheritance, variables
from labsupport.cluster import locking, versions
from labsupport.cluster.pocket import download, gobuild
from labsupport.cluster.pocket.sources import Progress, Refused
from labsupport.errors import LabsError
from labsupport.inheritance import inherited

VARIABLE = "LABS_PROMETHEUS_BIN"
# Under this name, a lesson's header asks for the programs.
NAME = "prometheus"
PROGRAMS = ("prometheus", "promtool", "alertmanager", "amtool")
# Debian calls one of them otherwise.
DEBIAN_NAMES = {"alertmanager": "prometheus-alertmanager"}
PACKAGES = ("prometheus", "prometheus-alertmanager")
TEMPLATES = Path("/usr/share/prometheus/alertmanager/default.tmpl")
MODULES = Path(__file__).parent / "observers"
_PAGE = "<!doctype html><title>Alertmanager</title><p>This build has no page for people: ask it by amtool or by its API.</p>"
Say = Callable[[str], None]


def which(program: str) -> str | None:
    """Return the path of one of PROGRAMS: in the folder that LABS_PROMETHEUS_BIN names, else in the cache or on PATH."""
    if named := os.environ.get(VARIABLE):
        return _in(Path(named).expanduser(), program)
    return _in(cache_folder(), program) or next(filter(None, map(shutil.which, _names(program))), None)


def find(program: str) -> str:
    """Return the path of one of PROGRAMS; raises LabsError with what to do when it is not there."""
    if path := which(program):
        return path
    if named := os.environ.get(VARIABLE):
        raise LabsError(
            f"{named} has no program {program}: correct {VARIABLE}, or unset it and run: labs cluster install"
        )
    raise LabsError(f"The program {program} is not there. Run: labs cluster install")


def make() -> None:
    """Take what is missing where that takes seconds: no build. Raises LabsError with each source's reason and what to do."""
    if not _complete():
        said: list[str] = []
        if not install(said.append, lambda *_: None, may_build=False):
            raise LabsError(f"Prometheus and Alertmanager can't be had. {' '.join(said)} Try: labs cluster install")
    for program in PROGRAMS:
        find(program)


def install(say: Say, progress: Progress, *, may_build: bool = True) -> bool:
    """Take what is missing from the first source that has it, and say why the others had nothing; False when none has.

    Raises LabsError when LABS_PROMETHEUS_BIN names a folder that lacks one.
    """
    if _complete():
        say(f"Prometheus and Alertmanager: yes, {Path(find('prometheus')).parent}.")
        return True
    if os.environ.get(VARIABLE):
        # What is fetched lies elsewhere, where nobody would look.
        for program in PROGRAMS:
            find(program)
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with locking.locked(folder.parent / "observers.lock", 3600, "Another `labs cluster install` is at work."):
        if _complete():
            # Whoever was at work has finished it meanwhile.
            return True
        for text, fill in _SOURCES.items():
            if fill is built and not may_build:
                continue
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix="observers-") as work:
                try:
                    fill(Path(work), progress)
                    for program in PROGRAMS:
                        (Path(work) / program).chmod(0o755)
                        _try(Path(work) / program)
                except (Refused, OSError) as error:
                    say(f"{text}: no: {error}.")
                    continue
                for program in PROGRAMS:
                    (Path(work) / program).replace(folder / program)
            say(f"{text}: yes, in {folder}.")
            return True
    return False


def cache_folder() -> Path:
    """Return the folder of this user's cache that holds the pinned versions for this processor."""
    from platformdirs import user_cache_path

    name = f"prometheus-{versions.PROMETHEUS}-alertmanager-{versions.ALERTMANAGER}-{_architecture()}"
    return user_cache_path("labs", appauthor=False) / name


def released(folder: Path, progress: Progress) -> None:
    """Put the released programs into a folder, checked by the published SHA-256. Raises Refused."""
    wanted = (
        ("prometheus", versions.PROMETHEUS, ("prometheus", "promtool")),
        ("alertmanager", versions.ALERTMANAGER, ("alertmanager", "amtool")),
    )
    for project, version, programs in wanted:
        values = {"project": project, "version": version, "system": sys.platform, "architecture": _architecture()}
        name = versions.PROMETHEUS_ARCHIVE.format(**values)
        digest = download.listed(download.text(versions.PROMETHEUS_SUM_URL.format(**values)), name)
        download.fetch(versions.PROMETHEUS_URL.format(**values), folder / name, digest, progress)
        for program in programs:
            download.unpack(folder / name, program, folder)


def packaged(folder: Path, progress: Progress) -> None:
    """Unpack Debian's packages: apt checks their signatures. Raises Refused.

    Debian's Alertmanager reads its templates from /usr/share and nowhere else, so it must be installed there, by root.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise Refused("this is no Debian")
    if not TEMPLATES.exists() and os.geteuid():
        raise Refused("only root can install it: apt-get install prometheus-alertmanager")
    progress("Debian's packages", 0, 0)
    if not os.geteuid() and not _run(["apt-cache", "show", *PACKAGES], folder, strict=False):
        # The lists of packages are not there, as in a fresh container.
        _run(["apt-get", "update"], folder)
    if not TEMPLATES.exists():
        # Runlevel 1: the services of the packages are not started.
        quiet = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        _run(["apt-get", "install", "-y", "--no-install-recommends", "prometheus-alertmanager"], folder, quiet)
    _run(["apt-get", "download", *PACKAGES], folder)
    for archive in folder.glob("*.deb"):
        _run(["dpkg-deb", "-x", archive.name, "unpacked"], folder)
    for program in PROGRAMS:
        found = folder / "unpacked" / "usr" / "bin" / DEBIAN_NAMES.get(program, program)
        if not found.exists():
            raise Refused(f"the packages hold no {program}")
        found.replace(folder / program)


def built(folder: Path, progress: Progress) -> None:
    """Build the programs from pinned Go modules, with Kubernetes as the only service discovery. Raises Refused.

    Alertmanager's module lacks its web pages, without which it can't be compiled; a copy of it gets a line of ours instead.
    """
    go = gobuild.find_go()
    for project, version in (("prometheus", versions.PROMETHEUS), ("alertmanager", versions.ALERTMANAGER)):
        module, work = f"github.com/prometheus/{project}", folder / f"{project}-build"
        shutil.copytree(MODULES / project, work)
        progress(f"downloading Go modules of {project}", 0, 0)
        _run([go, "mod", "download"], work)
        if project == "alertmanager":
            copy = work / "module"
            # Without its modes: what Go downloaded is read-only.
            source = Path(_run([go, "list", "-m", "-f", "{{.Dir}}", module], work).strip())
            shutil.copytree(source, copy, copy_function=shutil.copyfile)
            for page in ("elm", "mantine"):
                dist = copy / "ui" / "app" / "dist" / page
                dist.mkdir(parents=True)
                (dist / "index.html").write_text(_PAGE)
            _run([go, "mod", "edit", f"-replace={module}={copy}"], work)
        progress(f"building {project} with Go (some minutes)", 0, 0)
        tool = {"prometheus": "promtool", "alertmanager": "amtool"}[project]
        named = f"-s -w -X github.com/prometheus/common/version.Version={version}"
        options = ["-trimpath", "-buildvcs=false", "-tags", "remove_all_sd,enable_kubernetes_sd", "-ldflags", named]
        _run(
            [go, "build", *options, "-o", f"{folder}{os.sep}", f"{module}/cmd/{project}", f"{module}/cmd/{tool}"], work
        )


_SOURCES: dict[str, Callable[[Path, Progress], None]] = {
    "official releases": released,
    "Debian's packages": packaged,
    "build with Go": built,
}


def _complete() -> bool:
    return all(which(program) for program in PROGRAMS)


def _names(program: str) -> tuple[str, ...]:
    return (program, DEBIAN_NAMES[program]) if program in DEBIAN_NAMES else (program,)


def _in(folder: Path, program: str) -> str | None:
    return next((str(folder / name) for name in _names(program) if os.access(folder / name, os.X_OK)), None)


def _try(program: Path) -> None:
    ended = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, env=inherited())
    if ended.returncode:
        raise Refused(f"{program.name} does not run: {_last(ended.stderr)}")


def _run(command: list[str], folder: Path, more: Mapping[str, str] | None = None, strict: bool = True) -> str:
    is_go = Path(command[0]).name == "go"
    environment = variables.for_go() if is_go else inherited() | inheritance.proxies() | dict(more or {})
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    if ended.returncode and strict:
        raise Refused(f"`{Path(command[0]).name} {command[1]}` failed: {_last(ended.stderr)}")
    return ended.stdout


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1]


def _architecture() -> str:
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)

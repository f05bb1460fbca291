"""Build the control plane from pinned Go modules, for systems and networks without official releases."""

import shutil
import subprocess
from pathlib import Path

from labsupport import variables
from labsupport.cluster import versions
from labsupport.cluster.pocket.controlplane import PROGRAMS
from labsupport.cluster.pocket.sources import Progress, Refused

MODULE = Path(__file__).parent / "controlplane"
PROGRAM = "controlplane"
# What Go keeps of one build (measured: 2.8 GB of objects, 0.8 GB of sources, 0.1 GB of program).
NEEDED_DISK = 4_000_000_000


def build(folder: Path, progress: Progress) -> None:
    """Build the programs into a folder: one file with four names. Raises Refused when Go or a module is missing."""
    go = find_go()
    cache = Path(_output([go, "env", "GOCACHE"]).strip())
    nearest = next(place for place in (cache, *cache.parents) if place.exists())
    free = shutil.disk_usage(nearest).free
    if free < NEEDED_DISK and not any(cache.glob("??")):
        raise Refused(f"the build needs {NEEDED_DISK / 1e9:.0f} GB of disk at {cache}; {free / 1e9:.1f} GB are free")
    progress("downloading Go modules", 0, 0)
    _output([go, "mod", "download"])
    packages = set(_output([go, "list", "-deps", "."]).split())
    part = folder / f"{PROGRAM}.part"
    command = [go, "build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", _link_flags(), "-o", str(part), "."]
    _follow(command, len(packages), progress)
    part.replace(folder / PROGRAM)
    for name in PROGRAMS:
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(PROGRAM)


def find_go() -> str:
    """Return the path of `go`. Raises Refused when there is none."""
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        raise Refused("no Go is installed (https://go.dev/doc/install)")
    return go


def _link_flags() -> str:
    major, minor, _ = versions.KUBERNETES.split(".")
    flags = ["-s", "-w"]
    # Without these, the programs call themselves v0.0.0-master.
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"):
        values = {
            "gitVersion": f"v{versions.KUBERNETES}",
            "gitMajor": major,
            "gitMinor": minor,
            "gitTreeState": "clean",
        }
        flags += [f"-X {package}.{name}={value}" for name, value in values.items()]
    return " ".join(flags)


def _output(command: list[str]) -> str:
    ended = subprocess.run(command, cwd=MODULE, env=variables.for_go(), capture_output=True, text=True)
    if ended.returncode:
        raise Refused(f"`{' '.join(command[1:3])}` failed: {_last(ended.stderr)}")
    return ended.stdout


def _follow(command: list[str], total: int, progress: Progress) -> None:
    """Run the build; Go prints the name of each package that it compiles and did not find in its cache."""
    lines: list[str] = []
    with subprocess.Popen(
        command, cwd=MODULE, env=variables.for_go(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                lines.append(line)
                progress("building with Go", len(lines), total)
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise Refused(f"`go build` failed: {_last(''.join(lines))}")
    progress("building with Go", total, total)


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1]

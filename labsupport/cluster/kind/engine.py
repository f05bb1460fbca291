"""The program that runs containers on this machine: docker, or else podman."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labsupport import variables
from labsupport.errors import LabsError

# A node without work takes 0.6 GB, a lab with its pods up to 1.5 GB; the node image and the labs' images take the disk.
NEEDED_MEMORY = 3_000_000_000
NEEDED_DISK = 6_000_000_000
_SECONDS = 60.0


@dataclass(frozen=True)
class Engine:
    """A container engine that answers."""

    name: str

    def run(self, *arguments: str, timeout: float = _SECONDS, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run `docker ARGUMENTS` (or podman). Raises LabsError when it fails, unless check=False, or takes too long."""
        try:
            ended = subprocess.run(
                [self.name, *arguments], capture_output=True, text=True, timeout=timeout, env=variables.for_engine()
            )
        except subprocess.TimeoutExpired as error:
            shown = " ".join((self.name, *arguments[:2]))
            raise LabsError(
                f"`{shown}` did not end within {timeout:.0f} s. Restart {self.name}, then try again."
            ) from error
        if check and ended.returncode:
            said = (ended.stderr.strip() or ended.stdout.strip()).splitlines()[-1:] or ["no word"]
            raise LabsError(f"`{' '.join((self.name, *arguments))[:200]}` failed: {said[0]}")
        return ended

    def environment(self) -> dict[str, str]:
        """Return the environment in which kind uses this engine."""
        return variables.for_engine() | {"KIND_EXPERIMENTAL_PROVIDER": self.name}

    def nodes(self, cluster: str, running: bool = False) -> list[str]:
        """Return the names of the containers that are a kind cluster's nodes."""
        label = f"label=io.x-k8s.kind.cluster={cluster}"
        scope = [] if running else ["--all"]
        return self.run("ps", *scope, "--filter", label, "--format", "{{.Names}}").stdout.split()


def find() -> Engine:
    """Return the engine that answers, docker first. Raises LabsError: none installed, none started, or no rights."""
    problems = []
    for name in ("docker", "podman"):
        if shutil.which(name) is None:
            continue
        problem = _problem(name)
        if problem is None:
            return Engine(name)
        problems.append(problem)
    if problems:
        raise LabsError(problems[0])
    raise LabsError(
        "kind needs Docker or Podman, and neither is on PATH. Install one, or use LABS_CLUSTER=pocket (Linux)."
    )


def check_room(engine: Engine) -> None:
    """Raise LabsError when the engine has too little memory or disk for the labs' cluster."""
    said = json.loads(engine.run("info", "--format", "{{json .}}").stdout)
    memory, root = _memory(said), _root(said)
    if memory is not None and memory < NEEDED_MEMORY:
        raise LabsError(
            f"{engine.name} has {memory / 1e9:.1f} GB of memory; the labs' cluster needs {NEEDED_MEMORY / 1e9:.0f} GB. "
            "Give it more (Docker Desktop: Settings, Resources), or use LABS_CLUSTER=pocket (Linux)."
        )
    # The engine of Docker Desktop stores its images inside a virtual machine, whose disk this machine can't see.
    if root is not None and root.is_dir() and (free := shutil.disk_usage(root).free) < NEEDED_DISK:
        raise LabsError(
            f"Only {free / 1e9:.1f} GB of disk are free where {engine.name} stores images ({root}); the labs' cluster "
            f"needs {NEEDED_DISK / 1e9:.0f} GB. Free some: {engine.name} system prune"
        )


def _problem(name: str) -> str | None:
    try:
        asked = subprocess.run([name, "info"], capture_output=True, text=True, timeout=20, env=variables.for_engine())
    except subprocess.TimeoutExpired:
        return f"{name} does not answer within 20 s. Restart it, then try again."
    except OSError as error:
        return f"{name} is there but does not run ({error.strerror}). Install it again, or use LABS_CLUSTER=pocket (Linux)."
    said = asked.stderr.strip()
    if "permission denied" in said.lower():
        return f"You may not use {name}. Run: sudo usermod -aG docker $USER   (then log in again)"
    # The client of docker reports a daemon that is not there with exit code 0 in some releases.
    if "cannot connect" in said.lower() or "is the docker daemon running" in said.lower():
        return f"{name} is not started. Run: sudo systemctl start docker   (or open Docker Desktop)"
    if asked.returncode:
        return f"{name} does not work ({(said.splitlines() or ['no word'])[-1]}). Look: {name} info"
    return None


def _memory(info: dict[str, Any]) -> int | None:
    found = info.get("MemTotal") or info.get("host", {}).get("memTotal")
    return int(found) if found else None


def _root(info: dict[str, Any]) -> Path | None:
    found = info.get("DockerRootDir") or info.get("store", {}).get("graphRoot")
    return Path(found) if found else None

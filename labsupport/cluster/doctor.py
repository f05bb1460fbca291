"""What `labs doctor` looks at for the labs on a cluster."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from labsupport import variables
from labsupport.cluster import versions
from labsupport.errors import LabsError
from labsupport.findings import FAIL, NOTE, OK, Finding

_INOTIFY = Path("/proc/sys/fs/inotify")
# What kind's documentation asks for; the pocket cluster is content with less.
_WATCHES, _INSTANCES = 65536, 256


def findings() -> Iterator[Finding]:
    """Yield what was found, in the order in which to mend it."""
    yield from _kubectl()
    yield from _programs()
    yield from _kind()
    yield from _ports()
    yield from _inotify()
    yield from _context()


def _kubectl() -> Iterator[Finding]:
    from labsupport.cluster import kubectl

    try:
        program = kubectl.find()
        answer = subprocess.run(
            [program, "version", "--client", "-o", "json"],
            capture_output=True,
            text=True,
            timeout=15,
            env=variables.for_kubectl(),
        )
        version = json.loads(answer.stdout)["clientVersion"]["gitVersion"].lstrip("v")
    except LabsError:
        yield Finding(NOTE, "No kubectl: part 6 needs it.", kubectl.how_to_install())
        return
    except (OSError, ValueError, KeyError, subprocess.TimeoutExpired):
        yield Finding(FAIL, "kubectl is there but does not run.", kubectl.how_to_install(anew=True))
        return
    distance = abs(_minor(version) - _minor(versions.KUBERNETES))
    if distance > 1:
        yield Finding(
            NOTE,
            f"kubectl {version} is {distance} minor versions from the cluster's {versions.KUBERNETES}; one is supported.",
            kubectl.how_to_install(),
        )
    else:
        yield Finding(OK, f"kubectl {version} fits Kubernetes {versions.KUBERNETES}.")


def _minor(version: str) -> int:
    found = re.match(r"\d+\.(\d+)", version)
    return int(found[1]) if found else 0


def _programs() -> Iterator[Finding]:
    from labsupport.cluster.pocket import programs

    if sys.platform != "linux":
        yield Finding(NOTE, "The pocket cluster runs on Linux and WSL2 only.", "LABS_CLUSTER=kind labs cluster up")
        return
    if programs.architecture() not in ("amd64", "arm64"):
        yield Finding(
            NOTE, f"Kubernetes is not released for {programs.architecture()}.", "install Go; labs cluster install"
        )
    try:
        found = programs.find()
        yield Finding(OK, f"The control plane's programs are there ({found.source}).")
    except LabsError as error:
        yield Finding(NOTE, str(error).partition(". ")[0] + ".", "labs cluster install")


def _kind() -> Iterator[Finding]:
    from labsupport.cluster.kind import command, engine

    try:
        found = engine.find()
        engine.check_room(found)
        version = command.version()
    except LabsError as error:
        sentence, _, mend = str(error).partition(". ")
        yield Finding(NOTE, f"{sentence}. Only LABS_CLUSTER=kind needs it.", mend)
        return
    if _minor(version) < _minor(versions.KIND):
        yield Finding(
            NOTE,
            f"kind {version} is older than {versions.KIND}, for which the node image is made.",
            f"go install sigs.k8s.io/kind@v{versions.KIND}",
        )
        return
    yield Finding(OK, f"{found.name} answers and has room, kind is {version}: LABS_CLUSTER=kind can be used.")


def _ports() -> Iterator[Finding]:
    from labsupport import ports
    from labsupport.cluster.pocket import layout, supervisor

    place = layout.default()
    if (
        sys.platform != "linux"
        or not (place.folder / "ports.json").exists()
        or supervisor.read_state(place) is not None
    ):
        return
    taken = [str(port) for port in vars(place.ports()).values() if not ports.is_free(port)]
    if taken:
        yield Finding(
            NOTE,
            f"The cluster's ports {', '.join(taken)} are taken by other programs.",
            "nothing to do: labs cluster up moves to free ones",
        )


def _inotify() -> Iterator[Finding]:
    for name, wanted in (("max_user_watches", _WATCHES), ("max_user_instances", _INSTANCES)):
        try:
            limit = int((_INOTIFY / name).read_text())
        except (OSError, ValueError):
            continue
        if limit < wanted:
            yield Finding(
                NOTE,
                f"fs.inotify.{name} is {limit}; a kind cluster may fail with `too many open files`.",
                f"sudo sysctl fs.inotify.{name}={2 * wanted}",
            )


def _context() -> Iterator[Finding]:
    from labsupport.cluster import kubectl
    from labsupport.cluster.choose import get_cluster

    named = os.environ.get("LABS_CLUSTER", "auto")
    try:
        cluster = get_cluster()
        sentence = f"LABS_CLUSTER={named} means {cluster.name}: {cluster.status().sentence}"
    except LabsError as error:
        said, _, mend = str(error).partition(" Run: ")
        yield Finding(FAIL, said, mend or "unset LABS_CLUSTER")
    except (OSError, ValueError) as error:
        yield Finding(FAIL, f"No cluster can be asked by this kubectl ({error}).", kubectl.how_to_install(anew=True))
    else:
        yield Finding(OK, sentence)

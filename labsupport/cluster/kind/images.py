"""Build the labs' images and load them into the node, which can't pull them from anywhere."""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labsupport import paths
from labsupport.cluster import versions
from labsupport.cluster.interface import Report
from labsupport.cluster.kind import command
from labsupport.cluster.kind.engine import Engine
from labsupport.errors import LabsError

BASE_VARIABLE = "LABS_BASE_IMAGE"
TAG = "1.0"
TARGETS = ("labs-serve", "labs-train", "labs-airflow")
BUILD_SECONDS = 3600.0
LOAD_SECONDS = 600.0


@dataclass(frozen=True)
class Image:
    """A target of the Dockerfile, and the tag that its image gets."""

    target: str
    tag: str = TAG

    @property
    def reference(self) -> str:
        """The name in manifests."""
        return f"{self.target}:{self.tag}"

    @property
    def full_name(self) -> str:
        """The name with its registry, which docker leaves out and podman replaces by localhost."""
        return f"docker.io/library/{self.reference}"


def named(target: str) -> Image:
    """Return the labs' image of that name; raises LabsError for another."""
    if target not in TARGETS:
        raise LabsError(f"There is no image {target!r}: expected one of {', '.join(TARGETS)}.")
    return Image(target)


def build(engine: Engine, image: Image) -> None:
    """Build an image from the course's Dockerfile; what did not change is taken from the engine's cache."""
    base = os.environ.get(BASE_VARIABLE) or versions.BASE_IMAGE
    arguments = ["--build-arg", f"BASE={base}", "--target", image.target, "--tag", image.full_name]
    built = engine.run("build", *arguments, str(paths.course_root()), timeout=BUILD_SECONDS, check=False)
    if built.returncode:
        said = "\n  ".join((built.stdout + built.stderr).strip().splitlines()[-6:])
        raise LabsError(
            f"The image {image.reference} was not built:\n  {said}\n"
            f"It needs the network for its base and its packages; another base: {BASE_VARIABLE}=IMAGE labs cluster load"
        )


def load(engine: Engine, cluster: str, image: Image) -> bool:
    """Load an image into all nodes of a kind cluster; return False when each has this very image already."""
    nodes = engine.nodes(cluster, running=True)
    if not nodes:
        raise LabsError(f"No node of the kind cluster {cluster!r} runs. Start it: LABS_CLUSTER=kind labs cluster up")
    wanted = _identity(json.loads(engine.run("image", "inspect", image.full_name).stdout)[0])
    if all(_on_node(engine, node, image) == wanted for node in nodes):
        return False
    try:
        command.run(engine, "load", "docker-image", image.full_name, "--name", cluster, timeout=LOAD_SECONDS)
        if all(_on_node(engine, node, image) == wanted for node in nodes):
            return True
    except LabsError:
        # Engines that keep images for several platforms, and podman, can't hand one over that way.
        pass
    with tempfile.TemporaryDirectory(prefix="labs-image-") as folder:
        archive = Path(folder) / f"{image.target}.tar"
        engine.run("save", "--output", str(archive), image.full_name, timeout=LOAD_SECONDS)
        command.run(engine, "load", "image-archive", str(archive), "--name", cluster, timeout=LOAD_SECONDS)
    return True


def build_and_load(engine: Engine, cluster: str, image: Image, say: Report) -> None:
    """Build an image and load it, and tell what was done."""
    say(f"{image.reference} is built (the first time that takes minutes)")
    build(engine, image)
    say(f"{image.reference} is loaded" if load(engine, cluster, image) else f"{image.reference} is on the node already")


def advice(name: str) -> str | None:
    """Return what to do about a pod's image that is not on the node, or None when it is not one of the labs'."""
    target = name.removeprefix("docker.io/library/").partition(":")[0]
    if target not in TARGETS:
        return None
    return f"The image {name} is not on the node of the kind cluster. Build and load it: labs cluster load {target}"


def _on_node(engine: Engine, node: str, image: Image) -> tuple[Any, ...] | None:
    asked = engine.run("exec", node, "crictl", "inspecti", "--output", "json", image.full_name, check=False)
    return _identity(json.loads(asked.stdout)["info"]["imageSpec"]) if asked.returncode == 0 else None


def _identity(found: dict[str, Any]) -> tuple[Any, ...]:
    """What tells one build from another: its time and its layers. Ids differ between the stores of docker."""
    lower = {key.lower(): value for key, value in found.items()}
    layers = lower["rootfs"].get("Layers") or lower["rootfs"].get("diff_ids")
    return (str(lower["created"])[:19], tuple(layers))

"""What pods run needs only what their image has: it is loaded here with all other libraries hidden.

On the pocket cluster a pod has the libraries of the course, so that one too many is noticed on kind only, late.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from labsupport import paths
from tests.manifests.test_manifests import FILES, objects, pod_of

# {allowed}: the distributions of an image. The course itself is copied into it, not installed.
HIDE = """
import importlib.metadata as metadata, re, runpy, sys
from importlib.abc import MetaPathFinder
allowed, owners, version = set({allowed!r}), metadata.packages_distributions(), metadata.version
def canonical(name):
    return re.sub("[-_.]+", "-", name).lower()
class Hidden(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        owned = {{canonical(owner) for owner in owners.get(name.partition(".")[0], ())}} - {{"labsupport"}}
        if owned and not owned & allowed:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
def version_there(name):
    if canonical(name) not in allowed:
        raise metadata.PackageNotFoundError(name)
    return version(name)
sys.meta_path.insert(0, Hidden())
metadata.version = version_there
"""


def distributions(image: str) -> list[str]:
    """Return the names of what an image installs."""
    files = {"labs-serve": ["serve"], "labs-train": ["serve", "train"], "labs-airflow": ["airflow"]}[image]
    text = "\n".join((paths.course_root() / f"requirements/{name}.txt").read_text() for name in files)
    return [re.sub("[-_.]+", "-", name).lower() for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)]


def load(image: str, code: str) -> "subprocess.CompletedProcess[str]":
    code = HIDE.format(allowed=distributions(image)) + code
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=110)


def programs() -> Iterator[Any]:
    """Yield the image and the code to load for each program of a pod, each once."""
    seen = set()
    for file in FILES:
        everything = objects(file)
        for pod in filter(None, map(pod_of, everything)):
            for container in pod["containers"] + pod.get("initContainers", []):
                image, words = container["image"].partition(":")[0], [*container.get("command", []), ""]
                modules = [after for word, after in zip(words, words[1:], strict=False) if word == "-m"]
                ours = [name for name in modules if name.startswith("labsupport")]
                if words[0] == "python" and ours:
                    seen.add((image, f"__import__({ours[0]!r})"))
                    if ours[0] == "labsupport.apps.features":
                        seen.add(
                            (image, "import feast.feature_server, feast.infra.offline_stores.dask, uvicorn_worker")
                        )
                elif words[0] == "mlflow":
                    seen.add((image, "import mlflow.cli, mlflow.server.fastapi_app"))
        for item in everything:
            seen |= {("labs-serve", text) for name, text in item.get("data", {}).items() if name.endswith(".py")}
    yield from (pytest.param(*one, id=f"{one[0]}-{one[1].splitlines()[0]}") for one in sorted(seen))


@pytest.mark.parametrize(("image", "code"), programs())
def test_a_program_finds_all_that_it_needs_in_its_image(image: str, code: str) -> None:
    ended = load(image, code)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("code", ["import pytest", "import tensorflow"])
def test_what_the_image_lacks_is_hidden(code: str) -> None:
    assert "ModuleNotFoundError: No module named" in load("labs-serve", code).stderr


def test_the_course_is_not_installed_in_the_image() -> None:
    assert "PackageNotFoundError" in load("labs-serve", "metadata.version('labsupport')").stderr

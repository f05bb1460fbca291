"""One cluster for all tests and all workers of a run, and a fresh namespace for each test."""

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labsupport import paths
from labsupport.cluster import differences, locking, waiting
from labsupport.cluster.choose import get_cluster
from labsupport.cluster.interface import Cluster
from labsupport.cluster.kind import command, engine, images
from labsupport.cluster.kind.runtime import KindCluster
from labsupport.cluster.pocket.layout import Layout
from labsupport.cluster.pocket.runtime import PocketCluster

# Kubernetes' own words for "not without the ServiceAccount that a controller is about to make".
_READY_NAMESPACE = "serviceaccount/default"
# A kind cluster and an image of the tests' own: what a user has under the labs' names is never touched.
KIND_NAME, KIND_TAG = "labs-test", "kind-test"
# The names under which tests and labs ask for the image on that cluster's node.
_ALIASES = ("labs-serve:dev", "labs-serve:1.0", "labs-train:1.2.3", "python:3.11-slim")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(name): skipped where labsupport.cluster.differences says it is missing")


@pytest.fixture(autouse=True)
def _needs(request: pytest.FixtureRequest) -> None:
    """Skip a test of what the run's cluster lacks, with the reason that the user is told as well."""
    for mark in request.node.iter_markers("needs"):
        if reason := differences.missing(request.getfixturevalue("cluster").name, mark.args[0]):
            pytest.skip(reason)


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return the run's cluster: a pocket cluster of its own, a kind cluster of its own, or the context LABS_CLUSTER names."""
    named = os.environ.get("LABS_CLUSTER", "auto")
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    if named in ("auto", "pocket"):
        request.getfixturevalue("kubernetes_programs")
        pocket = PocketCluster(Layout(shared / "pocket"))
        yield from _shared(pocket, shared, pocket.up)
    elif named == "kind":
        kind = kind_cluster(shared)
        yield from _shared(kind, shared, lambda: _prepare(kind, shared))
    else:
        chosen = get_cluster()
        chosen.up()
        yield chosen


def kind_cluster(folder: Path) -> KindCluster:
    """Return the tests' kind cluster, which publishes a free port instead of the labs' own."""
    config = folder / "kind-config.yaml"
    original = (paths.course_root() / "manifests" / "kind-config.yaml").read_text()
    config.write_text(original.replace("hostPort: 30080", "hostPort: 0"))
    return KindCluster(KIND_NAME, folder / "kind", config)


def _prepare(kind: KindCluster, folder: Path) -> None:
    found = engine.find()
    kind.up()
    image = images.Image("labs-serve", KIND_TAG)
    images.build(found, image)
    images.load(found, kind.cluster, image)
    _load_aliases(found, kind, image, folder)


def _load_aliases(found: engine.Engine, kind: KindCluster, image: images.Image, folder: Path) -> None:
    """Give the node an image of its own for each alias: the kubelet reports the first of its names."""
    own = {alias: f"docker.io/library/zz-labs-test:{number}" for number, alias in enumerate(_ALIASES)}
    for alias, name in own.items():
        dockerfile = f"FROM {image.full_name}\nLABEL labs.alias={alias}\n"
        subprocess.run(
            [found.name, "build", "--tag", name, "-"], input=dockerfile.encode(), check=True, capture_output=True
        )
    archive = folder / "aliases.tar"
    found.run("save", "--output", str(archive), *own.values(), timeout=300)
    command.run(found, "load", "image-archive", str(archive), "--name", kind.cluster)
    archive.unlink()
    for alias, name in own.items():
        tag = ["ctr", "-n", "k8s.io", "images", "tag", "--force", name, f"docker.io/library/{alias}"]
        found.run("exec", kind.node, *tag)
    found.run("rmi", *own.values())


def _shared(made: Cluster, folder: Path, start: Callable[[], None]) -> Iterator[Cluster]:
    """Start the cluster with the first worker that needs it, and end it with the last."""
    users = folder / "users"
    lock = folder / "users.lock"
    with locking.locked(lock, 900, "Another worker starts the cluster for too long."):
        if _number(users) == 0:
            start()
        users.write_text(str(_number(users) + 1))
    yield made
    with locking.locked(lock, 120, "Another worker stops the cluster for too long."):
        users.write_text(str(_number(users) - 1))
        if _number(users) == 0:
            made.down()


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """Return a fresh namespace in which pods can be created; it is deleted after the test, without waiting."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", name)
    waiting.wait_for(cluster, _READY_NAMESPACE, "created", name, timeout=60)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def _number(file: Path) -> int:
    return int(file.read_text()) if file.exists() else 0

"""One cluster for all tests and all workers of a run, and a fresh namespace for each test."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from labsupport.cluster import waiting
from labsupport.cluster.interface import Cluster, get_cluster
from labsupport.cluster.pocket import locking
from labsupport.cluster.pocket.layout import Layout
from labsupport.cluster.pocket.runtime import PocketCluster

# Kubernetes' own words for "not without the ServiceAccount that a controller is about to make".
_READY_NAMESPACE = "serviceaccount/default"


@pytest.fixture(scope="session")
def cluster(kubernetes_programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return the run's cluster: a pocket cluster of its own, or the one that LABS_CLUSTER names."""
    if os.environ.get("LABS_CLUSTER", "auto") not in ("auto", "pocket"):
        chosen = get_cluster()
        chosen.up()
        yield chosen
        return
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    pocket = PocketCluster(Layout(shared / "pocket"))
    users = shared / "users"
    lock = shared / "users.lock"
    with locking.locked(lock, 120, "Another worker starts the cluster for too long."):
        pocket.up()
        users.write_text(str(_number(users) + 1))
    yield pocket
    with locking.locked(lock, 120, "Another worker stops the cluster for too long."):
        users.write_text(str(_number(users) - 1))
        if _number(users) == 0:
            pocket.down()


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """Return a fresh namespace in which pods can be created; it is deleted after the test, without waiting."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", name)
    waiting.wait_for(cluster, _READY_NAMESPACE, "created", name, timeout=20)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def _number(file: Path) -> int:
    return int(file.read_text()) if file.exists() else 0

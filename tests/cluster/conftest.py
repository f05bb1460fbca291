"""One cluster for all tests and all workers of a run, and a fresh namespace for each test."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from labsupport.cluster import waiting
from labsupport.cluster.interface import Cluster, get_cluster
from labsupport.cluster.pocket import locking, programs
from labsupport.cluster.pocket.layout import Layout
from labsupport.cluster.pocket.runtime import PocketCluster
from labsupport.errors import LabsError

ROOT = Path(__file__).resolve().parents[2]
# Kubernetes' own words for "not without the ServiceAccount that a controller is about to make".
_READY_NAMESPACE = "serviceaccount/default"


@pytest.fixture(scope="session")
def kubernetes_programs() -> Path:
    """Return the folder of the control plane's programs: yours, an offline kit's, or those in the user's cache."""
    try:
        if not os.environ.get(programs.VARIABLE) and (kit := _kit()):
            folder = programs.cache_folder().with_name(f"{programs.cache_folder().name}-kit")
            with locking.locked(folder.with_name("kit.lock"), 300, "Another test run unpacks the kit for too long."):
                subprocess.run([kit, "binaries", folder], check=True, capture_output=True)
            os.environ[programs.VARIABLE] = str(folder)
        # For the commands that tests run, whatever home they are given.
        os.environ[programs.VARIABLE] = str(programs.find().folder)
        return Path(os.environ[programs.VARIABLE])
    except (LabsError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no control plane to test with: {error}")


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


def _kit() -> Path | None:
    named = os.environ.get("LABS_KINDKIT")
    found = [Path(named)] if named else sorted(ROOT.parent.glob("*/kindkit/kindkit.sh"))
    return found[0] if found and found[0].exists() else None


def _number(file: Path) -> int:
    return int(file.read_text()) if file.exists() else 0

"""The package as a learner gets it, a wheel that is built once; and the folder of a run, with the cluster in it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from labsupport import paths
from labsupport.course import labs, source


@pytest.fixture(scope="session")
def installed_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for PYTHONPATH that holds the built wheel's content."""
    # With xdist the workers of one run share the parent folder, and the first one builds. Without it the parent is
    # shared by all runs, and a wheel of yesterday would be tested.
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "labs-wheel"
    site = shared / "site"
    with FileLock(f"{shared}.lock"):
        if not site.exists():
            tree = shared / "tree"
            ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(paths.PACKAGE, tree / "labsupport", ignore=ignored)
            shutil.copy(paths.course_root() / "pyproject.toml", tree)
            build = f"from setuptools import build_meta; build_meta.build_wheel({str(shared)!r})"
            subprocess.run([sys.executable, "-c", build], check=True, cwd=tree, capture_output=True)
            (wheel,) = shared.glob("labsupport-*.whl")
            shutil.unpack_archive(wheel, site.with_name("unpacking"), format="zip")
            site.with_name("unpacking").rename(site)
    return site


@pytest.fixture
def run_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a run's private things; where that is a lab's, its cluster ends with the test."""
    if not source.read(request.getfixturevalue("path")).is_lab:
        yield tmp_path
        return
    request.getfixturevalue("kubernetes_programs")
    # The path of a cluster's folder must be short.
    with labs.lane(), tempfile.TemporaryDirectory(prefix="labs-nbval-") as name:
        yield Path(name)
        labs.end(Path(name) / "home")

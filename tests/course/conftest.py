"""A tiny course in a folder of its own: sources are written by the test, nothing touches the real one."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml

from labsupport import files, paths
from labsupport.course import catalogue

HEADER = """# ---
# jupyter:
#   labs:
#     title: Tiny
#     question: Does it work?
#     part: 1
#     will: [try]
#     need: nothing
# ---

# %% tags=["parameters"]
SEED = 0

"""


@pytest.fixture
def course(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the root of an empty course; answers and catalogue are kept apart from the package's."""
    catalogue.entries.cache_clear()
    (tmp_path / "notebooks" / "src").mkdir(parents=True)
    (tmp_path / "answers").mkdir()
    monkeypatch.setenv("LABS_COURSE", str(tmp_path))
    monkeypatch.setenv("LABS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(paths, "ANSWERS", tmp_path / "answers")
    monkeypatch.setattr(paths, "CATALOGUE", tmp_path_factory.mktemp("package") / "catalogue.json")
    files.write_json(paths.CATALOGUE, {"lessons": []})
    yield tmp_path
    catalogue.entries.cache_clear()
    catalogue.syllabus.cache_clear()


@pytest.fixture
def write(course: Path) -> Callable[..., Path]:
    """Return a function that writes a source: cells in py:percent, after a header and a parameters cell."""

    def write_source(cells: str, name: str = "101_tiny.py", header: str = HEADER) -> Path:
        path = course / "notebooks" / "src" / name
        path.write_text(header + cells)
        return path

    return write_source


@pytest.fixture
def syllabus(course: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that changes the syllabus: it is given what yaml holds, and changes it."""

    def change(how: Callable[[dict], object]) -> None:
        content = yaml.safe_load((paths.PACKAGE / "lessons" / "syllabus.yaml").read_text())
        how(content)
        monkeypatch.setattr(paths, "SYLLABUS", course / "syllabus.yaml")
        paths.SYLLABUS.write_text(yaml.safe_dump(content, sort_keys=False))
        catalogue.syllabus.cache_clear()

    return change


@pytest.fixture
def checkout(course: Path) -> Path:
    """Return a course with a copy of the package beside it: commands run in it write nothing into the real one."""
    ignored = shutil.ignore_patterns("__pycache__", "answers")
    shutil.copytree(paths.PACKAGE, course / "labsupport", ignore=ignored)
    (course / "labsupport" / "lessons" / "answers").mkdir()
    (course / "tmp").mkdir()
    return course


@pytest.fixture
def labs(checkout: Path) -> Callable[..., subprocess.Popen[str]]:
    """Return a function that starts `labs` (or another module) from the copied package."""

    def start(*arguments: str, module: str = "labsupport.cli", **variables: str) -> subprocess.Popen[str]:
        own = {"PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(checkout / "tmp")}
        command = [sys.executable, "-m", module, *arguments]
        # A test run in the background ignores the interrupt, and would hand that down.
        heard = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
        environment = os.environ | own | variables
        return subprocess.Popen(
            command,
            cwd=checkout,
            env=environment,
            preexec_fn=heard,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start

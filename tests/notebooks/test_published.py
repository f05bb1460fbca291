"""Each published notebook, executed: the learner's by nbval against its stored outputs, the solved one with other seeds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from labsupport import environment, paths
from labsupport.course import budget, runner, source, variants

SOURCES = list(source.find_sources(paths.sources()).values())
SANITIZE = Path(__file__).with_name("sanitize.cfg")
SEEDS = range(5) if os.environ.get("LABS_NIGHTLY") else [1]


def lessons() -> list:
    # The labs share one cluster, so one worker runs them one after another.
    lanes = {path: (pytest.mark.xdist_group("labs"),) if path.name.startswith("6") else () for path in SOURCES}
    return [pytest.param(path, marks=lanes[path], id=path.stem) for path in SOURCES]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("path", lessons())
def test_learners_notebook_gives_its_stored_outputs_from_an_empty_folder_and_the_wheel(
    path: Path, installed_wheel: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    name = f"{path.stem}.ipynb"
    (folder / name).write_bytes((paths.notebooks() / name).read_bytes())
    env = environment.for_run(tmp_path) | {"PYTHONPATH": str(installed_wheel)}
    where = [sys.executable, "-c", "import labsupport; print(labsupport.__file__)"]
    found = subprocess.run(where, env=env, cwd=folder, capture_output=True, text=True, check=True).stdout
    assert found.startswith(str(installed_wheel))

    options = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=300", f"--nbval-sanitize-with={SANITIZE}"]
    quiet = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir=.", "-c", os.devnull, "--tb=short"]
    nbval = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *quiet, name], env=env, cwd=folder, capture_output=True, text=True
    )
    assert nbval.returncode == 0, nbval.stdout[-6000:] + nbval.stderr[-2000:]
    assert [file.name for file in folder.iterdir() if not file.name.startswith(".")] == [name], "it left files behind"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("path", lessons())
def test_solved_notebook_passes_every_check_and_claim_with_another_seed(path: Path, seed: int) -> None:
    lesson = source.read(path)
    limits = budget.LAB if lesson.is_lab else budget.LESSON
    checks = tuple(variants.answers(lesson)["exercises"])
    result = runner.run(runner.Job(lesson.name, variants.derive(lesson, "solution"), limits, seed, checks))
    assert result.passed, result.problem

"""Each published notebook, executed: the learner's by nbval against its stored outputs, the solved one with other seeds.

Lessons that need no cluster run solved by other right answers than the reference, which `use` gives the learner's notebook.
"""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labsupport import paths, variables
from labsupport.course import runner, source
from labsupport.course.source import Lesson
from tests.lessons.test_every_lesson import RIGHT

SOURCES = list(source.find_sources(paths.sources()).values())
SANITIZE = Path(__file__).with_name("sanitize.cfg")
SOCKETS = Path(__file__).with_name("nbval_over_sockets.py")

NIGHTLY = bool(os.environ.get("LABS_NIGHTLY"))
SEEDS = range(5) if NIGHTLY else [1]
LABS = [path for path in SOURCES if source.read(path).is_lab]
MODELS = [path for path in SOURCES if path not in LABS]
# The learner's labs run in `make nightly`: with a cluster each they take long, and the solved ones show what can break.
LEARNERS = SOURCES if NIGHTLY else MODELS
# On a cluster the check looks at what is there, so no other answer stands in a cell.
SOLVED = SOURCES if NIGHTLY else LABS


def programs_of(path: Path) -> tuple[str, ...]:
    """Return the programs that a lesson runs, made now; the test is skipped where one can't be made."""
    lesson = source.read(path)
    if lesson.programs and (reasons := runner.why_not([lesson])):
        pytest.skip(reasons[lesson.number])
    return lesson.programs


@pytest.mark.timeout(900)
@pytest.mark.parametrize("path", LEARNERS, ids=lambda path: path.stem)
def test_learners_notebook_gives_its_stored_outputs_from_an_empty_folder_and_the_wheel(
    path: Path, installed_wheel: Path, run_folder: Path
) -> None:
    folder = run_folder / "empty"
    folder.mkdir()
    name = f"{path.stem}.ipynb"
    (folder / name).write_bytes((paths.notebooks() / name).read_bytes())
    env = variables.for_run(run_folder) | {"PYTHONPATH": str(installed_wheel)}
    if source.read(path).is_lab or programs_of(path):
        # The labs' manifests and the locks of other programs are in the clone, not in the wheel.
        env["LABS_COURSE"] = str(paths.course_root())
    where = [sys.executable, "-c", "import labsupport; print(labsupport.__file__)"]
    found = subprocess.run(where, env=env, cwd=folder, capture_output=True, text=True, check=True).stdout
    assert found.startswith(str(installed_wheel))

    options = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=300", f"--nbval-sanitize-with={SANITIZE}"]
    quiet = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir=.", "-c", os.devnull, "--tb=short"]
    nbval = subprocess.run(
        [sys.executable, SOCKETS, *options, *quiet, name], env=env, cwd=folder, capture_output=True, text=True
    )
    assert nbval.returncode == 0, nbval.stdout[-6000:] + nbval.stderr[-2000:]
    assert [file.name for file in folder.iterdir() if not file.name.startswith(".")] == [name], "it left files behind"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("path", SOLVED, ids=lambda path: path.stem)
def test_solved_notebook_passes_every_check_and_claim_with_another_seed(
    path: Path, seed: int, request: pytest.FixtureRequest
) -> None:
    lesson = source.read(path)
    if lesson.is_lab:
        request.getfixturevalue("kubernetes_programs")
    programs_of(path)
    result = runner.run(runner.Job.of(lesson, "solution", seed))
    assert result.passed, result.problem


@pytest.mark.timeout(900)
@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_other_right_answers_pass_every_check_and_claim_with_another_seed(path: Path) -> None:
    programs_of(path)
    lesson = source.read(path)
    result = runner.run(answered(lesson, {key: next(iter(named.values())) for key, named in RIGHT.items()}))
    assert result.passed, result.problem


def answered(lesson: Lesson, code: dict[str, str]) -> runner.Job:
    """Return the job of a solved notebook whose exercises have the code of other answers, where there is one.

    Some of them are right and slow, such as a loop over all requests, or keep more in memory.
    """
    job = runner.Job.of(lesson, "solution", seed=1)
    limits = dataclasses.replace(job.budget, cpu_seconds=300, memory_mb=1500, wall_seconds=850, cell_seconds=600)
    for cell in job.notebook.cells:
        cell.source = code.get(cell.metadata.get("exercise"), cell.source)
    return dataclasses.replace(job, budget=limits, name=f"{job.name}, other answers")

"""The format of a lesson: order of its parts, length of its texts, pictures that say what they show, nothing private."""

import ast
import re
from pathlib import Path

import pytest
from nbformat import NotebookNode

from labsupport import files, paths
from labsupport.course import header, outputs, source
from labsupport.course.budget import Cost
from labsupport.course.runner import Job
from labsupport.course.source import Lesson

PARTS = ["The bridge", "See it", "Build it", "Use it", "Break it", "Quiz", "Take it to work", "Take away"]
WORDS = 120
SOURCES = [path for number, path in source.find_sources(paths.sources()).items() if number != "000"]
ALL = list(source.find_sources(paths.sources()).values())


@pytest.fixture(scope="module")
def lesson(request: pytest.FixtureRequest) -> Lesson:
    return source.read(request.param)


@pytest.mark.parametrize("lesson", SOURCES, ids=lambda path: path.stem, indirect=True)
def test_parts_stand_in_their_order(lesson: Lesson) -> None:
    headings = [
        line[3:]
        for cell in lesson.cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("## ")
    ]
    found = [part for heading in headings for part in PARTS if heading.startswith(part)]
    assert found == PARTS
    assert len(headings) == len(found), f"another heading of level 2: use ### inside a part; {headings}"


@pytest.mark.parametrize("lesson", SOURCES, ids=lambda path: path.stem, indirect=True)
def test_a_picture_comes_within_the_first_two_code_cells(lesson: Lesson) -> None:
    code = [
        cell for cell in lesson.cells if cell.cell_type == "code" and not source.tags(cell) & {"parameters", "setup"}
    ]
    assert any("plots.show" in cell.source or "show(" in cell.source for cell in code[:2])


@pytest.mark.parametrize("lesson", SOURCES, ids=lambda path: path.stem, indirect=True)
def test_what_is_taken_to_work_is_at_most_ten_statements_beside_its_imports(lesson: Lesson) -> None:
    at = next(n for n, cell in enumerate(lesson.cells) if cell.source.startswith("## Take it to work"))
    code = next(cell.source for cell in lesson.cells[at:] if cell.cell_type == "code")
    statements = [
        part
        for part in ast.walk(ast.parse(code))
        if isinstance(part, ast.stmt) and not isinstance(part, ast.Import | ast.ImportFrom)
    ]
    assert "own." in code and len(statements) <= 10


@pytest.mark.parametrize("lesson", SOURCES, ids=lambda path: path.stem, indirect=True)
def test_the_last_code_cell_shows_the_system_so_far(lesson: Lesson) -> None:
    last = [cell for cell in lesson.cells if cell.cell_type == "code"][-1]
    assert f'system_so_far("{lesson.number}")' in last.source


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_what_was_measured_keeps_the_budget(path: Path) -> None:
    lesson = source.read(path)
    measured = header.measured(lesson.number)
    assert measured is not None, "run: labs measure " + lesson.number
    cost = Cost(measured["run_seconds"], measured["cpu_seconds"], measured["memory_mb"])
    assert cost.excess(Job.of(lesson, "solution").budget) is None


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_no_wall_of_text(path: Path) -> None:
    run = 0
    for cell in source.read(path).cells:
        if cell.cell_type == "code":
            run = 0
            continue
        # An exercise's text is a question: it begins anew.
        run = 0 if cell.source.startswith("**Exercise") else run
        run += len(re.findall(r"\w+", cell.source))
        assert run <= WORDS, f"{run} words without code, picture or question: {cell.source[:80]}..."


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_take_away_is_five_lines_at_most(path: Path) -> None:
    for cell in source.read(path).cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## Take away"):
            assert sum(line.startswith("- ") for line in cell.source.splitlines()) <= 5


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_no_download_no_private_path_no_sleep(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for wrong in (
        "urlopen",
        "requests.get",
        "wget ",
        "curl ",
        "fetch_openml",
        "../data",
        "/tmp/",
        "time.sleep",
        "pip install",
    ):
        assert wrong not in text, f"{wrong!r} stands in {path.name}"


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
@pytest.mark.parametrize("folder", ["", "solutions"])
def test_published_outputs_may_be_published(path: Path, folder: str) -> None:
    notebook: NotebookNode = files.read_notebook(paths.notebooks() / folder / f"{path.stem}.ipynb")
    assert outputs.problems(notebook) == []


def test_every_exercise_text_names_its_key_and_its_minutes() -> None:
    from labsupport.exercises.define import exercises_of

    for path in ALL:
        lesson = source.read(path)
        texts = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
        for key, exercise in exercises_of(lesson.number).exercises.items():
            assert f"**Exercise {key} ({exercise.minutes} minutes).**" in texts, (
                f"{key}: say its key and minutes before its cell"
            )

"""`labs new`: a skeleton that builds at once, passes every check of a lesson, and overwrites nothing."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from labsupport import files, paths
from labsupport.course import new, source
from labsupport.errors import LabsError

ROOT = Path(__file__).resolve().parents[2]


def written_in(folder: Path) -> dict[str, bytes]:
    kinds = {".py", ".json", ".ipynb", ".png", ".yaml"}
    paths = (path for path in folder.rglob("*") if path.suffix in kinds and "tmp" not in path.relative_to(folder).parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.mark.timeout(900)
def test_a_new_lesson_builds_and_passes_every_check_of_a_lesson(
    checkout: Path, labs: Callable[..., subprocess.Popen[str]]
) -> None:
    for name in ("tests/lessons", "tests/notebooks"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    (checkout / "notebooks/measured").mkdir()
    start = ("notebooks/src/000_start_here.py", "notebooks/measured/000.json")
    for name in ("pyproject.toml", "notebooks/src/ruff.toml", *start):
        shutil.copy(ROOT / name, checkout / name)
    # Every lesson of the syllabus is written: one makes room.
    for name in ("labsupport/lessons/lesson_615.py", "tests/lessons/test_lesson_615.py"):
        (checkout / name).unlink()
    before = written_in(checkout)

    def run(*arguments: str, module: str = "labsupport.cli") -> str:
        process = labs(*arguments, module=module)
        output, errors = process.communicate()
        assert process.returncode == 0, output + errors
        return output

    created = run("new", "615", "tiny_topic").splitlines()
    made = [str(Path(line.removeprefix("created ")).relative_to(checkout)) for line in created]
    assert made == [
        "notebooks/src/615_tiny_topic.py",
        "labsupport/lessons/lesson_615.py",
        "tests/lessons/test_lesson_615.py",
    ]
    run("check", *made, module="ruff")
    run("format", "--check", *made, module="ruff")
    run("build", "615")
    run("measure", "615")
    run("build", "000")
    assert run("build", "--check") == "All notebooks are current.\n"
    touched = {name for name, text in written_in(checkout).items() if before.get(name) != text}
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    for name in touched:
        pattern = re.sub(r"(?<!\d)(615|000)(?!\d)", "NNN", name).replace("tiny_topic", "*").replace("start_here", "*")
        assert f"`{pattern}`" in contributing, f"CONTRIBUTING does not say that a new lesson touches {name}"
    tests = ["tests/lessons/test_every_lesson.py", "tests/lessons/test_lesson_615.py", "tests/notebooks/test_shape.py"]
    # Nothing of the new lesson reads SEED, and a test without a case counts as skipped.
    tests.append("--deselect=tests/lessons/test_every_lesson.py::test_the_reference_passes_with_another_seed")
    report = run("-p", "no:xdist", "-p", "no:cacheprovider", "-p", "labsupport.course", *tests, module="pytest")
    assert "[100%]" in report and "s" not in report.split("[100%]")[0], "nothing is skipped"


def test_a_planned_lesson_gets_its_title_and_every_text_to_replace_says_so(course: Path) -> None:
    lesson, checkers, tests = (path.read_text() for path in new.create("302", "activations"))
    assert '#     title: "Activations"' in lesson and "#     part: 3" in lesson
    assert lesson.lower().count("say here") >= 15
    assert "say here" in checkers.lower()
    assert "302.1" in tests
    for word in ("TODO", "FIXME", "XXX"):
        assert word not in lesson + checkers + tests


@pytest.mark.parametrize(
    "title", ['The "golden" signals', r"From C:\temp to /tmp", "What's {here}: 50 % of it", "# Nước"]
)
def test_any_title_is_the_lessons(title: str, course: Path, syllabus: Callable[..., None]) -> None:
    syllabus(lambda content: content["lessons"]["302"].update(title=title))
    assert source.read(new.create("302", "activations")[0]).meta["title"] == title


def test_a_lab_gets_the_choice_of_the_cluster_and_a_lesson_does_not(course: Path) -> None:
    assert '# %% tags=["parameters"]\nSEED = 0\nCLUSTER = "auto"\n' in new.create("601", "manifests")[0].read_text()
    assert "CLUSTER" not in new.create("301", "network")[0].read_text()


@pytest.mark.parametrize(
    ("number", "topic", "sentence"),
    [
        ("20", "topic", "'20' is not a lesson's number: three digits"),
        ("2x1", "topic", "'2x1' is not a lesson's number"),
        ("2011", "topic", "'2011' is not a lesson's number"),
        ("901", "topic", "Lesson 901 is not in the syllabus. Give it a title, a layer and a box in"),
        ("201", "Big Topic", "'Big Topic' is not a topic: small letters, digits and underscores"),
        ("201", "../topic", "is not a topic"),
        ("201", "", "'' is not a topic"),
    ],
)
def test_a_bad_name_gets_a_sentence_and_no_file(course: Path, number: str, topic: str, sentence: str) -> None:
    with pytest.raises(LabsError) as refused:
        new.create(number, topic)
    assert sentence in str(refused.value)
    assert [path for path in course.rglob("*") if path.is_file()] == []


def test_a_number_that_is_taken_is_refused(course: Path) -> None:
    made = new.create("201", "topic")
    before = [path.read_text() for path in made]
    with pytest.raises(LabsError, match="Lesson 201 exists already: 201_topic.py. Choose another number."):
        new.create("201", "other")
    assert [path.read_text() for path in made] == before


@pytest.mark.parametrize("kept", [0, 1, 2], ids=["source", "checkers", "tests"])
def test_nothing_is_written_when_one_of_the_files_is_there(course: Path, kept: int) -> None:
    made = new.create("201", "topic")
    for path in made:
        path.unlink()
    made[kept].write_text("mine")
    with pytest.raises(LabsError, match="exists already"):
        new.create("201", "topic")
    assert [path for path in made if path.exists()] == [made[kept]]
    assert made[kept].read_text() == "mine"


def test_a_write_that_fails_half_way_leaves_nothing(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = files.write_text

    def disk_is_full(path: Path, text: str) -> None:
        if path.name.startswith("test_"):
            raise LabsError("The disk is full.")
        write(path, text)

    monkeypatch.setattr(files, "write_text", disk_is_full)
    with pytest.raises(LabsError, match="The disk is full"):
        new.create("201", "topic")
    assert [path for path in paths.course_root().rglob("*") if path.is_file()] == []

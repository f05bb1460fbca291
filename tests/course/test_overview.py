"""Progress as a table: a learner's own, and a class's from the files that its learners hand in."""

import json
import sys
import types
from pathlib import Path

import pytest

from labsupport import cli, files, paths
from labsupport.course import overview
from labsupport.errors import LabsError
from labsupport.exercises import progress
from labsupport.exercises.define import Exercises


@pytest.fixture(autouse=True)
def listed(course: Path) -> None:
    """The course consists of lesson 199."""
    entry = {"number": "199", "name": "199_tiny", "title": "Tiny", "question": "Why?", "part": 1, "exercises": 3}
    entry |= {"minutes": None, "run_seconds": None, "memory_mb": None}
    files.write_json(paths.CATALOGUE, {"lessons": [entry]})
    known = {"name": "x", "stub": "", "solution": "", "needs": []}
    stored = {"setup": [], "exercises": dict.fromkeys(("199.1", "199.2", "199.a"), known)}
    files.write_json(paths.ANSWERS / "199.json", stored)


@pytest.fixture
def lesson(monkeypatch: pytest.MonkeyPatch) -> Exercises:
    """Return lesson 199, of which 199.g1 is a guess about a sentence."""
    exercises = Exercises("199")
    exercises.guess("g1", "The line beats the rules.")
    module = types.ModuleType("labsupport.lessons.lesson_199")
    monkeypatch.setattr(module, "exercises", exercises, raising=False)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return exercises


def hand_in(file: Path, **entries: dict) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"exercises": {f"199.{name[1:]}": entry for name, entry in entries.items()}}))
    return file


PASSED = {"attempts": 1, "outcome": "PASS", "passed_at": "2026-01-01T00:00:00+00:00"}
FAILED = {"attempts": 3, "outcome": "FAIL", "hints": 2, "solution_shown": True}


def test_a_beginner_is_told_where_to_begin() -> None:
    bar, beginning = overview.of_learner().splitlines()
    assert bar.split() == ["199", "Tiny", "[...]", "0/3"]
    assert beginning == "No exercise checked yet. Begin with `make lab` and lesson 000."


def test_passed_exercises_and_shown_solutions_are_marked() -> None:
    progress.record_outcome("199.2", "PASS")
    progress.record_outcome("199.2", "FAIL")
    progress.record_outcome("199.1", "FAIL")
    progress.record_solution_shown("199.1")
    (bar,) = overview.of_learner().splitlines()
    assert bar.endswith("[.#.] 1/3, solution shown: 199.1"), "what was passed once stays passed"


def test_a_damaged_file_gets_a_sentence() -> None:
    files.write_text(progress.path(), "[]")
    with pytest.raises(LabsError, match=r"progress.json can't be read as a progress file"):
        overview.of_learner()


def test_a_class_is_merged_and_shows_where_it_got_stuck(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handed_in = [
        hand_in(tmp_path / "anna.json", _1=PASSED, _2=PASSED),
        hand_in(tmp_path / "ben.json", _1=PASSED, _2=FAILED),
    ]
    assert cli.main(["progress", "--merge", *map(str, handed_in)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "        199",
        "anna    2/3",
        "ben     1/3",
        "",
        "Where the class got stuck",
        "199.2: 1 of 2 passed, 2 hints, solution shown 1 times",
        "199.1: 2 of 2 passed, 0 hints, solution shown 0 times",
    ]


def test_an_untouched_cell_is_not_counted_among_those_who_got_stuck(tmp_path: Path) -> None:
    handed_in = [hand_in(tmp_path / "anna.json", _1=PASSED), hand_in(tmp_path / "ben.json", _1={"outcome": "NOT YET"})]
    assert "199.1: 1 of 1 passed, 0 hints, solution shown 0 times" in overview.of_class(handed_in)


def test_a_learner_sees_how_good_the_guesses_were(lesson: Exercises) -> None:
    progress.record_guess("199.g1", 0.75)
    assert "surprise" not in overview.of_learner(), "the truth was not shown yet"
    progress.record_truth("199.g1", False)
    assert overview.of_learner().splitlines()[-3:] == [
        "",
        "Guesses about 1 sentence: 2.00 bits of surprise each; a coin has 1.",
        "1 guess of other certainty: fewer than 5 alike say nothing yet.",
    ]


def test_a_class_sees_its_guesses_next_to_the_truth(lesson: Exercises, tmp_path: Path, capsys) -> None:
    handed_in = [
        hand_in(tmp_path / "anna.json", _1=PASSED, _g1={"guess": 0.9, "truth": False}),
        hand_in(tmp_path / "ben.json", _1=PASSED, _g1={"guess": 0.2, "truth": False}),
    ]
    assert cli.main(["progress", "--merge", *map(str, handed_in)]) == 0
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "What the class guessed",
        "199.g1 The line beats the rules: not true",
        "      0 % |..1......1| 100 %   2 guesses, 20 % to 90 %, the middle one 55 %",
    ]


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["anna.json", "ben.json"], ["anna", "ben"]),
        (["anna/progress.json", "ben/progress.json", "cleo.json"], ["anna/progress", "ben/progress", "cleo"]),
        (["anna/labs/progress.json", "ben/labs/progress.json"], ["anna/labs/progress.json", "ben/labs/progress.json"]),
    ],
)
def test_learners_whose_files_have_one_name_are_told_apart(tmp_path: Path, files: list[str], names: list[str]) -> None:
    table = overview.of_class([hand_in(tmp_path / file, _1=PASSED) for file in files])
    rows = table.splitlines()[1 : 1 + len(files)]
    assert all(row.split()[0].endswith(name) for row, name in zip(rows, names, strict=True))
    assert len({row.split()[0] for row in rows}) == len(files)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "There is no progress file .*anna.json. Each learner finds theirs with"),
        ("[]", "anna.json can't be read as a progress file"),
        ("{", "anna.json can't be read as a progress file"),
    ],
)
def test_a_missing_or_foreign_file_of_a_class_gets_a_sentence(
    tmp_path: Path, content: str | None, sentence: str
) -> None:
    good, file = hand_in(tmp_path / "ben.json", _1=PASSED), tmp_path / "anna.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(LabsError, match=sentence):
        overview.of_class([good, file])

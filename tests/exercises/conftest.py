"""A lesson that only tests know, and a folder of its own for progress."""

import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from labsupport import paths
from labsupport.exercises import answers, progress
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail

SOLUTION = "def total(data):\n    return sum(data)"
STUB = 'def total(data):\n    raise NotImplementedError("199.1: replace this line with your code")'


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the progress; it does not exist yet."""
    monkeypatch.setenv("LABS_HOME", str(tmp_path / "home"))
    progress._not_stored.clear()
    return tmp_path / "home"


@pytest.fixture
def lesson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Exercises]:
    """Return lesson 199: exercise 199.1 wants the sum of a list, 199.2 a number; 199.a is a question, B is right."""
    exercises = Exercises("199")

    @exercises.check("1", "The sum", hints=("add", "use `sum`"), seconds=0.5)
    def total(answer: Guarded) -> str:
        data = [3, 1, 2]
        found = answer(data)
        if found != 6:
            raise Fail(f"`{found}`", "6", "not everything was added")
        return f"The data is still {data}."

    @exercises.check("2", "A number", hints=("above 2", "below 4"))
    def number(answer: float) -> str:
        return "positive" if answer > 0 else "not positive"

    exercises.quiz("a", "Which?", ("one", False, "too few"), ("two", True, "just so"), ("three", False, "too many"))
    module = types.ModuleType("labsupport.lessons.lesson_199")
    module.exercises = exercises  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    known = {"1": {"name": "total", "stub": STUB, "solution": SOLUTION, "needs": []}}
    stored = {"lesson": "199", "setup": ["SEED = 0"], "exercises": {f"199.{n}": entry for n, entry in known.items()}}
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "199.json").write_text(json.dumps(stored))
    monkeypatch.setattr(paths, "ANSWERS", tmp_path / "answers")
    answers.load.cache_clear()
    yield exercises
    answers.load.cache_clear()

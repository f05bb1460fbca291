"""Each right answer of the proofs passes its check in the learner's notebook, and the notebook runs to its end with it.

In `make nightly`; `make test` executes each notebook with one other right answer an exercise (tests/notebooks/test_published.py).
"""

import itertools
import os
import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import pytest

from labsupport import paths, plots
from labsupport.course import source

sys.path.insert(0, str(Path(__file__).parent))
import notebook_run
import test_every_lesson

SOURCES = source.find_sources(paths.sources())
LESSONS = [number for number in test_every_lesson.NUMBERS if not source.read(SOURCES[number]).is_lab]
# What these write stands outside of their names, in folders and on a server: each round of answers gets the whole notebook.
WHOLE = {"201", "204"}


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABS_HOME", str(tmp_path / "home"))
    matplotlib.use("agg")
    monkeypatch.setattr(plots, "to_png", lambda figure: b"")


@pytest.mark.skipif(not os.environ.get("LABS_NIGHTLY"), reason="all right answers take long: make nightly")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", LESSONS)
def test_the_notebook_goes_on_with_every_right_answer(number: str) -> None:
    lesson = source.read(SOURCES[number])
    right = {key: named for key, named in test_every_lesson.RIGHT.items() if key.startswith(number)}
    try:
        problems = [problem for round_ in rounds(number, right) for problem in notebook_run.run(lesson, round_)]
    finally:
        plt.close("all")
    assert problems == []


def rounds(number: str, right: dict[str, dict[str, str]]) -> list[dict[str, dict[str, str]]]:
    if number not in WHOLE:
        return [right]
    most = max(len(named) for named in right.values())
    answers = {key: list(itertools.islice(itertools.cycle(named.items()), most)) for key, named in right.items()}
    return [{key: dict([named[place]]) for key, named in answers.items()} for place in range(most)]

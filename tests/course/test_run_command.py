"""`labs run` where labs can't run: what was named is refused, what was not named is left out and said."""

from collections.abc import Callable
from pathlib import Path

import pytest

from labsupport import cli
from labsupport.course import labs, runner
from labsupport.course.budget import Cost
from labsupport.course.runner import Job, Result

REASON = "no programs of a control plane are here"


@pytest.fixture(autouse=True)
def no_labs(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_all(jobs: list[Job], *arguments: object) -> list[Result]:
        return [Result(job.name, None, Cost(1, 1, 1), None) for job in jobs]

    monkeypatch.setattr(labs, "why_not", lambda: REASON)
    monkeypatch.setattr(runner, "run_all", run_all)


@pytest.mark.parametrize("name", ["601", "601_manifests", "notebooks/601_manifests.ipynb", "lesson_601.py"])
def test_a_lab_that_was_named_and_cannot_run_is_a_failure_with_a_sentence(
    name: str, write: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write("", name="601_manifests.py")
    assert cli.main(["run", name]) == 1
    said = capsys.readouterr()
    assert said.err == f"labs: 601 can't run here: {REASON}\n" and said.out == ""


def test_a_course_of_nothing_but_labs_does_not_pass_where_none_can_run(
    write: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write("", name="601_manifests.py")
    assert cli.main(["run"]) == 1
    assert "601 can't run here" in capsys.readouterr().err


def test_a_course_without_lessons_does_not_pass(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run"]) == 1
    assert capsys.readouterr().err.startswith("labs: There is no lesson in ")


def test_a_run_of_the_whole_course_leaves_the_labs_out_and_says_so(
    write: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write("")
    write("", name="601_manifests.py")
    assert cli.main(["run"]) == 0
    said = capsys.readouterr().out
    assert "1 of 1 notebooks passed" in said and f"Skipped 601: {REASON}" in said

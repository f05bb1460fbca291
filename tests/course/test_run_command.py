"""`labs run` where labs can't run, or that is interrupted: what was named is refused, what was not run is said."""

from collections.abc import Callable
from pathlib import Path

import pytest

from labsupport import cli, paths
from labsupport.course import labs, report, runner
from labsupport.course.budget import Cost
from labsupport.course.runner import Job, Result
from labsupport.errors import LabsError

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
    page = (paths.build_folder() / "report.html").read_text()
    assert "<h1>Course run</h1>" in page and "1 of 1 notebooks passed, 1 skipped, in " in page
    assert f'<td>601_manifests</td><td>skipped</td><td colspan="4">{REASON}</td>' in page


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (LabsError("The disk is full."), 1)])
def test_a_run_that_is_interrupted_reports_what_had_ended(
    error: BaseException, code: int, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_all(jobs: list[Job], lanes: object, started: object, finished: Callable[[Result], None]) -> list[Result]:
        finished(Result(jobs[0].name, None, Cost(1, 1, 1), None))
        raise error

    monkeypatch.setattr(runner, "run_all", run_all)
    for name in ("101_tiny.py", "102_small.py", "601_manifests.py"):
        write("", name=name)
    page = paths.build_folder() / "report.html"
    page.parent.mkdir()
    page.write_text("the run before")
    assert cli.main(["run"]) == code
    said = page.read_text()
    assert "<h1>Course run, interrupted</h1>" in said and "1 of 1 notebooks passed, 2 skipped, in " in said
    assert '<td>101_tiny</td><td class="pass">pass</td>' in said
    assert "<td>102_small</td><td>skipped</td>" in said and "the run was interrupted before its end" in said
    assert f'<td>601_manifests</td><td>skipped</td><td colspan="4">{REASON}</td>' in said


def test_what_ended_a_run_is_told_even_where_there_is_no_room_for_a_report(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*arguments: object, **options: object) -> Path:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    def run_all(*arguments: object) -> list[Result]:
        raise LabsError("A lab found no lane.")

    monkeypatch.setattr(runner, "run_all", run_all)
    monkeypatch.setattr(report, "write", full)
    write("")
    assert cli.main(["run"]) == 1
    assert capsys.readouterr().err == "labs: A lab found no lane.\n"

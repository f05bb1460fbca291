"""Medians are measured and must keep the budget; each lesson's measurement has a file of its own."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from labsupport.course import header, measure, runner, source
from labsupport.course.budget import Cost
from labsupport.course.runner import Job, Result
from labsupport.errors import LabsError


def test_a_measurement_is_kept_with_its_day_and_machine_in_a_file_of_the_lesson(course: Path) -> None:
    measure.store("101", {"minutes": 5})
    measure.store("102", {"minutes": 10})
    assert sorted(path.name for path in (course / "notebooks" / "measured").iterdir()) == ["101.json", "102.json"]
    kept = header.measured("101")
    assert kept is not None
    assert kept["minutes"] == 5 and kept["day"] == date.today().isoformat() and "cores" in kept["machine"]


def test_a_lesson_that_was_never_measured_has_no_numbers(course: Path) -> None:
    assert header.measured("101") is None
    assert header.cost_text(None) == "Time and memory are not measured yet."


@pytest.mark.parametrize(("cpu_seconds", "keeps"), [((50.0, 61.0, 59.0), True), ((50.0, 61.0, 62.0), False)])
def test_the_median_must_keep_the_budget(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, cpu_seconds: tuple[float, ...], keeps: bool
) -> None:
    lesson = source.read(write("# %%\n1\n", name="101_tiny.py"))
    left = [Cost(70.04, seconds, 500.4) for seconds in cpu_seconds]

    def run(job: Job) -> Result:
        return Result(job.name, None, left.pop(), None, 0)

    monkeypatch.setattr(runner, "run", run)
    if keeps:
        found = measure.measure(lesson)
        assert (found["run_seconds"], found["cpu_seconds"], found["memory_mb"]) == (70.0, 59.0, 500)
    else:
        with pytest.raises(LabsError, match=r"101_tiny took 61 CPU seconds; the budget is 60 \(medians of 3 runs\)"):
            measure.measure(lesson)

"""Medians are measured and must keep the budget; measurements of several `labs measure` at once are all kept."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labsupport.course import header, measure, runner, source
from labsupport.course.budget import Cost
from labsupport.course.runner import Job, Result
from labsupport.errors import LabsError


def test_writers_at_the_same_time_lose_nothing(course: Path, write: Callable[..., Path]) -> None:
    numbers = [f"{part}0{digit}" for part in (1, 2) for digit in range(1, 9)]
    for number in numbers:
        write("# %%\n1\n", name=f"{number}_tiny.py")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: measure.store({number: {"minutes": int(number)}}), numbers))
    assert {number: header.measured(number) for number in numbers} == {n: {"minutes": int(n)} for n in numbers}


def test_a_lesson_that_is_gone_is_dropped(course: Path, write: Callable[..., Path]) -> None:
    path = write("# %%\n1\n", name="101_tiny.py")
    measure.store({"101": {"minutes": 5}})
    path.rename(path.with_name("102_tiny.py"))
    measure.store({"102": {"minutes": 10}})
    assert (header.measured("101"), header.measured("102")) == (None, {"minutes": 10})


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

"""Measurements of several `labs measure` at once are all kept."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from labsupport.course import header, measure


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

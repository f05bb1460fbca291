"""The catalogue of lessons, and the measurements it is made from: damage is named with what mends it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from labsupport import paths, plots
from labsupport.course import catalogue, header
from labsupport.course.picture import COLUMNS, system_so_far
from labsupport.course.system import system_after
from labsupport.errors import LabsError


def test_damaged_measurements_and_a_damaged_catalogue_say_what_mends_them(course: Path) -> None:
    conflict = "<<<<<<< HEAD\n{}\n"
    (course / "notebooks" / "measured").mkdir()
    (course / "notebooks" / "measured" / "101.json").write_text(conflict)
    with pytest.raises(LabsError, match=r"101.json is damaged \(.*line 1.*\). .* run: labs measure 101"):
        header.measured("101")
    paths.CATALOGUE.write_text(conflict)
    catalogue.entries.cache_clear()
    with pytest.raises(LabsError, match=r"catalogue.json is damaged .* Run: labs build 000"):
        catalogue.entries()


def test_every_lesson_has_a_title_and_a_box_in_one_of_the_layers() -> None:
    syllabus = catalogue.syllabus()
    lessons = syllabus["lessons"]
    assert list(lessons) == sorted(lessons) and set(catalogue.entries()) <= set(lessons)
    for number, entry in lessons.items():
        assert len(entry["title"]) <= 24, number
        if number != "000":
            assert entry["layer"] in syllabus["layers"] and 0 < len(entry["box"]) <= 20, number
    boxes = [entry["box"] for entry in lessons.values() if "box" in entry]
    assert len(set(boxes)) == len(boxes)
    assert max(map(len, system_after("615").values())) <= COLUMNS


@pytest.mark.parametrize("name", catalogue.syllabus()["routes"])
def test_a_route_takes_lessons_of_the_syllabus(name: str) -> None:
    lessons = catalogue.syllabus()["routes"][name]["lessons"]
    assert lessons == "all" or set(lessons) <= set(catalogue.titles())


def test_a_box_stands_from_its_lesson_on_whether_or_not_the_lessons_before_are_written(
    course: Path, syllabus: Callable[..., None]
) -> None:
    boxes = {"101": "a", "203": "b", "204": "c", "604": "d"}
    lessons = {number: {"title": "T", "layer": "World", "box": box} for number, box in boxes.items()}
    syllabus(lambda content: content.update(lessons=lessons))
    assert system_after("203")["World"] == [("a", "there"), ("b", "new"), ("c", "later"), ("d", "later")]
    assert {standing for _, standing in system_after("999")["World"]} == {"there"}


def test_the_picture_of_the_system_says_what_is_new_and_counts_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = []
    monkeypatch.setattr(plots, "display_png", lambda png, alt: shown.append(alt))
    system_so_far("604")
    assert shown[0].endswith("new in lesson 604: model server (Serving).")
    assert capsys.readouterr().out == "New in lesson 604: model server (Serving).\n"

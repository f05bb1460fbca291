"""Nothing of the handout is lost: each of its items has a place in a lesson, or waits for a lesson that is planned."""

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from labsupport import paths
from labsupport.course import source

COVERAGE = yaml.safe_load(Path(__file__).with_name("coverage.yaml").read_text(encoding="utf-8"))
ITEMS = COVERAGE["items"]
IDS = [item["id"] for item in ITEMS]
SECTION = r"(title|overview|summary(\.\d)?|\d(\.\d){0,2})"
KINDS = {
    "headings": rf"h-{SECTION}",
    "bullets": rf"b-{SECTION}-\d",
    "snippets": r"S\d\d",
    "checklist": r"c-\d",
    "lines": r"l-[a-z]+",
    "faults": r"p-[a-z]+(-[\d.]+)?",
}
EXERCISE = r"\d{3}\.(\d+|[a-z])"
LESSONS = yaml.safe_load(paths.SYLLABUS.read_text(encoding="utf-8"))["lessons"]
WRITTEN = {number: path.read_text(encoding="utf-8") for number, path in source.find_sources(paths.sources()).items()}
PLACES = [
    pytest.param(item["id"], place["lesson"], str(place["where"]), id=f"{item['id']}-in-{place['lesson']}")
    for item in ITEMS
    for place in item.get("at", [])
]


def kind(name: str) -> str:
    fitting = [kind for kind, pattern in KINDS.items() if re.fullmatch(pattern, name)]
    assert len(fitting) == 1, f"{name} is no id of an item: the head of coverage.yaml says how ids look"
    return fitting[0]


def stands_in(where: str, text: str) -> bool:
    """Whether a lesson's source has the exercise of this key, or this text in one of its lines."""
    return f'exercise="{where}"' in text if re.fullmatch(EXERCISE, where) else where in text


def overdue(items: list[dict], written: set[str]) -> list[str]:
    """Return a sentence for each item that waits for a lesson which is written."""
    return [
        f"lesson {number} is written now: map item {item['id']} ({item['text']}) to an exercise or cell"
        for item in items
        for number in item.get("planned", [])
        if number in written
    ]


def state(items: list[dict]) -> str:
    """Say in one line how much of the handout waits for which lessons; nothing when nothing waits."""
    waiting = [item for item in items if item.get("planned")]
    if not waiting:
        return ""
    nowhere = sum(not item.get("at") for item in waiting)
    lessons = Counter(number for item in waiting for number in item["planned"])
    return (
        f"Handout: {nowhere} of {len(items)} items are still planned, {len(waiting) - nowhere} more are covered "
        f"and wait for a further lesson. By lesson: {', '.join(f'{n} ({lessons[n]})' for n in sorted(lessons))}."
    )


def test_every_item_stands_once() -> None:
    assert [name for name, times in Counter(IDS).items() if times > 1] == []


def test_there_are_as_many_items_of_each_kind_as_in_the_handout() -> None:
    assert Counter(map(kind, IDS)) == COVERAGE["counts"]


def test_all_33_snippets_are_there_in_their_order() -> None:
    assert [name for name in IDS if kind(name) == "snippets"] == [f"S{number:02}" for number in range(1, 34)]


def test_no_heading_is_left_out() -> None:
    headings = {name.removeprefix("h-") for name in IDS if kind(name) == "headings"}
    for name in headings:
        above, _, last = name.rpartition(".")
        before = f"{above}.{int(last) - 1}" if above and int(last) > 1 else ""
        assert {above, before} - {""} <= headings, f"heading {name} stands without {above} or {before}"


def test_no_list_entry_or_checklist_line_is_left_out() -> None:
    lists: dict[str, list[int]] = {}
    for name in IDS:
        if kind(name) in ("bullets", "checklist"):
            section, _, entry = name.rpartition("-")
            lists.setdefault(section, []).append(int(entry))
    for section, entries in lists.items():
        assert entries == list(range(1, len(entries) + 1)), f"{section} has the entries {entries}"
        assert section == "c" or section.replace("b-", "h-") in IDS, f"{section} stands under no heading"


@pytest.mark.parametrize("item", ITEMS, ids=IDS)
def test_every_item_has_a_lesson_of_the_syllabus_and_says_what_it_is(item: dict) -> None:
    assert set(item) <= {"id", "text", "at", "planned"}
    assert 1 <= len(item["text"].split()) <= 12
    numbers = [place["lesson"] for place in item.get("at", [])]
    waits_for = item.get("planned", [])
    assert numbers or waits_for, f"{item['id']} ({item['text']}) has no lesson"
    assert [number for number in numbers + waits_for if number not in LESSONS] == []
    assert not set(numbers) & set(waits_for), f"{item['id']} is both covered and planned in one lesson"
    assert len(set(waits_for)) == len(waits_for)


@pytest.mark.parametrize(("name", "number", "where"), PLACES)
def test_the_place_of_an_item_is_found_in_its_lesson(name: str, number: str, where: str) -> None:
    assert number in WRITTEN, f"{name}: lesson {number} has no source; write it as planned"
    assert len(where) >= 5, f"{name}: {where!r} is too short to point anywhere"
    assert stands_in(where, WRITTEN[number]), f"{name}: {where!r} is not found in the source of lesson {number}"


def test_no_item_waits_for_a_lesson_that_is_written() -> None:
    late = overdue(ITEMS, set(WRITTEN))
    assert not late, "\n".join(late)


def test_an_item_that_waits_for_a_written_lesson_is_named() -> None:
    item = {"id": "S99", "text": "a snippet", "at": [{"lesson": "101", "where": "101.1"}], "planned": ["102", "609"]}
    assert overdue([item], {"101"}) == []
    assert overdue([item], {"101", "102"}) == [
        "lesson 102 is written now: map item S99 (a snippet) to an exercise or cell"
    ]


def test_an_exercise_is_found_by_its_cell_and_not_by_its_mention() -> None:
    assert stands_in("101.4", '# %% tags=["exercise"] exercise="101.4"')
    assert not stands_in("101.4", "# Exercise 101.4 was great fun.")
    assert not stands_in("101.4", '# %% tags=["exercise"] exercise="101.41"')


def test_the_whole_handout_is_covered_by_written_lessons(capsys: pytest.CaptureFixture[str]) -> None:
    waiting = state(ITEMS)
    if waiting:
        with capsys.disabled():
            print(f"\n{waiting}")
        # Said a second time among the skipped tests, since parallel workers print nothing.
        pytest.skip(waiting)

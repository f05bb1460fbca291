"""The book: lines are only added, by several processes at a time, and a line that was cut off costs nothing but itself."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labsupport.errors import LabsError
from labsupport.gameday import book
from labsupport.gameday.book import Book


def test_entries_come_back_in_their_order_with_the_clock(tmp_path: Path) -> None:
    times = iter([10.0, 12.5])
    kept = Book(tmp_path / "book.jsonl", clock=lambda: next(times))
    kept.write("begin", seed=3)
    kept.write("incident", number=1, kind="oom")
    kept.write("alert", number=1, at=11.0)
    assert [(one["at"], one["what"]) for one in kept.entries()] == [
        (10.0, "begin"),
        (12.5, "incident"),
        (11.0, "alert"),
    ]


def test_another_process_goes_on_with_the_same_book(tmp_path: Path) -> None:
    Book(tmp_path / "book.jsonl").write("incident", number=1, kind="oom")
    again = Book(tmp_path / "book.jsonl")
    again.write("repaired", number=1)
    assert len(again.entries()) == 2


def test_many_writers_lose_no_line(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as several:
        list(several.map(lambda number: Book(tmp_path / "book.jsonl").write("page", number=number), range(200)))
    assert sorted(one["number"] for one in Book(tmp_path / "book.jsonl").entries()) == list(range(200))


def test_a_line_that_was_cut_off_is_left_out_and_the_next_one_is_not(tmp_path: Path) -> None:
    kept = Book(tmp_path / "book.jsonl")
    kept.write("begin", seed=0)
    with kept.path.open("a") as file:
        file.write('{"at": 3, "what": "pa')
    assert [one["what"] for one in kept.entries()] == ["begin"]
    kept.write("page", number=1)
    assert [one["what"] for one in kept.entries()] == ["begin", "page"]


def test_a_line_for_which_the_disk_has_no_room_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, write = Book(tmp_path / "book.jsonl"), os.write
    with monkeypatch.context() as patched, pytest.raises(LabsError, match="The disk is full"):
        patched.setattr(os, "write", lambda file, line: write(file, line[:9]))
        kept.write("begin", seed=0)
    kept.write("begin", seed=1)
    assert [one["seed"] for one in kept.entries()] == [1]


def test_a_new_day_keeps_the_book_of_the_day_before(tmp_path: Path) -> None:
    kept = Book(tmp_path / "book.jsonl")
    kept.begin(1)
    kept.begin(2)
    assert [one["seed"] for one in kept.entries()] == [2]
    assert '"seed": 1' in (tmp_path / "book.before.jsonl").read_text()


def test_an_incident_is_under_way_until_somebody_found_it_over(tmp_path: Path) -> None:
    kept = Book(tmp_path / "book.jsonl")
    assert book.under_way(kept.entries()) is None
    kept.write("incident", number=1, kind="oom")
    kept.write("repair", number=1)
    one = book.under_way(kept.entries())
    assert one is not None and one["kind"] == "oom"
    kept.write("repaired", number=1)
    assert book.under_way(kept.entries()) is None

"""Files are replaced in one step: what goes wrong leaves the old file, and nothing beside it."""

import errno
import os
from pathlib import Path

import pytest

from labsupport import files
from labsupport.errors import LabsError


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk is full: .*measured.json could not be written, what was there is kept"),
        (errno.EDQUOT, "The disk is full"),
        (errno.EROFS, r"measured.json may not be written here \(Read-only file system\). Check who owns"),
        (errno.EACCES, "may not be written here"),
    ],
)
def test_a_disk_that_refuses_gives_a_sentence_and_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, sentence: str
) -> None:
    file = tmp_path / "measured.json"
    files.write_json(file, {"old": 1})

    def refuses(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os if call == "fsync" else Path, call, refuses)
    with pytest.raises(LabsError, match=sentence):
        files.write_json(file, {"new": 2})
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("measured.json", '{\n "old": 1\n}\n')]


def test_an_interrupt_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.txt"
    files.write_text(file, "old")

    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.write_text(file, "new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_another_error_of_the_disk_is_not_hidden(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        files.write_text(tmp_path / "folder", "text")


def test_json_has_one_order_and_keeps_letters(tmp_path: Path) -> None:
    assert files.json_text({"b": 1, "a": "Tiếng Việt"}) == '{\n "a": "Tiếng Việt",\n "b": 1\n}\n'


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"nbformat": 4}', "\x00"], ids=repr)
def test_a_damaged_notebook_gets_a_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "101_tiny.ipynb"
    path.write_text(content)
    with pytest.raises(LabsError, match="is not a notebook any more .* `labs reset 101` gives a fresh copy"):
        files.read_notebook(path)


def test_a_missing_notebook_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(LabsError, match="There is no notebook .*101_tiny.ipynb"):
        files.read_notebook(tmp_path / "101_tiny.ipynb")

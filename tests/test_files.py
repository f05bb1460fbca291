"""Files are replaced in one step: what goes wrong leaves the old file, and nothing beside it."""

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from labsupport import files, variables
from labsupport.errors import LabsError
from tests.own_rights import as_a_user


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk is full: .*measured.json could not be written, what was there is kept"),
        (errno.EDQUOT, "The disk is full"),
        (errno.EROFS, r"measured.json can't be written: the file system is read-only. Change into a folder"),
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
    with pytest.raises(LabsError, match=r"101_tiny\.ipynb is not a notebook any more \(.*\)\. Take a fresh one\.$"):
        files.read_notebook(path, "Take a fresh one.")


def test_a_missing_notebook_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(LabsError, match=r"There is no notebook .*101_tiny\.ipynb\. Take a fresh one\.$"):
        files.read_notebook(tmp_path / "101_tiny.ipynb", "Take a fresh one.")


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("mine")], ids=["deleted", "changed"])
def test_git_brings_a_file_back_also_in_the_midst_of_a_merge(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    path = tmp_path / "a course" / "101_tiny.ipynb"
    path.parent.mkdir()
    env = variables.for_repository(tmp_path)

    def git(*arguments: str) -> int:
        return subprocess.run(["git", *arguments], cwd=path.parent, capture_output=True, env=env).returncode

    def commit(text: str) -> None:
        path.write_text(text)
        assert git("add", ".") == git("commit", "-m", text) == 0

    git("init")
    commit("base")
    git("checkout", "-b", "theirs")
    commit("theirs")
    git("checkout", "-b", "ours", "HEAD~1")
    commit("ours")
    assert git("merge", "theirs") == 1 and "<<<<" in path.read_text()
    spoil(path)
    command = files.from_git(path).split("`")[1]
    subprocess.run(command, shell=True, cwd=path.parent, check=True, capture_output=True, env=env)
    assert path.read_text() == "ours"


def test_a_private_file_is_its_owners_and_a_failed_one_leaves_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "sa.key"
    files.write_private(key, b"old")
    assert key.stat().st_mode & 0o777 == 0o600

    def refuses(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(Path, "replace", refuses)
    with pytest.raises(OSError, match="no space"):
        files.write_private(key, b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_what_is_written_piece_by_piece_appears_as_a_whole(tmp_path: Path) -> None:
    program = tmp_path / "etcd"
    with files.replacing(program, 0o755) as stream:
        stream.write(b"half")
        assert not program.exists()
        stream.write(b" and half")
    assert program.read_bytes() == b"half and half" and program.stat().st_mode & 0o777 == 0o755


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    wished = tmp_path / f"work.{files.stamp()}.ipynb"
    made = []
    for _ in range(3):
        made.append(files.free_name(wished))
        made[-1].touch()
    assert [path.name.removeprefix(wished.stem) for path in made] == [".ipynb", "-2.ipynb", "-3.ipynb"]


def test_a_folder_goes_with_what_may_not_be_written_in_it(a_users_folder: Path) -> None:
    def fill_and_remove() -> bool:
        locked = a_users_folder / "cache" / "module"
        locked.mkdir(parents=True)
        (locked / "file").write_text("x")
        locked.chmod(0o555)
        (a_users_folder / "cache").chmod(0o555)
        files.remove_folder(a_users_folder / "cache")
        return not (a_users_folder / "cache").exists()

    assert as_a_user(fill_and_remove)


def test_of_a_link_to_a_folder_only_the_link_goes(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs").chmod(0o755)
    (tmp_path / "link").symlink_to("theirs")
    files.remove_folder(tmp_path / "link")
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]
    assert (tmp_path / "theirs").stat().st_mode & 0o777 == 0o755

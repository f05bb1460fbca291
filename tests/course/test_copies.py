"""The learner's copies: never overwritten, backed up, packed and unpacked."""

import zipfile
from pathlib import Path

import pytest

from labsupport.course import copies, files, outputs, source, variants
from labsupport.errors import LabsError


@pytest.fixture
def published(course: Path, write) -> Path:
    lesson = source.read(write("# %%\nprint(1)\n"))
    notebook = variants.derive(lesson, "learner")
    notebook.metadata.labs["outputs_hash"] = outputs.outputs_hash(notebook)
    files.write_notebook(course / "notebooks" / "101_tiny.ipynb", notebook)
    return course


def test_start_copies_once_and_never_overwrites(published: Path) -> None:
    (copy,) = copies.start()
    copy.write_text("my work")
    assert copies.start() == []
    assert copy.read_text() == "my work"


def test_reset_gives_a_fresh_copy_and_keeps_the_old_one(published: Path) -> None:
    (copy,) = copies.start(["101"])
    for text in ("first", "second"):
        copy.write_text(text)
        fresh, backup = copies.reset("101")
        assert fresh.read_text() == (published / "notebooks" / "101_tiny.ipynb").read_text()
        assert backup and backup.read_text() == text
    assert len(list(copy.parent.iterdir())) == 3


def test_a_copy_is_listed_when_its_original_is_newer(published: Path, write) -> None:
    copies.start()
    assert copies.outdated() == []
    notebook = variants.derive(source.read(write("# %%\nprint(2)\n")), "learner")
    files.write_notebook(published / "notebooks" / "101_tiny.ipynb", notebook)
    assert copies.outdated() == ["101_tiny.ipynb"]


def test_save_and_restore_bring_everything_back_and_keep_what_differs(published: Path) -> None:
    (copy,) = copies.start()
    copy.write_text("before")
    archive = published / "mine.zip"
    copies.save(archive)
    with pytest.raises(LabsError, match="exists already"):
        copies.save(archive)
    assert copies.restore(archive) == ([], [])
    copy.write_text("after")
    restored, backups = copies.restore(archive)
    assert [path.read_text() for path in (*restored, *backups)] == ["before", "after"]


@pytest.mark.parametrize("name", ["work/../../evil.ipynb", "/etc/evil", "other/file.txt", "../progress.json"])
def test_an_archive_that_reaches_elsewhere_is_refused_whole(published: Path, name: str) -> None:
    archive = published / "evil.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("work/fine.ipynb", "x")
        zipped.writestr(name, "x")
    with pytest.raises(LabsError, match="is not an archive of `labs save`"):
        copies.restore(archive)
    assert not (published / "work" / "fine.ipynb").exists()


@pytest.mark.parametrize("content", [None, b"no zip"])
def test_a_missing_or_damaged_archive_gets_a_sentence(published: Path, content) -> None:
    archive = published / "mine.zip"
    if content is not None:
        archive.write_bytes(content)
    with pytest.raises(LabsError, match=r"There is no file|is not an archive"):
        copies.restore(archive)


def test_an_interrupted_save_leaves_nothing(published: Path, monkeypatch) -> None:
    copies.start()

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(zipfile.ZipFile, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        copies.save(published / "mine.zip")
    assert not list(published.glob("*mine.zip*"))

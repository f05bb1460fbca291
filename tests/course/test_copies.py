"""The learner's copies: never overwritten, backed up, packed and unpacked."""

import errno
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from labsupport import cli, files
from labsupport.course import archive as packing
from labsupport.course import copies, source, variants
from labsupport.errors import LabsError
from labsupport.exercises import progress


def publish(path: Path) -> Path:
    lesson = source.read(path)
    published = path.parents[1] / f"{lesson.name}.ipynb"
    files.write_notebook(published, variants.derive(lesson, "learner"))
    return published


@pytest.fixture
def published(course: Path, write: Callable[..., Path]) -> Path:
    """Return the root of a course with one lesson that is built."""
    publish(write("# %%\nprint(1)\n"))
    return course


@pytest.fixture
def copy(published: Path) -> Path:
    """Return the learner's copy of it."""
    (made,) = copies.start()
    return made


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_start_copies_what_is_missing_and_never_overwrites(copy: Path, write: Callable[..., Path]) -> None:
    copy.write_text("my work")
    second = publish(write("", name="102_other.py"))
    assert [made.name for made in copies.start()] == ["102_other.ipynb"]
    assert copy.read_text() == "my work"
    assert (copy.parent / "102_other.ipynb").read_text() == second.read_text()
    assert copies.start() == []


CODE = [
    'print("before")',
    'guess("101.g1", low=..., high=...)',
    'print("the number: 7, of which `reveal` tells")',
    'if True:\n    reveal("101.g1", 7)',
    """print('after: guess("101.g2", 0.5)')""",
]


@pytest.mark.parametrize("made", [lambda: copies.start()[0], lambda: copies.reset("101")[0]], ids=["start", "reset"])
def test_a_copy_does_not_tell_what_a_guess_asks_for(
    made: Callable[[], Path], course: Path, write: Callable[..., Path]
) -> None:
    published = publish(write("".join(f"# %%\n{code}\n\n" for code in CODE)))
    notebook = files.read_notebook(published)
    for count, cell in enumerate(cell for cell in notebook.cells if cell.cell_type == "code"):
        cell.outputs = [nbformat.v4.new_output("stream", text=cell.source)]
        cell.execution_count = count
    files.write_notebook(published, notebook)
    copy = files.read_notebook(made())
    shown = {cell.source: bool(cell.outputs) for cell in copy.cells if cell.cell_type == "code"}
    assert [shown[code] for code in CODE] == [True, True, False, False, True]
    assert copies.outdated() == []


def test_start_takes_only_the_lessons_that_are_named(published: Path, write: Callable[..., Path]) -> None:
    publish(write("", name="102_other.py"))
    assert [made.name for made in copies.start(["102"])] == ["102_other.ipynb"]


def mend(original: Path) -> str:
    return (
        f"`git checkout HEAD -- {original}` brings the committed one back; "
        f"where none was committed, `labs build {original.name[:3]}` makes it."
    )


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (Path.unlink, "There is no notebook {}. "),
        (lambda path: path.write_text("<<<<<<< HEAD"), "{} is not a notebook any more (Notebook does not appear"),
    ],
    ids=["missing", "damaged"],
)
def test_an_original_that_is_of_no_use_is_named_with_what_mends_it_and_stops_nothing(
    spoil: Callable[[Path], object],
    said: str,
    published: Path,
    write: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    second = publish(write("", name="102_other.py"))
    spoil(second)
    assert cli.main(["start"]) == 1
    shown = capsys.readouterr()
    assert shown.out == f"started {published / 'work' / '101_tiny.ipynb'}\n"
    assert shown.err.startswith(f"labs: {said.format(second)}") and shown.err.endswith(f"{mend(second)}\n")
    assert cli.main(["start", "102"]) == cli.main(["reset", "102"]) == 1
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count(mend(second)) == 2
    started: list = []
    monkeypatch.setattr(os, "execve", lambda *arguments: started.append(arguments))
    monkeypatch.setattr("labsupport.course.jupyterlab.settle", lambda: None)
    monkeypatch.chdir(published)
    cli.main(["lab"])
    assert started and capsys.readouterr().err.endswith(f"{mend(second)}\n")


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("{")], ids=["missing", "damaged"])
def test_a_copy_whose_original_is_of_no_use_is_not_compared_and_the_others_are(
    spoil: Callable[[Path], object], copy: Path, published: Path, write: Callable[..., Path]
) -> None:
    publish(write("", name="102_other.py"))
    copies.start()
    original = published / "notebooks" / copy.name
    spoil(original)
    assert mend(original) in copies.outdated_text() and "newest" not in copies.outdated_text()
    publish(write("# %%\nprint(2)\n", name="102_other.py"))
    text = copies.outdated_text()
    assert text.startswith("Newer originals exist of 102_other.ipynb: `labs reset NNN`") and text.endswith(
        mend(original)
    )


def test_what_is_wrong_with_the_course_is_not_taken_for_a_copy_that_stands_alone(copy: Path, published: Path) -> None:
    (published / "notebooks" / "src" / "notes.py").write_text("")
    assert copies.outdated_text().startswith("notes.py is not a lesson's name")


def test_reset_gives_a_fresh_copy_and_keeps_every_old_one_with_its_date(copy: Path, published: Path) -> None:
    kept = []
    # Three within one second: each backup has a name of its own.
    for text in ("first", "second", "third"):
        copy.write_text(text)
        fresh, backup = copies.reset("101")
        assert fresh.read_text() == (published / "notebooks" / "101_tiny.ipynb").read_text()
        assert backup is not None
        kept.append(backup)
    assert [backup.read_text() for backup in kept] == ["first", "second", "third"]
    assert all(backup.name.startswith("101_tiny.2") and backup.suffix == ".ipynb" for backup in kept)


def test_reset_without_a_copy_makes_one(published: Path) -> None:
    copy, backup = copies.reset("101")
    assert copy.exists() and backup is None


def test_a_copy_is_listed_when_its_original_is_newer_or_when_it_is_damaged(
    copy: Path, write: Callable[..., Path]
) -> None:
    assert copies.outdated() == []
    assert copies.outdated_text() == "All your copies are made from the newest originals."
    # What the learner writes into it does not make it old.
    copy.write_text(copy.read_text().replace("print(1)", "print(100)"))
    assert copies.outdated() == []
    publish(write("# %%\nprint(2)\n"))
    assert copies.outdated() == ["101_tiny.ipynb"]
    assert copies.outdated_text().startswith("Newer originals exist of 101_tiny.ipynb: `labs reset NNN`")
    copies.reset("101")
    copy.write_text("{")
    assert copies.outdated() == ["101_tiny.ipynb"]


def test_a_copy_outside_a_course_says_that_it_stands_alone(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABS_COURSE", str(tmp_path_factory.mktemp("empty")))
    assert copies.outdated_text().startswith("This copy stands alone")


def test_save_and_restore_bring_everything_back_on_another_machine(
    copy: Path, published: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy.write_text("my work")
    (copy.parent / "own" / "deep").mkdir(parents=True)
    (copy.parent / "own" / "deep" / "notes.bin").write_bytes(bytes(range(256)))
    (copy.parent / ".ipynb_checkpoints").mkdir()
    (copy.parent / ".ipynb_checkpoints" / "101_tiny-checkpoint.ipynb").write_text("not mine")
    progress.record_outcome("101.1", "PASS")
    assert packing.save(published / "mine.zip") == (2, True)

    other = tmp_path_factory.mktemp("other machine")
    (other / "notebooks" / "src").mkdir(parents=True)
    monkeypatch.setenv("LABS_COURSE", str(other))
    monkeypatch.setenv("LABS_HOME", str(other / "home"))
    restored, backups = packing.restore(published / "mine.zip")
    assert (len(restored), backups) == (3, [])
    assert (other / "work" / "101_tiny.ipynb").read_text() == "my work"
    assert (other / "work" / "own" / "deep" / "notes.bin").read_bytes() == bytes(range(256))
    assert not (other / "work" / ".ipynb_checkpoints").exists()
    assert progress.read()["101.1"]["outcome"] == "PASS"
    assert packing.restore(published / "mine.zip") == ([], []), "a second time nothing is to be done"


def test_restore_keeps_what_differs(copy: Path, published: Path) -> None:
    copy.write_text("before")
    progress.record_outcome("101.1", "PASS")
    packing.save(published / "mine.zip")
    copy.write_text("after")
    (backup,) = packing.restore(published / "mine.zip")[1]
    assert (copy.read_text(), backup.read_text()) == ("before", "after")


def test_save_does_not_overwrite_an_archive(copy: Path, published: Path) -> None:
    for name in ("mine.zip", "mine-2.zip"):
        (published / name).write_text("older")
    with pytest.raises(LabsError) as refused:
        packing.save(published / "mine.zip")
    assert str(refused.value).endswith(
        f"mine.zip exists already. Choose another name: labs save {published / 'mine-3.zip'}"
    )
    assert (published / "mine.zip").read_text() == "older"


def test_without_copies_and_progress_there_is_nothing_to_save(published: Path) -> None:
    with pytest.raises(LabsError, match="There is nothing to save yet"):
        packing.save(published / "mine.zip")


@pytest.mark.parametrize(
    "name", ["work/../../evil.ipynb", "/etc/evil", "other/file.txt", "../progress.json", "work/..", "work"]
)
def test_an_archive_that_reaches_elsewhere_is_refused_whole(published: Path, name: str) -> None:
    before = contents(published.parent)
    archive = published / "evil.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("work/fine.ipynb", "x")
        zipped.writestr(name, "x")
    with pytest.raises(LabsError, match=r"is not an archive of `labs save`: it holds .*Nothing was changed"):
        packing.restore(archive)
    archive.unlink()
    assert contents(published.parent) == before


def damaged(archive: Path) -> None:
    """Spoil the packed bytes of an archive and leave its list of contents intact."""
    content = bytearray(archive.read_bytes())
    start = content.index(b"101_tiny.ipynb") + len("101_tiny.ipynb")
    content[start : start + 40] = b"\xff" * 40
    archive.write_bytes(content)


def encrypted(archive: Path) -> None:
    """Mark the first file of an archive as encrypted."""
    content = bytearray(archive.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + flags] |= 1
    archive.write_bytes(content)


@pytest.mark.parametrize("spoil", [damaged, encrypted, lambda archive: archive.write_bytes(b"no zip")])
def test_an_archive_that_cannot_be_read_gets_a_sentence_and_changes_nothing(copy: Path, published: Path, spoil) -> None:
    archive = published / "mine.zip"
    copy.write_text(" ".join(str(n**3) for n in range(1000)))
    packing.save(archive)
    spoil(archive)
    copy.write_text("newer work")
    before = contents(published)
    with pytest.raises(LabsError, match=r"mine.zip is not an archive of `labs save` \("):
        packing.restore(archive)
    assert contents(published) == before


def test_a_missing_archive_gets_a_sentence(published: Path) -> None:
    with pytest.raises(LabsError, match="There is no file .*mine.zip. `labs save` makes one."):
        packing.restore(published / "mine.zip")


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (KeyboardInterrupt(), pytest.raises(KeyboardInterrupt)),
        (OSError(errno.ENOSPC, "No space left on device"), pytest.raises(LabsError, match="The disk is full")),
        (OSError(errno.EACCES, "Permission denied"), pytest.raises(LabsError, match="may not be written here")),
    ],
    ids=["interrupt", "full disk", "forbidden"],
)
def test_a_save_that_fails_leaves_nothing(
    copy: Path, published: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException, raised
) -> None:
    def fails(*arguments: object, **options: object) -> None:
        raise fault

    before = contents(published)
    monkeypatch.setattr(zipfile.ZipFile, "write", fails)
    with raised:
        packing.save(published / "mine.zip")
    assert contents(published) == before


def test_a_copy_that_cannot_be_written_leaves_nothing_half(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LabsError, match="The disk is full: .*101_tiny.ipynb could not be written"):
        copies.start()
    assert list((published / "work").iterdir()) == []


def test_the_commands_say_what_they_did(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*arguments: str) -> str:
        assert cli.main(list(arguments)) == 0
        return capsys.readouterr().out

    work, archive = published / "work", str(published / "mine.zip")
    assert said("start") == f"started {work / '101_tiny.ipynb'}\n"
    assert said("start").startswith("All copies are there already; `labs reset NNN` gives a fresh one.")
    assert said("save", archive).startswith("saved 1 files, without progress (it would be in ")
    progress.record_outcome("101.1", "PASS")
    (published / "mine.zip").unlink()
    assert said("save", archive).startswith("saved 1 files and your progress in")
    (work / "101_tiny.ipynb").write_text("newer work")
    assert said("restore", archive).startswith("restored 1 files; kept what differed: work/101_tiny.2")
    progress.path().unlink()
    assert said("restore", archive) == "restored 0 files; added the archive's progress to yours\n"
    assert said("restore", archive) == "restored 0 files\n"
    assert said("reset", "101").startswith(
        f"fresh copy: {work / '101_tiny.ipynb'}\nyour old one: {work / '101_tiny.2'}"
    )

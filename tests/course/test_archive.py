"""Packing and unpacking files as people have them: what can't be packed or written is named, all else is there."""

import ctypes
import errno
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import filelock
import pytest

from labsupport import cli, files, paths
from labsupport.course import archive, copies, source, variants
from labsupport.errors import LabsError
from labsupport.exercises import progress

NOBODY = 65534
needs_root = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root can make files of somebody else"
)


def without_privileges() -> None:
    """Before a program of root's starts: from then on it may read and write only what its owner and mode say."""
    drop, override, read_search, owner = 24, 1, 2, 3
    for capability in (override, read_search, owner):
        assert ctypes.CDLL(None).prctl(drop, capability, 0, 0, 0) == 0


@pytest.fixture
def work(course: Path, write: Callable[..., Path]) -> Path:
    """Return a work folder with one copy of a built lesson."""
    lesson = source.read(write("# %%\nprint(1)\n"))
    files.write_notebook(course / "notebooks" / f"{lesson.name}.ipynb", variants.derive(lesson, "learner"))
    copies.start()
    return course / "work"


def saved(work: Path) -> tuple[set[str], list[str]]:
    """Save, and return the names in the archive and what was said to be left out."""
    said: list[str] = []
    archive.save(work.parent / "mine.zip", said.append)
    with zipfile.ZipFile(work.parent / "mine.zip") as zipped:
        assert zipped.testzip() is None
        return set(zipped.namelist()), said


def test_an_archive_in_work_is_not_packed_and_a_learners_own_zip_is(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(work)
    with zipfile.ZipFile("own.zip", "w") as own:
        own.write("101_tiny.ipynb", "work/101_tiny.ipynb")
    (work / "short.txt").write_text("x")
    assert archive.save(Path("first.zip")) == archive.save(Path("second.zip")) == (3, False)
    Path("second.zip").rename(work / "uploaded (1).zip")
    names, said = saved(work)
    assert (names, said) == ({"work/101_tiny.ipynb", "work/own.zip", "work/short.txt"}, [])


def test_restore_takes_no_progress_away_and_adds_what_the_archive_knows(work: Path) -> None:
    progress.record_outcome("101.1", "PASS")
    saved(work)
    known = progress.read()
    progress.record_outcome("101.2", "PASS")
    newer = progress.read()
    assert archive.restore(work.parent / "mine.zip") == ([], [])
    assert progress.read() == newer
    progress.path().unlink()
    progress.record_outcome("101.2", "PASS")
    assert archive.restore(work.parent / "mine.zip") == ([progress.path()], [])
    assert progress.read()["101.1"] == known["101.1"] and "101.2" in progress.read()


def test_progress_that_cannot_be_merged_is_named_and_all_else_is_restored(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress.record_outcome("101.2", "PASS")
    mine = progress.path().read_bytes()
    file = work.parent / "mine.zip"

    def restored(content: str) -> tuple[list[str], list[str]]:
        with zipfile.ZipFile(file, "w") as zipped:
            zipped.writestr("progress.json", content)
            zipped.writestr("work/a.txt", "packed")
        (work / "a.txt").unlink(missing_ok=True)
        said: list[str] = []
        names = [path.name for path in archive.restore(file, said.append)[0]]
        return names, said

    names, (said,) = restored('{"exercises": [1')
    assert names == ["a.txt"] and said.startswith(f"The progress in {file} is left out: ")
    assert progress.path().read_bytes() == mine
    # Another version may know an exercise that this one does not.
    good = '{"exercises": {"199.1": {"attempts": 1}}}'
    with monkeypatch.context() as patched:
        patched.setattr(filelock.FileLock, "acquire", _held)
        assert restored(good) == (["a.txt"], [f"{progress.path()} is held by another program. Repeat this."])
    progress.path().write_text("damaged")
    names, (said,) = restored(good)
    assert names == ["progress.json", "a.txt"] and said.startswith("Your progress file was damaged; it is kept as ")
    assert progress.read() == {"199.1": {"attempts": 1}}


def _held(*arguments: object, **options: object) -> None:
    raise filelock.Timeout("progress.lock")


@pytest.mark.parametrize("variable", ["BINDER_SERVICE_HOST", "BINDER_LAUNCH_HOST", None])
def test_on_binder_the_command_says_that_the_archive_must_be_downloaded(
    variable: str | None, work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("BINDER_SERVICE_HOST", "BINDER_LAUNCH_HOST"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, "https://binder.example")
    assert cli.main(["save", str(work.parent / "mine.zip")]) == 0
    said = capsys.readouterr().out
    assert ("right-click mine.zip in the file list and download it" in said) == bool(variable)
    assert said.endswith("upload it, then: labs restore mine.zip\n") == bool(variable)


@pytest.mark.parametrize("year", [1969, 1970, 1979, 2108, 2110, 2400])
def test_a_date_that_zip_cannot_hold_keeps_no_file_out(work: Path, year: int) -> None:
    (work / "old.txt").write_text("content")
    seconds = (year - 1970) * 365.25 * 86400
    os.utime(work / "old.txt", (seconds, seconds))
    assert saved(work) == ({"work/101_tiny.ipynb", "work/old.txt"}, [])
    (work / "old.txt").write_text("newer")
    archive.restore(work.parent / "mine.zip")
    assert (work / "old.txt").read_text() == "content"


def test_what_cannot_be_packed_is_named_and_all_else_is_packed(work: Path) -> None:
    Path(os.fsdecode(os.fsencode(work) + b"/na\xefve.txt")).write_text("latin")
    (work / "broken").symlink_to("nowhere")
    (work / "data").symlink_to("/usr/share")
    (work / "loop").symlink_to("loop")
    os.mkfifo(work / "pipe")
    (work / "notes.txt").symlink_to(work.parent / "notes.txt")
    (work.parent / "notes.txt").write_text("linked")
    names, said = saved(work)
    assert names == {"work/101_tiny.ipynb", "work/notes.txt"}
    assert sorted(line.replace(f"{work}/", "") for line in said) == [
        "broken is left out: it is a link to what is not there.",
        "data is left out: it is a link to a folder.",
        "loop is left out: Too many levels of symbolic links.",
        "na\\xefve.txt is left out: its name is not text (UTF-8); give it another one.",
        "pipe is left out: it is not a file.",
    ]


def test_the_command_names_what_it_left_out_and_fails(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "broken").symlink_to("nowhere")
    assert cli.main(["save", str(work.parent / "mine.zip")]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("saved 1 files, without progress (it would be in ")
    assert said.err == f"labs: {work}/broken is left out: it is a link to what is not there.\n"


def test_a_file_that_turns_out_to_be_unreadable_half_way_leaves_a_whole_archive(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "bad.bin").write_bytes(os.urandom(100_000))
    (work / "z.txt").write_text("after it")
    write = zipfile.ZipFile.write

    def fails(self: zipfile.ZipFile, path: Path, name: str) -> None:
        if Path(path).name == "bad.bin":
            with self.open(name, "w") as half:
                half.write(b"half")
            raise OSError(errno.EIO, "Input/output error")
        write(self, path, name)

    monkeypatch.setattr(zipfile.ZipFile, "write", fails)
    names, said = saved(work)
    assert names == {"work/101_tiny.ipynb", "work/z.txt"}
    assert said == [f"{work}/bad.bin is left out: Input/output error."]


def test_a_file_that_is_deleted_while_it_is_saved_is_named(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / "gone.txt").write_text("x")
    write = zipfile.ZipFile.write

    def deletes(self: zipfile.ZipFile, path: Path, name: str) -> None:
        (work / "gone.txt").unlink(missing_ok=True)
        write(self, path, name)

    monkeypatch.setattr(zipfile.ZipFile, "write", deletes)
    assert saved(work) == ({"work/101_tiny.ipynb"}, [f"{work}/gone.txt is left out: it was deleted meanwhile."])


def test_a_very_large_file_is_packed_and_unpacked_piece_by_piece(work: Path) -> None:
    import resource

    with (work / "large.bin").open("wb") as large:
        large.truncate(1_500_000_000)
    code = "from pathlib import Path; from labsupport.course import archive; archive.save(Path('mine.zip')); Path('work/large.bin').unlink(); archive.restore(Path('mine.zip'))"
    limit = 700_000_000

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    subprocess.run([sys.executable, "-c", code], cwd=work.parent, check=True, preexec_fn=small)
    assert (work / "large.bin").stat().st_size == 1_500_000_000


@needs_root
def test_what_may_not_be_read_is_named(work: Path) -> None:
    (work / "secret.txt").write_text("x")
    (work / "closed").mkdir()
    (work / "closed" / "in.txt").write_text("x")
    for path in (work / "secret.txt", work / "closed"):
        path.chmod(0)
    code = "from pathlib import Path; from labsupport.course import archive; archive.save(Path('mine.zip'))"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=work.parent, preexec_fn=without_privileges
    )
    assert ran.returncode == 0, ran.stderr
    with zipfile.ZipFile(work.parent / "mine.zip") as zipped:
        assert zipped.namelist() == ["work/101_tiny.ipynb"]
    assert sorted(ran.stdout.splitlines()) == [
        f"{work}/closed is left out: Permission denied.",
        f"{work}/secret.txt is left out: Permission denied.",
    ]


def test_a_copy_that_is_a_link_is_restored_as_a_file_and_what_it_led_to_left_alone(work: Path) -> None:
    saved(work)
    elsewhere = work.parent / "elsewhere.ipynb"
    elsewhere.write_text("mine")
    (work / "101_tiny.ipynb").unlink()
    (work / "101_tiny.ipynb").symlink_to(elsewhere)
    restored, (backup,) = archive.restore(work.parent / "mine.zip")
    assert restored == [work / "101_tiny.ipynb"] and not restored[0].is_symlink()
    assert elsewhere.read_text() == backup.read_text() == "mine"


def test_a_folder_of_work_that_leads_elsewhere_is_not_written_through(work: Path) -> None:
    (work / "own").mkdir()
    (work / "own" / "notes.txt").write_text("x")
    saved(work)
    (work / "own").rename(work.parent / "outside")
    (work / "own").symlink_to(work.parent / "outside")
    with pytest.raises(LabsError, match="Nothing was changed"):
        archive.restore(work.parent / "mine.zip")


def test_what_cannot_be_restored_is_named_and_all_else_is_restored(work: Path) -> None:
    for name in ("a.txt", "z.txt"):
        (work / name).write_text("before")
    with zipfile.ZipFile(work.parent / "long.zip", "w") as zipped:
        for name in ("a.txt", "x" * 300, "z.txt"):
            zipped.writestr(f"work/{name}", "packed")
    (work / "a.txt").unlink()
    (work / "a.txt").mkdir()
    said: list[str] = []
    restored, _ = archive.restore(work.parent / "long.zip", said.append)
    assert restored == [work / "z.txt"] and (work / "z.txt").read_text() == "packed"
    assert [line.rpartition(": ")[2] for line in said] == ["Is a directory.", "File name too long."]


def test_a_full_disk_stops_a_restore_with_a_sentence(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(work)
    (work / "101_tiny.ipynb").write_text("mine")

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(LabsError, match="The disk is full: .*101_tiny.ipynb could not be written, what was there"):
        archive.restore(work.parent / "mine.zip")
    assert [(path.name, path.read_text()) for path in work.iterdir()] == [("101_tiny.ipynb", "mine")]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_reset_that_cannot_write_leaves_the_learners_copy_under_its_name(
    number: int, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "101_tiny.ipynb").write_text("my work")

    def refuses(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuses)
    with pytest.raises(LabsError, match=r"101_tiny\.ipynb"):
        copies.reset("101")
    assert [(path.name, path.read_text()) for path in work.iterdir()] == [("101_tiny.ipynb", "my work")]


@needs_root
@pytest.mark.parametrize(("mode", "sentence"), [(0o755, "may not be written here (Permission denied). Check who owns"), (0o700, "Permission denied. Check")])  # fmt: skip
@pytest.mark.parametrize("command", ["start", "reset 101", "save mine.zip", "build 101"])
def test_in_somebody_elses_folder_a_command_says_so_and_changes_nothing(
    command: str, mode: int, sentence: str, work: Path, checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (work / "101_tiny.ipynb").write_text("my work")
    if command == "start":
        (work / "101_tiny.ipynb").unlink()
    before = {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()}
    for path in (checkout, *checkout.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    checkout.chmod(mode)
    own = {"PYTHONPATH": str(checkout), "LABS_HOME": str(tmp_path_factory.mktemp("home"))}
    ran = subprocess.run(
        [sys.executable, "-m", "labsupport.cli", *command.split()],
        capture_output=True,
        text=True,
        cwd=checkout,
        env=os.environ | own | {"PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=without_privileges,
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("labs: ") and sentence in ran.stderr and "Traceback" not in ran.stderr
    assert {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()} == before


def test_a_report_that_may_not_be_written_goes_to_the_temporary_files(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from labsupport.course import report

    (course / "build").write_text("a file where the folder should be")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(files, "write_text", _refusing(course / "build", files.write_text))
    page = report.write(paths.build_folder() / "report.html", [], 1.0)
    assert page.parent == tmp_path and "0 of 0 notebooks passed" in page.read_text()


def _refusing(folder: Path, write: Callable[[Path, str], None]) -> Callable[[Path, str], None]:
    def refuse(path: Path, text: str) -> None:
        if path.is_relative_to(folder):
            raise LabsError(f"{path} may not be written here")
        write(path, text)

    return refuse

"""Environments of their own: made once, asked for by name, and a clear sentence where one is missing."""

import errno
import fcntl
import subprocess
import threading
import time
from pathlib import Path

import pytest

from labsupport import isolated, paths
from labsupport.errors import LabsError
from tests.own_rights import as_a_user


@pytest.fixture
def locks(tmp_path, monkeypatch):
    monkeypatch.setenv("LABS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LABS_ENVIRONMENTS", raising=False)
    folder = tmp_path / "requirements"
    folder.mkdir()
    (folder / "main.txt").write_text("")
    (folder / "empty.txt").write_text("# nothing to install\n")
    monkeypatch.setattr(isolated, "_locks", lambda: folder)
    monkeypatch.setattr(isolated, "TOOLS", ("empty",))
    return folder


def test_every_tool_has_its_pair_of_files_and_every_other_pair_is_the_courses_own() -> None:
    pairs = {path.stem for path in (paths.course_root() / "requirements").glob("*.in")}
    assert pairs == {*isolated.TOOLS, "main", "serve", "train"}
    assert all((paths.course_root() / "requirements" / f"{name}.txt").exists() for name in pairs)


def test_an_unknown_name_is_answered_by_those_that_there_are(locks) -> None:
    for name in ("mlflow", "main"):
        with pytest.raises(LabsError, match="there are: empty"):
            isolated.make(name)


def test_a_program_that_is_not_there_yet_names_the_command_that_makes_it(locks) -> None:
    with pytest.raises(LabsError, match="labs env empty"):
        isolated.program("empty", "python")


def test_an_environment_is_made_once_and_runs(locks, monkeypatch) -> None:
    folder = isolated.make("empty")
    python = isolated.program("empty", "python")
    seen = subprocess.run([python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == str(folder)
    monkeypatch.setattr(isolated, "_run", lambda *_: pytest.fail("made a second time"))
    assert isolated.make("empty") == folder


@pytest.mark.parametrize("quiet", [False, True])
def test_in_a_notebook_an_environment_is_made_without_a_line_a_package(locks, monkeypatch, quiet: bool) -> None:
    commands: list[list[str]] = []
    really = isolated._run

    def noted(command: list[str], name: str, turn: int) -> None:
        commands.append(command)
        really(command, name, turn)

    monkeypatch.setattr(isolated, "_run", noted)
    isolated.make("empty", quiet=quiet)
    assert [("--quiet" in command) for command in commands if "install" in command] == [quiet]


def test_another_lock_is_another_environment(locks) -> None:
    before = isolated.make("empty")
    (locks / "empty.txt").write_text("# another one\n")
    assert isolated._folder("empty") != before


def test_a_broken_installation_is_no_environment_and_says_how_to_go_on(locks, monkeypatch) -> None:
    monkeypatch.setattr("labsupport.isolated.subprocess.call", lambda *_, **__: 1)
    with pytest.raises(LabsError, match="repeat: labs env empty"):
        isolated.make("empty")
    with pytest.raises(LabsError, match="not there yet"):
        isolated.program("empty", "python")


def test_two_that_make_the_same_environment_take_turns(locks, monkeypatch) -> None:
    entered, go_on, made = threading.Event(), threading.Event(), []

    def run(command: list[str], name: str, turn: int) -> None:
        made.append(command)
        entered.set()
        assert go_on.wait(60)
        python = Path(isolated._folder(name)) / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()

    monkeypatch.setattr(isolated, "_run", run)
    both = [threading.Thread(target=isolated.make, args=("empty",)) for _ in range(2)]
    both[0].start()
    assert entered.wait(60)
    both[1].start()
    go_on.set()
    for thread in both:
        thread.join(60)
    assert len(made) == 2, "a venv and its libraries, once"
    assert isolated.program("empty", "python").exists()


def test_an_environment_that_was_moved_or_lost_its_python_is_made_again(locks, tmp_path, monkeypatch) -> None:
    isolated.make("empty")
    (tmp_path / "home").rename(tmp_path / "moved")
    monkeypatch.setenv("LABS_HOME", str(tmp_path / "moved"))
    with pytest.raises(LabsError, match="Make it: labs env empty"):
        isolated.program("empty", "python")
    folder = isolated.make("empty")
    assert isolated.program("empty", "python").is_relative_to(tmp_path / "moved")
    (folder / "bin" / "python").unlink()
    with pytest.raises(LabsError, match="Make it: labs env empty"):
        isolated.program("empty", "python3")


def test_a_home_without_file_locks_gets_a_sentence(locks, monkeypatch) -> None:
    def no_locks(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(LabsError, match=r"can't be locked \(No locks available\).*Set LABS_HOME to a folder on a disk"):
        isolated.make("empty")


def test_an_installer_that_outlives_its_command_keeps_the_turn(locks, monkeypatch) -> None:
    left: list[subprocess.Popen[bytes]] = []

    def killed(command: list[str], env: object = None, pass_fds: tuple[int, ...] = ()) -> int:
        left.append(subprocess.Popen(["sleep", "600"], pass_fds=pass_fds))
        raise KeyboardInterrupt

    monkeypatch.setattr("labsupport.isolated.subprocess.call", killed)
    with pytest.raises(KeyboardInterrupt):
        isolated.make("empty")
    with isolated._folder("empty").with_suffix(".lock").open() as lock:
        try:
            with pytest.raises(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            left[0].kill()
            left[0].wait()
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), LabsError("no network"), OSError(errno.ENOSPC, "full")])
def test_of_an_environment_that_was_not_finished_nothing_stays(locks, monkeypatch, error: BaseException) -> None:
    def ends(command: list[str], name: str, turn: int) -> None:
        (isolated._folder(name) / "lib").mkdir(parents=True)
        (isolated._folder(name) / "lib" / "half").touch()
        raise error

    monkeypatch.setattr(isolated, "_run", ends)
    with pytest.raises((KeyboardInterrupt, LabsError)):
        isolated.make("empty")
    assert not isolated._folder("empty").exists()


def test_who_waits_for_another_one_says_so_once(locks, capsys) -> None:
    lock = isolated._folder("empty").with_suffix(".lock")
    lock.parent.mkdir(parents=True)
    with lock.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        waiting = threading.Thread(target=isolated.make, args=("empty",), kwargs={"quiet": True})
        waiting.start()
        said, until = "", time.monotonic() + 60
        while not said and time.monotonic() < until:
            time.sleep(0.05)
            said = capsys.readouterr().out
        assert said == "Another one makes this environment; waiting (Ctrl-C ends it).\n"
    waiting.join(240)
    assert isolated.program("empty", "python").exists()
    isolated.make("empty")
    assert "Another one" not in capsys.readouterr().out


def test_a_finished_environment_serves_those_who_may_not_write_there(locks, a_users_folder, monkeypatch) -> None:
    monkeypatch.setenv("LABS_ENVIRONMENTS", str(a_users_folder))
    folder = isolated._folder("empty")
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch()
    (folder / "labs-ready").write_text(str(folder))
    (a_users_folder / f"{folder.name}.lock").touch(0o600)
    a_users_folder.chmod(0o755)
    # Read before: the folder of the locks is closed to others.
    monkeypatch.setattr(isolated, "_folder", lambda name: folder)
    assert as_a_user(lambda: isolated.make("empty") == folder)

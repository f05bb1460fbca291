"""The command `labs`: quick, and a sentence for whatever goes wrong."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from labsupport import cli, isolated
from labsupport.exercises import progress

COMMANDS = [
    "list",
    "lab",
    "start",
    "reset",
    "save",
    "restore",
    "progress",
    "doctor",
    "run",
    "build",
    "measure",
    "new",
    "gameday",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: labs {command}" in capsys.readouterr().out


def test_the_help_names_every_environment(capsys) -> None:
    with pytest.raises(SystemExit):
        cli.main(["env", "--help"])
    *names, last = isolated.TOOLS
    assert f"{', '.join(names)} or {last}" in " ".join(capsys.readouterr().out.split())


def best_seconds(code: list[str]) -> float:
    times = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run([sys.executable, *code], check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return min(times)


def test_help_and_import_answer_at_once() -> None:
    nothing = best_seconds(["-c", ""])
    assert best_seconds(["-c", "import labsupport"]) - nothing < 0.3
    assert best_seconds(["-m", "labsupport.cli", "--help"]) - nothing < 0.3


@pytest.mark.parametrize(
    "package", ["labsupport.course", "labsupport.exercises", "labsupport.cluster", "labsupport.doctor"]
)
def test_heavy_libraries_stay_out_of_the_engine(package: str) -> None:
    walk = f"""
import importlib, importlib.util, pkgutil, sys
if importlib.util.find_spec({package!r}):
    package = importlib.import_module({package!r})
    for module in pkgutil.walk_packages(getattr(package, "__path__", []), package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
print(*sorted({{"tensorflow", "sklearn", "mlflow"}} & set(sys.modules)))
"""
    found = subprocess.run([sys.executable, "-c", walk], capture_output=True, text=True, check=True).stdout
    assert found.strip() == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["start", "999"], "There is no lesson 999. Lessons are: 000, 101"),
        (["reset", "999"], "There is no lesson 999"),
        (["run", "999"], "There is no lesson 999"),
        (["build", "999"], "There is no lesson 999"),
        (["build", "--check", "999"], "There is no lesson 999"),
        (["measure", "999"], "There is no lesson 999"),
        (["run", "-j", "0"], "-j takes a number of notebooks from 1 up; you gave 0"),
        (["list", "--route", "moon"], "There is no route 'moon'. Routes are: alone, one-day"),
        (["restore", "nowhere.zip"], "There is no file nowhere.zip"),
        (["progress", "--merge", "nowhere.json"], "There is no progress file nowhere.json"),
        (["new", "1", "x"], "'1' is not a lesson's number"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_gets_one_sentence_and_exit_1(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"labs: {sentence}") and said.out == ""


def test_a_path_through_a_file_and_a_folder_that_is_gone_get_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LABS_HOME", str(tmp_path / "home"))
    progress.record_outcome("101.1", "PASS")
    (tmp_path / "file").write_text("no folder")
    assert cli.main(["save", str(tmp_path / "file" / "mine.zip")]) == 1
    assert capsys.readouterr().err.startswith(f"labs: {tmp_path / 'file'}: ")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    monkeypatch.delenv("LABS_COURSE", raising=False)
    assert cli.main(["save", "mine.zip"]) == 1
    assert capsys.readouterr().err.startswith("labs: ")


@pytest.mark.parametrize("command", ["list", "progress"])
def test_commands_that_write_nothing_work_on_a_full_disk(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setenv("LABS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "gettempdir", full)
    assert cli.main([command]) == 0


@pytest.mark.parametrize("arguments", [[], ["fly"], ["reset"], ["run", "-j", "many"]], ids=" ".join)
def test_wrong_usage_is_exit_2_and_shows_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: labs")


@pytest.mark.parametrize(
    "arguments",
    [
        ["lab"],
        ["start"],
        ["reset", "101"],
        ["save", "mine.zip"],
        ["run"],
        ["build"],
        ["build", "--check"],
        ["measure"],
        ["new", "206", "x"],
    ],
    ids=" ".join,
)
def test_outside_the_course_the_sentence_says_where_to_go(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LABS_COURSE", str(tmp_path))
    assert cli.main(arguments) == 1
    assert capsys.readouterr().err == (
        f"labs: No course found at {tmp_path}: expected a folder with notebooks/src. "
        "Change into your clone of the course, or set LABS_COURSE to its path.\n"
    )
    assert list(tmp_path.iterdir()) == []


FULL = "labs: The disk is full, or the folder for temporary files can't be written: free some space, or set TMPDIR.\n"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (FileNotFoundError(2, "No usable temporary directory found in ['/tmp', '/var/tmp']"), FULL),
        (OSError(28, "No space left on device"), "labs: No space left on device. Free some space and repeat.\n"),
        (OSError(28, "No space left on device", "/x"), "labs: /x: No space left on device. Free some space and repeat.\n"),
        (OSError(24, "Too many open files"), "labs: Too many open files.\n"),
        (TimeoutError("timed out"), "labs: timed out.\n"),
        (PermissionError(1, "Operation not permitted"), "labs: Operation not permitted.\n"),
        (PermissionError(13, "Permission denied", "/x"), "labs: /x: Permission denied. Check who owns it, or change into a folder of yours.\n"),
        (NotADirectoryError(20, "Not a directory", "/x/y"), "labs: /x/y: Not a directory. Check that path.\n"),
        (BrokenPipeError(32, "Broken pipe"), "labs: Broken pipe.\n"),
    ],
    ids=repr,
)  # fmt: skip
def test_an_error_of_the_system_is_said_as_what_it_is(
    error: OSError, sentence: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fails(options: object) -> int:
        raise error

    monkeypatch.setattr(cli, "_list", fails)
    assert cli.main(["list"]) == 1
    assert capfd.readouterr() == ("", sentence)


def test_a_folder_that_was_deleted_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    monkeypatch.delenv("LABS_COURSE", raising=False)
    assert cli.main(["start"]) == 1
    assert capsys.readouterr().err == (
        "labs: The folder that you are in was deleted, or is closed to you: change into your clone.\n"
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_was_cut_off_ends_without_a_word_and_not_as_a_success(unbuffered: str) -> None:
    read, write = os.pipe()
    os.close(read)
    env = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    ran = subprocess.run(
        [sys.executable, "-m", "labsupport.cli", "list"], stdout=write, stderr=subprocess.PIPE, env=env
    )
    os.close(write)
    assert (ran.returncode, ran.stderr) == (141, b"")


def test_lab_opens_jupyterlab_on_the_copies_with_the_users_own_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notebooks" / "src").mkdir(parents=True)
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("LABS_COURSE", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABS_HOME", "mine")
    started: list = []
    monkeypatch.setattr(os, "execve", lambda *arguments: started.append(arguments))
    monkeypatch.setattr("labsupport.course.jupyterlab.settle", lambda: None)
    cli.main(["lab", "--", "--no-browser"])
    ((program, command, env),) = started
    assert env["LABS_HOME"] == str(tmp_path / "mine")
    assert program == sys.executable
    assert command[1:4] == ["-m", "jupyterlab", f"--ServerApp.root_dir={tmp_path / 'work'}"]
    assert command[-1] == "--no-browser"
    assert env["OMP_NUM_THREADS"] == "3" and env["DO_NOT_TRACK"] == "1"
    assert f"Your copies are in {tmp_path / 'work'} (0 new)." in capsys.readouterr().out


def test_what_lab_says_is_not_lost_where_output_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "notebooks" / "src").mkdir(parents=True)
    (tmp_path / "work").mkdir()
    quick = "from labsupport.course import jupyterlab; jupyterlab.settle = lambda: None; sys.executable = '/bin/true'"
    code = f"import sys; from labsupport import cli; {quick}; cli.main(['lab'])"
    env = os.environ | {"LABS_COURSE": str(tmp_path), "PYTHONUNBUFFERED": ""}
    ran = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith(f"Your copies are in {tmp_path / 'work'} (0 new).")


def test_lists_and_progress_work_without_the_course_folder(tmp_path: Path) -> None:
    env = dict(os.environ, LABS_HOME=str(tmp_path))
    for command in ("list", "progress"):
        ran = subprocess.run(
            [sys.executable, "-m", "labsupport.cli", command], cwd=tmp_path, env=env, capture_output=True, text=True
        )
        assert ran.returncode == 0 and "101" in ran.stdout


def test_an_interrupt_is_exit_130(monkeypatch, capsys) -> None:
    def interrupted(options) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_list", interrupted)
    assert cli.main(["list"]) == 130
    assert "nothing half-written" in capsys.readouterr().err

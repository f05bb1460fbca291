"""The command `labs`: quick, and a sentence for whatever goes wrong."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labsupport import cli

COMMANDS = ["list", "lab", "start", "reset", "save", "restore", "progress", "doctor", "run", "build", "measure", "new"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: labs {command}" in capsys.readouterr().out


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
        (["run", "999"], "There is no lesson 999"),
        (["run", "-j", "0"], "-j takes a number"),
        (["list", "--route", "moon"], "There is no route 'moon'. Routes are: alone, one-day"),
        (["restore", "nowhere.zip"], "There is no file nowhere.zip"),
        (["progress", "--merge", "nowhere.json"], "There is no progress file nowhere.json"),
        (["new", "1", "x"], "not a lesson's number"),
    ],
)
def test_a_mistake_gets_one_sentence_and_exit_1(arguments: list[str], sentence: str, capsys) -> None:
    assert cli.main(arguments) == 1
    errors = capsys.readouterr().err
    assert errors.startswith("labs: ") and sentence in errors and "Traceback" not in errors


def test_outside_the_course_the_sentence_says_where_to_go(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("LABS_COURSE", str(tmp_path))
    assert cli.main(["start"]) == 1
    assert "Change into your clone of the course, or set LABS_COURSE" in capsys.readouterr().err


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

"""Environments of their own: made once, asked for by name, and a clear sentence where one is missing."""

import subprocess

import pytest

from labsupport import isolated
from labsupport.errors import LabsError


@pytest.fixture
def locks(tmp_path, monkeypatch):
    monkeypatch.setenv("LABS_HOME", str(tmp_path / "home"))
    folder = tmp_path / "requirements"
    folder.mkdir()
    (folder / "main.txt").write_text("")
    (folder / "empty.txt").write_text("# nothing to install\n")
    monkeypatch.setattr(isolated, "_locks", lambda: folder)
    return folder


def test_every_lock_but_the_main_one_is_an_environment() -> None:
    assert "mlserver" in isolated.names()
    assert "main" not in isolated.names()


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


def test_another_lock_is_another_environment(locks) -> None:
    before = isolated.make("empty")
    (locks / "empty.txt").write_text("# another one\n")
    assert isolated._folder("empty") != before


def test_a_broken_installation_is_no_environment_and_says_how_to_go_on(locks, monkeypatch) -> None:
    monkeypatch.setattr("labsupport.isolated.subprocess.call", lambda *_: 1)
    with pytest.raises(LabsError, match="repeat: labs env empty"):
        isolated.make("empty")
    with pytest.raises(LabsError, match="not there yet"):
        isolated.program("empty", "python")

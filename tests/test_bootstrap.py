"""The set-up of a fresh machine: what it does once, and what it says when it can't."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from labsupport import bootstrap


@pytest.fixture
def tree(tmp_path: Path, monkeypatch) -> Path:
    for name, path in {"VENV": ".venv", "LOCK": "main.txt", "SIZE": "size.json", "LOG": "build/setup.log"}.items():
        monkeypatch.setattr(bootstrap, name, str(tmp_path / path))
    monkeypatch.setattr(bootstrap, "ROOT", str(tmp_path))
    monkeypatch.setattr(bootstrap, "STAMP", str(tmp_path / ".venv" / "labs-ready"))
    monkeypatch.setattr(bootstrap, "PYTHON", str(tmp_path / ".venv" / "bin" / "python"))
    (tmp_path / "main.txt").write_text("numpy==1\n")
    (tmp_path / "size.json").write_text(json.dumps({"download_mb": 1, "disk_gb": 0.1, "minutes": 1}))
    return tmp_path


def installed(tree: Path) -> None:
    (tree / ".venv" / "bin").mkdir(parents=True)
    (tree / ".venv" / "bin" / "python").symlink_to(sys.executable)


def test_it_can_be_read_by_an_old_python_which_it_then_refuses(monkeypatch) -> None:
    ast.parse(Path(bootstrap.__file__).read_text(), feature_version=(3, 6))
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 1))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    with pytest.raises(bootstrap.SetupError, match="no python3.11, python3.12 or python3.13 is on PATH"):
        bootstrap.suitable_python()


def test_a_second_call_does_nothing_until_the_lock_changes(tree: Path, monkeypatch) -> None:
    calls = []
    monkeypatch.setattr(bootstrap, "_step", lambda name, command: calls.append(name) or installed_once(tree))
    monkeypatch.setattr(bootstrap, "_quiet", lambda command: 0 if (tree / ".venv").exists() else 1)
    monkeypatch.setattr(bootstrap, "_same_version", lambda interpreter: (tree / ".venv").exists())
    assert bootstrap.main() == 0 and len(calls) == 4
    assert bootstrap.main() == 0 and len(calls) == 4
    (tree / "main.txt").write_text("numpy==2\n")
    assert bootstrap.main() == 0 and len(calls) == 7


def installed_once(tree: Path) -> None:
    if not (tree / ".venv").exists():
        installed(tree)


SAID = {
    "error: Failed to fetch: dns error: failed to lookup address": "the package index can't be reached",
    "OSError: [Errno 28] No space left on device": "the disk is full",
    "ensurepip is not available": "sudo apt install python3-venv",
    "something else broke": "step 1/4 environment failed: something else broke",
}


@pytest.mark.parametrize("said", SAID)
def test_a_failed_step_gives_its_sentence(tree: Path, said: str, capsys) -> None:
    (tree / "build").mkdir()
    (tree / "build" / "setup.log").write_text("")
    with pytest.raises(bootstrap.SetupError, match=SAID[said].replace("(", r"\(")):
        bootstrap._step("1/4 environment", [sys.executable, "-c", f"print({said!r}); raise SystemExit(1)"])


def test_too_little_disk_is_said_before_anything_is_made(tree: Path, monkeypatch, capsys) -> None:
    (tree / "size.json").write_text(json.dumps({"download_mb": 1, "disk_gb": 10**6, "minutes": 1}))
    assert bootstrap.main() == 1
    assert "GB of disk are free" in capsys.readouterr().err
    assert not (tree / ".venv").exists()


def test_an_interrupt_is_exit_130(tree: Path, monkeypatch, capsys) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "announce", interrupted)
    assert bootstrap.main() == 130
    assert "goes on where it stopped" in capsys.readouterr().err


def test_windows_and_intel_macs_get_one_sentence(monkeypatch) -> None:
    monkeypatch.setattr(bootstrap.platform, "system", lambda: "Darwin")
    monkeypatch.setattr(bootstrap.platform, "machine", lambda: "x86_64")
    with pytest.raises(bootstrap.SetupError, match="Intel Macs"):
        bootstrap.refuse_systems()
    monkeypatch.setattr(bootstrap.platform, "system", lambda: "Windows")
    with pytest.raises(bootstrap.SetupError, match="use WSL2"):
        bootstrap.refuse_systems()


def test_make_says_which_commands_there_are() -> None:
    listed = subprocess.run(
        ["make", "help"], cwd=Path(bootstrap.__file__).parents[1], capture_output=True, text=True, check=True
    )
    for target in ("course", "lab", "test", "build", "nightly"):
        assert f"\n{target} " in "\n" + listed.stdout

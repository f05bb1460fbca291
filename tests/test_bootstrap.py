"""The set-up of a fresh machine: what it does once, and what it says when it can't."""

import ast
import errno
import json
import os
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
    monkeypatch.setattr(bootstrap, "TURN", str(tmp_path / "build" / "setup.lock"))
    for name, path in {"STAMP": "labs-ready", "BEGUN": "labs-begun", "PYTHON": "bin/python"}.items():
        monkeypatch.setattr(bootstrap, name, str(tmp_path / ".venv" / path))
    (tmp_path / "main.txt").write_text("numpy==1\n")
    (tmp_path / "size.json").write_text(json.dumps({"download_mb": 1, "disk_gb": 0.1, "minutes": 1}))
    return tmp_path


def test_it_can_be_read_by_an_old_python() -> None:
    ast.parse(Path(bootstrap.__file__).read_text(), feature_version=(3, 6))


@pytest.mark.parametrize("version", [(3, 6), (3, 10), (3, 14)])
def test_an_unsupported_python_is_refused_when_no_other_is_there(
    version: tuple[int, int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (*version, 0))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    assert bootstrap.main() == 1
    assert "no python3.11, python3.12 or python3.13 is on PATH. Install one of them" in capsys.readouterr().err


def test_a_supported_python_on_path_is_taken_but_not_a_broken_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 0))
    found = {"python3.12": "/no/such/python3.12", "python3.11": sys.executable}
    monkeypatch.setattr(bootstrap.shutil, "which", found.get)
    assert bootstrap.suitable_python() == sys.executable


class Setup:
    """Steps that are only noted; the first one makes an environment, as `python -m venv` would."""

    def __init__(self, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tree = tree
        self.steps: list = []
        monkeypatch.setattr(bootstrap, "_step", self.step)
        monkeypatch.setattr(bootstrap, "_fault", self.fault)
        # Nothing but the environment's own uv would be found, and that is not installed.
        monkeypatch.setattr(bootstrap, "_quiet", lambda command: int(command[0].endswith("uv")))

    def step(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        self.steps.append(name[:3])
        if name.startswith("1/4"):
            (self.tree / ".venv" / "bin").mkdir(parents=True)
            (self.tree / ".venv" / "bin" / "python").symlink_to(sys.executable)

    def fault(self, package: bool = True) -> str:
        return "" if (self.tree / ".venv" / "bin" / "python").exists() else "its Python is gone"


@pytest.fixture
def setup(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Setup:
    return Setup(tree, monkeypatch)


def test_it_is_ready_after_the_first_call_and_a_second_one_does_nothing(
    tree: Path, setup: Setup, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not bootstrap.ready()
    assert bootstrap.main() == 0
    assert setup.steps == ["1/4", "2/4", "3/4", "4/4"]
    said = capsys.readouterr().out
    assert said.startswith("Setting up the course in .venv: about 1 MB to download, 0.1 GB of disk, 1 minutes")
    assert said.endswith("Ready.\n")
    assert bootstrap.ready()
    assert bootstrap.main() == 0
    assert setup.steps == ["1/4", "2/4", "3/4", "4/4"]
    assert capsys.readouterr().out == ""


def test_a_new_lock_is_installed_into_the_environment_that_is_there(tree: Path, setup: Setup) -> None:
    bootstrap.main()
    (tree / "main.txt").write_text("numpy==2\n")
    assert not bootstrap.ready()
    assert bootstrap.main() == 0
    assert setup.steps[4:] == ["2/4", "3/4", "4/4"]


def test_an_environment_that_lost_its_python_is_not_ready(tree: Path, setup: Setup) -> None:
    bootstrap.main()
    (tree / ".venv" / "bin" / "python").unlink()
    assert not bootstrap.ready()


@pytest.mark.parametrize("failing", ["1/4", "2/4", "3/4", "4/4"])
def test_after_a_failed_step_the_same_command_goes_on(
    failing: str, tree: Path, setup: Setup, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def step(name: str, command: list[str], environment: dict[str, str]) -> None:
        if name.startswith(failing):
            raise bootstrap.SetupError("the package index can't be reached.")
        setup.step(name, command, environment)

    monkeypatch.setattr(bootstrap, "_network_failed", lambda: True)
    with monkeypatch.context() as broken:
        broken.setattr(bootstrap, "_step", step)
        assert bootstrap.main() == 1
    assert capsys.readouterr().err == "setup: the package index can't be reached.\n"
    assert not bootstrap.ready()
    assert bootstrap.main() == 0 and bootstrap.ready()


def test_without_uv_pip_does_the_work(
    tree: Path, setup: Setup, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = {}

    def step(name: str, command: list[str], environment: dict[str, str]) -> None:
        commands[name[:3]] = command
        setup.step(name, command, environment)
        if name.startswith("2/4"):
            raise bootstrap.SetupError("no wheel of uv for this machine")

    monkeypatch.setattr(bootstrap, "_step", step)
    assert bootstrap.main() == 0
    assert commands["3/4"][1:4] == ["-m", "pip", "install"]
    assert "pip does it, more slowly" in capsys.readouterr().out


SAID = {
    "error: Failed to fetch: dns error: failed to lookup address": "the package index can't be reached",
    "ERROR: No matching distribution found for uv": "the package index can't be reached",
    "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))\nERROR: No matching distribution found for uv": "Set PIP_CERT",
    "client error (Connect)\ninvalid peer certificate: UnknownIssuer": "Set PIP_CERT",
    "ProxyError('Cannot connect to proxy.')": "the package index can't be reached",
    "OSError: [Errno 28] No space left on device": "the disk is full. Free 1 GB and repeat",
    "The virtual environment was not created successfully because ensurepip is not\navailable": "sudo apt install python3-venv",
    "ERROR: Could not install packages: Missing dependencies for SOCKS support.": "set HTTPS_PROXY to an HTTP proxy",
    "/usr/bin/python3: No module named venv": "sudo apt install python3-venv",
    "one\ntwo\nthree\nfour": "step 3/4 libraries failed: two / three / four. The whole output is in ",
}


@pytest.mark.parametrize("said", SAID)
def test_a_failed_step_gives_its_sentence(tree: Path, said: str) -> None:
    (tree / "build").mkdir()
    (tree / "build" / "setup.log").write_text("")
    with pytest.raises(bootstrap.SetupError) as failed:
        bootstrap._step("3/4 libraries", [sys.executable, "-c", f"print({said!r}); raise SystemExit(1)"], {})
    assert SAID[said] in str(failed.value)
    assert said in (tree / "build" / "setup.log").read_text()


def test_a_program_that_cannot_start_gives_a_sentence(tree: Path) -> None:
    (tree / "build").mkdir()
    with pytest.raises(bootstrap.SetupError, match="/no/such/python could not start"):
        bootstrap._step("1/4 environment", ["/no/such/python", "-m", "venv"], {})


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "setup: the disk is full. Free 1 GB and repeat; what is downloaded is kept.\n"),
        (errno.EACCES, "Permission denied. Check that the folder of the course is complete and yours.\n"),
    ],
)
def test_a_disk_that_refuses_even_the_log_gives_a_sentence(
    number: int, sentence: str, tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuses(path: str, exist_ok: bool = False) -> None:
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr(os, "makedirs", refuses)
    assert bootstrap.main() == 1
    assert capsys.readouterr().err.endswith(sentence)


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

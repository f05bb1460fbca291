"""The doctor: each machine's fault gets its level, one sentence, and the line that mends it."""

import errno
import fcntl
import json
import os
import shutil
import site
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from labsupport import cli, doctor, findings, machine
from labsupport.cluster import doctor as cluster_doctor
from labsupport.findings import FAIL, NOTE, OK, Finding


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def only(look: Callable) -> Finding:
    (finding,) = look()
    return finding


@pytest.mark.parametrize(("version", "level"), [((3, 10), FAIL), ((3, 11), OK), ((3, 13), OK), ((3, 14), FAIL)])
def test_three_versions_of_python_are_supported(
    version: tuple[int, int], level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", (*version, 0))
    finding = only(doctor._python)
    assert finding.level == level
    assert ("delete .venv" in finding.mend) == (level == FAIL)


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata

    def version(name: str) -> str:
        if name in ("mlflow", "numpy"):
            raise importlib.metadata.PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(importlib.metadata, "version", version)
    finding = only(doctor._environment)
    assert (finding.level, finding.sentence) == (FAIL, "The environment lacks numpy, mlflow.")
    assert finding.mend.startswith("rm -f .venv/labs-ready && make setup ")


def test_packages_of_the_users_own_that_win_over_the_courses_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "getusersitepackages", lambda: str(tmp_path / "site-packages"))
    monkeypatch.setattr(site, "ENABLE_USER_SITE", True)
    assert only(doctor._environment).level == OK
    (tmp_path / "site-packages").mkdir()
    assert only(doctor._environment).level == OK
    (tmp_path / "site-packages" / "numpy").mkdir()
    _, finding = doctor._environment()
    assert (finding.level, finding.mend) == (NOTE, "export PYTHONNOUSERSITE=1")
    assert finding.sentence.startswith(f"The packages in {tmp_path / 'site-packages'} win over the course's.")
    # A venv's Python looks at none.
    monkeypatch.setattr(site, "ENABLE_USER_SITE", False)
    assert only(doctor._environment).level == OK


@pytest.mark.parametrize(
    ("free", "level", "sentence"),
    [
        (0.4e9, FAIL, "Only 0.4 GB of disk are free."),
        (3e9, NOTE, "3 GB of disk are free; the labs with containers want 5."),
        (50e9, OK, "At least 5 GB of disk are free."),
    ],
)
def test_the_disk(free: float, level: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: types.SimpleNamespace(free=free))
    finding = only(doctor._disk)
    assert (finding.level, finding.sentence) == (level, sentence)
    assert bool(finding.mend) == (level != OK)


@pytest.mark.parametrize(
    ("total", "limit", "level"),
    [(2e9, "max", NOTE), (4e9, "max", OK), (16e9, "2000000000", NOTE), (16e9, "4000000000", OK)],
)
def test_the_memory(total: float, limit: str, level: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("psutil.virtual_memory", lambda: types.SimpleNamespace(total=total))
    of_container = tmp_path / "memory.max"
    of_container.write_text(limit)
    monkeypatch.setattr(machine, "_LIMITS", (of_container,))
    assert only(doctor._memory).level == level


@pytest.mark.parametrize(
    ("system", "machine", "release", "folder", "level", "words"),
    [
        ("Linux", "x86_64", "6.1", "/home/anna", OK, "Linux on x86_64."),
        ("Darwin", "arm64", "24", "/Users/anna", OK, "Darwin on arm64."),
        ("Darwin", "x86_64", "24", "/Users/anna", FAIL, "Intel Macs have no current TensorFlow."),
        ("Windows", "AMD64", "11", "C:/course", FAIL, "Windows itself is not supported."),
        ("Linux", "x86_64", "5.15-microsoft-standard-WSL2", "/mnt/c/course", NOTE, "lies on a Windows drive"),
        ("Linux", "x86_64", "5.15-microsoft-standard-WSL2", "/home/anna", OK, "Linux on x86_64."),
    ],
)
def test_the_system(
    system: str, machine: str, release: str, folder: str, level: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("system", system), ("machine", machine), ("release", release)):
        monkeypatch.setattr(f"labsupport.doctor.platform.{name}", lambda value=value: value)
    monkeypatch.setattr(Path, "cwd", lambda: Path(folder))
    finding = only(doctor._system)
    assert finding.level == level and words in finding.sentence
    assert bool(finding.mend) == (level != OK)


@pytest.mark.parametrize(
    ("info", "errors", "level", "sentence", "mend"),
    [
        ({"MemTotal": 8_000_000_000}, "", OK, "docker answers and has room, kind is 0.99.0:", ""),
        (
            {"MemTotal": 2_000_000_000},
            "",
            NOTE,
            "docker has 2.0 GB of memory; the labs' cluster needs 3 GB.",
            "Give it more",
        ),
        ({}, "Cannot connect to the Docker daemon", NOTE, "docker is not started.", "Run: sudo systemctl start docker"),
        ({}, "permission denied", NOTE, "You may not use docker.", "Run: sudo usermod"),
    ],
)
def test_the_container_engine_is_judged_once_as_the_kind_runtime_judges_it(
    info: dict, errors: str, level: str, sentence: str, mend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **options: object) -> "subprocess.CompletedProcess[str]":
        said = "kind v0.99.0 go1.26" if command[0].endswith("kind") else json.dumps(info)
        return subprocess.CompletedProcess(command, 0, said, "" if command[0].endswith("kind") else errors)

    monkeypatch.setattr(shutil, "which", lambda name: None if name == "podman" else f"/usr/bin/{name}")
    monkeypatch.setattr(subprocess, "run", run)
    finding = only(cluster_doctor._kind)
    assert finding.level == level and finding.sentence.startswith(sentence) and finding.mend.startswith(mend)
    assert bool(finding.mend) == (level != OK)


def test_without_docker_and_kubectl_the_pocket_cluster_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert "neither is on PATH" in only(cluster_doctor._kind).sentence
    for system, mend in (("linux", "rm -f .venv/labs-ready && make setup"), ("darwin", "brew install kubectl")):
        monkeypatch.setattr(sys, "platform", system)
        finding = only(cluster_doctor._kubectl)
        assert (finding.sentence, finding.mend) == ("No kubectl: part 6 needs it.", mend)


@pytest.mark.parametrize(
    ("version", "level", "words", "mends"),
    [
        ("v1.36.9", OK, "fits Kubernetes", ("", "")),
        ("v1.37.0", OK, "fits Kubernetes", ("", "")),
        (
            "v1.30.1",
            NOTE,
            "is 6 minor versions from",
            ("rm -f .venv/labs-ready && make setup", "brew install kubectl"),
        ),
        # An installer takes a damaged one for installed.
        ("", FAIL, "does not run", ("rm -rf .venv && make setup", "brew reinstall kubectl")),
    ],
)
def test_a_kubectl_that_does_not_fit_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, level: str, words: str, mends: tuple[str, str]
) -> None:
    program = tmp_path / "kubectl"
    answer = f'{{"clientVersion": {{"gitVersion": "{version}"}}}}' if version else "Segmentation fault"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for system, mend in zip(("linux", "darwin"), mends, strict=True):
        monkeypatch.setattr(sys, "platform", system)
        finding = only(cluster_doctor._kubectl)
        assert (finding.level, finding.mend) == (level, mend)
        assert words in finding.sentence


@pytest.mark.parametrize(
    ("content", "words", "mend"),
    [
        (None, "No kubectl was found", "rm -f .venv/labs-ready && make setup"),
        (b"\x7fELF", "No cluster can be asked by this kubectl", "rm -rf .venv && make setup"),
    ],
)
def test_a_cluster_that_no_kubectl_can_ask_is_a_finding(
    content: bytes | None, words: str, mend: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    (home / "kind").mkdir(parents=True)
    (home / "kind" / "kubeconfig").touch()
    if content is not None:
        (tmp_path / "kubectl").write_bytes(content)
        (tmp_path / "kubectl").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    for named in ("kind", "auto"):
        monkeypatch.setenv("LABS_CLUSTER", named)
        finding = only(cluster_doctor._context)
        assert finding.level == FAIL and finding.sentence.startswith(words) and finding.mend == mend


@pytest.mark.parametrize(
    ("variables", "noted"),
    [
        ({}, False),
        ({"HTTPS_PROXY": "http://proxy:3128"}, True),
        ({"https_proxy": "http://proxy:3128", "no_proxy": "example.org"}, True),
        ({"https_proxy": "http://proxy:3128", "no_proxy": "127.0.0.1,localhost"}, False),
    ],
)
def test_a_proxy_that_catches_local_services_is_named(
    variables: dict[str, str], noted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = list(doctor._proxy())
    assert [finding.mend.startswith("export no_proxy=127.0.0.1") for finding in found] == [True] * noted


@pytest.mark.parametrize(
    ("variables", "noted"),
    [
        ({"ALL_PROXY": "socks5://proxy:1080"}, True),
        ({"ALL_PROXY": "socks5h://proxy:1080", "HTTPS_PROXY": "socks5://proxy:1080"}, True),
        ({"ALL_PROXY": "socks5://proxy:1080", "HTTPS_PROXY": "http://proxy:3128"}, False),
        ({"HTTPS_PROXY": "http://proxy:3128"}, False),
    ],
)
def test_a_socks_proxy_alone_is_named_as_what_pip_cannot_use(
    variables: dict[str, str], noted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in {**variables, "no_proxy": "127.0.0.1,localhost"}.items():
        monkeypatch.setenv(name, value)
    assert ["HTTPS_PROXY to an HTTP proxy" in finding.mend for finding in doctor._proxy()] == [True] * noted


def test_variables_of_other_tools_that_would_reach_kernels_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in doctor._REACHING_KERNELS:
        monkeypatch.delenv(name, raising=False)
    assert list(doctor._foreign()) == []
    monkeypatch.setenv("JUPYTER_PATH", "/other")
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "/not/there")
    finding = only(doctor._foreign)
    assert finding.sentence.startswith("JUPYTER_PATH, PROMETHEUS_MULTIPROC_DIR are set for other tools.")
    assert finding.mend.endswith("unset JUPYTER_PATH PROMETHEUS_MULTIPROC_DIR")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_a_disk_without_locks_is_a_fault_and_the_cluster_says_so_too(
    number: int, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(doctor._locks()) == []

    def no_locks(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    finding = only(doctor._locks)
    assert finding.level == FAIL and finding.sentence.startswith(f"The disk of {home} has no file locks")
    assert finding.mend.startswith("export LABS_HOME=")
    monkeypatch.setenv("LABS_CLUSTER", "pocket")
    for command in (["cluster", "up"], ["cluster", "install"]):
        assert cli.main(command) == 1
        assert "has no file locks. Set LABS_HOME to a folder on a disk of this machine." in capsys.readouterr().err
    assert cli.main(["cluster", "status"]) in (0, 1)
    assert "Traceback" not in capsys.readouterr().err


def test_programs_of_another_clone_are_a_fault_for_the_doctor_and_refused_by_every_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("notebooks/src", "labsupport"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.delenv("LABS_COURSE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["start"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("labs: These are the programs of the course in ") and f"the course in {tmp_path}." in said
    finding = only(doctor._clone)
    assert (finding.level, finding.mend) == (FAIL, "make setup; source .venv/bin/activate")


def test_progress_that_can_be_stored(home: Path) -> None:
    assert only(doctor._progress) == Finding(OK, "Your progress can be stored.")


def test_a_damaged_progress_file_is_a_note(home: Path) -> None:
    home.mkdir()
    (home / "progress.json").write_text("{")
    assert only(doctor._progress).level == NOTE
    assert (home / "progress.json").read_text() == "{", "the doctor only looks"


def test_a_file_where_the_folder_of_the_progress_should_be_is_a_fault(home: Path) -> None:
    home.write_text("")
    finding = only(doctor._progress)
    assert (finding.level, finding.mend) == (FAIL, "export LABS_HOME=/a/folder/you/own")


def test_a_folder_that_may_not_be_written_is_a_fault(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert only(doctor._progress).level == FAIL


def test_each_finding_is_a_line_with_its_mend_below() -> None:
    found = [Finding(OK, "Python 3.12."), Finding(FAIL, "No disk.", "buy one")]
    assert findings.text(found) == "ok    Python 3.12.\nfail  No disk.\n      -> buy one"


def test_ones_home_is_a_tilde() -> None:
    found = [Finding(NOTE, f"{Path.home()}/.cache/labs is not there.", f"ls {Path.home()}/.cache /srv{Path.home()}/a")]
    said = findings.text(found)
    assert said == f"note  ~/.cache/labs is not there.\n      -> ls ~/.cache /srv{Path.home()}/a"


@pytest.mark.parametrize(("level", "code"), [(OK, 0), (NOTE, 0), (FAIL, 1)])
def test_the_command_fails_only_for_a_fault(
    level: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "examine", lambda: [Finding(level, "Seen.")])
    assert cli.main(["doctor"]) == code
    assert capsys.readouterr().out == f"{level:<4}  Seen.\n"


def test_this_machine_is_examined_whole() -> None:
    sentences = [finding.sentence for finding in doctor.examine()]
    assert any("Python" in sentence for sentence in sentences) and any("disk" in sentence for sentence in sentences)
    assert all(finding.level == OK or finding.mend or "damaged" in finding.sentence for finding in doctor.examine())

"""A process's temporary folders go when it ends, and with the next process when it was killed."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from labsupport import paths, scratch

KERNEL = """
import sys
from labsupport import scratch
(scratch.folder("201") / "load.csv").write_text("a table")
print(scratch.folder("604"), flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def kernel(temporary: Path, code: str = KERNEL) -> subprocess.Popen[str]:
    """Return a process that has made its folders and waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
        cwd=paths.PACKAGE.parent,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip().endswith("/604")
    return process


def test_folders_go_with_the_process(temporary: Path) -> None:
    process = kernel(temporary)
    assert len(list(temporary.iterdir())) == 2
    process.communicate()
    assert process.returncode == 0 and list(temporary.iterdir()) == []


def test_what_a_killed_process_left_goes_with_the_next_one_and_what_a_living_one_has_stays(temporary: Path) -> None:
    living, killed = kernel(temporary), kernel(temporary)
    killed.kill()
    killed.communicate()
    assert len(list(temporary.iterdir())) == 4, "a kill leaves all"
    scratch.sweep()
    assert len(list(temporary.iterdir())) == 2
    living.communicate()
    assert list(temporary.iterdir()) == []


def test_a_name_that_is_asked_for_again_gives_an_empty_folder(temporary: Path) -> None:
    first = scratch.folder("201")
    (first / "load.csv").write_text("a table")
    second = scratch.folder("201")
    assert list(second.iterdir()) == [] and not first.exists()
    assert len(list(temporary.iterdir())) == 1


def test_a_fork_leaves_its_parents_folders(temporary: Path) -> None:
    fork = """
import os, sys
from labsupport import scratch
made = scratch.folder("604")
if os.fork() == 0:
    sys.exit()
os.wait()
print(made, flush=True)
sys.stdin.read()
"""
    process = kernel(temporary, fork)
    assert len(list(temporary.iterdir())) == 1
    process.communicate()


def test_a_folder_without_a_lock_of_ours_is_nobodys_to_remove(temporary: Path) -> None:
    (temporary / "labs-scratch-old").mkdir()
    scratch.sweep()
    assert (temporary / "labs-scratch-old").exists()
    assert list(scratch.abandoned("labs-scratch-")) == []


def test_what_another_user_has_planted_is_left_alone(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = temporary / "labs-run-planted"
    planted.mkdir()
    (planted / "owner.lock").touch()
    (planted / "owner.lock").chmod(0o666)
    (temporary / "labs-link-planted").symlink_to(planted)
    assert list(scratch.abandoned("labs-link-")) == []
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    assert list(scratch.abandoned("labs-run-")) == []

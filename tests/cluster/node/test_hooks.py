"""What a hook or a probe runs is heard through a pipe, whatever the disk is like."""

import asyncio
import os
from pathlib import Path
from types import SimpleNamespace as Some
from typing import Any

import pytest

from labsupport.cluster.pocket.node import hooks
from tests.own_rights import as_a_user


def ask(folder: Path, script: str, limit: float = 20) -> tuple[int, str]:
    pod: Any = Some(folder=folder, loopback="127.18.7.7")
    container: Any = Some(mounts={}, environment=dict(os.environ), working_folder=folder)
    return asyncio.run(hooks.run_inside(pod, container, ["sh", "-c", script], limit))


def test_program_that_speaks_needs_no_file_on_the_disk(a_users_folder: Path) -> None:
    a_users_folder.chmod(0o555)
    assert as_a_user(lambda: ask(a_users_folder, "echo healthy; exit 3") == (3, "healthy\n"))


def test_the_beginning_is_kept_of_one_that_never_stops(tmp_path: Path) -> None:
    code, said = ask(tmp_path, "yes | head -c 5000000; exit 1")
    assert (code, len(said)) == (1, 10 * 1024)


def test_who_holds_the_pipe_open_holds_nobody_up(tmp_path: Path) -> None:
    assert ask(tmp_path, "setsid sleep 30 & echo done") == (0, "done\n")


def test_an_endless_one_and_one_that_is_not_there_raise(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(TimeoutError):
        ask(tmp_path, "yes", limit=0.3)
    pod: Any = Some(folder=tmp_path, loopback="127.18.7.7")
    container: Any = Some(mounts={}, environment={"PATH": "/nowhere"}, working_folder=tmp_path)
    with pytest.raises(OSError, match="nothing-of-this-name"):
        asyncio.run(hooks.run_inside(pod, container, ["nothing-of-this-name"], 5))
    assert len(list(Path("/proc/self/fd").iterdir())) == before

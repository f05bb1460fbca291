"""A lab's run that is ended, in whatever way: its control plane, its pods and its folder end with it."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from labsupport.cluster import waiting
from labsupport.cluster.pocket import leftovers, supervisor
from labsupport.cluster.pocket.layout import Layout

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the pocket cluster runs on Linux only"),
    pytest.mark.timeout(600),
]


@pytest.fixture
def temporary(kubernetes_programs: Path) -> Iterator[Path]:
    """Return a folder for temporary files with a short path: the cluster's sockets lie below it."""
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        yield Path(folder)


@pytest.fixture
def lab(temporary: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Return a lab's run, and the folder of its cluster, which is ready."""
    command = [sys.executable, "-m", "labsupport.cli", "run", "601"]
    run = subprocess.Popen(
        command, env=environment(temporary), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )

    def running() -> list[Path]:
        assert run.poll() is None, run.communicate()[0]
        found = [folder / "home" / "pocket" for folder in temporary.glob("labs-run-*")]
        states = [(folder, supervisor.read_state(Layout(folder))) for folder in found]
        return [folder for folder, state in states if state is not None and state.phase == supervisor.READY]

    try:
        (folder,) = waiting.until(running, "the lab's cluster runs", 300)
        assert len(leftovers.find(leftovers.PROGRAM_MARK, folder)) >= 5
        yield run, folder
    finally:
        if run.poll() is None:
            run.kill()
            run.wait()


def environment(temporary: Path) -> dict[str, str]:
    return os.environ | {"TMPDIR": str(temporary), "LABS_CLUSTER": "pocket"}


def runs(process: psutil.Process, module: str) -> bool:
    try:
        return module in process.cmdline()
    except psutil.NoSuchProcess:
        # It ended since it was listed, as those do that make the cluster's certificates.
        return False


def assert_nothing_is_left(folder: Path, temporary: Path) -> None:
    assert leftovers.find(leftovers.PROGRAM_MARK, folder) == leftovers.find(leftovers.POD_MARK, folder) == []
    assert [path.name for path in temporary.iterdir() if not path.name.startswith("labs-lane-")] == []


@pytest.mark.parametrize("name", ["TERM", "HUP", "KILL"])
def test_a_labs_run_that_is_ended_leaves_neither_processes_nor_its_folder(
    name: str, lab: tuple[subprocess.Popen[str], Path], temporary: Path
) -> None:
    run, folder = lab
    number = getattr(signal, f"SIG{name}")
    run.send_signal(number)
    code = run.wait(120)
    # After a kill, the process that executes the notebook cleans up.
    waiting.until(lambda: not list(temporary.glob("labs-run-*")), "the run's folder is gone", 120)
    assert code == (-number if name == "KILL" else 128 + number)
    assert_nothing_is_left(folder, temporary)


def test_what_is_left_when_all_who_could_clean_up_are_killed_goes_with_the_next_command(
    lab: tuple[subprocess.Popen[str], Path], temporary: Path
) -> None:
    run, folder = lab
    list_lessons = [sys.executable, "-m", "labsupport.cli", "list"]
    beside = subprocess.run(list_lessons, env=environment(temporary), capture_output=True, text=True, check=True)
    assert beside.stderr == "" and folder.exists(), "a command beside a run that lives leaves it alone"
    below = psutil.Process(run.pid).children(recursive=True)
    (worker,) = [process for process in below if runs(process, "labsupport.course.worker")]
    # At the same moment, so that neither sees the other go.
    for process in (run, worker):
        process.send_signal(signal.SIGSTOP)
    for process in (run, worker):
        process.kill()
    run.wait(60)
    assert leftovers.find(leftovers.PROGRAM_MARK, folder), "the cluster goes on: nobody is there to end it"
    after = subprocess.run(list_lessons, env=environment(temporary), capture_output=True, text=True, check=True)
    assert after.stderr.startswith("labs: cleaned up after a run that was killed:")
    assert psutil.wait_procs(below, timeout=60)[1] == []
    assert_nothing_is_left(folder, temporary)

"""A lab's run that is ended, in whatever way: its control plane, its pods and its folder end with it."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

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


@pytest.mark.parametrize("name", ["TERM", "HUP", "KILL"])
def test_a_labs_run_that_is_ended_leaves_neither_processes_nor_its_folder(name: str, temporary: Path) -> None:
    command = [sys.executable, "-m", "labsupport.cli", "run", "601"]
    environment = os.environ | {"TMPDIR": str(temporary), "LABS_CLUSTER": "pocket"}
    run = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def running() -> list[Path]:
        assert run.poll() is None, run.communicate()[0]
        found = [folder / "home" / "pocket" for folder in temporary.glob("labs-run-*")]
        states = [(folder, supervisor.read_state(Layout(folder))) for folder in found]
        return [folder for folder, state in states if state is not None and state.phase == supervisor.READY]

    try:
        (folder,) = waiting.until(running, "the lab's cluster runs", 300)
        assert len(leftovers.find(leftovers.PROGRAM_MARK, folder)) >= 5
        run.send_signal(getattr(signal, f"SIG{name}"))
        code = run.wait(120)
        # After a kill, the process that executes the notebook cleans up.
        waiting.until(lambda: not list(temporary.glob("labs-run-*")), "the run's folder is gone", 120)
    finally:
        if run.poll() is None:
            run.kill()
    number = getattr(signal, f"SIG{name}")
    assert code == (-number if name == "KILL" else 128 + number)
    assert leftovers.find(leftovers.PROGRAM_MARK, folder) == leftovers.find(leftovers.POD_MARK, folder) == []
    assert [path.name for path in temporary.iterdir() if not path.name.startswith("labs-lane-")] == []

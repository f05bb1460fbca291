"""Runs of small notebooks with real kernels: each fault gets its own sentence, and nothing is left behind."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import psutil
import pytest

from labsupport import paths, variables
from labsupport.course import labs as lanes
from labsupport.course import outputs, runner, worker
from labsupport.course.budget import Budget
from labsupport.course.runner import Job, Result
from labsupport.errors import LabsError

# Kernels take their time on a busy machine; one worker runs them all, so that JOBS are executed once.
pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("runner")]

AMPLE = Budget(cpu_seconds=60, memory_mb=1000, wall_seconds=400)
TIGHT = Budget(cpu_seconds=60, memory_mb=300, wall_seconds=400)
TINY = Budget(cpu_seconds=60, memory_mb=5, wall_seconds=400)
# A child of the kernel takes the memory; it works for a second, so that somebody looks.
HUNGRY_CHILD = """\
import subprocess, sys
eats = "import time; block = bytearray(320_000_000); block[::4096] = bytes(len(block[::4096]))"
burns = "while time.process_time() < 1: pass"
subprocess.run([sys.executable, "-c", eats + "\\n" + burns], check=True)"""


def notebook(*code: str) -> nbformat.NotebookNode:
    cells = [nbformat.v4.new_code_cell(text) for text in ("SEED = 0", *code)]
    cells[0].metadata["tags"] = ["parameters"]
    made = nbformat.v4.new_notebook(cells=cells)
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return made


JOBS = [
    Job("good", notebook("print('seed', SEED)\nimport os; print(os.listdir())"), AMPLE, seed=7),
    Job(
        "refuted", notebook("from labsupport.exercises import claim\nclaim('pigs fly', False)", "print('after')"), AMPLE
    ),
    Job(
        "unpassed",
        notebook("from labsupport.exercises import check\ncheck('000.1', ...)"),
        AMPLE,
        checks=("000.1", "000.a"),
    ),
    Job("dead", notebook("import os\nos._exit(1)"), AMPLE),
    Job("hungry", notebook(HUNGRY_CHILD), TIGHT),
    Job("greedy", notebook("print('too late')"), TINY),
]


@pytest.fixture(scope="module")
def told() -> dict[str, list[str]]:
    return {"started": [], "finished": []}


@pytest.fixture(scope="module")
def results(told: dict[str, list[str]]) -> dict[str, Result]:
    """Execute all of JOBS once, two at a time."""
    found = runner.run_all(JOBS, 2, told["started"].append, lambda result: told["finished"].append(result.name))
    assert [result.name for result in found] == [job.name for job in JOBS]
    return {result.name: result for result in found}


def test_a_good_notebook_passes_with_another_seed_in_an_empty_folder(results: dict[str, Result]) -> None:
    good = results["good"]
    assert good.passed, good.problem
    assert good.notebook is not None
    assert good.notebook.cells[-1].outputs[0]["text"] == "seed 7\n[]\n"
    assert "papermill" not in good.notebook.metadata
    # papermill puts the new seed into a cell of its own.
    assert outputs.problems(good.notebook) == []


def test_a_kernel_talks_through_sockets_in_its_folder_so_that_nobody_takes_its_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program may bind or connect from any port between the moment of its choice and the kernel's start."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("far" * 60)))
    Path(tempfile.gettempdir()).mkdir()
    asks = "from ipykernel.connect import get_connection_info\nprint(get_connection_info(unpack=True)['transport'])"
    result = runner.run(Job("sockets", notebook(asks), AMPLE))
    assert result.passed, result.problem
    assert result.notebook is not None and result.notebook.cells[-1].outputs[0]["text"] == "ipc\n"
    assert list(Path(tempfile.gettempdir()).iterdir()) == []


def test_a_kernel_that_does_not_start_is_said_to_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ipykernel_launcher.py").write_text("raise SystemExit('no memory for it')")
    env = variables.for_run(tmp_path) | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(paths.PACKAGE)])}
    monkeypatch.setattr(variables, "for_run", lambda folder: env)
    problem = runner.run(Job("stillborn", notebook(), AMPLE)).problem or ""
    assert problem.splitlines()[-2:] == [
        "no memory for it",
        "the kernel did not start: Kernel died before replying to kernel_info",
    ]


def test_its_cost_is_measured(results: dict[str, Result]) -> None:
    cost = results["good"].cost
    assert cost.cpu_seconds > 0.1 and cost.wall_seconds > 0.1
    assert 20 < cost.memory_mb < 300, "a kernel that imports nothing"


def test_a_cell_that_raises_is_named_with_its_error(results: dict[str, Result]) -> None:
    problem = results["refuted"].problem or ""
    assert problem.startswith("cell 2 raised ClaimError: This run does not show it: pigs fly.")
    assert "claim('pigs fly', False)" in problem
    last = results["refuted"].notebook
    assert last is not None and last.cells[-1].execution_count is None, "what follows is not run"


def test_checks_that_did_not_pass_are_named(results: dict[str, Result]) -> None:
    assert results["unpassed"].problem == "these checks did not pass: 000.1 NOT YET, 000.a was never checked"


def test_a_kernel_that_dies_is_called_dead(results: dict[str, Result]) -> None:
    assert results["dead"].problem == "the kernel died (out of memory, or killed from outside)"


def test_the_memory_of_a_child_counts(results: dict[str, Result]) -> None:
    cost = results["hungry"].cost
    assert cost.memory_mb > 320
    assert results["hungry"].problem == f"took {cost.memory_mb:.0f} MB; the budget is 300 MB"


def test_a_notebook_far_over_its_budget_is_ended(results: dict[str, Result]) -> None:
    assert (results["greedy"].problem or "").endswith("MB, twice its budget of 5 MB")


def test_every_start_and_end_is_told(results: dict[str, Result], told: dict[str, list[str]]) -> None:
    names = sorted(job.name for job in JOBS)
    assert sorted(told["started"]) == sorted(told["finished"]) == names


def test_a_cell_that_never_ends_is_stopped_after_its_time(tmp_path: Path) -> None:
    nbformat.write(notebook("while True: pass"), tmp_path / "in.ipynb")
    command = [
        sys.executable,
        "-m",
        "labsupport.course.worker",
        "in.ipynb",
        "out.ipynb",
        "--cwd",
        ".",
        "--cell-seconds",
    ]
    ran = subprocess.run([*command, "1"], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == worker.TOO_LONG
    assert "a cell took longer than 1 s" in ran.stderr


def test_a_run_that_is_ended_while_it_writes_has_no_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Called as: python -m labsupport.course.worker IN OUT --cwd FOLDER
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nprintf "{" > "$4"\necho "papermill was ended" >&2\nexit 3\n')
    python.chmod(0o755)
    monkeypatch.setattr("labsupport.course.runner.sys.executable", str(python))
    result = runner.run(Job("cut", notebook(), AMPLE))
    assert result.notebook is None
    assert result.problem == "papermill was ended"


def test_a_job_that_raises_ends_the_others_before_the_error_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[str] = []

    def run(job: Job, stop) -> Result:
        if job.name == "faulty":
            raise LabsError("a fault of the runner")
        # The other one runs until it is told to stop.
        assert stop.wait(60)
        running.append(job.name)
        raise runner.Interrupted

    monkeypatch.setattr(runner, "run", run)
    jobs = [Job(name, notebook(), AMPLE) for name in ("other", "faulty", "never started")]
    with pytest.raises(LabsError, match="a fault of the runner"):
        runner.run_all(jobs, lanes=2)
    assert running == ["other"]


WAITS = """\
# %%
import os, threading
with open(os.environ["LABS_KERNEL_IS_READY"], "w") as ready:
    ready.write("yes")
threading.Event().wait()
"""


ENDS = [("run", "INT"), ("build", "INT"), ("run", "TERM"), ("build", "TERM"), ("run", "HUP"), ("build", "HUP")]


@contextmanager
def waiting(
    command: str, write: Callable[..., Path], checkout: Path, labs: Callable[..., subprocess.Popen[str]]
) -> Iterator[tuple[subprocess.Popen[str], list[psutil.Process], dict[Path, bytes]]]:
    """Start a command whose notebook waits for ever; when the kernel is up, yield it, all that it started, and the files before."""
    write(WAITS)
    for stored in (
        "notebooks/101_tiny.ipynb",
        "notebooks/solutions/101_tiny.ipynb",
        "labsupport/lessons/answers/101.json",
    ):
        (checkout / stored).parent.mkdir(exist_ok=True)
        (checkout / stored).write_text("of the last build")
    before = contents(checkout)
    ready = checkout.parent / f"{checkout.name}-ready"
    os.mkfifo(ready)
    # Open for both, so that neither side waits for the other.
    pipe = os.open(ready, os.O_RDWR)
    process = labs(command, "101", LABS_KERNEL_IS_READY=str(ready))
    try:
        assert select.select([pipe], [], [], 300)[0], "no kernel came up"
        below = psutil.Process(process.pid).children(recursive=True)
        assert len(below) >= 2, "papermill and its kernel"
        yield process, below, before
    finally:
        os.close(pipe)
        if process.poll() is None:
            process.kill()


@pytest.mark.parametrize(("command", "name"), ENDS)
def test_a_command_that_is_ended_leaves_no_process_and_nothing_half_written(
    command: str, name: str, write: Callable[..., Path], checkout: Path, labs: Callable[..., subprocess.Popen[str]]
) -> None:
    number = getattr(signal, f"SIG{name}")
    with waiting(command, write, checkout, labs) as (process, below, before):
        process.send_signal(number)
        _, errors = process.communicate(timeout=240)
    assert process.returncode == 128 + number
    assert errors.strip() == "labs: interrupted; nothing half-written was left."
    assert psutil.wait_procs(below, timeout=10)[1] == []
    after = contents(checkout)
    if command == "run":
        assert b"Course run, interrupted" in after.pop(checkout / "build" / "report.html")
    assert after == before
    assert list((checkout / "tmp").iterdir()) == []


def test_a_run_that_was_killed_ends_what_it_started_and_its_folder(
    write: Callable[..., Path], checkout: Path, labs: Callable[..., subprocess.Popen[str]]
) -> None:
    with waiting("run", write, checkout, labs) as (process, below, _):
        process.kill()
        process.wait(60)
        assert psutil.wait_procs(below, timeout=120)[1] == []
    assert list((checkout / "tmp").iterdir()) == []


def test_a_run_under_nohup_hears_no_hangup(
    write: Callable[..., Path], checkout: Path, labs: Callable[..., subprocess.Popen[str]]
) -> None:
    handler = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with waiting("run", write, checkout, labs) as (process, below, _):
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=240)
    finally:
        signal.signal(signal.SIGHUP, handler)
    assert process.returncode == 128 + signal.SIGTERM
    assert psutil.wait_procs(below, timeout=10)[1] == []


def test_a_run_that_waits_for_the_labs_of_another_one_can_be_ended(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(lanes, "lanes", lambda: 1)
    stop = threading.Event()
    stop.set()
    with lanes.lane(), pytest.raises(runner.Interrupted):
        runner.run(Job("lab", notebook(), AMPLE, is_lab=True), stop)


FOREIGN = {
    "JUPYTER_CONFIG_DIR": "/not/there",
    "PROMETHEUS_MULTIPROC_DIR": "/not/there",
    "PYTHONWARNINGS": "error",
    "MPLBACKEND": "TkAgg",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "socks5://127.0.0.1:9",
    "NO_PROXY": "localhost",
}
WORKS = """\
# %%
import matplotlib.pyplot, os, prometheus_client
prometheus_client.Counter("asked", "Requests.").inc()
print(sorted(name for name in os.environ if "socks" in os.environ[name]))
"""


def test_a_kernel_starts_and_works_whatever_a_profile_sets_for_other_tools(
    write: Callable[..., Path], checkout: Path, labs: Callable[..., subprocess.Popen[str]]
) -> None:
    """Another kernel of the same name, by JUPYTER_PATH and in the user's own folder, is not the one that is started."""
    write(WORKS)
    for folder in ("path", "data/jupyter"):
        (checkout / folder / "kernels" / "python3").mkdir(parents=True)
        kernel = {"argv": ["false"], "display_name": "Another", "language": "python"}
        (checkout / folder / "kernels" / "python3" / "kernel.json").write_text(json.dumps(kernel))
    own = {"JUPYTER_PATH": str(checkout / "path"), "XDG_DATA_HOME": str(checkout / "data")}
    said, errors = labs("run", "101", **FOREIGN, **own).communicate(timeout=240)
    assert "1 of 1 notebooks passed" in said, errors


def contents(folder: Path) -> dict[Path, bytes]:
    """Return every file below a folder with its content."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_output_that_changes_from_run_to_run_fails_under_nbval(tmp_path: Path) -> None:
    changing = notebook("print(2)", "import os\nprint(os.getpid())")
    for count, text in ((2, "2\n"), (3, "4711000\n")):
        stored = nbformat.v4.new_output("stream", name="stdout", text=text)
        changing.cells[count - 1].update(execution_count=count, outputs=[stored])
    nbformat.write(changing, tmp_path / "changing.ipynb")
    nbval = ["-p", "labsupport.course", "--nbval", "--nbval-current-env", "-q", "-p", "no:xdist", "-c", os.devnull]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *nbval, "changing.ipynb"], capture_output=True, text=True, cwd=tmp_path
    )
    assert ran.returncode == 1
    assert "1 failed, 2 passed" in ran.stdout
    assert "4711000" in ran.stdout

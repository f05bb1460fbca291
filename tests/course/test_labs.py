"""How many labs run at a time, and that as many do."""

import contextlib
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest

from labsupport import machine
from labsupport.cluster import choose
from labsupport.cluster.pocket.node import images
from labsupport.course import labs, runner
from labsupport.course.budget import Budget, Cost
from labsupport.course.runner import Job
from labsupport.errors import LabsError


@pytest.fixture
def gives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Return a function that says what the machine gives; no other run's labs take part."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def say(cores: int, gigabytes: float, cluster: str = "pocket") -> None:
        monkeypatch.setattr(machine, "cores", lambda: cores)
        monkeypatch.setattr(machine, "memory", lambda: int(gigabytes * 1e9))
        monkeypatch.setattr(choose, "get_cluster", lambda: SimpleNamespace(name=cluster))

    return say


@pytest.mark.parametrize(
    ("cores", "gigabytes", "cluster", "lanes"),
    [
        (2, 16, "pocket", 3),
        (2, 6, "pocket", 2),
        (2, 5, "pocket", 1),
        (8, 16, "pocket", 5),
        (1, 16, "pocket", 2),
        (2, 1, "pocket", 1),
        # One cluster for all, of which a lab may patch the node.
        (8, 64, "kind", 1),
    ],
)
def test_there_are_lanes_for_cores_and_memory(gives, cores: int, gigabytes: float, cluster: str, lanes: int) -> None:
    gives(cores, gigabytes, cluster)
    assert labs.lanes() == lanes


def test_a_lab_waits_when_all_lanes_are_held_and_goes_on_when_one_is_free(gives) -> None:
    gives(1, 16)
    entered, leave = threading.Event(), threading.Event()

    def third() -> None:
        with labs.lane():
            entered.set()
            leave.wait(60)

    with contextlib.ExitStack() as stack:
        stack.enter_context(labs.lane())
        with labs.lane():
            thread = threading.Thread(target=third)
            thread.start()
            assert not entered.wait(0.5)
        assert entered.wait(60)
        leave.set()
        thread.join(60)


def test_a_lab_that_gets_no_lane_says_what_to_do(gives, monkeypatch: pytest.MonkeyPatch) -> None:
    gives(1, 5)
    monkeypatch.setattr(labs, "_WAIT_SECONDS", 0.1)
    with labs.lane(), pytest.raises(LabsError, match="End them, then try again"), labs.lane():
        pass


def test_a_run_that_is_stopped_while_it_waits_for_a_lane_waits_no_longer(gives) -> None:
    gives(1, 5)

    def stop() -> None:
        raise runner.Interrupted

    with labs.lane(), pytest.raises(runner.Interrupted), labs.lane(stop):
        pass


MEETS = """\
import pathlib, time
(pathlib.Path({folder!r}) / {own!r}).touch()
until = time.monotonic() + 100
while not (pathlib.Path({folder!r}) / {other!r}).exists():
    assert time.monotonic() < until, "the other lab did not begin"
    time.sleep(0.05)"""


@pytest.mark.timeout(400)
def test_two_labs_run_at_once_where_there_is_room(gives, tmp_path: Path) -> None:
    gives(2, 16)
    jobs = []
    for own, other in (("a", "b"), ("b", "a")):
        cell = nbformat.v4.new_code_cell(MEETS.format(folder=str(tmp_path), own=own, other=other))
        notebook = nbformat.v4.new_notebook(cells=[cell])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        jobs.append(Job(own, notebook, Budget(cpu_seconds=60, memory_mb=1000, wall_seconds=300), is_lab=True))
    assert [result.problem for result in runner.run_all(jobs, lanes=2)] == [None, None]


def test_memory_is_what_a_containers_limit_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(machine, "_LIMITS", (tmp_path / "missing", limit))
    whole = machine.memory()
    limit.write_text("max\n")
    assert machine.memory() == whole
    limit.write_text("1500000000\n")
    assert machine.memory() == 1_500_000_000


@pytest.mark.parametrize(
    ("said", "cores"),
    [
        (["max 100000"], 64),
        (["200000 100000"], 2),
        (["150000 100000"], 2),
        (["50000 100000"], 1),
        (["9900000 100000"], 64),
        (["-1", "100000"], 64),
        (["200000", "100000"], 2),
    ],
)
def test_cores_are_what_a_containers_share_leaves(
    said: list[str], cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: range(64), raising=False)
    shares = tuple(tmp_path / f"share-{number}" for number in range(len(said)))
    for file, text in zip(shares, said, strict=True):
        file.write_text(f"{text}\n")
    monkeypatch.setattr(machine, "_SHARES", ((tmp_path / "missing",), shares))
    assert machine.cores() == cores


@pytest.mark.parametrize(
    ("cores", "gigabytes", "labs", "lessons"),
    [
        (2, 24, 3, 2),
        (2, 8, 2, 2),
        (2, 3, 1, 1),
        (2, 1, 1, 1),
        (16, 16, 0, 16),
        (16, 16, 5, 8),
        (64, 8, 0, 8),
        (64, 8, 2, 5),
    ],
)
def test_as_many_lessons_run_at_once_as_there_is_memory_for_beside_the_labs(
    gives, cores: int, gigabytes: float, labs: int, lessons: int
) -> None:
    gives(cores, gigabytes)
    assert runner.room(labs) == lessons


@pytest.mark.timeout(60)
def test_a_run_of_many_lessons_keeps_to_that_room(gives, monkeypatch: pytest.MonkeyPatch) -> None:
    gives(16, 4)
    running: list[str] = []
    at_once = 0

    def run(job: Job, stop: threading.Event) -> runner.Result:
        nonlocal at_once
        running.append(job.name)
        at_once = max(at_once, len(running))
        stop.wait(0.05)
        running.remove(job.name)
        return runner.Result(job.name, None, Cost(1, 1, 1), None)

    monkeypatch.setattr(runner, "run", run)
    budget = Budget(cpu_seconds=60, memory_mb=1000, wall_seconds=300)
    runner.run_all([Job(str(number), nbformat.v4.new_notebook(), budget) for number in range(16)])
    assert at_once == 4


def test_a_lab_whose_program_the_machine_lacks_is_left_out_on_the_pocket_cluster_only(gives, monkeypatch) -> None:
    numbers = ("601", "611", "614", "615")
    chosen: Any = [SimpleNamespace(number=number, is_lab=True, programs=()) for number in numbers]
    monkeypatch.setattr(labs, "why_not", lambda: None)
    monkeypatch.setattr(images, "which", lambda program: None)
    gives(2, 16)
    left_out = runner.why_not(chosen)
    assert list(left_out) == ["611", "614", "615"] and "the program traefik" in left_out["615"]
    gives(2, 16, "kind")
    assert runner.why_not(chosen) == {}
    gives(2, 16)
    monkeypatch.setattr(images, "which", lambda program: f"/bin/{program}")
    assert runner.why_not(chosen) == {}

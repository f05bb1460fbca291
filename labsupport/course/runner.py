"""Run notebooks by papermill, each in a process and an empty folder of its own, several at once, within their budgets."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from labsupport import files, isolated, machine, scratch, variables
from labsupport.course import budget, labs, outputs, variants
from labsupport.course.budget import Budget, Cost
from labsupport.course.source import Lesson
from labsupport.course.variants import Variant
from labsupport.errors import LabsError


@dataclass(frozen=True)
class Job:
    """A notebook to execute. `seed` replaces SEED; `checks` must end with PASS; `programs` have environments of their own."""

    name: str
    notebook: NotebookNode = field(repr=False)
    budget: Budget
    seed: int | None = None
    checks: tuple[str, ...] = ()
    is_lab: bool = False
    programs: tuple[str, ...] = ()

    @classmethod
    def of(cls, lesson: Lesson, variant: Variant, seed: int | None = None, name: str = "") -> "Job":
        """Return the job of one variant of a lesson; in the solved one every check must pass."""
        limits = budget.of(lesson.number)
        checks = tuple(variants.answers(lesson)["exercises"]) if variant == "solution" else ()
        notebook = variants.derive(lesson, variant)
        return cls(name or lesson.name, notebook, limits, seed, checks, lesson.is_lab, lesson.programs)


@dataclass(frozen=True)
class Result:
    """What came of a job: the executed notebook (as far as it got), its cost, and why it failed, if it did."""

    name: str
    notebook: NotebookNode | None = field(repr=False)
    cost: Cost
    problem: str | None
    figures: int = 0

    @property
    def passed(self) -> bool:
        """Whether the notebook ran to its end, within its budget, with every check passed."""
        return self.problem is None


class Interrupted(Exception):
    """The run was stopped from outside."""


def run(job: Job, stop: threading.Event | None = None) -> Result:
    """Execute one notebook in an empty folder; raises Interrupted when `stop` is set.

    A lab waits until there is room for it beside other labs of this user. A pocket cluster that it started counts, and ends with the run.
    Environments of programs are made before, once, and do not count; raises LabsError where one can't be made.
    """
    for name in job.programs:
        _make(name)
    if not job.is_lab:
        return _run(job, stop, lambda home: [])
    with labs.lane(lambda: _raise_if_set(stop)):
        return _run(job, stop, labs.processes)


def _run(job: Job, stop: threading.Event | None, others: Callable[[Path], list[int]]) -> Result:
    with scratch.owned(labs.RUN) as owned:
        folder = owned.folder
        before, after, empty, own = folder / "in.ipynb", folder / "out.ipynb", folder / "cwd", folder / "tmp"
        empty.mkdir()
        own.mkdir()
        files.write_notebook(before, job.notebook)
        command = [sys.executable, "-m", "labsupport.course.worker", str(before), str(after), "--cwd", str(empty)]
        command += ["--cell-seconds", str(job.budget.cell_seconds)]
        if job.seed is not None:
            command += ["--seed", str(job.seed)]
        command += ["--lifeline", str(folder)]
        with (folder / "stderr").open("wb") as errors:
            process = subprocess.Popen(
                command,
                # A kernel that is ended leaves its connection file: here it goes with the folder.
                env=variables.for_run(folder) | {"JUPYTER_RUNTIME_DIR": str(own), "TMPDIR": str(own)},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
                # Who executes the notebook owns the folder, too: it cleans up when we can't.
                pass_fds=() if owned.lock is None else (owned.lock,),
            )
            try:
                cost, reason = budget.watch(
                    process, job.budget, lambda: _raise_if_set(stop), lambda: others(folder / "home")
                )
            finally:
                assert process.stdin is not None
                process.stdin.close()
                if job.is_lab:
                    labs.end(folder / "home")
        notebook = _executed(after)
        if notebook is not None:
            outputs.clean(notebook)
        problem = (
            reason or _worker_problem(process.returncode, folder / "stderr") or cost.excess(job.budget, budget.BUSY)
        )
        problem = problem or _unpassed(job.checks, folder / "home" / "progress.json")
        return Result(job.name, notebook, cost, problem, outputs.figures(notebook) if notebook is not None else 0)


def run_all(
    jobs: list[Job],
    lanes: int | None = None,
    started: Callable[[str], None] = lambda name: None,
    finished: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Execute many notebooks, `lanes` at once (default: `room`), and return the results in the order of the jobs.

    The labs have lanes of their own beside these, unless there is to be one only. When interrupted, all running
    notebooks are ended before KeyboardInterrupt goes on.
    """
    stop = threading.Event()

    def one(job: Job) -> Result:
        _raise_if_set(stop)
        started(job.name)
        return run(job, stop)

    results: dict[str, Result] = {}
    side_by_side = labs.lanes() if any(job.is_lab for job in jobs) else 0
    lanes = lanes or room(side_by_side)
    with ThreadPoolExecutor(lanes) as pool, ThreadPoolExecutor(max(1, side_by_side)) as lanes_of_labs:
        futures = [(lanes_of_labs if job.is_lab and lanes > 1 else pool).submit(one, job) for job in jobs]
        try:
            for future in as_completed(futures):
                result = future.result()
                results[result.name] = result
                finished(result)
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            raise
    return [results[job.name] for job in jobs]


def room(side_by_side: int) -> int:
    """Return how many lessons may run at once beside so many labs: one a core, where there is the memory; at least one."""
    free = machine.memory() - side_by_side * labs.BYTES
    return max(1, min(machine.cores(), int(free // (budget.LESSON.memory_mb * 1e6))))


def why_not(lessons: list[Lesson]) -> dict[str, str]:
    """Say for each lesson that can't run on this machine why: no cluster or no program for a lab, no environment for a program."""
    reasons: dict[str, str] = {}
    no_lab = labs.why_not() if any(lesson.is_lab for lesson in lessons) else None
    for lesson in lessons:
        if lesson.is_lab and (reason := no_lab or labs.lacks(lesson.number)):
            reasons[lesson.number] = reason
        try:
            for name in lesson.programs:
                _make(name)
        except LabsError as error:
            reasons[lesson.number] = str(error)
    return reasons


def _make(name: str) -> None:
    from labsupport.cluster.pocket import observers

    observers.make() if name == observers.NAME else isolated.make(name)


def _raise_if_set(stop: threading.Event | None) -> None:
    if stop is not None and stop.is_set():
        raise Interrupted


def _executed(path: Path) -> NotebookNode | None:
    try:
        return files.read_notebook(path)
    except LabsError:  # missing, or cut short because the run was ended while it was written
        return None


def _worker_problem(code: int, stderr: Path) -> str | None:
    if code == 0:
        return None
    lines = outputs.ANSI.sub("", stderr.read_text(errors="replace")).splitlines()
    said = "\n".join(line for line in lines if "IPKernelApp" not in line).strip()
    return said[-2000:] or f"papermill ended with code {code}"


def _unpassed(checks: tuple[str, ...], progress: Path) -> str | None:
    if not checks:
        return None
    try:
        known = json.loads(progress.read_text())["exercises"]
    except (OSError, ValueError, KeyError):
        known = {}
    wrong = [f"{key} {known.get(key, {}).get('outcome', 'was never checked')}" for key in checks]
    wrong = [text for text in wrong if not text.endswith(" PASS")]
    return "these checks did not pass: " + ", ".join(wrong) if wrong else None

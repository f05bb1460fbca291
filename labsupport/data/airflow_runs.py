"""Airflow, run as a program in its own environment: DAG files read and run for real, without a scheduler.

>>> airflow = shared()                                 # one process for the whole notebook; its start takes seconds
>>> airflow.read(DAILY).order                          # what Airflow sees in a file
>>> run = airflow.run(DAILY, "2024-03-18", folder)     # the run for one day; run.state, run.tasks
>>> airflow.run(DAILY, "2024-03-18", folder, resume=True)  # only what failed

Nothing leaves the machine and nothing stays: usage reports are off, its home and its SQLite file are temporary.
"""

import atexit
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from labsupport import isolated, paths, variables
from labsupport.errors import LabsError

SIDE = Path(__file__).parent / "airflow_side"
# The lesson's DAGs, as files of the package.
DAILY = SIDE / "dags" / "deploys_daily.py"
APPENDING = SIDE / "dags" / "deploys_appending.py"
# Of lab 614, whose pods run it.
NIGHTLY = SIDE / "dags" / "deploys_nightly.py"

SETTINGS = {
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
    "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "SCARF_ANALYTICS": "false",
    # Where its command looks up an editor, a pager and a width of its own.
    "COLUMNS": "160",
}
STAMP = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z \[(?P<level>\w+) *\] (?P<text>.*)$")
ERROR = re.compile(r"\w+(Error|Exception|Closed)\b")
# What follows a message: the logger's name, and pairs such as loc=dag.py:1563.
TAIL = re.compile(r"\s+\[[\w.]+\]( \w+=.*)?$| \w+=\S.*$")


@dataclass(frozen=True)
class Seen:
    """What Airflow sees in a file: `problem` is why it can't be read, or empty; the rest is about its first DAG."""

    problem: str
    warnings: tuple[str, ...] = ()
    name: str = ""
    schedule: str = ""
    catchup: bool = False
    upstream: Mapping[str, list[str]] = field(default_factory=dict)
    retries: Mapping[str, int] = field(default_factory=dict)
    order: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """A run of a DAG: its state, logical date, data interval (start, end), and of each task the state and how often it was tried.

    `started` names the tasks in the order in which they were started, once a try; `errors` are what failed tries raised.
    """

    day: str
    state: str
    logical_date: str
    interval: tuple[str, str]
    tasks: Mapping[str, Mapping[str, Any]]
    started: tuple[str, ...]
    errors: tuple[str, ...]

    @property
    def states(self) -> dict[str, str]:
        """The state of each task by its name: success, failed, upstream_failed, skipped."""
        return {name: str(task["state"]) for name, task in self.tasks.items()}


class Airflow:
    """An Airflow process that waits for orders; raises LabsError where its environment can't be made or it ends early."""

    def __init__(self) -> None:
        python = made()
        self.bin = python.parent
        self.home = Path(tempfile.mkdtemp(prefix="labs-airflow-"))
        (self.home / "dags").mkdir()
        # Only the course's package, not what else lies beside it: the libraries are those of Airflow's environment.
        (self.home / "lib").mkdir()
        (self.home / "lib" / "labsupport").symlink_to(paths.PACKAGE, target_is_directory=True)
        self.process = subprocess.Popen(
            [str(python), str(SIDE / "driver.py")],
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(self.home / "stderr.txt").open("w"),
            text=True,
            cwd=self.home,
            # An interrupt of a cell is not meant for it.
            start_new_session=True,
        )
        self._answer()

    def read(self, dag: Path | str) -> Seen:
        """Read a DAG: a file, or the text of one."""
        found = self._order("read", file=self._file(dag))
        if found["problem"] or not found["dags"]:
            return Seen(self._tidy(found["problem"]) or "the file makes no DAG", tuple(found["warnings"]))
        first = found["dags"][0]
        return Seen("", tuple(found["warnings"]), **{**first, "order": tuple(first["order"])})

    def run(
        self,
        dag: Path | str,
        day: str | date,
        folder: Path,
        *,
        resume: bool = False,
        breakdowns: Mapping[str, int] | None = None,
        **settings: str,
    ) -> Run:
        """Run a DAG as the scheduler would once `day` is over, on the pipeline's `folder`, and wait for its end.

        It is the first run that its schedule starts within the 24 hours after `day`, with the logical date and interval of the
        schedule's timetable; without a schedule a run by hand, at midnight. Tries follow each other at once, `retry_delay` or not.
        `resume`: go on with that day's run, from what failed. `breakdowns`: in how many of its first tries a task breaks down.
        `settings` are further variables that the DAG finds. Raises LabsError for a file that can't be read, for a schedule that starts
        no run then, and where there is no run to resume.
        """
        known = {"DEPLOYS": str(folder)} | settings
        found = self._order(
            "run",
            file=self._file(dag),
            day=str(day),
            variables=known,
            resume=resume,
            breakdowns=dict(breakdowns or {}),
        )
        errors = tuple(self._tidy(error) for error in found["errors"])
        return Run(
            str(day),
            found["state"],
            found["logical_date"],
            tuple(found["interval"]),
            found["tasks"],
            tuple(found["started"]),
            errors,
        )

    def plan(self, dag: Path | str, first: str, last: str) -> list[str]:
        """Return when the scheduler would start runs by itself ("2024-03-19 00:00"), in the 24 hours after each day from first to last."""
        found: list[str] = self._order("plan", file=self._file(dag), first=first, last=last)["moments"]
        return found

    def command(self, dag: Path | str, day: str | date, folder: Path) -> str:
        """Run `airflow dags test` for the midnight after `day`, as you would in a terminal, and return its log, tidied.

        Airflow then takes that midnight for the logical date, whatever the schedule; the interval is the schedule's.
        """
        name = self.read(dag).name
        self._file(dag)
        midnight = (date.fromisoformat(str(day)) + timedelta(days=1)).isoformat()
        done = subprocess.run(
            [str(self.bin / "airflow"), "dags", "test", name, midnight],
            env=self.environment(folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=self.home,
        )
        return tidy_log(self._tidy(done.stdout) or self._tidy(done.stderr))

    def close(self) -> None:
        """End the process and remove its home."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def environment(self, folder: Path | None = None) -> dict[str, str]:
        """Return the variables of a program of this Airflow, for a pipeline in `folder`."""
        own = {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.home / "dags"),
            "PYTHONPATH": str(self.home / "lib"),
            # Where a file is only read, no run says which folder it is.
            "DEPLOYS": str(folder or self.home / "deploys"),
            "PATH": f"{self.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }
        # A kernel asks for colours, and would get them in every line that is read here.
        plain = {name: value for name, value in variables.for_program().items() if name != "FORCE_COLOR"}
        return plain | SETTINGS | own | {"NO_COLOR": "1"}

    def _file(self, dag: Path | str) -> str:
        """Put a DAG into the folder that Airflow looks into, alone, and return its path."""
        text = dag.read_text(encoding="utf-8") if isinstance(dag, Path) else dag
        name = f"{dag.stem}.py" if isinstance(dag, Path) else "your_dag.py"
        folder = self.home / "dags"
        shutil.rmtree(folder)
        folder.mkdir()
        (folder / name).write_text(text, encoding="utf-8")
        return str(folder / name)

    def _order(self, do: str, **what: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({"do": do, **what}) + "\n")
            self.process.stdin.flush()
            answer = self._answer()
        except BaseException:
            # Interrupted in the middle, or gone: what it would answer later belongs to nobody.
            self.process.send_signal(signal.SIGKILL)
            raise
        if "error" in answer:
            raise LabsError(self._tidy(str(answer["error"])))
        return answer

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            words = (self.home / "stderr.txt").read_text(errors="replace").strip()[-500:]
            raise LabsError(f"Airflow ended (code {self.process.returncode}). Its last words: {words or 'none'}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _tidy(self, text: str) -> str:
        """Take away the paths of this machine."""
        for folder, name in (
            (str(self.home / "dags"), "dags"),
            (str(self.home), "AIRFLOW_HOME"),
            (str(self.bin), "bin"),
        ):
            text = text.replace(folder, name)
        return text


def tidy_log(text: str) -> str:
    """Return the lines of a log by which one follows a run: what was started, what tasks printed and returned, the verdict.

    Times, places in Airflow's own code and identifiers, which are different in each run, are left out.
    """
    lines = []
    for line in text.splitlines():
        match = STAMP.match(line)
        said = TAIL.sub("", match["text"]).rstrip() if match else line.rstrip()
        if match and "[DAG TEST] starting" in line:
            lines.append("starting " + line.split("task_id=")[1].split()[0])
        elif match and said.startswith("Done. Returned value was:"):
            lines.append("  returned " + said.removeprefix("Done. Returned value was:").strip())
        elif match and "Marking run" in line:
            lines.append("run marked " + ("successful" if "successful" in line else "failed"))
        elif (match and match["level"] == "error") or (not match and ERROR.match(said)):
            lines.append(f"  {said}")
    return "\n".join(lines)


def made() -> Path:
    """Return the Python of Airflow's environment; where that is not there, make it and say so. Raises LabsError."""
    with contextlib.suppress(LabsError):
        return isolated.program("airflow", "python")
    print("Making Airflow's environment, once: about a minute, 0.6 GB of disk (labs env airflow).", flush=True)
    isolated.make("airflow", quiet=True)
    print("Airflow's environment is made.", flush=True)
    return isolated.program("airflow", "python")


_shared: list[Airflow] = []


def shared() -> Airflow:
    """Return the one Airflow process of this program, started now if it is not there; it ends with the program."""
    if _shared and _shared[0].process.poll() is None:
        return _shared[0]
    while _shared:
        _shared.pop().close()
    _shared.append(Airflow())
    atexit.register(_shared[0].close)
    return _shared[0]

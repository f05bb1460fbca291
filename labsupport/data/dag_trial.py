"""A trial for a DAG that moves each day's rows into a store: run in Airflow for days with traps, it says what goes wrong first.

>>> found = tried(text)          # None, or a Finding: what was seen, what was expected, and why
"""

import re
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from labsupport.data import airflow_runs
from labsupport.data.airflow_runs import Run
from labsupport.errors import LabsError

# Monday and Tuesday bring rows, Wednesday one torn row, Thursday nothing.
DAYS = ("2024-03-18", "2024-03-19", "2024-03-20", "2024-03-21")
ROWS = 20
HEAD = (
    "deploy_id,team,time,lines_changed,files_changed,author_deploys,tests_failed_before,coverage,dependency_bump,failed"
)
INTERVALS = 'CronDataIntervalTimetable("@daily", timezone="UTC")'


@dataclass(frozen=True)
class Finding:
    """The first thing that is wrong with a DAG; `question` stands where no cause is known."""

    saw: str
    expected: str
    cause: str = ""
    question: str = ""


# What stands in an error, and what to do about it.
REMEDIES = (
    (r"airflow\.operators", "operators have moved: `from airflow.providers.standard.operators.python import PythonOperator`, or use `@task` from `airflow.sdk`"),
    (r"schedule_interval", "the argument is called `schedule` now"),
    (r"provide_context", "`provide_context` is gone: a function gets the context by naming what it wants as arguments, or by `**context`"),
    (r"execution_date", "there is no `execution_date` any more: the day a run is for is `data_interval_start`"),
    (r"No module named 'airflow\.(?!operators)|cannot import name", "the import has moved: `from airflow.sdk import ...` has dag, task, DAG and the timetables"),
    (r"DEPLOYS", 'the folder comes from `os.environ["DEPLOYS"]`, and `os` must be imported'),
    (r"(Syntax|Indentation)Error|invalid syntax|was never closed|expected ", "the text is not Python as it stands: look at quotes, brackets and indentation; a `\\n` in triple quotes is written `\\\\n`"),
    (r"makes no DAG", "a function with `@dag` makes a DAG when it is called: put its call at the end of the file"),
    (r"2024-03-17", "it looks for the day before: the logical date of a run with an interval is the interval's start already, nothing has to be taken off"),
)  # fmt: skip
CLOCK = "the day comes from the clock: a run of last week, or a second try after midnight, would move other rows. Ask for `data_interval_start`"
READS_CLOCK = re.compile(r"\b(now|today|utcnow)\s*\(")


def fill(folder: Path) -> None:
    """Make an inbox: two days of twenty rows and a torn one, a day with a torn row only; the fourth has no file."""
    for part in ("inbox", "store"):
        (folder / part).mkdir()
    for number, day in enumerate(DAYS[:3]):
        rows = [f"d-{number}{n:05},web,{day} 0{n % 10}:00:00+00:00,{n + 1},1,5,0,0.8,False,False" for n in range(ROWS)]
        torn = f"d-{number}99999,web,{day}"
        lines = [HEAD, *([] if number == 2 else rows), torn]
        (folder / "inbox" / f"{day}.csv").write_text("\n".join(lines) + "\n")


@cache
def tried(text: str) -> Finding | None:
    """Let Airflow read a DAG, run it for Monday, Monday again, and the days after; return what is wrong first, or None.

    The same question is answered from memory.
    """
    airflow = airflow_runs.shared()
    seen = airflow.read(text)
    if seen.problem:
        return _about(f"Airflow can't read it: {code(seen.problem)}", "a file with a DAG", seen.problem)
    planned = airflow.plan(text, DAYS[0], DAYS[2])
    if not planned and seen.schedule != "NullTimetable":
        return Finding(
            "the scheduler would start no run in March 2024",
            "a run a day",
            "`start_date` lies later: a scheduler starts nothing for days before it. A fixed day in the past is usual, never the clock",
        )
    if len(planned) != 3:
        return Finding(
            f"from Monday to Wednesday the scheduler would start {len(planned)} runs",
            "a run a day",
            "the DAG has no `schedule`, or not a daily one"
            if len(planned) < 3
            else "the schedule fires more often than once a day",
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder)
        try:
            return _moves(text, folder, lambda day: airflow.run(text, day, folder))
        except LabsError as error:
            return _about(f"Airflow stopped: {code(str(error))}", "a run to its end", str(error))


def code(text: str) -> str:
    """Return a program's words so that a card shows them as they are: `__init__` is no bold init."""
    return "`" + text.replace("`", "'") + "`"


def _about(saw: str, expected: str, problem: str) -> Finding:
    cause = next((words for pattern, words in REMEDIES if re.search(pattern, problem)), "")
    today = datetime.now(UTC)
    if any(f"{today + timedelta(days=step):%Y-%m-%d}" in problem for step in (-1, 0, 1)):
        cause = CLOCK
    return Finding(saw, expected, cause, "" if cause else "What does this error say about the line that raised it?")


def _moves(text: str, folder: Path, run: Callable[[str], Run]) -> Finding | None:
    return _first_run(text, run(DAYS[0]), folder) or _second_run(run, folder) or _empty_days(run)


def _stored(folder: Path) -> "Counter[str]":
    texts = [path.read_text(errors="replace") for path in (folder / "store").rglob("*") if path.is_file()]
    return Counter(re.findall(r"^\"?(d-\d{6})\b", "\n".join(texts), flags=re.MULTILINE))


def _rows_of(number: int) -> set[str]:
    return {f"d-{number}{n:05}" for n in range(ROWS)}


def _first_run(text: str, first: Run, folder: Path) -> Finding | None:
    if first.state != "success":
        problem = first.errors[-1].replace(f"{folder}/", "") if first.errors else f"the run is {first.state}"
        return _about(f"a task failed: {code(problem)}", "a run of Monday's rows that succeeds", problem)
    saw = _stored(folder)
    if not saw:
        seen, wanted = "the run of Monday is green, and no row is in store/", "Monday's 20 rows"
        if READS_CLOCK.search(text.partition("def ")[2]):
            return Finding(seen, wanted, CLOCK)
        return Finding(
            seen,
            wanted,
            "each task is run by a process of its own: what one leaves in a global variable is gone for the next. Hand it on by `return`, or by a file",
        )
    if set(saw) & _rows_of(1) and not set(saw) & _rows_of(0):
        start, end = first.interval
        cause = (
            f'the schedule has no interval, and {start[:10]} has just begun: `"@daily"` is a moment. Take {code(INTERVALS)}, and `data_interval_start`'
            if start == end
            else f"the interval is {start} to {end}: its day is that of its start, the end belongs to the next"
        )
        return Finding("Monday's run moved Tuesday's rows", "Monday's 20 rows", cause)
    if any(name.endswith("99999") for name in saw):
        return Finding(
            "a row of three fields is in store/",
            "only rows with ten fields",
            "what `transform` did was lost on the way: it kept the rows with nine commas",
        )
    if set(saw) != _rows_of(0):
        return Finding(f"{len(saw)} different rows are in store/", "Monday's 20 rows", question="Which rows does your extract read, and which does transform keep?")  # fmt: skip
    if max(saw.values()) > 1:
        return Finding(
            "rows are in store/ twice after one run", "each row once", question="How many of your tasks write?"
        )
    return None


def _second_run(run: Callable[[str], Run], folder: Path) -> Finding | None:
    again, saw = run(DAYS[0]), _stored(folder)
    if again.state != "success" or set(saw) != _rows_of(0):
        return Finding(f"a second run of Monday is {again.state}, {len(saw)} rows are in store/", "the same as after the first", "the first run left something that stops the second: replace it instead")  # fmt: skip
    if max(saw.values()) > 1:
        return Finding(
            "after a second run of Monday each row is in store/ twice",
            "the same as after the first",
            'the file grows with every run (mode "a"): write a file for each day, anew each time',
        )
    second, saw = run(DAYS[1]), _stored(folder)
    if second.state != "success" or not _rows_of(1) <= set(saw):
        return Finding(f"the run of Tuesday is {second.state}, {len(set(saw) & _rows_of(1))} of its 20 rows are there", "Tuesday's 20 rows", "is the day of the run asked for, or is it written into the file?")  # fmt: skip
    if not _rows_of(0) <= set(saw):
        return Finding(
            "after Tuesday's run Monday's rows are gone",
            "the rows of both days",
            "one file for all days is replaced as a whole: a run may replace only what is its own day's",
        )
    return None


def _empty_days(run: Callable[[str], Run]) -> Finding | None:
    empty, missing = run(DAYS[2]), run(DAYS[3])
    if missing.state == "success":
        return Finding(
            "a day without a delivery is green",
            "a red run",
            "an `if` around the missing file makes it a success: let it raise",
        )
    if empty.state == "success":
        return Finding(
            "a day whose file has no usable row is green",
            "a red run",
            "nothing was moved, and no task has counted: raise when no row is left",
        )
    return None

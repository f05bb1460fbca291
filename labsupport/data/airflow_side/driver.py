"""Runs inside Airflow's own environment: reads DAG files and runs them, one order a line of JSON, by Airflow's `DAG.test`.

One process for many runs, because Airflow's start costs seconds and a run a third of one. In two things it does what the
scheduler and a worker do, and `airflow dags test` does not: a run has the logical date and the interval that the DAG's
timetable gives it (`dags test` takes the date of its command line for the logical date), and the DAG file is read anew for every task:
what a task leaves in a global variable is gone. In one thing it does what neither does: it does not wait between tries.
"""

import contextlib
import functools
import json
import os
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

STAMP = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z \[")
EXCEPTION = re.compile(r"[\w.]+(Error|Exception|Warning|Conflict|NotFound)\b")
WORKER = "airflow.sdk.definitions.dag._run_task"
# The longest data interval of a schedule, a month.
LONGEST = timedelta(days=32)


def main() -> None:
    """Answer orders from standard input until it closes; whatever Airflow prints goes to the file log.txt."""
    answers = os.fdopen(os.dup(1), "w")
    log = (Path(os.environ["AIRFLOW_HOME"]) / "log.txt").open("w", buffering=1)
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        from airflow import settings
        from airflow.utils.db import upgradedb

        upgradedb()
        print(json.dumps({"ready": True}), file=answers, flush=True)
        for line in sys.stdin:
            order = json.loads(line)
            try:
                answer = ORDERS[order.pop("do")](**order)
            except (Exception, SystemExit) as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
                settings.Session.remove()  # what was left half done would stop the next order
            print(json.dumps(answer, default=str), file=answers, flush=True)
    # Whoever gave the orders is gone or has closed: nobody else knows this folder.
    shutil.rmtree(os.environ["AIRFLOW_HOME"], ignore_errors=True)


def _bag(file: str) -> tuple[Any, list[str]]:
    from airflow.dag_processing.dagbag import DagBag

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bag = DagBag(dag_folder=file, bundle_name="lesson", safe_mode=False)
    return bag, [f"{each.category.__name__}: {each.message}" for each in caught if each.filename == file]


def read(file: str) -> dict[str, Any]:
    """Return what Airflow sees in a file: its DAGs with their tasks in order, or why it can't be read."""
    bag, said = _bag(file)
    dags = []
    for dag in bag.dags.values():
        tasks = {task.task_id: task for task in dag.tasks}
        dags.append(
            {
                "name": dag.dag_id,
                "schedule": dag.timetable.__class__.__name__,
                "catchup": dag.catchup,
                "upstream": {name: sorted(task.upstream_task_ids) for name, task in tasks.items()},
                "retries": {name: task.retries for name, task in tasks.items()},
                "order": [task.task_id for task in dag.topological_sort()],
            }
        )
    return {"problem": _last_words("".join(bag.import_errors.values())), "warnings": said, "dags": dags}


def _last_words(traceback: str) -> str:
    """Return what a traceback ends with: the line that names the exception, and those of its message."""
    lines = traceback.strip().splitlines()
    first = max((at for at, line in enumerate(lines) if EXCEPTION.match(line)), default=len(lines) - 1)
    return _one_line(lines[max(first, 0) :])


def _one_line(lines: list[str]) -> str:
    return "; ".join(line.strip() for line in lines).replace(":; ", ": ")


def _dag(file: str, name: str | None = None) -> Any:
    bag, _ = _bag(file)
    if bag.import_errors:
        raise ValueError(_last_words("".join(bag.import_errors.values())))
    if not bag.dags:
        raise ValueError("the file makes no DAG")
    return bag.dags[name] if name else next(iter(bag.dags.values()))


@dataclass(frozen=True)
class Due:
    """A run as it is to be created; `by_hand` where no schedule asks for it."""

    logical_date: datetime
    data_interval: Any
    run_after: datetime
    by_hand: bool = False


def _for_the_scheduler(dag: Any) -> Any:
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))


def _scheduled(dag: Any, first: datetime, end: datetime) -> Iterator[Due]:
    """Yield the runs that the scheduler starts from `first` until before `end`, had it been there since the DAG's start date.

    As it does, it asks the timetable for the next run after each. It begins at most `LONGEST` before, where that is the same.
    """
    from airflow.timetables._delta import DeltaMixin

    core = _for_the_scheduler(dag)
    restriction = core._time_restriction._replace(catchup=True)
    near = first - LONGEST
    # Cron's moments are the same wherever one begins to count, those of a timedelta are not.
    if restriction.earliest is None or (near > restriction.earliest and not isinstance(core.timetable, DeltaMixin)):
        restriction = restriction._replace(earliest=near)
    info = None
    while info := core.timetable.next_dagrun_info_v2(last_dagrun_info=info, restriction=restriction):
        if info.run_after >= end:
            return
        if info.logical_date is None:
            raise ValueError("runs of this schedule have no logical date, only a partition")
        if info.run_after >= first:
            yield Due(info.logical_date, info.data_interval, info.run_after)


def _midnight_after(day: str) -> datetime:
    import pendulum

    midnight: datetime = pendulum.instance(datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1))
    return midnight


def _due(dag: Any, day: str) -> Due:
    """Return the first run that the scheduler starts within the 24 hours after `day`; without a schedule one by hand."""
    midnight = _midnight_after(day)
    core = _for_the_scheduler(dag)
    if not core.timetable.can_be_scheduled:
        return Due(midnight, core.timetable.infer_manual_data_interval(run_after=midnight), midnight, by_hand=True)
    for due in _scheduled(dag, midnight, midnight + timedelta(days=1)):
        return due
    raise ValueError(
        f"the scheduler would start no run on {midnight:%Y-%m-%d}: look at start_date, end_date and schedule"
    )


def run(
    file: str, day: str, variables: dict[str, str], resume: bool = False, breakdowns: dict[str, int] | None = None
) -> dict[str, Any]:
    """Run a file's DAG as the scheduler would once `day` is over, and return its state and that of its tasks.

    `resume`: only what failed in the run of that day, and what hangs on it. `breakdowns` says which task breaks down in
    how many of its first tries. Waits between tries are left out.
    """
    os.environ.update(variables)
    dag = _dag(file)
    for task in dag.tasks:
        task.retry_delay = timedelta(0)
    due = _due(dag, day)
    started: list[str] = []
    # The log is opened once more, so that its end is where the run began, whoever writes.
    log = Path(os.environ["AIRFLOW_HOME"]) / "log.txt"
    begun = log.stat().st_size
    with contextlib.ExitStack() as stack:
        worker = functools.partial(_as_a_worker, file, breakdowns or {}, started)
        stack.enter_context(mock.patch(WORKER, worker))
        made = functools.partial(_same_run if resume else _new_run, due)
        stack.enter_context(mock.patch("airflow.models.dagrun.get_or_create_dagrun", made))
        if resume:
            stack.enter_context(_only_failed())
        done = dag.test(logical_date=due.logical_date, run_after=due.run_after)
    with log.open("rb") as file_of_log:
        file_of_log.seek(begun)
        said = file_of_log.read().decode(errors="replace").splitlines()
    tasks = {ti.task_id: {"state": str(ti.state), "tries": ti.try_number} for ti in done.get_task_instances()}
    return {
        "state": str(done.state),
        "logical_date": _minute(done.logical_date),
        "interval": [_minute(done.data_interval_start), _minute(done.data_interval_end)],
        "tasks": tasks,
        "started": started,
        "errors": _errors(said),
    }


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def _as_a_worker(
    file: str, breakdowns: dict[str, int], started: list[str], *, ti: Any, task: Any, **options: Any
) -> Any:
    fresh = _dag(file, task.dag.dag_id).task_dict[task.task_id]
    fresh.retry_delay = timedelta(0)
    started.append(task.task_id)
    if ti.try_number <= breakdowns.get(task.task_id, 0):
        fresh.python_callable = _break_down
    return RUN_TASK(ti=ti, task=fresh, **options)


def _break_down(*arguments: Any, **named: Any) -> None:
    raise ConnectionError("the machine broke down")


def _new_run(due: Due, *, dag: Any, session: Any, **_: Any) -> Any:
    """Create the run as the scheduler does (`SchedulerJobRunner._create_dag_runs`), in place of an earlier one."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType
    from sqlalchemy import select

    run_type = DagRunType.MANUAL if due.by_hand else DagRunType.SCHEDULED
    name = dag.timetable.generate_run_id(
        run_type=run_type, run_after=due.run_after, data_interval=due.data_interval, partition_key=None
    )
    # Another schedule of the same DAG may give the same name to another logical date.
    for same in (DagRun.logical_date == due.logical_date, DagRun.run_id == name):
        for earlier in session.scalars(select(DagRun).where(DagRun.dag_id == dag.dag_id, same)).all():
            session.delete(earlier)
            session.commit()
    return dag.create_dagrun(
        run_id=name,
        logical_date=due.logical_date,
        data_interval=due.data_interval,
        run_after=due.run_after,
        run_type=run_type,
        triggered_by=DagRunTriggeredByType.TEST if due.by_hand else DagRunTriggeredByType.TIMETABLE,
        state=DagRunState.RUNNING,
        start_date=datetime.now(UTC),
        session=session,
    )


def _same_run(due: Due, *, dag: Any, session: Any, **_: Any) -> Any:
    from airflow.models.dagrun import DagRun
    from airflow.utils.state import DagRunState
    from sqlalchemy import select

    found = session.scalar(select(DagRun).where(DagRun.dag_id == dag.dag_id, DagRun.logical_date == due.logical_date))
    if found is None:
        raise ValueError(f"there is no run of {due.logical_date:%Y-%m-%d} to resume")
    found.dag = dag
    found.state = DagRunState.RUNNING
    session.commit()
    return found


@contextlib.contextmanager
def _only_failed() -> Iterator[None]:
    from airflow.serialization.definitions.dag import SerializedDAG

    everything = SerializedDAG.clear_dags
    with mock.patch.object(SerializedDAG, "clear_dags", functools.partial(everything, only_failed=True)):
        yield


def _errors(lines: list[str]) -> list[str]:
    """Return what each failed try raised, in order: the line that names the exception, and the next of its message."""
    found, inside, said = [], False, list[str]()
    for line in [*lines, "2000-01-01T00:00:00Z ["]:
        if STAMP.match(line):
            if inside and said:
                found.append(_one_line(said[:2]))
            inside, said = "Task failed with exception" in line, []
        elif inside and line.startswith('  File "'):
            # What stands below the last of these counts.
            said = []
        elif inside and line.strip() and (said or not line.startswith(" ")):
            said.append(line.strip())
    return found


def plan(file: str, first: str, last: str) -> dict[str, list[str]]:
    """Return the moments at which the scheduler would start a run by itself, within the 24 hours after each day from first to last."""
    between = (_midnight_after(first), _midnight_after(last) + timedelta(days=1))
    return {"moments": [_minute(due.run_after) for due in _scheduled(_dag(file), *between)]}


ORDERS: dict[str, Callable[..., dict[str, Any]]] = {"read": read, "run": run, "plan": plan}

if __name__ == "__main__":
    from airflow.sdk.definitions.dag import _run_task as RUN_TASK

    main()

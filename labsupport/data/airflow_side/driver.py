"""Runs inside Airflow's own environment: reads DAG files and runs them, one order a line of JSON, by Airflow's `DAG.test`.

One process for many runs, because Airflow's start costs seconds and a run a third of one. As a worker does, and unlike
`airflow dags test`, it reads the DAG file anew for every task: what a task leaves in a global variable is gone.
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
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

STAMP = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z \[")
WORKER = "airflow.sdk.definitions.dag._run_task"


def main() -> None:
    """Answer orders from standard input until it closes; whatever Airflow prints goes to the file log.txt."""
    answers = os.fdopen(os.dup(1), "w")
    log = (Path(os.environ["AIRFLOW_HOME"]) / "log.txt").open("w", buffering=1)
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        from airflow.utils.db import upgradedb

        upgradedb()
        print(json.dumps({"ready": True}), file=answers, flush=True)
        for line in sys.stdin:
            order = json.loads(line)
            try:
                answer = ORDERS[order.pop("do")](**order)
            except (Exception, SystemExit) as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
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
    problem = "".join(bag.import_errors.values()).strip().splitlines()
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
    return {"problem": problem[-1] if problem else "", "warnings": said, "dags": dags}


def _dag(file: str, name: str | None = None) -> Any:
    bag, _ = _bag(file)
    if bag.import_errors:
        raise ValueError("".join(bag.import_errors.values()).strip().splitlines()[-1])
    if not bag.dags:
        raise ValueError("the file makes no DAG")
    return bag.dags[name] if name else next(iter(bag.dags.values()))


def run(
    file: str, day: str, variables: dict[str, str], resume: bool = False, breakdowns: dict[str, int] | None = None
) -> dict[str, Any]:
    """Run a file's DAG at midnight after `day`, and return its state and that of its tasks.

    `resume`: only what failed in the run of that day, and what hangs on it. `breakdowns` says which task breaks down in
    how many of its first tries. Waits between tries are left out.
    """
    os.environ.update(variables)
    dag = _dag(file)
    for task in dag.tasks:
        task.retry_delay = timedelta(0)
    started: list[str] = []
    # The log is opened once more, so that its end is where the run began, whoever writes.
    log = Path(os.environ["AIRFLOW_HOME"]) / "log.txt"
    begun = log.stat().st_size
    midnight = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1)
    with contextlib.ExitStack() as stack:
        worker = functools.partial(_as_a_worker, file, breakdowns or {}, started)
        stack.enter_context(mock.patch(WORKER, worker))
        if resume:
            stack.enter_context(mock.patch("airflow.models.dagrun.get_or_create_dagrun", _same_run))
            stack.enter_context(_only_failed())
        done = dag.test(logical_date=midnight)
    with log.open("rb") as file_of_log:
        file_of_log.seek(begun)
        said = file_of_log.read().decode(errors="replace").splitlines()
    tasks = {ti.task_id: {"state": str(ti.state), "tries": ti.try_number} for ti in done.get_task_instances()}
    interval = [str(at)[:16] for at in (done.data_interval_start, done.data_interval_end)]
    return {
        "state": str(done.state),
        "interval": interval,
        "tasks": tasks,
        "started": started,
        "errors": _errors(said),
    }


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


def _same_run(*, dag: Any, logical_date: datetime, session: Any, **rest: Any) -> Any:
    from airflow.models.dagrun import DagRun
    from airflow.utils.state import DagRunState
    from sqlalchemy import select

    found = session.scalar(select(DagRun).where(DagRun.dag_id == dag.dag_id, DagRun.logical_date == logical_date))
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
                found.append(" ".join(said[:2]))
            inside, said = "Task failed with exception" in line, []
        elif inside and line.startswith('  File "'):
            # What stands below the last of these counts.
            said = []
        elif inside and line.strip() and (said or not line.startswith(" ")):
            said.append(line.strip())
    return found


def plan(file: str, first: str, last: str) -> dict[str, list[str]]:
    """Return the days whose runs the scheduler would start from `first` to `last`, in order."""
    from airflow.serialization.serialized_objects import DagSerialization

    dag = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(_dag(file)))
    between = [datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (first, last)]
    return {"days": [str(info.logical_date)[:10] for info in dag.iter_dagrun_infos_between(*between)]}


ORDERS: dict[str, Callable[..., dict[str, Any]]] = {"read": read, "run": run, "plan": plan}

if __name__ == "__main__":
    from airflow.sdk.definitions.dag import _run_task as RUN_TASK

    main()

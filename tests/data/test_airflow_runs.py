"""Airflow in its own environment: DAG files read and run for real. Skipped where that environment can't be made."""

import json
import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from labsupport import isolated
from labsupport.data import airflow_runs
from labsupport.data import pipeline_steps as steps
from labsupport.data.airflow_runs import APPENDING, DAILY, Airflow
from labsupport.data.deploy_contract import deliveries
from labsupport.errors import LabsError

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("airflow")]


@pytest.fixture(scope="module")
def airflow() -> Airflow:
    try:
        isolated.make("airflow")
    except LabsError as error:
        pytest.skip(str(error))
    return airflow_runs.shared()


@pytest.fixture
def week(tmp_path: Path) -> list[str]:
    return steps.lay_out(tmp_path, deliveries(16, seed=0))


def test_the_daily_dag_runs_to_its_end_for_the_day_that_it_is_for(airflow: Airflow, week, tmp_path: Path) -> None:
    run = airflow.run(DAILY, week[0], tmp_path)
    assert run.state == "success", run.errors
    assert run.interval == (f"{week[0]} 00:00", f"{week[1]} 00:00")
    assert list(steps.reports(tmp_path).day) == [week[0]]


# What the scheduler itself creates: its own method, on what it finds in the database, one run after the other.
SCHEDULER = """
import json, sys
from unittest import mock
from airflow import settings
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.executors.local_executor import LocalExecutor
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.db import upgradedb
from sqlalchemy import select

upgradedb()
session = settings.Session()
DagBundlesManager().sync_bundles_to_db(session=session)
session.commit()
bag = DagBag(dag_folder=sys.argv[1], bundle_name="dags-folder", safe_mode=False)
assert not bag.import_errors, bag.import_errors
sync_bag_to_db(bag, "dags-folder", None)
scheduler = SchedulerJobRunner(job=Job(), executors=[LocalExecutor()])
for _ in range(5):
    models = list(session.scalars(select(DagModel).where(DagModel.next_dagrun_create_after.is_not(None))))
    scheduler._create_dag_runs(models, session=session)
    session.flush()
minute = lambda at: f"{at:%Y-%m-%d %H:%M}"
found = {}
for run in session.scalars(select(DagRun)):
    facts = [minute(run.logical_date), [minute(run.data_interval_start), minute(run.data_interval_end)], run.run_id, run.run_type]
    found.setdefault(run.dag_id, {})[minute(run.run_after)] = facts
print("FOUND " + json.dumps(found))
"""
SCHEDULES = {
    "preset": '"@daily"',
    "cron": '"30 6 * * *"',
    "delta": "timedelta(days=1)",
    "cron_interval": 'CronDataIntervalTimetable("@daily", timezone="UTC")',
    "cron_interval_at_six": 'CronDataIntervalTimetable("0 6 * * *", timezone="UTC")',
    "cron_interval_elsewhere": 'CronDataIntervalTimetable("@daily", timezone="Europe/Berlin")',
    "cron_trigger": 'CronTriggerTimetable("@daily", timezone="UTC")',
    "cron_trigger_of_a_day": 'CronTriggerTimetable("@daily", timezone="UTC", interval=timedelta(days=1))',
    "crons": 'MultipleCronTriggerTimetable("0 2 * * *", timezone="UTC", interval=timedelta(days=1))',
    "delta_interval": "DeltaDataIntervalTimetable(timedelta(days=1))",
    "delta_trigger": "DeltaTriggerTimetable(timedelta(days=1), interval=timedelta(days=1))",
}
PROBE = """
import json, os
from datetime import timedelta
from pathlib import Path
import pendulum
from airflow.sdk import *

@dag(dag_id="{name}", schedule={schedule}, start_date=pendulum.datetime(2024, 3, 17, tz="UTC"), catchup=True)
def made():
    @task
    def look(run_id=None, logical_date=None, ds=None, data_interval_start=None, data_interval_end=None):
        dates = [f"{{at:%Y-%m-%d %H:%M}}" for at in (logical_date, data_interval_start, data_interval_end)]
        assert ds == dates[0][:10]
        Path(os.environ["DEPLOYS"], "{name}.json").write_text(json.dumps([dates[0], dates[1:], run_id, "scheduled"]))
    look()
made()
"""


def test_a_run_is_the_one_that_the_scheduler_creates_whatever_the_schedule(airflow: Airflow, tmp_path: Path) -> None:
    dags, home = tmp_path / "dags", tmp_path / "home"
    dags.mkdir()
    for name, schedule in SCHEDULES.items():
        (dags / f"{name}.py").write_text(PROBE.format(name=name, schedule=schedule))
    env = airflow.environment(tmp_path) | {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__DAGS_FOLDER": str(dags)}
    done = subprocess.run(
        [str(airflow.bin / "python"), "-c", SCHEDULER, str(dags)], env=env, capture_output=True, text=True
    )
    assert "FOUND " in done.stdout, done.stderr[-3000:]
    created = json.loads(done.stdout.partition("FOUND ")[2])
    assert set(created) == set(SCHEDULES)
    for name in SCHEDULES:
        for day in ("2024-03-18", "2024-03-19"):
            dag = dags / f"{name}.py"
            run = airflow.run(dag, day, tmp_path)
            (moment,) = airflow.plan(dag, day, day)
            # What the task saw in its context.
            saw = json.loads((tmp_path / f"{name}.json").read_text())
            assert saw == created[name][moment], f"{name}, {day}"
            assert [run.logical_date, list(run.interval)] == saw[:2]


def test_a_cron_text_is_a_moment_and_no_week(airflow: Airflow, tmp_path: Path) -> None:
    text = PROBE.format(name="weekly", schedule='"0 6 * * 1"')
    run = airflow.run(text, "2024-03-24", tmp_path)
    assert {run.logical_date, *run.interval} == {"2024-03-25 06:00"}


def test_without_a_schedule_nothing_is_planned_and_a_run_by_hand_is_for_its_midnight(
    airflow: Airflow, tmp_path: Path
) -> None:
    text = PROBE.format(name="by_hand", schedule="None").replace('"scheduled"', '"manual"')
    assert airflow.plan(text, "2024-03-01", "2024-03-31") == []
    run = airflow.run(text, "2024-03-18", tmp_path)
    assert (run.logical_date, run.interval) == ("2024-03-19 00:00", ("2024-03-19 00:00", "2024-03-19 00:00"))


@pytest.mark.parametrize(
    ("schedule", "start"),
    [('"@weekly"', "pendulum.datetime(2024, 3, 1)"), ('"@daily"', "pendulum.datetime(2025, 1, 1)")],
)
def test_a_run_that_the_scheduler_would_not_start_is_refused(
    airflow: Airflow, tmp_path: Path, schedule: str, start: str
) -> None:
    text = PROBE.format(name="never", schedule=schedule).replace('pendulum.datetime(2024, 3, 17, tz="UTC")', start)
    with pytest.raises(LabsError, match="would start no run on 2024-03-19"):
        airflow.run(text, "2024-03-18", tmp_path)


def test_another_schedule_for_the_same_dag_takes_the_place_of_the_run(airflow: Airflow, tmp_path: Path) -> None:
    dates = [
        airflow.run(PROBE.format(name="changed", schedule=SCHEDULES[name]), "2024-03-18", tmp_path).logical_date
        for name in ("preset", "cron_interval", "preset")
    ]
    assert dates == ["2024-03-19 00:00", "2024-03-18 00:00", "2024-03-19 00:00"]


def test_only_a_run_that_there_is_can_be_resumed(airflow: Airflow, tmp_path: Path) -> None:
    with pytest.raises(LabsError, match="no run of 2024-04-01 to resume"):
        airflow.run(DAILY, "2024-04-01", tmp_path, resume=True)


def test_a_resumed_run_starts_only_what_failed_and_what_waits_for_it(airflow: Airflow, week, tmp_path: Path) -> None:
    broken = airflow.run(DAILY, week[0], tmp_path, breakdowns={"learn": 2})
    assert broken.states["learn"] == "failed" and broken.states["judge"] == "upstream_failed"
    assert broken.errors == ("ConnectionError: the machine broke down",) * 2
    resumed = airflow.run(DAILY, week[0], tmp_path, resume=True)
    assert resumed.started == ("learn", "judge") and resumed.state == "success"


def test_an_error_is_named_even_if_its_message_has_many_lines(airflow: Airflow, week, tmp_path: Path) -> None:
    steps.deliver(tmp_path, week[0], steps.rows_of(tmp_path, "inbox", week[0])[:10])
    run = airflow.run(DAILY, week[0], tmp_path)
    assert run.states["check"] == "failed"
    assert len(run.errors) == 1 and "GateClosed: STOPPED: 10 rows, 0 of them bad; stops: " in run.errors[0]


def test_what_a_task_leaves_in_a_global_variable_is_gone_for_the_next(airflow: Airflow, tmp_path: Path) -> None:
    text = (
        "import pendulum\nfrom airflow.sdk import dag, task\nkept = []\n"
        "@dag(schedule=None, start_date=pendulum.datetime(2024, 1, 1))\ndef leaves():\n"
        "    @task\n    def first(): kept.append(1)\n"
        "    @task\n    def second(): assert not kept\n"
        "    first() >> second()\nleaves()\n"
    )
    assert airflow.run(text, "2024-03-18", tmp_path).state == "success"


@pytest.mark.parametrize(("task", "share", "rows"), [("store", 0.5, 450), ("fetch", 0.5, 300), ("count", 1.0, 300)])
def test_a_retry_doubles_rows_only_where_they_are_appended(
    airflow: Airflow, week, tmp_path: Path, task: str, share: float, rows: int
) -> None:
    run = airflow.run(APPENDING, week[0], tmp_path, DIES_IN=task, DIES_AFTER=str(share))
    assert run.state == "success" and run.tasks[task]["tries"] == 2
    assert len((tmp_path / "store.csv").read_text().splitlines()) == rows


def test_a_file_that_cannot_be_read_says_why_without_this_machines_paths(airflow: Airflow) -> None:
    found = airflow.read("import airflow.operators.python_operator")
    assert found.problem == "ModuleNotFoundError: No module named 'airflow.operators.python_operator'"
    operator = "from airflow.providers.standard.operators.python import PythonOperator\n"
    found = airflow.read(operator + "PythonOperator(task_id='a', python_callable=print, provide_context=True)")
    assert found.problem.startswith("TypeError: Invalid arguments") and "provide_context" in found.problem
    assert airflow.read("def f(:").problem.startswith("SyntaxError: ")
    assert airflow.read("x = 1").problem == "the file makes no DAG"
    assert str(airflow.home) not in airflow.read("def f(:").problem


def test_the_command_runs_a_dag_and_its_log_has_no_path_and_no_time(airflow: Airflow, week, tmp_path: Path) -> None:
    log = airflow.command(DAILY, week[0], tmp_path)
    assert log.count("starting ") == 5 and log.endswith("run marked successful")
    assert str(tmp_path) not in log and "2026" not in log


def test_it_inherits_no_settings_and_reports_nothing(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "True")
    monkeypatch.setenv("PYTHONPATH", "/other")
    variables = airflow.environment()
    assert variables["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    assert variables["AIRFLOW__USAGE_DATA_COLLECTION__ENABLED"] == "False"
    assert "/other" not in variables["PYTHONPATH"] and "https_proxy" not in variables


def test_it_listens_on_no_port(airflow: Airflow) -> None:
    process = psutil.Process(airflow.process.pid)
    assert [c for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN] == []


def test_one_that_ended_is_replaced_and_leaves_no_folder(airflow: Airflow, week, tmp_path: Path) -> None:
    own = Airflow()
    os.kill(own.process.pid, signal.SIGKILL)
    own.process.wait()
    with pytest.raises((LabsError, BrokenPipeError)):
        own.read(DAILY)
    own.close()
    assert not own.home.exists()
    assert airflow_runs.shared() is airflow


def test_the_nightly_dag_of_lab_614_reports_whatever_happened(airflow: Airflow) -> None:
    seen = airflow.read(airflow_runs.NIGHTLY)
    assert not seen.problem and seen.order[0] == "receive" and not seen.catchup
    assert seen.upstream["report"] == ["check", "learn", "receive"] and seen.upstream["check"] == ["receive"]

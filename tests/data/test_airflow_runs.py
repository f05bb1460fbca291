"""Airflow in its own environment: DAG files read and run for real. Skipped where that environment can't be made."""

import os
import signal
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
    assert len(run.errors) == 1 and "GateClosed: STOPPED: 10 rows" in run.errors[0]


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

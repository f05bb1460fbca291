"""Deploys, appended: a store that grows with every try. Its task `DIES_IN` dies once, after `DIES_AFTER` of its rows."""

import os
from pathlib import Path

import pendulum
from airflow.sdk import CronDataIntervalTimetable, dag, get_current_context, task

FOLDER = Path(os.environ["DEPLOYS"])
CHUNK = 10


def write(rows, path, mode):
    """Write rows in chunks; the first try of the task that dies gets no further than its part of them."""
    context = get_current_context()
    dies = context["ti"].task_id == os.environ["DIES_IN"] and context["ti"].try_number == 1
    last = round(float(os.environ["DIES_AFTER"]) * len(rows)) if dies else len(rows)
    with path.open(mode) as file:
        for start in range(0, last, CHUNK):
            file.writelines(rows[start : min(start + CHUNK, last)])
            file.flush()
    if dies:
        raise ConnectionError(f"the machine broke down after {last} of {len(rows)} rows")
    return str(path)


@dag(
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    start_date=pendulum.datetime(2024, 3, 18, tz="UTC"),
    default_args={"retries": 1},
)
def deploys_appending():
    @task
    def fetch(data_interval_start=None):
        source = FOLDER / "inbox" / f"{data_interval_start:%Y-%m-%d}.csv"
        return write(source.read_text().splitlines(keepends=True)[1:], FOLDER / "fetched.csv", "w")

    @task
    def store(fetched):
        return write(Path(fetched).read_text().splitlines(keepends=True), FOLDER / "store.csv", "a")

    @task
    def count(stored):
        rows = len(Path(stored).read_text().splitlines())
        return write([f"{rows}\n"], FOLDER / "rows.txt", "w")

    count(store(fetch()))


deploys_appending()

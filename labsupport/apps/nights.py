"""Nights as one process: `python -m labsupport.apps.nights 2024-03-18 2024-03-19`; without a day, yesterday's.

Each is `airflow dags test deploys_nightly` for the midnight after that day. One process runs several, because Airflow's start
costs more than a night. A line of JSON a night says what became of it; the end is 1 when a night is red.
"""

import argparse
import json
import logging
import os
import shutil
import sys
import warnings
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from labsupport.data import airflow_runs
from labsupport.errors import LabsError

DAG = airflow_runs.NIGHTLY


def main(arguments: list[str] | None = None) -> int:
    """Run the nights one after another; returns 0, 1 when one of them is red, 2 when none could be run."""
    parser = argparse.ArgumentParser(prog="python -m labsupport.apps.nights", description=__doc__)
    parser.add_argument("days", nargs="*", type=date.fromisoformat, help="days whose batches are taken in")
    days = parser.parse_args(arguments).days or [datetime.now(UTC).date() - timedelta(days=1)]
    # Lines of ours go where the container's output goes; what Airflow says, to the error stream.
    said = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        dag = _dag()
    except LabsError as error:
        print(f"nights: {error}", file=sys.stderr)
        return 2
    red = 0
    for day in days:
        line = _night(dag, day)
        red += line["state"] != "success"
        print(json.dumps(line), file=said, flush=True)
    return int(red > 0)


def _dag() -> Any:
    """Prepare Airflow's books and the repository, and return the DAG."""
    home = Path(os.environ.setdefault("AIRFLOW_HOME", str(Path.home() / "airflow")))
    folder = home / "dags"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(DAG, folder / DAG.name)
    os.environ.update(airflow_runs.SETTINGS | {"AIRFLOW__CORE__DAGS_FOLDER": str(folder)})
    warnings.filterwarnings("ignore")
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
    from airflow.utils.db import initdb

    from labsupport.data import bucket
    from labsupport.workflows import nights

    initdb()
    nights.prepare(Path(os.environ["DEPLOYS"]), bucket.from_environment())
    DagBundlesManager().sync_bundles_to_db()
    bag = BundleDagBag(dag_folder=str(folder), bundle_path=folder, bundle_name="dags-folder")
    sync_bag_to_db(bag, "dags-folder", None)
    if bag.import_errors:
        raise LabsError("; ".join(text.strip().splitlines()[-1] for text in bag.import_errors.values()))
    return bag.dags[DAG.stem]


def _night(dag: Any, day: date) -> dict[str, Any]:
    import pendulum

    midnight = pendulum.instance(datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1))
    done = dag.test(logical_date=midnight)
    states = {each.task_id: str(each.state) for each in done.get_task_instances()}
    logging.getLogger(__name__).info("%s: %s", day, done.state)
    return {
        "night": str(day),
        "state": str(done.state),
        "tasks": {task.task_id: states[task.task_id] for task in dag.topological_sort()},
    }


if __name__ == "__main__":
    raise SystemExit(main())

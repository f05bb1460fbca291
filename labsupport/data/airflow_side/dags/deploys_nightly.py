"""Deploys, nightly: each run takes one day's batch through the gate, into a data version and a model."""

import os
from pathlib import Path

import pendulum
from airflow.sdk import CronDataIntervalTimetable, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from labsupport.data import bucket
from labsupport.workflows import nights

FOLDER = Path(os.environ["DEPLOYS"])


@dag(
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),  # whose hour it is, the CronJob says
    start_date=pendulum.datetime(2024, 3, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,  # one repository, one writer
)
def deploys_nightly():
    @task
    def receive(data_interval_start=None):
        batch = nights.receive(FOLDER, bucket.from_environment(), f"{data_interval_start:%Y-%m-%d}")
        if batch is None:
            raise AirflowSkipException("no batch: the night goes on without it")
        return batch

    @task
    def check(batch):
        return nights.check(FOLDER, bucket.from_environment(), batch["day"])

    @task
    def version(counts):
        return nights.version(FOLDER, counts["day"])

    @task
    def learn(counts, data):
        return nights.learn(FOLDER, bucket.from_environment(), counts["day"], data)

    @task
    def promote(made):
        return nights.promote(bucket.from_environment(), made)

    @task(trigger_rule="all_done")  # whatever happened: somebody counts
    def report(batch, counts, made, data_interval_start=None):
        return nights.report(bucket.from_environment(), f"{data_interval_start:%Y-%m-%d}", batch, counts, made)

    batch = receive()
    counts = check(batch)
    made = learn(counts, version(counts))
    promote(made)
    report(batch, counts, made)


deploys_nightly()

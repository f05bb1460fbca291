"""Deploys, daily: each run moves one day from the inbox to a model and its bill."""

import os
from datetime import timedelta
from pathlib import Path

import pendulum
from airflow.sdk import CronDataIntervalTimetable, dag, task

from labsupport.data import pipeline_steps as steps

FOLDER = Path(os.environ["DEPLOYS"])


@dag(
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),  # a run for each day, after that day has ended
    start_date=pendulum.datetime(2024, 3, 18, tz="UTC"),
    catchup=False,  # a past week is run again when somebody asks for it
    max_active_runs=1,  # a model learns from the days before: one day at a time
    default_args={"retries": 1, "retry_delay": timedelta(minutes=5)},
)
def deploys_daily():
    @task
    def receive(data_interval_start=None):
        return steps.receive(FOLDER, f"{data_interval_start:%Y-%m-%d}")

    @task(retries=0)  # a bad delivery is as bad five minutes later
    def check(day):
        return steps.check(FOLDER, day)

    @task
    def learn(day):
        return steps.learn(FOLDER, day)

    @task
    def judge(counts, learnt):
        return steps.judge(FOLDER, counts["day"], learnt)

    @task(retries=0)
    def audit(counts):
        return steps.audit(FOLDER, counts["day"])

    day = receive()
    counts = check(day)
    judge(counts, learn(day))
    audit(counts)


deploys_daily()

# ---
# jupyter:
#   labs:
#     title: "Pipelines with Airflow"
#     question: What does a scheduler promise, and what must each task promise in return?
#     part: 5
#     programs: [airflow]
#     will:
#       - write tasks that may run twice, each for one interval of data
#       - run a pipeline of five tasks in a real Airflow, let it fail, and resume it
#       - decide which days run again after a repair of old data
#       - repair an outdated DAG, and tell a green one that moves nothing
#     need: Lesson 502 (the contract, the quarantine, the gate). The first run makes Airflow's environment, in about a minute.
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# Cron knows the time, and nothing of yesterday's failure. A CI pipeline knows the order of its stages. A Kubernetes Job
# tries again. **Airflow joins the three**: tasks in an order (a *DAG*: arrows, no circle), tries, and a run for each day, also for
# days that are past.
#
# The likeness ends at the input. A CI run builds a commit, which never changes: run it twice, and you get the same. A data
# pipeline reads a folder into which others write. Whether it may run twice is up to *your* tasks, and a green square says only
# that no task raised.

# %% tags=["parameters"]
SEED = 0

# %% [markdown]
# ## See it: a week in green
#
# Three teams deliver their deploys once a day (lesson 502). Here is the DAG of a typical tutorial (the handout's *Airflow DAG for data
# processing*); we changed one import, so that today's Airflow reads it. We start it each night of a week, for the day before.

# %% tags=["setup"]
import inspect
import shutil
import tempfile
from datetime import date, timedelta
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from labsupport import plots
from labsupport.exercises import (
    check,
    claim,
    guess,
    hint,
    quiz,
    reveal,
    solution,
    suppose,
    use,
)

plots.use_style()

# %%
from labsupport.data import airflow_runs
from labsupport.data import pipeline_steps as steps
from labsupport.data.deploy_contract import deliveries

TUTORIAL = """
from airflow import DAG
from airflow.providers.standard.operators.python import PythonOperator
from datetime import datetime

dag = DAG('data_pipeline', start_date=datetime(2024, 1, 1))

def extract_data():
    # Extract data from sources
    pass

def transform_data():
    # Transform and clean data
    pass

def load_data():
    # Load data to storage
    pass

extract_task = PythonOperator(task_id='extract', python_callable=extract_data, dag=dag)
transform_task = PythonOperator(task_id='transform', python_callable=transform_data, dag=dag)
load_task = PythonOperator(task_id='load', python_callable=load_data, dag=dag)

extract_task >> transform_task >> load_task
"""
airflow = airflow_runs.shared()  # a real Airflow, in an environment and a process of its own
place = tempfile.TemporaryDirectory()
folder = Path(place.name) / "deploys"
delivered = deliveries(21, seed=SEED)  # two weeks of history, one week in the inbox
week = steps.lay_out(folder, delivered)
green = [airflow.run(TUTORIAL, day, folder) for day in week]
guess("504.g1")  # with your probability: guess("504.g1", 0.5)

# %% tags=["draw"]
from labsupport.data.dag_view import draw_graph, draw_grid


def rows_in(part, where=folder):
    """Return how many rows of the week lie in a part of the folder."""
    return sum(
        len(steps.rows_of(where, part, day))
        for day in week
        if (where / part / f"{day}.csv").exists()
    )


figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 2.7), width_ratios=(3, 1))
draw_grid(left, ["extract", "transform", "load"], week, [run.states for run in green])
left.set(title="What Airflow shows", xlabel="day (month-day)", ylabel="task")
right.bar(["came", "moved"], [rows_in("inbox"), rows_in("good")], color=plots.BLUE, width=0.6)
right.set(title="Counted", xlabel="where", ylabel="rows of the week")
plots.show(
    figure,
    alt="Left, a grid of three tasks and seven days, every square green. Right, two bars: 2,100 rows came, none moved.",
    summary=[
        f"{sum(run.state == 'success' for run in green)} of {len(green)} runs succeeded",
        f"{rows_in('inbox'):,} rows came, {rows_in('good')} moved",
    ],
)

# %%
reveal("504.g1", any(run.state != "success" for run in green))
claim(
    "every run is green, and not one row has moved",
    all(run.state == "success" for run in green)
    and rows_in("inbox") == 2100
    and rows_in("good") == 0,
)

# %% [markdown]
# The bodies are `pass`. Real ones are subtler: a wrong folder, an `if` around a missing file. What finds them all is to **count**,
# at the end of the pipeline, in the pipeline.

# %% [markdown]
# ## Build it: a task that may run twice
#
# A scheduler promises an order, further tries, and a run for each day. It does *not* promise that a task runs once: a machine
# breaks down after half of the work, or somebody fills last March. **Every task runs twice some day.**
#
# This DAG was written for the first run. `fetch` writes a file anew, `store` appends to a table, `count` counts it; each has
# one retry. When the machine breaks down in `fetch`, all is well:

# %%
from labsupport.data.airflow_runs import APPENDING

print(inspect.cleandoc(APPENDING.read_text().partition("def deploys_appending():")[2]))
suppose("504.1", ("fetch", 0.5))

# %% [markdown]
# **Exercise 504.1 (4 minutes).** Refute that sentence. A case is a pair: the task whose machine breaks down in its first try, and the share
# of its rows that it has written by then, from 0 to 1.

# %% tags=["exercise"] exercise="504.1"
### BEGIN SOLUTION
case = ("store", 0.5)
### END SOLUTION

# %%
check("504.1", case)

# %% [markdown]
# **Exercise 504.2 (5 minutes).** Write what `store` should have done: put an *interval's* rows into the table, so that it may run any number
# of times. The source is careless. It also sends rows from outside of the interval (their own run loads them), and a second time it
# may send *fewer* rows, because somebody repaired it. An interval begins with its start and ends just before its end.


# %% tags=["exercise"] exercise="504.2"
def load(store, rows, start, end):
    """Return the store after this run. `store`, `rows`: frames with a column `time`; `start`, `end`: the interval."""
    ### BEGIN SOLUTION
    others = store[(store.time < start) | (store.time >= end)]
    own = rows[(rows.time >= start) & (rows.time < end)]
    return pd.concat([others, own], ignore_index=True)
    ### END SOLUTION


# %%
check("504.2", load)

# %%
load = use("504.2", load)
both = pd.concat(delivered[14:16], ignore_index=True)  # a source that sends two days each time
store = appended = both[:0]
for number in (0, 1, 0):
    start = pd.Timestamp(week[number], tz="UTC")
    store = load(store, both, start, start + timedelta(days=1))
    appended = pd.concat([appended, both], ignore_index=True)
print(
    f"two days of 300 rows, the first loaded twice: {len(store)} rows, appended {len(appended)}"
)
claim(
    "no row is lost, and none is there twice", sorted(store.deploy_id) == sorted(both.deploy_id)
)

# %% tags=["exercise"] exercise="504.a"
### BEGIN SOLUTION
choice_a = "B"
### END SOLUTION
quiz("504.a", choice_a)

# %% [markdown]
# ## Use it: a DAG in earnest
#
# Our real pipeline has five tasks. `receive` fails until the day's delivery is there; `check` is lesson 502's contract, quarantine and
# gate; `learn` fits a model on the two weeks *before*; `judge` bills it on the day's deploys, which it hasn't seen; `audit` counts.
#
# A function with `@task` is a task; handing one's result to another is the arrow. What travels is a day and a
# few counts: **the data stay in files**, because Airflow stores every result in its own database.

# %%
from labsupport.data.airflow_runs import DAILY

print(DAILY.read_text().partition("FOLDER = ")[2].replace("Path(os", "FOLDER = Path(os", 1))

# %% [markdown]
# `airflow dags test` runs it without scheduler, in any terminal with an Airflow. We run that command in the lesson's own; here is what it
# says, without times and identifiers.

# %% tags=["nbval-ignore-output"]
seen = airflow.read(DAILY)
log = airflow.command(DAILY, week[0], folder)
print(f"$ airflow dags test {seen.name} {date.fromisoformat(week[0]) + timedelta(days=1)}")
print(log)

# %%
claim(
    "the command ran all five tasks and marked the run as successful",
    log.count("starting ") == 5 and log.endswith("run marked successful"),
)

# %% [markdown]
# The whole Airflow took 530 MB in five processes, and 21 s for five empty tasks (`python benchmarks/airflow_start.py`, November
# 2026, two shared cores). Notebooks take a shorter way: their runs are those that the scheduler would start, but tries follow
# each other at once, whatever `retry_delay` says.

# %% [markdown]
# ### The interval
#
# Which day is a run *for*? The run that starts as Tuesday begins moves Monday's rows. Airflow gives every task
# `data_interval_start`, `data_interval_end`, and a **logical date** (`ds` in templates; it was `execution_date` once), which is
# the interval's start. The schedule decides. A guess first: the tutorial's DAG has a `start_date` in January. How many runs does the
# scheduler start in March?

# %%
guess("504.g2")

# %%
PROBE = """
import pendulum
from airflow.sdk import CronDataIntervalTimetable, dag, task

@dag(schedule={schedule}, start_date=pendulum.datetime(2024, 1, 1, tz="UTC"))
def probe():
    @task
    def look(): pass
    look()

probe()
"""
INTERVAL = 'CronDataIntervalTimetable("@daily", timezone="UTC")'
march = {"the tutorial's DAG": len(airflow.plan(TUTORIAL, "2024-03-01", "2024-03-31"))}
probes = {}
for schedule in ('"@daily"', INTERVAL):
    dag = PROBE.format(schedule=schedule)
    march[schedule] = len(airflow.plan(dag, "2024-03-01", "2024-03-31"))
    probes[schedule] = airflow.run(dag, week[0], folder)
for name, count in march.items():
    print(f"{count:>2} runs in March: {name}")
for schedule, run in probes.items():
    print(f"\n{schedule}, the run that starts as {week[1]} begins")
    print(f"  logical date {run.logical_date}, interval {' to '.join(run.interval)}")

# %%
reveal("504.g2", march["the tutorial's DAG"])
claim(
    "without a schedule no run is ever started, which looks as quiet as a month without failures",
    list(march.values()) == [0, 31, 31],
)
claim(
    'with "@daily" logical date, start and end are one moment; with the timetable the run is for a day',
    probes['"@daily"'].interval == (f"{week[1]} 00:00",) * 2
    and probes['"@daily"'].logical_date == f"{week[1]} 00:00"
    and probes[INTERVAL].interval == (f"{week[0]} 00:00", f"{week[1]} 00:00")
    and probes[INTERVAL].logical_date == f"{week[0]} 00:00",
)

# %% [markdown]
# **Since Airflow 3 `"@daily"` has no interval.** Texts from before, in which `@daily` meant the day that has ended, now read the
# file of the day that has just begun. Where you mean a day's rows, ask for a timetable with intervals, and for
# `data_interval_start`: then the file says what it means.

# %% [markdown]
# ### A week with faults
#
# Now the week, with what a week brings. Wednesday's coverage comes in percent, all of it; on Friday three rows in a hundred do; on
# Saturday the machine breaks down while it learns, in both tries; Sunday's delivery doesn't come. Seven runs of five tasks: how
# many of the 35 squares will not be green?

# %%
from labsupport.data.deploy_contract import FAULTS

guess("504.g3")

# %%
percent = FAULTS["percent among shares"]
steps.deliver(folder, week[2], percent(delivered[16], 1.0, SEED))
steps.deliver(folder, week[4], percent(delivered[18], 0.03, SEED))
(folder / "inbox" / f"{week[6]}.csv").unlink(missing_ok=True)
runs = {
    day: airflow.run(DAILY, day, folder, breakdowns={"learn": 2} if day == week[5] else None)
    for day in week
}

# %% tags=["draw"]
figure, axes = plt.subplots(figsize=(7, 3.1))
draw_grid(axes, seen.order, week, [run.states for run in runs.values()])
axes.set(
    title="Three of the four faults stop their day",
    xlabel="day whose rows are moved (month-day)",
    ylabel="task",
)
not_green = [
    (day, name) for day in week for name, s in runs[day].states.items() if s != "success"
]
plots.show(
    figure,
    alt="A grid of five tasks and seven days. On the third day check failed, judge and audit were not started; on the sixth learn failed and judge was not started; on the seventh receive failed and nothing else was started; all other squares are green.",
    summary=[f"{len(not_green)} of 35 tasks are not green"]
    + [
        f"{day}: {name} failed in try {runs[day].tasks[name]['tries']}, the last"
        for day, name in sorted(not_green)
        if runs[day].states[name] == "failed"
    ],
)

# %%
reveal("504.g3", len(not_green))
for number in (2, 5, 6):
    print(f"{week[number]}: {runs[week[number]].errors[-1]}")
claim(
    "the gate, the broken machine and the empty inbox stop their days, and no other",
    [day for day in week if runs[day].state != "success"] == [week[2], week[5], week[6]],
)

# %% [markdown]
# Red is not the bad news here. On the red days nothing wrong reached a model, and somebody hears of it.

# %% [markdown]
# ### The morning after
#
# Saturday's machine is back. We **clear what failed** (a click in the web page; `airflow tasks clear --only-failed` in a terminal), and
# the run goes on: with what failed, and with what waited for it.

# %%
night = airflow.run(DAILY, week[5], folder, breakdowns={"learn": 2})  # Saturday's, once more
resumed = airflow.run(DAILY, week[5], folder, resume=True)
print("started again:", ", ".join(resumed.started), "->", resumed.state)
claim(
    "what had succeeded, and hangs on nothing that failed, does not run again",
    resumed.started == ("learn", "judge") and resumed.state == "success",
)

# %% tags=["draw"]
figure, axes = plt.subplots(figsize=(7, 2.5))
draw_graph(axes, seen.upstream, night.states)
axes.set_title("Saturday night: only what waits for learn was not started")
plots.show(
    figure,
    alt="Five boxes with arrows: receive leads to check and learn, both lead to judge, check leads to audit. Receive, check and audit are ok, learn failed, judge was not started.",
    summary=[
        f"{name}: {night.states[name]}, tries: {night.tasks[name]['tries']}"
        for name in seen.order
    ],
)

# %% [markdown]
# ### Back-fill
#
# Wednesday's file is repaired, and Sunday's has come. We run both days again, and the grid is green. Is all well? `learn`
# reads the good rows of the two weeks before. **Airflow can't know that.** Its arrows lie within a run; between the runs, the
# files know.

# %% [markdown]
# **Exercise 504.3 (6 minutes).** Some days were repaired. Which days must run again, so that every result is what it would have been?
# A day's model learns from the `window` days before it, and is judged on its own day. Later days than `last` have not run yet.
# And mind the order.


# %% tags=["exercise"] exercise="504.3"
def back_fill(repaired, window, last):
    """Return the days to run, in order. `repaired`: a list of dates in any order; `window`: days; `last`: a date."""
    ### BEGIN SOLUTION
    days = {day + timedelta(days=step) for day in repaired for step in range(window + 1)}
    return sorted(day for day in days if day <= last)
    ### END SOLUTION


# %%
check("504.3", back_fill)

# %%
back_fill = use("504.3", back_fill)
repaired = [date.fromisoformat(week[number]) for number in (2, 6)]
ways = {
    "repaired days": repaired,
    "your days": back_fill(repaired, 14, date.fromisoformat(week[6])),
}
copies, filled, results = {}, {}, {"before": steps.reports(folder).set_index("day")}
for name, days in ways.items():
    copies[name] = Path(tempfile.mkdtemp(dir=place.name)) / "deploys"
    shutil.copytree(folder, copies[name])
    for number in (2, 6):  # repaired, and arrived
        steps.deliver(copies[name], week[number], delivered[14 + number])
    filled[name] = [airflow.run(DAILY, str(day), copies[name]) for day in days]
    results[name] = steps.reports(copies[name]).set_index("day")
for column in ("learnt_from", "euros_per_deploy"):
    print(f"{column} before, and after each way")
    table = pd.DataFrame({name: reports[column] for name, reports in results.items()})
    print(table.convert_dtypes().astype(str).replace("<NA>", "-").to_string())

# %% [markdown]
# The bills hardly tell the two ways apart. `learnt_from` does: it counts the rows that a day's model has seen. Here is what it should be,
# from the files:

# %%
from labsupport.data.quarantine import Quarantine

after = copies["your days"]
good = {day: len(steps.rows_of(after, "good", day)) for day in [*steps.before(week[0]), *week]}
should = [sum(good[each] for each in steps.before(day)) for day in week]
stale = {name: int((results[name].learnt_from != should).sum()) for name in ways}
kept = len(Quarantine(after / "quarantine").rows())
print(f"models that lack rows: {stale}")
print(
    f"rows: {rows_in('inbox', after):,} came, {rows_in('good', after):,} good, {kept} in quarantine"
)
claim(
    "both ways all runs are green; the repaired days alone leave three models that never saw Wednesday",
    stale == {"repaired days": 3, "your days": 0}
    and all(run.state == "success" for each in filled.values() for run in each),
)
claim(
    "every row is in one place",
    rows_in("inbox", after) == 2100 == rows_in("good", after) + kept,
)

# %% [markdown]
# One thing had to be right before: `check` asks how old the rows are *when the day's run is due*, not by the clock on the wall. By the
# clock every back-fill would find its rows too old.

# %% tags=["exercise"] exercise="504.b"
### BEGIN SOLUTION
choice_b = "D"
### END SOLUTION
quiz("504.b", choice_b)

# %% [markdown]
# ## Break it: a DAG from years ago
#
# This is what the tutorial's snippet grew into at some company. It worked then. Airflow 3 names what is gone, one error at a time; three
# repairs are a matter of reading:

# %%
OUTDATED = """
import os
from datetime import datetime
from pathlib import Path

from airflow import DAG
from airflow.operators.python_operator import PythonOperator

FOLDER = Path(os.environ["DEPLOYS"])
rows = []

def extract_data(**context):
    day = context["execution_date"].strftime("%Y-%m-%d")
    file = FOLDER / "inbox" / f"{day}.csv"
    if file.exists():
        rows.extend(file.read_text().splitlines()[1:])

def transform_data():
    rows[:] = [row for row in rows if row.count(",") == 9]

def load_data():
    with open(FOLDER / "store" / "deploys.csv", "a") as store:
        store.writelines(row + "\\n" for row in rows)

dag = DAG("data_pipeline", start_date=datetime(2024, 1, 1), schedule_interval="@daily")

extract = PythonOperator(task_id="extract", python_callable=extract_data, provide_context=True, dag=dag)
transform = PythonOperator(task_id="transform", python_callable=transform_data, dag=dag)
load = PythonOperator(task_id="load", python_callable=load_data, dag=dag)

extract >> transform >> load
"""
REPAIRS = [
    ("airflow.operators.python_operator", "airflow.providers.standard.operators.python"),
    ("schedule_interval", "schedule"),
    ("provide_context=True, ", ""),
]
half_done, problems = OUTDATED, []
for old, new in REPAIRS:
    problems.append(airflow.read(half_done).problem)
    print(f"{problems[-1]}\n    {old} -> {new or 'nothing'}")
    half_done = half_done.replace(old, new)
print(half_done)

# %%
claim(
    "each repair ends one error, and then Airflow can read the file",
    all(problems) and len(set(problems)) == 3 and not airflow.read(half_done).problem,
)

# %% [markdown]
# That Airflow reads it says little. A worker reads the file anew for every task, and so do we; `airflow dags test` takes one process for all,
# and hides one of the faults that are left.

# %% [markdown]
# **Exercise 504.4 (9 minutes).** Repair the rest: put the whole text of your DAG into `dag_file`, and let `check` tell you what it sees. It
# should run daily; move the rows of `inbox/DAY.csv` that have ten fields into text files in `store/`, for the day that its run is for;
# do no harm when it runs twice; and be **red** when there is nothing to move. With `@task` or with operators, as you like.

# %% tags=["exercise"] exercise="504.4"
### BEGIN SOLUTION
dag_file = """
import os
from pathlib import Path

import pendulum
from airflow.sdk import CronDataIntervalTimetable, dag, task

FOLDER = Path(os.environ["DEPLOYS"])

@dag(
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    default_args={"retries": 1},
)
def data_pipeline():
    @task
    def extract(data_interval_start=None):
        day = f"{data_interval_start:%Y-%m-%d}"
        if not (FOLDER / "inbox" / f"{day}.csv").exists():
            raise FileNotFoundError(f"no delivery of {day}")
        return day

    @task
    def load(day):
        rows = (FOLDER / "inbox" / f"{day}.csv").read_text().splitlines()[1:]
        good = [row for row in rows if row.count(",") == 9]
        if not good:
            raise ValueError(f"nothing to move on {day}")
        (FOLDER / "store" / f"{day}.csv").write_text("\\n".join(good) + "\\n")

    load(extract())

data_pipeline()
"""
### END SOLUTION

# %%
check("504.4", dag_file)

# %% [markdown]
# The repaired DAG and the tutorial's, on a day with a delivery and on one without:

# %%
dag_file = use("504.4", dag_file)
(folder / "store").mkdir(exist_ok=True)
colours = {}
for name, text in {"repaired": dag_file, "typical tutorial": TUTORIAL}.items():
    colours[name] = [airflow.run(text, day, folder).state for day in (week[0], "2024-04-30")]
    print(f"{name:<17} a delivery: {colours[name][0]:<9} none: {colours[name][1]}")
claim(
    "the repaired DAG is red where there is nothing to move, the tutorial's is green",
    colours["repaired"] == ["success", "failed"]
    and colours["typical tutorial"][1] == "success",
)

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="504.c"
### BEGIN SOLUTION
choice_c = "A"
### END SOLUTION
quiz("504.c", choice_c)

# %% [markdown]
# ## Take it to work
#
# Which days of **your deploys** would a count have stopped? A day without a row is a holiday, or a pipeline that was green.

# %%
from labsupport import own

deploys = own.deploys()  # own.deploys("deploys.csv") reads yours
rows = deploys.set_index("time").resample("D").size()
usual = rows.groupby(rows.index.dayofweek).transform("median")
suspect = rows[(rows == 0) & (usual > 0) | (rows > 3 * usual.clip(lower=1))]
print(f"{len(rows)} days, {int((rows == 0).sum())} of them without a deploy")
print(f"{len(suspect)} are unusual for their day of the week, such as:")
for at, count in suspect.tail(5).items():
    print(f"  {at:%a %Y-%m-%d}: {count} deploys, usual are {usual[at]:.0f}")

# %% [markdown]
# ## Take away
#
# - Green says that no task raised. Count what came and what is kept, in the pipeline, and raise where they differ.
# - Every task runs twice some day: it replaces what belongs to its interval, and touches nothing else.
# - A run is for an interval of data. Ask for `data_interval_start`, not for the time of day; `"@daily"` alone has no interval.
# - Resuming runs what failed and what hangs on it. Between runs only you know what hangs on what.
# - Hand on paths and counts, not data and not global variables.

# %%
from labsupport.course.picture import system_so_far

system_so_far("504")

# %% [markdown]
# **Next**: part 6 puts a pipeline on a cluster, where each task is a pod (603).

"""Lesson 504: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""


def load(body: str) -> str:
    return f"def load(store, rows, start, end):\n    {body}"


def days(body: str) -> str:
    return f"def back_fill(repaired, window, last):\n    {body}"


INSIDE = "inside = lambda frame: (frame.time >= start) & (frame.time < end)\n    "

# The outdated DAG, and its repairs in the order in which their errors come.
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
    ("from airflow.operators.python_operator import", "from airflow.providers.standard.operators.python import"),
    ("schedule_interval=", "schedule="),
    ("provide_context=True, ", ""),
    ('context["execution_date"]', 'context["data_interval_start"]'),
]


def repaired(count: int) -> str:
    text = OUTDATED
    for old, new in REPAIRS[:count]:
        assert old in text
        text = text.replace(old, new)
    return text


def given(text: str) -> str:
    return f"dag_file = {text!r}"


# A short DAG with TaskFlow, of which single lines are wrong.
SHORT = """
import os
from pathlib import Path
import pendulum
from airflow.sdk import CronDataIntervalTimetable, dag, task

FOLDER = Path(os.environ["DEPLOYS"])

@dag(schedule=CronDataIntervalTimetable("@daily", timezone="UTC"), start_date=pendulum.datetime(2024, 1, 1, tz="UTC"))
def moved():
    @task
    def move(data_interval_start=None):
        day = data_interval_start.strftime("%Y-%m-%d")
        lines = (FOLDER / "inbox" / f"{day}.csv").read_text().splitlines()
        good = [line for line in lines[1:] if line.count(",") == 9]
        assert good, "nothing to move"
        (FOLDER / "store" / f"{day}.csv").write_text("\\n".join([lines[0], *good]))
    move()

moved()
"""


def short(old: str, new: str) -> str:
    assert old in SHORT
    return given(SHORT.replace(old, new))


WRONG = {
    "504.1": {
        "takes the lesson's own case": ('case = ("fetch", 0.5)', "the sentence held for your case"),
        "breaks down before the first row": ('case = ("store", 0.0)', "with 21 rows in the store"),
        "names no task": ('case = ("load", 0.5)', "there is no task 'load'"),
        "gives a share in percent": ('case = ("store", 50)', "a share is a number from 0 to 1"),
    },
    "504.2": {
        "appends": (load("return pd.concat([store, rows])"), "rows of the first run are there twice"),
        "drops what is equal": (
            load(INSIDE + "return pd.concat([store, rows[inside(rows)]]).drop_duplicates()"),
            "still stands in the store as it was",
        ),
        "drops equal rows of the source": (
            load(INSIDE + "return pd.concat([store[~inside(store)], rows[inside(rows)]]).drop_duplicates()"),
            "nothing may be dropped",
        ),
        "replaces everything": (load(INSIDE + "return rows[inside(rows)]"), "rows of other intervals have gone"),
        "loads the neighbours' rows": (
            load(INSIDE + "return pd.concat([store[~inside(store)], rows])"),
            "rows from outside of the interval were loaded",
        ),
        "takes both ends": (
            load("return pd.concat([store[~inside(store)], rows[rows.time.between(start, end)]])".replace("~inside(store)", "(store.time < start) | (store.time >= end)")),
            "`between` takes both ends",
        ),
        "clears both ends": (
            load(INSIDE + "return pd.concat([store[~store.time.between(start, end)], rows[inside(rows)]])"),
            "it belongs to the next interval",
        ),
        "forgets the start": (
            load("return pd.concat([store[(store.time < start) | (store.time >= end)], rows[(rows.time > start) & (rows.time < end)]])"),
            "belongs to it",
        ),
        "clears only what comes again": (
            load(INSIDE + "own = rows[inside(rows)]\n    return pd.concat([store[~store.deploy_id.isin(own.deploy_id)], own])"),
            "what was repaired still stands",
        ),
        "takes the day of the start": (
            load("day = start.date()\n    return pd.concat([store[store.time.dt.date != day], rows[rows.time.dt.date == day]])"),
            "a run of six hours",
        ),
        "counts the day itself": (
            load("end = start + timedelta(days=1)\n    " + INSIDE + "return pd.concat([store[~inside(store)], rows[inside(rows)]])"),
            "from `start` up to `end`",
        ),
        "moves the store's times": (
            load(
                INSIDE + "after = pd.concat([store[~inside(store)], rows[inside(rows)]])\n"
                "    store['time'] = store['time'] + pd.Timedelta(hours=3)\n    return after"
            ),
            "a changed argument: `store['time'].iloc[0]`",
        ),
        "returns nothing": (load("store = pd.concat([store, rows])"), "no `return`"),
    },
    "504.3": {
        "takes the repaired days": (days("return sorted(repaired)"), "the repaired days alone"),
        "leaves the repaired days out": (
            days("return sorted({d + timedelta(days=n) for d in repaired for n in range(1, window + 1) if d + timedelta(days=n) <= last} - set(repaired))"),
            "the repaired days themselves",
        ),
        "goes back": (
            days("return sorted({d - timedelta(days=n) for d in repaired for n in range(window + 1)})"),
            "the other direction",
        ),
        "is one day short": (
            days("return sorted({d + timedelta(days=n) for d in repaired for n in range(window) if d + timedelta(days=n) <= last} | set(repaired))"),
            "one day too few",
        ),
        "is one day long": (
            days("return sorted({d + timedelta(days=n) for d in repaired for n in range(window + 2) if d + timedelta(days=n) <= last})"),
            "one day too many",
        ),
        "runs the future": (
            days("return sorted({d + timedelta(days=n) for d in repaired for n in range(window + 1)})"),
            "have not run yet",
        ),
        "runs a day twice": (
            days("return sorted(d + timedelta(days=n) for d in repaired for n in range(window + 1) if d + timedelta(days=n) <= last)"),
            "stands twice",
        ),
        "keeps the given order": (
            days("found = []\n    for d in repaired:\n        for n in range(window + 1):\n            e = d + timedelta(days=n)\n            if e <= last and e not in found:\n                found.append(e)\n    return found"),
            "the earliest day runs first",
        ),
        "runs all since the first": (
            days("return [min(repaired) + timedelta(days=n) for n in range((last - min(repaired)).days + 1)] if repaired else []"),
            "everything since the first repair",
        ),
        "sorts the repaired days in place": (
            days("repaired.sort()\n    return sorted({d + timedelta(days=n) for d in repaired for n in range(window + 1) if d + timedelta(days=n) <= last})"),
            "a changed argument: `repaired[0]`",
        ),
        "returns nothing": (days("sorted(repaired)"), "no `return`"),
    },
    "504.4": {
        "changes nothing": (given(repaired(0)), "operators have moved"),
        "repairs the import": (given(repaired(1)), "is called `schedule` now"),
        "repairs the schedule": (given(repaired(2)), "`provide_context` is gone"),
        "repairs the context": (given(repaired(3)), "there is no `execution_date`"),
        "hands on by a global variable": (given(repaired(4)), "what one leaves in a global variable is gone"),
        "has no schedule": (
            short('schedule=CronDataIntervalTimetable("@daily", timezone="UTC"), ', ""),
            "no `schedule`",
        ),
        "runs each hour": (short('"@daily"', '"@hourly"'), "more often than once a day"),
        "takes a schedule without an interval": (
            short('CronDataIntervalTimetable("@daily", timezone="UTC")', '"@daily"'),
            "the schedule has no interval, and",
        ),
        "takes the interval's end": (
            short("data_interval_start", "data_interval_end"),
            "its day is that of its start",
        ),
        "keeps torn rows": (short('if line.count(",") == 9', ""), "only rows with ten fields"),
        "appends": (
            short('(FOLDER / "store" / f"{day}.csv").write_text("\\n".join([lines[0], *good]))', 'open(FOLDER / "store" / "all.csv", "a").write("\\n".join(["", *good]))'),
            "the file grows with every run",
        ),
        "keeps one file": (short('f"{day}.csv").write', '"all.csv").write'), "one file for all days"),
        "takes a day off the logical date": (
            given(SHORT.replace("data_interval_start=None", "logical_date=None").replace("data_interval_start.strftime", "logical_date.subtract(days=1).strftime")),
            "nothing has to be taken off",
        ),
        "takes the logical date of a schedule without an interval": (
            given(
                SHORT.replace('CronDataIntervalTimetable("@daily", timezone="UTC")', '"@daily"')
                .replace("data_interval_start=None", "ds=None")
                .replace('data_interval_start.strftime("%Y-%m-%d")', "ds")
            ),
            "2024-03-19 has just begun",
        ),
        "asks the clock": (
            given(SHORT.replace("import pendulum", "import datetime\nimport pendulum").replace("data_interval_start.strftime", "datetime.datetime.now().strftime")),
            "the day comes from the clock",
        ),
        "asks the clock, and finds nothing without a word": (
            given(
                SHORT.replace('data_interval_start.strftime("%Y-%m-%d")', "str(pendulum.today().date())").replace(
                    "        lines = (FOLDER", '        if not (FOLDER / "inbox" / f"{day}.csv").exists(): return\n        lines = (FOLDER'
                )
            ),
            "a second try after midnight",
        ),
        "begins later": (short("pendulum.datetime(2024, 1, 1", "pendulum.datetime(2026, 1, 1"), "`start_date` lies later"),
        "writes a day into the file": (short('data_interval_start.strftime("%Y-%m-%d")', '"2024-03-18"'), "the day of the run asked for"),
        "is green without a file": (
            short('        lines = (FOLDER', '        if not (FOLDER / "inbox" / f"{day}.csv").exists():\n            return\n        lines = (FOLDER'),
            "makes it a success",
        ),
        "is green without rows": (short('        assert good, "nothing to move"\n', ""), "raise when no row is left"),
        "is not called": (short("\nmoved()\n", "\n"), "put its call at the end"),
        "does not close a bracket": (short("    move()", "    move("), "not Python as it stands"),
        "raises something of its own": (short("good = [", "good = 1 / 0 or ["), "What does this error say"),
        "is a function": ("def dag_file():\n    return 1", "put the whole file between triple quotes"),
    },
}  # fmt: skip

RIGHT = {
    "504.1": {
        "after the last row": 'case = ["store", 1]',
        "after a few rows": 'case = ("store", 0.1)',
    },
    "504.2": {
        "by a mask": load(
            "inside = (store.time >= start) & (store.time < end)\n"
            "    return pd.concat([store[~inside], rows[(rows.time >= start) & (rows.time < end)]]).sort_values('time')"
        ),
        "by between": load(
            "own = rows[rows.time.between(start, end, inclusive='left')]\n"
            "    return pd.concat([own, store[~store.time.between(start, end, inclusive='left')]])"
        ),
    },
    "504.3": {
        "day by day": days(
            "if not repaired:\n        return []\n"
            "    found, day = [], min(repaired)\n"
            "    while day <= last:\n"
            "        if any(0 <= (day - each).days <= window for each in repaired):\n"
            "            found.append(day)\n"
            "        day += timedelta(days=1)\n"
            "    return found"
        ),
        "by pandas": days(
            "found = [t for d in repaired for t in pd.date_range(d, periods=window + 1) if t.date() <= last]\n"
            "    return sorted(set(found))"
        ),
    },
    "504.4": {
        "in one task": given(SHORT),
        "by the logical date": given(SHORT.replace("data_interval_start=None", "ds=None").replace('data_interval_start.strftime("%Y-%m-%d")', "ds")),
        "by another timetable": given(
            SHORT.replace("import pendulum", "import datetime\nimport pendulum\nfrom airflow.sdk import CronTriggerTimetable")
            .replace('schedule=CronDataIntervalTimetable("@daily", timezone="UTC")', 'schedule=CronTriggerTimetable("@daily", timezone="UTC", interval=datetime.timedelta(days=1))')
        ),
        "each morning at six, for the day before": given(
            SHORT.replace('CronDataIntervalTimetable("@daily", timezone="UTC")', '"0 6 * * *"')
            .replace("data_interval_start=None", "logical_date=None")
            .replace("data_interval_start.strftime", "logical_date.subtract(days=1).strftime")
        ),
        "with operators and files between the tasks": given(
            repaired(4)
            .replace('    if file.exists():\n        rows.extend(file.read_text().splitlines()[1:])', "    return [day, file.read_text().splitlines()[1:]]")
            .replace("rows = []\n", "from airflow.sdk import CronDataIntervalTimetable\n")
            .replace("def transform_data():", "def transform_data(ti):\n    day, rows = ti.xcom_pull(task_ids='extract')")
            .replace("    rows[:] = [row for row in rows if row.count(\",\") == 9]", "    rows = [row for row in rows if row.count(\",\") == 9]\n    if not rows: raise ValueError('nothing')\n    return [day, rows]")
            .replace("def load_data():", "def load_data(ti):\n    day, rows = ti.xcom_pull(task_ids='transform')")
            .replace('"deploys.csv", "a"', 'f"{day}.csv", "w"')
            .replace('schedule="@daily"', 'schedule=CronDataIntervalTimetable("@daily", timezone="UTC")')
        ),
    },
}  # fmt: skip

"""Lesson 504, pipelines with Airflow: checkers, hints, guesses and quiz."""

import tempfile
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail
from labsupport.exercises.refute import Measured, OutsideRules

if TYPE_CHECKING:
    import pandas as pd

exercises = Exercises("504")

exercises.guess("g1", "Airflow marks at least one of the seven runs as failed")
exercises.guess("g2", "Runs that the scheduler starts by itself in March, for the tutorial's DAG", unit="")
exercises.guess("g3", "Tasks of the 35 that are not green", unit="")

TASKS = ("fetch", "store", "count")


@exercises.refute(
    "1",
    "A task that has retries may break down and be run again without harm",
    case="a pair of a task (fetch, store or count) and the share of its rows that it has written when it breaks down, from 0 to 1",
    hints=(
        "A second try begins with what the first one left. Which task minds?",
        "`fetch` and `count` write a file anew. What does `store` find when it begins for the second time?",
        "Let `store` break down after some of its rows, or after all of them.",
    ),
    minutes=4,
    seconds=60.0,
)
def retries_do_no_harm(case: Any) -> Measured:
    """Run the DAG that appends in Airflow, with that accident; it fails when the store does not hold each row once."""
    if not isinstance(case, list | tuple) or len(case) != 2 or not isinstance(case[0], str):
        raise OutsideRules('a case is a pair such as ("fetch", 0.5)')
    task, share = case
    if task not in TASKS:
        raise OutsideRules(f"there is no task {task!r}; there are {', '.join(TASKS)}")
    if isinstance(share, bool) or not isinstance(share, int | float | np.integer | np.floating) or not 0 <= share <= 1:
        raise OutsideRules(f"a share is a number from 0 to 1, this is {share!r:.30}")
    came, rows, state, tries = _broke_down(task, round(float(share), 3))
    numbers = (
        f"{came} rows came; {task} was tried {tries} times; the run ended as {state}, with {rows} rows in the store"
    )
    return Measured(rows == came and state == "success", numbers)


@cache
def _broke_down(task: str, share: float) -> tuple[int, int, str, int]:
    from labsupport.data import airflow_runs
    from labsupport.data.dag_trial import DAYS, fill

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder)
        run = airflow_runs.shared().run(airflow_runs.APPENDING, DAYS[0], folder, DIES_IN=task, DIES_AFTER=str(share))
        rows = len((folder / "store.csv").read_text().splitlines())
    return 21, rows, run.state, int(run.tasks[task]["tries"])


@exercises.check(
    "2",
    "Loaded once, however often it runs",
    hints=(
        "Which rows of the store belong to this run? Those in its interval, whether they come again or not.",
        "Keep the rows of the store *outside* of the interval, take the source's rows *inside*, and join the two.",
        "Inside is `(frame.time >= start) & (frame.time < end)`: midnight belongs to the day that begins.",
    ),
    minutes=5,
)
def load(answer: Guarded) -> str:
    """Load first, again, repaired, with neighbours' rows, at both ends of the interval, with equal rows and into nothing."""
    import pandas as pd

    put = expect.function(answer)
    for what, store, rows, start, end, want in _loads():
        after = put(store, rows, start, end)
        if not isinstance(after, pd.DataFrame):
            cause = "the function has no `return`" if after is None else "is it a list of frames, or a count?"
            raise Fail(f"`{type(after).__name__}`", "the store as a frame", cause)
        lacking = {"time", "deploy_id"} - set(after.columns)
        if lacking:
            raise Fail(
                f"columns {', '.join(map(str, after.columns))}", f"{min(lacking)} as well", "rows keep their columns"
            )
        saw = Counter(
            f"{name} {pd.Timestamp(time):%a %H:%M}" for name, time in zip(after.deploy_id, after.time, strict=True)
        )
        right = Counter(want)
        if saw == right:
            continue
        raise Fail(
            f"{what}: {_listed(saw) or 'no rows'}", _listed(right) or "no rows", _mistaken_load(what, saw, right)
        )
    return "Right for a first, a second and a repaired run, at both ends of the interval."


def _listed(counts: "Counter[str]") -> str:
    return "; ".join(f"{name}{f' ({count} times)' if count > 1 else ''}" for name, count in sorted(counts.items()))


def _time(text: str) -> "pd.Timestamp":
    import pandas as pd

    return pd.Timestamp(f"2024-03-{text}", tz="UTC")


MONDAY = datetime.fromisoformat("2024-03-18T00:00+00:00")
MORNING, NOON, TUESDAY, WEDNESDAY = (MONDAY + timedelta(hours=hours) for hours in (6, 12, 24, 48))


def _loads() -> "list[tuple[str, pd.DataFrame, pd.DataFrame, datetime, datetime, list[str]]]":
    import pandas as pd

    def frame(*rows: tuple[str, str], index: int = 0) -> "pd.DataFrame":
        made = pd.DataFrame({"deploy_id": [name for name, _ in rows], "time": [_time(at) for _, at in rows]})
        made = made.astype({"deploy_id": object, "time": "datetime64[ns, UTC]"})
        # Neither 0 to n nor without repetitions.
        return made.set_axis(pd.Index([index] * len(made), dtype="int64"))

    sunday, tuesday = ("s", "17T23:59"), ("t", "19T08:00")
    one, two = ("a", "18T09:00"), ("b", "18T10:00")
    stored = frame(sunday, one, two, tuesday)
    evening, early = ("e", "18T20:00"), ("f", "18T05:59")
    day = [
        ("the first run", frame(), frame(one, two), ["a Mon 09:00", "b Mon 10:00"]),
        ("a second run", stored, frame(one, two, index=3), ["s Sun 23:59", "a Mon 09:00", "b Mon 10:00", "t Tue 08:00"]),
        ("a run after a repair", stored, frame(one), ["s Sun 23:59", "a Mon 09:00", "t Tue 08:00"]),
        ("a run after a repair of which nothing is left", stored, frame(), ["s Sun 23:59", "t Tue 08:00"]),
        ("the source sends the neighbours' rows as well", frame(sunday), frame(sunday, one, tuesday), ["s Sun 23:59", "a Mon 09:00"]),
        ("a row at the start", frame(), frame(("a", "18T00:00")), ["a Mon 00:00"]),
        ("a row at the end", frame(), frame(one, ("n", "19T00:00")), ["a Mon 09:00"]),
        ("the store has a row at the end", frame(("n", "19T00:00")), frame(one), ["a Mon 09:00", "n Tue 00:00"]),
        ("the store has a row at the start", frame(("a", "18T00:00")), frame(("a", "18T00:00")), ["a Mon 00:00"]),
        ("a row changed its hour", frame(one), frame(("a", "18T11:00")), ["a Mon 11:00"]),
        ("the source sends two equal rows", frame(), frame(one, one), ["a Mon 09:00", "a Mon 09:00"]),
    ]  # fmt: skip
    others = [
        ("a run of six hours", frame(early, one, evening), frame(one), MORNING, NOON, ["f Mon 05:59", "a Mon 09:00", "e Mon 20:00"]),
        ("a run of two days", frame(sunday, one, tuesday), frame(one, ("t", "19T09:00")), MONDAY, WEDNESDAY, ["s Sun 23:59", "a Mon 09:00", "t Tue 09:00"]),
    ]  # fmt: skip
    return [*((what, store, rows, MONDAY, TUESDAY, want) for what, store, rows, want in day), *others]


def _mistaken_load(what: str, saw: "Counter[str]", want: "Counter[str]") -> str:
    lost, extra = want - saw, saw - want
    if "a run of" in what:
        return "the interval need not be a day: it goes from `start` up to `end`"
    if any(name.startswith(("s ", "t ", "n ")) for name in lost):
        if "store has a row at the end" in what:
            return "the row at the interval's end was taken out of the store: it belongs to the next interval"
        return "rows of other intervals have gone: this run may touch only its own"
    if "at the end" in what and any(name.startswith("n ") for name in extra):
        return "the row at the interval's end belongs to the next interval: `between` takes both ends"
    if "at the start" in what and lost:
        return "the row at the interval's start belongs to it"
    if any(name.startswith(("s ", "t ")) for name in extra):
        return "rows from outside of the interval were loaded: their own run loads them, and then they are there twice"
    if "equal rows" in what:
        return "two equal rows of the source are two rows: nothing may be dropped because it looks the same"
    if "repair" in what or "changed" in what:
        return "what was repaired still stands in the store as it was: a run replaces what its interval had"
    if extra and not lost:
        return "rows of the first run are there twice: what the store has of this interval must go before"
    return "which rows of the store and which of the source belong to the interval?"


@exercises.check(
    "3",
    "Which days run again",
    hints=(
        "A repaired day runs itself. Which days' models have read its rows?",
        "The model of a day reads the `window` days before it: so a day's rows are read by the models of the `window` days after it.",
        "All `day + timedelta(days=step)` for step from 0 to `window`, each once, none after `last`, sorted.",
    ),
    minutes=6,
)
def back_fill(answer: Guarded) -> str:
    """Try one day and several, overlapping and apart, unsorted, at the last day, over a month's end, and none."""
    find = expect.function(answer)
    start = date(2024, 2, 26)

    def day(number: int) -> date:
        return start + timedelta(days=number)

    cases = [([0], 2, 9), ([5, 1], 1, 9), ([1, 2], 3, 9), ([8], 14, 9), ([9], 3, 9), ([], 3, 9), ([4], 0, 9), ([3, 3], 2, 20), ([7, 0], 3, 8)]  # fmt: skip
    for numbers, window, last in cases:
        repaired = [day(number) for number in numbers]
        given = find(repaired, window, day(last))
        expect.returned(given, "a list of days")
        if isinstance(given, str | bytes) or not isinstance(given, Iterable):
            raise Fail(
                f"`{given!r:.40}`", "a list of days", "return all of them in a list, also when it is one or none"
            )
        saw = [_day(each) for each in given]
        want = sorted(day(n) for n in {n + step for n in numbers for step in range(window + 1)} if n <= last)
        if saw != want:
            words = (
                f"{', '.join(map(_short, repaired)) or 'nothing'} repaired, window {window}, last {_short(day(last))}"
            )
            raise Fail(
                f"{', '.join(map(_short, saw)) or 'none'} ({words})",
                ", ".join(map(_short, want)) or "none",
                _mistaken_days(saw, want, repaired, window, day(last)),
            )
    return f"Right for {len(cases)} repairs."


def _short(day: date) -> str:
    return f"{day:%b %d}"


def _day(given: Any) -> date:
    if isinstance(given, np.datetime64):
        given = given.astype("datetime64[s]").item()
    if isinstance(given, datetime):
        return given.date()
    if isinstance(given, date):
        return given
    try:
        return date.fromisoformat(str(given)[:10])
    except ValueError:
        raise Fail(f"`{given!r:.40}`", "a date", question="What is each of your entries?") from None


def _mistaken_days(saw: list[date], want: list[date], repaired: list[date], window: int, last: date) -> str:
    if sorted(saw) == want:
        return "the order: a model learns from the days before it, so the earliest day runs first"
    if sorted(set(saw)) == want:
        return "a day stands twice: it would run twice"
    if any(day > last for day in saw):
        return "days after `last` have not run yet: there is nothing to run again"
    if set(saw) == {day for day in repaired if day <= last} and len(want) > len(saw):
        return "the repaired days alone: the models of the days after them have learnt from what was wrong"
    if repaired and set(saw) == {day for day in want if day not in repaired}:
        return "the repaired days themselves must run, too: their rows are checked and judged anew"
    if repaired and set(saw) == {n - timedelta(days=s) for n in repaired for s in range(window + 1)}:
        return "the other direction: the days before a repair never saw its rows"
    reach = {day + timedelta(days=step) for day in repaired for step in range(window)}
    if set(saw) == {day for day in reach | set(repaired) if day <= last}:
        return "one day too few: the day that is `window` days later reads the repaired day as the first of its window"
    reach = {day + timedelta(days=step) for day in repaired for step in range(window + 2)}
    if set(saw) == {day for day in reach if day <= last}:
        return "one day too many: `window` days after a repair its rows are read for the last time"
    if repaired and saw and saw == [min(repaired) + timedelta(days=n) for n in range((last - min(repaired)).days + 1)]:
        return "everything since the first repair: days whose window holds no repaired day give the same as before"
    return "for one repaired day: which days' windows hold it?"


@exercises.check(
    "4",
    "An outdated DAG repaired",
    hints=(
        "Put the text above into `dag_file` as it is, check, repair what the check says, check again.",
        "The schedule is the timetable of *The interval*, from `airflow.sdk`; `data_interval_start` instead of `execution_date`. A task hands on what it returns, the next takes it as an argument.",
        "A file a day in `store/`, written anew. No `if file.exists()`: let a missing file raise, and raise `ValueError` when no row is left.",
    ),
    minutes=9,
    seconds=120.0,
)
def repaired(answer: Any) -> str:
    """Let Airflow read the text, then run it for a day, for that day again, for the next, and for days with nothing to move."""
    from labsupport.data.dag_trial import tried

    if isinstance(answer, Guarded) or not isinstance(answer, str | Path):
        saw = (
            f"the function `{answer.name}`"
            if isinstance(answer, Guarded)
            else f"{type(answer).__name__} `{answer!r:.40}`"
        )
        raise Fail(saw, "the text of a DAG file", "put the whole file between triple quotes")
    found = tried(answer.read_text(encoding="utf-8") if isinstance(answer, Path) else answer)
    if found is not None:
        raise Fail(found.saw, found.expected, found.cause, question=found.question)
    return "Airflow read it, four days were run: the rows are there, once, and a day with nothing to move is red."


exercises.quiz(
    "a",
    "Each night a task runs `DELETE FROM orders WHERE loaded_at >= :start AND loaded_at < :end`, then inserts the source's rows with `created_at` in the same interval, and sets their `loaded_at` to now. The interval is the day before, midnight to midnight. After three nights without a failure, what is in the table?",
    ("Three days of orders, each once: on a first run the delete finds nothing.", False, "On the second night it finds something: the rows of the first night, which were loaded on the day that is now the interval."),
    ("The last day's orders only.", True, "The run for Tuesday deletes what was *loaded* on Tuesday: Monday's orders, put there just after midnight. Delete and insert must mean the same rows: both by `created_at`."),
    ("Three days of orders; only a back-fill would put some of them there twice.", False, "A back-fill would indeed double them, because rows loaded today lie outside of a past interval. But the loss comes first, in the nights without a failure."),
    ("Three days of orders, without those that were created around midnight.", False, "Both ends are the same in delete and insert, and half-open: no order falls between. The two columns are what differs."),
)  # fmt: skip
exercises.quiz(
    "b",
    "A DAG keeps a running total: each day's run reads the total of the day before, adds its own day's sales, and writes its own total. Monday to Sunday have run. Tuesday's sales turn out wrong and are repaired. Which runs make every total right, with none to spare?",
    ("Tuesday's and Wednesday's: a run reads one day back, so the window is 1.", False, "Wednesday's total changes, and Thursday's was made from the old one. A window counts what is read as it came; here each run reads a result."),
    ("Tuesday's and Sunday's: the total that people look at is the last one.", False, "Sunday's run reads Saturday's total, in which the wrong sales still are."),
    ("Tuesday's alone, once the difference was added to Sunday's total by hand.", False, "Sunday is right until the next back-fill, and four totals between are wrong."),
    ("Tuesday's to Sunday's, in this order.", True, "Each total is made from the one before, so the error reaches every later day. A sum of the days' own sales, read anew, would have had a window and an end."),
)  # fmt: skip
exercises.quiz(
    "c",
    'A weekly report moves from Airflow 2 to 3 without a change: `schedule="0 6 * * 1"` (Mondays at six), rows with `data_interval_start <= time < data_interval_end`, a file named `report_{{ ds }}.csv`. The run of Monday, 25 March, is green. What did it write?',
    ("`report_2024-03-25.csv`, without a row.", True, "A cron text is a moment now: start and end are that Monday at six, and no time lies between. The logical date is the same moment. Nobody raised, nobody counted."),
    ("`report_2024-03-18.csv`, with the rows from the 18th to the 25th.", False, "So it was in Airflow 2, and so it is with CronDataIntervalTimetable. A plain cron text is read as CronTriggerTimetable now."),
    ("`report_2024-03-25.csv`, with the rows from the 18th to the 25th.", False, "The name is right. The rows would need an interval of a week, and this schedule has none unless one is asked for."),
    ("`report_2024-03-25.csv`, with the rows since that Monday's midnight.", False, "Nothing here knows of midnight: the interval begins where the schedule fires, at six, and ends there."),
)  # fmt: skip

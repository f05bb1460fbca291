"""Lesson 504, pipelines with Airflow: checkers, hints, guesses and quiz."""

import re
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
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
exercises.guess("g2", "Tasks of the 35 that are not green", unit="")
exercises.guess("g3", "Runs that the scheduler starts by itself in March, for the snippet as printed", unit="")

Graph = Mapping[str, Collection[str]]


@exercises.check(
    "1",
    "What must run again",
    hints=(
        "Go through the tasks in an order in which each comes after those that it waits for: `graphlib.TopologicalSorter(upstream).static_order()`.",
        "A task runs again for one of two reasons: it did not succeed, or something that it waits for runs again.",
        "`if states.get(name) != 'success' or any(before in chosen for before in upstream[name]): chosen.append(name)`",
    ),
    minutes=6,
)
def to_run(answer: Guarded) -> str:
    """Try chains, diamonds and forests: failed, never reached, cleared before successes, all done, nothing done."""
    find = expect.function(answer)
    for what, upstream, states, want in _interrupted():
        given = find(upstream, states)
        expect.returned(given, "a list of tasks")
        if isinstance(given, str | bytes) or not isinstance(given, Iterable):
            raise Fail(
                f"`{given!r:.40}`", "a list of tasks", "return all of them in a list, also when it is one or none"
            )
        saw = list(given)
        if isinstance(given, set | frozenset) and len(saw) > 1:
            raise Fail(
                "a set", "a list of tasks in an order", "a set has no order: each task comes after what it waits for"
            )
        if not all(isinstance(name, str) for name in saw):
            raise Fail(f"`{saw!r:.60}`", "a list of names", question="What is each of your entries, a name or more?")
        _judge_choice(what, upstream, states, saw, want)
    return f"Right for {len(_interrupted())} interrupted runs, each in an order that works."


def _interrupted() -> list[tuple[str, Graph, dict[str, str], set[str]]]:
    # Written so that neither the order of the keys nor that of the alphabet is one that works.
    diamond: Graph = {
        "audit": {"check"},
        "judge": {"check", "learn"},
        "check": {"receive"},
        "learn": {"receive"},
        "receive": set(),
    }
    chain: Graph = {"d": {"a"}, "a": {"c"}, "c": {"b"}, "b": set()}
    two: Graph = {"y2": {"z1"}, "z1": set(), "x2": {"w1"}, "w1": set()}
    ok = "success"
    return [
        ("a task failed", diamond, {"receive": ok, "check": ok, "learn": "failed", "judge": "upstream_failed", "audit": ok}, {"learn", "judge"}),
        ("a task was cleared, and those after it had succeeded", chain, {"b": ok, "a": ok, "d": ok}, {"c", "a", "d"}),
        ("the first task was cleared", diamond, {"check": ok, "learn": ok, "judge": ok, "audit": ok}, set(diamond)),
        ("all succeeded", diamond, dict.fromkeys(diamond, ok), set()),
        ("nothing has run yet", chain, {}, set(chain)),
        ("one of two chains failed at its end", two, {"z1": ok, "y2": "failed", "w1": ok, "x2": ok}, {"y2"}),
        ("one of two chains was cleared at its start", two, {"y2": ok, "w1": ok, "x2": ok}, {"z1", "y2"}),
        ("a task runs still", chain, {"b": ok, "c": "running"}, {"c", "a", "d"}),
    ]  # fmt: skip


def _judge_choice(what: str, upstream: Graph, states: Mapping[str, str], saw: list[str], want: set[str]) -> None:
    said = f"{what}: {', '.join(saw) or 'none'}"
    wanted = f"{', '.join(sorted(want)) or 'none'}, each after what it waits for"
    if set(saw) == want and len(saw) == len(want):
        for at, name in enumerate(saw):
            late = set(upstream[name]) & set(saw[at:])
            if late:
                raise Fail(said, wanted, f"{name} waits for {min(late)}, and stands before it")
        return
    if len(saw) != len(set(saw)):
        raise Fail(said, wanted, "a task stands twice: it would run twice")
    done_for = {name for name in upstream if states.get(name) != "success"}
    if set(saw) == set(upstream) and want != set(upstream):
        cause = "everything runs again: what is done, and hangs on nothing that runs again, is still valid"
    elif set(saw) == {name for name, state in states.items() if state != "success"} != want:
        cause = "a task without a state is not in `states` at all: ask for each task of `upstream`"
    elif set(saw) == done_for and want > done_for:
        cause = "a task that says success has used what will now be replaced: what hangs on a task that runs, runs, too"
    elif set(saw) < want:
        near = done_for | {name for name, before in upstream.items() if done_for & set(before)}
        if set(saw) == near:
            cause = "only the next task was followed: what hangs on that one hangs on the first, too"
        else:
            cause = f"{min(want - set(saw))} is missing: does it hang on a task that runs again, directly or by others?"
    else:
        extra = sorted(set(saw) - want)
        cause = f"{extra[0]} succeeded, and nothing that it waits for runs again" if extra else ""
    raise Fail(said, wanted, cause, question="" if cause else "Which of these tasks is too many, which is missing?")


@exercises.check(
    "2",
    "Loaded once, however often it runs",
    hints=(
        "Which rows of the store belong to this run? Those in its interval, whether they come again or not.",
        "Keep the rows of the store *outside* of the interval, take the source's rows *inside*, and join the two.",
        "Inside is `(frame.time >= start) & (frame.time < end)`: midnight belongs to the day that begins.",
    ),
    minutes=6,
)
def load(answer: Guarded) -> str:
    """Load first, again, repaired, with neighbours' rows, at both ends of the interval, with equal rows and into nothing."""
    import pandas as pd

    put = expect.function(answer)
    for what, store, rows, want in _loads():
        after = put(store, rows, MONDAY, TUESDAY)
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


MONDAY, TUESDAY = datetime.fromisoformat("2024-03-18T00:00+00:00"), datetime.fromisoformat("2024-03-19T00:00+00:00")


def _loads() -> "list[tuple[str, pd.DataFrame, pd.DataFrame, list[str]]]":
    import pandas as pd

    def frame(*rows: tuple[str, str], index: int = 0) -> "pd.DataFrame":
        made = pd.DataFrame({"deploy_id": [name for name, _ in rows], "time": [_time(at) for _, at in rows]})
        made = made.astype({"deploy_id": object, "time": "datetime64[ns, UTC]"})
        # Neither 0 to n nor without repetitions.
        return made.set_axis([index] * len(made))

    sunday, tuesday = ("s", "17T23:59"), ("t", "19T08:00")
    one, two = ("a", "18T09:00"), ("b", "18T10:00")
    stored = frame(sunday, one, two, tuesday)
    return [
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


def _mistaken_load(what: str, saw: "Counter[str]", want: "Counter[str]") -> str:
    lost, extra = want - saw, saw - want
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
    minutes=7,
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
        "Put the text of `OUTDATED` into `dag_file` as it is, check, repair what the check says, check again. The errors come one at a time.",
        "Imports from `airflow.sdk`, `schedule=` with the timetable of *The interval*, `data_interval_start` instead of `execution_date`, no `provide_context`. A task hands on what it returns.",
        "A file a day in `store/`, written anew. No `if file.exists()`: let a missing file raise, and raise `ValueError` when no row is left.",
    ),
    minutes=10,
    seconds=120.0,
)
def repaired(answer: Any) -> str:
    """Let Airflow read the text, then run it for a day, for that day again, for the next, and for days with nothing to move."""
    if isinstance(answer, Guarded) or not isinstance(answer, str | Path):
        raise Fail(
            f"{type(answer).__name__} `{answer!r:.40}`"
            if not isinstance(answer, Guarded)
            else f"the function `{answer.name}`",
            "the text of a DAG file",
            "put the whole file between triple quotes",
        )
    text = answer.read_text(encoding="utf-8") if isinstance(answer, Path) else answer
    found = _tried(text)
    if found is not None:
        raise Fail(found.saw, found.expected, found.cause, question=found.question)
    return "Airflow read it, three days were run: the rows are there, once, and a day with nothing to move is red."


@dataclass(frozen=True)
class _Finding:
    saw: str
    expected: str
    cause: str = ""
    question: str = ""


# What stands in an error, and what to do about it.
REMEDIES = (
    (r"airflow\.operators", "operators have moved: `from airflow.providers.standard.operators.python import PythonOperator`, or use `@task` from `airflow.sdk`"),
    (r"schedule_interval", "the argument is called `schedule` now"),
    (r"provide_context", "`provide_context` is gone: a function gets the context by naming what it wants as arguments, or by `**context`"),
    (r"execution_date", "there is no `execution_date` any more: the day a run is for is `data_interval_start`"),
    (r"No module named 'airflow\.(?!operators)|cannot import name", "the import has moved: `from airflow.sdk import ...` has dag, task, DAG and the timetables"),
    (r"DEPLOYS", 'the folder comes from `os.environ["DEPLOYS"]`, and `os` must be imported'),
    (r"(Syntax|Indentation)Error|invalid syntax|was never closed|expected ", "the text is not Python as it stands: look at quotes, brackets and indentation; a `\\n` in triple quotes is written `\\\\n`"),
    (r"makes no DAG", "a function with `@dag` makes a DAG when it is called: put its call at the end of the file"),
)  # fmt: skip


def _remedy(problem: str) -> str:
    return next((words for pattern, words in REMEDIES if re.search(pattern, problem)), "")


def _about(saw: str, expected: str, problem: str) -> _Finding:
    cause = _remedy(problem)
    return _Finding(saw, expected, cause, "" if cause else "What does this error say about the line that raised it?")


DAYS = ("2024-03-18", "2024-03-19", "2024-03-20", "2024-03-21")
HEAD = (
    "deploy_id,team,time,lines_changed,files_changed,author_deploys,tests_failed_before,coverage,dependency_bump,failed"
)


@cache
def _tried(text: str) -> _Finding | None:
    """Return the first thing that is wrong with a DAG, or None; the same question is answered from memory."""
    from labsupport.data import airflow_runs
    from labsupport.errors import LabsError

    airflow = airflow_runs.shared()
    seen = airflow.read(text)
    if seen.problem:
        return _about(f"Airflow can't read it: {seen.problem}", "a file with a DAG", seen.problem)
    planned = airflow.plan(text, DAYS[0], DAYS[2])
    if len(planned) != 3:
        return _Finding(
            f"from Monday to Wednesday the scheduler would start {len(planned)} runs",
            "a run a day",
            "the DAG has no `schedule`, or not a daily one"
            if len(planned) < 3
            else "the schedule fires more often than once a day",
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _fill(folder)
        try:
            return _moves(lambda day: airflow.run(text, day, folder), folder)
        except LabsError as error:
            return _about(f"Airflow stopped: {error}", "a run to its end", str(error))


def _fill(folder: Path) -> None:
    """Make an inbox: two days of twenty rows and a torn one, a day with a torn row only; the fourth has no file."""
    for part in ("inbox", "store"):
        (folder / part).mkdir()
    for number, day in enumerate(DAYS[:3]):
        rows = [f"d-{number}{n:05},web,{day} 0{n % 10}:00:00+00:00,{n + 1},1,5,0,0.8,False,False" for n in range(20)]
        torn = f"d-{number}99999,web,{day}"
        lines = [HEAD, *([] if number == 2 else rows), torn]
        (folder / "inbox" / f"{day}.csv").write_text("\n".join(lines) + "\n")


def _moves(run: Any, folder: Path) -> _Finding | None:
    def stored() -> "Counter[str]":
        texts = [path.read_text(errors="replace") for path in (folder / "store").rglob("*") if path.is_file()]
        return Counter(re.findall(r"^\"?(d-\d{6})\b", "\n".join(texts), flags=re.MULTILINE))

    def rows_of(number: int) -> set[str]:
        return {f"d-{number}{n:05}" for n in range(20)}

    first = run(DAYS[0])
    if first.state != "success":
        problem = first.errors[-1] if first.errors else f"the run is {first.state}"
        return _about(f"a task failed: {problem}", "a run of Monday's rows that succeeds", problem)
    saw = stored()
    torn = [name for name in saw if name.endswith("99999")]
    if not saw:
        return _Finding(
            "the run of Monday is green, and no row is in store/",
            "Monday's 20 rows",
            "each task is run by a process of its own: what one leaves in a global variable is gone for the next. Hand it on by `return`, or by a file",
        )
    if set(saw) & rows_of(1) and not set(saw) & rows_of(0):
        interval = " to ".join(first.interval)
        return _Finding(
            f"Monday's run moved Tuesday's rows (its interval: {interval})",
            "Monday's 20 rows",
            '`"@daily"` alone has no interval: take CronDataIntervalTimetable("@daily", timezone="UTC"), and `data_interval_start`',
        )
    if torn:
        return _Finding(
            "a row of three fields is in store/",
            "only rows with ten fields",
            "what `transform` did was lost on the way: it kept the rows with nine commas",
        )
    if set(saw) != rows_of(0):
        return _Finding(f"{len(saw)} different rows are in store/", "Monday's 20 rows", question="Which rows does your extract read, and which does transform keep?")  # fmt: skip
    if max(saw.values()) > 1:
        return _Finding(
            "rows are in store/ twice after one run", "each row once", question="How many of your tasks write?"
        )
    again = run(DAYS[0])
    saw = stored()
    if again.state != "success" or set(saw) != rows_of(0):
        return _Finding(f"a second run of Monday is {again.state}, {len(saw)} rows are in store/", "the same as after the first", "the first run left something that stops the second: replace it instead")  # fmt: skip
    if max(saw.values()) > 1:
        return _Finding(
            "after a second run of Monday each row is in store/ twice",
            "the same as after the first",
            'the file grows with every run (mode "a"): write a file for each day, anew each time',
        )
    second = run(DAYS[1])
    saw = stored()
    if second.state != "success" or not rows_of(1) <= set(saw):
        return _Finding(f"the run of Tuesday is {second.state}, {len(set(saw) & rows_of(1))} of its 20 rows are there", "Tuesday's 20 rows", "is the day of the run asked for, or is it written into the file?")  # fmt: skip
    if not rows_of(0) <= set(saw):
        return _Finding(
            "after Tuesday's run Monday's rows are gone",
            "the rows of both days",
            "one file for all days is replaced as a whole: a run may replace only what is its own day's",
        )
    empty, missing = run(DAYS[2]), run(DAYS[3])
    if missing.state == "success":
        return _Finding(
            "a day without a delivery is green",
            "a red run",
            "an `if` around the missing file makes it a success: let it raise",
        )
    if empty.state == "success":
        return _Finding(
            "a day whose file has no usable row is green",
            "a red run",
            "nothing was moved, and no task has counted: raise when no row is left",
        )
    return None


TASKS = ("fetch", "store", "count")


@exercises.refute(
    "5",
    "A task that has retries may break down and be run again without harm",
    case="a pair of a task (fetch, store or count) and the share of its rows that it has written when it breaks down, from 0 to 1",
    hints=(
        "A second try begins with what the first one left. Which task minds?",
        "`fetch` and `count` write a file anew. What does `store` find when it begins for the second time?",
        "Let `store` break down after some of its rows, or after all of them.",
    ),
    minutes=5,
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

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _fill(folder)
        run = airflow_runs.shared().run(airflow_runs.APPENDING, DAYS[0], folder, DIES_IN=task, DIES_AFTER=str(share))
        rows = len((folder / "store.csv").read_text().splitlines())
    return 21, rows, run.state, int(run.tasks[task]["tries"])


exercises.quiz(
    "a",
    "`learn` failed at night because the disk was full. In the morning there is room, and somebody clears `learn` in Monday's run. Meanwhile Tuesday's run has finished, green. What do you still have to look at?",
    ("Nothing: Monday's run resumes, and what hangs on `learn` runs with it.", False, "Within Monday's run, yes. But which runs used what Monday's `learn` should have written?"),
    ("Whether something in Tuesday's run used what Monday's `learn` writes.", True, "Arrows lie within a run. If Tuesday took 'the newest model', it took Sunday's, and was green with it."),
    ("Whether `check` must be cleared as well, since it ran in the same night.", False, "It did not fail, and it does not hang on `learn`. What it wrote is still right."),
    ("Whether `learn` has enough retries for the next full disk.", False, "Five minutes later the disk is as full. Retries help with what passes by itself."),
)  # fmt: skip
exercises.quiz(
    "b",
    "A task calls a payment provider's API and then writes the receipt to a table, replacing its day's rows. It has three retries. What do you tell its author?",
    ("It is idempotent: the table's rows of the day are replaced.", False, "The table is. The card is charged once a try: the effect outside of the table is what must not be repeated."),
    ("Take the retries away: then it runs at most once.", False, "Then a timeout leaves it open whether the card was charged, and somebody clears the task by hand. It runs twice all the same."),
    ("Write the receipt before the call, so that a retry finds it.", False, "Then a breakdown between the two leaves a receipt for a payment that never was."),
    ("Send a key made of the interval and the order, by which the provider knows a repeated call.", True, "The key makes the call itself one that may be repeated. It must come from the data interval: a random one, or the time of day, is new in each try."),
)  # fmt: skip
exercises.quiz(
    "c",
    "A team back-fills March in April. `extract` asks the source system for *all customers with their current address*, for each day of March. All 31 runs are green, and every count agrees. What is wrong?",
    ("Nothing, if each run replaces the rows of its day.", False, "It does, with something that was not true on that day."),
    ("The runs must be in order, or a later day is replaced by an earlier one.", False, "Each run writes its own day. The order matters for what learns from other days, not for what each of them asks."),
    ("March's days now hold April's addresses: the question has no interval in it.", True, "A task that asks for *now* can't be run for the past. It must ask for the interval, or the answers must be kept when they come (lesson 503's versions)."),
    ("Thirty-one runs at once overload the source; `max_active_runs` should be 1.", False, "A fair worry, and it says nothing about what is in the rows."),
)  # fmt: skip
exercises.quiz(
    "d",
    "A pipeline ends with an audit: rows in the store divided by rows in the inbox must be above 0.95. It has been green for a month, and the store holds only half of the deploys that took place. How can that be?",
    ("The audit ran before `load` had finished.", False, "Then it would have counted too few, and been red."),
    ("The inbox was already short: what was never delivered is in neither number.", True, "It compares the pipeline with its own input. Whether the input is whole, only a number from elsewhere can say: the usual count of a day, the source's own total."),
    ("A limit of 0.95 lets one row in twenty go, and a month has many rows.", False, "It lets a twentieth go each day. That is never half."),
    ("Retries loaded some rows twice, which made up for the lost ones.", False, "Possible for a day. That it should fit to within a twentieth, every day of a month, is not what one would bet on first."),
)  # fmt: skip

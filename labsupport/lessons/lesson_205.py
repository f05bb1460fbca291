"""Lesson 205, features and feature stores: checkers, hints and quiz."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, LearnerError
from labsupport.lessons.cases import features_205

exercises = Exercises("205")


@exercises.check(
    "1",
    "A rate that does not look ahead",
    hints=(
        "`load.rolling(minutes).mean()` is the mean of the last `minutes` rows, this one included.",
        "`mean.shift(minutes)` brings that mean from `minutes` rows ago to this row.",
        "Return `(mean - mean.shift(minutes)) / minutes`.",
    ),
)
def growth(answer: Guarded) -> str:
    """Compare with two plain sums a row, on loads labelled as in the next cell; then look at the first rows."""
    rate = expect.function(answer)

    def cases() -> Iterator[expect.Case]:
        for load, minutes in features_205.loads():
            saw = expect.array(rate(load, minutes), (len(load),), "one rate a row")
            want = features_205.growth(load, minutes)
            causes = partial(features_205.growth_mistakes, load, minutes)
            yield expect.Case(saw, want, causes, f", rows from 0 on, for windows of {minutes}")

    expect.explain_all(cases(), "for one row: which rows belong to each of your two windows, and which are missing?")
    return "Right for windows of 7 and 4 minutes; the first rows, which have no two windows, are missing."


@exercises.check(
    "2",
    "Cut the future off",
    hints=(
        "Call `make` twice: `make(load)[:cut]` is what it says today, `make(load[:cut])` what it said then.",
        "Turn both into arrays with `np.asarray(..., float)` and compare them.",
        "`not np.allclose(whole, past, equal_nan=True)`: two missing values are equal, one missing value is a difference.",
    ),
    minutes=6,
)
def looks_ahead(answer: Guarded) -> str:
    """Try honest features and leaks of several kinds, each of which betrays another shortcut."""
    import pandas as pd

    test = expect.function(answer)
    load = pd.Series(np.random.default_rng(5).uniform(2, 8, 200) + np.linspace(0, 3, 200))
    honest, leaks = features_205.HONEST, features_205.LEAKS
    for cut in (120, 77):
        blamed, missed = [], []
        for name, make in {**honest, **leaks}.items():
            try:
                said = _truth(test(make, load, cut))
            except LearnerError as error:
                if "broadcast" not in error.summary and "same length" not in error.summary:
                    raise
                cause = "the two answers have different lengths: compare the first `cut` of both, `make(load)[:cut]`"
                raise Fail(f"`{error.summary}` for {name}", str(name in leaks), cause) from None
            if said and name in honest:
                blamed.append(name)
            elif not said and name in leaks:
                missed.append(name)
        if not blamed and not missed:
            continue
        cause = features_205.looked_wrong(set(blamed), set(missed))
        first = blamed[0] if blamed else missed[0]
        question = "which rows of which two answers does yours compare, and when do two of them count as different?"
        also = f", and {len(blamed) + len(missed) - 1} more are wrong" if len(blamed) + len(missed) > 1 else ""
        raise Fail(f"{bool(blamed)} for {first}{also}", str(not blamed), cause, question="" if cause else question)
    return f"{len(leaks)} leaks found, {len(honest)} honest features let through, at two cuts."


def _truth(result: Any) -> bool:
    expect.returned(result, "True or False")
    if isinstance(result, bool | np.bool_):
        return bool(result)
    if np.ndim(result) > 0:
        raise Fail(
            f"{np.size(result)} values", "one True or False", "bring the rows together with `np.allclose` or `.any()`"
        )
    raise Fail(f"`{result!r}`", "True or False", "return the outcome of the comparison")


@exercises.check(
    "3",
    "What was known then",
    hints=(
        '`np.searchsorted(known_at, asked_at, side="right")` counts, for each question, the rows known at or before it.',
        "The last of them has that count less 1 as its index. For a question before the first row that is -1.",
        "`np.where(row >= 0, values[np.maximum(row, 0)], np.nan)` keeps -1 from meaning the last row.",
    ),
    minutes=6,
)
def value_known(answer: Guarded) -> str:
    """Ask before, between, exactly at and after the rows, in no order; then a table of one row."""
    lookup = expect.function(answer)
    rng = np.random.default_rng(9)
    known = np.cumsum(rng.integers(2, 9, 40)).astype(float)
    values = rng.permutation(np.arange(100.0, 140.0))
    asked = rng.permutation(np.concatenate([known[::3], known[1:] - 0.5, [known[0] - 1, known[-1] + 50]]))

    def cases() -> Iterator[expect.Case]:
        for questions, times, column in (
            (asked, known, values),
            (np.array([3.0, 1.0]), np.array([2.0]), np.array([7.0])),
        ):
            try:
                result = lookup(questions, times, column)
            except LearnerError as error:
                if "out of bounds" not in error.summary:
                    raise
                cause = (
                    'the place after the last row was read: `side="right"` counts the rows that are known, and the last of '
                    "them has the count less 1 as its index"
                )
                raise Fail(f"`{error.summary}`", "the last row known, at the count less 1", cause) from None
            saw = expect.array(result, questions.shape, "one value a question")
            causes = partial(features_205.lookup_mistakes, questions, times, column)
            yield expect.Case(saw, features_205.known_value(questions, times, column), causes, " of the questions")

    expect.explain_all(cases(), "take that question: which rows are known by then, and which of them does yours read?")
    return f"{len(asked)} questions, before, between, at and after the rows: each got what was known."


@exercises.check(
    "4",
    "Answers from the future",
    hints=(
        'Sort the table by `known_at`, then `drop_duplicates(["region", "hour"], keep="last")` keeps the newest rows.',
        '`questions.merge(newest, on=["region", "hour"], how="left")` keeps every question, in order.',
        "Then compare the joined `known_at` with `asked_at`; a comparison with a missing time is False.",
    ),
    minutes=6,
)
def answered_from_the_future(answer: Guarded) -> str:
    """Build questions of which some come in the second of writing, and a table in disorder with holes."""
    find = expect.function(answer)
    asked, table = features_205.questions_and_table()
    joined = features_205.naive_join(asked, table.sort_values("known_at"))
    want = (joined.known_at > joined.asked_at).to_numpy()
    result = expect.returned(find(asked, table), "a boolean array")
    if np.ndim(result) == 1 and np.size(result) < len(asked):
        cause = 'questions without a row were lost in the join: `how="left"` keeps them'
        raise Fail(f"{np.size(result)} entries", f"{len(asked)}", cause)
    if np.ndim(result) == 1 and np.size(result) > len(asked):
        cause = "each question was joined to every row of its hour: keep only the newest row of each first"
        raise Fail(f"{np.size(result)} entries", f"{len(asked)}", cause)
    saw = expect.truths(result, len(asked), "one True or False a question")
    if not np.array_equal(saw, want):
        at = int(np.flatnonzero(saw != want)[0])
        row = f"row of {joined.known_at[at]:%H:%M}" if joined.known_at.notna()[at] else "no row in that hour"
        causes = features_205.join_mistakes(asked, table)
        cause = next((cause for cause, wrong in causes.items() if np.array_equal(saw, wrong)), "")
        question = "" if cause else "which row does the naive join find for this question, and when was it written?"
        where = f"{saw[at]} for {asked.region[at]}, asked at {asked.asked_at[at]:%H:%M}, {row}"
        raise Fail(where, f"{want[at]}", cause, question=question)
    return f"{want.sum()} of {len(want)} questions were answered from the future; the others were asked late, or had no row."


@exercises.check(
    "5",
    "Training and serving, value by value",
    hints=(
        "Go column by column: `for name in offline`, and compare `offline[name]` with `online[name]` row by row.",
        "A row is the same if `abs(left - right) <= tolerance`, or if both are missing.",
        "`np.allclose(left, right, rtol=0, atol=tolerance, equal_nan=True)` says both for all rows at once.",
    ),
    minutes=6,
)
def skewed_columns(answer: Guarded) -> str:
    """Compare frames in which each column is skewed, or not, in its own way, with three tolerances."""
    find = expect.function(answer)
    offline, online = features_205.two_paths()

    def cases() -> Iterator[expect.Case]:
        for tolerance in (1e-6, 0.5, 2e-9):
            saw = expect.names(find(offline, online, tolerance=tolerance))
            causes = partial(features_205.other_answers, offline, online, tolerance)
            want = features_205.skewed(offline, online, tolerance)
            yield expect.Case(saw, want, causes, f" for a tolerance of {tolerance:g}")

    question = "take the first column that is named wrongly: which of its rows decide in yours, and by what comparison?"
    first = expect.explain_all(cases(), question)[0]
    return f"Found {len(first.want)} skewed columns of {len(offline.columns)}, also the one whose mean is right and those with a hole on one side."


exercises.quiz(
    "a",
    "A line gets the hour of the day as one number, 0 to 23. What can it not learn from it?",
    ("That late hours are busier on average than early ones.", False, "That is just what one weight can say: so much more load for each hour. It is about all that it can say."),
    ("That the load rises to the afternoon and is back where it was at midnight.", True, "A line only rises or only falls, so 23:00 would be farthest from 0:00. On the circle they are neighbours."),
    ("Anything at all, because an hour is a category and no number.", False, "As 24 yes/no columns the hour would be a category, and the line could use it. As a number it is poor, not forbidden."),
)  # fmt: skip
exercises.quiz(
    "b",
    "You ask the store 10,000 questions for a training set and get 9,100 rows. What do you do first?",
    ("Train: 9,100 rows are plenty, and the rest is chance.", False, "It is not chance. Early questions and those after a gap of the job are missing, and these are moments of their own kind."),
    ("Fill the missing questions with the newest value of their entity.", False, "The newest value was not known then. That is the naive join again, for 900 rows."),
    ("Put them back as rows without values, and look which ones they are.", True, "Then you see what is missing: new entities, gaps of the job, a ttl too short. Serving will meet the same moments with no value."),
    ("Make the ttl longer until all 10,000 come back.", False, "That revives rows that you had declared too old, and no ttl brings a row to a question before the first."),
)  # fmt: skip
exercises.quiz(
    "c",
    "The handout's Deployment sets FEAST_CORE_URL to feast-core:6565. What does a Feast of today do with it?",
    ("Nothing. No line of it reads the variable, so there is no error either.", True, "You have counted the mentions: none. A setting that nobody reads is the quietest fault there is; look for the reader."),
    ("The server stops at its start, because it can't reach that address.", False, "It does not try. That would be the better behaviour: a failed start is seen at once."),
    ("It keeps its registry there, so that the three replicas agree.", False, "That was the idea before version 0.10. Today the registry is named in feature_store.yaml."),
)  # fmt: skip
exercises.quiz(
    "d",
    "Three replicas of a feature server answer. At times a value is missing, and the next request gets it. What helps?",
    ("A readiness probe, so that only healthy replicas get requests.", False, "All three are healthy: they answer quickly and without error. The probe would have to ask for a value."),
    ("Materialise every minute instead of every hour.", False, "The job fills the store that it can reach. Two replicas would go on looking into their own empty files."),
    ("One registry and one online store that all replicas share.", True, "Then each replica is only a reader, and it does not matter which one answers. On a cluster: Redis and a shared registry."),
    ("replicas: 1, because one server can't disagree with itself.", False, "It would agree with itself, and lose its files with the next restart. And nobody answers meanwhile."),
)  # fmt: skip

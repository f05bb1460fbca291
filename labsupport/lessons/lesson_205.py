"""Lesson 205, features and feature stores: checkers, hints and quiz."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from labsupport.exercises import Measured, expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded, learners_code
from labsupport.exercises.outcomes import Fail, LearnerError
from labsupport.exercises.refute import OutsideRules
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


MONDAY_CUTS = (240, 480, 720, 960, 1200)
OTHER_CUTS = range(7, 1440, 7)


@exercises.refute(
    "6",
    "A column that does not notice the five cuts at 240, 480, 720, 960 and 1200 does not look ahead",
    case="a function from a Series (1,440 minutes of load) to as many values",
    hints=(
        "What do the five moments have in common, on the clock? Which columns are complete just then?",
        "At a full hour everything that belongs to the hour before is known. Which column of a table by the hour would look ahead at half past?",
        'The mean of each whole hour, given to all of its minutes: `load.groupby(load.index // 60).transform("mean")`. It is the naive join in other words.',
    ),
    minutes=7,
    seconds=20.0,
)
def five_cuts_are_enough(case: Any) -> Measured:
    """Cut one region's Monday at the five moments, and at every seventh minute; it fails when only the latter notice."""
    load = features_205.monday()
    if not callable(case):
        raise OutsideRules("a case is a function: hand over its name, without parentheses")
    with learners_code():
        whole = case(load.copy())
    if np.shape(whole) != load.shape:
        raise OutsideRules(
            f"a column has a value for each of the {len(load)} minutes; this one has the shape {np.shape(whole)}"
        )

    def notices(cut: int) -> bool:
        with learners_code():
            past = case(load[:cut].copy())
        if np.shape(past) != (cut,):
            raise OutsideRules(
                f"made from {cut} minutes, a column has {cut} values; this one has the shape {np.shape(past)}"
            )
        return not np.allclose(np.asarray(whole, float)[:cut], np.asarray(past, float), equal_nan=True)

    five, others = [cut for cut in MONDAY_CUTS if notices(cut)], [cut for cut in OTHER_CUTS if notices(cut)]
    numbers = f"it differs at {len(five)} of the 5 cuts, and at {len(others)} of the {len(OTHER_CUTS)} other moments that the check tries"
    if others and not five:
        numbers += f", first at minute {others[0]}"
    return Measured(bool(five) or not others, numbers)


exercises.guess("g1", "Told the hour of day in UTC, the line misses by at least a twentieth less")
exercises.guess("g2", "Questions that the naive join answers with a row written only after they were asked", unit="%")
exercises.guess("g3", "At 21:00 the online store says that nothing is known")

exercises.quiz(
    "a",
    "A shop's weekends are busy, its other days alike. The weekday goes into a line as one number, Monday 0 to Sunday 6, and the miss falls a little. What has the line learnt?",
    ("That Saturday and Sunday are busy, and the other days alike.", False, "For that it would need a step between Friday and Saturday. A weight times a number has no steps."),
    ("That each day is busier than the day before, by the same amount.", True, "So Friday is said too high and Sunday too low, and it still helps a little. A column *weekend*, 0 or 1, says it as it is."),
    ("Nothing: a weekday is a category, so the weight is noise.", False, "As a number it is a poor column and not a useless one: late days really are busier here, on average."),
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
    "A colleague wants the server to refuse rows older than 15 minutes, and sets the feature view's `ttl` to 15 minutes. In the night the job that writes the rows stops for an hour. What happens?",
    ("The server answers with old values as before, and the next training set has no values for most of that hour.", True, "Online nobody looks at the ttl. Offline it is applied, so the model never learns what it is then asked to do: the two paths now differ more."),
    ("After 15 minutes the server says that nothing is known; training has the same hole.", False, "That was the wish, and it would be consistent. But the online store serves the newest row, however old."),
    ("After 15 minutes the server refuses, while training keeps all rows.", False, "It is the other way round: the ttl is about questions to the past."),
    ("Nothing changes, in training or serving, until the job writes again.", False, "Serving does not change. But for each question of that hour the training set finds no row that is young enough."),
)  # fmt: skip
exercises.quiz(
    "d",
    "The server now refuses rows older than 15 minutes. The training set is still joined with `max_age=\"2h\"`. Your skew test, which asks when the job has just run, is green. What is true?",
    ("All is well: a green skew test says that both paths read the same.", False, "At the moments that it asks about. It never asks while the job is late, which is where the two differ."),
    ("Training must keep two hours, since a model needs every row that it can get.", False, "From rows an hour old it learns a relation that serving will never use: there such a question gets no value."),
    ("In gaps of the job both paths differ: give both the same limit, and test in a gap.", True, "A limit is a part of the feature's definition. One number, read by both, and a moment in the test when the newest row is too old."),
    ("The server's limit should go, because it makes a difference to training.", False, "Then both agree to believe values of the day before. Agreement is not the aim, the right value is."),
)  # fmt: skip

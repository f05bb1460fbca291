"""Lesson 205, features and feature stores: checkers, hints and quiz."""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from labsupport.exercises import Measured, expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded, learners_code
from labsupport.exercises.outcomes import Fail, LearnerError
from labsupport.exercises.refute import OutsideRules
from labsupport.lessons.cases import ages_205, features_205, labels, trends_205

exercises = Exercises("205")


ENOUGH = 0.9
"""Which share of the miss may be left with the column of 205.1, on average over three weeks."""


@exercises.check(
    "1",
    "A column that says where the load goes",
    hints=(
        "A single number says where the load is. Where it goes, two tell: one of now, one of a little while ago.",
        "`load.rolling(n).mean()` is the mean of the last `n` rows, `.shift(m)` brings it from `m` rows ago. Nearby minutes differ by noise.",
        "Two windows side by side, `mean - mean.shift(n)`: try some lengths. At 5 minutes it is mostly noise, at 30 it is over.",
    ),
    minutes=8,
    seconds=60.0,
)
def trend(answer: Guarded) -> str:
    """Let a line use the column beside the mean of ten minutes, in three weeks; look whether it reads later rows."""
    make = expect.function(answer)
    left = []
    for seed in trends_205.WEEKS:
        week = trends_205.week(seed)
        columns = [_column(make, load) for load in week.loads]
        _honest(make, week.loads[0], columns[0])
        missing = max(int(np.isnan(column).sum()) for column in columns)
        if missing > 120 or any(np.isinf(column).any() for column in columns):
            raise Fail(f"{missing} of {len(columns[0])} rows without a number, or infinite ones", "at most 120, those of the first two hours", question="which rows does it need before it can say something?")  # fmt: skip
        left.append(week.share_left(np.concatenate(columns)))
    share = float(np.mean(left))
    if share <= ENOUGH:
        return f"Beside the mean of ten minutes it takes {1 - share:.0%} off the miss, on average over three weeks."
    cause = trends_205.recognised(columns[0], week.loads[0])
    raise Fail(
        f"{1 - share:.1%} off the miss of the mean of ten minutes, on average over three weeks",
        "a tenth or more",
        cause,
        question="" if cause else "how noisy is your column from minute to minute, and how long ago is what it tells?",
    )


def _column(make: Guarded, load: Any) -> np.ndarray:
    try:
        return expect.array(make(load), (len(load),), "one value a row")
    except LearnerError as error:
        if not re.fullmatch(r"KeyError: -?\d+", error.summary):
            raise
        cause = "`load[i]` asks for the row with the label `i`, and a region's rows have labels of their own: `load.iloc[i]`"
        raise Fail(f"`{error.summary}`", "one value a row", cause) from None


def _honest(make: Guarded, load: Any, whole: Any) -> None:
    for cut in trends_205.CUTS:
        past = _column(make, load.iloc[:cut])
        if not np.allclose(whole[:cut], past, equal_nan=True):
            at = int(np.flatnonzero(~np.isclose(whole[:cut], past, equal_nan=True))[-1])
            raise Fail(
                f"row {at} is {whole[at]:.3f}, and {past[at]:.3f} where the day ends with row {cut - 1}",
                "the same number: row `i` uses row `i` and those before it",
                "a later row is read: a centred window, a shift by a negative number, or a mean of the whole day",
            )


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
            saw = labels.names(find(offline, online, tolerance=tolerance))
            causes = partial(features_205.other_answers, offline, online, tolerance)
            want = features_205.skewed(offline, online, tolerance)
            yield expect.Case(saw, want, causes, f" for a tolerance of {tolerance:g}")

    question = "take the first column that is named wrongly: which of its rows decide in yours, and by what comparison?"
    first = expect.explain_all(cases(), question)[0]
    return f"Found {len(first.want)} skewed columns of {len(offline.columns)}, also the one whose mean is right and those with a hole on one side."


MORE = 1.05
"""By which factor the bill of 205.5's limit may exceed the smallest one of the next month."""


@exercises.check(
    "5",
    "How old is too old",
    hints=(
        "For each possible limit: what would last month have cost? Rows up to it cost `missed`, the others `refused`.",
        "A loop over limits is fine: `np.where(ages <= limit, missed, refused).mean()`. Which limits are worth trying?",
        "Sorted by age, `np.cumsum(refused - missed[order])` is what answering up to each age saves. Where is it largest?",
    ),
    minutes=7,
    seconds=20.0,
)
def age_limit(answer: Guarded) -> str:
    """Let the limit of one month be paid for in the next, for five teams with other prices and gaps."""
    choose = expect.function(answer)
    more = []
    for place, team in enumerate(ages_205.TEAMS):
        last, coming = team.month(10 * place), team.month(10 * place + 1)
        limit = expect.returned_number(partial(choose, last.ages.copy(), last.missed.copy(), last.refused), "the limit in minutes")  # fmt: skip
        best = coming.bill(team.month(10 * place + 1).cheapest())
        bill = coming.bill(limit)
        more.append(bill / best)
        if bill <= MORE * best:
            continue
        causes = ages_205.other_limits(last)
        cause = next((text for text, other in causes.items() if np.isclose(limit, other, rtol=1e-3, atol=0.01) or (limit > last.ages.max() and other == last.ages.max())), "")  # fmt: skip
        if limit < last.ages.min():
            cause = "everything is refused: a fresh row costs less than a refusal"
        raise Fail(
            f"a limit of {limit:.0f} minutes for team {place + 1}: {bill:.2f} € a question in the next month",
            f"at most {MORE * best:.2f} €",
            cause,
            question="" if cause else "what does last month cost at your limit, and what at half and at twice of it?",
        )
    return f"Five teams pay at most {max(more) - 1:.0%} more than by the best limit of the month that came."


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
    ("The server answers as before; the next training set has a hole.", True, "Online nobody looks at the ttl. Offline it is applied, so the model never learns what it is then asked to do: the two paths now differ more."),
    ("After 15 minutes the server says that nothing is known; training has the same hole.", False, "That was the wish, and it would be consistent. But the online store serves the newest row, however old."),
    ("After 15 minutes the server refuses, while training keeps the rows of that hour.", False, "It is the other way round: the ttl is about questions to the past."),
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

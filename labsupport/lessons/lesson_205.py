"""Lesson 205, features and feature stores: checkers, hints and quiz."""

from typing import Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail

exercises = Exercises("205")


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.allclose(one, other, atol=1e-9, equal_nan=True)


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
    """Compare with two plain sums a row; then cut the future off, and look at the first rows."""
    import pandas as pd

    rate = expect.function(answer)
    rng = np.random.default_rng(3)
    for rows, minutes in ((80, 7), (50, 4)):
        load = pd.Series(rng.uniform(2, 9, rows).cumsum() + rng.normal(0, 3, rows))
        saw = expect.array(rate(load, minutes), (rows,), "one rate a row")
        values, want = load.to_numpy(), np.full(rows, np.nan)
        for i in range(2 * minutes - 1, rows):
            recent = values[i - minutes + 1 : i + 1]
            before = values[i - 2 * minutes + 1 : i - minutes + 1]
            want[i] = (recent.mean() - before.mean()) / minutes
        if _equal(saw, want):
            continue
        _explain_growth(saw, want, load, minutes)
    return "Right for windows of 7 and 4 minutes; the first rows, which have no two windows, are missing."


def _explain_growth(saw: np.ndarray, want: np.ndarray, load: Any, minutes: int) -> None:
    mean, middle = load.rolling(minutes).mean(), load.rolling(minutes, center=True).mean()
    causes = {
        "the window is centred: half of its rows lie in the future": (middle - middle.shift(minutes)) / minutes,
        "the shift goes the wrong way, so the rate is that of the future: shift by `+minutes`": (
            mean.shift(-minutes) - mean
        )
        / minutes,
        "the shift and the difference go the wrong way: take this mean less an earlier one": (
            mean - mean.shift(-minutes)
        )
        / minutes,
        "the sign: the recent mean less the one before": -want,
        "not divided by `minutes`: the change is wanted per minute": want * minutes,
        "single rows are compared, or windows that overlap: shift by `minutes`, so that one ends where the other begins": mean
        - mean.shift(1),
        "the centres of the windows are `minutes` apart: divide by `minutes`, not by twice that": want / 2,
        "missing rows were filled with 0, which says that the load stands still; leave them missing": np.nan_to_num(
            want
        ),
    }
    # The last row has all its windows in every version that looks back, the one before the middle in every other.
    place = len(want) // 2
    picture = f"{saw[place]:.4f} in row {place}", f"{want[place]:.4f}"
    for cause, wrong in causes.items():
        if _equal(saw, np.asarray(wrong, float)):
            if "filled" in cause:
                picture = "0 in row 0", "`nan` there"
            raise Fail(*picture, cause)
    whole = np.isfinite(want)
    if _equal(saw[whole], want[whole]):
        raise Fail(
            f"{saw[minutes]:.4f} in row {minutes}",
            "`nan` there",
            f"a row with fewer than {2 * minutes} rows behind it has no two full windows; leave it missing",
        )
    raise Fail(*picture, "work it out for one row on paper: which rows belong to each of the two windows?")


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
    honest = {
        "a plain column": lambda x: x * 2,
        "a trailing mean, whose first rows are missing": lambda x: x.rolling(10).mean(),
        "the highest so far": lambda x: np.maximum.accumulate(np.asarray(x)),
        "a mean of all rows so far": lambda x: (x.cumsum() / np.arange(1, len(x) + 1)).to_list(),
    }
    leaks = {
        "a centred mean": lambda x: x.rolling(31, center=True).mean(),
        "a centred mean without missing values": lambda x: x.rolling(31, center=True, min_periods=1).mean(),
        "the highest of the whole day": lambda x: np.full(len(x), np.max(x)),
        "a column divided by the mean of all rows": lambda x: x / x.mean(),
        "the next row": lambda x: x.shift(-1),
    }
    for cut in (120, 77):
        saw_honest = {name: _truth(test(make, load, cut)) for name, make in honest.items()}
        saw_leaks = {name: _truth(test(make, load, cut)) for name, make in leaks.items()}
        blamed = [name for name, said in saw_honest.items() if said]
        missed = [name for name, said in saw_leaks.items() if not said]
        if len(blamed) == len(honest) and len(missed) == len(leaks):
            cause = "True and False are exchanged: True means that it looks ahead"
            raise Fail(f"True for {blamed[0]}", "False", cause)
        if len(blamed) == len(honest):
            cause = "everything is blamed: compare the first `cut` answers of both, and no others"
            raise Fail(f"True for {blamed[0]}", "False", cause)
        if blamed:
            cause = "two missing values count as a difference: `nan == nan` is False, so use `equal_nan=True`"
            raise Fail(f"True for {blamed[0]}", "False", cause)
        if missed == list(leaks):
            cause = "both answers were made from the same rows: the second call gets `load[:cut]`"
            raise Fail(f"False for {missed[0]}", "True", cause)
        if "the next row" in missed or "a centred mean" in missed:
            cause = "a value that is missing in one answer only is a difference too: then it came from the future"
            raise Fail(f"False for {missed[0]}", "True", cause)
        if missed:
            raise Fail(f"False for {missed[0]}", "True", "not all of the first `cut` rows are compared")
    return f"{len(leaks)} leaks found, {len(honest)} honest features let through, at two cuts."


def _truth(result: Any) -> bool:
    if result is None:
        raise Fail("`None`", "True or False", "the function has no `return`")
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
    """Ask before, between, exactly at and after the rows, in no order."""
    lookup = expect.function(answer)
    rng = np.random.default_rng(9)
    known = np.cumsum(rng.integers(2, 9, 40)).astype(float)
    values = rng.permutation(np.arange(100.0, 140.0))
    asked = rng.permutation(np.concatenate([known[::3], known[1:] - 0.5, [known[0] - 1, known[-1] + 50]]))
    saw = expect.array(lookup(asked, known, values), asked.shape, "one value a question")
    want = np.array([([np.nan] + [v for k, v in zip(known, values, strict=True) if k <= t])[-1] for t in asked])
    if _equal(saw, want):
        early = expect.array(lookup(np.array([3.0, 1.0]), np.array([2.0]), np.array([7.0])), (2,), "two values")
        if not _equal(early, np.array([7.0, np.nan])):
            raise Fail(f"{early} for a table of one row", "[7, nan]", "something of the test data stands fixed")
        return f"{len(asked)} questions, before, between, at and after the rows: each got what was known."
    left = np.searchsorted(known, asked, side="left") - 1
    right = np.searchsorted(known, asked, side="right") - 1
    following = np.minimum(right + 1, len(known) - 1)
    nearest = np.abs(known[None, :] - asked[:, None]).argmin(axis=1)
    causes = {
        'a row written in the very second of the question is known: use `<=`, or `side="right"`': np.where(
            left >= 0, values[np.maximum(left, 0)], np.nan
        ),
        "before the first row the index is -1, and in Python that is the last row, from the far future": values[right],
        "before the first row the first row stands in, from the future: say `nan`": values[np.maximum(right, 0)],
        "the nearest row may lie in the future: only rows at or before the question count": values[nearest],
        "this is the row after: the last row known has the count less 1 as its index": values[following],
        "the newest value was given to every question": np.full(asked.shape, values[-1]),
        "these are places in the table: return `values` at these places": right.astype(float),
        "the answers are in order of time; give them in the order of the questions": want[np.argsort(asked)],
    }
    causes["the index -1 means the last row, and a row written in the same second is known"] = values[left]
    at = int(np.flatnonzero(~np.isclose(saw, want, equal_nan=True))[0])
    cause = next((c for c, wrong in causes.items() if _equal(saw, wrong)), "go through one question on paper")
    raise Fail(f"{saw[at]:g} for the question at second {asked[at]:g}", f"{want[at]:g}", cause)


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
    import pandas as pd

    find = expect.function(answer)
    rng = np.random.default_rng(4)
    start = pd.Timestamp("2024-03-04")
    made = []
    for region in ("north", "south"):
        for hour in range(6):
            if (region, hour) == ("south", 2):
                continue
            # Rows come from minute 5 on; in some hours the job stops early.
            last = 55 if region == "north" else 20
            for minute in range(5, last + 1, 15 if hour % 2 else 10):
                made.append(
                    (region, start + pd.Timedelta(hours=hour), start + pd.Timedelta(hours=hour, minutes=minute))
                )
    table = pd.DataFrame(made, columns=["region", "hour", "known_at"])
    table["load"] = rng.uniform(2, 8, len(table))
    table = table.sample(frac=1, random_state=1).reset_index(drop=True)
    minutes = np.concatenate([rng.integers(0, 6 * 60, 70), [20, 80, 55, 50, 140]])
    where = [*rng.choice(["north", "south"], 70), "south", "south", "north", "north", "south"]
    asked = pd.DataFrame({"region": where, "asked_at": start + pd.to_timedelta(minutes, unit="min")})
    asked["hour"] = asked.asked_at.dt.floor("h")

    def naive(rows: Any, on: tuple[str, ...] = ("region", "hour"), keep: Any = "last") -> Any:
        return asked.merge(rows.drop_duplicates(list(on), keep=keep)[[*on, "known_at"]], on=list(on), how="left")

    ordered = table.sort_values("known_at")
    joined = naive(ordered)
    want = (joined.known_at > joined.asked_at).to_numpy()
    result = find(asked, table)
    if result is None:
        raise Fail("`None`", "a boolean array", "the function has no `return`")
    if np.ndim(result) == 1 and np.size(result) < len(asked):
        cause = 'questions without a row were lost in the join: `how="left"` keeps them'
        raise Fail(f"{np.size(result)} entries", f"{len(asked)}", cause)
    if np.ndim(result) == 1 and np.size(result) > len(asked):
        cause = "each question was joined to every row of its hour: keep only the newest row of each first"
        raise Fail(f"{np.size(result)} entries", f"{len(asked)}", cause)
    saw = expect.array(result, (len(asked),), "one True or False a question").astype(bool)
    if np.array_equal(saw, want):
        return f"{want.sum()} of {len(want)} questions were answered from the future; the others were asked late, or had no row."
    first, disorder = naive(ordered, keep="first"), naive(table)
    hour_only, region_only = naive(ordered, on=("hour",)), naive(ordered, on=("region",))
    causes = {
        "a row written in the very second of the question is known: `>` and not `>=`": joined.known_at
        >= joined.asked_at,
        "a question without a row is not answered at all, so not from the future": want | joined.known_at.isna(),
        "the table is in disorder: sort by `known_at` before you keep the last row": disorder.known_at
        > disorder.asked_at,
        "the oldest row of the hour was kept; the naive join keeps the newest": first.known_at > first.asked_at,
        "the comparison is turned round: the future is where `known_at` is later than `asked_at`": joined.known_at
        < joined.asked_at,
        "joined by hour alone: rows of another region answer": hour_only.known_at > hour_only.asked_at,
        "joined by region alone: the naive join takes the row of the question's hour": region_only.known_at
        > region_only.asked_at,
        "this is the right join, which never reads the future; the naive one is asked for": np.zeros(len(asked), bool),
    }
    at = int(np.flatnonzero(saw != want)[0])
    cause = next(
        (c for c, wrong in causes.items() if np.array_equal(saw, np.asarray(wrong, bool))),
        "compare the joined `known_at` with `asked_at`, row by row",
    )
    raise Fail(
        f"{saw[at]} for {asked.region[at]}, asked at {asked.asked_at[at]:%H:%M}, row of {joined.known_at[at]:%H:%M}"
        if joined.known_at.notna()[at]
        else f"{saw[at]} for {asked.region[at]}, asked at {asked.asked_at[at]:%H:%M}, no row in that hour",
        f"{want[at]}",
        cause,
    )


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
    """Compare frames in which each column is skewed, or not, in its own way."""
    import pandas as pd

    find = expect.function(answer)
    rng = np.random.default_rng(6)
    offline = pd.DataFrame(rng.uniform(1, 5, (40, 9)), columns=list("abcdefghi"))
    offline = offline.rename(
        columns={
            "a": "same",
            "b": "rounded",
            "c": "missing_in_both",
            "d": "higher_in_one_row",
            "e": "lower_in_one_row",
            "f": "cancels_in_the_mean",
            "g": "missing_online",
            "h": "missing_offline",
            "i": "large_values",
        }
    )
    offline["large_values"] *= 1000
    online = offline.copy()
    online["rounded"] += 1e-9
    row = np.arange(len(online))
    online["large_values"] += 0.005 * (row == 4)
    online["higher_in_one_row"] += 0.3 * (row == 3)
    online["lower_in_one_row"] -= 0.3 * (row == 5)
    online["cancels_in_the_mean"] += 0.7 * (row == 7) - 0.7 * (row == 8)
    offline.loc[[2, 9], "missing_in_both"] = online.loc[[2, 9], "missing_in_both"] = np.nan
    online.loc[11, "missing_online"] = np.nan
    offline.loc[12, "missing_offline"] = np.nan
    want = {
        "higher_in_one_row",
        "lower_in_one_row",
        "cancels_in_the_mean",
        "missing_online",
        "missing_offline",
        "large_values",
    }
    saw = _names(find(offline, online))
    if saw == want:
        loose = _names(find(offline, online, tolerance=0.5))
        if loose != want - {"higher_in_one_row", "lower_in_one_row", "large_values"}:
            cause = "`tolerance` is not used: a fixed number stands in its place"
            raise Fail(f"{sorted(loose)} for a tolerance of 0.5", "the three that differ by more", cause)
        return "Found six skewed columns of nine, also the one whose mean is right and the two with a hole on one side."
    if saw == set(offline.columns) - want:
        cause = "these are the columns that agree: the comparison is turned round"
    elif "same" in saw:
        cause = "a column without any difference is in the list: do you compare it with itself, row by row?"
    elif "missing_in_both" in saw and "rounded" in saw:
        cause = "exact equality: allow differences up to `tolerance`, and let two missing values be equal"
    elif "missing_in_both" in saw:
        cause = "missing on both sides is no difference: `nan == nan` is False, so ask `np.isnan` of both"
    elif "rounded" in saw:
        cause = "`tolerance` is not used: differences up to it are rounding"
    elif want - saw == {"large_values"} and "lower_in_one_row" in _names(find(offline, online, tolerance=0.5)):
        cause = "`tolerance` is not used: a fixed number stands in its place"
    elif want - saw == {"large_values"}:
        cause = "`np.allclose` also allows 1e-5 of the value itself, much for large ones: set `rtol=0`"
    elif "cancels_in_the_mean" not in saw and not saw & want:
        cause = "one differing row is enough: `any`, not `all`"
    elif "cancels_in_the_mean" not in saw:
        cause = "means or sums are compared, and +0.7 and -0.7 cancel in them: compare row by row"
    elif {"missing_online", "missing_offline"} - saw:
        cause = (
            "a value that is missing on one side only is skew: a comparison with `nan` is False, so it slipped through"
        )
    elif {"lower_in_one_row", "higher_in_one_row"} - saw:
        cause = (
            "differences in one direction only: take `abs`"
            if {"lower_in_one_row", "higher_in_one_row"} & saw
            else "one differing row is enough: `any`, not `all`"
        )
    else:
        cause = "compare each column's rows one by one"
    raise Fail(f"{sorted(saw)}", f"{sorted(want)}", cause)


def _names(result: Any) -> set[str]:
    if result is None:
        raise Fail("`None`", "a list of names", "the function has no `return`")
    if isinstance(result, str):
        raise Fail(
            f"the text `{result}`", "a list of names", "put the names into a list: there may be several, or none"
        )
    try:
        return set(map(str, result))
    except TypeError:
        raise Fail(f"a {type(result).__name__}", "a list of names", "return the names, not a truth value") from None


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

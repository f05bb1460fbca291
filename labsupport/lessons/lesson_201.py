"""Lesson 201, train and infer: checkers, hints and quiz."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, LearnerError

if TYPE_CHECKING:
    import pandas as pd

exercises = Exercises("201")


@exercises.check(
    "1",
    "A split in time",
    hints=(
        "`table.sort_values('time')` puts the rows in order. The index does not matter.",
        "How many rows are `share` of all? `round(share * len(table))`.",
        "Slices of a frame are rows: `ordered[:cut]` is the past, `ordered[cut:]` the future.",
    ),
    minutes=4,
)
def split_in_time(answer: Guarded) -> str:
    """Cut frames whose rows are shuffled, at two shares, and look at the minutes on each side."""
    import pandas as pd

    split = expect.function(answer)
    rng = np.random.default_rng(3)
    minutes = pd.date_range("2024-03-01", periods=40, freq="min")
    table = pd.DataFrame({"time": minutes, "cpu_percent": rng.normal(30, 5, 40)}).iloc[rng.permutation(40)]
    # As files that were merged leave them: labels stand twice.
    table.index = table.index // 2
    for share in (0.75, 0.4):
        past, future = _two_frames(split(table, share), list(table.columns))
        _judge_cut(table, past, future, share)
    return "Two cuts of 40 shuffled minutes: no row lost, and no minute of the future in the past."


def _two_frames(result: Any, columns: list[str]) -> tuple["pd.DataFrame", "pd.DataFrame"]:
    if result is None:
        raise Fail("`None`", "two frames", "the function has no `return`")
    try:
        past, future = result
        parts = past["time"], future["time"]
    except (TypeError, ValueError, KeyError, IndexError):
        saw = f"a {type(result).__name__}"
        raise Fail(saw, "two frames with a column `time`", "return both parts: `return past, future`") from None
    lost = [name for name in columns for part in (past, future) if name not in part]
    if lost:
        raise Fail(f"no column `{lost[0]}`", "two frames with all columns", "the rows are cut, the columns stay")
    return parts


def _judge_cut(table: "pd.DataFrame", past: Any, future: Any, share: float) -> None:
    import pandas as pd

    past, future = pd.Series(past), pd.Series(future)
    rows, want = len(table), share * len(table)
    saw = f"{len(past)} and {len(future)} of {rows} rows for a share of {share}"
    expected = f"{want:.0f} and {rows - want:.0f} rows"
    if sorted([*past, *future]) != sorted(table["time"]):
        raise Fail(saw, expected, "rows were lost or stand on both sides: cut at one place, `[:cut]` and `[cut:]`")
    if len(past) and len(future) and past.max() < future.min():
        if abs(len(past) - want) <= 1:
            return
        if abs(len(future) - want) <= 1:
            raise Fail(saw, expected, "`share` is the part to learn from, the earlier one")
        raise Fail(saw, expected, "the cut does not follow `share`")
    if len(past) and len(future) and future.max() < past.min():
        raise Fail("the later minutes come first", "(past, future)", "the two parts are swapped, or sorted downwards")
    saw = f"{(past > future.min()).sum()} minutes of the past lie after the future's first"
    if list(past) == list(table["time"][: len(past)]):
        raise Fail(saw, "none", "the rows were taken in the order in which they stand: sort by `time` first")
    raise Fail(saw, "none", "the rows were mixed: a split in time draws no lots")


@exercises.check(
    "2",
    "The best line, by formula",
    hints=(
        "Begin with `dx = x - np.mean(x)` and `dy = y - np.mean(y)`.",
        "The slope is `np.mean(dx * dy) / np.mean(dx**2)`.",
        "The line passes through (mean x, mean y): `intercept = np.mean(y) - slope * np.mean(x)`.",
    ),
)
def fit_line(answer: Guarded) -> str:
    """Compare on two clouds; each usual mistake gives other numbers."""
    fit = expect.function(answer)
    rng = np.random.default_rng(17)
    for x, y in (
        (clouds := rng.uniform(20, 60, 12), 1.7 * clouds + 5 + rng.normal(0, 6, 12)),
        (clouds := rng.normal(-3, 2, 30), -4.0 * clouds + 11 + rng.normal(0, 2, 30)),
    ):
        slope, intercept = (float(v) for v in expect.array(fit(x, y), (2,), "slope and intercept"))
        dx, dy = x - x.mean(), y - y.mean()
        want = (dx * dy).mean() / (dx**2).mean()
        at_zero = y.mean() - want * x.mean()
        if np.allclose([slope, intercept], [want, at_zero], rtol=1e-6):
            continue
        corrected = np.cov(x, y)[0, 1] / x.var()
        through_origin = (x * y).mean() / (x**2).mean()
        causes = {
            "the two are swapped: the slope comes first": (at_zero, want),
            "the line passes through the means: subtract `slope * np.mean(x)` from the mean of y": (want, y.mean()),
            "the sign: subtract `slope * np.mean(x)`, don't add it": (want, y.mean() + want * x.mean()),
        }
        slopes = {
            "`np.cov` divides by n - 1, `np.var` by n: use the same for both": corrected,
            "the means were not subtracted: this slope is that of a line through the origin": through_origin,
            "this is the correlation: divide by the mean of (x - mean x)² alone": np.corrcoef(x, y)[0, 1],
            "x and y are exchanged: divide by how much x moves, not y": (dx * dy).mean() / (dy**2).mean(),
            "only one of the two means was divided by n: take `np.mean` of both products": (dx * dy).sum()
            / (dx**2).mean(),
            "you did not divide by the mean of (x - mean x)²": (dx * dy).mean(),
        }
        cause = next((c for c, wrong in causes.items() if np.allclose([slope, intercept], wrong, rtol=1e-6)), None)
        cause = cause or next((c for c, wrong in slopes.items() if math.isclose(slope, wrong, rel_tol=1e-6)), None)
        raise Fail(
            f"({slope:.3f}, {intercept:.3f})",
            f"({want:.3f}, {at_zero:.3f})",
            cause or "work it out for three points on paper: (0, 1), (1, 3), (2, 5) give slope 2 and intercept 1",
        )
    return "Right on a cloud that rises and on one that falls."


@exercises.check(
    "3",
    "One step downhill",
    hints=(
        "First `miss = slope * x + intercept - y`, an array of shape (n,).",
        "The gradient: `2 * np.mean(miss * x)` for the slope, `2 * np.mean(miss)` for the intercept.",
        "`slope - step * 2 * np.mean(miss * x)` is the new slope.",
    ),
    minutes=6,
)
def gradient_step(answer: Guarded) -> str:
    """Take one step from two places; each usual mistake lands elsewhere. Then walk to the bottom."""
    step_from = expect.function(answer)
    rng = np.random.default_rng(23)
    x = rng.normal(0.4, 1.2, 50)
    y = 3.0 * x + 7.0 + rng.normal(0, 0.5, 50)
    for slope, intercept, step in ((0.5, -1.0, 0.1), (6.0, 9.0, 0.03)):
        result = expect.array(step_from(slope, intercept, x, y, step), (2,), "slope and intercept")
        miss = slope * x + intercept - y
        by_slope, by_intercept = 2 * (miss * x).mean(), 2 * miss.mean()
        want = np.array([slope - step * by_slope, intercept - step * by_intercept])
        if np.allclose(result, want, rtol=1e-7):
            continue
        moved_first = want[0] * x + intercept - y
        causes = {
            "uphill: subtract the gradient, or turn the miss round": (slope + step * by_slope, intercept + step * by_intercept),
            "the 2 of the gradient is missing: a step half as long": (slope - step * by_slope / 2, intercept - step * by_intercept / 2),
            "the slope's gradient is the mean of `miss * x`, not of `miss`": (slope - step * by_intercept, want[1]),
            "a sum where the mean belongs: the step grows with the number of rows": (slope - step * by_slope * 50, intercept - step * by_intercept * 50),
            "the intercept was moved by a miss at the new slope: compute the miss once, before both": (want[0], intercept - step * 2 * moved_first.mean()),
            "`step` is not used": (slope - by_slope, intercept - by_intercept),
            "this is the gradient: return where you stand after the step": (by_slope, by_intercept),
            "only the slope was moved": (want[0], intercept),
            "only the intercept was moved": (slope, want[1]),
        }  # fmt: skip
        cause = next((c for c, wrong in causes.items() if np.allclose(result, wrong, rtol=1e-7)), None)
        raise Fail(
            f"({result[0]:.4f}, {result[1]:.4f}) from ({slope}, {intercept}) by a step of {step}",
            f"({want[0]:.4f}, {want[1]:.4f})",
            cause or "compute the miss first, then the two means, then the step",
        )
    here: Any = (0.0, 0.0)
    for _ in range(100):
        here = step_from(*here, x, y, 0.2)
    return f"Two steps right; a hundred more lead to slope {float(here[0]):.2f} and intercept {float(here[1]):.2f}."


_GOOD = {"requests_per_s": 42.0, "replicas": 6}
_NAN = "NaN: every comparison with it is False, so `value < low or value > high` lets it pass: ask `not low <= value <= high`"
_CRASH = "a client's mistake became a crash: look at what the value is before you compute with it"
# Body, the fields to be named, and the likely cause when they are not.
_BODIES: list[tuple[dict[str, Any], set[str], str]] = [
    (_GOOD, set(), "a good body was refused: whole numbers are welcome where a number is asked for"),
    ({"requests_per_s": 0, "replicas": 1}, set(), "the limits themselves are allowed, 0 too: use `<=`, and don't ask `if not value`"),
    ({"requests_per_s": 500.0, "replicas": 100}, set(), "the limits themselves are allowed: use `<=`"),
    (_GOOD | {"requests_per_s": -1.0}, {"requests_per_s"}, "below the lowest: both limits count"),
    (_GOOD | {"replicas": 101}, {"replicas"}, "above the highest: both limits count"),
    (_GOOD | {"requests_per_s": math.nan}, {"requests_per_s"}, _NAN),
    (_GOOD | {"replicas": math.inf}, {"replicas"}, "infinity lies above every limit"),
    ({"requests_per_s": 42.0}, {"replicas"}, "a missing field is a problem too: `body.get(name)` gives None for it"),
    (_GOOD | {"replicas": None}, {"replicas"}, "None is not a number"),
    (_GOOD | {"requests_per_s": "42"}, {"requests_per_s"}, "text was accepted: a number in quotes is a text, don't convert it"),
    (_GOOD | {"replicas": True}, {"replicas"}, "`True` was accepted: in Python a bool is an int, so ask `type(value) in (int, float)`"),
    (_GOOD | {"team": "web"}, {"team"}, "an unknown field is a problem too: compare the names in `body` with those in `LIMITS`"),
    ({"requests_per_min": 2520, "replicas": 6}, {"requests_per_min", "requests_per_s"}, "another unit: the unknown name and the missing one are both wrong"),
    ({}, {"requests_per_s", "replicas"}, "an empty body lacks both fields"),
    ({"requests_per_s": -1, "replicas": 0}, {"requests_per_s", "replicas"}, "you stopped at the first problem: name all of them"),
]  # fmt: skip


@exercises.check(
    "4",
    "A guard at the door",
    hints=(
        "Two passes: over the names in `body` (is it known?), then over `LIMITS` (is it there, a number, within limits?).",
        "`body.get(name)` is None when the field is missing; `type(value) in (int, float)` refuses None, text and True.",
        "`not low <= value <= high` is true for NaN as well; `value < low or value > high` is not.",
    ),
    minutes=6,
)
def problems(answer: Guarded) -> str:
    """Bring fifteen bodies to the door, one for each way to be wrong."""
    guard = expect.function(answer)
    for body, want, cause in _BODIES:
        try:
            result = guard(body)
        except LearnerError as error:
            if not want:
                raise
            raise Fail(f"`{error.summary}` for {_text(body)}", _named(want), f"{_CRASH} ({cause})") from None
        if result is None:
            raise Fail(
                f"`None` for {_text(body)}",
                "a list, empty for a good body",
                "a path through the function has no `return`",
            )
        if isinstance(result, str | bool) or not hasattr(result, "__iter__"):
            raise Fail(
                f"`{result!r}` for {_text(body)}", "a list of names", "return the names of the wrong fields in a list"
            )
        named = {str(name) for name in result}
        if named != want:
            raise Fail(f"{_named(named)} for {_text(body)}", _named(want), cause)
    return f"{len(_BODIES)} bodies, each with the right fields named; no crash."


def _text(body: dict[str, Any]) -> str:
    return "{" + ", ".join(f"{name}: {value!r}" for name, value in body.items()) + "}"


def _named(names: set[str]) -> str:
    return str(sorted(names))


# Column of the test table, whether it is skewed, and the likely cause when the answer says otherwise.
_COLUMNS = {
    "same": (False, "equal columns were named"),
    "rounded": (False, "32-bit rounding was taken for skew: allow a difference of `tolerance` times the value"),
    "both_missing": (False, "NaN is not equal to NaN: a value missing on both sides is no skew"),
    "per_minute": (True, "a factor of 60 was missed"),
    "lower": (True, "a serving value below the training value: take the absolute difference"),
    "shifted": (True, "only means were compared: this column has the same values in other rows"),
    "tiny": (True, "an absolute tolerance: values of a millionth differ by a tenth here; compare relative to the value"),
    "negative": (True, "relative to a negative value: take the absolute value of it too"),
    "negative_same": (False, "equal negative values were named: the tolerance is a share of the absolute value"),
    "one_row": (True, "one row of 200 is enough: ask `.any()`"),
    "one_side_missing": (True, "missing on one side only: comparisons with NaN are False, so look at `.isna()` as well"),
    "missing_in_training": (True, "missing in training and 5.0 in serving is a difference too: compare `.isna()` of both"),
}  # fmt: skip


@exercises.check(
    "5",
    "Training/serving skew",
    hints=(
        "Frames subtract column by column: `(training - serving).abs()` is a frame of differences.",
        "Compare with `tolerance * training.abs()`. Where one side is NaN the comparison is False: `training.isna() != serving.isna()`.",
        "Then `[name for name in training if (apart[name] | alone[name]).any()]`.",
    ),
    minutes=6,
)
def skewed_columns(answer: Guarded) -> str:
    """Compare two tables with twelve columns, each with its own way to be equal or skewed."""
    find = expect.function(answer)
    training, serving = _two_sides()
    result = find(training, serving)
    if result is None:
        raise Fail("`None`", "a list of names", "the function has no `return`")
    if isinstance(result, str | bool | float | int) or not hasattr(result, "__iter__"):
        raise Fail(f"a {type(result).__name__}", "a list of names", "return the names of the columns in a list")
    named = {str(name) for name in result}
    want = {name for name, (skewed, _) in _COLUMNS.items() if skewed}
    if named == set(_COLUMNS) - want:
        raise Fail(_named(named), _named(want), "these are the columns that agree: turn the condition round")
    for name, (skewed, cause) in _COLUMNS.items():
        if (name in named) != skewed:
            raise Fail(_named(named), _named(want), f"`{name}`: {cause}")
    if named != want:
        raise Fail(_named(named), _named(want), "names that are no columns")
    generous = {
        str(name) for name in find(training[["per_minute", "tiny"]], serving[["per_minute", "tiny"]], tolerance=0.5)
    }
    if generous != {"per_minute"}:
        raise Fail(_named(generous), "['per_minute'] for a tolerance of 0.5", "`tolerance` is not used")
    return "Eight skewed columns found among twelve, also a single row and a value missing on one side."


def _two_sides() -> tuple["pd.DataFrame", "pd.DataFrame"]:
    import pandas as pd

    rng = np.random.default_rng(29)
    training = pd.DataFrame({name: rng.uniform(20, 60, 200) for name in _COLUMNS})
    training[["negative", "negative_same"]] *= -1
    training.loc[23, "missing_in_training"] = np.nan
    training["tiny"] *= 1e-12
    training.loc[3, "both_missing"] = np.nan
    serving = training.copy()
    serving["rounded"] = training["rounded"].astype("float32").astype(float)
    serving["per_minute"] = training["per_minute"] * 60
    serving["lower"] = training["lower"] * 0.5
    serving["shifted"] = np.roll(training["shifted"], 7)
    serving["tiny"] = training["tiny"] * 1.1
    serving["negative"] = training["negative"] * 1.1
    serving["one_row"] += np.where(np.arange(200) == 11, 5.0, 0.0)
    serving.loc[17, "one_side_missing"] = np.nan
    serving.loc[23, "missing_in_training"] = 5.0
    return training, serving


exercises.quiz(
    "a",
    "A training job reports its loss: 900, 1 400, 2 300, 4 000. What do you change first?",
    ("The number of steps: it needs more time to come down.", False, "It is moving away from the valley, each step farther. More steps end in infinity."),
    ("The data: there are too few examples.", False, "Few examples give a poor line, but the loss on them would still fall while it is being fitted."),
    ("The step, or the scale of the columns: it jumps over the valley.", True, "Each step lands higher on the other side. A smaller step holds, and scaled columns allow a larger one."),
)  # fmt: skip
exercises.quiz(
    "b",
    "Another program will load `trained_model.pkl` tonight. What must be added to this training program first?",
    ("A split and a baseline, so that there is a number, and a `save`, so that there is a file.", True, "As it stands it measures nothing and writes nothing: the process ends and the model with it. The serving program then stops at once with FileNotFoundError."),
    ("A random seed, so that the training can be repeated.", False, "Least squares draws no lots: the same table gives the same line. A seed matters for models that do; here a file and a number are missing."),
    ("More than two features, so that the model is good enough.", False, "Whether two are enough is exactly what this program can't tell: it never measures. In this lesson one was enough."),
)  # fmt: skip
exercises.quiz(
    "c",
    "For months the handler answered 200 with a regression. With a classifier every good request is a 500. Why?",
    ("A classifier is slower, and the framework runs into its time limit.", False, "Nothing waited here: the error came while the answer was turned into JSON."),
    ("Its label is a `numpy.int64`, which is no Python int; the regression's `numpy.float64` is a Python float.", True, "So JSON took one and not the other. `.item()` makes a plain number of both; tests must look at the answer that leaves the house."),
    ("A classifier needs a body with text labels instead of numbers.", False, "It takes the same features as the regression; what differs is what it returns."),
)  # fmt: skip
exercises.quiz(
    "d",
    "Offline the model misses by 1 point, live by 28. The model file is the same, every answer is between 0 and 100, no error is logged. What first?",
    ("Retrain on the newest data.", False, "The new model would get the same wrong inputs from serving, and be as wrong in an hour."),
    ("Roll back to the previous model file.", False, "The previous one would be fed by the same serving code. The file is not what differs between offline and live."),
    ("Tighten the limits of the input check.", False, "Two thirds of a request per second is a possible load; a fixed limit that forbids it also refuses quiet nights."),
    ("Log live inputs, run training's feature function on them, compare.", True, "Same minutes, both sides: a column that differs is the fault, and its factor often names the unit."),
)  # fmt: skip

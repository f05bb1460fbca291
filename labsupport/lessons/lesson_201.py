"""Lesson 201, train and infer: checkers, hints and quiz."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, LearnerError
from labsupport.lessons.cases import bodies_201, frames_201

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
    split = expect.function(answer)
    for table in (frames_201.merged_days(), frames_201.with_gaps()):
        for share in (0.75, 0.4):
            past, future = _two_frames(split(table, share), list(table.columns))
            _judge_cut(table, past, future, share)
    return (
        "Four cuts of shuffled minutes, with gaps between them: no row lost, and no minute of the future in the past."
    )


def _two_frames(result: Any, columns: list[str]) -> tuple["pd.DataFrame", "pd.DataFrame"]:
    expect.returned(result, "two frames")
    try:
        past, future = result
        parts = past["time"], future["time"]
    except (TypeError, ValueError, KeyError, IndexError):
        saw = f"a {type(result).__name__}"
        raise Fail(saw, "two frames with a column `time`", "return both parts: `return past, future`") from None
    for part in (past, future):
        if type(part) is not type(future) or not hasattr(part, "columns"):
            raise Fail(f"a {type(part).__name__}", "two frames", "the next cells ask each part for its columns")
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
    ordered = table["time"].sort_values()
    if sorted([*past, *future]) != list(ordered):
        cause = "rows were lost or stand on both sides: cut at one place, `[:cut]` and `[cut:]`"
        if len(past) + len(future) > rows and not table.index.is_monotonic_increasing:
            cause = "`.loc[:n]` cuts at the label n, and labels stand in any order here: cut by position, `[:cut]` or `.iloc`"
        raise Fail(saw, expected, cause)
    if len(past) and len(future) and past.max() < future.min():
        if abs(len(past) - want) <= 1:
            return
        span = ordered.iloc[0] + share * (ordered.iloc[-1] - ordered.iloc[0])
        whose = {
            "`share` is the part to learn from, the earlier one": rows - want,
            "the time that has passed was cut, and the rows are meant: a night without minutes has no rows": (
                ordered <= span
            ).sum(),
        }
        cause = next((text for text, count in whose.items() if abs(len(past) - count) <= 1), "")
        question = "the cut does not follow `share`: how many rows are that of all, and where does yours cut?"
        raise Fail(saw, expected, cause, question="" if cause else question)
    if len(past) and len(future) and future.max() < past.min():
        raise Fail("the later minutes come first", "(past, future)", "the two parts are swapped, or sorted downwards")
    saw = f"{(past > future.min()).sum()} minutes of the past lie after the future's first"
    if list(past) == list(table["time"][: len(past)]):
        raise Fail(saw, "none", "the rows were taken in the order in which they stand: sort by `time` first")
    if list(past) == list(table.sort_index()["time"][: len(past)]):
        raise Fail(saw, "none", "the rows were sorted by their label, which says nothing about time: sort by `time`")
    if set(past) == set(table.sort_values("cpu_percent")["time"][: len(past)]):
        raise Fail(saw, "none", "the rows were sorted by another column: sort by `time`")
    question = "the rows were mixed, and a split in time draws no lots: in which order do they stand when you cut?"
    raise Fail(saw, "none", question=question)


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

    def cases() -> Iterator[expect.Case]:
        for x, y in (
            (clouds := rng.uniform(20, 60, 12), 1.7 * clouds + 5 + rng.normal(0, 6, 12)),
            (clouds := rng.normal(-3, 2, 30), -4.0 * clouds + 11 + rng.normal(0, 2, 30)),
        ):
            saw = expect.array(fit(x, y), (2,), "slope and intercept")
            dx, dy = x - x.mean(), y - y.mean()
            want = (dx * dy).mean() / (dx**2).mean()
            at_zero = y.mean() - want * x.mean()
            causes: dict[str, Any] = {
                "the two are swapped: the slope comes first": (at_zero, want),
                "the line passes through the means: subtract `slope * np.mean(x)` from the mean of y": (want, y.mean()),
                "the sign: subtract `slope * np.mean(x)`, don't add it": (want, y.mean() + want * x.mean()),
                "the intercept was taken at the first point, and the line need not pass through it": (
                    want,
                    y[0] - want * x[0],
                ),
            }
            slopes = {
                "`np.cov` divides by n - 1, `np.var` by n: use the same for both": np.cov(x, y)[0, 1] / x.var(),
                "the means were not subtracted: this slope is that of a line through the origin": (
                    (x * y).mean() / (x**2).mean()
                ),
                "this is the correlation: divide by the mean of (x - mean x)² alone": np.corrcoef(x, y)[0, 1],
                "x and y are exchanged: divide by how much x moves, not y": (dx * dy).mean() / (dy**2).mean(),
                "this is the line of x over y, turned round: its misses are measured along x": (
                    (dy**2).mean() / (dx * dy).mean()
                ),
                "only one of the two means was divided by n: take `np.mean` of both products": (
                    (dx * dy).sum() / (dx**2).mean()
                ),
                "you did not divide by the mean of (x - mean x)²": (dx * dy).mean(),
                "divided by the standard deviation: divide by its square": (dx * dy).mean() / x.std(),
                "this is the mean of y over the mean of x: a slope compares how they move": y.mean() / x.mean(),
            }
            # Each of these with the right intercept for its slope, without it, and with whatever else came.
            for cause, slope in slopes.items():
                causes[cause] = (slope, saw[1])
            yield expect.Case(saw, (want, at_zero), causes, f" on {len(x)} points", rtol=1e-6)

    expect.explain_all(
        cases(), "(0, 1), (1, 3), (2, 5) lie on a line of slope 2 and intercept 1: what does yours say of them?"
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

    def cases() -> Iterator[expect.Case]:
        for slope, intercept, step in ((0.5, -1.0, 0.1), (6.0, 9.0, 0.03)):
            saw = expect.array(step_from(slope, intercept, x, y, step), (2,), "slope and intercept")
            miss = slope * x + intercept - y
            up, across = 2 * (miss * x).mean(), 2 * miss.mean()
            want = np.array([slope - step * up, intercept - step * across])
            moved_first = want[0] * x + intercept - y
            causes = {
                "this is a step uphill: subtract `step` times the gradient of the miss, `slope * x + intercept - y`": (
                    slope + step * up,
                    intercept + step * across,
                ),
                "the 2 of the gradient is missing: a step half as long": (
                    slope - step * up / 2,
                    intercept - step * across / 2,
                ),
                "the two gradients are exchanged: the slope moves by the mean of `miss * x`, the intercept by that of `miss`": (
                    slope - step * across,
                    intercept - step * up,
                ),
                "the slope's gradient is the mean of `miss * x`, not of `miss`": (slope - step * across, want[1]),
                "the intercept's gradient is the mean of `miss`, not of `miss * x`": (want[0], intercept - step * up),
                "a sum where the mean belongs: the step grows with the number of rows": (
                    slope - step * up * 50,
                    intercept - step * across * 50,
                ),
                "the intercept was moved by a miss at the new slope: compute the miss once, before both": (
                    want[0],
                    intercept - step * 2 * moved_first.mean(),
                ),
                "the miss lacks the intercept": (
                    slope - step * 2 * ((slope * x - y) * x).mean(),
                    intercept - step * 2 * (slope * x - y).mean(),
                ),
                "`step` is not used": (slope - up, intercept - across),
                "this is the gradient: return where you stand after the step": (up, across),
                "this is the step alone: subtract it from where you stand": (step * up, step * across),
                "only the slope was moved": (want[0], intercept),
                "only the intercept was moved": (slope, want[1]),
                "nothing was moved": (slope, intercept),
                "the mean of a product is not the product of means: multiply `miss` by `x` row by row": (
                    slope - step * 2 * miss.mean() * x.mean(),
                    want[1],
                ),
            }
            yield expect.Case(saw, want, causes, f" from ({slope}, {intercept}) by a step of {step}", rtol=1e-7)

    expect.explain_all(
        cases(), "for one row: what is the miss, and by how much does it move the slope, and the intercept?"
    )
    here: Any = (0.0, 0.0)
    for _ in range(100):
        here = step_from(*here, x, y, 0.2)
    return f"Two steps right; a hundred more lead to slope {float(here[0]):.2f} and intercept {float(here[1]):.2f}."


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
    """Bring a body for each way to be wrong to the door; a cause is named only if it explains all that went wrong."""
    guard = expect.function(answer)
    wrong: list[tuple[bodies_201.Body, set[str]]] = []
    for body in bodies_201.BODIES:
        shown = bodies_201.text(body.fields)
        try:
            result = guard(body.fields)
        except LearnerError as error:
            if not body.wrong or wrong:
                raise
            cause = f"a client's mistake became a crash: look at what the value is before you compute with it ({body.cause})"
            raise Fail(f"`{error.summary}` for {shown}", str(sorted(body.wrong)), cause) from None
        expect.returned(result, f"a list of names for {shown}, empty for a good body")
        if isinstance(result, bool):
            raise Fail(f"`{result!r}` for {shown}", "a list of names", "return the names of the wrong fields in a list")
        named = expect.names(result)
        if named != body.wrong:
            wrong.append((body, named))
    if wrong:
        first, named = wrong[0]
        cause = bodies_201.cause_of(wrong)
        question = "which of your conditions names a field of this body, or lets it pass?"
        saw = f"{sorted(named)} for {bodies_201.text(first.fields)}"
        raise Fail(saw, str(sorted(first.wrong)), cause, question="" if cause else question)
    return f"{len(bodies_201.BODIES)} bodies, each with the right fields named; no crash."


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
    """Compare two tables whose columns are each equal or skewed in a way of their own, with three tolerances."""
    find = expect.function(answer)
    training, serving = frames_201.two_sides()

    def cases() -> Iterator[expect.Case]:
        for tolerance in (1e-6, 0.4, 0.06):
            saw = expect.names(find(training, serving, tolerance=tolerance))
            causes = partial(frames_201.other_answers, training, serving, tolerance)
            want = frames_201.skewed(training, serving, tolerance)
            yield expect.Case(saw, want, causes, f" for a tolerance of {tolerance:g}")

    question = "take the first column that is named wrongly: which of its rows decide in yours, and by what comparison?"
    first = expect.explain_all(cases(), question)[0]
    return f"{len(first.want)} skewed columns found among {len(training.columns)}, also a single row and a value missing on one side."


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

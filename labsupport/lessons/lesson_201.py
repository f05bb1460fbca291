"""Lesson 201, train and infer: checkers, hints, guesses and quiz."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, LearnerError
from labsupport.exercises.refute import Measured
from labsupport.lessons.cases import bodies_201, frames_201, releases_201, rules_201, steps_201

if TYPE_CHECKING:
    import pandas as pd

exercises = Exercises("201")

exercises.guess("g1", "How many points less than your rule the learnt line misses by", unit="points")
exercises.guess(
    "g2", "The neighbours' miss on Thursday, as a multiple of what the shuffled split promised", unit="times"
)
exercises.guess("g3", "Bad bodies, of six, that get a 200 from the handler without a door", unit="bodies")


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
    for table in (frames_201.with_gaps(), frames_201.merged_days()):
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
    "A better rule by hand",
    hints=(
        "23 requests on 4 replicas make 30 %. 43 requests on 8 replicas are nearly as many for each replica: what do they make?",
        "A replica notices what it gets itself: `requests_per_s / replicas`. How many percent does one request more of that cost?",
        "From 23 to 55 requests on 6 replicas is about 5 more for each; the means rise from 21 to 45: about 5 % each, and a little when idle.",
    ),
    minutes=7,
    seconds=60.0,
)
def my_rule(answer: Guarded) -> str:
    """Bill the rule on a day with 3 to 12 replicas; where it misses too much, ask it which kind of rule it is."""
    ask = expect.function(answer)

    def rule(requests_per_s: float, replicas: float) -> float:
        load = np.float64(requests_per_s), np.float64(replicas)
        return expect.returned_number(lambda: ask(*load), "the CPU of a replica, in percent,")

    requests, replicas, cpu = rules_201.day()
    said = np.array([rule(*load) for load in zip(requests, replicas, strict=True)])
    miss = float(np.sqrt(np.mean((said - cpu) ** 2)))
    if miss < rules_201.LIMIT:
        return f"It misses by {miss:.1f} points on a day with 3 to 12 replicas."
    saw = f"a typical miss of {miss:.1f} points on {len(cpu)} minutes with 3 to 12 replicas"
    cause = rules_201.why(rule, said)
    question = "what does your rule say of 20 requests on 4 replicas, and of 60 on 12?"
    raise Fail(saw, f"less than {rules_201.LIMIT:.0f} points", cause, question="" if cause else question)


@exercises.check(
    "3",
    "A step that suits the ground",
    hints=(
        "Try: walk a hundred steps from (0, 0) with a long step. Does the loss end below half of where it began? If not, halve the step and try again.",
        "One step, or three, say little: the part that grows may be tiny at first. And `nan` is below nothing: ask `not loss < ...`.",
        "By thought: `1 / (1 + np.mean(x**2))` lies between half of the longest and nearly all of it, so half of that is safe. The 1 is the intercept's share.",
    ),
    minutes=8,
    seconds=20.0,
)
def choose_step(answer: Guarded) -> str:
    """Ask for the step of five columns, and compare each with the longest that holds."""
    choose = expect.function(answer)
    columns = steps_201.columns()
    chosen: dict[str, float] = {}
    for column in columns:
        step = expect.returned_number(partial(choose, column.x, column.y), f"the step for the column {column.name}")
        if not (step > 0 and np.isfinite(step)):
            question = "which of your lines can make a step of it?"
            raise Fail(f"a step of {step:g} for the column {column.name}", "a number above 0", question=question)
        chosen[column.name] = step
    ratios = {column.name: chosen[column.name] / column.longest for column in columns}
    least, most = steps_201.LEAST, steps_201.MOST
    for column in columns:
        ratio = ratios[column.name]
        if least * 0.999 <= ratio < most:
            continue
        end = "too short" if ratio < 1 else "the walk climbs"
        if most <= ratio < 1.01:
            end = "the walk jumps from side to side and does not come to rest"
        saw = f"{chosen[column.name]:.3g} for the column {column.name}, {ratio:.3g} times the longest that holds: {end}"
        cause = steps_201.why(ratios, chosen)
        question = "what does the loss do in the steps after the first hundred?"
        raise Fail(
            saw, f"{least} times the longest that holds, up to almost 1", cause, question="" if cause else question
        )
    return f"Five columns, five steps, each {min(ratios.values()):.2f} to {max(ratios.values()):.2f} times the longest that holds."


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


@exercises.refute(
    "6",
    "The model that wins by a split in time wins on the next day, too",
    case="a list of one to four releases, each a pair: start in hours after Monday 00:00 (0 to 95), and hours (above 0)",
    hints=(
        "The line can't know whether a release runs. When would somebody know who remembers the minutes just before midnight?",
        "The neighbours of a minute on Thursday are Wednesday's last. Which release makes those a good guide to all of Thursday?",
        "Wednesday must be won by the line, so the release starts late on Wednesday, when most of its minutes are over, and is not rolled back.",
    ),
    minutes=8,
    seconds=120.0,
)
def split_in_time_is_right(case: Any) -> Measured:
    """Simulate the days; it fails when another model wins on Thursday than on Wednesday, each beyond chance (hours drawn anew)."""
    from labsupport.ml.resampling import bootstrap, interval

    squares = releases_201.hourly_squares(releases_201.allowed(case))
    said, winners = [], []
    for day, (line, neighbours) in zip(("Wednesday", "Thursday"), squares, strict=True):
        low, high = interval(
            bootstrap(lambda one, other: np.sqrt(one.mean()) - np.sqrt(other.mean()), neighbours, line)
        )
        winners.append(1 if low > 0 else -1 if high < 0 else 0)
        said.append(
            f"{day} line {np.sqrt(line.mean()):.1f}, neighbours {np.sqrt(neighbours.mean()):.1f} points "
            f"(apart by {low:+.1f} to {high:+.1f})"
        )
    return Measured(winners[0] * winners[1] != -1, "; ".join(said))


exercises.quiz(
    "a",
    "Two columns, requests per second and bytes per second, both standardised; one goes with the other almost exactly. The loss falls for ten steps and then crawls. What helps?",
    ("A step three times as long, since it crawls.", False, "The sharp direction, in which both columns rise together, sets the limit: a longer step climbs there."),
    ("Standardising again, to the range from 0 to 1.", False, "Units are mended already. What is left is not a unit: the two columns say the same thing twice."),
    ("Other columns: one of the two, and bytes per request instead of the other.", True, "The valley is narrow because the columns agree. A pair that says two different things has rounder ground, and its weights can be read."),
    ("More minutes, so that the gradient is more exact.", False, "It is exact already: a mean over all minutes. The ground keeps its shape with ten times as many."),
)  # fmt: skip
exercises.quiz(
    "b",
    "A job trains each night and is judged on the day after. Monday: it misses by 1.0 points, the mean of the past by 5.1. Tuesday, a holiday: 0.9, the mean 1.1. What do you conclude?",
    ("It became better: 0.9 is less than 1.0.", False, "The day became easier. On a holiday the mean of the past is hard to beat, and hard to lose to."),
    ("Nothing yet about the model: let Monday's model answer for Tuesday as well, and compare the two there.", True, "Two numbers from two days compare days. The same minutes for both models, beside the same baseline, compare models."),
    ("It became worse: the lead over the baseline fell from 80 % to 18 %.", False, "On a flat day there is little to foretell, so every model's lead shrinks, a perfect one's too."),
    ("The baseline is broken, because it should not move that much.", False, "The mean of the past misses by as much as a day moves around it: little on a holiday."),
)  # fmt: skip
exercises.quiz(
    "c",
    "Serving takes the replicas that were *ordered*, training took those that were *ready*; while pods start, the two differ. Which of the two alarms finds it?",
    ("The doubts, as with the gateway: the feature is wrong, so it leaves the range of the examples.", False, "Wrong by a fifth for some minutes, it stays where many examples were. Doubts know ranges, not truth."),
    ("Neither: every value is possible, and so is every answer.", False, "Possible values are what the comparison is for: it asks whether both sides say the same of the same minute."),
    ("Both, as soon as the service scales far enough.", False, "Far out of range the doubts speak, too. Here a feature that is a little wrong, in an everyday load, must be found."),
    ("The comparison on the same minutes, if some of them are minutes of scaling.", True, "The doubts see possible values and keep silent. And a comparison on quiet minutes only would find nothing, either."),
)  # fmt: skip
exercises.quiz(
    "d",
    "02:10, you are on call. An autoscaler follows this model. CPU is at 95 %, it keeps 2 replicas where 6 are usual, every answer is a possible percentage with status 200. What do you do first?",
    ("Compare training's feature function with what serving computed, to find the column.", False, "That finds the fault, in half an hour. Until then customers wait in front of two replicas."),
    ("Set the replicas by hand and take the autoscaler off the model; then compare both sides' features.", True, "First stop the harm, with a number that is known to work. The comparison then runs on logged questions, in peace."),
    ("Roll back to the previous model file.", False, "If the questions are wrong, the file before gets the same ones. It is quick, and so is a fixed number, which surely helps."),
    ("Retrain on the newest hours, since the world has changed.", False, "Nothing says that it has: the CPU fits the traffic. A new model would get the same wrong questions."),
)  # fmt: skip

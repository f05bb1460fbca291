"""Lesson 201, train and infer: checkers, hints, guesses and quiz."""

from typing import TYPE_CHECKING, Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, LearnerError
from labsupport.exercises.refute import Measured
from labsupport.lessons.cases import bodies_201, frames_201, releases_201, rules_201

if TYPE_CHECKING:
    import pandas as pd

exercises = Exercises("201")

exercises.guess("g1", "How many points less than your rule the learnt line misses by", unit="points")
exercises.guess(
    "g2", "The neighbours' miss on Thursday, as a multiple of what the shuffled split promised", unit="times"
)


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
        if "time" in (getattr(getattr(part, "index", None), "name", None) for part in (past, future)):
            cause = "`time` became the index, and the next cells ask for it as a column: `sort_values('time')`"
            raise Fail("no column `time`", "two frames with a column `time`", cause)
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
            cause = "`.loc[:n]` goes by labels, and includes its end, the label n: cut by position, `[:cut]` or `.iloc`"
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
    minutes=6,
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
        return f"It misses by {miss:.2f} points on a day with 3 to 12 replicas."
    saw = f"a typical miss of {miss:.2f} points on {len(cpu)} minutes with 3 to 12 replicas"
    cause = rules_201.why(rule, said)
    question = "what does your rule say of 20 requests on 4 replicas, and of 60 on 12?"
    raise Fail(saw, f"less than {rules_201.LIMIT:.0f} points", cause, question="" if cause else question)


@exercises.check(
    "3",
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


@exercises.refute(
    "4",
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
    "A walk on the scaled column holds with a step of 0.3. A colleague gives the CPU as a share, 0 to 1 instead of 0 to 100 %, and leaves the column as it is. What happens to the longest step that holds?",
    ("It grows a hundredfold: the gradient is a hundred times smaller.", False, "So is the way to go: the best slope and intercept are a hundred times smaller as well. Look for y in the bend of the ground: it is not there."),
    ("It grows ten thousandfold, since the loss is squared.", False, "The loss does shrink so, and the valley looks flat. But the goal comes nearer as the gradient gets smaller, so the same step does what it did."),
    ("It must shrink, or the walk jumps over a valley so small.", False, "The jump shrinks with the valley: a step is the gradient times 0.3, and the gradient is a hundred times smaller."),
    ("It stays: the bend of the ground depends on the column alone.", True, "One unit more of slope raises the gradient by 2 · mean(x²), whatever y is. Misses, gradient and goal all shrink a hundredfold together."),
)  # fmt: skip
exercises.quiz(
    "b",
    "Disks fill up. A line in time, learnt from January to May, misses June's use by 3 GB; the mean of the past misses it by 40 GB. A colleague writes: “13 times better than the baseline”. What do you answer?",
    ("Convincing: the line was judged on a month that it had not seen, and beside a baseline.", False, "Both are true. But whatever grows leaves its mean behind, so this rival loses to anything that looks at yesterday."),
    ("The rival is too weak for something that grows: put “as on 31 May, and as much a day as lately” beside it.", True, "A baseline is what you would do without a model. Nobody would foretell a filling disk by its mean; that ruler may miss by 3 GB, too."),
    ("Too early: with five months to learn from, no line is worth judging.", False, "A line has two numbers, and 150 days are plenty for them. What is doubtful is the ruler, not the line."),
    ("Shuffle the days first: a line that is judged in June has to guess beyond what it saw.", False, "That is just its job: a disk fills in the future. Shuffled, days on both sides would give June away."),
)  # fmt: skip
exercises.quiz(
    "c",
    "Now both sides import one `features`. Training reads its minutes from the warehouse, into which late samples have been filled by then; serving reads a minute as it ends. Is the skew gone?",
    ("Yes: the function is one, so both sides compute the same.", False, "The same from different inputs. In the warehouse a minute's requests are complete; as it ends, the late ones are missing."),
    ("No, and the comparison on the same minutes shows it, if both sides read them from the warehouse.", False, "Then both sides get the late samples, and agree. What serving computed at the time is not in that table."),
    ("No, and only a comparison with what serving had logged shows it.", True, "The skew sits in the data and not in the code, so the test needs the values that were really used. Log them with each answer."),
    ("It is, but for loads outside of the range of the examples, where the doubts speak.", False, "A minute that lacks a few late samples is an everyday load. It raises no doubt, and is too low."),
)  # fmt: skip
exercises.quiz(
    "d",
    "Your model foretells how much storage a customer needs. It knows 400 customers, with a row for each of the last 24 months, and is to answer for customers who sign up next quarter. How do you keep rows apart to judge it?",
    ("The last six months of all customers: the future is hidden.", False, "Then it meets 400 old acquaintances, whose habits it has learnt. Those who sign up next quarter are strangers."),
    ("A quarter of the rows by lot: only so all kinds of customers and months are judged.", False, "Each hidden month lies between two known months of the same customer. That is the neighbours' advantage again."),
    ("The rows of a quarter of the customers, all months.", True, "It must answer for strangers, so strangers are hidden. (To be strict, hide their months *and* learn from earlier ones only.)"),
    ("No rows: a line with so few weights can't learn them by heart.", False, "It need not, to be wrong for strangers. And without a number nobody knows what it is worth."),
)  # fmt: skip

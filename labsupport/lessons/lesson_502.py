"""Lesson 502, data contracts and checks: checkers, hints, guesses and quiz."""

from typing import TYPE_CHECKING, Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded, learners_code
from labsupport.exercises.outcomes import Fail
from labsupport.exercises.refute import Measured, OutsideRules

if TYPE_CHECKING:
    import pandas as pd

exercises = Exercises("502")

exercises.guess("g1", "The contract stops the day on which three in ten failures were not recorded")
exercises.guess("g2", "An empty table passes all three expectations")


@exercises.check(
    "1",
    "Which values are wrong",
    hints=(
        "Three kinds of values: missing, text, numbers. Decide each kind by itself, and join the answers with `|`.",
        "`values.isna()` finds None and nan. Text is found by `isinstance(value, str)`; a conversion would make nan of it, or a number.",
        '`numbers = pd.to_numeric(values, errors="coerce")`; wrong are texts, and what is there and not `numbers.between(low, high)`.',
    ),
    minutes=6,
)
def wrong_values(answer: Guarded) -> str:
    """Try floats with gaps, objects of every kind, bounds that are met, and an index that is not 0 to n."""
    import pandas as pd

    find = expect.function(answer)
    nan = float("nan")
    columns: list[tuple[pd.Series, float, float, dict[Any, str]]] = [
        (pd.Series([0.5, nan, 1.0, 0.0, -0.1, 1.01, float("inf")], index=[7, 3, 5, 9, 1, 0, 2]), 0, 1, {}),
        (pd.Series([0.5, None, "n/a", 80, "0.8", 1, nan, -3.0, "", 0], dtype=object), 0, 1, {}),
        (pd.Series([12, 200_001, 0, 1, 200_000]), 1, 200_000, {}),
        (pd.Series([3.0, "3", None, 4.5], dtype=object), 2, 4, {}),
    ]
    for values, low, high, _ in columns:
        want = np.array([_is_wrong(value, low, high) for value in values])
        given = find(values, low, high)
        if given is None:
            raise Fail("`None`", f"booleans of shape ({len(values)},)", "the function has no `return`")
        shape = np.shape(given)
        if shape != want.shape:
            raise Fail(f"shape {shape}", f"shape {want.shape}", "return one answer for each value, true or false")
        saw = expect.truths(given, len(values), "true or false for each value", "return the answers, not the values")
        if np.array_equal(saw, want):
            continue
        at = int(np.flatnonzero(saw != want)[0])
        value = values.iloc[at]
        judged, right = ("wrong", "allowed") if saw[at] else ("allowed", "wrong")
        raise Fail(
            f"{value!r} is {judged}, for {low} to {high}",
            f"{value!r} is {right}",
            _mistaken_value(saw, want, values, low, high),
        )
    return "Right for gaps, texts, infinities and bounds that are just met."


def _is_wrong(value: Any, low: float, high: float) -> bool:
    if isinstance(value, str):
        return True
    return not (value is None or np.isnan(value) or low <= value <= high)


def _mistaken_value(saw: Any, want: Any, values: "pd.Series", low: float, high: float) -> str:
    if np.array_equal(saw, ~want):
        return "turned round: True means that a value is wrong"
    missing = values.isna().to_numpy()
    text = values.map(lambda value: isinstance(value, str)).to_numpy(dtype=bool)
    off = saw != want
    if (off & missing).any() and saw[missing].all():
        return "nothing at all is allowed here, and `nan` lies between no two numbers: ask `notna()` as well"
    if (off & text).any():
        numeric = values.map(lambda value: isinstance(value, str) and value.replace(".", "").isdigit()).to_numpy(
            dtype=bool
        )
        if not (off & text & ~numeric).any():
            return "a number written as text was read as a number: text is wrong, whatever it says"
        return "a text that can't be read became `nan`, and so looks as if nothing had been sent"
    if values.dtype == float and saw[off].all() and values[off].isin([low, high]).all():
        return "a value that meets a bound is allowed: from `low` up to `high`, both included"
    typed = ((0, 1), (0, high), (low, 1))
    if any(np.array_equal(saw, [_is_wrong(value, *bounds) for value in values]) for bounds in typed):
        return "`low` and `high` differ from column to column: use the arguments"
    return "which of missing, text and number is this value, and which of your lines decides it?"


@exercises.check(
    "2",
    "Limits that are paid for",
    hints=(
        "Which numbers describe a usual day even when two of forty days are absurd? Not the mean, not the extremes.",
        "The median is the middle day; the median of the distances from it (times 1.48) is like a standard deviation.",
        "`middle - 3 * spread, middle + 3 * spread`. Two spreads would stop one good day in twenty, six would miss bad ones.",
    ),
    minutes=8,
)
def limits(answer: Guarded) -> str:
    """Bill the learner's limits on six histories, one of them of another level, and their unseen days."""
    from labsupport.data.limits import bill_of_limits

    choose = expect.function(answer)
    bills = []
    for seed, (history, unseen, spoilt) in enumerate(_past_and_unseen()):
        low, high = expect.array(choose(history), (2,), "the limits (low, high)")
        if not low <= high:
            raise Fail(
                f"({low:.3f}, {high:.3f})",
                "two numbers, the lower one first",
                "are the two swapped, or is one of them nan?",
            )
        bill = bill_of_limits((low, high), unseen, spoilt)
        bills.append(bill)
        if bill < 4_000:
            continue
        stopped = ~unseen.between(low, high).to_numpy()
        saw = f"{bill:,.0f} euros on history {seed + 1}: {int((stopped & ~spoilt).sum())} good days stopped, {int((~stopped & spoilt).sum())} of {int(spoilt.sum())} bad days passed"
        raise Fail(saw, "less than 4,000 euros", _mistaken_limits(low, high, history, stopped, spoilt))
    return f"Six histories cost {min(bills):,.0f} to {max(bills):,.0f} euros for a hundred days."


_days: list[Any] = []


def _past_and_unseen() -> list[Any]:
    from labsupport.data.limits import coverage_days

    if not _days:
        _days.extend(coverage_days(seed) for seed in range(20, 25))
        # A service with fewer tests: another level, the same scatter.
        history, unseen, spoilt = coverage_days(25)
        _days.append((history - 0.2, unseen - 0.2, spoilt))
    return _days


def _mistaken_limits(low: float, high: float, history: "pd.Series", stopped: Any, spoilt: Any) -> str:
    if np.isclose(low, history.min()) and np.isclose(high, history.max()):
        return "the lowest and the highest day so far are the two on which something was wrong"
    if stopped.mean() > 0.9:
        return "nearly all days were stopped: other services have another level, so read the limits from `history`"
    spread = history.std()
    halves = (high - low) / spread
    if np.isclose(halves, round(halves), atol=1e-6) and np.isclose((low + high) / 2, history.mean()):
        return "mean and standard deviation are moved by the two odd days: what describes a usual day in spite of them?"
    missed = 2_000 * (~stopped & spoilt).sum()
    if missed >= 200 * (stopped & ~spoilt).sum():
        return "too wide: how far from the middle do usual days lie, the two odd ones left aside?"
    return "too narrow: a good day in ten outside of the limits costs as much as a bad one that passes"


@exercises.check(
    "3",
    "Kept once, however often it runs",
    hints=(
        "What was kept of this delivery before is out of date as soon as it runs again. What of the other deliveries?",
        "`drop_duplicates` would take away equal bad rows of one delivery, and keep those that were repaired.",
        "Keep the rows of the *other* deliveries, and append this one's: `kept[kept.delivery != delivery]` and `pd.concat`.",
    ),
    minutes=6,
)
def keep(answer: Guarded) -> str:
    """Run deliveries first, again, repaired, with equal rows, empty, and with an index that repeats."""
    import pandas as pd

    put = expect.function(answer)
    bad = pd.DataFrame({"deploy_id": ["d-1", "d-2", "d-2"], "reasons": ["a", "b", "b"]}, index=[4, 4, 9])
    empty = pd.DataFrame({"delivery": [], "deploy_id": [], "reasons": []}, dtype=object)
    one = pd.DataFrame({"delivery": ["mon"] * 3, "deploy_id": ["d-1", "d-2", "d-2"], "reasons": ["a", "b", "b"]})
    tue = pd.DataFrame({"delivery": ["tue"], "deploy_id": ["d-1"], "reasons": ["a"]})
    both = pd.concat([one, tue], ignore_index=True)
    cases = [
        ("the first run", empty, "mon", bad, ["mon d-1 a", "mon d-2 b", "mon d-2 b"]),
        ("a second run with the same rows", one, "mon", bad, ["mon d-1 a", "mon d-2 b", "mon d-2 b"]),
        ("another day with an equal row", tue, "mon", bad, ["mon d-1 a", "mon d-2 b", "mon d-2 b", "tue d-1 a"]),
        ("a second run after a repair", both, "mon", bad[:1], ["mon d-1 a", "tue d-1 a"]),
        ("a second run without bad rows", both, "mon", bad[:0], ["tue d-1 a"]),
        ("a new reason for a row", tue, "tue", bad[:1].assign(reasons="c"), ["tue d-1 c"]),
    ]
    for what, kept, delivery, rows, want in cases:
        after = put(kept, delivery, rows)
        if not isinstance(after, pd.DataFrame):
            cause = "the function has no `return`" if after is None else "is it a list of frames, or a count?"
            raise Fail(f"`{type(after).__name__}`", "the frame `kept` after the run", cause)
        lacking = {"delivery", "deploy_id", "reasons"} - set(after.columns)
        if lacking:
            raise Fail(
                f"columns {', '.join(map(str, after.columns))}",
                f"{', '.join(sorted(lacking))} as well",
                "new rows need the name of their delivery?",
            )
        saw = sorted(" ".join(map(str, row)) for row in after[["delivery", "deploy_id", "reasons"]].to_numpy())
        if saw == want:
            continue
        raise Fail(
            f"{len(saw)} rows after {what}: {'; '.join(saw) or 'none'}",
            f"{len(want)}: {'; '.join(want)}",
            _mistaken_keep(saw, want, what),
        )
    return "Right for a first, a second, a repaired and an empty run."


def _mistaken_keep(saw: list[str], want: list[str], what: str) -> str:
    if any("nan" in row for row in saw):
        return "some rows have no delivery: give the new ones its name before you append them"
    if sorted(set(saw)) == sorted(set(want)) and len(saw) < len(want):
        return "two equal bad rows of one delivery are two rows: nothing may be dropped because it looks the same"
    if "second run with the same" in what and len(saw) > len(want):
        return "the second run counted everything twice: what was kept of this delivery before must go first"
    if "another day" in what or not any(row.startswith("tue") for row in saw):
        return "the rows of other deliveries are not touched by this one"
    if "repair" in what or "without bad" in what or "new reason" in what:
        return "what was repaired, or has another reason now, still waits in its old form: a run replaces what its delivery had"
    return "which rows were of this delivery before, and which are now?"


@exercises.check(
    "4",
    "A suite that stops",
    hints=(
        "Say three things of the table and of each column: how many rows, how much may be missing, which values.",
        '`mostly=0.9` lets a tenth be different: `gxe.ExpectColumnValuesToNotBeNull(column="age", mostly=0.9)`.',
        "Count the rows: `gxe.ExpectTableRowCountToBeBetween(min_value=800, max_value=1200)`. For types: `ExpectColumnValuesToBeInTypeList` with int64 and float64.",
    ),
    minutes=7,
    seconds=20.0,
)
def suite(answer: Guarded) -> str:
    """Validate good tables, which must pass, and bad ones, each of which must fail for an expectation of its own."""
    from labsupport.data.datadocs import validate_each

    make = expect.function(answer)
    with learners_code():
        given = make()
    if given is None:
        raise Fail("`None`", "a list of expectations", "the function has no `return`")
    if not isinstance(given, list | tuple) or not given or not all(hasattr(each, "expectation_type") for each in given):
        raise Fail(
            f"{type(given).__name__} `{str(given):.40}`",
            "a list of expectations, such as gxe.ExpectColumnValuesToNotBeNull(...)",
            "is it one expectation without a list, or a name in quotes?",
        )
    tables = _tables()
    with learners_code():
        verdicts = list(validate_each([table for table, _, _ in tables.values()], given))
    for (name, (_, good, cause)), found in zip(tables.items(), verdicts, strict=True):
        if found.success and not good:
            raise Fail(f"{name} passes", "it fails", cause)
        if good and not found.success:
            failed = found.results[~found.results.success].iloc[0]
            where = f" of {failed['column']}" if failed["column"] else ""
            raise Fail(f"{name} fails: {failed['expectation']}{where}", "it passes", cause)
    return f"{len(given)} expectations let three good tables pass and stop seven bad ones."


def _tables() -> "dict[str, tuple[pd.DataFrame, bool, str]]":
    import pandas as pd

    rng = np.random.default_rng(53)
    whole = pd.DataFrame({"age": rng.integers(0, 121, 1000), "target": rng.integers(0, 2, 1000)})
    first = whole.index
    return {
        "a good table": (whole, True, "each of its ages lies from 0 to 120, nothing is missing, it has 1,000 rows"),
        "a good table in which one age in ten is missing": (whole.assign(age=whole.age.where(first % 10 > 0)), True, "a gap makes a column of whole numbers floats: allow both types, and up to a tenth missing (`mostly=0.9`)"),
        "a good table of 950 rows": (whole[:950], True, "usually 1,000 is not always 1,000: leave some room"),
        "an empty table": (whole[:0], False, "all values of no rows are fine: count the rows"),
        "half a table": (whole[:500], False, "half of the rows are missing, and every value that is there is fine: how many rows are too few?"),
        "an age of 200": (whole.assign(age=whole.age.where(first > 0, 200)), False, "no bound for the age, or a `mostly` that lets single values through"),
        "an age of -1": (whole.assign(age=whole.age.where(first > 0, -1)), False, "the age has no lower bound"),
        "a target that is missing once": (whole.assign(target=whole.target.where(first > 0)), False, "a target may never be missing, not even once"),
        "a table in which one age in five is missing": (whole.assign(age=whole.age.where(first % 5 > 0)), False, "what is missing keeps each bound: say how much of the column must be there. That is `mostly`, not the share that may be missing"),
        "ages written as text": (whole.assign(age=whole.age.astype(str)), False, "a type is not looked at: texts are no numbers"),
    }  # fmt: skip


WORLDS = range(60, 64)


@exercises.refute(
    "5",
    "What passes the contract costs the model nothing",
    case="a pair of a fault's name, not the unrecorded failures, and a dose from 0 to 1",
    hints=(
        "The contract must let the days pass. Which faults leave every value possible, and each column as it usually looks?",
        "The model learns how columns and outcome belong together. Which faults touch that, and no column by itself?",
        "Which fault leaves the count of failures on each day as it is, and yet tells of each deploy what another one did?",
    ),
    minutes=7,
    seconds=40.0,
)
def what_passes_costs_nothing(case: Any) -> Measured:
    """Replay twenty days in four worlds; it fails when most days pass and the model loses beyond chance (95 %, Student's t)."""
    from labsupport.data.deploy_contract import FAULTS
    from labsupport.data.replay import replay

    if not isinstance(case, list | tuple) or len(case) != 2 or not isinstance(case[0], str):
        raise OutsideRules('a case is a pair such as ("negative sizes", 0.02)')
    name, dose = case
    if name == "unrecorded failures":
        raise OutsideRules("unrecorded failures passed on day 33 already; another fault passes, too")
    if name not in FAULTS:
        raise OutsideRules(f"there is no fault {name!r}; there are {', '.join(FAULTS)}")
    if isinstance(dose, bool) or not isinstance(dose, int | float | np.integer | np.floating) or not 0 <= dose <= 1:
        raise OutsideRules(f"a dose is a number from 0 to 1, this is {dose!r:.30}")
    runs = [replay(name, round(float(dose), 3), seed) for seed in WORLDS]
    stopped, kept_apart = sum(run.stopped for run in runs), sum(run.quarantined for run in runs)
    door = f"of 80 days the contract stopped {stopped}, {kept_apart} rows went to quarantine"
    lost = np.array([run.lost for run in runs if run.lost is not None])
    if len(lost) < len(runs):
        return Measured(True, f"{door}: it does not pass")
    # Student's t for four worlds: 97.5 % lie below.
    half = 3.182 * lost.std(ddof=1) / np.sqrt(len(lost))
    numbers = f"{door}; the model costs {lost.mean():+.2f} euros per deploy ({lost.mean() - half:+.2f} to {lost.mean() + half:+.2f})"
    return Measured(not lost.mean() - half > 0, numbers, within_chance=bool(lost.mean() > 0.1))


exercises.quiz(
    "a",
    "This morning 62 % of the rows have a `lines_changed` of 0; the contract says 1 or more. It is the payments team's rows, all of them. What is the best first step?",
    ("Quarantine those rows and go on with the rest: each of them breaks a rule.", False, "Then the model learns from a world without the payments team, and 62 % of the deploys wait in a room that nobody looks into."),
    ("Lower the bound to 0, because so many rows can't all be wrong.", False, "They can, when one producer changed. With 0 allowed the next real error of this kind passes for ever."),
    ("Stop the delivery and ask the payments team what changed on their side.", True, "All of one producer's rows from one morning on: no row is wrong, something changed. Nobody but them knows whether 0 now means that nothing was counted."),
    ("Fill the zeros with the median, so that training can go on.", False, "Now they are invented, nothing marks them, and every check is green."),
)  # fmt: skip
exercises.quiz(
    "b",
    "Your check stops a day when any of 40 columns lies outside of limits that a good day of one column leaves in 1 case of 100. On-call is annoyed. What do you change?",
    ("Nothing: one false stop in a hundred days is what was promised.", False, "That was promised for one column. Some column of 40 is outside on one good day in three: 1 - 0.99 ** 40 = 0.33."),
    ("Check only the ten columns that the model uses most, and leave the thirty others to a weekly report.", False, "Fewer false stops, still one in ten days, and thirty columns that nobody watches."),
    ("Page only when the same column is outside on three days in a row, since luck rarely comes three times.", False, "Then each real fault trains the model for three days before anybody hears of it."),
    ("Widen each column's limits, so that all 40 together stop one good day in a hundred.", True, "What should be rare is a false *day*. Each column gets a fortieth of it, and large faults lie far outside all the same."),
)  # fmt: skip
exercises.quiz(
    "c",
    "A back-fill runs March again by the same contract. Before it 900 rows of March were in quarantine, now 1,800 are. Which explanation can you rule out, with a quarantine like the one above?",
    ("The same 900 bad rows came again, and were counted a second time.", True, "However neat the number is: a delivery's file is replaced as a whole, so rows that come again stand there once. The other 900 are bad rows that were not there before."),
    ("Some of March's deliveries broke the schema the first time, and do no longer.", False, "Quite possible: where the schema changed no row is judged, so none is in quarantine. Repaired, the delivery shows its bad rows for the first time."),
    ("The producer sent files anew in which other rows are bad.", False, "Possible: the files of a back-fill need not be those of March. Quarantine holds what came last."),
    ("The first run broke off before the last of March's deliveries.", False, "Possible: each delivery is one file, written in one step. Those that were not reached then are there now."),
)  # fmt: skip
exercises.quiz(
    "d",
    "A nightly job reads the last file in a folder. The producer has been down since Friday. Every night since, all checks of types, ranges, keys and distribution are green. Which check would have spoken?",
    ("A stricter limit for the distribution, since old data differ from new ones.", False, "It is Friday's file, which was fine on Friday and is the same file now. Its distribution has not moved at all."),
    ("Freshness: how old is the newest row at the time of the check?", True, "The only thing that is wrong about the file is the clock. On Saturday morning it is young enough, on Sunday it no longer is. (Keys that are unique over *all* deliveries would speak, too, and at each back-fill as well.)"),
    ("The count of rows: a producer that is down sends fewer.", False, "It sends none; but the job reads the last file that is there, and that one is whole."),
    ("A checksum: is the file the one that the producer wrote?", False, "It is, to the last byte, each night anew: a checksum says that nothing was damaged on the way. It says nothing of when."),
)  # fmt: skip

"""Lesson 501, garbage in, garbage out: checkers, hints, guesses and quiz."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail
from labsupport.exercises.refute import Measured, OutsideRules
from labsupport.lessons.cases import deploys_501

exercises = Exercises("501")

exercises.guess("g1", "With half of the failures unrecorded, the model's own test promises fewer euros per deploy than with honest records")  # fmt: skip
exercises.guess("g2", "Percent in half of the rows costs the logistic regression at least twice as much as percent in a tenth of them")  # fmt: skip
exercises.guess("g3", "Of a hundred suspects, how many labels are really wrong", unit="of 100")


@exercises.check(
    "1",
    "Seconds, whoever wrote them",
    hints=(
        "One value can't tell: 4,000 may be a long deploy in seconds or a short one in milliseconds. A whole team can.",
        "Which number of a team moves little when one deploy hangs for a day? `duration.groupby(team)` and then?",
        '`usual = duration.groupby(team).transform("median")`, and divide by 1,000 where the usual one is far too long.',
    ),
    minutes=6,
)
def in_seconds(answer: Guarded) -> str:
    """Try teams of many and of few deploys, hung ones among them, in a shuffled order with an index of its own."""
    convert = expect.function(answer)
    for seed, in_ms, what in (
        (3, deploys_501.WRITERS, ""),
        (4, deploys_501.WRITERS, ""),
        (5, (), ", where all teams write seconds"),
        (6, tuple(deploys_501.TEAMS), ", where all teams write milliseconds"),
    ):
        given, team, want = deploys_501.runtimes(seed, in_ms)
        saw = expect.array(convert(given, team), (len(given),), "the durations")
        right = np.isclose(saw, want, rtol=1e-6)
        if right.all():
            continue
        wrong = int((~right).sum())
        cause = _mistaken_unit(saw, given.to_numpy(), team.to_numpy(), want, uniform=bool(what))
        at = int(np.flatnonzero(~right)[0])
        where = f"{given.iloc[at]:g} of {team.iloc[at]}"
        raise Fail(
            f"{wrong} of {len(want)} durations are off, such as {saw[at]:g} for {where}{what}",
            f"{want[at]:g} seconds",
            cause,
        )
    return "Right for all teams, also those with five deploys and with a hung one, and where all write one unit."


def _mistaken_unit(saw: Any, given: Any, team: Any, want: Any, *, uniform: bool) -> str:
    if np.allclose(np.sort(saw), np.sort(want), rtol=1e-6):
        return "the right values in another order: they belong to the rows they came from"
    if np.allclose(saw, given):
        return "nothing was converted"
    if np.allclose(saw, given / 1000):
        return "all were divided: some teams write seconds"
    if np.allclose(saw, want * 1000, rtol=1e-6):
        return "these are milliseconds"
    converted, left = np.isclose(saw, given / 1000), np.isclose(saw, given)
    if not (converted | left).all():
        return "a duration is either right as it is or is divided by 1,000: which of yours are neither?"
    mixed = [name for name in np.unique(team) if 0 < converted[team == name].mean() < 1]
    if mixed:
        return f"within {mixed[0]} some durations were divided and some not: a team writes one unit"
    if uniform:
        return "here all teams write one unit: compare a team with how long a deploy can take, not with the other teams"
    missed = [name for name in np.unique(team) if not np.allclose(saw[team == name], want[team == name], rtol=1e-6)]
    if missed == ["batch"]:
        return "batch: one deploy that was over at once moves the shortest; which number does a single odd deploy not move?"
    if missed == ["ads"]:
        return "ads: one deploy that hung for a day moves the mean and the longest; which number does it not move?"
    return f"{', '.join(missed)}: which number tells a team's unit, whatever a single deploy does?"


@exercises.check(
    "2",
    "The slice to report",
    hints=(
        "How many wrong rows would the slice have if it were like all others? That is `overall * rows`.",
        "By how many does luck alone move that count? About the root of `rows * overall * (1 - overall)`.",
        "Divide the excess by the luck, and take the slice where that is largest: `idxmax()`.",
    ),
    minutes=6,
)
def surest(answer: Guarded) -> str:
    """Try tables in which the highest share, the most wrong rows and the largest excess each point at luck."""
    import pandas as pd

    choose = expect.function(answer)
    for overall, rows, index in deploys_501.TABLES:
        table = pd.DataFrame(rows, columns=["slice", "rows", "wrong"], index=index)
        expected, deviation = overall * table.rows, np.sqrt(table.rows * overall * (1 - overall))
        sure = (table.wrong - expected) / deviation
        want = str(table.slice[sure.idxmax()])
        saw = choose(table, overall)
        if isinstance(saw, pd.Series | list | tuple | np.ndarray) and len(saw) == 1:
            saw = next(iter(saw))
        if saw is None:
            raise Fail("`None`", "the name of a slice", "the function has no `return`")
        if not isinstance(saw, str) or saw not in set(table.slice):
            raise Fail(
                f"`{str(saw):.60}`", "one of the names in the column `slice`", "is it a position, or a whole row?"
            )
        if saw == want:
            continue
        picked = table[table.slice == saw].iloc[0]
        named = {
            "this slice has the highest share of wrong rows, but few rows: with so many slices one of that size is always unlucky": (
                table.wrong / table.rows
            ).idxmax(),
            "this slice has the most wrong rows because it has the most rows: compare with what its size leads one to expect": table.wrong.idxmax(),
            "this is the largest excess, but in a large slice luck alone makes an excess of that size: measure it by its luck": (
                table.wrong - expected
            ).idxmax(),
            "this is the largest slice": table.rows.idxmax(),
            "this slice does *better* than the others: which way does it deviate?": sure.idxmin(),
        }
        at = picked.name
        cause = next(
            (text for text, where in named.items() if where == at), "what would luck do in a slice of its size?"
        )
        raise Fail(
            f"{saw}: {picked.wrong} of {picked.rows} wrong, {overall:.0%} overall",
            f"{want}: {table.wrong[sure.idxmax()]} of {table.rows[sure.idxmax()]} wrong",
            cause,
        )
    return "Right in five tables: neither size nor share, but what luck can't do."


@exercises.check(
    "3",
    "Which labels to look at",
    hints=(
        "The model may be unsure and the label right: then it gives no *other* class much. Compare two numbers of a row.",
        "`said[np.arange(len(labels)), labels]` is what it gives the label that stands there.",
        "A wrong label gets little, and another class much: `said.max(axis=1)` minus what the label gets.",
    ),
    minutes=7,
)
def suspicion(answer: Guarded) -> str:
    """Count the wrong labels among the rows to look at, in labels with an easy and a hard class and many scrawls."""
    score = expect.function(answer)
    found = []
    for seed in (11, 12):
        labels, said, wrong = _doubtful(seed)
        saw = expect.array(score(labels, said), (len(labels),), "the suspicions")
        if not np.isfinite(saw).all():
            raise Fail(
                "`nan` or infinite numbers", "a finite number for each row", "a logarithm of 0, or 0 divided by 0"
            )
        looks = int(wrong.sum())
        # A tie is broken to the learner's disadvantage by nothing but the order of the rows.
        hits = int(wrong[np.argsort(-saw, kind="stable")[:looks]].sum())
        of_label = said[np.arange(len(labels)), labels]
        best = int(wrong[np.argsort(of_label - said.max(axis=1), kind="stable")[:looks]].sum())
        if hits < 0.9 * best:
            raise Fail(
                f"{hits} wrong labels in the {looks} rows with the highest numbers",
                f"about {best}, and {0.9 * best:.0f} pass",
                _mistaken_suspicion(saw, labels, said, wrong, looks),
            )
        found.append(f"{hits} of {looks}")
    return f"Looking at the highest finds {' and '.join(found)} wrong labels."


def _doubtful(seed: int) -> tuple[NDArray[np.int_], NDArray[np.float64], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, 1500, p=[0.6, 0.3, 0.1])
    wrong = rng.random(1500) < 0.06
    labels = np.where(wrong, (truth + rng.integers(1, 3, 1500)) % 3, truth)
    # Class 2 is hard to read, and one row in four is a scrawl, whose label is mostly right.
    clarity = np.array([9.0, 8.0, 4.0])[truth]
    clarity = np.where(rng.random(1500) < 0.25, 1.6, clarity)
    strength = np.ones((1500, 3)) * 0.8
    strength[np.arange(1500), truth] += clarity
    drawn = rng.gamma(strength)
    return labels, drawn / drawn.sum(axis=1, keepdims=True), wrong


def _mistaken_suspicion(saw: Any, labels: Any, said: Any, wrong: Any, looks: int) -> str:
    of_label = said[np.arange(len(labels)), labels]
    unsure = 1 - said.max(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.nansum(np.where(said > 0, said * np.log(said), 0), axis=1)
    if np.unique(saw).size <= 2 and np.array_equal(saw > saw.min(), said.argmax(axis=1) != labels):
        return "all rows where the label is not the model's choice are equal here: some are scrawls; how far apart are the two?"
    if _same_order(saw, of_label) or wrong[np.argsort(saw, kind="stable")[:looks]].sum() > 0.8 * looks:
        return "turned round: your highest numbers are the labels that the model believes most"
    if _same_order(saw, entropy):
        return "the entropy looks at no label: it is largest on scrawls, whose labels are mostly right"
    if _same_order(saw, unsure):
        return "this is where the model is unsure, whatever the label: it finds scrawls, whose labels are mostly right"
    if _same_order(saw, said.max(axis=1)):
        return "this is where the model is sure, whatever the label: does it agree with the label?"
    return "does your number rise when the label gets little and another class gets much?"


def _same_order(one: Any, other: Any) -> bool:
    return bool(np.array_equal(np.argsort(one, kind="stable"), np.argsort(other, kind="stable")))


@exercises.check(
    "4",
    "Seen before",
    hints=(
        "Which columns say *which* deploy it is, and which only how or when it was delivered, or what was known by then?",
        "The number differs in each copy, the coverage in some. Service and second together name one deploy.",
        "`pd.MultiIndex.from_frame(judge[key]).isin(pd.MultiIndex.from_frame(learn[key]))`, or a left merge on the key, each key of `learn` once (`drop_duplicates`).",
    ),
    minutes=5,
)
def seen_before(answer: Guarded) -> str:
    """Try copies with another number, with a filled gap, copies within each part, and deploys that only look alike."""
    find = expect.function(answer)
    learn, judge, want = deploys_501.deliveries()
    saw = find(learn, judge)
    if saw is None:
        raise Fail("`None`", f"booleans of shape ({len(judge)},)", "the function has no `return`")
    flat = np.asarray(saw)
    if flat.shape != want.shape:
        cause = "return one value for each row of `judge`, true or false; a merge may drop or repeat rows"
        if flat.ndim == 1 and len(flat) > len(judge):
            cause = "a merge repeats a row for each copy that `learn` holds of it: take each key of `learn` once"
        raise Fail(f"shape {flat.shape}", f"shape {want.shape}", cause)
    if flat.dtype != bool and not np.isin(flat.astype(object), [True, False]).all():
        raise Fail(
            f"values such as `{flat.ravel()[0]!s:.20}`", "true or false for each row", "is a comparison missing?"
        )
    found = flat.astype(bool)
    if np.array_equal(found, want):
        return f"{want.sum()} of {len(want)} rows were seen before, four of them with a coverage that came later."
    raise Fail(
        f"{int(found.sum())} rows marked, {int((found & ~want).sum())} of them new deploys and {int((want & ~found).sum())} copies left out",
        f"{want.sum()} rows",
        _mistaken_copies(found, want, learn, judge),
    )


def _mistaken_copies(found: Any, want: Any, learn: Any, judge: Any) -> str:
    import pandas as pd

    def by(columns: list[str]) -> NDArray[np.bool_]:
        whole: NDArray[np.bool_] = pd.MultiIndex.from_frame(judge[columns]).isin(
            pd.MultiIndex.from_frame(learn[columns])
        )
        return whole

    content = ["service", "started_at", "lines_changed", "coverage"]
    without_gaps = by(content) & judge.coverage.notna().to_numpy()
    if not found.any():
        return "each delivery has a number of its own: compared with it, nothing is a copy"
    key = ["service", "started_at"]
    anywhere = pd.concat([learn, judge]).duplicated(key)[len(learn) :].to_numpy()
    causes = {
        "a new deploy that comes twice within `judge` was not seen in `learn`: compare with `learn` alone": anywhere,
        "such a deploy was marked where it comes twice within `judge`: compare with `learn` alone": (
            by(key) | judge.duplicated(key, keep=False).to_numpy()
        ),
        "each column was looked up by itself: service and second must stand in the *same* row of `learn`": (
            judge[key].isin({name: learn[name].tolist() for name in key}).all(axis=1).to_numpy()
        ),
        "the copies whose coverage came later were left out: what may change is not part of the key": by(content),
        "the copies with a gap in the coverage were left out: nothing equals `nan`, and the coverage may change anyway": without_gaps,
        "two services may start in the same second": by(["started_at"]),
        "a service starts many deploys": by(["service"]),
        "two deploys may change as many lines, with the same coverage": by(["service", "lines_changed", "coverage"]),
        "these are the rows that are *new*: turned round": ~want,
        "index and position are not the row: copies have another": judge.index.isin(learn.index),
    }
    return next(
        (text for text, wrong in causes.items() if np.array_equal(found, wrong)), "which columns name a deploy?"
    )


SEEDS = range(900, 932)
# Euros per deploy: less is no reason to choose a model.
MARGIN = 0.25


@exercises.refute(
    "5",
    "Whatever the damage, small trees lose at most a quarter of a euro per deploy more than the logistic regression",
    case="a pair of a damage's name and a dose from 0 to 1",
    hints=(
        "The trees win where a cut separates good from bad values. Which damage takes away the values that a cut would need?",
        "Look at the pictures of the seven damages: in which panel does the line of the small trees lie well above the other?",
        "Gaps that have a reason hurt trees most. A middle dose: where most is gone, both models lose, and the years scatter.",
    ),
    minutes=8,
    seconds=120.0,
)
def trees_lose_no_more(case: Any) -> Measured:
    """Damage 32 years by the learner's case; it fails when trees lose over 25 cents more, beyond chance (95 %, paired, Student's t)."""
    from scipy.stats import t as student

    from labsupport.data.dose_response import CATALOGUE

    if not isinstance(case, list | tuple) or len(case) != 2 or not isinstance(case[0], str):
        raise OutsideRules('a case is a pair such as ("stale", 0.5)')
    name, dose = case
    if name not in CATALOGUE:
        raise OutsideRules(f"there is no damage {name!r}; there are {', '.join(CATALOGUE)}")
    if isinstance(dose, bool) or not isinstance(dose, int | float | np.integer | np.floating) or not 0 <= dose <= 1:
        raise OutsideRules(f"a dose is a number from 0 to 1, this is {dose!r:.30}")
    trees, line = (_losses(name, round(float(dose), 3), model) for model in ("small trees", "logistic"))
    more = trees - line
    half = student.ppf(0.975, len(more) - 1) * more.std(ddof=1) / np.sqrt(len(more))
    numbers = (
        f"trees lose {trees.mean():.2f} euros per deploy, the logistic regression {line.mean():.2f}; "
        f"difference {more.mean():+.2f} ({more.mean() - half:+.2f} to {more.mean() + half:+.2f})"
    )
    return Measured(not more.mean() - half > MARGIN, numbers, within_chance=bool(more.mean() > MARGIN))


@cache
def _losses(name: str, dose: float, model: str) -> NDArray[np.float64]:
    from labsupport.data.dose_response import CATALOGUE, respond

    damaged = np.array([respond(CATALOGUE[name], dose, model, seed).paid for seed in SEEDS])
    if dose == 0:
        return np.zeros(len(SEEDS))
    clean: NDArray[np.float64] = damaged - np.array([respond(CATALOGUE[name], 0.0, model, seed).paid for seed in SEEDS])
    return clean


exercises.quiz(
    "a",
    "Since the spring your model of failing deploys reports 97 % accuracy; it was 93 %. Nobody touched the model or the code. In spring another team took over on call. Where do you look first?",
    ("At the deploys: are there more small ones since the spring, which fail less?", False, "It would explain the number, and it is the second look. A change on the day on which other people began to record failures makes the records the first one."),
    ("At the records: as many pages at night as before, and how many failures entered?", True, "Pages come from machines, records from people. If there are as many pages and fewer recorded failures, the report is better because the data is worse."),
    ("At the test: of how many deploys is it, and can four points be luck?", False, "Four points on some hundred deploys can be. But a larger sample of the same records has less luck and the same gap: it would make you surer of a wrong number."),
    ("At the model: does it let nearly everything go, so that 97 % is what doing nothing scores?", False, "An untouched model answers as before. If doing nothing scores 97 % now and 93 % then, fewer failures are recorded, and the question is again why."),
)  # fmt: skip
exercises.quiz(
    "b",
    "A colleague reports: “We got ten times as many rows, and the gap between own and new deploys shrank from 26 € to 8 €.” What does that say about the bill on new deploys?",
    ("It fell by 18 €: the gap is what overfitting costs.", False, "So it would be if the own rows cost what they did. But of many rows a model knows fewer by heart, so these became dearer, and that closes a gap as well."),
    ("It fell, and most of the 18 € are on this side: rows are there to help with new deploys.", False, "In the picture it is the other way round: the dashed line of the large trees rises far more than the solid one falls."),
    ("It may have fallen by far less than 18 €: own deploys become dearer, too.", True, "A gap closes from both sides. Only the new deploys' own line says what the rows were worth: ask for that number."),
    ("It did not fall: a gap closes because the own rows become dearer.", False, "That is one side of it. The solid lines fall, too, as long as there is a gap; by how much, the gap alone does not say."),
)  # fmt: skip
exercises.quiz(
    "c",
    "A colleague looks at 400 slices after each training, with a 95 % interval for each. Today the phones in Brazil are worse than the rest, and the interval excludes chance. The overall error is as ever. What do you do?",
    ("Stop the release: the interval excludes chance.", False, "About 20 of 400 slices exclude chance when nothing is wrong, ten of them on the worse side. One of those is no reason to stop."),
    ("Nothing: the overall error is what counts, and it is as ever.", False, "That is how a slice gets forgotten for a year. 2 % of the users can fail altogether while the average moves by a hair."),
    ("Ask the same question of this one slice on other days, and stop if it stays.", True, "One question, named beforehand, on rows that did not raise it: now 95 % means 95 %. Or demand more of each of the 400 from the start."),
    ("Give the phones in Brazil more weight in the next training.", False, "That repairs what may be luck, at the price of everybody else. First find out whether there is anything to repair."),
)  # fmt: skip
exercises.quiz(
    "d",
    "Team Blue has never recorded a single failure; its deploys are like everybody's. Will confident learning point at its missing failures?",
    ("At most of them: other folds hold other teams' failures, and those outnumber Blue's gaps.", False, "A third of them at best, in our deploys: a failure is mostly luck, and a deploy that had none looks like one whose failure is missing. And if the model can tell Blue apart, at none."),
    ("At some of them, but at none if the model can see that a deploy is Blue's.", True, "A wrong label is found by disagreement with its like, and where all its like are wrong in the same way there is none. Without the team as a column it names, in our deploys, a third of them, beside three times as many that did not fail: a place to look, not a list."),
    ("At none: where a class is missing altogether there is nothing to compare with.", False, "The failures of the other teams are there to compare with. What matters is whether Blue's rows are compared with them."),
    ("At none: it finds labels turned by chance, and only those.", False, "That is its easiest case. It names some systematic ones, too, when the model that doubts can't see what they have in common."),
)  # fmt: skip

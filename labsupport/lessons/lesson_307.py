"""Lesson 307, hyperparameters and what a search costs: checkers, hints, guesses and quiz."""

import math
from functools import cache
from typing import Any

import numpy as np

from labsupport.exercises import Measured, expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded, learners_code
from labsupport.exercises.outcomes import Fail
from labsupport.exercises.refute import OutsideRules
from labsupport.lessons.cases import rungs_307, spaces_307

exercises = Exercises("307")

exercises.guess("g1", "The tutorial's values, in 100 epochs, beat the median of sixty random trials of 27 epochs")
exercises.guess("g2", "The share of the paid time in which machines stand idle in successive halving", unit="%")
exercises.guess("g3", "What the best of sixty by 100 pictures loses on the others", unit="points")


@exercises.check(
    "1",
    "The rule by which ASHA never waits",
    hints=(
        "Go through the rungs from the last but one down to 0, and return at the first trial that may go on.",
        "At a rung, first find the best `len(told[rung]) // eta` trials, *then* leave out who has gone on. The other way round one place too many is given.",
        "nan breaks sorting: sort `[t for t, value in told[rung].items() if value == value]`, and count all of `told[rung]`.",
    ),
    minutes=10,
)
def who_goes_on(answer: Guarded) -> str:
    """Ask for eleven states of the rungs, then run the rule through three searches of sixty answers, ties and failures included."""
    rule = expect.function(answer)
    for told, went_on, eta, cause in rungs_307.CASES:
        _judge(rule, told, went_on, eta, cause)
    for seed in range(3):
        _search(rule, seed)
    return "Right for eleven states, and in three whole searches."


def _judge(
    rule: Guarded, told: rungs_307.Told, went_on: list[set[int]], eta: int, cause: str
) -> tuple[int, int] | None:
    saw = _pair(rule([dict(each) for each in told], [set(each) for each in went_on], eta))
    allowed = rungs_307.allowed(told, went_on, eta)
    if saw in allowed:
        return saw
    sure = [each for each in allowed if each is not None]
    if saw is None and cause.startswith("one of three"):
        cause = "nothing came back: is there a `return` for the one who goes on?"
    elif saw is not None and saw[::-1] in allowed:
        cause = "the two are swapped: first the trial, then the rung that it leaves"
    elif saw is not None and (saw[0], saw[1] - 1) in allowed:
        cause = "return the rung that it leaves, not the one that it goes to"
    elif saw is not None and saw[1] < len(told) and saw[0] in went_on[saw[1]]:
        cause = "it has gone on from there before: `went_on` says so"
    elif saw is not None and sure and saw[1] < sure[0][1]:
        cause = "ask from the highest rung down: at a higher one somebody may go on, and comes first"
    where = f"for told = {rungs_307.show(told)}, went_on = {went_on}, eta = {eta}"
    raise Fail(f"{saw} {where}", " or ".join(map(str, allowed)), cause)


def _pair(given: Any) -> tuple[int, int] | None:
    if given is None:
        return None
    if isinstance(given, list | tuple | np.ndarray) and len(given) == 2:
        try:
            trial, rung = (int(each) for each in given)
        except (TypeError, ValueError):
            pass
        else:
            return trial, rung
    raise Fail(f"`{given!r:.40}`", "a pair (trial, rung), or None", "return both: who goes on, and from which rung")


def _search(rule: Guarded, seed: int) -> None:
    """Let the rule lead a search whose values are drawn; in the second one many are equal, in the third one many fail."""
    rng = np.random.default_rng([307, seed])
    told: rungs_307.Told = [{}, {}, {}]
    went_on: list[set[int]] = [set(), set(), set()]
    new = 100
    for _ in range(60):
        found = _judge(
            rule, told, went_on, 3, "who is in the best third of those told at this rung, and has not gone on?"
        )
        if found is None:
            trial, rung, new = new, 0, new - 1
        else:
            went_on[found[1]].add(found[0])
            trial, rung = found[0], found[1] + 1
        value = round(float(rng.random()), 1 if seed == 1 else 6)
        told[rung][trial] = math.nan if seed == 2 and rng.random() < 0.3 else value


TEAMS = range(200)
LIMIT = 850.0


@exercises.check(
    "2",
    "The winner, looked at again",
    hints=(
        "Most trials are far behind: who was not seen near the top is hardly the best. A few finalists are worth a look.",
        "One look scatters by 5 points, the mean of four by 2.5. What do eight finalists with four looks each cost?",
        "`sorted(first, key=first.get, reverse=True)[:8]`, four looks at each, and the one with the highest *mean* of them.",
    ),
    minutes=8,
)
def ship(answer: Guarded) -> str:
    """Bill the rule for 200 teams: its looks, and how far the shipped trial is behind the best."""
    from labsupport.lessons.cases.finalists_307 import LOOK, Team

    rule = expect.function(answer)
    rows = []
    highest = 0
    for seed in TEAMS:
        team = Team(seed)
        with learners_code():
            # Not through Guarded: it would look at a copy of the team, and nobody would pay.
            shipped = rule.function(given := dict(team.first), team.look)
        if given != team.first:
            raise Fail(
                "`first` is another one after the call",
                "`first` as it was",
                "the function changed its argument: work on a copy",
            )
        if shipped is None:
            raise Fail("`None`", "the trial to ship", "the function has no `return`")
        if isinstance(shipped, list | tuple | dict | set) or shipped not in team.true:
            raise Fail(
                f"`{shipped!r:.30}`",
                f"one of the trials, such as {next(iter(team.true))}",
                "is it an accuracy, a place in a list, or several trials? Return the trial itself",
            )
        again = {trial: team.looks.count(trial) for trial in set(team.looks)}
        highest = max(highest, len(again))
        rows.append((team.bill(shipped), len(team.looks), len(again)))
    bill, looks, trials = np.mean(rows, axis=0)
    paid = LOOK * looks
    saw = f"{bill:,.0f} € a team: {looks:.0f} looks for {paid:,.0f} €, and {bill - paid:,.0f} € for what is behind the best"
    if bill < LIMIT:
        return f"{saw}. Shipping the best seen costs about 1,000 €."
    raise Fail(saw, f"less than {LIMIT:,.0f} €", **_mistaken_rule(paid, bill - paid, looks, trials))


def _mistaken_rule(paid: float, behind: float, looks: float, trials: float) -> dict[str, str]:
    if looks == 0:
        return {"cause": "no second look: who was seen best was lucky, too. Look again at those near the top"}
    if trials > 30:
        return {
            "cause": f"looks at {trials:.0f} trials: most of them are far behind, and you pay for each. Who may still be the best?"
        }
    if paid > 400:
        return {"cause": f"{looks / trials:.0f} looks a trial: the last ones cost more than the points that they save"}
    if looks / trials < 1.5 and trials < 3:
        return {
            "cause": "one or two trials only were looked at again: the best one is often the fifth or sixth that was seen"
        }
    if behind > 650:
        return {
            "cause": "the looks were paid, and the choice is hardly better: does it go by the mean of the new looks, or by the luckiest one, or by the first?"
        }
    return {"question": "which would save more: fewer trials, or fewer looks at each?"}


SETTINGS = ("rate", "batch", "width", "layers", "dropout")
DRAWS = 300
# So many values or more are a range, fewer are a choice.
FEW = 20


@exercises.check(
    "3",
    "A space for Optuna",
    hints=(
        "For each setting: from where to where, whole or not, and do steps or factors count?",
        "Where factors count, `log=True`; it can't hold 0. So which of the five must not have it?",
        '`trial.suggest_float("rate", 0.001, 1, log=True)`; batch, width and layers are `suggest_int`; dropout from 0 to 0.5.',
    ),
    minutes=6,
    seconds=20.0,
)
def suggest(answer: Guarded) -> str:
    """Draw 300 settings from the space at random, and look at its bounds, scales and kinds."""
    import optuna

    space = expect.function(answer)
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
        drawn = [_ask(space, study) for _ in range(DRAWS)]
        with learners_code():
            known = spaces_307.values(space.function, drawn)
        _judge_space({name: [each[name] for each in drawn] for name in SETTINGS}, known)
    finally:
        optuna.logging.set_verbosity(before)
    return f"Right bounds, kinds and scales in {DRAWS} draws."


def _ask(space: Guarded, study: Any) -> dict[str, Any]:
    with learners_code():
        # Not through Guarded: a trial belongs to its study and can't be copied.
        given = space.function(study.ask())
    if not isinstance(given, dict):
        cause = "the function has no `return`" if given is None else "is it one of the values?"
        raise Fail(f"`{given!r:.30}`", "a dictionary of five settings", cause)
    if "epochs" in given:
        raise Fail(
            "`epochs` among the settings",
            ", ".join(SETTINGS),
            "how long a trial trains is decided by the search: it is what you pay with",
        )
    lacking = [name for name in SETTINGS if name not in given]
    if lacking or len(given) > len(SETTINGS):
        more = [str(name) for name in given if name not in SETTINGS]
        raise Fail(
            f"the settings {', '.join(map(str, given))}",
            ", ".join(SETTINGS),
            f"missing: {', '.join(lacking) or 'none'}; unknown: {', '.join(more) or 'none'}",
        )
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
            raise Fail(f"`{name}` is {value!r:.30}", "a number", "a choice of words, or a tuple?")
    return given


def _judge_space(drawn: dict[str, list[Any]], known: dict[str, set[float]]) -> None:
    for name in ("batch", "width", "layers"):
        parts = [value for value in drawn[name] if not isinstance(value, int | np.integer)]
        if parts:
            raise Fail(
                f"`{name}` is {parts[0]!r:.20}",
                "a whole number, an `int`",
                f"nobody can build {parts[0]!r:.20} of something: `suggest_int`",
            )
    ends = {name: (min(values), max(values)) for name, values in known.items()}
    for name, value, why in (
        ("rate", 0.001, "the tutorial's own rate"),
        ("rate", 0.5, "a good rate of *See it*, such as 0.5"),
        ("batch", 32, "the tutorial's batch"),
        ("width", 128, "the tutorial's width"),
        ("layers", 3, "the tutorial's three layers"),
        ("dropout", 0.2, "the tutorial's dropout"),
        ("dropout", 0, "no dropout at all"),
    ):
        low, high = ends[name]
        if not low <= value <= high:
            raise Fail(f"{name} from {low:g} to {high:g}", f"{value:g} inside", f"{why} can't be drawn")
        # In place of 0.5 any good rate will do.
        if len(known[name]) < FEW and value != 0.5 and not np.isclose(sorted(known[name]), value).any():
            among = ", ".join(f"{each:g}" for each in sorted(known[name]))
            raise Fail(f"{name} is one of {among}", f"{value:g} among them", f"{why} lies between two of them")
        if low == high:
            raise Fail(f"{name} is always {low:g}", "a range", "a constant is not searched")
    for name, bound, why in (
        ("rate", 10, "above 10 every training explodes, and each is paid"),
        ("dropout", 0.5, "more than half of the values silenced was not asked for"),
    ):
        if ends[name][1] > bound:
            raise Fail(f"{name} up to {ends[name][1]:g}", f"at most {bound:g}", why)
    low, high = ends["rate"]
    if low < 1e-6:
        raise Fail(
            f"rates from {low:g}", "not so far below 0.001", "most of a log scale would lie where nothing is learnt"
        )
    below = np.mean(np.array(drawn["rate"]) < math.sqrt(low * high))
    if not 0.35 < below < 0.65:
        raise Fail(
            f"{below:.0%} of the rates lie below {math.sqrt(low * high):.2g}, the middle of {low:g} to {high:g} by factors",
            "about half",
            "with steps on a plain scale nearly all draws fall into the last tenfold: `log=True`",
        )
    if any(value < 1 for name in ("batch", "width", "layers") for value in drawn[name]):
        raise Fail("a batch, width or number of layers below 1", "1 or more", "there is no network of nothing")


ROUNDS = 6
EPOCHS = 27


@exercises.refute(
    "4",
    "Who is ahead by five points after the first epoch is not behind at the end",
    case="two pairs (rate, batch), the early leader first",
    hints=(
        "A large rate jumps about at first. What becomes of it when the rate falls to 0 on the way?",
        "So the leader needs a small rate that learns quickly at first: a small batch gives it many steps.",
        "For the leader a batch of 16 and a rate of some hundredths; for the other one a rate of 0.3 or more and a batch of 64.",
    ),
    minutes=6,
    seconds=60.0,
)
def leads_to_the_end(case: Any) -> Measured:
    """Train both settings in six rounds; it fails when the early leader ends behind beyond chance (95 %, Student's t, paired)."""
    from labsupport.dl.contest import paired

    if not isinstance(case, list | tuple) or len(case) != 2:
        raise OutsideRules("a case is two pairs such as ((0.1, 16), (0.01, 64))")
    leader, other = (_runs(*_setting(each)) for each in case)
    early = 100 * (leader - other)[:, 0].mean()
    if early < 5:
        raise OutsideRules(f"the first one is ahead by {early:+.1f} points after the first epoch, not by five")
    mean, low, high = paired(100 * leader[:, 1], 100 * other[:, 1])
    question = (
        "" if mean >= 0 else "it fell behind on average, but its interval still holds 0. What would widen the gap?"
    )
    return Measured(
        not high < 0,
        f"{early:+.1f} points after one epoch, {mean:+.1f} after {EPOCHS} ({low:+.1f} to {high:+.1f} in {ROUNDS} rounds)",
        question,
    )


def _setting(pair: Any) -> tuple[float, int]:
    if not isinstance(pair, list | tuple | np.ndarray) or len(pair) != 2:
        raise OutsideRules(f"a pair is (rate, batch), this is {pair!r:.30}")
    rate, batch = pair
    if any(isinstance(each, bool) or not isinstance(each, int | float | np.integer | np.floating) for each in pair):
        raise OutsideRules(f"rate and batch are numbers, this is {pair!r:.30}")
    if not 0.001 <= rate <= 1:
        raise OutsideRules(f"a rate lies from 0.001 to 1, this is {rate:g}")
    if not float(batch).is_integer() or not 8 <= batch <= 256:
        raise OutsideRules(f"a batch is a whole number from 8 to 256, this is {batch:g}")
    return float(rate), int(batch)


@cache
def _runs(rate: float, batch: int) -> Any:
    """Return the accuracies (rounds, 2) on 1,000 pictures after the first and the last epoch; 0 for what exploded."""
    from threadpoolctl import threadpool_limits

    from labsupport.dl.trials import Model, Split, Trainer

    found = []
    with threadpool_limits(1):
        for number in range(ROUNDS):
            trainer = Trainer(Split.draw(30_700 + number, valid=1_000), seed=number)
            model = Model(rate, batch, (64, 32))
            found.append([trainer.train(0, model, 1, 1), trainer.train(0, model, EPOCHS - 1, EPOCHS)])
    return np.nan_to_num(np.array(found))


exercises.quiz(
    "a",
    "Each job of your search runs in a new pod, which takes six minutes to start; an epoch takes one minute. ASHA has rungs at 1, 3, 9 and 27 epochs. What do you change first?",
    ("Nothing: ASHA is asynchronous, so no machine waits for a pod.", False, "No machine waits for *another trial*. It does wait for its own pod, and that is paid: seven minutes for one epoch."),
    ("A larger eta, so that fewer trials are started again.", False, "Fewer climb, but most of the starts are at the first rung, where each still pays seven minutes for a look at one epoch."),
    ("Begin at 9 epochs: a look should cost more than the start before it.", True, "Fifteen minutes for a first look at nine epochs that says much, against seven for one that says little. Most trials pay only that."),
    ("Train all of them to the end, since pausing does not pay here.", False, "33 minutes a trial, against 15 for those that end at the first look. Starts make early looks dear, not pointless."),
)  # fmt: skip
exercises.quiz(
    "b",
    "A study of 200 random trials with rates from 0.2 to 0.3 says: batch 70 %, rate 4 %. A colleague wants to drop the rate from the search and leave it at the library's default, 0.001. What do you say?",
    ("No: of 0.001 the study says nothing, neither good nor bad.", True, "It varied the rate by half, and says that this half hardly matters. A rate two hundred times smaller was never tried."),
    ("Yes: with 4 % of the variation it is noise, and fewer settings make a search cheaper.", False, "Fixed at 0.25 it might be cheap. At 0.001 it leaves the range that the 4 % belong to."),
    ("Not yet: two hundred trials are few; if it is 4 % after a thousand, yes.", False, "More trials make the 4 % more exact. It still is about rates from 0.2 to 0.3."),
    ("Yes, but tune the batch again, since the two belong together.", False, "They do belong together, and that is why a batch tuned at 0.25 may be a poor one at 0.001. Tuning it again there mends a choice that nobody had to make."),
)  # fmt: skip
exercises.quiz(
    "c",
    "200 trials, chosen by 500 pictures: the winner has 91.2 %. The old model, set by hand in one try, has 89.5 % on the same pictures. A month in production, side by side: winner 89.3 %, old one 89.4 %, each ± 0.3. What has happened?",
    ("The world has drifted since the pictures were taken, so both should be trained again.", False, "The old one meets the same world and has what it had. Drift does not pick the newer model."),
    ("The winner has learnt its training pictures by heart; more dropout would have helped.", False, "By heart means a gap between training and validation. Here the gap is between validation and what came after."),
    ("The pictures were too easy for both, so that they can't tell models apart.", False, "Then both would have lost in production. The one that had not been chosen by them kept its number."),
    ("The search found the trial that these 500 pictures liked best; the gain was the choice.", True, "Two points are the luck of the best of 200. The old one's number was honest, because nobody chose it by these pictures."),
)  # fmt: skip
exercises.quiz(
    "d",
    "Four machines for two hours cost what 64 machines cost for seven and a half minutes. A whole training takes half an hour on one machine, and you want the result before the day ends, in two hours. Somebody proposes the 64, with ASHA. What do you rent?",
    ("The 64: ASHA never waits, so that all of them are busy all the time.", False, "Busy with trainings that never end. After seven minutes none is a quarter done, and a falling rate has not fallen."),
    ("Eight for an hour: whoever wins must have time to end.", True, "The longest training bounds the clock from below, and a winner waits its turn on the way. Beyond that, more machines at once mean fewer answers to learn from."),
    ("The 64, with random search instead: its trials need nothing from each other.", False, "They don't, and they still take half an hour each. At the end there are 64 unfinished trainings."),
    ("One machine for eight hours, as a search learns from each answer before it asks.", False, "It would have its result tomorrow. And a sampler that learns needs no wait of eight hours: it may ask after each of four or eight answers, too."),
)  # fmt: skip

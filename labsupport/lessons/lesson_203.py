"""Lesson 203, logistic regression: checkers, hints, guesses and quiz."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, LearnerError
from labsupport.exercises.refute import Measured
from labsupport.lessons.cases import deploys_203, slices_203

exercises = Exercises("203")

exercises.guess("g1", "Of the failures, those that a freeze on Fridays would have caught", unit="%")
exercises.guess("g2", "Of the failures, those that the model catches at a threshold of 0.5", unit="%")
exercises.guess(
    "g3",
    "Of the failures, those that the model catches when trained on a year of held deploys, all of them saved",
    unit="%",
)
exercises.guess("g4", "Holding at the price ratio, by balanced probabilities, costs less than holding nothing")


@exercises.check(
    "1",
    "The same alarm, elsewhere",
    hints=(
        "Think of 1,000 deploys of your team. How many of them fail, and how many of those ring? How many of the others ring?",
        "Right alarms are `recall * failing`, false ones `false_alarm_rate * (1 - failing)`, both as shares of all deploys.",
        "Precision is the right ones among all alarms; where both are 0, the answer is 0.0.",
    ),
    minutes=6,
)
def precision_elsewhere(answer: Guarded) -> str:
    """Ask for several alarms on teams of which much or little fails, then for the empty cases."""
    foretell = expect.function(answer)

    def cases() -> Iterator[expect.Case]:
        for recall, rate, failing in (
            (0.9, 0.1, 0.5),
            (0.9, 0.1, 0.01),
            (0.5, 0.02, 0.2),
            (0.3, 0.6, 0.7),
            (1.0, 0.0, 0.3),
            (0.0, 0.2, 0.1),
            (0.8, 0.003, 0.002),
        ):
            ask = partial(foretell, recall, rate, failing)
            where = f" for recall {recall}, false alarms {rate}, failing {failing}"
            saw = expect.returned_number(ask, "the precision")
            want, causes = (
                deploys_203.precision(recall, rate, failing),
                deploys_203.precision_mistakes(recall, rate, failing),
            )
            yield expect.Case(saw, want, causes, where)

    expect.explain_all(cases(), "of 1,000 deploys, how many are right alarms, and how many false ones, in yours?")
    for recall, rate, failing, what in (
        (0.0, 0.0, 0.3, "that never rings"),
        (0.8, 0.0, 0.0, "where nothing fails and no good deploy rings"),
        (0.0, 0.5, 1.0, "where all fail and none is caught"),
    ):
        try:
            saw = expect.returned_number(partial(foretell, recall, rate, failing), "the precision")
        except LearnerError as error:
            if "ZeroDivisionError" not in error.summary:
                raise
            cause = "without any alarm there is nothing to divide by: the answer is 0.0"
            raise Fail(f"`{error.summary}` for an alarm {what}", "0.0", cause) from None
        if saw != 0:
            question = "how many alarms are there, and what does the task say of that?"
            raise Fail(f"{saw:g} for an alarm {what}", "0.0", question=question)
    return "Right for seven alarms, on teams of which 0.2 % to 70 % fail, and without any alarm."


@exercises.check(
    "2",
    "The cheapest threshold",
    hints=(
        "For one threshold: `held = score >= threshold`. How many are held, and which failures are not among them?",
        "The cost is `hold_cost * held.sum() + page_cost * (failed & ~held).sum()`. Collect it for each candidate.",
        "`candidates[np.argmin(costs)]` is the candidate, `np.argmin(costs)` only its position.",
    ),
    minutes=6,
)
def cheapest_threshold(answer: Guarded) -> str:
    """Search at three pairs of prices on scores that are no probabilities, some equal to a candidate."""
    search = expect.function(answer)
    rng = np.random.default_rng(31)
    failed = rng.random(600) < 0.2
    score = (rng.normal(size=600) + 1.3 * failed).round(1)
    candidates = np.array([0.5, 9.0, -0.5, -9.0, 2.0, 1.0, 0.0, 1.5])

    def cost(threshold: float, hold: float, page: float) -> float:
        held = score >= threshold
        return float(hold * held.sum() + page * (failed & ~held).sum())

    prices = ((60.0, 300.0), (60.0, 120.0), (1.0, 50.0), (500.0, 60.0))
    found = [
        expect.returned_number(
            lambda h=hold, p=page: search(score, failed, candidates, h, p),  # type: ignore[misc]
            "the threshold",
        )
        for hold, page in prices
    ]
    for saw, (hold, page) in zip(found, prices, strict=True):
        best = min(candidates, key=lambda t: cost(t, hold, page))
        if saw in candidates and cost(saw, hold, page) == cost(best, hold, page):
            continue
        saw_cost = f", which costs {cost(saw, hold, page):,.0f}" if saw in candidates else ""
        if np.isclose(saw, cost(best, hold, page)):
            cause = "this is the lowest cost: return the threshold that has it"
        else:
            cause = deploys_203.mistaken_search(found, prices, score, failed, candidates)
        question = (
            "" if cause else "which deploys does yours hold at this candidate, and what do these and the others cost?"
        )
        raise Fail(
            f"{saw:g}{saw_cost}, for prices {hold:g} and {page:g}",
            f"{best:g}: {cost(best, hold, page):,.0f}",
            cause,
            question=question,
        )
    few, two_failed = np.array([1.0, 1.0, 1.0, 2.0, 2.0]), np.array([False, False, False, True, True])
    saw = expect.returned_number(lambda: search(few, two_failed, np.array([1.0, 2.0]), 60.0, 300.0), "the threshold")
    if saw == 1.0:
        cause = "a deploy at the threshold is held, too: `score >= threshold`"
        raise Fail("1 for scores 1, 1, 1, 2, 2 of which the last two failed", "2: it holds exactly these two", cause)
    return "Right at four pairs of prices, also where it is cheapest to hold nothing."


@exercises.refute(
    "3",
    "In every slice of the deploys the model's promise is kept, to 5 points in 100",
    case='a slice of at least 400 of 40,000 deploys, in words of pandas\' query, such as "friday and hour >= 20"',
    hints=(
        "One weight was off by more than luck. Which column's, and in whose company might its sign matter more?",
        "A sum can't say that two signs together are worse than both by themselves. Try pairs: the bump and one other sign.",
        "Poor tests make a bump dangerous: `dependency_bump and coverage < ...`.",
    ),
    minutes=7,
    seconds=60.0,
)
def promise_is_kept_in_slices(case: Any) -> Measured:
    """Draw 40,000 new deploys; it fails in a slice where promise and share differ by over 5 points and beyond luck (99 %)."""
    promised, came, count = slices_203.promised_and_came(case)
    luck = 2.576 * np.sqrt(promised * (1 - promised) / count)
    apart = abs(came - promised)
    numbers = (
        f"of {count} deploys {promised:.1%} were to fail, and {came:.1%} did; luck explains {100 * luck:.1f} points"
    )
    return Measured(not (apart > 0.05 and apart > luck), numbers)


exercises.quiz(
    "a",
    "Coverage has a weight of -1.9, the logarithm (to base 10) of the author's deploys one of -0.75. Coverage lies between 0.5 and 0.9 in nearly all deploys, authors have made 10 to 300. Which of the two sets deploys farther apart?",
    ("Coverage: its weight is two and a half times as large as the author's.", False, "A weight is per unit of its column, and from 0.5 to 0.9 is less than half a unit: 0.4 · 1.9 = 0.76 log-odds at most."),
    ("The author: from 10 to 300 is the larger step.", True, "From 1 to 2.5 on the logarithm: 1.5 · 0.75 = 1.1 log-odds, against 0.4 · 1.9 = 0.76. The unit decides how large a weight is."),
    ("That can't be said: a weight is no cause, and the two may go together.", False, "True, and not what was asked. To set deploys apart a column need not cause anything."),
    ("Whichever has the smaller standard error, since its weight is the surer one.", False, "It says how well a weight is known, not how far the column moves a deploy. A sure weight may be a small one."),
)  # fmt: skip
exercises.quiz(
    "b",
    "Of 10,000 payments a day ten are fraud, and your team can look at 20. Alarm Hawk: area under ROC 0.95, average precision 0.20. Alarm Owl: 0.93 and 0.40. Which one do you take?",
    ("Hawk: the area under ROC does not depend on how rare fraud is, so it is the fairer number.", False, "It does not, and so it counts good payments that nobody would ever look at: a whole ranking of 10,000, where you see 20."),
    ("Hawk, with a higher threshold, until it rings 20 times.", False, "To ring 20 times is what both must do. Hawk's lead lies farther down its list, among payments that your team never sees."),
    ("Owl: what it puts first is fraud more often, and only the first 20 are looked at.", True, "Average precision looks at the top of the list, where your team lives. Hawk may sort the other 9,980 better."),
    ("Neither: a precision of 0.4 means that most alarms are false.", False, "Blind, one of 1,000 would be fraud. Where each look costs little and each miss much, a team gladly looks at some that are not."),
)  # fmt: skip
exercises.quiz(
    "c",
    "In the year before the alarm 83 deploys failed. In its first year 240 were held and saved, and 20 that were let go failed. A report says: “63 of 83 failures caught, recall 76 %”. What do you think?",
    ("Right: the same team, the same service, and what is missing was caught.", False, "Or never there. Another year may have had 50 failures to come, or 120; the alarm has hidden which."),
    ("Too low: all 240 that were held are failures that did not happen.", False, "Most of them would have gone well: at a threshold of 0.1, nine of ten at the edge."),
    ("Unknown: the 63 are a count that nobody has made.", True, "Recall needs the failures among the held, and those were prevented. Let a few risky ones go by lot, and you can count what would have come."),
    ("Right in size, but 83 failures are few: it needs an interval.", False, "An interval says what luck does to a count. Here the count itself was never made: nobody saw what the held ones would have done."),
)  # fmt: skip
exercises.quiz(
    "d",
    "A new model promises just twice what comes, in every bin of 40,000 deploys. Holding costs 60 €, a failure 600 €. On your 1,200 deploys a search finds its cheapest threshold at 0.16 (95 %: 0.09 to 0.27). From which of its scores do you hold?",
    ("0.1: the price ratio has no luck in it.", False, "The ratio holds for probabilities that keep their promise. Where this model says 0.1, 5 % fail: 30 € of harm against 60 € for the hour."),
    ("0.16: it is no probability, and for such scores one searches.", False, "One searches where nothing better is known. Here 40,000 deploys say what a score means; the search has 1,200, and an interval of 0.18."),
    ("0.05: it promises twice, so the threshold is half of the ratio.", False, "The other way round: a true 10 % is called 20 % by this model."),
    ("0.2: it says 0.2 where one in ten fails.", True, "Halve its score and you have a probability; then the ratio decides. It lies within the interval of the search, and has less luck in it."),
)  # fmt: skip

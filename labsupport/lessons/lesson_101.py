"""Lesson 101, world models: checkers, hints and quiz."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail
from labsupport.exercises.refute import Measured, OutsideRules, whole_number
from labsupport.lessons.cases import labels, rows_101, weeks_101

if TYPE_CHECKING:
    import pandas as pd

exercises = Exercises("101")

exercises.guess("g1", "By so much, knowing whether it rained today shortens the record of the year's rain", unit="%")
exercises.guess("g2", "On 2015, two signs chained by Bayes' rule score better than counting the days with both")
exercises.guess("g3", "The error rate is among the three metrics that tell most about the next ten minutes")


@exercises.check(
    "1",
    "A model of two numbers",
    hints=(
        "Boolean arrays select: `rained_next[rained]` are the outcomes after rainy days only.",
        "The share of True in a boolean array is its mean. `~rained` are the dry days.",
        "`rained_next[~rained].mean()` is the first of the two numbers.",
    ),
    minutes=4,
)
def two_number_model(answer: Guarded) -> str:
    """Compare with counting on two runs of random days of which the shares are all different."""
    model = expect.function(answer)
    rng = np.random.default_rng(7)

    def cases() -> Iterator[expect.Case]:
        for days, wet, stays, comes in ((400, 0.3, 0.8, 0.1), (300, 0.6, 0.55, 0.35)):
            rained = rng.random(days) < wet
            came = rng.random(days) < np.where(rained, stays, comes)
            result = expect.returned(model(rained, came), "two numbers")
            dry, rainy = came[~rained].mean(), came[rained].mean()
            yield expect.Case(
                expect.array(result, (2,), "the two shares"),
                (dry, rainy),
                {
                    "the two are swapped: the first is for dry days": (rainy, dry),
                    "you divided by all days: divide by the number of dry days, and of rainy days": (
                        (came & ~rained).mean(),
                        (came & rained).mean(),
                    ),
                    "you looked backwards, at today given tomorrow: select by `rained`, average `rained_next`": (
                        rained[~came].mean(),
                        rained[came].mean(),
                    ),
                    "these are counts: divide by the number of days of each kind": (
                        came[~rained].sum(),
                        came[rained].sum(),
                    ),
                    "the first is 1 minus the second: dry days have a share of their own, select them by `~rained`": (
                        1 - rainy,
                        rainy,
                    ),
                    "the first is the share of dry days that stay dry: average `rained_next` there, too": (
                        1 - dry,
                        rainy,
                    ),
                    "these are shares of days that stay dry: average `rained_next`, not its opposite": (
                        1 - dry,
                        1 - rainy,
                    ),
                    "the shares are of today's rain: select by `rained`, average `rained_next`": (
                        (~rained).mean(),
                        rained.mean(),
                    ),
                },
                where=f" from {days} days",
            )

    first = expect.explain_all(cases(), "which days does each of your two means go over, and what does it average?")[0]
    dry, rainy = first.want
    return f"Two numbers from 400 days: {dry:.3f} after dry days, {rainy:.3f} after rainy ones."


@exercises.check(
    "2",
    "Surprise in bits",
    hints=(
        "First make the array of probabilities that were given to what happened, then take its logarithm.",
        "`np.where(happened, probability, 1 - probability)` chooses element by element.",
        "The base-2 logarithm is `np.log2`. Do not forget the minus sign and the mean.",
    ),
)
def mean_bits(answer: Guarded) -> str:
    """Compare on random forecasts and on a coin; each usual mistake gives other numbers."""
    score = expect.function(answer)
    rng = np.random.default_rng(11)

    def cases() -> Iterator[expect.Case]:
        for days, wet in ((300, 0.35), (2, 0.5), (41, 0.8)):
            probability = rng.uniform(0.05, 0.95, days) if days > 2 else np.array([0.5, 0.5])
            happened = rng.random(days) < wet if days > 2 else np.array([True, False])
            given = np.where(happened, probability, 1 - probability)
            saw = expect.returned_number(partial(score, probability, happened), "the score")
            causes = {
                "the dry days: there the model gave `1 - probability` to what happened": -np.log2(probability).mean(),
                "only rainy days were counted: on dry days the model is surprised too": -(
                    happened * np.log2(probability)
                ).mean(),
                "only rainy days were counted, and divided by their number: the score is the mean over all days": (
                    -np.log2(probability[happened]).mean()
                ),
                "only dry days were counted: on rainy days the model is surprised too": -(
                    ~happened * np.log2(1 - probability)
                ).mean(),
                "the natural logarithm: bits want base 2, `np.log2`": -np.log(given).mean(),
                "base 10: bits want base 2, `np.log2`": -np.log10(given).mean(),
                "the sign: the logarithm of a probability is negative, a surprise is not": np.log2(given).mean(),
                "the sum: the score is the mean over days": -np.log2(given).sum(),
                "rainy and dry are swapped": -np.log2(1 - given).mean(),
                "the logarithm of the mean; the score is the mean of the logarithms": -np.log2(given.mean()),
                "this is the squared miss, not the surprise: take `-np.log2` of what was given": (
                    (1 - given) ** 2
                ).mean(),
            }
            yield expect.Case(saw, -np.log2(given).mean(), causes, where=f" on {days} days", unit=" bits")

    first = expect.explain_all(
        cases(), "what does one rainy day with a forecast of 0.25 cost in yours, and what one dry day?"
    )[0]
    return f"{first.want:.4f} bits on 300 random forecasts; a coin costs exactly 1."


@exercises.check(
    "3",
    "Bayes' rule",
    hints=(
        "Of 1,000 days, `1000 * belief` come before rain, and `sign_if_rain` of those are narrow. Which others are narrow?",
        "The narrow days before rain are `belief * sign_if_rain` of all days; those before a dry day weigh `1 - belief`.",
        "The new belief is the first of these two, divided by the sum of both.",
    ),
    minutes=6,
)
def bayes_update(answer: Guarded) -> str:
    """Try several beliefs and signs; each usual mistake gives other numbers."""
    update = expect.function(answer)

    def cases() -> Iterator[expect.Case]:
        for belief, if_rain, if_dry in (
            (0.3, 0.8, 0.3),
            (0.5, 0.1, 0.4),
            (0.02, 0.9, 0.05),
            (0.7, 0.6, 0.6),
            (0.0005, 0.9, 0.002),
        ):
            saw = expect.returned_number(partial(update, belief, if_rain, if_dry), "the new belief")
            rainy, dry = belief * if_rain, (1 - belief) * if_dry
            causes = {
                "the two kinds of days are not weighted by how common they are": if_rain / (if_rain + if_dry),
                "you stopped before dividing by the share of all days that show the sign": rainy,
                "this is the share of all days that show the sign: it belongs below the line": rainy + dry,
                "the sum in the denominator lacks the weights `belief` and `1 - belief`": rainy / (if_rain + if_dry),
                "the days before dry days lack their weight `1 - belief`": rainy / (rainy + if_dry),
                "both kinds of days have the weight `belief`: the others are `1 - belief`": rainy
                / (rainy + belief * if_dry),
                "the division comes before the addition: put brackets around the whole sum": 1 + dry,
                "you divided by the sign's share before dry days; divide by its share of all days": rainy / if_dry,
                "these are odds, rain against dry: divide by the sum of both": rainy / dry,
                "the two signs are swapped": belief * if_dry / (belief * if_dry + (1 - belief) * if_rain),
                "this is the belief that it stays dry": dry / (rainy + dry),
            }
            if 1000 * rainy < 0.5:
                causes["whole days were counted, and a rare belief has less than one: compute with shares"] = 0.0
            yield expect.Case(saw, rainy / (rainy + dry), causes, f" for belief {belief}, signs {if_rain} and {if_dry}")

    paper = (
        "count 100 days for a belief of 0.3: 30 come before rain, 24 of them show the sign; 70 come before a dry day, "
        "21 show it. Of the days with the sign, how many came before rain, and what does yours say?"
    )
    expect.explain_all(cases(), paper)
    return "Right for five beliefs, also for a sign that says nothing (0.6 against 0.6 leaves the belief at 0.70)."


@exercises.check(
    "4",
    "A contract that holds",
    hints=(
        "Read the findings one by one; each names the metric and says what is wrong with it.",
        "Three repairs: one spelling, one metric under the other heading, one line that stands twice.",
        "Which name of the contract says how many requests come in, and which one that requests got no answer?",
    ),
    minutes=6,
)
def contract(answer: object) -> str:
    """Read the learner's document with the contract itself, then look for what was lost in the repair, or not added."""
    from labsupport.monitoring.config import ConfigError, MonitoringConfig

    if not isinstance(answer, str):
        raise Fail(f"a {type(answer).__name__}", "the document as text", "keep the triple quotes around it")
    try:
        config = MonitoringConfig.from_yaml(answer)
    except ConfigError as error:
        findings = str(error).splitlines()
        left = (
            "this one finding is left"
            if len(findings) == 1
            else f"{len(findings)} findings are left; this is the first"
        )
        raise Fail(findings[0], "a contract without findings", left) from None
    _has_its_map(answer)
    kept = {*config.model_metrics, *config.infrastructure_metrics}
    lost = [name for name in TUTORIAL if name not in kept]
    if lost:
        cause = "a metric was deleted to silence its finding: repair the line, keep the metric"
        raise Fail(f"a valid contract without {', '.join(lost)}", "all eight metrics of the tutorial", cause)
    if not kept & LOAD:
        question = "which name of the contract stands for the metric that your ranking puts first?"
        raise Fail("no metric of the load", "the one that foretells most", question=question)
    if "error_rate" not in kept:
        question = "which metric moves when every answer comes in time, and half of them are errors?"
        raise Fail("nothing that counts failures", "the metric that sees failed requests", question=question)
    return f"The contract is valid and watches {len(kept)} metrics, of which the tutorial had eight."


def _has_its_map(text: str) -> None:
    """Raise Fail for a contract without the ConfigMap around it, as it was handed over."""
    import yaml

    document = yaml.safe_load(text)
    if "kind" not in document:
        cause = "the ConfigMap around the contract is gone: `kubectl apply` would refuse the rest"
        raise Fail("the inner document alone", "the whole ConfigMap", cause)
    metadata = document.get("metadata")
    has = {
        "apiVersion": document.get("apiVersion"),
        "name": metadata.get("name") if isinstance(metadata, dict) else None,
    }
    for field, want in (("apiVersion", "v1"), ("name", "model-monitoring-config")):
        if has[field] != want:
            cause = "`kubectl apply` wants `apiVersion` and `metadata` too: copy the whole document"
            if has[field]:
                cause = "another one than the service reads: only the lists of metrics need repair"
            raise Fail(f"a ConfigMap whose {field} is {has[field] or 'missing'}", f"`{want}`, as it was", cause)


# What the tutorial's list means, and the metrics of load that it forgets; `cpu_usage` is in the list.
TUTORIAL = (
    "accuracy",
    "precision",
    "recall",
    "f1_score",
    "cpu_usage",
    "memory_usage",
    "gpu_utilization",
    "response_time",
)
LOAD = {"request_rate", "replica_utilization", "queue_depth"}


@exercises.check(
    "5",
    "A sign from the future",
    hints=(
        "`(signs[name] == rain).mean()` is the share of days on which a sign agrees with today's rain.",
        "Compute the same with `rain_tomorrow`, and keep the names for which it is larger by more than `margin`.",
        "A loop over `signs` goes over the names of its columns.",
    ),
)
def suspicious_signs(answer: Guarded) -> str:
    """Build a frame with leaks of different strength among honest signs, where rain is not as common as dry days."""
    find = expect.function(answer)
    signs, rain, tomorrow = rows_101.signs()
    agreement = rows_101.agreement(signs, tomorrow)
    gain = agreement - rows_101.agreement(signs, rain)

    def above(scores: "pd.Series", limit: float) -> set[str]:
        return set(scores[scores > limit].index)

    def cases() -> Iterator[expect.Case]:
        # The last margin is no share: there a sum of days gives itself away.
        for margin in (0.1, 0.13, 0.04, 0.2, 250.0):
            saw = labels.names(find(signs, rain, tomorrow, margin=margin))
            causes = {
                "`margin` is not used: a few days more are chance": above(gain, 0),
                "`margin` is not used: a number stands in its place": above(gain, 0.1),
                "days are counted, and `margin` is a share of the days: take the mean, not the sum": above(
                    gain * len(rain), margin
                ),
                "`margin` was taken as a factor, and is a difference of two shares: add it to the share with `rain`": above(
                    agreement / rows_101.agreement(signs, rain), 1 + margin
                ),
                "the comparison is turned round: a leak agrees more with tomorrow": above(-gain, margin),
                "the direction is lost: only a sign that agrees *more* with tomorrow is a leak, so no `abs`": above(
                    gain.abs(), margin
                ),
                "`rain` is not looked at: an honest sign agrees often with tomorrow too, but with today even more": above(
                    agreement, 0.5 + margin
                ),
                "a fixed threshold: a quiet leak agrees less often, but still clearly more with tomorrow than with today": (
                    above(agreement, 0.9)
                ),
                "only the days on which the sign is True are looked at: a sign can agree on dry days, too": above(
                    rows_101.precision(signs, tomorrow) - rows_101.precision(signs, rain), margin
                ),
                "only the rainy days are looked at: a sign can agree on dry days, too": above(
                    rows_101.recall(signs, tomorrow) - rows_101.recall(signs, rain), margin
                ),
                "only half of the gain is compared with `margin`: days on which both are False are equal, too, and `margin` counts once": above(
                    rows_101.both(signs, tomorrow) - rows_101.both(signs, rain), margin
                ),
                "every sign was kept: compare the two shares before you keep a name": set(signs.columns),
            }
            yield expect.Case(saw, above(gain, margin), causes, f" for a margin of {margin}")

    expect.explain_all(
        cases(), "which two shares does yours compare for one sign: with `rain`, and with `rain_tomorrow`?"
    )
    return "Found the leaks among eight signs at five margins, also the quiet one that is wrong on one day in seven."


@exercises.refute(
    "6",
    "Requests per second save at least a third of the surprise about an outage in the next ten minutes",
    case="(minutes in a row, quiet minutes): whole numbers from 1 to 15 and from 0 to 120",
    hints=(
        "The median outage lasts a minute: most of them are one long evening that crosses the line again and again. "
        "Which minutes are easy to foretell, then?",
        "A minute just after an outage is half of the answer. What is left when such minutes are not judged?",
        "A page that fires for a single minute wakes nobody: let it last, ask for a quiet half hour before, or both.",
    ),
    minutes=8,
)
def load_foretells(case: object) -> Measured:
    """Judge the metric on the recorded weeks under the case's definition of an outage; the whole interval must be below."""
    from labsupport.ml.foretold import share_saved
    from labsupport.world.outages import in_a_row, runs, within_last, within_next

    if not isinstance(case, tuple | list | np.ndarray) or len(case) != 2:
        raise OutsideRules("a case is a pair such as (1, 0)")
    lasting = whole_number(case[0], 1, 15, "the minutes in a row")
    quiet = whole_number(case[1], 0, 120, "the quiet minutes")
    weeks = weeks_101.recorded()
    outage = in_a_row(weeks.slow, lasting)
    judged = ~within_last(outage, quiet)
    saved = share_saved(
        weeks.requests_per_s,
        within_next(outage, 10),
        judged & (weeks.day < 7),
        judged & (weeks.day >= 7),
        weeks.day,
    )
    start, end = runs(outage)
    ends = "reaches beyond" if saved.high >= THIRD else "ends below"
    return Measured(
        saved.high >= THIRD,
        f"{len(start)} outages, the median lasts {np.median(end - start):.0f} min; saved {saved}: the interval {ends} a third",
    )


THIRD = 1 / 3


exercises.quiz(
    "a",
    "You tried six tables on 2015; the best costs 0.81 bits a day there and 0.75 on 2012-14. What do you promise for 2016?",
    ("0.81: none of the six learnt from 2015, so its score is an honest one", False, "None learnt from it, but you chose by it: the winner of six tries owes some of its place to 2015's own luck."),
    ("A bit above 0.81: whatever won on 2015 was also lucky on 2015", True, "Right. Whoever picks by a year has used it up; lesson 203 keeps a third part of the data for the promise."),
    ("0.75: refitted on all four years, the table knows more than it did", False, "0.75 is the score on days whose outcome is in the table. 2016 is new to it, however many years it has counted."),
    ("0.97, the base rate: nothing of 2015 can be known about another year", False, "2015 was another year, too, and cost 0.81 to a table of 2012-14. What carried over once may carry over again."),
)  # fmt: skip
exercises.quiz(
    "b",
    "A fraud model is replaced at noon. Its answers are checked by hand, 30 days later. What shows first that the new one answers nonsense?",
    ("a fall of precision, which was 0.90 on the dashboard this morning", False, "That 0.90 is about answers of a month ago, and so is each one on the dashboard for the next 30 days."),
    ("a rise of response_time, which is known with each answer", False, "It is live, but it says how fast an answer comes. Nonsense comes as fast as sense, often faster."),
    ("a jump in the share of answers that say fraud, against last week's", True, "It needs no truth, only the answers themselves. It is no proof (fraud may have changed), but it comes at once."),
    ("a fall of recall, since the frauds that slip through cost the most", False, "They do, and that they slipped through is known when they are checked by hand: in 30 days."),
)  # fmt: skip
exercises.quiz(
    "c",
    "A model foretells “disk page within the hour” and saves 0.9 of the surprise. Its one sign, “disk above 90 %”, is logged on time; the page fires at 95 %, and clears below. What do you look at first?",
    ("whether the sign is a leak: 0.9 is too good for an honest one", False, "It is logged on time, so it is known when the forecast is made. Too good is a reason to look, and something else is left to look at."),
    ("whether a table of two rows is too small for a disk's many states", False, "More rows may help or overfit, but that would not explain why a table of two rows is so good."),
    ("how many of the foretold pages had another one in the hour before", True, "A disk that hovers around 95 % fires and clears all night: the model is praised for one event, again and again."),
    ("whether the same two numbers hold for the disks of other services", False, "A good question for later, about another world. First ask what 0.9 means in this one."),
)  # fmt: skip

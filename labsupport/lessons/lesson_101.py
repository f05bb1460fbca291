"""Lesson 101, world models: checkers, hints and quiz."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail
from labsupport.lessons.cases import rows_101

if TYPE_CHECKING:
    import pandas as pd

exercises = Exercises("101")


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
        "First compute the share of all days that show the sign: `shows = ...`, a sum of two products.",
        "The days before rain that show it are `belief * sign_if_rain` of all days. The others have the weight `1 - belief`.",
        "Then `belief * sign_if_rain / shows`.",
    ),
)
def bayes_update(answer: Guarded) -> str:
    """Try several beliefs and signs; each usual mistake gives other numbers."""
    update = expect.function(answer)

    def cases() -> Iterator[expect.Case]:
        for belief, if_rain, if_dry in ((0.3, 0.8, 0.3), (0.5, 0.1, 0.4), (0.02, 0.9, 0.05), (0.7, 0.6, 0.6)):
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
            yield expect.Case(saw, rainy / (rainy + dry), causes, f" for belief {belief}, signs {if_rain} and {if_dry}")

    paper = (
        "count 100 days for a belief of 0.3: 30 come before rain, 24 of them show the sign; 70 come before a dry day, "
        "21 show it. Of the days with the sign, how many came before rain, and what does yours say?"
    )
    expect.explain_all(cases(), paper)
    return "Right for four beliefs, also for a sign that says nothing (0.6 against 0.6 leaves the belief at 0.70)."


@exercises.check(
    "4",
    "A contract that holds",
    hints=(
        "Read the findings one by one; each names the metric and says what is wrong with it.",
        "Three changes: one spelling, one metric under the other heading, one line that stands twice.",
        "`gpu_utilization` belongs under `infrastructure_metrics`; `acuracy` lacks a c; `response_time` may stand once.",
    ),
    minutes=4,
)
def contract(answer: object) -> str:
    """Read the learner's document with the contract itself, then look whether a metric was lost in the repair."""
    from labsupport.monitoring.config import INFRASTRUCTURE_METRICS, MODEL_METRICS, ConfigError, MonitoringConfig

    if not isinstance(answer, str):
        raise Fail(f"a {type(answer).__name__}", "the document as text", "keep the triple quotes around it")
    kinds = [line.strip() for line in answer.splitlines() if line.startswith("kind:")]
    if kinds and kinds != ["kind: ConfigMap"]:
        cause = "Kubernetes knows the kind by exactly this word, capital letters included"
        raise Fail(f"`{kinds[0]}`", "`kind: ConfigMap`", cause)
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
    if "kind: ConfigMap" not in answer:
        cause = "the ConfigMap around the contract is gone: `kubectl apply` would refuse the rest"
        raise Fail("the inner document alone", "the whole ConfigMap", cause)
    kept = set(config.model_metrics) | set(config.infrastructure_metrics)
    lost = [name for name in [*MODEL_METRICS, *INFRASTRUCTURE_METRICS] if name not in kept]
    if lost:
        cause = "a metric was deleted to silence its finding: repair the line, keep the metric"
        raise Fail(f"a valid contract without {', '.join(lost)}", "all eight metrics of the list", cause)
    return "The contract is valid and watches all eight metrics."


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
        for margin in (0.1, 0.13, 0.04, 250.0):
            saw = expect.names(find(signs, rain, tomorrow, margin=margin))
            causes = {
                "`margin` is not used: a few days more are chance": above(gain, 0),
                "`margin` is not used: a number stands in its place": above(gain, 0.1),
                "`margin` is counted twice": above(gain, 2 * margin),
                "days are counted, and `margin` is a share of the days: take the mean, not the sum": above(
                    gain * len(rain), margin
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
                "only days on which both are True are counted: days on which both are False are equal, too": above(
                    rows_101.both(signs, tomorrow) - rows_101.both(signs, rain), margin
                ),
                "every sign was kept: compare the two shares before you keep a name": set(signs.columns),
            }
            yield expect.Case(saw, above(gain, margin), causes, f" for a margin of {margin}")

    expect.explain_all(
        cases(), "which two shares does yours compare for one sign: with `rain`, and with `rain_tomorrow`?"
    )
    return "Found the leaks among eight signs at four margins, also the quiet one that is wrong on one day in seven."


exercises.quiz(
    "a",
    "A bigger table scores 0.60 bits on the days it learnt from and 0.86 on new days; a smaller one 0.78 and 0.81. Which do you deploy?",
    ("The bigger: 0.60 is by far the lowest score in the comparison.", False, "0.60 is a score on days whose outcome is in the table. In production every day is new, and there it costs 0.86."),
    ("Neither, until both score the same on old and new days.", False, "Some gap is normal: numbers fitted to some days fit these days best. What decides is the score on new days."),
    ("The smaller: on days it has not seen it is surprised less.", True, "Production consists of new days. The smaller table costs 0.81 bits there, the bigger 0.86."),
    ("The bigger, with a year of new data its score will come down to 0.60.", False, "More data helps, but 547 rows spread over 1,096 days are mostly noise; nothing promises 0.60 on new days."),
)  # fmt: skip
exercises.quiz(
    "b",
    "Your model answers, and the truth arrives next week. Which of these can page someone within the minute?",
    ("accuracy, because it says directly how many answers are right", False, "Accuracy needs the truth, and the truth comes later: tomorrow for rain, weeks for a fraud or a churn."),
    ("recall, because missed events are the expensive ones", False, "They are, but whether an event was missed is known only after it came. Recall is late as accuracy is."),
    ("response_time, because it is known with every answer", True, "It needs no truth, so it is live. It can't tell whether the answers are right, so you need both kinds."),
)  # fmt: skip
exercises.quiz(
    "c",
    "A model says 70 % for rain on ten days, and it rains on seven of them. Was it wrong on the three dry days?",
    ("Yes: it said rain and there was none.", False, "It did not say rain, it said 70 %. A forecast of 70 % that came true ten times out of ten would be the faulty one."),
    ("No: 70 % means that it stays dry three times out of ten.", True, "Seven of ten is exactly what it promised. Such a forecast is called calibrated; lesson 203 measures it."),
    ("Partly: a good model would have said 100 % on seven days and 0 % on three.", False, "That model would know more, but ours promised seven of ten and seven came. Less sharp is not wrong."),
)  # fmt: skip

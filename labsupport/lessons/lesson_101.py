"""Lesson 101, world models: checkers, hints and quiz."""

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail

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
    """Compare with counting on random days of which the shares are all different."""
    model = expect.function(answer)
    rng = np.random.default_rng(7)
    rained = rng.random(400) < 0.3
    rained_next = rng.random(400) < np.where(rained, 0.8, 0.1)
    result = model(rained, rained_next)
    if result is None:
        raise Fail("`None`", "two numbers", "the function has no `return`")
    dry, rainy = (float(x) for x in expect.array(result, (2,), "the two shares"))
    want_dry, want_rainy = rained_next[~rained].mean(), rained_next[rained].mean()
    if np.allclose([dry, rainy], [want_dry, want_rainy], atol=1e-9):
        return f"Two numbers from 400 days: {dry:.3f} after dry days, {rainy:.3f} after rainy ones."
    saw, want = f"({dry:.3f}, {rainy:.3f})", f"({want_dry:.3f}, {want_rainy:.3f})"
    both_dry, both_rainy = (rained_next & ~rained).mean(), (rained_next & rained).mean()
    causes = {
        "the two are swapped: the first is for dry days": (want_rainy, want_dry),
        "you divided by all days: divide by the number of dry days, and of rainy days": (both_dry, both_rainy),
        "you looked backwards, at today given tomorrow: select by `rained`, average `rained_next`": (
            rained[~rained_next].mean(),
            rained[rained_next].mean(),
        ),
        "these are counts: divide by the number of days of each kind": (
            rained_next[~rained].sum(),
            rained_next[rained].sum(),
        ),
    }
    for cause, wrong in causes.items():
        if np.allclose([dry, rainy], wrong, atol=1e-9):
            raise Fail(saw, want, cause)
    raise Fail(saw, want, "the days are selected by something else than `rained`")


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
    """Compare on random forecasts; each usual mistake gives another number."""
    score = expect.function(answer)
    rng = np.random.default_rng(11)
    probability = rng.uniform(0.05, 0.95, 300)
    happened = rng.random(300) < 0.35
    given = np.where(happened, probability, 1 - probability)
    want = -np.log2(given).mean()
    saw = expect.returned_number(lambda: score(probability, happened), "the score")
    if not expect.close(saw, want, 1e-9):
        causes = {
            "the dry days: there the model gave `1 - probability` to what happened": -np.log2(probability).mean(),
            "only rainy days were counted: on dry days the model is surprised too": -(
                happened * np.log2(probability)
            ).mean(),
            "the natural logarithm: bits want base 2, `np.log2`": -np.log(given).mean(),
            "base 10: bits want base 2, `np.log2`": -np.log10(given).mean(),
            "the sign: the logarithm of a probability is negative, a surprise is not": np.log2(given).mean(),
            "the sum: the score is the mean over days": -np.log2(given).sum(),
            "rainy and dry are swapped": -np.log2(1 - given).mean(),
            "the logarithm of the mean; the score is the mean of the logarithms": -np.log2(given.mean()),
        }
        cause = next(
            (c for c, wrong in causes.items() if expect.close(saw, wrong, 1e-9)), "work it out for one day first"
        )
        raise Fail(f"{saw:.4f} bits", f"{want:.4f} bits", cause)
    one = expect.returned_number(lambda: score(np.array([0.5, 0.5]), np.array([True, False])), "the score")
    if not expect.close(one, 1.0, 1e-9):
        raise Fail(f"{one:.4f} bits for a coin", "1 bit", "a number of the test data stands fixed in your function")
    return f"{saw:.4f} bits on 300 random forecasts; a coin costs exactly 1."


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
    """Try several beliefs and signs; each usual mistake gives another number."""
    update = expect.function(answer)
    for belief, if_rain, if_dry in ((0.3, 0.8, 0.3), (0.5, 0.1, 0.4), (0.02, 0.9, 0.05), (0.7, 0.6, 0.6)):
        saw = expect.returned_number(lambda b=belief, r=if_rain, d=if_dry: update(b, r, d), "the new belief")  # type: ignore[misc]
        shows = belief * if_rain + (1 - belief) * if_dry
        want = belief * if_rain / shows
        if expect.close(saw, want, 1e-9):
            continue
        causes = {
            "the two kinds of days are not weighted by how common they are": if_rain / (if_rain + if_dry),
            "you stopped before dividing by the share of all days that show the sign": belief * if_rain,
            "the sum in the denominator lacks the weights `belief` and `1 - belief`": belief
            * if_rain
            / (if_rain + if_dry),
            "the days before dry days lack their weight `1 - belief`": belief * if_rain / (belief * if_rain + if_dry),
            "the division comes before the addition: put brackets around the whole sum": belief
            * if_rain
            / (belief * if_rain)
            + (1 - belief) * if_dry,
            "you divided by the sign's share before dry days; divide by its share of all days": belief
            * if_rain
            / if_dry,
            "the two signs are swapped": belief * if_dry / (belief * if_dry + (1 - belief) * if_rain),
            "this is the belief that it stays dry": (1 - belief) * if_dry / shows,
        }
        paper = (
            "count 100 days for a belief of 0.3: 30 come before rain, 24 of them show the sign; 70 come before a dry day, "
            "21 show it. Of the 45 days with the sign, 24 came before rain"
        )
        cause = next((c for c, w in causes.items() if expect.close(saw, w, 1e-9)), paper)
        if not 0 <= saw <= 1:
            cause = f"{cause}. A probability lies between 0 and 1"
        raise Fail(f"{saw:.4f} for belief {belief}, signs {if_rain} and {if_dry}", f"{want:.4f}", cause)
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
    """Build a frame with two leaks of different strength among honest signs."""
    import pandas as pd

    find = expect.function(answer)
    rng = np.random.default_rng(5)
    days = 2000
    # Rain that stays with 80 %, as real rain does: then an honest sign agrees often with tomorrow, too.
    rain = pd.Series(np.cumsum(rng.random(days) < 0.2) % 2 == 1)
    tomorrow = rain.shift(-1, fill_value=False)

    def with_errors(truth: pd.Series, share: float) -> pd.Series:
        return truth ^ (rng.random(days) < share)

    signs = pd.DataFrame(
        {
            "honest": with_errors(rain, 0.02),
            "loud_leak": with_errors(tomorrow, 0.02),
            "noise_like_today": with_errors(rain, 0.3),
            "quiet_leak": with_errors(tomorrow, 0.15),
            "coincidence": with_errors(rain, 0.56),
        }
    )
    result = find(signs, rain, tomorrow)
    if result is None:
        raise Fail("`None`", "a list of names", "the function has no `return`")
    if isinstance(result, str):
        raise Fail(f"the text `{result}`", "a list of names", "put the name into a list: there may be several, or none")
    try:
        names = sorted(map(str, result))
    except TypeError:
        raise Fail(
            f"a {type(result).__name__}", "a list of names", "return the names, not a number or a truth value"
        ) from None
    want = ["loud_leak", "quiet_leak"]
    if names == want:
        strict = sorted(map(str, find(signs, rain, tomorrow, margin=0.17)))
        if strict != ["loud_leak"]:
            raise Fail(f"{strict} for a margin of 0.17", "['loud_leak']", "`margin` is not used, or counted twice")
        return "Found both leaks among five signs, also the quiet one that is wrong on one day in seven."
    if names == ["coincidence", *want]:
        raise Fail(f"{names}", f"{want}", "`margin` is not used: a few days more are chance")
    if "honest" in names and "loud_leak" in names and "quiet_leak" in names:
        cause = "`rain` is not looked at: an honest sign agrees often with tomorrow too, but with today even more"
    elif names == ["loud_leak"]:
        cause = (
            "a fixed threshold: a quiet leak agrees less often, but still clearly more with tomorrow than with today"
        )
    elif names and set(names) <= {"honest", "noise_like_today"}:
        cause = "the comparison is turned round: a leak agrees more with tomorrow"
    elif set(names) == set(signs.columns):
        cause = "every sign was kept: compare the two shares before you keep a name"
    elif not names:
        cause = "nothing was found: do you compare the shares of agreement, `(a == b).mean()`?"
    else:
        cause = "something else than the share of equal days is compared"
    raise Fail(f"{names}", f"{want}", cause)


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

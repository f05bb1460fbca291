"""Lesson 101: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""

import pytest

BROKEN_CONTRACT = '''repaired = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: model-monitoring-config
data:
  config.yaml: |
    model_metrics: [{model}]
    infrastructure_metrics: [{infrastructure}]
"""'''


def contract(model: str, infrastructure: str) -> str:
    return BROKEN_CONTRACT.format(model=model, infrastructure=infrastructure)


MODEL = "accuracy, precision, recall, f1_score"
TUTORIAL = "cpu_usage, memory_usage, gpu_utilization, response_time"
INFRASTRUCTURE = TUTORIAL + ", request_rate, error_rate"

WRONG = {
    "101.1": {
        "divides by all days": (
            "def two_number_model(rained, rained_next):\n"
            "    return (rained_next & ~rained).mean(), (rained_next & rained).mean()",
            "divided by all days",
        ),
        "swaps the two": (
            "def two_number_model(rained, rained_next):\n"
            "    return rained_next[rained].mean(), rained_next[~rained].mean()",
            "swapped",
        ),
        "looks backwards": (
            "def two_number_model(rained, rained_next):\n"
            "    return rained[~rained_next].mean(), rained[rained_next].mean()",
            "backwards",
        ),
        "returns counts": (
            "def two_number_model(rained, rained_next):\n"
            "    return rained_next[~rained].sum(), rained_next[rained].sum()",
            "counts",
        ),
        "returns nothing": ("def two_number_model(rained, rained_next):\n    rained.mean()", "no `return`"),
        "takes one from the other": (
            "def two_number_model(rained, rained_next):\n"
            "    return 1 - rained_next[rained].mean(), rained_next[rained].mean()",
            "the first is 1 minus the second",
        ),
        "rounds": (
            "def two_number_model(rained, rained_next):\n"
            "    return round(rained_next[~rained].mean(), 2), round(rained_next[rained].mean(), 2)",
            "was rounded",
        ),
        "returns constants": ("def two_number_model(rained, rained_next):\n    return 0.25, 0.62", "stands fixed"),
        "mixes something else": (
            "def two_number_model(rained, rained_next):\n    return rained_next[:200].mean(), rained_next[200:].mean()",
            "which days does each",
        ),
        "computes in single precision": (
            "def two_number_model(rained, rained_next):\n"
            "    return rained_next[~rained].mean(dtype=np.float32), rained_next[rained].mean(dtype=np.float32)",
            "single precision",
        ),
        "answers 0 and 1": ("def two_number_model(rained, rained_next):\n    return 0, 1", "in your function"),
        "calls the function": ("two_number_model = (0.2, 0.7)", "without parentheses"),
    },
    "101.2": {
        "forgets the dry days": (
            "def mean_bits(probability, happened):\n    return -np.log2(probability).mean()",
            "the dry days",
        ),
        "takes nats": (
            "def mean_bits(probability, happened):\n"
            "    return -np.log(np.where(happened, probability, 1 - probability)).mean()",
            "natural logarithm",
        ),
        "forgets the sign": (
            "def mean_bits(probability, happened):\n"
            "    return np.log2(np.where(happened, probability, 1 - probability)).mean()",
            "the sign",
        ),
        "takes the sum": (
            "def mean_bits(probability, happened):\n"
            "    return -np.log2(np.where(happened, probability, 1 - probability)).sum()",
            "the sum",
        ),
        "never ends": ("def mean_bits(probability, happened):\n    while True:\n        pass", "no answer after"),
        "raises": ("def mean_bits(probability, happened):\n    return undefined_name", "undefined_name"),
    },
    "101.3": {
        "ignores how common rain is": (
            "def bayes_update(belief, sign_if_rain, sign_if_dry):\n    return sign_if_rain / (sign_if_rain + sign_if_dry)",
            "not weighted",
        ),
        "stops before dividing": (
            "def bayes_update(belief, sign_if_rain, sign_if_dry):\n    return belief * sign_if_rain",
            "before dividing",
        ),
        "counts whole days": (
            "def bayes_update(belief, sign_if_rain, sign_if_dry):\n"
            "    rainy, dry = round(1000 * belief * sign_if_rain), round(1000 * (1 - belief) * sign_if_dry)\n"
            "    return rainy / (rainy + dry)",
            "less than one",
        ),
        "forgets the weights below": (
            "def bayes_update(belief, sign_if_rain, sign_if_dry):\n"
            "    return belief * sign_if_rain / (sign_if_rain + sign_if_dry)",
            "lacks the weights",
        ),
    },
    "101.4": {
        "keeps the typing error": (contract("acuracy, precision, recall, f1_score", INFRASTRUCTURE), "findings"),
        "deletes what was complained about": (contract("precision, recall, f1_score", INFRASTRUCTURE), "deleted"),
        "leaves a metric under the wrong heading": (
            contract(MODEL + ", gpu_utilization", INFRASTRUCTURE),
            "belongs under infrastructure_metrics",
        ),
        "adds nothing that foretells": (contract(MODEL, TUTORIAL + ", error_rate"), "your ranking puts first"),
        "adds nothing that proves": (contract(MODEL, TUTORIAL + ", queue_depth"), "every answer comes in time"),
        "takes a name of the telemetry": (
            contract(MODEL, TUTORIAL + ", requests_per_s, error_rate"),
            "unknown metric 'requests_per_s'",
        ),
        "keeps only the inner document": (
            f'repaired = "model_metrics: [{MODEL}]\\ninfrastructure_metrics: [{INFRASTRUCTURE}]"',
            "around the contract is gone",
        ),
        "writes the kind in small letters": (
            contract(MODEL, INFRASTRUCTURE).replace("ConfigMap", "configmap"),
            "these capital letters",
        ),
        "keeps no apiVersion": (
            contract(MODEL, INFRASTRUCTURE).replace("apiVersion: v1\n", ""),
            "whose apiVersion is missing",
        ),
        "keeps no metadata": (
            contract(MODEL, INFRASTRUCTURE).replace("metadata:\n  name: model-monitoring-config\n", ""),
            "whose name is missing",
        ),
        "gives a dictionary": ("repaired = {'model_metrics': ['accuracy']}", "triple quotes"),
    },
    "101.5": {
        "only looks for loud leaks": (
            "def suspicious_signs(signs, rain, rain_tomorrow, margin=0.1):\n"
            "    return [n for n in signs if (signs[n] == rain_tomorrow).mean() > 0.9]",
            "fixed threshold",
        ),
        "turns the comparison round": (
            "def suspicious_signs(signs, rain, rain_tomorrow, margin=0.1):\n"
            "    return [n for n in signs if (signs[n] == rain).mean() > (signs[n] == rain_tomorrow).mean() + margin]",
            "turned round",
        ),
        "forgets the margin": (
            "def suspicious_signs(signs, rain, rain_tomorrow, margin=0.1):\n"
            "    return [n for n in signs if (signs[n] == rain_tomorrow).mean() > (signs[n] == rain).mean()]",
            "`margin` is not used",
        ),
        "never looks at today": (
            "def suspicious_signs(signs, rain, rain_tomorrow, margin=0.1):\n"
            "    return [n for n in signs if (signs[n] == rain_tomorrow).mean() > 0.5 + margin]",
            "`rain` is not looked at",
        ),
        "takes the difference without its direction": (
            "def suspicious_signs(signs, rain, rain_tomorrow, margin=0.1):\n"
            "    return [n for n in signs if abs((signs[n] == rain_tomorrow).mean() - (signs[n] == rain).mean()) > margin]",
            "so no `abs`",
        ),
        "counts days": (
            "def suspicious_signs(signs, rain, rain_tomorrow, margin=0.1):\n"
            "    return [n for n in signs if (signs[n] == rain_tomorrow).sum() - (signs[n] == rain).sum() > margin]",
            "take the mean, not the sum",
        ),
        "looks at days with the sign only": (
            "def suspicious_signs(signs, rain, rain_tomorrow, margin=0.1):\n"
            "    return [n for n in signs if rain_tomorrow[signs[n]].mean() > rain[signs[n]].mean() + margin]",
            "days on which the sign is True",
        ),
        "counts days on which both are True": (
            "def suspicious_signs(signs, rain, rain_tomorrow, margin=0.1):\n"
            "    return [n for n in signs if (signs[n] & rain_tomorrow).mean() > (signs[n] & rain).mean() + margin]",
            "both are False are equal, too",
        ),
        # Sums of two equal shares differ by twice what each of them does: the same names.
        "counts the margin twice": (
            "def suspicious_signs(signs, rain, rain_tomorrow, margin=0.1):\n"
            "    return [n for n in signs if (signs[n] == rain_tomorrow).mean() - margin > (signs[n] == rain).mean() + margin]",
            "`margin` counts once",
        ),
        "multiplies by the margin": (
            "def suspicious_signs(signs, rain, rain_tomorrow, margin=0.1):\n"
            "    return [n for n in signs if (signs[n] == rain_tomorrow).mean() > (signs[n] == rain).mean() * (1 + margin)]",
            "taken as a factor",
        ),
        "looks at rainy days only": (
            "def suspicious_signs(signs, rain, rain_tomorrow, margin=0.1):\n"
            "    return [n for n in signs if signs[n][rain_tomorrow].mean() > signs[n][rain].mean() + margin]",
            "only the rainy days",
        ),
        "returns what stands beside the names": (
            "def suspicious_signs(signs, rain, rain_tomorrow, margin=0.1):\n"
            "    gain = signs.eq(rain_tomorrow, axis=0).mean() - signs.eq(rain, axis=0).mean()\n"
            "    return gain[gain > margin]",
            "`.index` is missing",
        ),
        "returns one name": (
            "def suspicious_signs(signs, rain, rain_tomorrow, margin=0.1):\n    return 'loud_leak'",
            "into a list",
        ),
    },
    "101.6": {
        "keeps the flapping label": ("case = (1, 0)", "582 outages, the median lasts 1 min"),
        "waits for a second minute only": ("case = (2, 0)", "192 outages"),
        "leaves out five minutes only": ("case = (1, 5)", "saved 0.43"),
        "asks for half an hour in a row": ("case = (30, 0)", "the minutes in a row lies between 1 and 15"),
        "takes shares of an hour": ("case = (5, 0.5)", "the quiet minutes is a whole number"),
        "gives one number": ("case = 5", "a pair such as (1, 0)"),
    },
}

RIGHT = {
    "101.1": {
        "with a loop": (
            "def two_number_model(rained, rained_next):\n"
            "    seen = {True: [], False: []}\n"
            "    for today, tomorrow in zip(rained, rained_next):\n"
            "        seen[bool(today)].append(bool(tomorrow))\n"
            "    return [sum(seen[k]) / len(seen[k]) for k in (False, True)]"
        ),
        "with pandas": (
            "def two_number_model(rained, rained_next):\n"
            "    return pd.Series(rained_next).groupby(np.asarray(rained)).mean().reindex([False, True])"
        ),
    },
    "101.2": {
        "with a loop": (
            "import math\n"
            "def mean_bits(probability, happened):\n"
            "    bits = [-math.log2(p if h else 1 - p) for p, h in zip(probability, happened)]\n"
            "    return sum(bits) / len(bits)"
        ),
        "with the library": (
            "from sklearn.metrics import log_loss\n"
            "def mean_bits(probability, happened):\n"
            "    return log_loss(happened, probability, labels=[False, True]) / np.log(2)"
        ),
    },
    "101.3": {
        "by odds": (
            "def bayes_update(belief, sign_if_rain, sign_if_dry):\n"
            "    odds = belief / (1 - belief) * sign_if_rain / sign_if_dry\n"
            "    return odds / (1 + odds)"
        ),
    },
    "101.4": {
        "in another order and style": contract("f1_score, recall, accuracy, precision", INFRASTRUCTURE),
        "with quotes": contract(MODEL, INFRASTRUCTURE).replace("kind: ConfigMap", "kind:   'ConfigMap'"),
        "as JSON": (
            'import json\nrepaired = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "model-monitoring-config"}, '
            f'"data": {{"config.yaml": "model_metrics: [{MODEL}]\\ninfrastructure_metrics: [{INFRASTRUCTURE}]"}}}})'
        ),
        "with the queue, and with more than is asked": contract(
            MODEL, TUTORIAL + ", error_rate, queue_depth, replica_utilization"
        ),
    },
    "101.5": {
        "as a set": (
            "def suspicious_signs(signs, rain, rain_tomorrow, margin=0.1):\n"
            "    gain = signs.eq(rain_tomorrow, axis=0).mean() - signs.eq(rain, axis=0).mean()\n"
            "    return set(gain[gain > margin].index)"
        ),
    },
    "101.6": {
        "only lasting outages": "case = (4, 0)",
        "only a quiet half hour before": "case = (1, 30)",
        "as a list of NumPy's numbers": "case = list(np.array([10, 60]))",
        "two minutes, and two hours of quiet": "case = (2, 120)",
    },
}


def test_the_recorded_weeks_are_the_simulated_ones() -> None:
    from labsupport.lessons.cases import weeks_101

    recorded, again = weeks_101.recorded(), weeks_101.simulated(first_day=5, days=1)
    day = recorded.day == 5
    assert recorded.requests_per_s[day] == pytest.approx(again.requests_per_s)
    assert (recorded.slow[day] == again.slow).all()
    assert again.slow.any()

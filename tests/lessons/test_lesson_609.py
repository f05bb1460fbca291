"""Lesson 609: usual mistakes, each with words of its own diagnosis, and right answers; on the cluster, recorded snapshots of both (see test_every_lesson)."""

import copy

import pytest

from labsupport.cluster import lab, look, promtool, show
from labsupport.exercises import proof
from labsupport.exercises.engine import evaluate
from labsupport.exercises.proof import Kind
from labsupport.monitoring import rules

BAD, ALL = 'outcome=~"busy|error"', 'outcome!~"invalid|too_large"'


def share(bad: str = BAD, among: str = ALL, by: str = " by (model)", window: str = "5m", never: bool = True) -> str:
    counted = f"sum{by} (rate(model_predictions_total{{{bad}}}[{window}]))"
    zero = f" or 0 * sum{by} (rate(model_predictions_total[{window}]))" if never else ""
    return f"bad_share = '({counted}{zero}) / sum{by} (rate(model_predictions_total{{{among}}}[{window}]))'"


RIGHT_CASES = "(0.3, 0.05, False), (0.05, 0.3, False), (0.2, 0.3, True), (0.3, 0.2, True), (0.1, 0.1, False)"


def burn(*cases: str) -> str:
    return f"burn_cases = [{', '.join(cases)}]"


WRONG = {
    "609.1": {
        "forgets busy": (share(bad='outcome="error"'), "turned away because we were busy"),
        "counts the client's mistakes as good": (share(among='outcome=~".+"'), "neither bad nor good"),
        "forgets too_large": (share(among='outcome!="invalid"'), "the client's mistake, too"),
        "adds no replicas up": (share(by=" by (model, instance)"), "for each `model`"),
        "has nothing for nothing": (share(never=False), "to the numerator"),
        "has nothing where all is bad": (
            'bad_share = \'1 - sum by (model) (rate(model_predictions_total{outcome="ok"}[5m])) / '
            'sum by (model) (rate(model_predictions_total{outcome=~"ok|busy|error"}[5m]))\'',
            "count the bad ones",
        ),
        "has a shorter window": (share(window="2m"), "has forgotten"),
        "has a longer window": (share(window="10m"), "still counts what was before"),
        "takes the last two samples": (share().replace("rate(", "irate("), "11 of them at once"),
        "forgets the rate": (share(window="5m").replace("rate(", "("), "can't read"),
        "gives a number": ("bad_share = 0.01", "a query as text"),
    },
    "609.2": {
        "has one case": (burn("(0.3, 0.05, False)"), "what would show it"),
        "forgets the other side": (burn("(0.3, 0.05, False)", "(0.2, 0.3, True)"), "short window is forgotten"),
        "has no case near the limit": (
            burn(
                "(0.3, 0.05, False)",
                "(0.05, 0.3, False)",
                "(0.9, 0.8, True)",
                "(0.8, 0.9, True)",
                "(0.01, 0.01, False)",
            ),
            "both above 0.144, and not far above",
        ),
        "is wrong about the rule": (burn("(0.3, 0.05, True)"), "fails on the right rule"),
        "takes percent": (burn("(30, 5, False)"), "0.144 is 14.4 %"),
        "forgets whether": (burn("(0.3, 0.05)"), "a truth for each case"),
        "has none that is larger before": (
            burn("(0.3, 0.05, False)", "(0.05, 0.3, False)", "(0.3, 0.2, True)", "(0.1, 0.1, False)"),
            "silent once the trouble gets less",
        ),
    },
    "609.3": {
        "wakes for everything": ("609-routes-all-wake", "no route below it matches"),
        "goes by name": ("609-routes-by-name", "whatever its name"),
        "tells both": ("609-routes-both", "the next route gets it, too"),
        "names nobody": ("609-routes-typo", "undefined receiver"),
        "writes no YAML": ("609-routes-unreadable", "can't read"),
        "sends nothing": ("609-routes-silent", "swallows alerts"),
    },
    "609.4": {
        "keeps the author": ("609-labels-author", "labels multiply"),
        "keeps the trace": ("609-labels-trace", "never seen twice"),
        "keeps too little": ("609-labels-outcome", "can't be asked without it"),
    },
    "609.5": {
        "keeps the budget": ("case = 0.005", "50% of the budget"),
        "wakes somebody": ("case = 0.2", "an alarm fires"),
        "is no share": ("case = 2", "a case is one share"),
    },
}

RIGHT = {
    "609.1": {
        "by what is good": (
            'bad_share = \'1 - (sum by (model) (rate(model_predictions_total{outcome="ok"}[5m])) '
            "or 0 * sum by (model) (rate(model_predictions_total[5m]))) / "
            'sum by (model) (rate(model_predictions_total{outcome=~"ok|busy|error"}[5m]))\''
        ),
        "by increase": share(window="300s").replace("rate(", "increase("),
        "without versions": (
            'bad_share = \'(sum without (version, instance, outcome) (rate(model_predictions_total{outcome=~"busy|error"}[5m])) '
            "or 0 * sum without (version, instance, outcome) (rate(model_predictions_total[5m]))) / "
            'sum without (version, instance, outcome) (rate(model_predictions_total{outcome!~"invalid|too_large"}[5m]))\''
        ),
    },
    "609.2": {
        "as tuples": f"burn_cases = ({RIGHT_CASES})",
        "as lists, and one more": f"burn_cases = [list(case) for case in ({RIGHT_CASES}, (0, 0, False))]",
    },
    "609.3": {"as written": "609-routes-right", "the other way round": "609-routes-other"},
    "609.4": {"as written": "609-labels-right", "in another order": "609-labels-order"},
    "609.5": {"just above one": "case = 0.011", "just below three": "case = 0.0299"},
}


@pytest.mark.parametrize(
    ("key", "given"),
    [("609.3", "609-nothing"), ("609.3", "609-routes-none"), ("609.4", "609-nothing"), ("609.4", "609-labels-all")],
)
def test_what_was_not_touched_is_not_yet_an_answer(key, given) -> None:
    assert proof.outcome_of(key, given).kind is Kind.NOT_YET


def test_a_label_that_the_clients_do_not_know_gets_a_cause() -> None:
    seen = copy.deepcopy(look.recorded("609-labels-right"))
    clients = seen.get("Deployment", "clients") or {}
    container = clients["spec"]["template"]["spec"]["containers"][0]
    container["args"] = [
        "--labels=outcome,size,model" if word.startswith("--labels") else word for word in container["args"]
    ]
    outcome = evaluate("609.4", seen=seen)
    assert outcome.kind is Kind.FAIL and "no label of that name" in proof.diagnosis(outcome)


RULES = rules.rules_of(show.documents(lab.manifests_of("609") / "prometheus.yaml")[0])


def test_the_labs_rules_pass_their_tests() -> None:
    tested = promtool.test(RULES, rules.lab_tests())
    assert tested.passed, tested.words


def test_every_rule_is_spoilt_in_several_ways() -> None:
    names = {name.partition(":")[0] for name in rules.spoilt(RULES)}
    assert names == {"BudgetBurnsFast", "BudgetBurnsSlowly", "PredictorIsGone", "model"}
    assert len(rules.spoilt(RULES)) >= 25


@pytest.mark.parametrize("name", list(rules.spoilt(RULES)))
def test_a_spoilt_rule_can_be_read_and_fails_a_test(name: str) -> None:
    text = rules.spoilt(RULES)[name]
    assert promtool.check(text).passed
    assert not promtool.test(text, rules.lab_tests()).passed

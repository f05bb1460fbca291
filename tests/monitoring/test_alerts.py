"""Alert rules: the part of PromQL that is known means what it means to Prometheus; the rest is refused."""

import pytest

from labsupport.cluster import lab, show
from labsupport.monitoring import alerts
from labsupport.monitoring.alerts import AlertError, Rule
from labsupport.monitoring.endpoint import Sample

PAGE = [
    Sample("age", {"region": "asia"}, 100.0),
    Sample("age", {"region": "europe"}, 1000.0),
    Sample("other", {}, 5.0),
]


def held(expr: str, now: float = 2000.0) -> dict[str, float]:
    return {dict(labels).get("region", "all"): value for labels, value in Rule("a", expr).holds(PAGE, now).items()}


@pytest.mark.parametrize(
    ("expr", "wanted"),
    [
        ("age > 900", {"europe": 1000.0}),
        ("age >= 1000", {"europe": 1000.0}),
        ("age < 900", {"asia": 100.0}),
        ("age == 100", {"asia": 100.0}),
        ("age != 100", {"europe": 1000.0}),
        ("time() - age > 1500", {"asia": 1900.0}),
        ("time()-age>15*60", {"asia": 1900.0, "europe": 1000.0}),
        ("(time() - age) / 60 > 20", {"asia": 1900 / 60}),
        ("max(age) > 0", {"all": 1000.0}),
        ("time() - max(age) > 0", {"all": 1000.0}),
        ("min by (region) (age) > 0", {"asia": 100.0, "europe": 1000.0}),
        ("max(time() - age) by (region) > 0", {"asia": 1900.0, "europe": 1000.0}),
        ("count(age > 0 ) > 1", None),
        ("count(age) > 1", {"all": 2.0}),
        ("sum(age) + 1 > 0", {"all": 1101.0}),
        ("avg(age) > 0", {"all": 550.0}),
        ('age{region="asia"} > 0', {"asia": 100.0}),
        ('age{region!="asia"} > 0', {"europe": 1000.0}),
        ("absent_metric > 0", {}),
        ("10 - 2 * 3 - age > -1000", {"asia": -96.0, "europe": -996.0}),
    ],
)
def test_it_means_what_it_means_to_prometheus(expr, wanted) -> None:
    if wanted is None:
        with pytest.raises(AlertError):
            held(expr)
        return
    assert held(expr) == pytest.approx(wanted)


@pytest.mark.parametrize(
    "expr",
    [
        "", "age", "time()", "time() > 5", "age > other", "age - other > 1", "rate(age[5m]) > 1", "age > 1 and age < 2",
        "age >", "age > 1)", "max(3) > 1", "age / 0 > 1", "age > bool 1", 'age{region=~"a.*"} > 1', "max by region (age) > 1",
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused(expr) -> None:
    with pytest.raises(AlertError):
        held(expr)


@pytest.mark.parametrize(("text", "seconds"), [("5m", 300), ("30s", 30), ("1h30m", 5400), ("0s", 0)])
def test_durations(text, seconds) -> None:
    assert alerts.duration(text) == seconds


@pytest.mark.parametrize("text", ["5", "5 m", "five", "", "5x"])
def test_no_durations(text) -> None:
    with pytest.raises(AlertError):
        alerts.duration(text)


def test_one_look_without_the_condition_begins_anew() -> None:
    rule = Rule("a", "age > 900", 60)
    looks = [(at, [Sample("age", {}, 1000.0 if at != 90 else 0.0)]) for at in range(0, 240, 30)]
    assert [bool(series) for _, series in alerts.firing(rule, looks)] == [
        False,
        False,
        True,
        False,
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("file", ["alerts.yaml", "broken/alerts.yaml"])
def test_the_labs_rules_are_read(file) -> None:
    (item,) = show.documents(lab.manifests_of("605") / file)
    (rule,) = alerts.rules(item["data"]["rules.yaml"])
    assert (rule.name, rule.for_s) == ("StaleFeatures", 300)


@pytest.mark.parametrize(
    "text", ["", "[]", "groups: 3", "groups: [{rules: [{alert: a}]}]", "groups: [{rules: [{alert: a, expr: b}]}]"]
)
def test_a_file_of_another_form_is_refused(text) -> None:
    with pytest.raises(AlertError):
        alerts.rules(text)

"""Lesson 605: usual mistakes, each with words of its own diagnosis, and right answers; on the cluster, recorded snapshots of both (see test_every_lesson)."""

import copy
import random

import pytest

from labsupport.cluster import lab, show
from labsupport.cluster.look import recorded
from labsupport.cluster.snapshot import Snapshot
from labsupport.exercises import proof
from labsupport.exercises.engine import evaluate
from labsupport.exercises.proof import Kind
from labsupport.lessons.cases import features_605
from labsupport.monitoring.alerts import Rule


def reads(
    columns: str = 'dict(zip(answer["metadata"]["feature_names"], answer["results"]))',
    regions: str = 'columns.pop("region")["values"]',
    known: str = 'column["statuses"][at] == "PRESENT"',
    age: str = 'now - pd.Timestamp(column["event_timestamps"][at]).timestamp()',
    one: str = "max(each)",
    result: str = "found",
) -> str:
    return (
        "def ages(answer, now):\n"
        "    import math\n"
        "    import pandas as pd\n"
        f"    columns = {columns}\n"
        f"    regions = {regions}\n"
        "    found = {}\n"
        "    for at, region in enumerate(regions):\n"
        f"        each = [({age}) if ({known}) else math.inf for column in columns.values()]\n"
        f"        found[region] = {one}\n"
        f"    return {result}"
    )


WRONG = {
    "605.1": {
        "reads the time of the key": (reads(regions='columns["region"]["values"]'), "1970 is the time of the column"),
        "looks at no status": (reads(known="True"), "mars: 1.79e+09"),
        "takes the youngest": (reads(one="min(each)"), "as old as the oldest"),
        "reads by position": (
            reads(columns="dict(enumerate(answer['results']))", regions="columns.pop(0)['values']"),
            "the region's column last",
        ),
        "takes the first region's times": (
            reads(age='now - pd.Timestamp(column["event_timestamps"][0]).timestamp()'),
            "another region's age",
        ),
        "takes the first region's status": (
            reads(known='column["statuses"][0] == "PRESENT"'),
            "whose status did you look at",
        ),
        "knows one word for missing": (
            reads(known='column["statuses"][at] != "NOT_FOUND"'),
            "one of four values missing",
        ),
        "returns time spans": (
            reads(result="{r: pd.Timedelta(seconds=a) for r, a in found.items() if a < math.inf}"),
            "makes a number of it",
        ),
        "says None of what is missing": (
            reads(result="{r: None if a == math.inf else a for r, a in found.items()}"),
            "is infinitely old: `math.inf`",
        ),
        "counts in minutes": (reads(one="max(each) / 60"), "in minutes"),
        "turns it round": (
            reads(age='pd.Timestamp(column["event_timestamps"][at]).timestamp() - now', one="min(each)"),
            "later than the time of writing",
        ),
        "leaves the unknown out": (
            reads(result="{r: a for r, a in found.items() if a < math.inf}"),
            "ages of mars, asia",
        ),
        "returns a list": (reads(result="list(found.values())"), "under its name"),
        "returns nothing": (reads(result="None"), "no `return`"),
        "empties the answer": (
            reads(
                regions='answer["results"].pop(answer["metadata"]["feature_names"].index("region"))["values"]; columns.pop("region")'
            ),
            "change",
        ),
    },
    "605.2": {
        "gives minutes": ("605-limit-minutes", "are these minutes"),
        "refuses good rows": ("605-limit-good-rows", "refuses now and then what is right"),
        "forgives no failed run": ("605-limit-one-failed-run", "300 s more after one failed run"),
        "serves what is useless": ("605-limit-half-an-hour", "no lead over the clock"),
        "writes a duration": ("605-limit-words", "ends at once with such an option"),
        "breaks the command": ("605-limit-crash", "its last words"),
    },
    "605.3": {
        "takes the oldest, without its name": ("605-alert-without-region", "must know which"),
        "wakes on good days": ("605-alert-minutes", "at most 330 s old"),
        "forgives no failed run": ("605-alert-one-run", "after one failed run 630 s"),
        "compares the time": ("605-alert-not-an-age", "the metric is a time"),
        "waits for an hour": ("605-alert-long", "is it in seconds"),
        "names asia itself": ("605-alert-asia-only", "the only one that is watched"),
        "asks for more than is known": ("605-alert-unknown", "can't be read"),
        "turns it round": ("605-alert-turned", "silent even when all three stop"),
    },
    "605.4": {
        "wakes what is wrong": ("605-job-runs-as-it-was", "another name"),
        "leaves it suspended": ("605-job-still-suspended", "the next run by itself will never come"),
        "loses a word of the list": ("605-job-lost-its-store", "replaced as a whole"),
        "makes no run": ("605-job-no-run", "now make a Job from it"),
        "counts the run of before": ("605-job-only-the-old-run", "of the form as it was"),
    },
    "605.5": {
        "keeps five": ("case = 5", "is silent"),
        "waits just a little": ("case = 16", "6% of the answers"),
        "waits until it fires": ("case = 30", "the alert fires"),
        "gives seconds": ("case = 1140", "between 1 and 60"),
        "gives a text": ('case = "19"', "whole number"),
    },
}

RIGHT = {
    "605.1": {
        "by a helper": reads(),
        "by datetime": reads(
            age='now - __import__("datetime").datetime.fromisoformat(column["event_timestamps"][at]).timestamp()'
        ),
        "as a Series": reads(result="pd.Series(found)"),
        "by the smallest time": (
            "def ages(answer, now):\n"
            "    import numpy as np\n"
            "    import pandas as pd\n"
            "    names = list(answer['metadata']['feature_names'])\n"
            "    key = names.index('region')\n"
            "    rest = [c for i, c in enumerate(answer['results']) if i != key]\n"
            "    when = np.array([pd.to_datetime(c['event_timestamps']).astype('int64') / 1e9 for c in rest])\n"
            "    there = np.array([[s == 'PRESENT' for s in c['statuses']] for c in rest]).all(axis=0)\n"
            "    age = np.where(there, now - when.min(axis=0), np.inf)\n"
            "    return dict(zip(answer['results'][key]['values'], age))"
        ),
    },
    "605.2": {"in one word": "605-limit-right", "in two words": "605-limit-two-words"},
    "605.3": {
        "of each series": "605-alert-right",
        "by region": "605-alert-by-region",
        "in minutes": "605-alert-other-side",
    },
    "605.4": {"with a Job of another name": "605-job-mended"},
    "605.5": {"seventeen": "case = 17", "twenty": "case = 20"},
}


@pytest.mark.parametrize(
    ("key", "given"),
    [
        *((key, "605-nothing") for key in ("605.2", "605.3", "605.4")),
        ("605.2", "605-limit-begun"), ("605.3", "605-alert-begun"), ("605.4", "605-job-begun"),
    ],
)  # fmt: skip
def test_what_was_not_touched_is_not_yet_an_answer(key, given) -> None:
    assert proof.outcome_of(key, given).kind is Kind.NOT_YET


def test_an_empty_namespace_is_not_yet_an_answer() -> None:
    assert evaluate("605.4", seen=Snapshot("lab-605")).kind is Kind.NOT_YET


@pytest.mark.parametrize(("limit", "woken"), [(">= 900", ""), ("> 631", "45.5"), ("> 750", "47.5"), ("> 1200", "55")])
def test_the_alert_comes_neither_early_nor_late(limit, woken) -> None:
    seen = recorded("605-alert-right")
    objects = copy.deepcopy(seen.objects)
    item = next(one for one in objects if one["kind"] == "ConfigMap" and one["metadata"]["name"] == "alerts")
    assert "> 900" in item["data"]["rules.yaml"]
    item["data"]["rules.yaml"] = item["data"]["rules.yaml"].replace("> 900", limit)
    outcome = evaluate("605.3", seen=Snapshot(seen.namespace, objects, seen.events, seen.logs))
    assert outcome.kind is (Kind.FAIL if woken else Kind.PASS)
    assert not woken or f"woken after {woken} minutes" in outcome.saw


def test_the_handouts_manifest_is_the_handouts() -> None:
    text = (lab.manifests_of("605") / "broken" / "handout.yaml").read_text()
    assert all(words in text for words in ("image: feast:latest", "replicas: 3", 'value: "feast-core:6565"'))
    assert "selector" not in text and "command" not in text


def test_the_found_job_differs_from_the_right_one_by_a_rename_only() -> None:
    folder = lab.manifests_of("605")
    ((right,), (found,)) = (show.documents(folder / name) for name in ("refresh.yaml", "broken/refresh.yaml"))
    container = found["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert container["command"].pop() == "--rename=asia=asia-1"
    assert found == right


@pytest.mark.parametrize("case", features_605.questions(random.Random(0)), ids=lambda case: case.told)
def test_the_cases_are_what_a_feature_server_says(case) -> None:
    said = features_605.answer(case.ages, features_605.BEGIN, case.order, case.status)
    assert sorted(said["metadata"]["feature_names"]) == sorted(["region", *features_605.FEATURES])
    assert {len(column["values"]) for column in said["results"]} == {len(case.ages)}


@pytest.mark.parametrize(
    ("minutes", "loud", "late"), [(15, False, 0.0), (20, False, 0.25), (21, True, 0.285), (60, True, 0.75)]
)
def test_runs_that_are_too_rare_are_late_before_they_are_loud(minutes, loud, late) -> None:
    rule = Rule("a", f"time() - {features_605.METRIC} > 900", 300)
    fired, share = features_605.played(minutes, rule)
    assert fired is loud
    assert share == pytest.approx(late, abs=0.01)

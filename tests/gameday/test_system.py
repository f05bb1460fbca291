"""What the day borrows from other labs, its rules and queries, the reference's choice of rows, and lines of the checklist that need no cluster."""

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from labsupport.apps.ledger import trace_ids
from labsupport.cluster import lab, show
from labsupport.cluster.snapshot import Snapshot
from labsupport.gameday import checklist, commands, dashboard, desk, facts, repairs, system
from labsupport.lessons.cases import gameday_615
from labsupport.monitoring.rules import rules_of

BORROWED = [("605", "checkpoint.yaml"), ("605", "record.yaml"), ("605", "server.yaml"), ("605", "refresh.yaml"), ("605", "forecast.yaml"), ("611", "gateway.yaml"), ("611", "traefik.yaml")]  # fmt: skip


@pytest.mark.parametrize(("number", "file"), BORROWED)
def test_what_is_borrowed_names_this_lab_and_no_other(number: str, file: str) -> None:
    items = system.borrowed(number, file)
    assert len(items) == len(show.documents(lab.manifests_of(number) / file))
    assert number not in json.dumps(items)


def test_the_feature_server_runs_without_the_process_for_its_metrics_and_is_else_that_of_lab_605() -> None:
    (changed,) = (item for item in system.feature_store() if item["kind"] == "Deployment")
    (theirs,) = (item for item in system.borrowed("605", "server.yaml") if item["kind"] == "Deployment")
    words = changed["spec"]["template"]["spec"]["containers"][0]["command"]
    assert words.pop() == "--no-metrics"
    assert changed == theirs


def test_the_status_is_in_the_order_of_time() -> None:
    entries = [{"at": 0.0, "what": "begin"}, {"at": 9.0, "what": "page"}, {"at": 5.0, "what": "alert"}]
    assert [line.split()[-1] for line in commands.lines(entries)] == ["begin", "alert", "page"]


def test_the_kinds_of_the_gateway_are_those_of_lab_611() -> None:
    assert lab._kinds_of("615") == lab._kinds_of("611") != []


def test_each_alert_that_an_incident_shows_itself_by_is_a_rule_and_has_the_facts_threshold() -> None:
    configmap = next(
        item for item in show.documents(lab.manifests_of("615") / "prometheus.yaml") if item["kind"] == "ConfigMap"
    )
    rules = {rule["alert"]: rule for group in yaml.safe_load(rules_of(configmap))["groups"] for rule in group["rules"]}
    assert set(rules) == set(facts.ALERT.values())
    assert all(rule["labels"] == {"severity": "page"} for rule in rules.values())
    wanted = {
        "InputsShifted": facts.SHIFTED,
        "FeaturesOld": facts.OLD_S,
        "FailuresOdd": facts.ODD,
        "RequestsFail": facts.LOST,
    }
    for name, threshold in wanted.items():
        assert float(rules[name]["expr"].split(">")[-1]) == threshold
    panels = {panel.title: panel.threshold for panel in dashboard.PANELS}
    assert (panels["No answer"], panels["Inputs moved"], panels["Labels: failed"]) == (
        facts.LOST,
        facts.SHIFTED,
        facts.ODD,
    )
    assert panels["Age of features"] == facts.OLD_S / 3600


def test_every_metric_that_is_asked_for_is_one_that_somebody_tells() -> None:
    asked = " ".join([*facts.QUERIES.values(), *(panel.query for panel in dashboard.PANELS)])
    ledger = {"requests_total", "wrong_total", "judged_total", "input_psi", "failed_share", "hold_share"}
    assert set(re.findall(r"ledger_(\w+)", asked)) == ledger


def test_another_way_to_count_tests_changes_one_argument() -> None:
    kept = SimpleNamespace(objects=lambda file: show.documents(lab.manifests_of("615") / file))
    before: Any = next(item for item in kept.objects("ledger.yaml") if item["kind"] == "Deployment")
    words = before["spec"]["template"]["spec"]["containers"][0]["args"]
    changed = desk.arguments(kept, "every-run")  # type: ignore[arg-type]
    assert [(a, b) for a, b in zip(words, changed, strict=True) if a != b] == [
        ("--count-tests=branch", "--count-tests=every-run")
    ]


@pytest.mark.parametrize("seed", range(4))
def test_the_reference_voids_the_source_that_stands_out_and_nobody_in_a_good_batch(seed: int) -> None:
    rows, bad = gameday_615.batch(seed)
    whole = [{**row, "record": {}, "at": 0.0, "version": "1", "hold": False, "void": False} for row in rows]
    found = set(repairs.suspects(whole))
    assert len(bad & found) >= 0.9 * len(bad) and len(found - bad) <= 12
    good, _ = gameday_615.batch(seed, poisoned=False)
    whole = [{**row, "record": {}, "at": 0.0, "version": "1", "hold": False, "void": False} for row in good]
    assert repairs.suspects(whole) == []


@pytest.mark.parametrize("failed", [[], [19], [20, 30]], ids=["no failure", "the newest", "two"])
def test_a_few_honest_failures_accuse_nobody_and_no_rows_nobody_else(failed: list[int]) -> None:
    plain = {"record": {}, "at": 0.0, "version": "1", "hold": False, "void": False}
    rows = [{**plain, "id": at, "source": f"build-{at % 4}", "failed": 39 - at in failed} for at in range(40)]
    assert repairs.suspects(rows) == repairs.suspects([]) == []
    assert repairs.suspects([row | {"failed": None} for row in rows]) == []


def test_without_a_registry_and_a_server_that_answers_no_version_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checklist, "_snapshot", lambda day: Snapshot("lab-615", []))
    monkeypatch.setattr(checklist, "_answer", lambda day, deploy: (503, {}))
    assert checklist.versioning(SimpleNamespace())[0] is False  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_gate_of_the_data_is_tried_with_a_good_and_a_bad_delivery(seed: int) -> None:
    holds, saw = checklist.data_pipeline(SimpleNamespace(seed=seed))  # type: ignore[arg-type]
    assert holds and "is stopped" in saw


def test_a_line_that_cannot_be_looked_at_does_not_hold_and_the_others_are_looked_at() -> None:
    lines = checklist.look(SimpleNamespace(seed=0))  # type: ignore[arg-type]
    assert len(lines) == 9
    held = [line.text for line in lines if line.holds]
    assert held == ["CI/CD", "Data pipeline"]
    assert all("can't be looked at" in line.saw for line in lines if not line.holds)


def test_the_ids_of_traces_are_read_off_spans() -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    for byte in (1, 2, 2):
        request.resource_spans.add().scope_spans.add().spans.add(trace_id=bytes([byte]) * 16, span_id=b"12345678")
    assert trace_ids(request.SerializeToString()) == ["01" * 16, "02" * 16]

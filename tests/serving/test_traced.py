"""The server that tells of single requests: its spans, its log lines, and who pays nothing for them."""

import json

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from labsupport.serving import spoil
from labsupport.serving.metrics import ServerMetrics
from labsupport.serving.models import Folder, Model
from labsupport.serving.traced import TracedApp

PARENT = {"traceparent": "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"}
UNSAMPLED = {"traceparent": PARENT["traceparent"][:-2] + "00"}


@pytest.fixture
def traced(kit, tmp_path):
    """A traced server for the model that adds two numbers up, and where its spans come out."""
    kit.write_sum(tmp_path / "model.onnx")
    metrics, spans, provider = ServerMetrics(), InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return TracedApp(Model("sum", Folder(tmp_path), metrics), metrics, tracer=provider.get_tracer("test")), spans


def test_a_request_with_an_id_has_its_stages_one_after_the_other(traced, kit, capsys) -> None:
    app, spans = traced
    answer = kit.ask(app, "POST", "/v2/models/sum/infer", json=kit.body([[1, 2]]), headers=PARENT)
    found = {span.name: span for span in spans.get_finished_spans()}
    assert answer.status_code == 200 and set(found) == {"request", "read", "queue", "model", "answer"}
    assert {f"{span.context.trace_id:032x}" for span in found.values()} == {"ab" * 16}
    order = [found[name] for name in ("read", "queue", "model", "answer")]
    assert [span.parent.span_id for span in order] == [found["request"].context.span_id] * 4
    assert all(before.end_time == after.start_time for before, after in zip(order, order[1:], strict=False))
    assert (order[0].start_time, order[-1].end_time) == (found["request"].start_time, found["request"].end_time)
    assert found["model"].attributes == {"batch.requests": 1, "batch.rows": 1}
    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (line["trace_id"], line["status"], line["level"]) == ("ab" * 16, 200, "info")


def test_without_an_id_nothing_is_told(traced, kit, capsys) -> None:
    app, spans = traced
    assert kit.ask(app, "POST", "/v2/models/sum/infer", json=kit.body([[1, 2]])).status_code == 200
    assert not spans.get_finished_spans() and "trace_id" not in capsys.readouterr().err


def test_what_the_client_did_not_sample_is_logged_and_not_traced(traced, kit, capsys) -> None:
    app, spans = traced
    kit.ask(app, "POST", "/v2/models/sum/infer", json=kit.body([[1, 2]]), headers=UNSAMPLED)
    assert not spans.get_finished_spans() and "ab" * 16 in capsys.readouterr().err


def test_a_refused_request_has_no_queue(traced, kit) -> None:
    app, spans = traced
    assert kit.ask(app, "POST", "/v2/models/sum/infer", content=b"{", headers=PARENT).status_code == 400
    assert [span.name for span in spans.get_finished_spans()] == ["request"]


def test_an_export_that_has_no_answer_above_a_limit_fails_there_and_nowhere_else(kit, risk_folder, tmp_path) -> None:
    spoil.no_answer_above(risk_folder, tmp_path / "spoilt", column=1, limit=40.0)
    deploy = {
        "lines_changed": 90, "author_deploys": 60, "tests_failed_before": 1, "coverage": 0.8, "dependency_bump": False,
        "friday": False, "hour": 11.0,
    }  # fmt: skip
    answers = {}
    for name, folder in (("right", risk_folder), ("spoilt", tmp_path / "spoilt")):
        app = kit.serve(folder, "deploy-risk").app
        for files in (8, 40, 41):
            answers[name, files] = kit.ask(app, "POST", "/predict", json=deploy | {"files_changed": files})
    assert [answers["spoilt", files].status_code for files in (8, 40, 41)] == [200, 200, 500]
    assert answers["spoilt", 8].json()["probability_of_failure"] == answers["right", 8].json()["probability_of_failure"]
    assert answers["right", 41].status_code == 200

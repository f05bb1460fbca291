"""Exported files are judged as their models are, and pass against themselves."""

import pytest

from labsupport.delivery import judging, training
from labsupport.serving import export
from labsupport.world import deploy_records


def test_a_file_is_judged_as_its_model_is(tmp_path) -> None:
    model = training.train(training.Recipe(0, 2_000))
    export.export_deploy_risk(model, tmp_path, deploy_records(2_000, seed=0)[0])
    records = training.judged_on(0, 500)
    file = tmp_path / "model.onnx"
    assert judging.probabilities(file, records) == pytest.approx(model.probability(records), abs=1e-5)
    question, expected = judging.known_answer(file)
    assert expected == pytest.approx(judging.probabilities(file, training.judged_on(0, 1))[0])
    assert set(question) >= {"lines_changed", "hour"}
    assert judging.slices_of(records)["Fridays"].sum() == records["friday"].sum()


def test_a_file_passes_against_itself(tmp_path) -> None:
    export.export_deploy_risk(training.train(training.Recipe(0, 6_000)), tmp_path, deploy_records(6_000, seed=0)[0])
    file = tmp_path / "model.onnx"
    assert all(gate.passed for gate in judging.judge(file, file, seed=0))

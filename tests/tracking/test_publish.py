"""An export becomes a version in a real registry, and the server follows the alias."""

import asyncio

import pytest

from labsupport import tracking
from labsupport.ml import deploy_risk
from labsupport.serving import export
from labsupport.serving.metrics import ServerMetrics
from labsupport.serving.models import Model, source
from labsupport.serving.publish import publish
from labsupport.serving.session import ModelError
from labsupport.world import deploy_records

NAME = "served-risk"


def test_the_server_follows_the_alias_and_comes_back_from_versions_that_it_cannot_serve(
    server, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    records = deploy_records(1_000, seed=0)[0]
    for seed in (0, 1):
        export.export_deploy_risk(deploy_risk.train(seed=seed, count=1_000), tmp_path / str(seed), records)
    first, second = (publish(tmp_path / str(seed), NAME) for seed in (0, 1))
    tracking.promote(NAME, first)

    model = Model("risk", source(f"models:/{NAME}@champion"), ServerMetrics())
    assert (model.current.version, model.current.front is not None) == (first, True)
    tracking.promote(NAME, second)
    asyncio.run(model.refresh())
    assert (model.current.version, model.problem) == (second, None)

    trained = tracking.record(tracking.Recipe("tree", max_depth=2, rows=500), "not exported")
    tracking.promote(NAME, tracking.register(trained, NAME))
    asyncio.run(model.refresh())
    assert model.current.version == second
    assert "gives no model.onnx" in (model.problem or "")
    tracking.rollback(NAME)
    asyncio.run(model.refresh())
    assert (model.current.version, model.problem) == (second, None)


def test_an_unknown_alias_is_a_sentence(server, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    with pytest.raises(ModelError, match="nobody@champion: .*not found"):
        Model("risk", source("models:/nobody@champion"), ServerMetrics())


def test_a_file_that_was_not_exported_here_is_not_published(server, tmp_path) -> None:
    import onnx
    from onnx import TensorProto, helper

    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "same", value[:1], value[1:])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), tmp_path / "model.onnx"
    )
    with pytest.raises(ModelError, match="has no card"):
        publish(tmp_path, NAME)

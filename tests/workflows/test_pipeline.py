"""The four steps of the pipeline, one after another in a folder, and what they say when something is missing."""

import json
from pathlib import Path

import pytest

from labsupport.apps import pipeline as program
from labsupport.tracking import Recipe, local_server, promote
from labsupport.tracking.registry import find
from labsupport.workflows import pipeline

RECIPE = Recipe("logistic", rows=2000)


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    pipeline.train(tmp_path, RECIPE, pipeline.prepare(tmp_path, RECIPE))
    return tmp_path


def test_the_verdict_is_whether_the_skill_on_unseen_deploys_is_enough(trained: Path) -> None:
    assert pipeline.evaluate(trained, least=0.01) == "better"
    skill = json.loads((trained / pipeline.RESULT_FILE).read_text())["skill_validation"]
    assert pipeline.evaluate(trained, least=skill) == "better"
    assert pipeline.evaluate(trained, least=skill + 1e-9) == "worse"


def test_a_tree_of_any_depth_knows_its_records_by_heart_and_does_not_pass(tmp_path: Path) -> None:
    tree = Recipe("tree", rows=2000)
    pipeline.train(tmp_path, tree, pipeline.prepare(tmp_path, tree))
    assert pipeline.evaluate(tmp_path, least=0.0) == "worse"
    assert json.loads((tmp_path / pipeline.RESULT_FILE).read_text())["skill_learnt"] > 0.99


def test_records_of_another_run_are_not_trained_on(tmp_path: Path) -> None:
    mine = pipeline.prepare(tmp_path, RECIPE)
    pipeline.prepare(tmp_path, Recipe("logistic", rows=2000, data_seed=1))
    with pytest.raises(pipeline.StepError, match="not what `prepare` made"):
        pipeline.train(tmp_path, RECIPE, mine)


def test_a_step_before_its_time_says_which_one_is_missing(tmp_path: Path) -> None:
    with pytest.raises(pipeline.StepError, match="has `prepare` run"):
        pipeline.train(tmp_path, RECIPE, "")
    pipeline.prepare(tmp_path, RECIPE)
    with pytest.raises(pipeline.StepError, match="has `train` run"):
        pipeline.evaluate(tmp_path, 0.0)


def test_a_server_that_is_away_is_noticed_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(pipeline.StepError, match="does not answer"):
        pipeline.register(tmp_path, RECIPE, "http://127.0.0.1:9", "u-1")


def test_registered_twice_it_is_one_version_and_champion(
    trained: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pipeline.evaluate(trained, least=0.0)
    with local_server(tmp_path_factory.mktemp("books")) as server:
        first = pipeline.register(trained, RECIPE, server.uri, "u-1")
        assert pipeline.register(trained, RECIPE, server.uri, "u-1") == first
        second = pipeline.register(trained, RECIPE, server.uri, "u-2")
        assert second != first
        promote(pipeline.MODEL, first)
        assert pipeline.register(trained, RECIPE, server.uri, "u-2") == second
        champion = find(pipeline.MODEL, "champion")
        assert champion is not None and champion.version == second


def test_the_program_writes_what_its_step_returns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["prepare", f"--folder={tmp_path}", f"--value={tmp_path}/hash"]) == 0
    assert len((tmp_path / "hash").read_text()) == 64
    assert program.main(["evaluate", f"--folder={tmp_path}"]) == 1
    assert "has `train` run" in capsys.readouterr().err

"""A run's record is enough to train it again; versions move by alias; nothing untrusted is loaded."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from labsupport import tracking
from labsupport.tracking import Recipe, TrackingError
from labsupport.tracking.colleague import colleagues_run
from labsupport.tracking.recipe import COLUMNS, data_hash, parts, train

SMALL = Recipe(max_depth=3, rows=800, data_seed=1)


@pytest.fixture(scope="module")
def recorded(server) -> str:
    return tracking.record(SMALL, "small tree")


@pytest.fixture
def client(server):
    import mlflow

    return mlflow.MlflowClient()


@pytest.mark.parametrize("recipe", [SMALL, Recipe(), Recipe("logistic", data_seed=9), Recipe(min_samples_leaf=4)])
def test_a_recipe_is_read_back_from_its_record(recipe) -> None:
    assert Recipe.from_record(recipe.as_record()) == recipe


def test_a_recipe_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="logistic model or a tree"):
        Recipe.from_record(SMALL.as_record() | {"model": "forest"})


def test_skill_is_1_for_the_truth_0_for_the_base_rate_and_below_for_worse() -> None:
    failed = np.array([True, False, False, False])
    assert tracking.brier_skill(failed, failed, 0.25) == 1
    assert tracking.brier_skill(np.full(4, 0.25), failed, 0.25) == 0
    assert tracking.brier_skill(~failed, failed, 0.25) < 0


def test_parts_follow_each_other_and_leave_no_record_out() -> None:
    learn, choose, final = parts(1001)
    assert (learn.start, learn.stop, choose.stop, final.stop) == (0, choose.start, final.start, 1001)


def test_the_hash_of_data_sees_one_changed_cell() -> None:
    records = SMALL.records()
    changed = records.copy()
    changed.loc[7, "files_changed"] = changed["files_changed"].loc[7] + 1
    assert data_hash(records) == data_hash(records.copy()) != data_hash(changed)


def test_what_comes_after_the_validation_part_does_not_change_the_model() -> None:
    records = SMALL.records()
    other = records.copy()
    final = parts(len(records))[2]
    other.loc[other.index[final], "failed"] = ~other["failed"][final]
    assert train(SMALL, records).metrics == train(SMALL, other).metrics


def test_a_record_holds_recipe_versions_data_and_metrics(recorded, client) -> None:
    data = client.get_run(recorded).data
    assert data.params == SMALL.as_record() | {"data_sha256": data_hash(SMALL.records())}
    assert set(data.metrics) == {"skill_learnt", "skill_validation"}
    assert {"version.python", "version.numpy", "version.scikit-learn", "version.skops"} <= set(data.tags)


def test_a_run_is_reproduced_to_the_last_bit(recorded) -> None:
    again = tracking.reproduce(recorded)
    assert again.same
    assert again.differences == ()
    assert "same to the last bit" in str(again)


def test_other_data_is_named_as_the_reason(server) -> None:
    records = SMALL.records()
    again = tracking.reproduce(tracking.record(SMALL, "quiet filter", records=records[records.hour < 20]))
    assert not again.same
    assert "the data: SHA-256 was" in again.differences[0]


def test_another_library_version_is_named(client) -> None:
    run = tracking.record(SMALL, "older")
    client.set_tag(run, "version.scikit-learn", "1.0.2")
    again = tracking.reproduce(run)
    assert again.same
    assert any(text.startswith("scikit-learn: was 1.0.2") for text in again.differences)


def test_a_metric_that_nothing_recorded_explains_is_called_so(client) -> None:
    run = tracking.record(SMALL, "moved")
    client.log_metric(run, "skill_validation", 0.5)
    again = tracking.reproduce(run)
    assert not again.same
    assert "nothing that was recorded differs" in str(again)


def test_a_run_that_failed_before_its_metric_can_not_be_reproduced_or_registered(server) -> None:
    import mlflow

    with pytest.raises(ValueError), mlflow.start_run(run_name="broken") as run:
        raise ValueError
    with pytest.raises(TrackingError, match=r"'broken' \(FAILED\).*lacks model, max_depth"):
        tracking.reproduce(run.info.run_id)
    with pytest.raises(TrackingError, match="is FAILED and has 0 models"):
        tracking.register(run.info.run_id, "risk")


def test_an_unknown_run_is_named(server) -> None:
    with pytest.raises(TrackingError, match="no run 'f00'"):
        tracking.reproduce("f00")


def test_champion_previous_and_rollback_move_by_alias(recorded, client) -> None:
    name = "by-alias"
    with pytest.raises(TrackingError, match="nothing to go back to"):
        tracking.rollback(name)
    first, second = tracking.register(recorded, name), tracking.register(recorded, name)
    tracking.promote(name, first)
    tracking.promote(name, second)
    tracking.promote(name, second)
    assert client.get_registered_model(name).aliases == {"champion": second, "previous": first}
    with pytest.raises(TrackingError, match="has no version 99: nothing was promoted"):
        tracking.promote(name, "99")
    assert client.get_registered_model(name).aliases == {"champion": second, "previous": first}
    assert tracking.rollback(name) == first == tracking.rollback(name)
    assert client.get_registered_model(name).aliases == {"champion": first, "previous": first}


def test_once_finds_the_run_and_the_version_that_are_there(recorded, client) -> None:
    again = tracking.record(SMALL, "once", once=True)
    assert tracking.record(SMALL, "once", once=True) == again
    assert tracking.record(SMALL, "another name", once=True) != again
    assert tracking.record(replace(SMALL, seed=9), "once", once=True) != again
    first = tracking.register(again, "once")
    assert tracking.register(again, "once", once=True) == first
    assert tracking.register(recorded, "once", once=True) != first


def test_a_loaded_version_answers_with_the_probabilities_of_the_model(recorded) -> None:
    tracking.promote("answers", tracking.register(recorded, "answers"))
    X = tracking.features(SMALL.records())
    want = train(SMALL).model.predict_proba(X)
    assert np.array_equal(tracking.load("answers").predict(X[list(reversed(COLUMNS))]), want)


def test_an_alias_that_points_nowhere_is_named(server) -> None:
    with pytest.raises(TrackingError, match="nothing has no alias 'champion'"):
        tracking.load("nothing")
    with pytest.raises(TrackingError, match="no card"):
        tracking.model_card("nothing", "champion")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"serialization_format": "cloudpickle"}, "not stored by skops"),
        (
            {"skops_trusted_types": ["sklearn.tree._tree.Tree", "labsupport.ml.linear.LinearRegression"]},
            "types that are not trusted: labsupport.ml.linear",
        ),
    ],
)
def test_what_is_not_on_our_list_is_not_loaded(server, how, words) -> None:
    import mlflow

    from labsupport.ml.linear import LinearRegression

    X = tracking.features(SMALL.records()).drop(columns="friday")
    model = LinearRegression().fit(X, np.arange(len(X)))
    with mlflow.start_run() as run:
        mlflow.sklearn.log_model(model, name="model", pip_requirements=["scikit-learn"], **how)
    tracking.promote("strange", tracking.register(run.info.run_id, "strange"))
    with pytest.raises(TrackingError, match=words):
        tracking.load("strange")


class Bomb:
    """A pickle that touches a file when it is loaded."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


def other_loader(model: Path, flavors: dict, mark: Path) -> None:
    (model / "code").mkdir()
    (model / "code" / "stranger.py").write_text(f"def _load_pyfunc(path): open({str(mark)!r}, 'w')\n")
    flavors["python_function"] |= {"loader_module": "stranger", "code": "code"}


def pickled(model: Path, flavors: dict, mark: Path) -> None:
    (model / "model.pkl").write_bytes(pickle.dumps(Bomb(mark)))
    flavors["python_function"]["model_path"] = flavors["sklearn"]["pickled_model"] = "model.pkl"
    flavors["sklearn"]["serialization_format"] = "pickle"


def pickled_elsewhere(model: Path, flavors: dict, mark: Path) -> None:
    (model / "data").mkdir()
    (model / "data" / "model.pkl").write_bytes(pickle.dumps(Bomb(mark)))
    flavors["python_function"]["data"] = "data/model.pkl"


@pytest.mark.parametrize("decoy", [other_loader, pickled, pickled_elsewhere])
def test_a_file_of_skops_beside_what_would_be_loaded_is_no_model_of_skops(
    recorded, tmp_path, monkeypatch, decoy
) -> None:
    import mlflow
    import yaml

    tracking.promote("decoy", tracking.register(recorded, "decoy"))
    download, mark = mlflow.artifacts.download_artifacts, tmp_path / "was-run"

    def downloaded(uri: str, dst_path: str) -> str:
        model = Path(download(uri, dst_path=dst_path))
        said = yaml.safe_load((model / "MLmodel").read_text())
        decoy(model, said["flavors"], mark)
        (model / "MLmodel").write_text(yaml.safe_dump(said))
        return str(model)

    monkeypatch.setattr(mlflow.artifacts, "download_artifacts", downloaded)
    with pytest.raises(TrackingError, match="not stored by skops"):
        tracking.load("decoy")
    assert not mark.exists()


def test_a_card_says_what_it_is_made_from_and_its_limits(recorded) -> None:
    tracking.promote("card", tracking.register(recorded, "card"))
    card = tracking.model_card("card", "champion", ("not for weekends",))
    for words in (
        "card, version 1",
        "at most 3 questions",
        "lines_changed, files_changed",
        "800 deploy records, seed 1",
        "not for weekends",
    ):
        assert words in card
    assert recorded not in card


def test_the_colleagues_run_has_the_best_score_and_is_not_reproduced(server, client) -> None:
    run = client.get_run(colleagues_run(0))
    assert run.data.metrics["skill_validation"] > 0.5
    again = tracking.reproduce(run.info.run_id)
    assert again.now < 0
    assert "the data" in again.differences[0]


def test_loading_and_cards_leave_no_file(recorded, tmp_path, monkeypatch) -> None:
    import tempfile

    tracking.promote("clean", tracking.register(recorded, "clean"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    tracking.load("clean")
    tracking.model_card("clean", "champion")
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_without_limits_grows_to_the_end() -> None:
    assert train(replace(SMALL, max_depth=None)).metrics["skill_learnt"] == 1

"""The deploy-risk model: one road from a record to a probability, a threshold from prices, a card that is plain JSON."""

import json

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from labsupport.ml.deploy_risk import COLUMNS, UNITS, DeployRisk, features, split, train
from labsupport.ml.thresholds import Prices
from labsupport.world import deploy_records


@pytest.fixture(scope="module")
def risk() -> DeployRisk:
    return train(0)


def test_it_is_a_scaler_and_a_regression_on_named_columns(risk: DeployRisk) -> None:
    assert [type(step) for step in risk.pipeline] == [StandardScaler, LogisticRegression]
    assert tuple(risk.pipeline.feature_names_in_) == COLUMNS == tuple(UNITS)


def test_the_same_seed_gives_the_same_model_and_another_one_another() -> None:
    one, same, other = (train(seed, count=1500) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.pipeline[-1].coef_, same.pipeline[-1].coef_)
    assert one.metadata == same.metadata
    assert (one.pipeline[-1].coef_ != other.pipeline[-1].coef_).any()


def test_the_last_part_is_not_looked_at(risk: DeployRisk) -> None:
    records, _ = deploy_records(seed=0)
    learn, _, judge = split(records)
    again = clone(risk.pipeline).fit(features(learn), learn.failed.astype(int))
    np.testing.assert_allclose(again[-1].coef_, risk.pipeline[-1].coef_)
    assert risk.metadata["records"] == {"learn": 3600, "choose": 1200}
    assert risk.metadata["learnt_until"] < str(judge.time.min())


def test_parts_follow_each_other_in_time_and_lose_nothing() -> None:
    records, _ = deploy_records(1000, seed=3)
    learn, choose, judge = split(records.sample(frac=1, random_state=0))
    assert [len(part) for part in (learn, choose, judge)] == [600, 200, 200]
    assert learn.time.max() <= choose.time.min() <= choose.time.max() <= judge.time.min()


def test_the_threshold_is_the_ratio_of_the_prices(risk: DeployRisk) -> None:
    assert risk.threshold == pytest.approx(0.1)
    assert train(0, count=1500, prices=Prices(60, 300)).threshold == pytest.approx(0.2)


@pytest.mark.parametrize("seed", range(3))
def test_on_deploys_of_another_world_it_keeps_its_promise_and_saves_money(seed: int) -> None:
    risk = train(seed)
    other, truth = deploy_records(20_000, seed=100 + seed)
    probability = risk.probability(other)
    assert probability.mean() == pytest.approx(other.failed.mean(), abs=0.01)
    assert np.corrcoef(probability, truth)[0, 1] > 0.85
    prices = Prices(60, 600)
    nothing = prices.per_example(np.zeros(len(other)), other.failed)
    assert prices.per_example(risk.hold(other), other.failed) < 0.85 * nothing


def test_the_card_is_json_and_its_interval_holds_the_ratio(risk: DeployRisk) -> None:
    for card in (risk.metadata, *(train(1, count=count).metadata for count in (300, 1500))):
        assert json.loads(json.dumps(card, allow_nan=False)) == card
    low, high = risk.metadata["validation"]["cheapest_threshold_interval"]
    assert low < risk.threshold < high


def test_features_are_the_same_for_one_record_and_for_many() -> None:
    records, _ = deploy_records(50, seed=4)
    many = features(records)
    for row in range(0, 50, 7):
        one = features(records.iloc[[row]])
        np.testing.assert_array_equal(one.to_numpy()[0], many.to_numpy()[row])
    assert set(many.dtypes) == {np.dtype(float)}
    assert many.night.eq((records.hour >= 20) | (records.hour < 6)).all()


def test_a_record_that_lacks_a_field_is_named() -> None:
    records, _ = deploy_records(5, seed=0)
    with pytest.raises(ValueError, match="lack coverage"):
        features(records.drop(columns="coverage"))


def test_the_pipeline_is_saved_and_loaded_by_lesson_201s_artefact(risk: DeployRisk, tmp_path) -> None:
    from labsupport.serving import artefact

    learn, _, judge = split(deploy_records(seed=0)[0])
    artefact.save(risk.pipeline, tmp_path, features(learn), learn.failed.astype(int), {**UNITS, "failed": "0 or 1"})
    loaded = artefact.load(tmp_path).model
    np.testing.assert_array_equal(loaded.predict_proba(features(judge))[:, 1], risk.probability(judge))

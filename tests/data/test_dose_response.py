"""Damaged records are learnt from and billed by the undamaged world."""

import numpy as np
import pandas as pd
import pytest

from labsupport.data.dose_response import CATALOGUE, bill, models, outcome_of, respond
from labsupport.ml.deploy_risk import PRICES
from labsupport.world import deploy_records


@pytest.mark.parametrize("name", CATALOGUE)
def test_dose_0_of_every_damage_gives_the_records_back(name: str) -> None:
    records = deploy_records(500, seed=0)[0]
    given = CATALOGUE[name].apply(records, CATALOGUE[name].doses[0], 3)
    pd.testing.assert_frame_equal(given, records)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_highest_dose_changes_them_and_leaves_the_given_ones_alone(name: str) -> None:
    records = deploy_records(500, seed=0)[0]
    before = records.copy(deep=True)
    assert not CATALOGUE[name].apply(records, CATALOGUE[name].doses[-1], 3).equals(records)
    pd.testing.assert_frame_equal(records, before)


def test_unrecorded_failures_promise_less_and_cost_more() -> None:
    clean = [respond(CATALOGUE["unrecorded failures"], 0.0, "logistic", seed) for seed in range(3)]
    spoilt = [respond(CATALOGUE["unrecorded failures"], 0.5, "logistic", seed) for seed in range(3)]
    assert np.mean([o.promised for o in spoilt]) < np.mean([o.promised for o in clean]) - 5
    assert np.mean([o.paid for o in spoilt]) > np.mean([o.paid for o in clean]) + 1


def test_accuracy_depends_on_the_threshold_of_the_decision() -> None:
    clean, spoilt = (respond(CATALOGUE["unrecorded failures"], dose, "logistic", 0) for dose in (0.0, 0.5))
    # At 0.5 hardly a deploy is held, and the accuracy is that of who holds nothing, whatever the records say.
    assert clean.held_at_half < 0.02
    assert abs(spoilt.accuracy_at_half - (1 - clean.failing)) < 0.01
    # Where the team decides, who holds less is right more often, and pays more.
    assert spoilt.held < clean.held / 2
    assert spoilt.accuracy > clean.accuracy + 0.05
    assert spoilt.paid > clean.paid


def test_nobody_pays_less_than_who_knows_the_true_probability() -> None:
    records = deploy_records(2_000, seed=5)[0]
    for model in models():
        outcome = outcome_of(records, model)
        assert outcome.paid > outcome.best


def test_the_bill_is_that_of_the_prices() -> None:
    held = np.array([True, False, False])
    assert bill(held, np.array([0.9, 0.0, 1.0])) == pytest.approx((PRICES.alarm + 0 + PRICES.missed) / 3)

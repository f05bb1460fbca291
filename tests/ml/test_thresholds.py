"""The cheapest threshold is the cheapest, and for honest probabilities it is the ratio of the prices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.ml.thresholds import Prices


@given(st.integers(0, 10_000), st.sampled_from([1.0, 60.0, 900.0]), st.sampled_from([30.0, 600.0]))
def test_no_other_threshold_costs_less(seed: int, alarm: float, missed: float) -> None:
    rng = np.random.default_rng(seed)
    event = rng.random(60) < 0.3
    event[:2] = True, False
    score = (rng.normal(size=60) + event).round(1)
    prices = Prices(alarm, missed)
    best = prices.per_example(score >= prices.cheapest_threshold(score, event), event)
    for threshold in [*score, np.inf, -np.inf]:
        assert best <= prices.per_example(score >= threshold, event) + 1e-9


def test_for_honest_probabilities_the_cheapest_threshold_is_the_ratio() -> None:
    rng = np.random.default_rng(1)
    probability = rng.beta(1, 8, 400_000)
    prices = Prices(60, 600)
    found = prices.cheapest_threshold(probability, rng.random(400_000) < probability)
    assert prices.threshold == pytest.approx(0.1)
    assert found == pytest.approx(0.1, abs=0.01)


def test_where_an_alarm_is_never_worth_its_price_none_rings() -> None:
    assert Prices(600, 60).cheapest_threshold([0.1, 0.9, 0.4], [False, True, False]) == np.inf
    assert Prices(600, 60).threshold > 1


def test_examples_of_one_kind_have_a_cheapest_threshold_too() -> None:
    assert Prices(60, 600).cheapest_threshold([0.1, 0.9, 0.4], [False, False, False]) == np.inf
    assert Prices(60, 600).cheapest_threshold([0.1, 0.9, 0.4], [True, True, True]) == 0.1


def test_the_cost_counts_alarms_once_and_misses_once() -> None:
    # One right alarm, one false one, one miss, one rightly quiet: two alarms and one miss over four.
    assert Prices(60, 600).per_example([1, 1, 0, 0], [1, 0, 1, 0]) == pytest.approx((2 * 60 + 600) / 4)


def test_prices_are_above_nothing() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Prices(0, 600)

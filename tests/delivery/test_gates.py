"""Gates: an interval of paired differences is the bootstrap's, and opens only where `no worse` is proven."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.delivery import gates
from labsupport.ml.resampling import bootstrap, interval
from labsupport.ml.thresholds import Prices

PRICES = Prices(alarm=60, missed=600)


def test_bills_are_an_hour_for_what_is_held_and_a_night_for_what_fails() -> None:
    cost = gates.bills([True, True, False, False], [True, False, True, False], PRICES)
    assert cost.tolist() == [60, 60, 600, 0]
    assert cost.mean() == PRICES.per_example(np.array([True, True, False, False]), np.array([True, False, True, False]))


def test_the_interval_is_that_of_resampled_rows() -> None:
    difference = np.random.default_rng(1).choice([-540.0, 0.0, 60.0], 3_000, p=[0.01, 0.9, 0.09])
    ours = gates.paired(difference)
    plain = interval(bootstrap(np.mean, difference, repeats=2_000))
    assert ours == pytest.approx(plain, abs=0.25)


@given(st.lists(st.sampled_from([-60.0, 0.0, 60.0]), min_size=2, max_size=50))
def test_the_interval_holds_between_the_least_and_the_most(values: list[float]) -> None:
    low, high = gates.paired(values)
    assert min(values) <= low <= high <= max(values)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ((-2, -1), "no worse"),
        ((-1, 0.5), "no worse"),
        ((0.1, 0.5), "no worse"),
        ((0.1, 2), "worse"),
        ((-1, 2), "unsure"),
    ],
)
def test_the_verdict_is_about_all_of_the_interval(found: tuple[float, float], said: str) -> None:
    assert gates.verdict(found, margin=1) == said


def _probabilities(rows: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    probability = rng.beta(1, 13, rows)
    return probability, rng.random(rows) < probability


def names_of_failed(made: list[gates.Gate]) -> list[str]:
    return [gate.name for gate in made if not gate.passed]


def test_a_model_passes_against_itself() -> None:
    probability, failed = _probabilities()
    slices = {"first": np.arange(len(failed)) < 5_000}
    made = gates.validate_model(probability, probability, failed, slices, PRICES, seconds=(1.0, 1.0))
    assert [gate.name for gate in made] == ["all deploys", "first", "calibration", "latency"]
    assert not names_of_failed(made)


def test_harm_in_a_slice_closes_the_gate_though_the_average_passes() -> None:
    probability, failed = _probabilities()
    slices = {"first": np.arange(len(failed)) < 1_500, "rest": np.arange(len(failed)) >= 1_500}
    challenger = np.where(slices["first"], 0.0, probability)
    limits = gates.Limits(margin=5.0)
    assert names_of_failed(gates.validate_model(probability, challenger, failed, slices, PRICES, limits)) == ["first"]


def test_broken_promises_and_slowness_have_gates_of_their_own() -> None:
    probability, failed = _probabilities()
    # The same decisions by other probabilities.
    challenger = np.where(probability >= PRICES.threshold, 0.9, 0.01)
    made = gates.validate_model(probability, challenger, failed, {}, PRICES, seconds=(1.0, 6.0))
    assert names_of_failed(made) == ["calibration", "latency"]
    assert "FAILED  latency: beyond 5 times the champion's" in map(str, made)


def test_a_deploy_whose_end_is_not_known_yet_opens_no_gate() -> None:
    probability, failed = _probabilities(1_000)
    with pytest.raises(ValueError, match="1 of 1000 outcomes are not known yet"):
        gates.validate_model(probability, probability, np.append(np.nan, failed[1:]), {}, PRICES)

"""Drifts that are put in, what they cost, and the verdicts on them."""

import numpy as np
import pytest

from labsupport.drift import bills, gate, inject


def test_a_held_deploy_costs_an_hour_and_a_missed_failure_a_night() -> None:
    assert bills.bills([0.1, 0.09, 0.09, 0.5], [True, True, False, False]).tolist() == [60, 600, 0, 60]


@pytest.mark.parametrize(
    ("interval", "said"),
    [((3.1, 9), "harmful"), ((3, 9), "unknown"), ((-2, 3), "harmless"), ((-2, 3.1), "unknown")],
)
def test_a_verdict_leaves_no_other_reading(interval, said) -> None:
    assert bills.verdict(interval, 3) == said


def test_the_gate_pairs_the_bills() -> None:
    rng = np.random.default_rng(0)
    day = rng.choice([0, 60, 600], 2_000, p=[0.75, 0.2, 0.05]).astype(float)
    low, high = gate.saved(day, day - 1)
    assert low == high == 1
    assert gate.verdict((low, high)) == "better"
    assert gate.verdict(gate.saved(day, day)) == "unsure"
    assert gate.verdict(gate.saved(day, day + 1)) == "worse"


def test_a_label_drift_changes_how_often_and_not_what_fails() -> None:
    calm, drifted = inject.drifted("none", 6_000, 1), inject.drifted("failures", 6_000, 2)
    assert 1.8 < drifted["failed"].mean() / calm["failed"].mean() < 2.6
    for failed in (True, False):
        means = [frame.loc[frame["failed"] == failed, "coverage"].mean() for frame in (calm, drifted)]
        assert abs(means[0] - means[1]) < 0.03


def test_a_concept_drift_leaves_the_columns_as_they_were() -> None:
    calm, drifted = inject.drifted("none", 6_000, 1), inject.drifted("concept", 6_000, 1)
    order = ["time", "lines_changed", "coverage"]
    left, right = (frame.sort_values(order)[order].to_numpy() for frame in (calm, drifted))
    assert (left == right).all()
    assert drifted["failed"].mean() > 2 * calm["failed"].mean()


def test_an_unknown_drift_is_refused() -> None:
    with pytest.raises(ValueError, match="kind is one of"):
        inject.drifted("season", 10, 0)


def test_what_is_not_known_yet_has_no_bill() -> None:
    with pytest.raises(ValueError, match="1 of 2 outcomes are not known yet"):
        bills.bills([0.05, 0.05], [np.nan, 0])
    with pytest.raises(ValueError, match="1 of 2 probabilities are missing"):
        bills.bills([np.nan, 0.05], [True, False])

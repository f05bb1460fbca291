"""Counts, curves and calibration agree with scikit-learn, also where there is nothing to divide by."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from labsupport.ml.classification import Confusion, calibration, sweep
from labsupport.ml.information import bits

pairs = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)
# Few different scores, so that many are equal.
scored = st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=80).filter(
    lambda rows: 0 < sum(event for _, event in rows) < len(rows)
)


@given(pairs)
def test_the_four_scores_are_scikit_learns(rows: list[tuple[bool, bool]]) -> None:
    alarm, event = np.array(rows).T
    counts = Confusion.count(alarm, event)
    assert counts.accuracy == pytest.approx(metrics.accuracy_score(event, alarm))
    assert counts.precision == pytest.approx(metrics.precision_score(event, alarm, zero_division=0))
    assert counts.recall == pytest.approx(metrics.recall_score(event, alarm, zero_division=0))
    assert counts.f1 == pytest.approx(metrics.f1_score(event, alarm, zero_division=0))
    matrix = metrics.confusion_matrix(event, alarm, labels=[False, True])
    assert matrix.tolist() == [
        [counts.true_negatives, counts.false_positives],
        [counts.false_negatives, counts.true_positives],
    ]


@settings(max_examples=100)
@given(scored)
def test_both_curves_are_scikit_learns_also_with_equal_scores(rows: list[tuple[int, bool]]) -> None:
    score, event = np.array([row[0] for row in rows]) / 10, np.array([row[1] for row in rows])
    curve = sweep(score, event)
    false_rate, recall, thresholds = metrics.roc_curve(event, score, drop_intermediate=False)
    np.testing.assert_allclose(curve.false_alarm_rate, false_rate)
    np.testing.assert_allclose(curve.recall, recall)
    np.testing.assert_allclose(curve.thresholds, thresholds)
    precision, _, _ = metrics.precision_recall_curve(event, score)
    np.testing.assert_allclose(curve.precision, precision[::-1])
    assert curve.roc_area == pytest.approx(metrics.roc_auc_score(event, score))
    assert curve.average_precision == pytest.approx(metrics.average_precision_score(event, score))


@given(scored)
def test_each_point_of_a_sweep_is_what_counting_at_its_threshold_gives(rows: list[tuple[int, bool]]) -> None:
    score, event = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    curve = sweep(score, event)
    for at, threshold in enumerate(curve.thresholds):
        counts = Confusion.count(score >= threshold, event)
        assert (counts.true_positives, counts.false_positives) == (
            curve.true_positives[at],
            curve.false_positives[at],
        )


@given(st.integers(0, 1000), st.integers(1, 12))
def test_calibration_groups_are_of_equal_size_and_add_up(seed: int, groups: int) -> None:
    rng = np.random.default_rng(seed)
    probability = rng.random(100)
    event = rng.random(100) < probability
    found = calibration(probability, event, groups)
    assert found.counts.sum() == 100
    assert np.ptp(found.counts) <= 1
    assert (np.diff(found.promised) > 0).all()
    assert np.average(found.came, weights=found.counts) == pytest.approx(event.mean())
    assert np.average(found.promised, weights=found.counts) == pytest.approx(probability.mean())


def test_the_order_of_rows_with_equal_probabilities_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    probability = rng.choice([0.1, 0.4, 0.7], 1_000)
    event = rng.random(1_000) < probability
    ways = [np.arange(1_000), np.argsort(event, kind="stable"), rng.permutation(1_000)]
    found = [calibration(probability[rows], event[rows]) for rows in ways]
    for one in found[1:]:
        np.testing.assert_allclose(one.came, found[0].came)
    assert found[0].gap < 0.04
    assert calibration([0.5] * 4, [True, False, False, False], groups=4).came.tolist() == [0.25] * 4


def test_honest_probabilities_have_a_small_gap_and_doubled_ones_a_large_one() -> None:
    rng = np.random.default_rng(0)
    probability = rng.uniform(0, 0.5, 20_000)
    event = rng.random(20_000) < probability
    assert calibration(probability, event).gap < 0.01
    assert calibration(2 * probability, event).gap == pytest.approx(0.25, abs=0.02)


def test_what_cannot_be_scored_is_named() -> None:
    with pytest.raises(ValueError, match="one by one"):
        Confusion.count([True], [True, False])
    with pytest.raises(ValueError, match="one kind"):
        sweep([0.1, 0.2], [True, True])
    with pytest.raises(ValueError, match="1 of 2 scores are missing"):
        sweep([0.1, np.nan], [True, False])
    with pytest.raises(ValueError, match="1 to 2 groups"):
        calibration([0.1, 0.2], [True, False], groups=3)


@pytest.mark.parametrize("score", [Confusion.count, sweep, lambda said, came: calibration(said, came, 1), bits])
@pytest.mark.parametrize(
    "came", [[np.nan, 0, 1], np.array([None, False, True]), np.array([np.nan, False, True], object)]
)
def test_an_outcome_that_is_not_known_yet_is_no_event(score, came) -> None:
    with pytest.raises(ValueError, match="1 of 3 outcomes are not known yet"):
        score([1, 0, 0], came)


@pytest.mark.parametrize("endless", [np.inf, -np.inf])
def test_endless_scores_ring_together(endless: float) -> None:
    events = np.arange(100) < 10
    for order in (events, events[::-1]):
        assert sweep(np.full(100, endless), order).roc_area == pytest.approx(0.5)

"""Damages keep their dose, leave their input alone, and a higher dose damages the same rows and more."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.data import damage
from labsupport.world import deploy_records

RECORDS = deploy_records(400, seed=3)[0]
FRAMES = {
    "missing at random": lambda dose: damage.missing_at_random(RECORDS, "coverage", dose, 5),
    "low values missing": lambda dose: damage.missing_low_values(RECORDS, "coverage", dose),
    "mixed units": lambda dose: damage.mixed_units(RECORDS, "coverage", 100, dose, 5),
    "repeated": lambda dose: damage.repeated_rows(RECORDS, dose, 5),
    "without a slice": lambda dose: damage.without_slice(RECORDS, RECORDS.dependency_bump, dose, 5),
}


@pytest.mark.parametrize("name", FRAMES)
def test_dose_0_changes_nothing_and_no_dose_changes_the_input(name: str) -> None:
    before = RECORDS.copy(deep=True)
    pd.testing.assert_frame_equal(FRAMES[name](0.0), before)
    FRAMES[name](0.7)
    pd.testing.assert_frame_equal(RECORDS, before)


@pytest.mark.parametrize("dose", [-0.1, 1.01, float("nan")])
def test_a_dose_outside_of_0_to_1_is_refused_in_a_sentence(dose: float) -> None:
    for apply in FRAMES.values():
        with pytest.raises(ValueError, match="a dose is a share of the rows"):
            apply(dose)
    with pytest.raises(ValueError, match="a dose is a share of the rows"):
        damage.older_labels([1, 2], [2, 1], dose)


@given(st.integers(2, 60), st.floats(0, 1), st.floats(0, 1), st.integers(0, 9))
def test_exactly_the_dose_is_met_and_more_holds_less(count: int, one: float, other: float, seed: int) -> None:
    low, high = sorted((one, other))
    few, many = (damage.chosen(np.ones(count, dtype=bool), share, seed) for share in (low, high))
    assert few.sum() == round(low * count)
    assert not (few & ~many).any()


@given(st.lists(st.sampled_from("abc"), min_size=3, max_size=40), st.floats(0, 1), st.integers(0, 9))
def test_a_wrong_label_is_another_of_the_classes(labels: list[str], share: float, seed: int) -> None:
    if len(set(labels)) < 2:
        with pytest.raises(ValueError, match="another class to point at"):
            damage.wrong_labels(labels, share, seed)
        return
    wrong = damage.wrong_labels(labels, share, seed)
    assert (wrong != np.array(labels)).sum() == round(share * len(labels))
    assert set(wrong) <= set(labels)


def test_labels_of_one_class_alone_turn_when_only_that_class_is_hit() -> None:
    failed = RECORDS.failed.to_numpy()
    unrecorded = damage.wrong_labels(failed, {True: 0.5}, 1)
    assert (unrecorded & ~failed).sum() == 0
    assert (failed & ~unrecorded).sum() == round(0.5 * failed.sum())
    with pytest.raises(ValueError, match="no row has the label 'maybe'"):
        damage.wrong_labels(failed, {"maybe": 0.5}, 1)


def test_a_row_gets_the_same_wrong_label_at_every_dose() -> None:
    labels = np.arange(200) % 10
    few, many = damage.wrong_labels(labels, 0.2, 4), damage.wrong_labels(labels, 0.6, 4)
    assert (few[few != labels] == many[few != labels]).all()


def test_what_is_missing_not_at_random_are_the_lowest_values() -> None:
    left = damage.missing_low_values(RECORDS, "coverage", 0.25)
    lost = left.coverage.isna()
    assert lost.sum() == 100
    assert RECORDS.coverage[lost].max() <= left.coverage.min()


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="there is no column 'cover'; the columns are time, lines_changed"):
        damage.missing_at_random(RECORDS, "cover", 0.1, 0)


def test_repeated_rows_are_equal_to_earlier_ones_and_have_an_index_of_their_own() -> None:
    twice = damage.repeated_rows(RECORDS, 0.1, 2)
    assert len(twice) == 440
    assert twice.index.is_unique
    assert twice.duplicated().sum() == 40


def test_a_slice_can_vanish_and_the_other_rows_stay() -> None:
    night = RECORDS.dependency_bump.to_numpy()
    left = damage.without_slice(RECORDS, night, 1.0, 0)
    pd.testing.assert_frame_equal(left, RECORDS[~night])


def test_old_labels_stand_in_the_first_rows_only() -> None:
    assert damage.older_labels([0, 0, 0, 0], [1, 1, 1, 1], 0.5).tolist() == [1, 1, 0, 0]
    with pytest.raises(ValueError, match="one label now and one then"):
        damage.older_labels([0, 0], [1], 0.5)


def test_a_leak_marks_only_rows_whose_label_is_true() -> None:
    labels = np.arange(100) % 4 == 0
    column = damage.leaked(np.zeros(100), labels, 0.6, 3, value=12.0)
    assert (column[~labels] == 0).all()
    assert (column == 12).sum() == 15

"""The tests of one look: equal to the libraries' where these are there, and right 5 % of the time."""

import numpy as np
import pytest
from scipy import stats

from labsupport.drift import classifier, ks, psi, student


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.mark.parametrize("ties", [False, True])
def test_ks_is_the_librarys_with_the_limit_for_many_rows(rng, ties) -> None:
    known, windows = rng.normal(size=500), rng.normal(0.1, 1.2, (20, 80))
    if ties:
        known, windows = known.round(), windows.round()
    gaps = [stats.ks_2samp(known, one).statistic for one in windows]
    wanted = [stats.kstwobign.sf(gap * np.sqrt(500 * 80 / 580)) for gap in gaps]
    assert np.allclose(ks.p_values(known, windows), wanted)


def test_the_t_test_compares_means_only_and_says_nothing_of_missing_values(rng) -> None:
    known = rng.normal(size=1_000)
    assert student.p_values(known, rng.normal(1, 1, (3, 100))).max() < 1e-6
    assert np.isnan(student.p_values(known, np.array([1.0, np.nan, 2.0])))


def test_psi_is_small_for_the_same_rows_and_grows_with_the_move(rng) -> None:
    known = rng.normal(size=2_000)
    same, little, much = psi.psi(known, np.stack([known, known + 0.3, known + 1]))
    assert same < 0.01 < little < much


def test_psi_takes_a_column_of_two_values(rng) -> None:
    known = (rng.random(1_000) < 0.2).astype(float)
    assert psi.psi(known, 1 - known[None])[0] > 0.5
    assert psi.psi(known, known[None])[0] < 1e-6


def test_psi_refuses_a_missing_value_in_reference_and_window(rng) -> None:
    known = rng.normal(size=100)
    holed = np.append(known, np.nan)
    for reference, window in ((holed, known), (known, holed)):
        with pytest.raises(ValueError, match="no bin"):
            psi.psi(reference, window[None])


def test_a_classifier_sees_a_correlation_that_no_column_shows(rng) -> None:
    known = rng.normal(size=(1_000, 2))
    windows = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], (20, 200))
    assert np.median(classifier.p_values(known, windows)) < 0.01
    assert (classifier.p_values(known, rng.normal(size=(100, 200, 2))) < 0.05).mean() < 0.15


@pytest.mark.parametrize("unit", [1e-4, 1e4])
def test_a_classifier_sees_the_same_in_any_unit(rng, unit) -> None:
    known, windows = rng.normal(size=(1_000, 8)), rng.normal(size=(5, 200, 8))
    windows[..., 0] += 1
    found = classifier.p_values(known * unit, windows * unit)
    assert np.allclose(found, classifier.p_values(known, windows)) and found.max() < 0.01


def test_a_classifier_takes_a_column_that_never_changes(rng) -> None:
    known, windows = rng.normal(size=(1_000, 2)), rng.normal(1, 1, (3, 200, 2))
    known[:, 1] = windows[..., 1] = 7
    assert classifier.p_values(known, windows).max() < 0.01


@pytest.mark.parametrize("values", [(0, 1), (1, 2), (0, 0.5)])
def test_psi_sees_a_rare_value_become_frequent(rng, values) -> None:
    usual, rare = values
    known = np.where(rng.random(2_000) < 0.05, rare, usual)
    windows = np.where(rng.random((2, 200)) < np.array([[0.05], [0.5]]), rare, usual)
    same, often = psi.psi(known, windows)
    assert same < 0.02 and often > 1


def test_psi_sees_a_value_that_is_new(rng) -> None:
    same, above, below = psi.psi(np.zeros(500), np.array([[0] * 100, [1] * 100, [-1] * 100]))
    assert same < 0.02 and min(above, below) > 5
    counts = rng.choice([0, 1, 2], 2_000, p=[0.15, 0.8, 0.05])
    assert psi.psi(counts, np.where(counts == 1, 2, counts)[None])[0] > 1


def test_ks_takes_missing_values_for_the_largest(rng) -> None:
    known, window = rng.normal(size=1_000), rng.normal(size=500)
    window[:100] = np.nan
    assert ks.p_values(known, window[None]) == ks.p_values(known, np.nan_to_num(window, nan=100)[None])
    assert ks.p_values(window, window[None]) == 1

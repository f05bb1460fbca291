"""Bradley-Terry: chances by hand, weights against scikit-learn, and a truth that is found again."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from labsupport.rl import preferences


def comparisons(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth, differences = np.array([1.0, -2.0, 0.5, 0.0]), rng.normal(size=(count, 4))
    return truth, differences, rng.random(count) < preferences.chance(differences @ truth)


def test_a_point_ahead_wins_73_percent_and_equals_win_half() -> None:
    assert np.allclose(preferences.chance([0, 1, -1, 3]), [0.5, 0.7311, 0.2689, 0.9526], atol=1e-4)
    assert preferences.chance([1e4, -1e4]).tolist() == [1, 0]


@pytest.mark.parametrize("ridge", [0.1, 1.0, 10.0])
def test_the_fit_is_that_of_logistic_regression_without_an_intercept(ridge: float) -> None:
    _, differences, won = comparisons(500)
    library = LogisticRegression(fit_intercept=False, C=1 / ridge, tol=1e-12, max_iter=5000).fit(differences, won)
    assert np.allclose(preferences.fit(differences, won, ridge), library.coef_[0], atol=1e-5)


def test_the_truth_is_found_again() -> None:
    truth, differences, won = comparisons(50_000)
    assert np.allclose(preferences.fit(differences, won), truth, atol=0.05)


def test_what_is_never_compared_gets_no_points_and_a_winner_of_all_stays_finite() -> None:
    weights = preferences.fit(np.array([[1.0, 0], [1, 0], [2, 0]]), np.ones(3))
    assert weights[1] == 0
    assert 0 < weights[0] < 10


def test_agreement_is_the_share_of_comparisons_that_the_points_foresee() -> None:
    assert preferences.agreement(np.array([[1.0], [2], [-1], [-3]]), [1, 0, 0, 1], [1.0]) == 0.5


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ValueError, match=r"\(3, 2\) and \(2,\)"):
        preferences.fit(np.zeros((3, 2)), np.zeros(2))

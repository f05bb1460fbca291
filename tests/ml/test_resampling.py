"""The bootstrap's scatter is the real one, where that is known by formula."""

import numpy as np
import pytest

from labsupport.ml.resampling import bootstrap, interval


def test_the_scatter_of_a_mean_is_the_one_of_the_formula() -> None:
    values = np.random.default_rng(0).normal(5, 2, 500)
    drawn = bootstrap(np.mean, values, repeats=4000)
    assert drawn.shape == (4000,)
    assert drawn.mean() == pytest.approx(values.mean(), abs=0.01)
    assert drawn.std() == pytest.approx(values.std() / np.sqrt(500), rel=0.05)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for turn in range(300):
        low, high = interval(bootstrap(np.mean, rng.exponential(3, 120), repeats=400, seed=turn))
        covered += low <= 3 <= high
    assert covered / 300 == pytest.approx(0.95, abs=0.04)


def test_rows_stay_together_and_a_seed_repeats_them() -> None:
    left = np.arange(50)
    same = bootstrap(lambda a, b: float((2 * a == b).all()), left, 2 * left, repeats=20)
    assert same.all()
    assert (bootstrap(np.mean, left, seed=3) == bootstrap(np.mean, left, seed=3)).all()
    assert (bootstrap(np.mean, left, seed=3) != bootstrap(np.mean, left, seed=4)).any()


def test_a_statistic_may_be_an_array() -> None:
    table = np.random.default_rng(2).normal(size=(40, 3))
    assert bootstrap(lambda rows: rows.mean(axis=0), table, repeats=7).shape == (7, 3)


def test_an_interval_may_end_at_infinity() -> None:
    assert interval([0.1] * 50 + [np.inf] * 50) == (0.1, np.inf)


def test_what_cannot_be_resampled_is_named() -> None:
    with pytest.raises(ValueError, match="equal length"):
        bootstrap(lambda a, b: 0.0, [1, 2], [1])
    with pytest.raises(ValueError, match="repeats"):
        bootstrap(np.mean, [1, 2], repeats=0)
    with pytest.raises(ValueError, match="level"):
        interval([1, 2], level=95)

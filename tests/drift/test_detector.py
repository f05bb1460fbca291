"""The rank detector: ranks that are plain luck while nothing changes, fair bets, and limits that are kept."""

import numpy as np
import pytest
from scipy import stats

from labsupport.drift import edetector
from labsupport.drift.ranks import conformal_ranks


@pytest.mark.parametrize("column", ["skewed", "two values"])
def test_ranks_of_healthy_rows_are_uniform_and_independent_whatever_the_column(column: str) -> None:
    rng = np.random.default_rng(0)
    rows = rng.lognormal(size=(60, 50)) if column == "skewed" else (rng.random((60, 50)) < 0.1).astype(float)
    ranks = conformal_ranks(rows[:10].ravel(), rows[10:]).ravel()
    assert stats.kstest(ranks, "uniform").pvalue > 0.001
    assert abs(np.corrcoef(ranks[1:], ranks[:-1])[0, 1]) < 0.06


def test_a_rank_counts_the_reference_and_all_earlier_rows_of_its_own_window_too() -> None:
    ranks = conformal_ranks([1.0, 2.0], [[3.0, 0.0], [2.5, 9.0]], seed=0)
    places = np.floor(ranks * np.array([[3, 4], [5, 6]]))
    assert places.tolist() == [[2, 0], [3, 5]]


def test_a_missing_value_is_refused() -> None:
    with pytest.raises(ValueError, match="no rank"):
        conformal_ranks([1.0, np.nan], [[1.0]])


def test_every_bet_is_fair() -> None:
    middle = (np.arange(10_000) + 0.5) / 10_000
    assert np.allclose(edetector.evidence(middle[:, None]).mean(axis=0), 1, atol=1e-6)
    assert edetector.evidence(middle[:, None]).min() > 0


def test_the_mean_height_of_calm_nights_is_their_number() -> None:
    assert edetector.statistic(np.ones((7, 6))).tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_the_simulated_limit_is_below_the_bound_and_keeps_the_level() -> None:
    limit = edetector.simulated_limit(30, 0.05, 20, runs=2_000)
    assert limit < edetector.sure_limit(30, 0.05)
    rng = np.random.default_rng(7)
    rang = [
        edetector.first_alarm(edetector.statistic(edetector.evidence(rng.random((30, 20)))), limit) is not None
        for _ in range(600)
    ]
    assert 0.02 < np.mean(rang) < 0.09


def test_columns_share_the_level() -> None:
    assert edetector.sure_limit(200, 0.05, 6) == 6 * edetector.sure_limit(200, 0.05)
    with pytest.raises(ValueError, match="level"):
        edetector.sure_limit(200, 1.5)


def test_a_height_without_end_stays_a_number() -> None:
    heights = edetector.statistic(np.full((2_000, 6), 10.0))
    assert np.isfinite(heights).all()
    assert edetector.first_alarm(heights, 1e9) == 8
    assert edetector.first_alarm(heights[:3], 1e9) is None

"""Evidence and intervals keep their promise at all looks together, and find what is there."""

import numpy as np
import pytest

from labsupport.rollout.sequential import Difference, difference, evidence, interval

LOOKS, EACH = 100, 200
USERS = EACH * np.arange(1, LOOKS + 1)


def simulated(rate_a: float, rate_b: float, many: int = 2_000, seed: int = 1) -> Difference:
    rng = np.random.default_rng(seed)
    a, b = (rng.binomial(EACH, rate, (many, LOOKS)).cumsum(axis=1) for rate in (rate_a, rate_b))
    return difference(a, USERS, b, USERS)


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("tau", [0.005, 0.02, 0.1])
def test_where_nothing_differs_an_e_value_seldom_reaches_twenty(rate, tau) -> None:
    gap = simulated(rate, rate)
    proof = evidence(gap.value, gap.variance, tau)
    luck = 3 * (0.05 * 0.95 / 2_000) ** 0.5
    assert (proof.max(axis=1) >= 20).mean() < 0.05 + luck


def test_the_mean_of_an_e_value_is_one_where_nothing_differs() -> None:
    variance = 0.001
    value = np.random.default_rng(2).normal(0, variance**0.5, 400_000)
    assert evidence(value, variance, tau=0.02).mean() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_intervals_cover_the_truth_at_all_looks(alpha) -> None:
    gap = simulated(0.10, 0.12)
    low, high = interval(gap.value, gap.variance, 0.02, alpha)
    covered = ((low <= 0.02) & (high >= 0.02)).all(axis=1).mean()
    assert covered > 1 - alpha


def test_an_interval_without_zero_is_an_e_value_above_its_bound() -> None:
    found = simulated(0.10, 0.115, many=300)
    low, high = interval(found.value, found.variance, 0.03, 0.05)
    assert np.array_equal((low > 0) | (high < 0), evidence(found.value, found.variance, 0.03) > 20)


def test_a_difference_has_its_sign_and_no_certainty_without_successes() -> None:
    found = difference(0, 200, 10, 200)
    assert found.value == pytest.approx(0.05)
    assert found.variance > 0
    assert difference(0, 50, 0, 50).variance > 0


@pytest.mark.parametrize("share_of_b", [0.1, 0.01])
@pytest.mark.parametrize(("rate_a", "rate_b"), [(0.05, 0.05), (0.98, 0.98), (0.01, 0.03)])
def test_a_small_variant_beside_a_large_one_keeps_the_promise_from_the_first_user_on(
    share_of_b, rate_a, rate_b
) -> None:
    rng = np.random.default_rng(3)
    each = {"b": 25, "a": round(25 * (1 - share_of_b) / share_of_b)}
    a, b = (rng.binomial(each[name], rate, (2_000, 60)).cumsum(axis=1) for name, rate in (("a", rate_a), ("b", rate_b)))
    looks = np.arange(1, 61)
    low, high = interval(*difference(a, each["a"] * looks, b, each["b"] * looks), 0.02)
    missed = (low > rate_b - rate_a) | (high < rate_b - rate_a)
    assert missed.any(axis=1).mean() < 0.05


def test_ten_of_each_are_enough_for_a_variance_of_ones_own() -> None:
    users = 400
    found = difference(50, users, [0, 9, 10, 390, 391, 400, 11, 389], users).variance
    assert found[:6] == pytest.approx(found[2], rel=1e-12)
    assert found[6] == pytest.approx(found[7]) and found[6] > found[2]

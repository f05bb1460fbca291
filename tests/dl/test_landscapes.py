"""Landscapes have the slopes that they say, and walks over them are what descent is."""

import numpy as np
import pytest

from labsupport.dl.landscapes import hills, range_test, saddle, steps_needed, two_columns, unseen, walk
from labsupport.dl.optimizers import SGD, Adam

ALL = [two_columns(7)[0], two_columns(3, both=0.1, seed=4)[0], saddle(), hills()]


@pytest.mark.parametrize("landscape", ALL, ids=lambda one: one.name)
def test_the_gradient_is_that_of_the_value(landscape) -> None:
    at = np.random.default_rng(1).uniform(-2, 2, size=(20, 2))
    small = 1e-6
    for axis in range(2):
        aside = small * np.eye(2)[axis]
        slope = (landscape.value(at + aside) - landscape.value(at - aside)) / (2 * small)
        assert landscape.gradient(at)[:, axis] == pytest.approx(slope, abs=1e-6)


def test_the_best_weights_are_those_of_least_squares_and_the_loss_there_is_0() -> None:
    landscape, best = two_columns(factor=7, seed=3)
    assert landscape.value(best) == pytest.approx(0) and landscape.gradient(best) == pytest.approx([0, 0])
    assert best == pytest.approx([3.0, 2.0 / 7], abs=0.2)


def test_a_column_with_larger_numbers_needs_a_smaller_weight() -> None:
    one, other = two_columns(1, seed=2)[1], two_columns(10, seed=2)[1]
    assert other == pytest.approx(one / [1, 10])


@pytest.mark.parametrize("factors", [(0, 1), (1, -1)])
def test_a_factor_is_above_0(factors) -> None:
    with pytest.raises(ValueError, match="above 0"):
        two_columns(*factors)


def test_a_walk_keeps_its_start_and_takes_one_step_each() -> None:
    landscape = saddle()
    path = walk(landscape, SGD(0.1), 3)
    assert path.shape == (4, 2) and tuple(path[0]) == landscape.start
    assert path[1] == pytest.approx(path[0] - 0.1 * landscape.gradient(path[0]))


def test_many_walkers_go_as_each_would_alone() -> None:
    starts = np.array([[-1.0, 2.0], [0.5, -0.5]])
    together = walk(hills(), Adam(0.1), 20, starts)
    for at, start in enumerate(starts):
        assert together[:, at] == pytest.approx(walk(hills(), Adam(0.1), 20, start))


def test_noise_is_of_the_seed() -> None:
    one, same, other = (walk(saddle(), SGD(0.1), 5, noise=1.0, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_the_limit_of_the_rate_is_two_over_the_steepest_curvature() -> None:
    landscape, best = two_columns(7)
    curvature = np.array([landscape.gradient(best + unit) for unit in np.eye(2)])
    limit = 2 / np.linalg.eigvalsh(curvature)[-1]
    first = landscape.value(np.zeros(2))
    below, above = (landscape.value(walk(landscape, SGD(share * limit), 300)[-1]) for share in (0.99, 1.01))
    assert below < 0.01 * first < 100 * first < above


def test_a_range_test_ends_without_numbers_and_its_lowest_loss_is_before() -> None:
    rates, losses = range_test(unseen(7), seed=7)
    assert rates[0] == pytest.approx(1e-6) and rates[-1] == pytest.approx(1e4)
    lowest = int(np.nanargmin(losses))
    assert not np.isfinite(losses[-1]) and losses[lowest] < 0.5 * losses[0]
    assert steps_needed(unseen(7), rates[lowest] / 3) < steps_needed(unseen(7), rates[lowest] / 300)


def test_a_walk_that_never_arrives_needs_all_steps() -> None:
    assert steps_needed(unseen(7), 1e-9, at_most=50) == 50
    assert steps_needed(unseen(7), 1e9, at_most=50) == 50

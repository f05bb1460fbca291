"""Pictures that move: whole, by as much as was said, and the bundled table as its benchmark makes it."""

import numpy as np
import pytest

from labsupport.dl.shifts import NETWORKS, RATES, measured, moved, scattered, shift, small


@pytest.fixture
def pictures():
    return np.random.default_rng(1).integers(1, 256, size=(40, 28, 28), dtype=np.uint8)


def centre(image):
    rows, columns = np.nonzero(image)
    return rows.min(), columns.min(), rows.max(), columns.max()


def test_small_pictures_have_seven_free_pixels_and_the_same_mean(pictures):
    halves = small(pictures)
    assert halves.dtype == np.uint8 and {centre(image) for image in halves} == {(7, 7, 20, 20)}
    assert halves[:, 7:21, 7:21].mean() == pytest.approx(pictures.mean(), abs=0.1)


@pytest.mark.parametrize(("right", "down"), [(0, 0), (3, 0), (-2, 5), (-7, -7), (7, 6)])
def test_a_shift_moves_right_and_down(right, down, pictures):
    assert centre(shift(small(pictures), right, down)[0]) == (7 + down, 7 + right, 20 + down, 20 + right)


def test_what_leaves_the_canvas_is_gone(pictures):
    assert (shift(pictures, 5, 0)[:, :, :5] == 0).all()
    assert (shift(pictures, 5, 0)[:, :, 5:] == pictures[:, :, :-5]).all()
    assert shift(pictures, 28, 0).sum() == 0


def test_each_picture_moves_by_the_same_number_of_pixels(pictures):
    ways = {tuple(np.subtract(centre(image)[:2], 7)) for image in moved(small(pictures), 4, seed=0)}
    assert len(ways) > 4 and {max(map(abs, way)) for way in ways} == {4}


def test_scattered_pictures_stay_whole_and_within_reach(pictures):
    seen = scattered(small(pictures), 6, seed=0)
    assert (seen.sum(axis=(1, 2), dtype=int) == small(pictures).sum(axis=(1, 2), dtype=int)).all()
    offsets = np.array([np.subtract(centre(image)[:2], 7) for image in seen])
    assert np.abs(offsets).max() == 6 and len(np.unique(offsets, axis=0)) > 20


def test_the_table_has_every_contestant_five_times():
    table = measured()
    assert set(table["network"]) == set(NETWORKS) and set(table["rate"]) <= set(RATES)
    assert (table.groupby(["network", "training", "pixels"])["seed"].nunique() == 5).all()
    assert len(table) == 2 * len(NETWORKS) * 5 * 7

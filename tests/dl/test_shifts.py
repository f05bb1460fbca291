"""Pictures that move: whole, by as much as was said, and the bundled table as its benchmark makes it."""

import numpy as np
import pytest

from labsupport.dl.shifts import NETWORKS, RATES, build, measured, moved, right, scattered, shift, small, train


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


DENSE = (("flatten",), ("dense", 10))


def test_a_rate_falls_as_far_as_it_is_told(pictures):
    model, told = build(DENSE, 0), []

    def after(epoch):
        told.append((epoch, float(model.optimizer.learning_rate)))

    train(model, pictures, np.arange(40) % 10, 0, 0.01, 3, fall=0.01, after=after)
    assert [epoch for epoch, _ in told] == [1, 2, 3]
    assert [rate for _, rate in told] == pytest.approx([0.01, 0.001, 0.0001])


def test_who_looks_after_each_epoch_may_change_the_rate_and_end_the_training(pictures):
    model, told = build(DENSE, 0), []

    def after(epoch):
        told.append(float(model.optimizer.learning_rate))
        model.optimizer.learning_rate = 0.001
        return epoch == 2

    train(model, pictures, np.arange(40) % 10, 0, 0.01, 9, reach=3, after=after)
    assert told == pytest.approx([0.01, 0.001])


def test_right_asks_about_every_picture_in_order(pictures):
    model, many = build(DENSE, 0), np.concatenate([pictures] * 30)
    said = model.predict(many, verbose=0).argmax(axis=1)
    assert right(model, many, said).all() and right(model, many[:7], said[1:8]).shape == (7,)


def test_the_table_has_every_contestant_five_times():
    table = measured()
    assert set(table["network"]) == set(NETWORKS) and set(table["rate"]) <= set(RATES)
    assert (table.groupby(["network", "training", "pixels"])["seed"].nunique() == 5).all()
    assert len(table) == 2 * len(NETWORKS) * 5 * 7
    assert table["own"].between(0.5, 1).all() and table["epochs"].between(10, 150).all()

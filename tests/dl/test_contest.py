"""The network of the contest has right gradients, and everyone who plays gets the same start and the same batches."""

import numpy as np
import pytest

from labsupport.dl import contest
from labsupport.dl.fashion import fashion_mnist
from labsupport.dl.optimizers import SGD, Adam

SIZES = (6, 5, 4, 3)


@pytest.fixture(scope="module")
def rows():
    return contest.Rows.of(fashion_mnist()[0][:600])


def doubles(seed: int = 0):
    rng = np.random.default_rng(seed)
    weights = [one.astype(float) + 0.1 * rng.normal(size=one.shape) for one in contest.weights(seed, SIZES)]
    return weights, rng.normal(size=(20, 6)), rng.integers(0, 3, 20)


def test_the_gradients_are_those_of_the_loss() -> None:
    weights, x, y = doubles()
    loss, gradients = contest.loss_and_gradients(weights, x, y)
    assert loss == pytest.approx(contest.loss(weights, x, y))
    for one, gradient in zip(weights, gradients, strict=True):
        at = np.unravel_index(np.abs(gradient).argmax(), one.shape)
        before = one[at]
        around = []
        for aside in (1e-6, -1e-6):
            one[at] = before + aside
            around.append(contest.loss(weights, x, y))
        one[at] = before
        assert gradient[at] == pytest.approx((around[0] - around[1]) / 2e-6, rel=1e-5)


def test_a_run_depends_on_its_seed_and_on_nothing_else(rows) -> None:
    one, same, other = (contest.train(SGD(0.05), rows, seed, 12) for seed in (1, 1, 2))
    assert np.array_equal(one.losses, same.losses) and not np.array_equal(one.losses, other.losses)
    assert contest.train(Adam(0.001), rows, 1, 1).losses[0] == one.losses[0]


def test_training_learns_and_looks_when_asked(rows) -> None:
    run = contest.train(SGD(0.05, 0.9), rows, 0, 120, lambda weights: contest.accuracy(weights, rows), every=40)
    assert run.accuracy.shape == (3,) and run.accuracy[-1] > 0.6
    assert run.losses[-10:].mean() < 0.5 * run.losses[0]
    assert contest.accuracy(run.weights, rows) == run.accuracy[-1]


def test_every_picture_of_an_epoch_comes_at_most_once(rows) -> None:
    few = contest.Rows(rows.x[:128], rows.y[:128])
    seen = []

    class Watching(SGD):
        def apply(self, gradients, variables) -> None:
            seen.append(float(gradients[-1].sum()))

    contest.train(Watching(0.1), few, 0, 2, batch=64, sizes=(784, 10))
    both = contest.loss_and_gradients(contest.weights(0, (784, 10)), few.x, few.y)[0]
    losses = contest.train(Watching(0.1), few, 0, 2, batch=64, sizes=(784, 10)).losses
    assert losses.mean() == pytest.approx(both, rel=1e-5) and len(seen) == 4


def test_a_run_that_explodes_ends_without_a_warning(rows) -> None:
    run = contest.train(SGD(1e9), rows, 0, 50, lambda weights: 0.5, every=10)
    assert not np.isfinite(run.losses[-1]) or run.losses[-1] > 2
    assert run.losses.shape == (50,)


def test_the_interval_of_pairs_is_students() -> None:
    mean, low, high = contest.paired([1.0, 2.0, 3.0], [0.0, 0.0, 0.0])
    assert mean == 2 and (low, high) == pytest.approx((2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5), rel=1e-5)

"""The network learns by right gradients: tried by differences, and equal to what others compute."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax

from labsupport.dl import network as module
from labsupport.dl.gradients import numerical_gradient
from labsupport.dl.network import Dense, Dropout, Network, ReLU, cross_entropy, dense_network, softmax


@pytest.fixture
def rng():
    return np.random.default_rng(4)


@pytest.mark.parametrize("sizes", [(5, 3), (5, 4, 3), (5, 6, 4, 3)])
def test_every_gradient_agrees_with_differences(sizes, rng):
    network = dense_network(sizes, rng, dtype=np.float64)
    x, labels = rng.normal(size=(7, 5)), rng.integers(0, 3, 7)

    def loss():
        return cross_entropy(network.forward(x), labels)[0]

    tried = [numerical_gradient(loss, each) for each in [x, *network.parameters]]
    passed = network.backward(cross_entropy(network.forward(x), labels)[1])
    for said, found in zip([passed, *network.gradients], tried, strict=True):
        assert np.abs(said - found).max() < 1e-8


def test_dropout_passes_back_what_it_let_through(rng):
    stage, x, pull = Dropout(0.4, rng), rng.normal(size=(6, 50)), rng.normal(size=(6, 50))
    out = stage.forward(x, training=True)
    kept = out != 0
    assert 0.3 < kept.mean() < 0.9
    assert np.allclose(out[kept], x[kept] / 0.6)
    assert np.allclose(stage.backward(pull), pull * kept / 0.6)


def test_dropout_keeps_the_mean_in_training_and_everything_otherwise(rng):
    stage, ones = Dropout(0.3, rng), np.ones((1000, 20), np.float32)
    assert stage.forward(ones, training=True).mean() == pytest.approx(1, abs=0.03)
    assert (stage.forward(ones) == ones).all()
    assert stage.forward(ones, training=True).dtype == np.float32


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_dropout_refuses_a_rate_that_is_no_share(rate, rng):
    with pytest.raises(ValueError, match="share"):
        Dropout(rate, rng)


def test_loss_is_the_mean_surprise_for_scores_of_any_size(rng):
    scores = rng.normal(size=(6, 4)) * np.array([[1], [10], [1e3], [1e4], [0], [1e-3]])
    labels = np.array([0, 1, 2, 3, 0, 1])
    loss, gradient = cross_entropy(scores, labels)
    assert loss == pytest.approx(-log_softmax(scores, axis=1)[np.arange(6), labels].mean())
    assert np.allclose(gradient.sum(axis=1), 0) and np.isfinite(gradient).all()
    assert np.allclose(softmax(scores).sum(axis=1), 1)


@pytest.mark.parametrize("labels", [np.eye(3)[[0, 1]], [0.0, 1.0], [0, 3], [0, -1], [0], [True, False]])
def test_labels_of_another_kind_are_refused(labels):
    with pytest.raises(ValueError, match="2 whole numbers from 0 to 2"):
        cross_entropy(np.zeros((2, 3)), labels)


def test_parameters_and_gradients_stand_in_the_same_order(rng):
    network = dense_network((784, 128, 64, 10), rng, dropout=0.2)
    assert [p.shape for p in network.parameters] == [g.shape for g in network.gradients]
    assert sum(p.size for p in network.parameters) == 109_386
    assert [type(stage) for stage in network.stages] == [Dense, ReLU, Dropout, Dense, ReLU, Dense]
    assert {p.dtype for p in network.parameters} == {np.dtype(np.float32)}


def test_a_change_in_place_changes_the_network(rng):
    network = Network([Dense(np.ones((2, 1)), np.zeros(1))])
    network.parameters[1] += 5
    assert network.forward(np.zeros((1, 2))) == 5


def test_whole_network_stays_readable():
    assert len(Path(module.__file__).read_text(encoding="utf-8").splitlines()) < 150


def test_differences_refuse_single_precision():
    with pytest.raises(ValueError, match="float64"):
        numerical_gradient(lambda: 0.0, np.zeros(3, np.float32))


def test_differences_try_only_the_places_asked_for_and_put_values_back(rng):
    values = rng.normal(size=(2, 3))
    before = values.copy()
    found = numerical_gradient(lambda: float((values**2).sum()), values, [(0, 1), (1, 2)])
    assert (values == before).all() and np.isnan(found).sum() == 4
    assert found[0, 1] == pytest.approx(2 * before[0, 1], abs=1e-8)

"""Bends and their slopes, deep networks of one kind, and the two shares that say when units fall silent."""

import numpy as np
import pytest
from scipy.special import expit

from labsupport.dl.activations import (
    KINDS,
    dead_share,
    deep_network,
    gradient_rms,
    layer_values,
    saturated_share,
    sigmoid,
)
from labsupport.dl.gradients import numerical_gradient
from labsupport.dl.network import Network, cross_entropy


@pytest.mark.parametrize("kind", KINDS)
def test_each_slope_agrees_with_differences(kind):
    rng = np.random.default_rng(2)
    stage, x, pull = KINDS[kind].stage(), rng.normal(0, 2, (5, 7)), rng.normal(size=(5, 7))
    tried = numerical_gradient(lambda: (stage.forward(x) * pull).sum(), x)
    stage.forward(x)
    assert np.abs(stage.backward(pull) - tried).max() < 1e-8


def test_sigmoid_is_that_of_scipy_also_for_numbers_whose_power_overflows():
    x = np.array([-1e4, -800, -30, -1, 0, 1, 30, 800, 1e4])
    with np.errstate(all="raise"):
        assert np.abs(sigmoid(x) - expit(x)).max() < 1e-15


@pytest.mark.parametrize(("kind", "spread"), [("relu", 1.0), ("tanh", 1.0), ("sigmoid", 3.0)])
def test_weights_begin_with_the_gain_of_their_kind_and_the_scores_layer_keeps_its_own(kind, spread):
    network = deep_network(kind, 3, np.random.default_rng(0), spread=spread, width=200, inputs=300, outputs=90)
    weights = [stage.parameters[0] for stage in network.stages if stage.parameters]
    assert [each.shape for each in weights] == [(300, 200), (200, 200), (200, 200), (200, 90)]
    wanted = [*(spread * np.sqrt(KINDS[kind].gain / n) for n in (300, 200, 200)), np.sqrt(1 / 200)]
    assert np.allclose([each.std() for each in weights], wanted, rtol=0.03)
    assert all(each.dtype == np.float32 for each in network.parameters)


def test_layer_values_are_what_the_next_layer_reads():
    rng = np.random.default_rng(1)
    network, x = deep_network("tanh", 3, rng, width=5, inputs=4, outputs=2), rng.normal(size=(6, 4))
    values = layer_values(network, x)
    assert [each.shape for each in values] == [(6, 5)] * 3
    assert np.allclose(values[1], Network(network.stages[:4]).forward(x))
    assert np.allclose(network.stages[-1].forward(values[-1]), network.forward(x))


def test_gradient_rms_has_a_number_for_each_dense_layer():
    rng = np.random.default_rng(1)
    network, x = deep_network("relu", 2, rng, width=5, inputs=4, outputs=3), rng.normal(size=(6, 4))
    labels = rng.integers(0, 3, 6)
    sizes = gradient_rms(network, x, labels)
    network.backward(cross_entropy(network.forward(x), labels)[1])
    assert np.allclose(sizes, [np.sqrt((slope**2).mean()) for slope in network.gradients[::2]])


def test_a_unit_is_dead_when_nothing_finite_but_0_comes_from_it():
    nan, inf = np.nan, np.inf
    values = np.array([[0, 0, nan, inf, nan, -1, 1.0, 0], [0, 2, nan, -inf, 3, 1, 1, -0.0]])
    assert dead_share(values) == 4 / 8
    assert dead_share(values.T[None]) == 0


def test_in_maps_a_unit_is_a_channel():
    maps = np.zeros((2, 3, 3, 4))
    maps[1, 2, 0, 1] = 0.5
    assert dead_share(maps) == 3 / 4


def test_saturated_is_near_either_end_by_a_hundredth_of_the_range():
    assert saturated_share([[0.009, 0.011, 0.5, 0.989, 0.991]], (0, 1)) == pytest.approx(2 / 5)
    assert saturated_share([[-0.99, -0.97, 0.0, 0.97, 0.985]], (-1, 1)) == pytest.approx(2 / 5)
    assert saturated_share([[np.nan, 1.0]], (0, 1)) == 0.5

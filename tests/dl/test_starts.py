"""Starts with one bad layer are what they say, and mending the layer mends them."""

import numpy as np
import pytest

from labsupport.dl.activations import deep_network, layer_values
from labsupport.dl.starts import (
    FAULTS,
    break_layer,
    dense_layers,
    mysteries,
    mystery,
    saturation_and_accuracy,
    start_afresh,
)


def test_a_fault_changes_its_layer_and_no_other():
    for fault in FAULTS:
        sound, broken = mystery("relu", "none", 2, 7), mystery("relu", fault, 2, 7)
        same = [
            all(np.array_equal(a, b) for a, b in zip(one.parameters, other.parameters, strict=True))
            for one, other in zip(dense_layers(sound), dense_layers(broken), strict=True)
        ]
        assert same == [True, fault == "none", *[True] * 5], fault


def test_small_and_large_are_a_factor_of_ten_and_bias_silences_the_layer():
    x = np.random.default_rng(0).random((50, 784), dtype=np.float32)
    sound, small, large, bias = (layer_values(mystery("relu", fault, 3, 1), x)[2] for fault in FAULTS)
    assert np.allclose(small * 10, sound, rtol=1e-4, atol=1e-5) and np.allclose(large, sound * 10, rtol=1e-4, atol=1e-4)
    assert not bias.any()


def test_an_unknown_fault_is_named():
    with pytest.raises(ValueError, match="none, small, large, bias"):
        break_layer(deep_network("tanh", 2, np.random.default_rng(0)), 1, "too big")


def test_a_layer_that_starts_afresh_is_of_the_usual_size_again():
    network = start_afresh(mystery("relu", "bias", 4, 3), 4, "relu", np.random.default_rng(5))
    weights, bias = dense_layers(network)[3].parameters
    assert not bias.any() and weights.std() == pytest.approx(np.sqrt(2 / 64), rel=0.05) and weights.dtype == np.float32


@pytest.mark.parametrize("seed", range(5))
def test_the_four_mysteries_have_the_three_faults_once_and_are_the_same_each_time(seed):
    def oddity(network):
        layers = dense_layers(network)[:6]
        for stage in layers[1:]:
            weights, bias = stage.parameters
            ratio = weights.std() / np.sqrt(2 / 64)
            if bias.min() < -1:
                return "bias"
            if not 0.5 < ratio < 2:
                return "small" if ratio < 1 else "large"
        return "none"

    found = {name: oddity(network) for name, network in mysteries(seed).items()}
    assert list(found) == list("abcd") and sorted(found.values()) == sorted(FAULTS)
    for one, other in zip(mysteries(seed).values(), mysteries(seed).values(), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one.parameters, other.parameters, strict=True))


def test_larger_weights_saturate_and_a_shallow_tanh_learns():
    usual, wide = (saturation_and_accuracy("tanh", 1, spread, 0) for spread in (1.0, 10.0))
    assert usual[0] < 0.05 < 0.3 < wide[0]
    assert usual[1] > 0.7

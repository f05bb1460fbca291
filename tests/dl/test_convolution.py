"""Convolution: equal to a loop and to finite differences, and its costs equal to what is there."""

import numpy as np
import pytest

from labsupport.dl.broken_convolutions import KINDS
from labsupport.dl.convolution import (
    Convolution,
    Flatten,
    GlobalAverage,
    MaxPooling,
    convolve,
    costs,
    network_of,
    random_weights,
    sight,
)
from labsupport.dl.heatmaps import found, heatmap
from labsupport.dl.network import cross_entropy


@pytest.fixture
def rng():
    return np.random.default_rng(303)


def by_loops(images, filters, bias, stride, padding):
    size = len(filters)
    if padding == "same":
        rows, columns = (-(-side // stride) for side in images.shape[1:3])
        above = max((rows - 1) * stride + size - images.shape[1], 0) // 2
        left = max((columns - 1) * stride + size - images.shape[2], 0) // 2
        images = np.pad(images, ((0, 0), (above, size), (left, size), (0, 0)))
    else:
        rows, columns = ((side - size) // stride + 1 for side in images.shape[1:3])
    maps = np.zeros((len(images), rows, columns, filters.shape[3]))
    for row in range(rows):
        for column in range(columns):
            patch = images[:, row * stride :, column * stride :][:, :size, :size]
            maps[:, row, column] = np.einsum("nhwc,hwcf->nf", patch, filters) + bias
    return maps


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_patches_give_what_loops_give(size, stride, padding, rng):
    images, filters, bias = rng.normal(size=(2, 9, 8, 3)), rng.normal(size=(size, size, 3, 4)), rng.normal(size=4)
    ours = convolve(images, filters, bias, stride, padding)
    assert np.allclose(ours, by_loops(images, filters, bias, stride, padding))
    assert costs([("conv", 4, size, stride, padding)], (9, 8, 3))[0].shape == ours.shape[1:]


def test_channels_that_differ_are_named(rng):
    with pytest.raises(ValueError, match="2 channels, the filters 1"):
        convolve(rng.normal(size=(1, 5, 5, 2)), rng.normal(size=(3, 3, 1, 1)))


@pytest.mark.parametrize("end", ["mean", "flatten"])
def test_every_gradient_of_a_chain_agrees_with_differences(end, rng):
    layers = (("conv", 2, 3), ("pool",), ("conv", 3, 2), (end,), ("dense", 4))
    start = random_weights(layers, rng, (9, 8, 2))
    network = network_of(layers, [each.astype(float) for each in start])
    x, labels = rng.normal(size=(3, 9, 8, 2)), np.array([0, 3, 1])
    passed = network.backward(cross_entropy(network.forward(x), labels)[1])
    for values, said in zip([x, *network.parameters], [passed, *network.gradients], strict=True):
        for at in rng.integers(values.size, size=12):
            old, losses = values.flat[at], []
            for step in (1e-6, -1e-6):
                values.flat[at] = old + step
                losses.append(cross_entropy(network.forward(x), labels)[0])
            values.flat[at] = old
            assert said.flat[at] == pytest.approx((losses[0] - losses[1]) / 2e-6, abs=1e-7)


def test_pooling_hears_the_first_of_equals_only():
    stage = MaxPooling()
    assert stage.forward(np.ones((1, 3, 3, 1))).tolist() == [[[[1.0]]]]
    assert stage.backward(np.full((1, 1, 1, 1), 5.0))[0, :, :, 0].tolist() == [[5, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_the_mean_forgets_the_place_and_flatten_keeps_it(rng):
    maps = rng.normal(size=(2, 4, 4, 3))
    rolled = np.roll(maps, 1, axis=2)
    assert np.allclose(GlobalAverage().forward(maps), GlobalAverage().forward(rolled))
    assert not np.allclose(Flatten().forward(maps), Flatten().forward(rolled))


def test_parameters_are_those_of_a_network(rng):
    layers = (("conv", 4, 3), ("pool",), ("conv", 5, 3), ("flatten",), ("dense", 10))
    start = random_weights(layers, rng)
    assert sum(each.size for each in start) == sum(one.parameters for one in costs(layers))
    assert network_of(layers, start).forward(np.ones((2, 28, 28, 1), np.float32)).dtype == np.float32
    assert isinstance(network_of(layers, start).stages[0], Convolution)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([("dense", 3)], "needs a row"),
        ([("flatten",), ("conv", 3, 3)], "needs maps"),
        ([("conv", 3, 29)], "does not fit"),
        ([("pool",)] * 5, "does not fit"),
        ([("norm",)], "no layer 'norm'"),
    ],
)
def test_layers_that_do_not_fit_are_named(layers, words):
    with pytest.raises(ValueError, match=words):
        costs(layers)


@pytest.mark.parametrize("layers", [(("conv", 1, 3), ("pool",), ("conv", 1, 3)), (("conv", 1, 5, 2), ("conv", 1, 3))])
def test_sight_is_what_a_place_answers_to(layers):
    seen = sight(layers)
    # A gradient of one place of the last map reaches as many pixels as that place sees.
    reached = {0}
    for kind, *options in reversed(layers):
        size, stride = (2, 2) if kind == "pool" else (options[1], options[2] if len(options) > 2 else 1)
        reached = {place * stride + inside for place in reached for inside in range(size)}
    assert seen == len(reached)


def test_each_fault_hides_where_the_lesson_says_and_shows_where_it_says(rng):
    def differ(kind, channels, stride):
        images, filters = rng.normal(size=(2, 9, 8, channels)), rng.normal(size=(3, 3, channels, 2))
        return not np.allclose(KINDS[kind](images, filters, stride), convolve(images, filters, stride=stride))

    trials = ((1, 1), (1, 2), (2, 1))
    shown = {kind: [differ(kind, *trial) for trial in trials] for kind in KINDS}
    assert shown == {
        "flipped": [True, True, True],
        "stride": [False, True, False],
        "channels": [False, False, True],
        "none": [False, False, False],
    }


def test_a_filter_is_found_where_its_middle_stands():
    map_, minute = heatmap(3, step=50.0)
    assert found(map_, [[-1, -1, 1, 1]] * 8) == minute
    assert found(map_, [[-1, 1]]) == pytest.approx(minute, abs=1)

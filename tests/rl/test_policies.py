"""Networks on flat weights, and what turns scores into actions."""

import numpy as np
import pytest

from labsupport.dl.optimizers import Adam
from labsupport.rl.adam import moved, nothing
from labsupport.rl.policies import Floats, Network, backward, forward, greedy, log_softmax, sample


def test_layers_are_views_of_the_flat_weights() -> None:
    network = Network((3, 5, 2))
    weights = np.zeros(network.count)
    for matrix, bias in network.layers(weights):
        matrix += 1
        bias += 2
    assert weights.sum() == 3 * 5 + 5 * 2 + 2 * (5 + 2)


@pytest.mark.parametrize("sizes", [(4, 2), (4, 7, 3), (3, 6, 5, 1)])
def test_the_gradient_is_that_of_finite_differences(sizes: tuple[int, ...]) -> None:
    rng, network = np.random.default_rng(3), Network(sizes)
    weights, x = rng.normal(size=network.count), rng.normal(size=(9, sizes[0]))
    by_outputs = rng.normal(size=(9, sizes[-1]))
    found = np.empty_like(weights)
    _, seen = forward(network.layers(weights), x)
    backward(network.layers(weights), seen, by_outputs, network.layers(found))
    for at in range(network.count):
        up, down = weights.copy(), weights.copy()
        up[at] += 1e-6
        down[at] -= 1e-6
        slope = ((forward(network.layers(up), x)[0] - forward(network.layers(down), x)[0]) * by_outputs).sum() / 2e-6
        assert abs(slope - found[at]) < 1e-6


def test_first_weights_have_orthogonal_columns_and_a_small_last_layer() -> None:
    network = Network((4, 64, 64, 2))
    layers = network.layers(network.start(np.random.default_rng(0), last=0.01))
    assert np.allclose(layers[1][0].T @ layers[1][0], 2 * np.eye(64), atol=1e-5)
    assert np.allclose(layers[2][0].T @ layers[2][0], 1e-4 * np.eye(2), atol=1e-9)
    assert not any(bias.any() for _, bias in layers)


def test_probabilities_sum_to_one_for_scores_of_any_size() -> None:
    log_p = log_softmax(np.array([[1000.0, 999.0], [-1e6, 0.0], [0.0, 0.0]]))
    assert np.allclose(np.exp(log_p).sum(axis=1), 1)
    assert np.allclose(log_p[2], np.log(0.5))


def test_actions_are_drawn_as_often_as_they_should_be() -> None:
    p = np.array([0.2, 0.5, 0.3])
    drawn = sample(np.log(np.tile(p, (20_000, 1))), np.random.default_rng(0))
    assert np.allclose(np.bincount(drawn) / 20_000, p, atol=0.015)


def test_a_certain_action_is_always_drawn() -> None:
    with np.errstate(divide="ignore"):
        certain = np.log(np.tile([0.0, 1.0, 0.0], (500, 1)))
    assert (sample(certain, np.random.default_rng(0)) == 1).all()


def test_a_greedy_policy_is_frozen() -> None:
    network = Network((2, 2))
    weights = np.array([1.0, 0, 0, 1, 0, 0])
    policy = greedy(network, weights)
    weights[:] = -weights
    assert policy([[3.0, 1.0], [1.0, 3.0]]).tolist() == [0, 1]


def test_adam_walks_like_that_of_lesson_305() -> None:
    rng, theirs, other = np.random.default_rng(0), np.ones(5), Adam(0.01, epsilon=1e-12)
    mine: Floats = np.ones(5)
    memory = nothing(mine)
    for _ in range(50):
        gradient = rng.normal(size=5)
        mine, memory = moved(mine, gradient, memory, 0.01)
        other.apply([gradient], [theirs])
    assert np.allclose(mine, theirs, atol=1e-4)


def test_adam_shortens_long_gradients_and_changes_nothing_it_is_given() -> None:
    weights, gradient = np.zeros(2), np.array([3.0, 4.0])
    _, long = moved(weights, gradient, nothing(weights), 0.1, longest=0.5)
    _, short = moved(weights, gradient / 10, nothing(weights), 0.1, longest=0.5)
    assert np.allclose(long.mean, short.mean)
    assert gradient.tolist() == [3, 4]
    assert not weights.any()

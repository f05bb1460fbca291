"""Networks with a hand-written gradient, whose weights are one flat array, and what turns scores into actions."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Layers = list[tuple[Floats, Floats]]
"""Of each layer its matrix (inputs, outputs) and its bias (outputs,)."""
Policy = Callable[[Any], Any]
"""From observations (n, k) to actions (n,)."""


@dataclass(frozen=True)
class Network:
    """Layers of tanh with a linear last one, such as 4-64-64-2 for `sizes` (4, 64, 64, 2).

    The weights are no part of it: they are one flat array (count,), so that an optimiser, a copy or a file deals with one
    array, and `layers` shows them as matrices.
    """

    sizes: tuple[int, ...]

    @cached_property
    def count(self) -> int:
        """How many weights it takes."""
        return sum(a * b + b for a, b in zip(self.sizes, self.sizes[1:], strict=False))

    def layers(self, weights: Floats) -> Layers:
        """Return views of `weights` (count,): for each layer its matrix (inputs, outputs) and its bias (outputs,)."""
        return [
            (weights[begin:middle].reshape(shape), weights[middle:end]) for begin, middle, end, shape in self._places
        ]

    @cached_property
    def _places(self) -> list[tuple[int, int, int, tuple[int, int]]]:
        places, at = [], 0
        for a, b in zip(self.sizes, self.sizes[1:], strict=False):
            places.append((at, at + a * b, at + a * b + b, (a, b)))
            at += a * b + b
        return places

    def start(self, rng: np.random.Generator, last: float) -> Floats:
        """Return first weights: orthogonal columns of length √2, of length `last` in the last layer; biases of 0.

        Where a layer widens, its rows are that instead.

        Source: Andrychowicz et al. (2021), "What matters for on-policy deep actor-critic methods?": a small last layer.
        """
        weights = np.zeros(self.count, dtype=np.float32)
        views = self.layers(weights)
        for place, (matrix, _) in enumerate(views):
            a, b = matrix.shape
            columns = np.linalg.qr(rng.normal(size=(max(a, b), min(a, b))))[0]
            matrix[:] = (columns if a >= b else columns.T) * (last if place == len(views) - 1 else np.sqrt(2))
        return weights


def forward(layers: Layers, x: Floats) -> tuple[Floats, list[Floats]]:
    """Return the outputs (n, outputs) for inputs (n, inputs), and what each layer saw, for `backward`."""
    *hidden, (matrix, bias) = layers
    seen = [x]
    for W, b in hidden:
        here = seen[-1] @ W
        here += b
        seen.append(np.tanh(here, out=here))
    return seen[-1] @ matrix + bias, seen


def backward(layers: Layers, seen: list[Floats], gradient: Floats, into: Layers) -> None:
    """Write the gradient by the weights `into` layers of the same shapes, from that by the outputs (n, outputs)."""
    for place in reversed(range(len(layers))):
        by_matrix, by_bias = into[place]
        np.matmul(seen[place].T, gradient, out=by_matrix)
        gradient.sum(axis=0, out=by_bias)
        if place:
            gradient = gradient @ layers[place][0].T
            gradient *= 1 - seen[place] ** 2


def log_softmax(scores: Floats) -> Floats:
    """Return the logarithms of probabilities (n, actions), for scores (n, actions) of any size."""
    # Turned, because numpy sums a few long rows much faster than many short ones.
    turned = np.array(scores.T, order="C")
    turned -= turned.max(axis=0)
    turned -= np.log(np.exp(turned).sum(axis=0))
    result: Floats = turned.T
    return result


def sample(log_probabilities: Floats, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw an action for each row of (n, actions)."""
    below = np.exp(log_probabilities).cumsum(axis=1)[:, :-1]
    drawn: NDArray[np.int64] = (rng.random((len(below), 1)) > below).sum(axis=1)
    return drawn


def greedy(network: Network, weights: Floats) -> Policy:
    """Return the policy that takes the likeliest action, and draws nothing."""
    layers = network.layers(weights.copy())
    return lambda observations: forward(layers, np.asarray(observations, weights.dtype))[0].argmax(axis=1)

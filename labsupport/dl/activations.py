"""Activation functions as stages, each with its slope beside it, and deep networks made of one kind of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import FloatArray
from labsupport.dl.network import Array, Dense, Network, ReLU, Stage, cross_entropy


def sigmoid(x: ArrayLike) -> Array:
    """Return 1 / (1 + e^-x) for numbers of any size: as a shifted tanh it has no power that could overflow."""
    result: Array = 0.5 * (1 + np.tanh(np.asarray(x) / 2))
    return result


class Sigmoid(Stage):
    """Everything is pressed between 0 and 1; the slope is s (1 - s), at most 1/4."""

    def forward(self, x: Array, training: bool = False) -> Array:
        self.s: Array = sigmoid(x)
        return self.s

    def backward(self, gradient: Array) -> Array:
        result: Array = gradient * self.s * (1 - self.s)
        return result


class Tanh(Stage):
    """Everything is pressed between -1 and 1; the slope is 1 - t², at most 1."""

    def forward(self, x: Array, training: bool = False) -> Array:
        self.t: Array = np.tanh(x)
        return self.t

    def backward(self, gradient: Array) -> Array:
        result: Array = gradient * (1 - self.t**2)
        return result


@dataclass(frozen=True)
class Kind:
    """A kind of activation: its stage, the `ends` (low, high) of its range if it has both, and `gain`, the variance of weights times inputs."""

    stage: type[Stage]
    ends: tuple[float, float] | None
    gain: float


KINDS = {
    "sigmoid": Kind(Sigmoid, (0.0, 1.0), 1.0),
    "tanh": Kind(Tanh, (-1.0, 1.0), 1.0),
    "relu": Kind(ReLU, None, 2.0),
}
"""Gains: LeCun et al. (1998), "Efficient BackProp", for the two that are bounded; He et al. (2015) for ReLU, which drops a half."""
ENDS = {name: kind.ends for name, kind in KINDS.items() if kind.ends}
"""The two ends of those that have them, by the name that Keras gives them too."""
MARGIN = 0.01
"""A value is saturated within this share of its activation's range from either end: there the slope is below 4 % of the steepest."""


def deep_network(
    activation: str,
    hidden: int,
    rng: np.random.Generator,
    *,
    spread: float = 1.0,
    width: int = 64,
    inputs: int = 784,
    outputs: int = 10,
) -> Network:
    """Return a network of `hidden` layers of `width` units with one kind of activation, float32.

    Weights begin normal with variance spread² * gain / inputs of the layer, biases at 0; `spread` leaves the last layer, which gives
    the scores, as it is.
    """
    kind = KINDS[activation]
    sizes = (inputs, *[width] * hidden, outputs)
    stages: list[Stage] = []
    for layer, (before, after) in enumerate(zip(sizes, sizes[1:], strict=False)):
        is_last = layer == hidden
        deviation = np.sqrt(1 / before) if is_last else spread * np.sqrt(kind.gain / before)
        weights = rng.normal(0, deviation, (before, after)).astype(np.float32)
        stages.append(Dense(weights, np.zeros(after, np.float32)))
        stages += [] if is_last else [kind.stage()]
    return Network(stages)


def layer_values(network: Network, x: Array) -> list[Array]:
    """Return what each hidden layer gives out, behind its activation: arrays (n, units) for `x` (n, inputs)."""
    values = []
    for stage in network.stages:
        x = stage.forward(x)
        if not stage.parameters:
            values.append(x)
    return values


def gradient_rms(network: Network, x: Array, labels: Any) -> FloatArray:
    """Return for each dense layer the root mean square of the loss's gradient by its weights, on `x` (n, inputs), `labels` (n,)."""
    network.backward(cross_entropy(network.forward(x), labels)[1])
    slopes = [stage.gradients[0] for stage in network.stages if stage.parameters]
    return np.array([np.sqrt(np.mean(np.square(slope, dtype=float))) for slope in slopes])


def dead_share(values: ArrayLike) -> float:
    """Return the share of units that give nothing but 0, or no finite number: of `values` (rows, ..., units)."""
    given = np.asarray(values)
    speaks = np.isfinite(given) & (given != 0)
    return float((~speaks.any(axis=tuple(range(given.ndim - 1)))).mean())


def saturated_share(values: ArrayLike, ends: tuple[float, float]) -> float:
    """Return the share of `values`, of any shape, within `MARGIN` of the range from one of its `ends` (low, high)."""
    given, (low, high) = np.asarray(values), ends
    margin = MARGIN * (high - low)
    return float(((given < low + margin) | (given > high - margin)).mean())

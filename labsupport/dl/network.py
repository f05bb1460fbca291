"""A neural network from nothing: a chain of stages, each with its gradient beside it, and the loss at its end."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Array = NDArray[Any]
"""Floats of one type throughout a network: float32 to train, float64 to check gradients."""


class Stage:
    """A step of the chain: `parameters` are what it learns, `gradients` what the last `backward` found for them."""

    def __init__(self, *parameters: Array) -> None:
        self.parameters = list(parameters)
        self.gradients = [np.zeros_like(each) for each in parameters]

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the outputs (n, outputs) for inputs (n, inputs), and keep what `backward` needs."""
        raise NotImplementedError

    def backward(self, gradient: Array) -> Array:
        """Return the loss's gradient by the last inputs (n, inputs), from that by its outputs (n, outputs)."""
        raise NotImplementedError


class Dense(Stage):
    """Weighted sums: x @ weights + bias, for `weights` (inputs, outputs) and `bias` (outputs,)."""

    def forward(self, x: Array, training: bool = False) -> Array:
        self.x = x
        weights, bias = self.parameters
        result: Array = x @ weights + bias
        return result

    def backward(self, gradient: Array) -> Array:
        weights, _ = self.parameters
        self.gradients = [self.x.T @ gradient, gradient.sum(axis=0)]
        result: Array = gradient @ weights.T
        return result


class ReLU(Stage):
    """What is above 0 passes, what is below becomes 0."""

    def forward(self, x: Array, training: bool = False) -> Array:
        self.open = x > 0
        return x * self.open

    def backward(self, gradient: Array) -> Array:
        return gradient * self.open


class Dropout(Stage):
    """In training each value is set to 0 with probability `rate`, and the rest grows so that the mean stays. Else nothing.

    Source: Srivastava et al. (2014), "Dropout: a Simple Way to Prevent Neural Networks from Overfitting".
    """

    def __init__(self, rate: float, rng: np.random.Generator) -> None:
        if not 0 <= rate < 1:
            raise ValueError(f"rate is a share from 0 to below 1; got {rate}")
        super().__init__()
        self.rate, self.rng = rate, rng

    def forward(self, x: Array, training: bool = False) -> Array:
        self.kept: Array = np.ones((), x.dtype)
        if training and self.rate:
            self.kept = (self.rng.random(x.shape, dtype=np.float32) >= self.rate).astype(x.dtype) / (1 - self.rate)
        return x * self.kept

    def backward(self, gradient: Array) -> Array:
        return gradient * self.kept


def softmax(scores: ArrayLike) -> Array:
    """Return probabilities (n, k) that sum to 1 in each row, for scores (n, k) of any size."""
    grown = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    result: Array = grown / grown.sum(axis=1, keepdims=True)
    return result


def cross_entropy(scores: Array, labels: ArrayLike) -> tuple[float, Array]:
    """Return (loss, gradient): the mean surprise at the right classes in nats, and its gradient by the scores (n, k).

    `labels` (n,): whole numbers from 0 to k - 1. The gradient is short: what was said minus what was right, a row's share
    of the mean. Raises ValueError for labels of another shape or kind, such as one-hot rows.
    """
    right = _classes(labels, *scores.shape)
    rows, said = np.arange(len(right)), softmax(scores)
    lifted = scores - scores.max(axis=1, keepdims=True)
    loss = (np.log(np.exp(lifted).sum(axis=1)) - lifted[rows, right]).mean()
    said[rows, right] -= 1
    return float(loss), said / len(rows)


def _classes(labels: ArrayLike, count: int, classes: int) -> NDArray[Any]:
    given = np.asarray(labels)
    if given.shape != (count,) or given.dtype.kind not in "iu" or not np.isin(given, range(classes)).all():
        raise ValueError(f"labels are {count} whole numbers from 0 to {classes - 1}; got {given.dtype} {given.shape}")
    return given


class Network:
    """Stages one after the other; the last one gives a score for each class."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = list(stages)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the scores (n, k) for inputs (n, inputs)."""
        for stage in self.stages:
            x = stage.forward(x, training)
        return x

    def backward(self, gradient: Array) -> Array:
        """Walk back from the gradient by the scores (n, k): each stage finds its own gradients and passes on the rest."""
        for stage in reversed(self.stages):
            gradient = stage.backward(gradient)
        return gradient

    @property
    def parameters(self) -> list[Array]:
        """What is learnt, from the first stage to the last; changed in place, it changes the network."""
        return [each for stage in self.stages for each in stage.parameters]

    @property
    def gradients(self) -> list[Array]:
        """The gradients of the last `backward`, in the order of `parameters`."""
        return [each for stage in self.stages for each in stage.gradients]


def dense_network(
    sizes: Sequence[int], rng: np.random.Generator, dropout: float = 0.0, dtype: DTypeLike = np.float32
) -> Network:
    """Return a network such as 784-128-64-10 for `sizes` (784, 128, 64, 10), with dropout after the first hidden layer.

    Weights begin at random with variance 2 / inputs. Source: He et al. (2015), "Delving Deep into Rectifiers".
    """
    stages: list[Stage] = []
    for place, (inputs, outputs) in enumerate(zip(sizes, sizes[1:], strict=False)):
        weights = rng.normal(0, np.sqrt(2 / inputs), (inputs, outputs)).astype(dtype)
        stages.append(Dense(weights, np.zeros(outputs, dtype)))
        if place < len(sizes) - 2:
            stages.append(ReLU())
            stages += [Dropout(dropout, rng)] if place == 0 and dropout else []
    return Network(stages)

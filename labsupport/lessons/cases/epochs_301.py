"""Lesson 301: a network that writes down what an epoch of training does to it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.dl.network import Array, Dense, Network, ReLU, cross_entropy, softmax

SIZES = (5, 4, 3)


@dataclass(frozen=True)
class Seen:
    """One call of `forward`: its rows, whether it was told that this is training, and the parameters at that time."""

    x: Array
    training: bool
    parameters: list[Array]


class Watched(Network):
    """A small network whose `seen` grows with each call; a copy of it is itself, so that the checker can read what happened."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        layers = [Dense(rng.normal(size=(i, o)), rng.normal(size=o)) for i, o in zip(SIZES, SIZES[1:], strict=False)]
        super().__init__([layers[0], ReLU(), layers[1]])
        self.seen: list[Seen] = []

    def __deepcopy__(self, memo: dict[int, Any]) -> "Watched":
        return self

    def forward(self, x: Array, training: bool = False) -> Array:
        self.seen.append(Seen(np.array(x), bool(training), [each.copy() for each in self.parameters]))
        return super().forward(x, training)


def examples(count: int, seed: int) -> tuple[Array, NDArray[Any]]:
    """Return (x, labels): different rows (count, 5) and classes (count,), sorted."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, SIZES[0])), np.sort(rng.integers(0, SIZES[-1], count))


def gradients(
    parameters: list[Array], x: Array, labels: NDArray[Any], twice: bool = False
) -> tuple[float, list[Array]]:
    """Return (loss, gradients) of the network with these parameters for one batch; `twice`: with a softmax too many."""
    (w1, b1, w2, b2) = parameters
    network = Network([Dense(w1, b1), ReLU(), Dense(w2, b2)])
    scores = network.forward(x)
    if twice:
        said = softmax(scores)
        loss, by_said = cross_entropy(said, labels)
        # As the handed-over program does it: the gradient by what was said is taken for that by the scores.
        network.backward(by_said)
    else:
        loss, by_scores = cross_entropy(scores, labels)
        network.backward(by_scores)
    return loss, network.gradients

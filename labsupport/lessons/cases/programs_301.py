"""Lesson 301: five programs that train the same network on the same pictures, all but one with a fault."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.dl.fashion import fashion_mnist
from labsupport.dl.network import Array, Network, cross_entropy, dense_network, softmax

FAULTS = ("none", "softmax twice", "no shuffle", "dropout never off", "labels of other pictures", "step too large")
PROGRAMS = {
    "A": "no shuffle",
    "B": "dropout never off",
    "C": "none",
    "D": "softmax twice",
    "E": "labels of other pictures",
}
PICTURES, UNSEEN, EPOCHS, BATCH, SEED = 2_000, 1_000, 12, 50, 5


@dataclass
class Program:
    """A trained program: `losses` as it reported them after each epoch, and its accuracy on `x` and on unseen pictures."""

    network: Network
    fault: str
    losses: list[float] = field(default_factory=list)
    training: list[float] = field(default_factory=list)
    unseen: list[float] = field(default_factory=list)

    def probabilities(self, x: Array) -> Array:
        """Return what the program says of pictures (n, 784) between 0 and 1: probabilities (n, 10)."""
        said = softmax(self.network.forward(x, training=self.fault == "dropout never off"))
        return softmax(said) if self.fault == "softmax twice" else said


@lru_cache(maxsize=1)
def pictures() -> tuple[Array, NDArray[Any], Array, NDArray[Any]]:
    """Return (x, labels, unseen x, unseen labels) as the programs had them: 2,000 pictures, sorted by class, and 1,000."""
    bundled = fashion_mnist()[0][: PICTURES + UNSEEN]
    x, labels = bundled.images.reshape(len(bundled), -1) / np.float32(255), bundled.labels.astype(int)
    rows = np.argsort(labels[:PICTURES], kind="stable")
    return x[rows], labels[rows], x[PICTURES:], labels[PICTURES:]


def run(fault: str) -> Program:
    """Train one program to its end."""
    x, labels, unseen_x, unseen_labels = pictures()
    rng = np.random.default_rng(SEED)
    program = Program(
        dense_network((784, 128, 64, 10), rng, dropout=0.5 if fault == "dropout never off" else 0.2), fault
    )
    told = rng.permutation(labels) if fault == "labels of other pictures" else labels
    for _ in range(EPOCHS):
        order = np.arange(len(x)) if fault == "no shuffle" else rng.permutation(len(x))
        total = 0.0
        for begin in range(0, len(x), BATCH):
            rows = order[begin : begin + BATCH]
            loss = _step(program, x[rows], told[rows], 6.0 if fault == "step too large" else 0.1)
            total += loss * len(rows)
        program.losses.append(total / len(x))
        for kept, these, right in ((program.training, x, labels), (program.unseen, unseen_x, unseen_labels)):
            kept.append(float((program.probabilities(these).argmax(axis=1) == right).mean()))
    return program


def _step(program: Program, x: Array, labels: NDArray[Any], step: float) -> float:
    scores = program.network.forward(x, training=True)
    if program.fault == "softmax twice":
        said = softmax(scores)
        loss, by_said = cross_entropy(said, labels)
        gradient = said * (by_said - (by_said * said).sum(axis=1, keepdims=True))
    else:
        loss, gradient = cross_entropy(scores, labels)
    program.network.backward(gradient)
    for parameter, slope in zip(program.network.parameters, program.network.gradients, strict=True):
        parameter -= step * slope
    return loss

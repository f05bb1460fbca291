"""Training a network: shuffled batches, and small steps against the gradient. It needs numpy alone, so a pod starts at once."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.dl.network import Array, Network, cross_entropy


def train(
    network: Network,
    x: Array,
    labels: NDArray[Any],
    *,
    rate: float,
    epochs: int,
    batch: int,
    rng: np.random.Generator,
) -> Iterator[float]:
    """Change the network's parameters in place, and yield after each epoch the mean loss of its batches, in nats.

    `x` (n, inputs), `labels` (n,): classes as whole numbers. Each epoch sees every example once, in a new order. The step
    shrinks from `rate` to 0 on the way. Raises ValueError when the loss is no number any more.
    """
    steps = epochs * -(-len(x) // batch)
    taken = 0
    for epoch in range(epochs):
        order = rng.permutation(len(x))
        total = 0.0
        for begin in range(0, len(x), batch):
            rows = order[begin : begin + batch]
            loss, gradient = cross_entropy(network.forward(x[rows], training=True), labels[rows])
            network.backward(gradient)
            step = rate * (1 - taken / steps)
            for parameter, slope in zip(network.parameters, network.gradients, strict=True):
                parameter -= step * slope
            total += loss * len(rows)
            taken += 1
        if not np.isfinite(total):
            raise ValueError(f"no finite loss in epoch {epoch + 1}: take a rate below {rate:g}, or scale the inputs")
        yield total / len(x)

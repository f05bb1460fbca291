"""A contest of optimisers: the same small network, the same pictures and the same start for each of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.arrays import FloatArray
from labsupport.dl.fashion import Pictures
from labsupport.dl.optimizers import Optimizer

Floats = NDArray[np.float32]
SIZES = (784, 32, 10)


@dataclass(frozen=True)
class Rows:
    """Pictures as rows: `x` (n, 784) float32 from 0 to 1, `y` (n,) classes."""

    x: Floats
    y: NDArray[np.int64]

    @classmethod
    def of(cls, pictures: Pictures) -> "Rows":
        """Return the pictures as rows."""
        flat = pictures.images.reshape(len(pictures), -1).astype(np.float32)
        return cls(flat / np.float32(255), pictures.labels.astype(np.int64))

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class Run:
    """What a training left: `losses` (steps,), each of its batch; `accuracy` (looks,), 0 to 1; and the weights."""

    losses: FloatArray
    accuracy: FloatArray
    weights: list[Floats]


def weights(seed: int, sizes: tuple[int, ...] = SIZES) -> list[Floats]:
    """Return the start of a network: for each layer its weights (inputs, outputs), drawn as He et al. 2015 do, and its biases, 0."""
    rng = np.random.default_rng(seed)
    start: list[Floats] = []
    for inputs, outputs in zip(sizes, sizes[1:], strict=False):
        start.append((rng.normal(size=(inputs, outputs)) * np.sqrt(2 / inputs)).astype(np.float32))
        start.append(np.zeros(outputs, dtype=np.float32))
    return start


def loss_and_gradients(weights: list[Any], x: Any, y: Any) -> tuple[float, list[Any]]:
    """Return the mean log loss of a network with ReLU between its layers, and its gradient for each of the weights."""
    seen = [x]
    for W, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        seen.append(np.maximum(seen[-1] @ W + b, 0))
    said, rows = _softmax(seen[-1] @ weights[-2] + weights[-1]), np.arange(len(y))
    loss = -np.log(said[rows, y] + np.finfo(said.dtype).tiny).mean()
    back = said
    back[rows, y] -= 1
    back /= len(y)
    gradients: list[Any] = []
    for layer in reversed(range(len(seen))):
        gradients = [seen[layer].T @ back, back.sum(axis=0), *gradients]
        if layer:
            back = (back @ weights[2 * layer].T) * (seen[layer] > 0)
    return float(loss), gradients


def loss(weights: list[Any], x: Any, y: Any) -> float:
    """Return the mean log loss."""
    said = _softmax(_scores(weights, x))
    return float(-np.log(said[np.arange(len(y)), y] + np.finfo(said.dtype).tiny).mean())


def accuracy(weights: list[Any], rows: Rows) -> float:
    """Return the share of the rows whose class has the highest score."""
    return float((_scores(weights, rows.x).argmax(axis=1) == rows.y).mean())


def train(
    optimizer: Optimizer,
    rows: Rows,
    seed: int,
    steps: int,
    look: Callable[[list[Floats]], float] | None = None,
    every: int = 50,
    batch: int = 64,
    sizes: tuple[int, ...] = SIZES,
) -> Run:
    """Train from the start `seed`, over batches in an order that `seed` decides too, and return the run.

    `look` is asked of the weights after each `every` steps. A loss that is no number any more ends the run: the rest of
    `losses` is nan, and the rest of `accuracy` is 0.
    """
    here, rng = weights(seed, sizes), np.random.default_rng([seed, 1])
    losses, looks = np.full(steps, np.nan), np.zeros(steps // every if look else 0)
    order: list[int] = []
    with np.errstate(all="ignore"):
        for step in range(steps):
            if len(order) < batch:
                order = rng.permutation(len(rows)).tolist()
            chosen, order = order[:batch], order[batch:]
            losses[step], gradients = loss_and_gradients(here, rows.x[chosen], rows.y[chosen])
            if not np.isfinite(losses[step]):
                break
            optimizer.apply(gradients, here)
            if look and (step + 1) % every == 0:
                looks[step // every] = look(here)
    return Run(losses, looks, here)


def paired(one: Any, other: Any) -> tuple[float, float, float]:
    """Return (mean, low, high) of the differences of pairs (n,): the interval of 95 % by Student's t; n is 2 or more."""
    from scipy import stats

    difference = np.asarray(one, dtype=float) - np.asarray(other, dtype=float)
    half = stats.t.ppf(0.975, len(difference) - 1) * difference.std(ddof=1) / np.sqrt(len(difference))
    return float(difference.mean()), float(difference.mean() - half), float(difference.mean() + half)


def _scores(weights: list[Any], x: Any) -> Any:
    for W, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = np.maximum(x @ W + b, 0)
    return x @ weights[-2] + weights[-1]


def _softmax(scores: Any) -> Any:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)

"""Convolution from nothing: patches as rows, one product of matrices; pooling; and what a chain of them costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from labsupport.dl.network import Array, Dense, Network, ReLU, Stage

Padding = Literal["valid", "same"]


def patches(images: Array, size: int, stride: int = 1) -> Array:
    """Return every square of `size` pixels as a row: (n, rows, columns, size * size * channels) of images (n, height, width, channels).

    Known as im2col. Source: Chellapilla, Puri, Simard (2006), "High Performance Convolutional Neural Networks for Document Processing".
    """
    windows = sliding_window_view(images, (size, size), axis=(1, 2))[:, ::stride, ::stride]
    n, rows, columns, channels = windows.shape[:4]
    result: Array = windows.transpose(0, 1, 2, 4, 5, 3).reshape(n, rows, columns, size * size * channels)
    return result


def pad_same(images: Array, size: int, stride: int = 1) -> Array:
    """Return the images (n, height, width, channels) with a border of 0, so that ceil(side / stride) places fit; odd pixels go behind."""
    borders = []
    for side in images.shape[1:3]:
        missing = max((-(-side // stride) - 1) * stride + size - side, 0)
        borders.append((missing // 2, missing - missing // 2))
    return np.pad(images, ((0, 0), *borders, (0, 0)))


def convolve(images: Array, filters: Array, bias: Any = 0.0, stride: int = 1, padding: Padding = "valid") -> Array:
    """Return the maps (n, rows, columns, filters) of `filters` (size, size, channels, filters) slid over images (n, height, width, channels).

    Raises ValueError if images and filters have different channels.
    """
    size, _, channels, count = filters.shape
    if images.shape[-1] != channels:
        raise ValueError(f"the images have {images.shape[-1]} channels, the filters {channels}")
    if padding == "same":
        images = pad_same(images, size, stride)
    result: Array = patches(images, size, stride) @ filters.reshape(-1, count) + bias
    return result


class Convolution(Stage):
    """Filters slid over images, without padding: `filters` (size, size, channels, filters), `bias` (filters,)."""

    def forward(self, x: Array, training: bool = False) -> Array:
        self.x = x
        filters, bias = self.parameters
        return convolve(x, filters, bias)

    def backward(self, gradient: Array) -> Array:
        filters, _ = self.parameters
        size, _, _, count = filters.shape
        seen = patches(self.x, size).reshape(-1, filters[..., 0].size)
        flat = gradient.reshape(-1, count)
        self.gradients = [(seen.T @ flat).reshape(filters.shape), flat.sum(axis=0)]
        # A pixel helped in each patch that it lay in: slide the filters back over it, turned by half.
        border = ((0, 0), (size - 1, size - 1), (size - 1, size - 1), (0, 0))
        return convolve(np.pad(gradient, border), filters[::-1, ::-1].transpose(0, 1, 3, 2))


class MaxPooling(Stage):
    """The largest of each square of 2 x 2 pixels; a last odd row or column is left out."""

    def forward(self, x: Array, training: bool = False) -> Array:
        self.shape = x.shape
        n, height, width, channels = x.shape
        cut = x[:, : height // 2 * 2, : width // 2 * 2]
        squares = cut.reshape(n, height // 2, 2, width // 2, 2, channels).transpose(0, 1, 3, 5, 2, 4)
        self.four = squares.reshape(n, height // 2, width // 2, channels, 4)
        result: Array = self.four.max(axis=-1)
        return result

    def backward(self, gradient: Array) -> Array:
        # Only the largest was heard; of equals the first.
        heard = np.arange(4) == self.four.argmax(axis=-1)[..., None]
        n, rows, columns, channels = gradient.shape
        squares = (heard * gradient[..., None]).reshape(n, rows, columns, channels, 2, 2)
        result = np.zeros(self.shape, dtype=gradient.dtype)
        result[:, : 2 * rows, : 2 * columns] = squares.transpose(0, 1, 4, 2, 5, 3).reshape(
            n, 2 * rows, 2 * columns, channels
        )
        return result


class GlobalAverage(Stage):
    """The mean of each map, wherever it was high: (n, rows, columns, channels) becomes (n, channels)."""

    def forward(self, x: Array, training: bool = False) -> Array:
        self.shape = x.shape
        result: Array = x.mean(axis=(1, 2))
        return result

    def backward(self, gradient: Array) -> Array:
        _, rows, columns, _ = self.shape
        result: Array = np.broadcast_to(gradient[:, None, None, :] / (rows * columns), self.shape).copy()
        return result


class Flatten(Stage):
    """All maps as one row, each place its own column: (n, rows, columns, channels) becomes (n, the product of them)."""

    def forward(self, x: Array, training: bool = False) -> Array:
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, gradient: Array) -> Array:
        return gradient.reshape(self.shape)


Layers = Sequence[tuple[Any, ...]]
"""A chain: ("conv", filters, size, stride, padding), ("pool",), ("flatten",), ("mean",), ("dense", outputs); stride 1 and "valid" may be left out."""


def network_of(layers: Layers, weights: Sequence[Array]) -> Network:
    """Return a network of these layers with ReLU after each that learns, but the last: `weights` in the order of Keras's get_weights.

    Its convolutions have a stride of 1 and no padding.
    """
    rest, stages = list(weights), list[Stage]()
    plain: dict[str, type[Stage]] = {"pool": MaxPooling, "flatten": Flatten, "mean": GlobalAverage}
    for kind, *_ in layers:
        if kind in plain:
            stages.append(plain[kind]())
        else:
            stages += [(Convolution if kind == "conv" else Dense)(rest.pop(0), rest.pop(0)), ReLU()]
    return Network(stages[:-1] if isinstance(stages[-1], ReLU) else stages)


def random_weights(layers: Layers, rng: np.random.Generator, shape: tuple[int, ...] = (28, 28, 1)) -> list[Array]:
    """Return a start for a chain, float32, drawn as He et al. 2015 do, with small biases: a filter or matrix and its biases for each layer."""
    weights: list[Array] = []
    for layer in layers:
        channels, shape = shape[-1], costs([layer], shape)[0].shape
        if layer[0] in ("conv", "dense"):
            inputs = (layer[2], layer[2], channels) if layer[0] == "conv" else (channels,)
            for drawn in (
                rng.normal(scale=np.sqrt(2 / np.prod(inputs)), size=(*inputs, layer[1])),
                rng.normal(scale=0.1, size=layer[1]),
            ):
                weights.append(np.asarray(drawn, dtype=np.float32))
    return weights


@dataclass(frozen=True)
class Cost:
    """What a layer leaves and costs: `shape` of one answer, its `parameters`, and `products`, multiplications for one picture."""

    layer: str
    shape: tuple[int, ...]
    parameters: int
    products: int


def costs(layers: Layers, shape: tuple[int, ...] = (28, 28, 1)) -> list[Cost]:
    """Return the cost of each layer of a chain, for pictures of `shape` (height, width, channels).

    Raises ValueError for a layer that does not fit what comes before it.
    """
    told = []
    for layer in layers:
        kind, *options = layer
        if kind in ("conv", "pool", "mean") and len(shape) != 3:
            raise ValueError(f"{layer} needs maps, and gets a row of {shape[0]} numbers")
        if kind == "dense" and len(shape) != 1:
            raise ValueError(f"{layer} needs a row, and gets maps of shape {shape}: flatten them, or take their mean")
        parameters = products = 0
        if kind == "conv":
            said: list[Any] = [*options, *[1, "valid"][len(options) - 2 :]]
            filters, size, stride, padding = said
            sides = [_places(side, size, stride, padding) for side in shape[:2]]
            if min(sides) < 1:
                raise ValueError(f"{layer} does not fit into maps of {shape[0]} x {shape[1]}")
            weights = size * size * shape[2] * filters
            parameters, products = weights + filters, weights * sides[0] * sides[1]
            shape = (*sides, filters)
        elif kind == "pool":
            if min(shape[:2]) < 2:
                raise ValueError(f"{layer} does not fit into maps of {shape[0]} x {shape[1]}")
            shape = (shape[0] // 2, shape[1] // 2, shape[2])
        elif kind == "flatten":
            shape = (int(np.prod(shape)),)
        elif kind == "mean":
            shape = (shape[2],)
        elif kind == "dense":
            (outputs,) = options
            parameters, products = (shape[0] + 1) * outputs, shape[0] * outputs
            shape = (outputs,)
        else:
            raise ValueError(f"there is no layer {kind!r}")
        told.append(Cost(kind, shape, parameters, products))
    return told


def sight(layers: Layers) -> int:
    """Return how many pixels wide the square is that one place of the last map sees, before any `flatten` or `mean`."""
    seen = step = 1
    for kind, *options in layers:
        if kind == "conv":
            seen += (options[1] - 1) * step
            step *= options[2] if len(options) > 2 else 1
        elif kind == "pool":
            seen += step
            step *= 2
        else:
            break
    return seen


def _places(side: int, size: int, stride: int, padding: str) -> int:
    return -(-side // stride) if padding == "same" else (side - size) // stride + 1

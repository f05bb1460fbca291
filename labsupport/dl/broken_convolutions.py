"""Convolutions with a fault each, as people write them; a sound one is among them."""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from labsupport.dl.convolution import convolve
from labsupport.dl.network import Array

Slide = Callable[[Array, Array, int], Array]
"""Called with images (n, height, width, channels), filters (size, size, channels, filters) and a stride; returns the maps."""


def _flipped(images: Array, filters: Array, stride: int) -> Array:
    """Turn the filter by half first: the textbook's convolution, where networks correlate."""
    return convolve(images, filters[::-1, ::-1], stride=stride)


def _stride(images: Array, filters: Array, stride: int) -> Array:
    """Start at the last place of the first step instead of the first."""
    full = convolve(images, filters)
    rows, columns = (np.minimum(np.arange(0, side, stride) + stride - 1, side - 1) for side in full.shape[1:3])
    result: Array = full[:, rows][:, :, columns]
    return result


def _channels(images: Array, filters: Array, stride: int) -> Array:
    """Lay the patches out channel by channel, and the filters pixel by pixel."""
    size, _, _, count = filters.shape
    windows = sliding_window_view(images, (size, size), axis=(1, 2))[:, ::stride, ::stride]
    result: Array = windows.reshape(*windows.shape[:3], -1) @ filters.reshape(-1, count)
    return result


def _sound(images: Array, filters: Array, stride: int) -> Array:
    return convolve(images, filters, stride=stride)


KINDS: dict[str, Slide] = {"flipped": _flipped, "stride": _stride, "channels": _channels, "none": _sound}

"""Pictures moved over a canvas, and four networks that are asked about them."""

import gc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

FILE = Path(__file__).parent / "fashion_mnist" / "shifts.csv"
Images = NDArray[np.uint8]

NETWORKS: dict[str, tuple[tuple[Any, ...], ...]] = {
    "MLP": (("flatten",), ("dense", 128), ("dense", 64), ("dense", 10)),
    "flatten CNN": (("conv", 16, 3), ("pool",), ("conv", 32, 3), ("flatten",), ("dense", 64), ("dense", 10)),
    "pooling CNN": (("conv", 16, 3), ("pool",), ("conv", 32, 3), ("mean",), ("dense", 64), ("dense", 10)),
}
"""The layers of each network, as `convolution.costs` reads them; ReLU follows each but the last."""
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03)
"""The rates of Adam that a contestant may try: first the three in the middle, and a further one if the best lies at their edge."""


def small(images: Images) -> Images:
    """Return pictures (n, 28, 28) at half their size in the middle of an empty canvas of 28 x 28: seven pixels free on each side."""
    halves = images.reshape(len(images), 14, 2, 14, 2).astype(float).mean(axis=(2, 4))
    return np.pad(halves.round().astype(np.uint8), ((0, 0), (7, 7), (7, 7)))


def shift(images: Images, right: int, down: int) -> Images:
    """Return the pictures (n, 28, 28) moved by pixels; what leaves the canvas is gone, and what comes in is 0."""
    height, width = images.shape[1:]
    result = np.zeros_like(images)
    if abs(right) < width and abs(down) < height:
        to = (slice(max(down, 0), height + min(down, 0)), slice(max(right, 0), width + min(right, 0)))
        come = (slice(max(-down, 0), height + min(-down, 0)), slice(max(-right, 0), width + min(-right, 0)))
        result[:, *to] = images[:, *come]
    return result


def moved(images: Images, pixels: int, seed: int) -> Images:
    """Return each picture moved by `pixels` in one of eight directions, which `seed` decides."""
    ways = [(right, down) for right in (-1, 0, 1) for down in (-1, 0, 1) if (right, down) != (0, 0)]
    chosen = np.random.default_rng(seed).integers(len(ways), size=len(images))
    result = np.empty_like(images)
    for at, (right, down) in enumerate(ways):
        result[chosen == at] = shift(images[chosen == at], right * pixels, down * pixels)
    return result


def scattered(images: Images, reach: int, seed: int) -> Images:
    """Return each picture moved by up to `reach` pixels to each side, at random: what an augmented training sees in one epoch."""
    rng = np.random.default_rng(seed)
    rights, downs = rng.integers(-reach, reach + 1, size=(2, len(images)))
    result = np.empty_like(images)
    for right, down in set(zip(rights.tolist(), downs.tolist(), strict=True)):
        here = (rights == right) & (downs == down)
        result[here] = shift(images[here], right, down)
    return result


def build(chain: Sequence[Sequence[Any]], seed: int) -> Any:
    """Return a Keras model of layers as in `NETWORKS` that reads pictures (n, 28, 28) of uint8 and returns ten scores."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    made: list[Any] = [keras.Input((28, 28), dtype="uint8"), layers.Rescaling(1 / 255), layers.Reshape((28, 28, 1))]
    for kind, *options in chain:
        if kind == "conv":
            made.append(layers.Conv2D(*options, activation="relu"))
        elif kind == "dense":
            made.append(layers.Dense(options[0], activation="relu"))
        else:
            made.append(
                {"pool": layers.MaxPooling2D, "flatten": layers.Flatten, "mean": layers.GlobalAveragePooling2D}[kind]()
            )
    made[-1].activation = keras.activations.linear
    return keras.Sequential(made)


def train(
    model: Any,
    images: Images,
    labels: Any,
    seed: int,
    rate: float,
    epochs: int,
    reach: int = 0,
    fall: float = 1.0,
    after: Callable[[int], bool] | None = None,
) -> Any:
    """Train a model with Adam in batches of 32 and return it; with a `reach` it sees the pictures scattered anew in each epoch.

    With a `fall` below 1 the rate falls by the same factor from epoch to epoch, to `fall` times itself in the last. `after` is told the
    number of each epoch (1, 2, ...) when it is over, may change the model, and ends the training by True.
    """
    import keras

    model.compile(
        keras.optimizers.Adam(rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=25,  # the same steps, in less time
    )
    keras.utils.set_random_seed(seed)
    for epoch in range(epochs):
        if fall < 1:
            model.optimizer.learning_rate = rate * fall ** (epoch / max(epochs - 1, 1))
        seen = scattered(images, reach, seed=1000 * seed + epoch) if reach else images
        model.fit(seen, labels, batch_size=32, epochs=1, verbose=0)
        if after and after(epoch + 1):
            break
    # The graph of the steps takes more memory than the model, and hangs in a cycle of references.
    model.train_function = None
    gc.collect()
    return model


def right(model: Any, images: Images, labels: Any) -> NDArray[np.bool_]:
    """Return for each picture whether the highest score is that of its class."""
    parts = [model.predict_on_batch(images[at : at + 100]).argmax(axis=1) for at in range(0, len(images), 100)]
    answers = np.concatenate(parts)
    result: NDArray[np.bool_] = answers == labels
    return result


def measured() -> "pd.DataFrame":
    """Return what benchmarks/shifted_pictures.py measured: one row for a training and a number of pixels.

    `network`, `training`, `rate`, `seed`; `epochs` until it settled; `own`, what it gets right of the pictures it learnt from, placed as
    it learnt them; `pixels`, `accuracy`. The latter and `own` go from 0 to 1.
    """
    import pandas as pd

    return pd.read_csv(FILE)

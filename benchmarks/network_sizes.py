"""What a larger network costs and brings: parameters, milliseconds, megabytes and accuracy of nine sizes on the bundled pictures.

    python benchmarks/network_sizes.py           # about seven minutes; writes labsupport/dl/fashion_mnist/network_sizes.csv

Each size learns from 10,000 pictures with five seeds (15 epochs, the best of three rates by its mean) and is judged on the 2,000 after them.
Latency is the median of 2,000 calls in numpy for one picture and of 200 for a batch of 64, one thread. `training_mb` is the peak that
numpy asked for in one step of 64 pictures, by tracemalloc, without the pictures. With Keras, if it is there, the median of 50 calls
of `model(picture)` and `model.predict(picture)` for 784-128-64-10 is printed too: most of it is not arithmetic.
"""

import os

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", TF_CPP_MIN_LOG_LEVEL="3")

import csv
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from labsupport.dl.fashion import fashion_mnist
from labsupport.dl.network import cross_entropy, dense_network
from labsupport.dl.sizes import FILE, SEEDS
from labsupport.dl.training import NeuralClassifier

HIDDEN = [(), (8,), (16,), (32,), (64,), (128,), (128, 64), (256, 128), (512, 256)]
RATES = (0.1, 0.2, 0.4)


def median_us(call: Callable[[], Any], times: int) -> float:
    """Return the median microseconds of a call, after ten that don't count."""
    for _ in range(10):
        call()
    took = []
    for _ in range(times):
        begin = time.perf_counter()
        call()
        took.append(time.perf_counter() - begin)
    return 1e6 * float(np.median(took))


def training_mb(sizes: tuple[int, ...], x: Any, labels: Any) -> float:
    """Return the peak of one training step, weights and gradients included, in MB."""
    tracemalloc.start()
    network = dense_network(sizes, np.random.default_rng(0))
    network.backward(cross_entropy(network.forward(x, training=True), labels)[1])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def main(target: Path = FILE) -> None:
    """Measure all sizes and write the table."""
    pictures, _ = fashion_mnist()
    x = pictures.images.reshape(len(pictures), -1) / np.float32(255)
    labels = pictures.labels.astype(int)
    table = []
    for hidden in HIDDEN:
        sizes = (784, *hidden, 10)
        network = dense_network(sizes, np.random.default_rng(0))
        runs = {
            rate: [
                NeuralClassifier(hidden, rate=rate, seed=seed).fit(x[:10_000], labels[:10_000]).score(x[10_000:], labels[10_000:])
                for seed in SEEDS
            ]
            for rate in RATES
        }  # fmt: skip
        rate = max(runs, key=lambda each: np.mean(runs[each]))
        row: dict[str, Any] = {
            "hidden": "-".join(map(str, hidden)),
            "parameters": sum(each.size for each in network.parameters),
            "one_us": round(median_us(partial(network.forward, x[:1]), 2_000), 1),
            "batch_us": round(median_us(partial(network.forward, x[:64]), 200), 1),
            "training_mb": round(training_mb(sizes, x[:64], labels[:64]), 2),
            "rate": rate,
        }
        row |= {f"seed_{seed}": round(accuracy, 4) for seed, accuracy in zip(SEEDS, runs[rate], strict=True)}
        print(row, flush=True)
        table.append(row)
    with target.open("w", encoding="utf-8", newline="\n") as file:
        writer = csv.DictWriter(file, table[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    keras_calls(x[:1])


def keras_calls(picture: Any) -> None:
    """Print how long Keras takes for one picture, where it is installed."""
    try:
        import keras
    except ImportError:
        return
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(128, "relu"), keras.layers.Dense(64, "relu"), keras.layers.Dense(10)])  # fmt: skip
    for name, call in {
        "model(picture)": lambda: model(picture),
        "model.predict(picture)": lambda: model.predict(picture, verbose=0),
    }.items():
        print(f"{name}: {median_us(call, 50) / 1000:.2f} ms")


if __name__ == "__main__":
    main()

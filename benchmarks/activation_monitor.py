"""What watching costs: epochs of a Keras training with and without the activation monitor, in turns.

    python benchmarks/activation_monitor.py           # about three minutes; writes labsupport/monitoring/activation_monitor.json

The model of lesson 302 (784, five hidden layers of 64 ReLUs, 10) on 12,000 pictures in batches of 32, Keras's default; the probe is 256 pictures with
labels, so gradients are measured as well. A run is three epochs of one compiled model. Forty-one pairs of runs, after one that does not count; the
order within a pair turns each time. What counts is processor time, with one thread for each pool, so that programs beside this one matter little; on
a quiet machine the clock on the wall, whose median is kept as `wall`, says the same. `ratio` is the median over pairs, `low` and `high` are its interval (95 %, from the order of the pairs alone).
"""

import os

os.environ.update(
    TF_CPP_MIN_LOG_LEVEL="3", TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1", OPENBLAS_NUM_THREADS="1"
)

import datetime
import json
import statistics
import sys
import time
from typing import Any

from prometheus_client import CollectorRegistry

from labsupport.dl.fashion import fashion_mnist
from labsupport.monitoring.activations import MEASURED, activation_monitor

PAIRS, EPOCHS, MOST = 41, 3, 1.10
# Of 41 sorted values the 14th and the 28th hold the median in 95 of 100 cases (binomial).
LOW, HIGH = 13, 27


def main() -> None:
    """Measure, print, and write the result; exit with 1 when it is 10 % or more."""
    import keras

    bundled, _ = fashion_mnist()
    images, labels = bundled.images, bundled.labels.astype(int)
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(64, "relu", kernel_initializer="he_normal") for _ in range(5)]
    model = keras.Sequential(
        [keras.Input((28, 28), dtype="uint8"), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), *hidden, keras.layers.Dense(10)]
    )  # fmt: skip
    model.compile(keras.optimizers.SGD(0.01), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    monitor = activation_monitor(images[:256], labels[:256], model="m", version="v", registry=CollectorRegistry())

    def epoch_s(callbacks: list[Any]) -> tuple[float, float]:
        begin, worked = time.perf_counter(), time.process_time()
        model.fit(images, labels, batch_size=32, epochs=EPOCHS, verbose=0, callbacks=callbacks)
        return (time.process_time() - worked) / EPOCHS, (time.perf_counter() - begin) / EPOCHS

    ratios, walls = [], []
    for pair in range(PAIRS + 1):
        order = [[], [monitor]] if pair % 2 else [[monitor], []]
        took = {bool(callbacks): epoch_s(callbacks) for callbacks in order}
        if pair:
            ratios.append(took[True][0] / took[False][0])
            walls.append(took[True][1] / took[False][1])
            print(f"without {took[False][0]:.3f} s, with {took[True][0]:.3f} s: {ratios[-1]:.3f}", flush=True)
    ratio, wall = statistics.median(ratios), statistics.median(walls)
    low, high = sorted(ratios)[LOW], sorted(ratios)[HIGH]
    print(f"median {ratio:.3f} ({low:.3f} to {high:.3f}); by the clock on the wall {wall:.3f}")
    day = datetime.datetime.now(datetime.UTC).date()
    numbers = {"ratio": ratio, "low": low, "high": high, "wall": wall}
    found = {"day": str(day), "pairs": PAIRS} | {name: round(value, 3) for name, value in numbers.items()}
    MEASURED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.exit(ratio >= MOST)


if __name__ == "__main__":
    main()

"""Many workers, played by one process: a step of N workers with 32 pictures each is a step over 32 N pictures."""

from functools import cache

import numpy as np
from threadpoolctl import threadpool_limits

from labsupport.arrays import FloatArray
from labsupport.dl.fashion import Pictures, fashion_mnist
from labsupport.dl.training import NeuralClassifier

EACH = 32
"""Pictures that a worker takes in a step."""
PASSES = 4
ROWS = 4_000
STARTS = 5


@cache
def accuracies(workers: int, rate: float, seed: int = 0) -> FloatArray:
    """Return the accuracy (starts,) in % on 3,000 unseen pictures after four passes over 4,000; `rate` falls to 0 on the way.

    The starts are the same for each number of workers and each rate. A training whose loss is no number any more counts 10 %.
    """
    training, test = fashion_mnist()
    x, labels = _rows(training[:ROWS])
    unseen, truth = _rows(test)
    scores = []
    for start in range(STARTS):
        model = NeuralClassifier((64,), rate=rate, epochs=PASSES, batch=EACH * workers, seed=100 * seed + start)
        try:
            # On products as small as these, two threads wait for each other longer than they work.
            with np.errstate(all="ignore"), threadpool_limits(1, "blas"):
                scores.append(100 * model.fit(x, labels).score(unseen, truth))
        except ValueError:
            scores.append(10.0)
    return np.array(scores)


def _rows(pictures: Pictures) -> tuple[FloatArray, FloatArray]:
    return pictures.images.reshape(len(pictures), -1) / np.float32(255), pictures.labels.astype(int)

"""One worker of the same training with TensorFlow's tf.distribute: `TF_CONFIG=... python -m labsupport.dl.tf_worker loop`.

`fit` asks Keras to train under the strategy; `loop` writes the step out. TensorFlow is imported when it runs. See
benchmarks/distributed.py, which starts several of them.
"""

import hashlib
import json
import sys
import time
from typing import Any

import numpy as np

from labsupport.dl.parallel import Settings, batch_of, data_of, start

SETTINGS = Settings(steps=30)


def fit() -> dict[str, Any]:
    """Train a Keras model by `model.fit` under MultiWorkerMirroredStrategy, and return its losses."""
    import keras
    import tensorflow as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    data = data_of(SETTINGS)
    with strategy.scope():
        layers = [keras.Input((784,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(10)]
        model = keras.Sequential(layers)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(SETTINGS.rate), loss=loss)
    history = model.fit(data.x, data.labels, batch_size=SETTINGS.batch, epochs=1, verbose=0)
    return {"losses": history.history["loss"]}


def loop() -> dict[str, Any]:
    """Train by a step of our own: the strategy's part is `run` and the sum over all replicas."""
    import tensorflow as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    workers, rank = strategy.num_replicas_in_sync, strategy.cluster_resolver.task_id
    data, begin = data_of(SETTINGS), start(SETTINGS)
    hidden = SETTINGS.hidden[0]
    cuts = np.cumsum([784 * hidden, hidden, 10 * hidden])
    shapes = ((784, hidden), (hidden,), (hidden, 10), (10,))
    with strategy.scope():
        weights = [
            tf.Variable(part.reshape(shape)) for part, shape in zip(np.split(begin.weights, cuts), shapes, strict=True)
        ]
        velocities = [tf.Variable(tf.zeros_like(each)) for each in weights]

    def step(x: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            scores = tf.nn.relu(x @ weights[0] + weights[1]) @ weights[2] + weights[3]
            loss = tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores)) / SETTINGS.batch
        gradients = tape.gradient(loss, weights)
        everywhere = tf.distribute.get_replica_context().all_reduce("sum", [*gradients, loss])
        for weight, velocity, gradient in zip(weights, velocities, everywhere[:-1], strict=True):
            velocity.assign(SETTINGS.momentum * velocity - SETTINGS.rate * gradient)
            weight.assign_add(velocity)
        return everywhere[-1]

    run = tf.function(lambda x, labels: strategy.run(step, args=(x, labels)))
    losses = []
    for number in range(SETTINGS.steps):
        if number == 5:
            begun = time.perf_counter()
        mine = np.array_split(batch_of(SETTINGS, number), workers)[rank]
        losses.append(float(run(tf.constant(data.x[mine]), tf.constant(data.labels[mine]))))
    seconds = (time.perf_counter() - begun) / (SETTINGS.steps - 5)
    flat = np.concatenate([each.numpy().ravel() for each in weights])
    digest = hashlib.sha256(flat.tobytes()).hexdigest()
    return {"losses": losses, "weights": flat.tolist() if rank == 0 else None, "digest": digest, "step_s": seconds}


if __name__ == "__main__":
    print(json.dumps({"fit": fit, "loop": loop}[sys.argv[1]]()))

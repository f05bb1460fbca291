"""Training sees each example once an epoch, in a new order, and needs numpy alone."""

import subprocess
import sys

import numpy as np

from labsupport.dl.descent import train
from labsupport.dl.network import dense_network


def test_an_epoch_sees_each_example_once_in_a_new_order(monkeypatch):
    rng = np.random.default_rng(0)
    network = dense_network((1, 2), rng)
    seen = []
    forward = network.forward

    def watched(x, training=False):
        seen.append((x.ravel().tolist(), training))
        return forward(x, training)

    monkeypatch.setattr(network, "forward", watched)
    x, labels = np.arange(11, dtype=np.float32)[:, None], np.arange(11) % 2
    losses = list(train(network, x, labels, rate=0.01, epochs=2, batch=4, rng=rng))
    assert len(losses) == 2 and all(training for _, training in seen)
    assert [len(rows) for rows, _ in seen] == [4, 4, 3, 4, 4, 3]
    first, second = ([value for rows, _ in seen[k : k + 3] for value in rows] for k in (0, 3))
    assert sorted(first) == sorted(second) == list(range(11)) and first != second and first != sorted(first)


def test_a_trial_of_a_search_starts_without_scikit_learn():
    code = "import sys, labsupport.dl.trials; print('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"

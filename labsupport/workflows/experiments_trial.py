"""One trial: train a small network on pictures of clothes, and say after each epoch how good it is.

It knows nothing of a search, nor of a cluster: it takes settings as options, and prints. Its network is that of lesson 307.
"""

import argparse
import signal
import sys
import time
from collections.abc import Iterator

import numpy as np

from labsupport.dl.descent import train
from labsupport.dl.network import Network, dense_network
from labsupport.dl.trials import LONGEST, Model, Split, accuracy


def learn(model: Model, seed: int = 0, epochs: int = LONGEST) -> Iterator[tuple[Network, float]]:
    """Train, and yield after each epoch the network and its accuracy on 200 pictures that it does not learn from.

    The same model and seed give the same numbers. Raises ValueError when the loss is no number any more.
    """
    split, rng = Split.draw(seed), np.random.default_rng(seed)
    network = dense_network(model.sizes, rng, model.dropout)
    with np.errstate(all="ignore"):
        for _ in train(network, *split.learn, rate=model.rate, epochs=epochs, batch=model.batch, rng=rng):
            yield network, accuracy(network, split.valid)


def main(arguments: list[str] | None = None) -> None:
    """Train by the options of a command line. A loss that explodes ends the program with an error, as a crash does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, required=True, help="the first step")
    parser.add_argument("--batch", type=int, required=True, help="examples a step")
    parser.add_argument("--width", type=int, default=64, help="units of the hidden layer")
    parser.add_argument("--epochs", type=int, default=LONGEST, help="how often it sees each picture")
    parser.add_argument("--seed", type=int, default=0, help="which pictures, and how the network begins")
    parser.add_argument("--metric", default="accuracy", help="what the printed value is called")
    parser.add_argument(
        "--pause", type=float, default=0.0, help="seconds to wait after each epoch, for a larger network"
    )
    options = parser.parse_args(arguments)
    # The first process of a container gets a signal only if it has a handler for it (604).
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    model = Model(options.rate, options.batch, (options.width,))
    for epoch, (_, good) in enumerate(learn(model, options.seed, options.epochs), start=1):
        print(f"epoch={epoch} {options.metric}={good:.3f}", flush=True)
        time.sleep(options.pause)


if __name__ == "__main__":
    main()

"""Starts of a deep network, with one layer that is wrong as a slip in an initialiser leaves it, or with all weights too large or small."""

from functools import lru_cache

import numpy as np

from labsupport.dl.activations import ENDS, KINDS, deep_network, layer_values, saturated_share
from labsupport.dl.network import Dense, Network

FAULTS = ("none", "small", "large", "bias")
"""What may be wrong with a layer's start: its weights are a tenth, or ten times, of what they should be; its biases lie deep below 0."""
FACTOR = 10.0
BIAS = -8.0


def dense_layers(network: Network) -> list[Dense]:
    """Return the dense layers from the first on; layer 1 of the text is `[0]`."""
    return [stage for stage in network.stages if isinstance(stage, Dense)]


def break_layer(network: Network, layer: int, fault: str) -> Network:
    """Give the hidden layer `layer`, from 1 on, a fault; the network is changed in place and returned.

    Raises ValueError for a fault that is not in `FAULTS`.
    """
    weights, bias = dense_layers(network)[layer - 1].parameters
    if fault == "small":
        weights /= FACTOR
    elif fault == "large":
        weights *= FACTOR
    elif fault == "bias":
        bias += np.float32(BIAS)
    elif fault != "none":
        raise ValueError(f"a fault is one of {', '.join(FAULTS)}; got {fault!r}")
    return network


def start_afresh(network: Network, layer: int, activation: str, rng: np.random.Generator) -> Network:
    """Draw the weights of the hidden layer `layer`, from 1 on, anew as they should be, and set its biases to 0; in place."""
    weights, bias = dense_layers(network)[layer - 1].parameters
    deviation = np.sqrt(KINDS[activation].gain / weights.shape[0])
    weights[:] = rng.normal(0, deviation, weights.shape)
    bias[:] = 0
    return network


def mystery(activation: str, fault: str, layer: int, seed: int, hidden: int = 6) -> Network:
    """Return a new deep network whose layer `layer` has a fault."""
    return break_layer(deep_network(activation, hidden, np.random.default_rng(seed)), layer, fault)


def mysteries(seed: int) -> dict[str, Network]:
    """Return four ReLU networks of six hidden layers by name, "a" to "d": one is sound, the others have one fault each, somewhere from layer 2 to 5."""
    rng = np.random.default_rng([302, seed])
    return {
        name: mystery("relu", FAULTS[fault], int(rng.integers(2, 6)), seed=int(rng.integers(2**31)))
        for name, fault in zip("abcd", rng.permutation(len(FAULTS)), strict=True)
    }


@lru_cache(maxsize=256)
def saturation_and_accuracy(activation: str, hidden: int, spread: float, seed: int) -> tuple[float, float]:
    """Return the share of saturated hidden values at the start, and the accuracy on 2,000 unseen pictures after five epochs of 4,000.

    A training whose loss is no number any more has the accuracy 0.
    """
    from threadpoolctl import threadpool_limits

    from labsupport.dl.descent import train
    from labsupport.dl.fashion import fashion_mnist

    bundled, _ = fashion_mnist()
    x, labels = bundled.images.reshape(-1, 784) / np.float32(255), bundled.labels.astype(int)
    network = deep_network(activation, hidden, np.random.default_rng(seed), spread=spread)
    share = saturated_share(np.concatenate(layer_values(network, x[:256]), axis=1), ENDS[activation])
    # Products this small take longer on several threads.
    with threadpool_limits(1):
        steps = train(network, x[:4_000], labels[:4_000], rate=0.1, epochs=5, batch=64, rng=np.random.default_rng(seed))
        try:
            for _ in steps:
                pass
        except ValueError:
            return share, 0.0
        return share, float(np.mean(network.forward(x[10_000:]).argmax(axis=1) == labels[10_000:]))

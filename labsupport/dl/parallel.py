"""One worker of a data-parallel training: `python -m labsupport.dl.parallel --rank 0 --addresses HOST:PORT,... [settings]`.

Each worker holds a copy of the network, takes its part of each batch, and adds its gradients to the others' round a ring
(labsupport.dl.ring); all take the same step. Worker 0 keeps checkpoints, and gives the others its state at the start, so that a
training that was broken off goes on. A line of JSON at the end says what happened; a lost neighbour is exit status 3.
"""

import argparse
import dataclasses
import hashlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport import lifeline
from labsupport.dl.checkpoints import State, latest, save
from labsupport.dl.fashion import fashion_mnist
from labsupport.dl.links import Address
from labsupport.dl.network import Array, cross_entropy, dense_network
from labsupport.dl.ring import LostNeighbour, Ring
from labsupport.errors import LabsError

LOST = 3


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all workers of a training agree on.

    `rows`: of the bundled pictures, from the first; `batch`: of all workers together; `every`: steps between two
    checkpoints; `precision`: bits of a number.
    """

    hidden: tuple[int, ...] = (64,)
    rows: int = 4_000
    batch: int = 240
    rate: float = 0.1
    momentum: float = 0.9
    steps: int = 60
    every: int = 20
    seed: int = 0
    precision: int = 64


@dataclasses.dataclass(frozen=True)
class Data:
    """Pictures as rows: `x` (n, 784) from 0 to 1, `labels` (n,)."""

    x: Array
    labels: NDArray[Any]


def data_of(settings: Settings) -> Data:
    """Return the pictures that a training learns from, in its precision."""
    pictures = fashion_mnist()[0][: settings.rows]
    x = pictures.images.reshape(len(pictures), -1) / np.asarray(255, f"float{settings.precision}")
    return Data(x, pictures.labels.astype(int))


def batch_of(settings: Settings, step: int) -> NDArray[np.int64]:
    """Return the rows of a step (batch,), for all workers together: it depends on the seed and the step, and on nothing before."""
    a_pass = settings.rows // settings.batch
    order = np.random.default_rng([settings.seed, step // a_pass]).permutation(settings.rows)
    first = step % a_pass * settings.batch
    return order[first : first + settings.batch]


def start(settings: Settings) -> State:
    """Return the state before the first step: the same for every worker, as it comes of the seed."""
    sizes = (784, *settings.hidden, 10)
    network = dense_network(sizes, np.random.default_rng(settings.seed), dtype=f"float{settings.precision}")
    weights = flat(network.parameters)
    return State(0, weights, np.zeros_like(weights))


def flat(arrays: Sequence[Array]) -> Array:
    """Return the numbers of several arrays one after the other (n,): a ring wants one vector."""
    return np.concatenate([each.ravel() for each in arrays])


class Replica:
    """A worker's copy of the network, whose parameters all lie in one vector: `weights` (parameters,)."""

    def __init__(self, settings: Settings, data: Data) -> None:
        self.data = data
        self.network = dense_network((784, *settings.hidden, 10), np.random.default_rng(0), dtype=data.x.dtype)
        self.weights = flat(self.network.parameters)
        place = 0
        for stage in self.network.stages:
            for number, each in enumerate(stage.parameters):
                stage.parameters[number] = self.weights[place : place + each.size].reshape(each.shape)
                place += each.size

    def gradient_sum(self, rows: NDArray[np.int64]) -> Array:
        """Return the gradient *summed* over some rows, then the sum of their losses: (parameters + 1,); zeros for no rows."""
        if not len(rows):
            return np.zeros(len(self.weights) + 1, self.weights.dtype)
        loss, by_scores = cross_entropy(self.network.forward(self.data.x[rows]), self.data.labels[rows])
        self.network.backward(by_scores)
        found: Array = len(rows) * np.append(flat(self.network.gradients), self.weights.dtype.type(loss))
        return found


def train(
    ring: Ring, settings: Settings, folder: Path | None, die_before: int | None = None, pause: float = 0.0
) -> dict[str, Any]:
    """Train to the last step and return what happened: losses of all and of this worker's own part, a digest of the weights,
    and `seconds`, the median of a step's work and of its talk.

    `folder`: where worker 0 keeps checkpoints, and looks for the last one first. `die_before`: this process kills itself
    before that step, as a machine does that fails: it says no goodbye. `pause`: seconds to wait in each step, so that a small
    network's steps are as long as a large one's.
    """
    replica, state = Replica(settings, data_of(settings)), _agreed(ring, settings, folder)
    weights, velocity, begun = replica.weights, state.velocity, state.step
    weights[:] = state.weights
    losses, own, times = [], [], []
    for step in range(begun, settings.steps):
        if step == die_before:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(pause)
        begin = time.perf_counter()
        batch = batch_of(settings, step)
        mine = np.array_split(batch, ring.workers)[ring.rank]
        part = replica.gradient_sum(mine)
        computed = time.perf_counter()
        total = ring.all_reduce(part) / part.dtype.type(len(batch))
        times.append((computed - begin, time.perf_counter() - computed))
        velocity = settings.momentum * velocity - settings.rate * total[:-1]
        weights += velocity
        losses.append(float(total[-1]))
        own.append(float(part[-1] / len(mine)) if len(mine) else None)
        if ring.rank == 0 and folder and ((step + 1) % settings.every == 0 or step + 1 == settings.steps):
            save(folder, State(step + 1, weights, velocity))
    digest = hashlib.sha256(weights.tobytes()).hexdigest()
    seconds = np.median(times, axis=0).tolist() if times else None
    return {
        "begun": begun, "losses": losses, "own": own, "sent": ring.sent, "frames": ring.frames, "digest": digest, "seconds": seconds,
    }  # fmt: skip


def _agreed(ring: Ring, settings: Settings, folder: Path | None) -> State:
    """Return worker 0's state, for all: the others add zeros to it, round the ring."""
    fresh = start(settings)
    state = (latest(folder, fresh) if folder else None) or fresh
    said = np.concatenate([[state.step], state.weights, state.velocity]).astype(fresh.weights.dtype)
    agreed = ring.all_reduce(said if ring.rank == 0 else np.zeros_like(said))
    return State(int(agreed[0]), *np.split(agreed[1:], 2))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one worker by a command line."""
    parser = argparse.ArgumentParser(prog="python -m labsupport.dl.parallel", description=__doc__)
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--addresses", required=True, metavar="HOST:PORT,...")
    parser.add_argument("--checkpoints", type=Path, metavar="FOLDER")
    parser.add_argument("--patience", type=float, default=30.0, metavar="SECONDS")
    parser.add_argument("--listen", type=int, metavar="DESCRIPTOR", help="a socket that listens already")
    parser.add_argument("--lifeline", action="store_true", help="end when standard input closes")
    parser.add_argument("--die-before", type=int, metavar="STEP", help="fail on purpose")
    parser.add_argument("--pause", type=float, default=0.0, metavar="SECONDS", help="wait so long in each step")
    for field in dataclasses.fields(Settings):
        kind = widths if field.name == "hidden" else type(field.default)
        parser.add_argument(f"--{field.name}", type=kind, default=field.default)
    given = parser.parse_args(arguments)
    if given.lifeline:
        lifeline.hold("")
    settings = Settings(**{field.name: getattr(given, field.name) for field in dataclasses.fields(Settings)})
    listener = socket.socket(fileno=given.listen) if given.listen is not None else None
    try:
        with Ring(given.rank, addresses_of(given.addresses), given.patience, listener, repr(settings)) as ring:
            said = train(ring, settings, given.checkpoints, given.die_before, given.pause)
    except LostNeighbour as lost:
        print(json.dumps({"lost": lost.worker}))
        print(lost, file=sys.stderr)
        return LOST
    except LabsError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(said))
    return 0


def addresses_of(text: str) -> list[Address]:
    """Return the addresses in a text such as `train-0.train:7000,train-1.train:7000`. Raises LabsError for another text."""
    found = []
    for each in text.split(","):
        host, _, port = each.strip().rpartition(":")
        if not host or not port.isdecimal():
            raise LabsError(f"An address is HOST:PORT, several are joined by commas; this is {each!r}.")
        found.append((host.strip("[]"), int(port)))
    return found


def widths(text: str) -> tuple[int, ...]:
    """Return the widths of hidden layers in a text such as `64,32`. Raises ValueError for another text."""
    return tuple(int(width) for width in text.split(",") if width)


if __name__ == "__main__":
    raise SystemExit(main())

"""Trials to tune: small networks on small pictures of clothes, which can be paused after any epoch and go on later."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from labsupport.dl.descent import train
from labsupport.dl.fashion import Pictures, test_pictures, training_pictures
from labsupport.dl.network import Array, Network, dense_network
from labsupport.dl.search import Job
from labsupport.dl.space import Range, Real, Settings, Whole

LONGEST = 27
"""Epochs of a whole training."""

SPACE: Mapping[str, Range] = {
    "rate": Real(0.001, 1, log=True),
    "batch": Whole(16, 128, log=True),
    "width": Whole(16, 128, log=True),
    "layers": Whole(1, 3),
    "dropout": Real(0, 0.5),
}
"""What the lesson searches: the first step, examples a step, units of the first hidden layer, hidden layers (each half as wide
as the one before), and the share of values that is silenced."""

SIDE = 14
MULTIPLICATIONS_A_MINUTE = 10e6
"""The speed of a rented machine, made up: at this one a middling network of the space takes about an hour for all epochs."""


@dataclass(frozen=True)
class Model:
    """What decides about a network and its training, in one place that can't change: see `SPACE` for the units."""

    rate: float
    batch: int = 32
    hidden: tuple[int, ...] = (64,)
    dropout: float = 0.0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the model for settings from `SPACE`."""
        hidden = tuple(max(8, settings["width"] >> layer) for layer in range(settings["layers"]))
        return cls(settings["rate"], settings["batch"], hidden, settings["dropout"])

    @property
    def sizes(self) -> tuple[int, ...]:
        """The widths from the pixels to the classes."""
        return (SIDE * SIDE, *self.hidden, 10)

    @property
    def parameters(self) -> int:
        """How many numbers are learnt."""
        return sum((inputs + 1) * outputs for inputs, outputs in zip(self.sizes, self.sizes[1:], strict=False))


@dataclass(frozen=True)
class Split:
    """Pictures as rows (n, 196) float32 with labels (n,): to `learn` from, to choose by (`valid`), and to judge by (`test`)."""

    learn: tuple[Array, NDArray[Any]]
    valid: tuple[Array, NDArray[Any]]

    @property
    def test(self) -> tuple[Array, NDArray[Any]]:
        """All 3,000 test pictures, the same for every split; read when somebody asks for them."""
        return _test()

    @classmethod
    def draw(cls, seed: int, learn: int = 600, valid: int = 200) -> Self:
        """Draw pictures to learn from and to choose by from the 12,000 training pictures.

        More of `valid` leaves those to learn from as they are.
        """
        pictures = _training()
        rows = np.random.default_rng(seed).permutation(len(pictures))
        return cls(_small(pictures[rows[:learn]]), _small(pictures[rows[learn : learn + valid]]))


_training = cache(training_pictures)


@cache
def _test() -> tuple[Array, NDArray[Any]]:
    return _small(test_pictures())


def _small(pictures: Pictures) -> tuple[Array, NDArray[Any]]:
    blocks = pictures.images.reshape(len(pictures), SIDE, 2, SIDE, 2).astype(np.float32)
    return blocks.mean(axis=(2, 4)).reshape(len(pictures), -1) / np.float32(255), pictures.labels.astype(int)


def accuracy(network: Network, rows: tuple[Array, NDArray[Any]]) -> float:
    """Return the share of rows whose class has the highest score."""
    return float((network.forward(rows[0]).argmax(axis=1) == rows[1]).mean())


class Trainer:
    """Trains the trials of one search on one split. It keeps the networks as they were at each look, so that any may be judged."""

    def __init__(self, split: Split, seed: int = 0, longest: int = LONGEST) -> None:
        self.split, self.seed, self.longest = split, seed, longest
        self.kept: dict[tuple[int, int], list[Array]] = {}
        """The parameters by (trial, epochs)."""
        self._networks: dict[int, Network] = {}
        self._trainings: dict[int, Iterator[float]] = {}

    def __call__(self, job: Job) -> float:
        """Train on until the job's epochs are reached, and return the accuracy on `valid`; nan if the loss exploded."""
        return self.train(job.trial, Model.of(job.settings), job.epochs - job.trained, job.epochs)

    def train(self, trial: int, model: Model, more: int, epochs: int) -> float:
        """Train a trial for `more` epochs, after which it has had `epochs`. The first time it begins with `model`."""
        if trial not in self._networks:
            rng = np.random.default_rng([self.seed, trial])
            network = self._networks[trial] = dense_network(model.sizes, rng, model.dropout)
            self._trainings[trial] = train(
                network, *self.split.learn, rate=model.rate, epochs=self.longest, batch=model.batch, rng=rng
            )
        with np.errstate(all="ignore"):
            try:
                for _ in range(more):
                    next(self._trainings[trial])
            except ValueError:
                return float("nan")
        network = self._networks[trial]
        self.kept[trial, epochs] = [each.copy() for each in network.parameters]
        return accuracy(network, self.split.valid)

    def network(self, job: Job) -> Network:
        """Return the network of a trial as it was when a job was done."""
        model = Model.of(job.settings)
        network = dense_network(model.sizes, np.random.default_rng(0), model.dropout)
        for parameter, then in zip(network.parameters, self.kept[job.trial, job.epochs], strict=True):
            parameter[...] = then
        return network

    def judge(self, job: Job) -> float:
        """Return the accuracy on `test` that a trial had when a job was done. Who chooses by it has no test any more."""
        return accuracy(self.network(job), self.split.test)


def minutes(job: Job, pictures: int = 600) -> float:
    """Return how long a job takes on a rented machine: three walks through the network for each picture and epoch."""
    work = 3 * Model.of(job.settings).parameters * pictures * (job.epochs - job.trained)
    return work / MULTIPLICATIONS_A_MINUTE

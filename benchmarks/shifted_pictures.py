"""Three networks, each trained on centred and on scattered pictures from several starts; the table is bundled for lesson 303.

    python benchmarks/shifted_pictures.py           # about 15 minutes of processor time

Writes labsupport/dl/fashion_mnist/shifts.csv. The same rules for all six. 1,000 pictures for choosing, placed as those of its
training, decide. First the rate: 40 epochs with each of three, over which it falls to a tenth, and with a further one while the best
lies at their edge. Then each start trains until ten epochs in a row brought nothing better, goes on from its best epoch at a tenth of
the rate until five brought nothing, and keeps the best; 150 epochs are the most.
"""

import datetime
from typing import Any

import pandas as pd

from labsupport.dl.fashion import Pictures, fashion_mnist
from labsupport.dl.shifts import FILE, NETWORKS, RATES, build, moved, right, scattered, small, train

COUNT, REACH, SEEDS = 4_000, 6, 5
TRIED, MOST = 40, 150
PATIENCE = (10, 5)
"""Epochs without a better one, at the rate and at a tenth of it."""


class Watch:
    """Asks a model about the pictures for choosing after each epoch, and keeps the best weights; with `patient` it ends the training."""

    def __init__(self, model: Any, looked: Pictures, patient: bool) -> None:
        self.model, self.looked, self.patient = model, looked, patient
        self.share, self.kept, self.weights, self.stage, self.since, self.epochs = -1.0, 0, None, 0, 0, 0

    def __call__(self, epoch: int) -> bool:
        """Look, and return whether the training is over."""
        self.epochs = epoch
        share = float(right(self.model, self.looked.images, self.looked.labels).mean())
        if share > self.share:
            self.share, self.kept, self.weights, self.since = share, epoch, self.model.get_weights(), epoch
        if self.patient and epoch - self.since >= PATIENCE[self.stage]:
            self.stage, self.since = self.stage + 1, epoch
            self.model.set_weights(self.weights)
            self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) / 10
        return self.stage == len(PATIENCE)


class Contestant:
    """One network with one kind of training."""

    def __init__(self, name: str, kind: str, training: Pictures, test: Pictures) -> None:
        self.name, self.kind, self.test = name, kind, test
        self.reach = REACH if kind == "scattered" else 0
        self.own = training[:COUNT]
        self.looked = self.placed(training[10_000:11_000])

    def placed(self, pictures: Pictures) -> Pictures:
        """Return pictures where this training places them."""
        return Pictures(scattered(pictures.images, self.reach, seed=1), pictures.labels)

    def try_out(self, rate: float) -> float:
        """Return the share of the pictures for choosing that the best of 40 epochs gets right."""
        model = build(NETWORKS[self.name], 0)
        watch = Watch(model, self.looked, patient=False)
        train(model, self.own.images, self.own.labels, 0, rate, TRIED, self.reach, 0.1, watch)
        print(self.name, self.kind, "tries", rate, round(watch.share, 4), flush=True)
        return watch.share

    def choose(self) -> float:
        """Return the best rate: tries three, and a further one while the best lies at their edge."""
        tried = {rate: self.try_out(rate) for rate in RATES[1:-1]}
        best = max(tried, key=lambda rate: tried[rate])
        for further, edge in ((RATES[0], RATES[1]), (RATES[-1], RATES[-2])):
            if best == edge:
                tried[further] = self.try_out(further)
        return max(tried, key=lambda rate: tried[rate])

    def run(self, rate: float, seed: int) -> list[tuple[Any, ...]]:
        """Train from one start until it settles, and return its rows of the table."""
        model = build(NETWORKS[self.name], seed)
        watch = Watch(model, self.looked, patient=True)
        train(model, self.own.images, self.own.labels, seed, rate, MOST, self.reach, after=watch)
        model.set_weights(watch.weights)
        own = self.placed(self.own)
        told = (
            self.name,
            self.kind,
            rate,
            seed,
            watch.epochs,
            round(float(right(model, own.images, own.labels).mean()), 4),
        )
        shares = [
            round(float(right(model, moved(self.test.images, pixels, seed), self.test.labels).mean()), 4)
            for pixels in range(7)
        ]
        print(*told, "kept", watch.kept, "choosing", round(watch.share, 4), shares, flush=True)
        return [(*told, pixels, share) for pixels, share in enumerate(shares)]


def main() -> None:
    """Train, ask, and write the table."""
    training, test = (Pictures(small(part.images), part.labels) for part in fashion_mnist())
    all_six = [Contestant(name, kind, training, test[:1_000]) for kind in ("centred", "scattered") for name in NETWORKS]
    rates = [one.choose() for one in all_six]
    rows = [
        row for seed in range(SEEDS) for one, rate in zip(all_six, rates, strict=True) for row in one.run(rate, seed)
    ]
    columns = ["network", "training", "rate", "seed", "epochs", "own", "pixels", "accuracy"]
    table = pd.DataFrame(rows, columns=columns).sort_values(["training", "network", "seed", "pixels"])
    day = datetime.datetime.now(datetime.UTC).date()
    table.assign(measured=str(day)).to_csv(FILE, index=False)


if __name__ == "__main__":
    main()

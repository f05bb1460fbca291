"""Three networks, each trained on centred and on scattered pictures, five seeds; the table is bundled for lesson 303.

    python benchmarks/shifted_pictures.py           # about six minutes on a busy machine of two cores

Writes labsupport/dl/fashion_mnist/shifts.csv. Each of the six tries the same three rates; the choice falls on 1,000 pictures
that are placed as those of its training.
"""

import datetime

import pandas as pd

from labsupport.dl.fashion import fashion_mnist
from labsupport.dl.shifts import FILE, NETWORKS, RATES, build, moved, right, scattered, small, train

COUNT, EPOCHS, REACH = 4_000, 6, 6


def main() -> None:
    """Train, ask, and write the table."""
    training, test = fashion_mnist()
    images, labels = small(training.images), training.labels
    unseen = small(test.images)[:1_000]
    rows = []
    for kind, reach in (("centred", 0), ("scattered", REACH)):
        for name in NETWORKS:
            looked = scattered(images[10_000:11_000], reach, seed=1)
            tried = {}
            for rate in RATES:
                model = train(build(NETWORKS[name], 99), images[:COUNT], labels[:COUNT], 99, rate, EPOCHS, reach)
                tried[rate] = right(model, looked, labels[10_000:11_000]).mean()
            best = max(tried, key=lambda rate: tried[rate])
            print(name, kind, tried, flush=True)
            for seed in range(5):
                model = train(build(NETWORKS[name], seed), images[:COUNT], labels[:COUNT], seed, best, EPOCHS, reach)
                for pixels in range(7):
                    share = right(model, moved(unseen, pixels, seed), test.labels[:1_000]).mean()
                    rows.append((name, kind, best, seed, pixels, round(float(share), 4)))
                print(seed, [row[-1] for row in rows[-7:]], flush=True)
    day = datetime.datetime.now(datetime.UTC).date()
    table = pd.DataFrame(rows, columns=["network", "training", "rate", "seed", "pixels", "accuracy"])
    table.assign(measured=str(day)).to_csv(FILE, index=False)


if __name__ == "__main__":
    main()

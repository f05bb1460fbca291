"""Nine sizes of network on the bundled pictures: what each costs and brings, as benchmarks/network_sizes.py measured it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FILE = Path(__file__).parent / "fashion_mnist" / "network_sizes.csv"
SEEDS = range(5)


def measured() -> "pd.DataFrame":
    """Return the table, a row a size: `hidden` (a tuple), `parameters`, `one_us`, `batch_us`, `training_mb`, `rate`, `seed_0` to `seed_4`.

    Times in microseconds for one picture and for 64, in numpy on one thread; memory of one training step in MB; the accuracies
    are on 2,000 validation pictures, one a seed.
    """
    import pandas as pd

    table = pd.read_csv(FILE, dtype={"hidden": str}, keep_default_na=False)
    table["hidden"] = [tuple(int(width) for width in text.split("-") if width) for text in table["hidden"]]
    return table


def parameters_of(sizes: Sequence[int]) -> int:
    """Return how many numbers a dense network of these sizes learns: a weight for each pair, a bias for each output."""
    return sum((inputs + 1) * outputs for inputs, outputs in zip(sizes, sizes[1:], strict=False))

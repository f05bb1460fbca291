"""Real pictures of clothes: a part of Fashion-MNIST (Zalando SE, MIT licence), bundled by `bundle_fashion`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE = Path(__file__).parent / "fashion_mnist" / "part.npz"

CLASSES = (
    "T-shirt",
    "trousers",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
"""What the labels 0 to 9 mean."""


@dataclass(frozen=True)
class Pictures:
    """Pictures and what they show: `images` (n, 28, 28) uint8, 0 (background) to 255; `labels` (n,) uint8, 0 to 9."""

    images: "NDArray[np.uint8]"
    labels: "NDArray[np.uint8]"

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: "slice | NDArray[np.int64]") -> "Pictures":
        """Return a part of the pictures, as `pictures[:1000]` (the order is random already), or those of an array of rows."""
        return Pictures(self.images[rows], self.labels[rows])


def fashion_mnist() -> tuple[Pictures, Pictures]:
    """Return (training, test): the first 12,000 of the 60,000 training pictures, the first 3,000 of the 10,000 test pictures.

    Source: Xiao, Rasul, Vollgraf (2017), "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms".
    """
    return training_pictures(), test_pictures()


def training_pictures() -> Pictures:
    """Return the 12,000 training pictures alone; unpacking them takes most of the time."""
    return _unpacked("training")


def test_pictures() -> Pictures:
    """Return the 3,000 test pictures alone."""
    return _unpacked("test")


def _unpacked(part: str) -> Pictures:
    import numpy as np

    with np.load(FILE) as stored:
        return Pictures(stored[f"{part}_images"], stored[f"{part}_labels"])

"""Make the bundled part of Fashion-MNIST from the original files: `python -m labsupport.dl.bundle_fashion FOLDER`.

FOLDER holds the four files of the original, which Debian has as a package and which need no root:

    apt-get download dataset-fashion-mnist
    dpkg-deb -x dataset-fashion-mnist_*.deb unpacked
    python -m labsupport.dl.bundle_fashion unpacked/usr/share/datasets/fashion-mnist

The first pictures of each file are taken: the original is in random order.
"""

import gzip
import io
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from labsupport.dl.fashion import FILE
from labsupport.errors import LabsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PARTS = {"training": ("train", 12_000), "test": ("t10k", 3_000)}
DAY = (2017, 8, 25, 0, 0, 0)  # in the archive, so that the same pictures give the same file


def idx(path: Path) -> "NDArray[np.uint8]":
    """Return the array of an IDX file of bytes (gzip): two zero bytes, 8, the number of axes, their lengths, then the values."""
    import numpy as np

    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        raise LabsError(f"{path} can't be read: {error}. Name the folder of the original's four .gz files.") from error
    if content[:3] != b"\0\0\x08":
        raise LabsError(f"{path} is no IDX file of bytes.")
    axes = content[3]
    lengths = np.frombuffer(content, ">u4", axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(lengths)


def bundle(folder: Path, target: Path = FILE) -> None:
    """Write the first pictures of the original in `folder` to `target`, an .npz packed by LZMA."""
    import numpy as np

    arrays = {}
    for name, (prefix, count) in PARTS.items():
        arrays[f"{name}_images"] = idx(folder / f"{prefix}-images-idx3-ubyte.gz")[:count]
        arrays[f"{name}_labels"] = idx(folder / f"{prefix}-labels-idx1-ubyte.gz")[:count]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as archive:
        for name, values in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, values)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", DAY), buffer.getvalue(), zipfile.ZIP_LZMA)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        bundle(Path(sys.argv[1]))
    except LabsError as error:
        sys.exit(str(error))

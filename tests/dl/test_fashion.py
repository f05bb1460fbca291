"""The bundled pictures are the original's, and can be made again from it."""

import gzip

import numpy as np
import pytest

from labsupport.dl.bundle_fashion import PARTS, bundle, idx
from labsupport.dl.fashion import CLASSES, FILE, fashion_mnist
from labsupport.errors import LabsError


@pytest.fixture(scope="module")
def both():
    return fashion_mnist()


def test_pictures_have_the_promised_shapes(both):
    training, test = both
    assert training.images.shape == (12_000, 28, 28) and training.images.dtype == np.uint8
    assert test.images.shape == (3_000, 28, 28) and test.labels.shape == (3_000,)


def test_each_class_is_there_about_equally_often(both):
    for pictures in both:
        shares = np.bincount(pictures.labels, minlength=len(CLASSES)) / len(pictures)
        assert len(shares) == len(CLASSES) and shares.min() > 0.08 and shares.max() < 0.12


def test_no_picture_stands_on_both_sides(both):
    training, test = both
    seen = {picture.tobytes() for picture in training.images}
    assert not any(picture.tobytes() in seen for picture in test.images)


def test_a_part_keeps_pictures_with_their_labels(both):
    part = both[0][100:130]
    assert len(part) == 30
    assert (part.images == both[0].images[100:130]).all() and (part.labels == both[0].labels[100:130]).all()


def test_nearest_mean_picture_tells_trousers_from_boots(both):
    """The labels belong to these pictures: with shuffled labels this is a coin."""
    training, test = both
    means = [training.images[training.labels == label].mean(axis=0) for label in (1, 9)]
    some = test.images[np.isin(test.labels, (1, 9))].astype(float)
    nearest = np.argmin([((some - mean) ** 2).sum(axis=(1, 2)) for mean in means], axis=0)
    assert (nearest == (test.labels[np.isin(test.labels, (1, 9))] == 9)).mean() > 0.98


def test_file_stays_under_six_megabytes():
    assert FILE.stat().st_size < 6e6


def write_idx(path, values):
    header = b"\0\0\x08" + bytes([values.ndim]) + np.array(values.shape, ">u4").tobytes()
    path.write_bytes(gzip.compress(header + values.tobytes()))


def test_bundle_takes_the_first_of_each_file_and_is_repeatable(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    monkeypatch.setitem(PARTS, "training", ("train", 5))
    monkeypatch.setitem(PARTS, "test", ("t10k", 2))
    originals = {prefix: rng.integers(0, 256, (8, 28, 28)).astype(np.uint8) for prefix in ("train", "t10k")}
    for prefix, images in originals.items():
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte.gz", images)
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", np.arange(8, dtype=np.uint8))
    bundle(tmp_path, tmp_path / "a.npz")
    bundle(tmp_path, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with np.load(tmp_path / "a.npz") as made:
        assert (made["training_images"] == originals["train"][:5]).all()
        assert (made["test_images"] == originals["t10k"][:2]).all()
        assert made["test_labels"].tolist() == [0, 1]


@pytest.mark.parametrize(
    "content",
    [b"", b"not gzip", gzip.compress(b"no IDX"), gzip.compress(b"\0\0\x08\x01")[:20]],
    ids=["empty", "not gzip", "not IDX", "cut off"],
)
def test_a_wrong_file_is_named(tmp_path, content):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(LabsError, match=path.name):
        idx(path)


def test_a_wrong_folder_is_named(tmp_path):
    with pytest.raises(LabsError, match=r"original's four \.gz files"):
        bundle(tmp_path, tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()

"""A store by digest hands out what was put into it, and nothing that is damaged."""

import os
from pathlib import Path

import pytest

from labsupport.delivery import store
from labsupport.errors import LabsError


def test_what_was_put_comes_back_under_its_digest(tmp_path) -> None:
    file = tmp_path / "any.onnx"
    file.write_bytes(b"a model")
    digest = store.put(tmp_path / "store", file)
    assert store.fetch(tmp_path / "store", digest, tmp_path / "to").read_bytes() == b"a model"
    assert store.put(tmp_path / "store", file) == digest


def test_what_is_missing_or_damaged_is_not_handed_out(tmp_path) -> None:
    file = tmp_path / "any.onnx"
    file.write_bytes(b"a model")
    digest = store.put(tmp_path / "store", file)
    (tmp_path / "store" / digest / "model.onnx").write_bytes(b"another")
    with pytest.raises(LabsError, match="is damaged"):
        store.fetch(tmp_path / "store", digest, tmp_path)
    for unknown in ("", "0" * 64):
        with pytest.raises(LabsError, match="did the build job put it there"):
            store.fetch(tmp_path / "store", unknown, tmp_path)


def test_what_is_handed_out_was_judged_whatever_is_written_meanwhile(tmp_path, monkeypatch) -> None:
    file = tmp_path / "any.onnx"
    file.write_bytes(b"a model")
    digest = store.put(tmp_path / "store", file)
    kept, read = tmp_path / "store" / digest / "model.onnx", Path.read_bytes

    def read_before_a_change(path):
        content = read(path)
        kept.write_bytes(b"another")
        return content

    monkeypatch.setattr(Path, "read_bytes", read_before_a_change)
    assert read(store.fetch(tmp_path / "store", digest, tmp_path / "to")) == b"a model"


def test_what_is_there_is_never_cut_off_and_what_is_whole_is_not_touched(tmp_path) -> None:
    file = tmp_path / "any.onnx"
    file.write_bytes(b"a model")
    kept = tmp_path / "store" / store.put(tmp_path / "store", file) / "model.onnx"
    os.utime(kept, (1, 1))
    store.put(tmp_path / "store", file)
    assert kept.stat().st_mtime == 1
    kept.write_bytes(b"damaged")
    with kept.open("rb") as reader:
        store.put(tmp_path / "store", file)
        assert (reader.read(), kept.read_bytes()) == (b"damaged", b"a model")

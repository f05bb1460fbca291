"""A store by digest hands out what was put into it, and nothing that is damaged."""

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

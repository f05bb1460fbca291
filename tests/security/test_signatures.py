"""A signature holds for exactly the folder that was signed, under its name, by a key that is trusted."""

import json
import shutil

import pytest

from labsupport.security import signatures
from labsupport.security.signatures import SIGNATURE, SignatureError


@pytest.fixture
def key():
    return signatures.new_key()


@pytest.fixture
def folder(tmp_path, key):
    made = tmp_path / "model"
    (made / "labels").mkdir(parents=True)
    (made / "model.onnx").write_bytes(bytes(range(200)))
    (made / "labels" / "de.txt").write_text("")
    signatures.sign(made, key, name="risk", version="7")
    return made


def verify(folder, *keys, name="risk"):
    return signatures.verify(folder, {f"key{at}": key.public_key() for at, key in enumerate(keys)}, name=name)


def test_what_was_signed_verifies_and_says_by_whom(folder, key) -> None:
    assert verify(folder, signatures.new_key(), key) == signatures.Signed("risk", "7", "key1")
    assert signatures.version_in(folder) == "7"


def flip(folder):
    data = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(data[:99] + bytes([data[99] ^ 1]) + data[100:])


def claim_version_8(folder):
    said = json.loads((folder / SIGNATURE).read_text())
    (folder / SIGNATURE).write_text(json.dumps(said | {"version": "8"}))


def sign_by_another(folder):
    signatures.sign(folder, signatures.new_key(), name="risk", version="7")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (flip, "model.onnx is not the file that was signed"),
        (lambda folder: (folder / "plugin.py").write_text(""), "plugin.py was not signed"),
        (lambda folder: (folder / "labels" / "en.txt").write_text(""), "labels/en.txt was not signed"),
        (lambda folder: (folder / "labels" / "de.txt").unlink(), "labels/de.txt is missing"),
        (lambda folder: (folder / "model.onnx").rename(folder / "model.bin"), "model.bin was not signed"),
        (claim_version_8, "changed afterwards"),
        (sign_by_another, "not by a trusted key"),
        (lambda folder: (folder / SIGNATURE).unlink(), "not signed"),
        (lambda folder: (folder / SIGNATURE).write_text("{}"), "can't be read"),
        (lambda folder: (folder / SIGNATURE).write_text("[1]"), "can't be read"),
        (lambda folder: (folder / SIGNATURE).write_text("nonsense"), "can't be read"),
    ],
)
def test_every_change_is_refused(folder, key, change, words) -> None:
    change(folder)
    with pytest.raises(SignatureError, match=words):
        verify(folder, key)


def test_a_signed_model_is_not_taken_for_another(folder, key) -> None:
    with pytest.raises(SignatureError, match="signed as 'risk', not as 'cpu'"):
        verify(folder, key, name="cpu")


def test_the_versions_that_a_mounted_configmap_keeps_do_not_count(folder, key, tmp_path) -> None:
    mounted = tmp_path / "mounted"
    shutil.copytree(folder, mounted / "..2026")
    (mounted / "..data").symlink_to("..2026")
    for name in ("model.onnx", SIGNATURE, "labels"):
        (mounted / name).symlink_to(f"..data/{name}")
    # A ConfigMap has no folders; what it has is found behind its links.
    (mounted / "labels").unlink()
    (mounted / "labels").mkdir()
    (mounted / "labels" / "de.txt").write_text("")
    assert verify(mounted, key).version == "7"


def test_trusted_keys_are_read_by_name_and_others_are_refused(tmp_path, key) -> None:
    with pytest.raises(SignatureError, match="no trusted key"):
        signatures.trusted_in(tmp_path)
    (tmp_path / "builders.pem").write_bytes(signatures.public_pem(key))
    assert list(signatures.trusted_in(tmp_path)) == ["builders"]
    (tmp_path / "broken.pem").write_text("no key")
    with pytest.raises(SignatureError, match="broken.pem"):
        signatures.trusted_in(tmp_path)

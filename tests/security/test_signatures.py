"""A signature holds for exactly the folder that was signed, under its name, by a key that is trusted."""

import json
import re
import shutil

import pytest

from labsupport.security import signatures
from labsupport.security.signatures import SIGNATURE, SignatureError
from labsupport.security.signed import SignedFolder


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
        (lambda folder: (folder / SIGNATURE).write_text("[" * 100_000), "can't be read"),
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
    (mounted / "..2026" / "plugin.py").write_text("")
    with pytest.raises(SignatureError, match=r"\.\.2026/plugin.py was not signed"):
        verify(mounted, key)


def link_to_a_folder(folder):
    (folder.parent / "elsewhere").mkdir()
    (folder / "plugins").symlink_to("../elsewhere")


def file_in_a_hidden_folder(folder):
    (folder / "..evil").mkdir()
    (folder / "..evil" / "p.py").write_text("")


def hidden_folder_passed_off_as_a_mount(folder):
    file_in_a_hidden_folder(folder)
    (folder / "..data").symlink_to("..evil")


def signed_folder_passed_off_as_a_mount(folder):
    (folder / "..data").symlink_to("labels")


HIDDEN = {
    "plugins": link_to_a_folder,
    "..weights.bin": lambda folder: (folder / "..weights.bin").write_bytes(b"1"),
    "..evil": file_in_a_hidden_folder,
    "..data": signed_folder_passed_off_as_a_mount,
}


@pytest.mark.parametrize("name", HIDDEN)
def test_nothing_hides_behind_a_link_or_a_name_and_such_things_are_not_signed(folder, key, name) -> None:
    HIDDEN[name](folder)
    for look in (lambda: verify(folder, key), lambda: signatures.sign(folder, key, name="risk", version="8")):
        with pytest.raises(SignatureError, match=f"{re.escape(name)} was not signed"):
            look()


def test_what_is_passed_off_as_a_mount_was_not_signed(folder, key) -> None:
    hidden_folder_passed_off_as_a_mount(folder)
    with pytest.raises(SignatureError, match=r"\.\.evil/p.py was not signed"):
        verify(folder, key)


def test_a_server_takes_from_a_mounted_configmap_what_was_signed_and_no_hidden_file(folder, key, tmp_path) -> None:
    mounted, signers = tmp_path / "mounted", tmp_path / "signers"
    for place in (signers, mounted / "..2026_11_30", tmp_path / "to"):
        place.mkdir(parents=True)
    (mounted / "..2026_11_30" / "model.onnx").write_bytes(b"a model")
    signatures.sign(mounted / "..2026_11_30", key, name="risk", version="7")
    (signers / "builders.pem").write_bytes(signatures.public_pem(key))
    (mounted / "..data").symlink_to("..2026_11_30")
    for name in ("model.onnx", SIGNATURE):
        (mounted / name).symlink_to(f"..data/{name}")
    assert verify(mounted, key).version == "7"
    (mounted / "..weights.bin").write_bytes(b"1")
    SignedFolder(mounted, signers, "risk").fetch("7", tmp_path / "to")
    assert sorted(path.name for path in (tmp_path / "to").iterdir()) == ["model.onnx", SIGNATURE]


def test_trusted_keys_are_read_by_name_and_others_are_refused(tmp_path, key) -> None:
    with pytest.raises(SignatureError, match="no trusted key"):
        signatures.trusted_in(tmp_path)
    (tmp_path / "builders.pem").write_bytes(signatures.public_pem(key))
    assert list(signatures.trusted_in(tmp_path)) == ["builders"]
    (tmp_path / "broken.pem").write_text("no key")
    with pytest.raises(SignatureError, match="broken.pem"):
        signatures.trusted_in(tmp_path)

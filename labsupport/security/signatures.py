"""Sign a folder of files by Ed25519, and hold it to the signature before anything in it is read.

What is signed is a list: the model's name and version, and the SHA-256 of each file under its path. So a file that is changed,
exchanged, renamed, added or taken away is found, and so is a folder that is passed off as another model or another version.
A signature says who made a model. It does not say that the model is the newest one, or a good one.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE = "signature.json"
# Before what is signed, so that no signature over something else can be passed off as one over a model.
_PURPOSE = b"labs model signature 1\n"
_BLOCK = 2**20
_MOUNTED = "..data"


class SignatureError(ValueError):
    """A folder is not what somebody trusted has signed; the text says what was found."""


@dataclass(frozen=True)
class Signed:
    """What a signature that holds says: the model's name and version, and which trusted key made it."""

    name: str
    version: str
    signer: str


def new_key() -> Ed25519PrivateKey:
    """Return a fresh private key, from the system's random source. It belongs to whoever builds models, and on no server."""
    return Ed25519PrivateKey.generate()


def public_pem(key: Ed25519PrivateKey) -> bytes:
    """Return the public half as PEM: what servers get. It is no secret, but who may exchange it decides whom they trust."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def trusted_in(folder: Path) -> dict[str, Ed25519PublicKey]:
    """Return the public keys (*.pem) of a folder by their name; raises SignatureError for none, or one that is no Ed25519 key."""
    keys = {}
    for path in sorted(folder.glob("*.pem")):
        try:
            key = serialization.load_pem_public_key(path.read_bytes())
        except (ValueError, UnsupportedAlgorithm, OSError) as error:
            raise SignatureError(f"{path.name} is no public key that can be read: {error}") from None
        if not isinstance(key, Ed25519PublicKey):
            raise SignatureError(f"{path.name} is a {type(key).__name__}; signatures here are by Ed25519")
        keys[path.stem] = key
    if not keys:
        raise SignatureError(f"there is no trusted key (*.pem) in {folder}")
    return keys


def sign(folder: Path, key: Ed25519PrivateKey, *, name: str, version: str) -> None:
    """Sign all files of a folder as version `version` of the model `name`: writes signature.json beside them.

    Raises SignatureError for what can't be signed: a link to a folder, and a name that begins with `..`.
    """
    said = {"name": name, "version": version, "files": _digests(folder)}
    signature = base64.b64encode(key.sign(_signed_bytes(said))).decode()
    (folder / SIGNATURE).write_text(json.dumps(said | {"signature": signature}, indent=1) + "\n", encoding="utf-8")


def verify(folder: Path, trusted: dict[str, Ed25519PublicKey], *, name: str) -> Signed:
    """Return what the folder's signature says, if it is by a trusted key, over exactly these files, for the model `name`.

    Raises SignatureError else. Verify what you then read: a copy of your own, for another may be put in its place meanwhile.
    """
    said, signature = _read(folder)
    signer = next((who for who, key in trusted.items() if _holds(key, signature, said)), None)
    if signer is None:
        raise SignatureError(f"{SIGNATURE} is not by a trusted key ({', '.join(trusted)}), or was changed afterwards")
    found, signed = _digests(folder), said["files"]
    for problem, names in (
        ("was not signed", found.keys() - signed.keys()),
        ("is missing", signed.keys() - found.keys()),
        (
            "is not the file that was signed",
            {path for path in found.keys() & signed.keys() if found[path] != signed[path]},
        ),
    ):
        if names:
            raise SignatureError(f"{min(names)} {problem}")
    if said["name"] != name:
        raise SignatureError(f"these files were signed as {said['name']!r}, not as {name!r}")
    return Signed(name, said["version"], signer)


def version_in(folder: Path) -> str:
    """Return the version that a folder's signature claims, unverified; raises SignatureError when there is none."""
    return str(_read(folder)[0]["version"])


def _read(folder: Path) -> tuple[dict[str, Any], bytes]:
    try:
        said = json.loads((folder / SIGNATURE).read_bytes())
        signature = base64.b64decode(said.pop("signature"), validate=True)
        texts = [said["name"], said["version"], *said["files"], *said["files"].values()]
        if said.keys() != {"name", "version", "files"} or not all(isinstance(text, str) for text in texts):
            raise ValueError("it has other fields")
    except FileNotFoundError:
        raise SignatureError(f"the model is not signed: there is no {SIGNATURE}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise SignatureError(f"{SIGNATURE} can't be read: {error}") from None
    return said, signature


def _holds(key: Ed25519PublicKey, signature: bytes, said: dict[str, Any]) -> bool:
    try:
        key.verify(signature, _signed_bytes(said))
    except InvalidSignature:
        return False
    return True


def _signed_bytes(said: dict[str, Any]) -> bytes:
    """The list in one form only: whoever reads it in another order or with other spaces gets the same bytes."""
    return _PURPOSE + json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _digests(folder: Path) -> dict[str, str]:
    """Return each file's SHA-256 by its path, and what a mounted ConfigMap keeps only if no file of the folder is the same."""
    found: dict[str, str] = {}
    kept = _kept(folder)
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if kept and relative.parts[0] in (_MOUNTED, kept.name):
            continue
        # Nothing looks behind a link to a folder, and the names with `..` are a mounted volume's own.
        if (path.is_symlink() and not path.is_file()) or relative.parts[0].startswith(".."):
            raise SignatureError(f"{relative} was not signed: a link to a folder, or a name with `..`, never is")
        if path.is_file() and relative.as_posix() != SIGNATURE:
            found[relative.as_posix()] = _digest(path)
    if kept:
        behind = _digests(kept).items()
        found |= {f"{kept.name}/{name}": digest for name, digest in behind if found.get(name) != digest}
    return found


def _kept(folder: Path) -> Path | None:
    """Return the folder in which a mounted ConfigMap keeps its files, and to which its link `..data` points."""
    link = folder / _MOUNTED
    if not link.is_symlink():
        return None
    kept = folder / link.readlink()
    beside = kept.parent == folder and kept.name.startswith("..")
    return kept if beside and kept.name != ".." and kept.is_dir() and not kept.is_symlink() else None


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()

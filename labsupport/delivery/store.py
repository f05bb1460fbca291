"""A store of models by their digest, as a bucket or an image registry keeps them: what has a name can't change."""

import hashlib
from pathlib import Path

from labsupport import files
from labsupport.errors import LabsError
from labsupport.serving.card import MODEL


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    return _digest(file.read_bytes())


def put(store: Path, file: Path) -> str:
    """Keep a copy of a file under its digest, and return that; what is there and whole stays. Raises LabsError for a full disk."""
    content = file.read_bytes()
    digest = _digest(content)
    target = store / digest / MODEL
    if not target.is_file() or digest_of(target) != digest:
        files.write_bytes(target, content)
    return digest


def fetch(store: Path, digest: str, to: Path) -> Path:
    """Copy what has a digest into the folder `to`, and return its path; raises LabsError where it is missing or damaged."""
    kept = store / digest / MODEL
    if not digest or not kept.is_file():
        raise LabsError(f"The store has no model {digest[:12] or '(no digest)'}: did the build job put it there?")
    # Read once: what is judged must be what is handed out, whoever writes into the store meanwhile.
    content = kept.read_bytes()
    if _digest(content) != digest:
        raise LabsError(
            f"The model {digest[:12]} in the store is damaged: its bytes have another digest. Build it again."
        )
    files.write_bytes(to / MODEL, content)
    return to / MODEL


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

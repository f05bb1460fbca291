"""A store of models by their digest, as a bucket or an image registry keeps them: what has a name can't change."""

import hashlib
import shutil
from pathlib import Path

from labsupport.errors import LabsError
from labsupport.serving.card import MODEL


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def put(store: Path, file: Path) -> str:
    """Keep a copy of a file under its digest, and return that."""
    digest = digest_of(file)
    target = store / digest / MODEL
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
    return digest


def fetch(store: Path, digest: str, to: Path) -> Path:
    """Copy what has a digest into the folder `to`, and return its path; raises LabsError where it is missing or damaged."""
    kept = store / digest / MODEL
    if not digest or not kept.is_file():
        raise LabsError(f"The store has no model {digest[:12] or '(no digest)'}: did the build job put it there?")
    if digest_of(kept) != digest:
        raise LabsError(
            f"The model {digest[:12]} in the store is damaged: its bytes have another digest. Build it again."
        )
    to.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(kept, to / MODEL)
    return to / MODEL

"""Encrypt files of any size in constant memory, so that no change of any kind goes unnoticed: AES-256-GCM in the STREAM manner.

A file is cut into chunks, each with a tag of its own. The nonce of a chunk says where it belongs and whether it is the last
one: `prefix | number | last`. So chunks can't change places, be left out, repeated or appended, and a file that was cut off has
no end. Each file has a key of its own, made by HKDF from yours, a random salt, and what the file is for (`context`): a
chunk of one file never fits into another, and a file is not taken for another one.

    magic (8) | salt (32) | prefix (7) | chunk and tag | ... | chunk and tag

Sources: Hoang, Reyhanitabar, Rogaway, Vizar, "Online authenticated-encryption and its nonce-reuse misuse-resistance"
(2015), where the manner is called STREAM; Tink's streaming AEAD has the same parts.
"""

import contextlib
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
CHUNK = 2**16
TAG = 16
_MAGIC, _SALT, _PREFIX = b"LABSEAL1", 32, 7
HEADER = len(_MAGIC) + _SALT + _PREFIX
_MOST_CHUNKS = 2**32


class SealError(ValueError):
    """A file can't be opened: it was changed, or the key or the context is another. Which of these, nobody can tell."""


def new_key() -> bytes:
    """Return a fresh key of 32 bytes, from the system's random source."""
    return secrets.token_bytes(KEY_BYTES)


def seal(source: Path, target: Path, key: bytes, context: str) -> None:
    """Encrypt a file. `context`: what the file is, such as "deploy-risk 3"; it is not stored, and opening asks for the same."""
    with source.open("rb") as reading, _whole(target) as writing:
        encrypt(reading, writing, key, context)


def open_sealed(source: Path, target: Path, key: bytes, context: str) -> None:
    """Decrypt a file; `target` appears when all of it has been verified, or not at all. Raises SealError."""
    with source.open("rb") as reading, _whole(target) as writing:
        decrypt(reading, writing, key, context)


def encrypt(reading: BinaryIO, writing: BinaryIO, key: bytes, context: str) -> None:
    """Encrypt what `reading` has into `writing`; raises ValueError for a key of another length."""
    header = _MAGIC + secrets.token_bytes(_SALT + _PREFIX)
    cipher, nonce = _cipher(header, key, context)
    writing.write(header)
    for number, chunk, last in _chunks(reading, CHUNK):
        writing.write(cipher.encrypt(nonce(number, last), chunk, None))


def decrypt(reading: BinaryIO, writing: BinaryIO, key: bytes, context: str) -> None:
    """Decrypt what `encrypt` wrote. Each chunk is verified before it is written, and the whole when this returns, not before:
    whoever uses what is written earlier may use a file that was cut off. Raises SealError."""
    header = reading.read(HEADER)
    if len(header) < HEADER or not header.startswith(_MAGIC):
        raise SealError("this is no sealed file: it does not begin like one")
    cipher, nonce = _cipher(header, key, context)
    for number, chunk, last in _chunks(reading, CHUNK + TAG):
        try:
            writing.write(cipher.decrypt(nonce(number, last), chunk, None))
        except InvalidTag:
            raise SealError(
                f"chunk {number} does not verify: the file was changed or cut off, or key or context are another's"
            ) from None


def _cipher(header: bytes, key: bytes, context: str) -> tuple[AESGCM, Callable[[int, bool], bytes]]:
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} random bytes; this one has {len(key)}")
    salt, prefix = header[len(_MAGIC) : -_PREFIX], header[-_PREFIX:]
    derived = HKDF(SHA256(), KEY_BYTES, salt, _MAGIC + prefix + context.encode()).derive(key)

    def nonce(number: int, last: bool) -> bytes:
        return prefix + number.to_bytes(4, "big") + bytes([last])

    return AESGCM(derived), nonce


def _chunks(reading: BinaryIO, size: int) -> Iterator[tuple[int, bytes, bool]]:
    """Yield number, chunk, and whether it is the last one, which only the one after it can tell. An empty file has one, empty."""
    chunk, number = reading.read(size), 0
    while True:
        following = reading.read(size)
        if number >= _MOST_CHUNKS:
            raise ValueError("the file is too large: the number of a chunk has four bytes")
        yield number, chunk, not following
        if not following:
            return
        chunk, number = following, number + 1


@contextlib.contextmanager
def _whole(target: Path) -> Iterator[BinaryIO]:
    """Yield a file that takes the target's place when the block ends well; readable by its owner only."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as writing:
            yield writing
            writing.flush()
            os.fsync(writing.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

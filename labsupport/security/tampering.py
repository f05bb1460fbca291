"""Ten ways to change a sealed file, each of which an attacker without the key can carry out."""

from collections.abc import Callable

from labsupport.security.stream import CHUNK, HEADER, TAG

PIECE = CHUNK + TAG


def attacks(sealed: bytes, other: bytes) -> dict[str, bytes]:
    """Return the changed file by the attack's name.

    `sealed`: a file of at least three chunks, `other`: another one of the same key and context. What needs another key or
    context at opening is not here.
    """
    head, body = sealed[:HEADER], sealed[HEADER:]
    chunks = [body[at : at + PIECE] for at in range(0, len(body), PIECE)]
    others = [other[HEADER:][at : at + PIECE] for at in range(0, len(other) - HEADER, PIECE)]
    if len(chunks) < 3 or len(others) < 2:
        raise ValueError("the attacks want a file of three chunks, and another of two")
    return {
        "one bit of the content": flip(sealed, HEADER + PIECE + 100),
        "one bit of the salt": flip(sealed, 12),
        "the last byte is gone": sealed[:-1],
        "the last chunk is gone": head + b"".join(chunks[:-1]),
        "the first chunk is gone": head + b"".join(chunks[1:]),
        "two chunks change places": head + b"".join([chunks[1], chunks[0], *chunks[2:]]),
        "a chunk is there twice": head + b"".join([chunks[0], *chunks]),
        "a chunk of another file": head + b"".join([chunks[0], others[1], *chunks[2:]]),
        "another file's beginning": other[:HEADER] + body,
        "more at the end": sealed + chunks[-1],
    }


def flip(data: bytes, at: int) -> bytes:
    """Return the bytes with one bit of one of them turned over."""
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def opened(attempts: dict[str, bytes], open_one: Callable[[bytes], bytes], refusal: type[Exception]) -> list[str]:
    """Return the names of the attempts that `open_one` does not refuse."""
    through = []
    for name, data in attempts.items():
        try:
            open_one(data)
        except refusal:
            continue
        through.append(name)
    return through

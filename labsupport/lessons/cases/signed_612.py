"""Folders of files that a signature must tell from each other, and numbers of chunks that a nonce must."""

from dataclasses import dataclass

Files = dict[str, bytes]
BASE: Files = {"card.json": b"1\nb\n2", "model.onnx": b"\x08\x07weights", "labels/de.txt": b""}
CHECKSUM = "a checksum finds accidents; a forger adds bytes until it fits: take a digest such as SHA-256"


@dataclass(frozen=True)
class Pair:
    """Two folders that are not the same, what was done to the one to get the other, and why that matters."""

    one: Files
    other: Files
    told: str
    cause: str


PAIRS = (
    Pair(
        BASE,
        {**BASE, "model.onnx": b"\x09\x07weights"},
        "one bit of model.onnx is another",
        "the contents must be in what is signed",
    ),
    Pair(
        BASE,
        {"card.json": BASE["card.json"], "other.onnx": BASE["model.onnx"], "labels/de.txt": b""},
        "model.onnx was renamed to other.onnx",
        "the names must be in what is signed: a server reads a file by its name",
    ),
    Pair(
        {"a": b"new", "b": b"old"},
        {"a": b"old", "b": b"new"},
        "two files changed their contents",
        "which content belongs to which name must be in what is signed",
    ),
    Pair(BASE, {**BASE, "extra.txt": b""}, "an empty file was added", "an empty file is a file: its name counts"),
    Pair(
        BASE,
        {name: BASE[name] for name in ("card.json", "model.onnx")},
        "an empty file was taken away",
        "an empty file is a file: its name counts",
    ),
    Pair(
        {"a": b"12", "b": b"3"},
        {"a": b"1", "b": b"23"},
        "a byte moved from the end of one file to the beginning of the next",
        "laid end to end, contents have no borders: the digest of each, or its length, makes one",
    ),
    Pair(
        {"ab": b"c"},
        {"a": b"bc"},
        "a letter moved from the name into the content",
        "laid end to end, name and content have no border between them",
    ),
    Pair(
        {"a": b"1\nb\n2"},
        {"a": b"1", "b": b"2"},
        "one file holds what looks like the second one",
        "a content may hold your separator, too: take its digest, or JSON, in which a border can't be imitated",
    ),
    Pair(
        {"a": b"1,b:2;c", "d": b"0"},
        {"a": b"1", "b": b"2;c,d:0"},
        "contents hold commas, colons and semicolons",
        "a content may hold your separator, too: take its digest, or JSON, in which a border can't be imitated",
    ),
    Pair(
        {"a": b"\x00b\x00c"},
        {"a": b"", "b": b"c"},
        "a content holds zero bytes",
        "a content may hold your separator, too: take its digest, or JSON, in which a border can't be imitated",
    ),
    Pair(
        {"model.onnx": b"\xff\x01"},
        {"model.onnx": b"\xfe\x01"},
        "a byte that is no text is another",
        "a model is bytes, not text: decoding with `errors=` throws away what differs",
    ),
    Pair(
        {"v": b"x" * 5000 + b"1"},
        {"v": b"x" * 5000 + b"2"},
        "the last byte of a longer file is another",
        "all of a file, to its end, must be in what is signed",
    ),
    Pair(
        {"v": b"\x01\x04\x01"},
        {"v": b"\x02\x02\x02"},
        "three bytes are others, with the same sum and the same Adler-32",
        CHECKSUM,
    ),
    Pair(
        {"v": b"weights 29685295"}, {"v": b"weights 32060020"}, "the content is another, with the same CRC-32", CHECKSUM
    ),
)

# So many that a digest of two bytes is the same for some of them.
NAMED_ALIKE = [{"v": b"weights %d" % number} for number in range(2_000)]

# Around the borders of one, two and three bytes.
NUMBERS = (
    0,
    1,
    2,
    9,
    10,
    11,
    99,
    100,
    255,
    256,
    257,
    511,
    512,
    65_535,
    65_536,
    65_537,
    2**24 - 1,
    2**24,
    2**31,
    2**32 - 1,
)
PREFIXES = (b"\0" * 7, b"\0" * 6 + b"\1", b"\1" + b"\0" * 6, bytes(range(7)), b"\xff" * 7)

"""Lesson 612: usual mistakes, each with words of its own diagnosis, and right answers; on the cluster, recorded snapshots of both (see test_every_lesson)."""

import pytest

from labsupport.cluster import look
from labsupport.cluster.snapshot import Snapshot
from labsupport.exercises import proof
from labsupport.exercises.engine import evaluate
from labsupport.exercises.proof import Kind


def signs(body: str) -> str:
    return f"def signed_bytes(files):\n    {body}"


def digests(each: str) -> str:
    digest = f"json.dumps({{name: {each} for name, content in files.items()}}, sort_keys=True).encode()"
    return f"import hashlib, json, zlib\n{signs(f'return {digest}')}"


def counts(body: str) -> str:
    return f"def nonce(prefix, number, last):\n    {body}"


WRONG = {
    "612.1": {
        "signs contents only": (
            signs('return b"|".join(files[name] for name in sorted(files))'),
            "the names must be in",
        ),
        "signs names only": (signs('return ",".join(sorted(files)).encode()'), "the contents must be in"),
        "signs both sorted by themselves": (
            signs("return repr((sorted(files), sorted(files.values()))).encode()"),
            "which content belongs to which name",
        ),
        "lays contents end to end": (
            signs('return repr(sorted(files)).encode() + b"".join(files[name] for name in sorted(files))'),
            "contents have no borders",
        ),
        "lays all end to end": (
            signs('return b"\\n".join(name.encode() + files[name] for name in sorted(files))'),
            "name and content have no border",
        ),
        "separates by lines": (
            signs('return b"\\n".join(part for name in sorted(files) for part in (name.encode(), files[name]))'),
            "a border can't be imitated",
        ),
        "leaves empty files out": (
            signs("return repr(sorted((name, data) for name, data in files.items() if data)).encode()"),
            "an empty file is a file",
        ),
        "keeps the folder's order": (signs("return repr(list(files.items())).encode()"), "sort them by name"),
        "reads bytes as text": (
            signs('return repr(sorted((name, data.decode(errors="ignore")) for name, data in files.items())).encode()'),
            "throws away what differs",
        ),
        "signs the beginning of each": (
            signs("return repr(sorted((name, data[:4096]) for name, data in files.items())).encode()"),
            "all of a file, to its end",
        ),
        "returns a text": (signs("return repr(sorted(files.items()))"), "a text becomes bytes"),
        "trusts hash": (digests("hash(content)"), "salts `hash`"),
        "trusts a CRC": (digests("zlib.crc32(content)"), "the same CRC-32"),
        "trusts an Adler": (digests("zlib.adler32(content)"), "the same Adler-32"),
        "adds bytes up": (
            digests("[len(content), sum(byte * (at + 1) for at, byte in enumerate(content))]"),
            "with the same sum",
        ),
        "signs few digits": (digests("hashlib.sha256(content).hexdigest()[:4]"), "so few digits"),
    },
    "612.2": {
        "forgets the last": (counts('return prefix + number.to_bytes(5, "big")'), "cut off after any chunk"),
        "forgets the number": (counts("return prefix + bytes(4) + bytes([last])"), "chunks that share a nonce"),
        "counts in one byte": (
            counts("return prefix + bytes(3) + bytes([number % 256, last])"),
            "A number needs four bytes",
        ),
        "adds the last to the number": (
            counts('return prefix + (number + last).to_bytes(5, "big")'),
            "run into each other",
        ),
        "forgets the prefix": (
            counts('return bytes(7) + number.to_bytes(4, "big") + bytes([last])'),
            "two files under one key",
        ),
        "is too short": (counts('return prefix + number.to_bytes(4, "big")'), "twelve bytes"),
        "draws a nonce": (counts("import os\n    return os.urandom(12)"), "whoever opens the file"),
        "returns a text": (counts('return f"{prefix.hex()}{number}{last}"[:12]'), "takes its nonce as bytes"),
    },
    "612.3": {
        "exchanges at once": ("612-tokens-at-once", "went in the moment in which the new one came"),
        "leaves the old one": ("612-tokens-old-stays", "still comes in"),
        "takes away first": ("612-tokens-gap", "had no token at all"),
        "locks the other client out": ("612-tokens-batch-gone", "has done nothing"),
        "names another client": ("612-tokens-another-client", "this is another client"),
    },
    "612.4": {
        "lets everything in": ("612-images-everything", "whatever was pushed last"),
        "lets nothing in": ("612-images-nothing", "safe, and useless"),
        "takes a port for a tag": ("612-images-port-is-a-tag", "the registry's port"),
        "asks one container": ("612-images-any-container", "*all* containers"),
        "forgets init containers": ("612-images-no-init", "a list of their own"),
        "forgets digests": ("612-images-no-digest", "it *is* the content"),
        "refuses registries with a port": ("612-images-no-port", "a tag behind it"),
        "lets the tag decide": ("612-images-digest-without-tag", "the tag is a comment"),
        "wants digests only": ("612-images-digest-only", "this image has a tag that stays"),
    },
    "612.5": {
        "asks slowly": ("case = [at / 10 for at in range(100)]", "at most 10 within one second"),
        "asks as often as the rate": ("case = [at / 50 for at in range(100)]", "at most 50 within one second"),
        "comes all at once": ("case = [0] * 100", "at most 20 within one second"),
        "gives a number": ("case = 100", "a list of numbers"),
        "asks too often": ("case = [0.1] * 501", "1 to 500 requests"),
    },
}

RIGHT = {
    "612.1": {
        "with an own `hash`": f"def hash(content): return hashlib.sha256(content).hexdigest()\n{digests('hash(content)')}",
        "as sorted pairs": signs("return repr(sorted(files.items())).encode()"),
        "by lengths": signs(
            'return b"".join(b"%d:%s%d:%s" % (len(n.encode()), n.encode(), len(files[n]), files[n]) for n in sorted(files))'
        ),
        "as one digest": signs(
            "total = hashlib.sha256()\n"
            "    for name, data in sorted(files.items()):\n"
            "        total.update(hashlib.sha256(name.encode()).digest() + hashlib.sha256(data).digest())\n"
            "    return bytearray(total.digest())"
        ),
    },
    "612.2": {
        "in another order": counts('return bytes([last]) + number.to_bytes(4, "little") + prefix'),
        "by one number": counts('return prefix + (2 * number + last).to_bytes(5, "big")'),
        "by struct": counts('import struct\n    return bytearray(struct.pack(">7sI?", prefix, number, last))'),
    },
    "612.3": {"as written": "612-tokens-right", "by another name": "612-tokens-other-name"},
    "612.4": {"as written": "612-images-right"},
    "612.5": {
        "twice as often": "case = [at / 100 for at in range(200)]",
        "all at once, and then steadily": "case = [0] * 20 + [at / 60 for at in range(1, 60)]",
        "as texts that are numbers": "case = tuple(str(at / 100) for at in range(100))",
    },
}


@pytest.mark.parametrize(
    ("key", "given"),
    [("612.3", "nothing"), ("612.3", "612-tokens-begun"), ("612.4", "nothing"), ("612.4", "612-images-handed-over")],
)
def test_what_was_not_touched_is_not_yet_an_answer(key, given) -> None:
    outcome = evaluate(key, seen=Snapshot("lab-612")) if given == "nothing" else proof.outcome_of(key, given)
    assert outcome.kind is Kind.NOT_YET


def test_a_pod_that_has_not_read_the_secret_yet_is_waited_for() -> None:
    seen = look.recorded("612-tokens-right")
    late = sorted(seen.logs)[0]
    lines = seen.logs[late].splitlines()
    behind = {**seen.logs, late: "\n".join(line for line in lines if "batch.1, dashboard.2" not in line)}
    outcome = evaluate("612.3", seen=Snapshot(seen.namespace, seen.objects, seen.events, behind))
    assert outcome.kind is Kind.FAIL and "has not read the Secret yet" in proof.diagnosis(outcome)


def test_a_second_try_is_judged_from_where_it_began() -> None:
    wrong, right = look.recorded("612-tokens-at-once"), look.recorded("612-tokens-right")
    first = next(iter(wrong.logs.values()))
    both = {name: f"{first}\n{log}" for name, log in right.logs.items()}
    outcome = evaluate("612.3", seen=Snapshot(right.namespace, right.objects, right.events, both))
    assert outcome.kind is Kind.PASS, proof.diagnosis(outcome)

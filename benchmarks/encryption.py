"""Encrypting a file of 1 GiB as a typical tutorial does (Fernet), and as a stream of AES-256-GCM chunks.

    python benchmarks/encryption.py            # about two minutes, 8 GB of memory and 4 GB of disk
    python benchmarks/encryption.py --gib 0.25

Each operation is a process of its own; memory is its peak, Python and library included; the schemes take turns, and seconds are
the fastest of the rounds. What comes back is compared by SHA-256. Then ten changed files and the two wrong ways to open one. Writes
labsupport/security/measured/encryption.json; exit code 1 unless the stream takes at most 30 MB, is at least 7 times faster over both
ways together, and refuses all twelve.
"""

import argparse
import datetime
import hashlib
import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

from labsupport.security import benchmarked, sealing_trial, stream, tampering

ROUNDS, GOAL_MB, GOAL_TIMES = 3, 30.0, 7.0
BLOCK = 2**24


def digest(path: Path) -> str:
    """Return a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def took(folder: Path, gib: float, rounds: int) -> list[dict[str, Any]]:
    """Return a row for each scheme and verb: the fastest round's seconds, the largest peak, the encrypted file's size."""
    original, back = folder / "original", folder / "back"
    with original.open("wb") as file:
        for _ in range(round(gib * 2**30 / BLOCK)):
            file.write(secrets.token_bytes(BLOCK))
    wanted, keys = digest(original), sealing_trial.write_keys(folder)
    found: dict[tuple[str, str], list[sealing_trial.Took]] = {}
    sizes = {}
    for _ in range(rounds):
        for scheme, key in keys.items():
            sealed = folder / "sealed"
            for verb, source, target in (("encrypt", original, sealed), ("decrypt", sealed, back)):
                found.setdefault((scheme, verb), []).append(sealing_trial.run(scheme, verb, source, target, key))
            if digest(back) != wanted:
                raise SystemExit(f"{scheme} gives back another file")
            sizes[scheme] = sealed.stat().st_size / 1e6
            sealed.unlink()
            back.unlink()
    return [
        {
            "scheme": scheme, "verb": verb, "seconds": min(one.seconds for one in many),
            "peak_mb": max(one.peak_mb for one in many), "file_mb": sizes[scheme],
        }
        for (scheme, verb), many in found.items()
    ]  # fmt: skip


def refused(folder: Path) -> tuple[int, list[str]]:
    """Return how many attacks were tried, and the names of those that were not refused."""
    key, plain, sealed, back = stream.new_key(), folder / "plain", folder / "changed", folder / "opened"
    made = []
    for _ in range(2):
        plain.write_bytes(secrets.token_bytes(3 * 2**20 + 5))
        stream.seal(plain, sealed, key, "benchmark")
        made.append(sealed.read_bytes())

    def open_with(key: bytes, context: str, data: bytes) -> bytes:
        sealed.write_bytes(data)
        stream.open_sealed(sealed, back, key, context)
        return back.read_bytes()

    attacks = tampering.attacks(*made)
    through = tampering.opened(attacks, lambda data: open_with(key, "benchmark", data), stream.SealError)
    through += tampering.opened(
        {"another key": made[0]}, lambda data: open_with(stream.new_key(), "benchmark", data), stream.SealError
    )
    through += tampering.opened(
        {"another context": made[0]}, lambda data: open_with(key, "other", data), stream.SealError
    )
    return len(attacks) + 2, through + ["a file is left"] * back.exists()


def main() -> int:
    """Measure, write and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gib", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        rows = took(Path(name), options.gib, options.rounds)
        tried, through = refused(Path(name))
    seconds = {
        scheme: sum(row["seconds"] for row in rows if row["scheme"] == scheme) for scheme in ("fernet", "stream")
    }
    times = seconds["fernet"] / seconds["stream"]
    peak = max(row["peak_mb"] for row in rows if row["scheme"] == "stream")
    found = {
        "date": datetime.date.today().isoformat(), "cores": os.cpu_count(), "gib": options.gib, "rounds": options.rounds,
        "took": rows, "times_faster": times, "attacks": tried, "not_refused": through,
    }  # fmt: skip
    benchmarked.FOLDER.mkdir(exist_ok=True)
    if options.gib >= 1:
        (benchmarked.FOLDER / "encryption.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))
    return 0 if peak <= GOAL_MB and times >= GOAL_TIMES and not through else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""Encrypt or decrypt a file in this process, and tell what it took: `python -m labsupport.security.sealing_trial SCHEME VERB IN OUT KEYFILE`.

SCHEME is `fernet`, as a typical tutorial has it, or `stream`. Prints JSON: seconds, and the process's peak memory in MB.
"""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from labsupport import files, variables
from labsupport.security import stream

CONTEXT = "trial"
VERBS = ("encrypt", "decrypt")
PATIENCE_S = 600


@dataclass(frozen=True)
class Took:
    """What one operation took in a process of its own: seconds without Python's start, and the peak of its memory in MB."""

    seconds: float
    peak_mb: float


def run(scheme: str, verb: str, source: Path, target: Path, key: Path) -> Took:
    """Do one operation in a fresh process and return what it took. Raises subprocess.CalledProcessError."""
    command = [
        sys.executable,
        "-m",
        "labsupport.security.sealing_trial",
        scheme,
        verb,
        str(source),
        str(target),
        str(key),
    ]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=PATIENCE_S, env=variables.for_program()
    )
    return Took(**json.loads(done.stdout))


def write_keys(folder: Path) -> dict[str, Path]:
    """Write a fresh key for each scheme into a folder, readable by its owner only, and return the files."""
    from cryptography.fernet import Fernet

    keys = {"fernet": Fernet.generate_key(), "stream": stream.new_key()}
    found = {name: folder / f"{name}.key" for name in keys}
    for name, file in found.items():
        files.write_private(file, keys[name])
    return found


def fernet(verb: str, source: Path, target: Path, key: bytes) -> None:
    """Do it as a typical tutorial does: read all, compute all, write all."""
    from cryptography.fernet import Fernet

    cipher = Fernet(key)
    data = source.read_bytes()
    target.write_bytes(cipher.encrypt(data) if verb == "encrypt" else cipher.decrypt(data))


def in_stream(verb: str, source: Path, target: Path, key: bytes) -> None:
    """Do it in chunks."""
    (stream.seal if verb == "encrypt" else stream.open_sealed)(source, target, key, CONTEXT)


def peak_mb() -> float:
    """Return the most memory that this process has held at a time, in MB (10^6 bytes)."""
    status = Path("/proc/self/status")
    if status.exists():
        # Of this program alone; what getrusage says begins with what the parent held when it forked.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main(arguments: list[str]) -> int:
    """Do what the arguments say, and print what it took."""
    scheme, verb, source, target, key = arguments
    work = {"fernet": fernet, "stream": in_stream}[scheme]
    if verb not in VERBS:
        raise SystemExit(f"a verb is one of {', '.join(VERBS)}; got {verb!r}")
    secret = Path(key).read_bytes()
    begin = time.perf_counter()
    work(verb, Path(source), Path(target), secret)
    print(json.dumps({"seconds": time.perf_counter() - begin, "peak_mb": peak_mb()}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

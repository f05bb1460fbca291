"""Download official releases: checked by their published SHA-256, resumed where they broke off."""

import hashlib
import http.client
import queue
import shutil
import tarfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from labsupport import files
from labsupport.cluster import versions
from labsupport.cluster.pocket.sources import Progress, Refused

# A closed network often answers nothing at all: what matters is to know it within seconds.
FIRST_ANSWER = 8.0
READ_LIMIT = 30.0
ATTEMPTS = 4
_BLOCK = 1 << 18
_BROKEN = (OSError, http.client.HTTPException)
T = TypeVar("T")


def releases(folder: Path, architecture: str, progress: Progress) -> None:
    """Put the released programs into a folder. Raises Refused when they can't be had or are not what was published."""
    for program in ("kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        values = {"version": versions.KUBERNETES, "architecture": architecture, "program": program}
        digest = text(versions.KUBERNETES_SUM_URL.format(**values)).split()[0]
        fetch(versions.KUBERNETES_URL.format(**values), folder / program, digest, progress)
        (folder / program).chmod(0o755)
    values = {"version": versions.ETCD, "architecture": architecture}
    name = versions.ETCD_ARCHIVE.format(**values)
    archive = folder / name
    fetch(
        versions.ETCD_URL.format(**values),
        archive,
        listed(text(versions.ETCD_SUM_URL.format(**values)), name),
        progress,
    )
    unpack(archive, "etcd", folder)
    archive.unlink()


def fetch(url: str, target: Path, digest: str, progress: Progress) -> None:
    """Download one file whose SHA-256 is `digest`; what an earlier attempt got (`.part`) is continued.

    Raises Refused when the network fails ATTEMPTS times or the content is not what was published.
    """
    if target.exists() and sha256(target) == digest:
        return
    part = target.with_name(target.name + ".part")
    problem: Exception | None = None
    for _ in range(ATTEMPTS):
        try:
            _continue(url, part, target.name, progress)
            break
        except urllib.error.HTTPError as error:
            raise Refused(f"{url} answers {error.code} {error.reason}") from error
        except _BROKEN as error:
            problem = error
    else:
        raise Refused(f"{url} broke off {ATTEMPTS} times ({problem}); run the command again to continue")
    found = sha256(part)
    if found != digest:
        part.unlink()
        raise Refused(f"{url} is damaged: its SHA-256 is {found[:12]}..., published is {digest[:12]}...")
    part.replace(target)


def sha256(file: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _continue(url: str, part: Path, name: str, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=READ_LIMIT)
    except urllib.error.HTTPError as error:
        # 416: nothing is left to send; the digest tells whether what we have is right.
        if error.code == 416:
            return
        raise
    with answer, part.open("ab") as stream:
        if answer.status != 206:
            stream.truncate(0)
            have = 0
        total = have + int(answer.headers.get("Content-Length") or 0)
        while block := answer.read(_BLOCK):
            stream.write(block)
            have += len(block)
            progress(name, have, total)
    if have < total:
        raise ConnectionError(f"{have} of {total} bytes came")


def text(url: str) -> str:
    """Return a short text at a URL. Raises Refused when there is none."""

    def read() -> str:
        with urllib.request.urlopen(url, timeout=FIRST_ANSWER) as answer:
            return str(answer.read(1 << 20).decode())

    try:
        found = _within(FIRST_ANSWER, read)
    except urllib.error.HTTPError as error:
        raise Refused(f"{url} answers {error.code} {error.reason}") from error
    except (*_BROKEN, UnicodeDecodeError) as error:
        raise Refused(f"{url} can't be reached ({getattr(error, 'reason', None) or error})") from error
    if not found.strip():
        raise Refused(f"{url} is empty")
    return found


def _within(limit: float, work: Callable[[], T]) -> T:
    """Return what `work` returns; the look-up of a name has no time limit of its own."""
    results: queue.SimpleQueue[T | Exception] = queue.SimpleQueue()

    def run() -> None:
        try:
            results.put(work())
        except Exception as error:
            results.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        result = results.get(timeout=limit)
    except queue.Empty:
        raise TimeoutError(f"no answer within {limit:.0f} s") from None
    if isinstance(result, Exception):
        raise result
    return result


def listed(sums: str, name: str) -> str:
    """Return the digest of a file from a list of sums. Raises Refused when it is not in it."""
    for line in sums.splitlines():
        digest, _, file = line.partition(" ")
        if file.strip().lstrip("*") == name:
            return digest
    raise Refused(f"the published SHA256SUMS has no line for {name}")


def unpack(archive: Path, program: str, folder: Path) -> None:
    """Put one program of an archive into a folder. Raises Refused when it is not in it."""
    with tarfile.open(archive) as packed:
        for member in packed:
            if member.isfile() and Path(member.name).name == program:
                content = packed.extractfile(member)
                assert content is not None
                with content, files.replacing(folder / program, 0o755) as stream:
                    shutil.copyfileobj(content, stream, _BLOCK)
                return
    raise Refused(f"{archive.name} has no program {program!r}")

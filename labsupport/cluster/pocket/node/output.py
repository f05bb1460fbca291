"""Write what a container says into its log, in the format of the Container Runtime Interface that `kubectl logs` reads."""

import asyncio
import contextlib
import datetime
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from labsupport.cluster.pocket.node import tasks

# A longer line is written in parts, each but the last marked P (partial), as containerd does it.
LONGEST_LINE = 16 * 1024
# A log that grows beyond this becomes NAME.log.1, in place of the one before it.
LARGEST_LOG = 10 * 1024 * 1024


class Log:
    """The log of one run of a container; it takes the bytes of both streams and writes whole lines."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._stream = file.open("ab", buffering=0)
        self._size = file.stat().st_size
        self._unfinished: dict[str, bytes] = {"stdout": b"", "stderr": b""}

    def write(self, stream: str, data: bytes) -> None:
        """Add what was read from `stdout` or `stderr`; an unfinished line waits for its end."""
        *lines, rest = (self._unfinished[stream] + data).split(b"\n")
        written = [_entry(stream, part, full) for line in lines for part, full in _parts(line)]
        while len(rest) > LONGEST_LINE:
            written.append(_entry(stream, rest[:LONGEST_LINE], False))
            rest = rest[LONGEST_LINE:]
        self._unfinished[stream] = rest
        self._append(b"".join(written))

    def close(self) -> None:
        for stream, rest in self._unfinished.items():
            if rest:
                self._append(_entry(stream, rest, True))
        self._stream.close()

    def _append(self, data: bytes) -> None:
        if self._size > LARGEST_LOG:
            self._stream.close()
            self.file.replace(self.file.with_name(f"{self.file.name}.1"))
            self._stream = self.file.open("ab", buffering=0)
            self._size = 0
        # On a full disk a container loses its words, not its life.
        with contextlib.suppress(OSError):
            self._stream.write(data)
        self._size += len(data)


async def collect(stdout: int, stderr: int, log: Log) -> None:
    """Copy both streams of a process, read from these pipes, into its log until all who hold their other ends are gone."""
    try:
        await tasks.together(
            *(drain(pipe, partial(log.write, name)) for pipe, name in ((stdout, "stdout"), (stderr, "stderr")))
        )
    finally:
        log.close()


async def drain(pipe: int, take: Callable[[bytes], None]) -> None:
    """Read from a pipe until all who hold its other end are gone, then close it."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb", buffering=0)
    )
    try:
        while data := await reader.read(64 * 1024):
            take(data)
    finally:
        transport.close()


def _parts(line: bytes) -> list[tuple[bytes, bool]]:
    pieces = [line[start : start + LONGEST_LINE] for start in range(0, len(line), LONGEST_LINE)] or [b""]
    return [(piece, number == len(pieces) - 1) for number, piece in enumerate(pieces)]


def _entry(stream: str, text: bytes, full: bool) -> bytes:
    return f"{timestamp()} {stream} {'F' if full else 'P'} ".encode() + text + b"\n"


def timestamp() -> str:
    """Return the time of day with nanoseconds, as log lines begin: 2026-11-25T10:00:00.123456789Z."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"


def last_lines(file: Path, lines: int = 80, size: int = 2048) -> str:
    """Return the end of a log without its time stamps: what a container said before it failed."""
    try:
        entries = file.read_bytes()[-4 * size :].splitlines()[-lines:]
    except OSError:
        return ""
    texts = [entry.split(b" ", 3)[3] for entry in entries if entry.count(b" ") >= 3]
    return b"".join(text + b"\n" for text in texts)[-size:].decode(errors="replace")

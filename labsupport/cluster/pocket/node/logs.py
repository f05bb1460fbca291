"""`kubectl logs`: read a container's log file, as far back and as long as the client asks."""

import asyncio
import contextlib
import datetime
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from labsupport.cluster.pocket.node.http import Refusal, Request, chunk, head
from labsupport.cluster.pocket.node.pod import Container, Pod

_BLOCK = 64 * 1024
# How long to wait for more lines of a log that is followed.
_PAUSE = 0.1
_TIME = "%Y-%m-%dT%H:%M:%S.%f"


@dataclass(frozen=True)
class Options:
    """What part of a log is wanted."""

    follow: bool = False
    timestamps: bool = False
    previous: bool = False
    tail: int | None = None
    since: str = ""
    limit: int | None = None
    streams: tuple[str, ...] = ("stdout", "stderr")


def options_of(request: Request) -> Options:
    """Read the options from a request. Raises Refusal for values that mean nothing."""
    stream = request.value("stream").lower()
    try:
        tail = int(request.value("tailLines") or -1)
        return Options(
            follow=request.flag("follow"),
            timestamps=request.flag("timestamps"),
            previous=request.flag("previous"),
            tail=tail if tail >= 0 else None,
            since=_since(request.value("sinceTime"), request.value("sinceSeconds")),
            limit=int(request.value("limitBytes")) if request.value("limitBytes") else None,
            streams=(stream,) if stream in ("stdout", "stderr") else Options.streams,
        )
    except ValueError as error:
        raise Refusal(400, f"the log options can't be read: {error}") from error


async def serve(request: Request, pod: Pod, container: Container) -> None:
    """Answer /containerLogs."""
    options = options_of(request)
    log = find(pod, container, options.previous)
    writer = request.writer
    answer_headers = {"Content-Type": "text/plain", "Transfer-Encoding": "chunked", "Connection": "close"}
    writer.write(head(200, answer_headers))
    async for text in read(log, container, options):
        writer.write(chunk(text))
        await writer.drain()
    writer.write(chunk(b""))
    await writer.drain()


def find(pod: Pod, container: Container, previous: bool = False) -> Path:
    """Return the log that is meant. Raises Refusal with the kubelet's sentences where there is none.

    A container that waits for its restart still shows the log of its last run, which is its "previous" one, too.
    """
    subject = f'container "{container.name}" in pod "{pod.name}"'
    waiting = container.state.get("waiting")
    has_ended = "terminated" in container.last_state
    if previous:
        log = container.log if waiting else container.previous_log
        if not has_ended or log is None or not log.exists():
            raise Refusal(400, f"previous terminated {subject} not found")
        return log
    if waiting and not has_ended:
        reason = waiting.get("reason", "")
        known = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}
        raise Refusal(400, f"{subject} is waiting to start: {known.get(reason, reason)}")
    if container.log is None or not container.log.exists():
        raise Refusal(400, f"{subject} is {'terminated' if container.state else 'waiting to start - no logs yet'}")
    return container.log


async def read(log: Path, container: Container, options: Options) -> AsyncIterator[bytes]:
    """Yield the text of a log, and with `follow` what is added to it, until the container's run has ended."""
    left = options.limit
    async for entries in _blocks(log, container, options):
        text = b"".join(_shown(entries, options))
        if left is not None:
            text, left = text[:left], left - len(text)
        if text:
            yield text
        if left is not None and left <= 0:
            return


async def _blocks(log: Path, container: Container, options: Options) -> AsyncIterator[list[bytes]]:
    """Yield entries of the log, some at a time."""
    tail = options.tail
    stream: BinaryIO = log.open("rb")
    try:
        # Opened before anything is sent: a client may be slow, and the container goes on writing.
        with contextlib.suppress(FileNotFoundError), _rotated(log).open("rb") as older:
            # The newer file counts first: only what it lacks comes from the older one.
            missing = None if tail is None else max(0, tail - _count(stream, tail))
            for entries in _lines(older, missing) if not _are_same(older, stream) else ():
                yield entries
        _seek_tail(stream, tail)
        unfinished = b""
        while True:
            over = not (options.follow and _is_current(container, log))
            if data := stream.read(_BLOCK):
                *entries, unfinished = (unfinished + data).split(b"\n")
                yield entries
                await asyncio.sleep(0)
            elif _was_replaced(stream, log):
                following = _following(stream, log)
                stream.close()
                stream = following
            elif over:
                return
            else:
                await asyncio.sleep(_PAUSE)
    finally:
        stream.close()


def _is_current(container: Container, log: Path) -> bool:
    """Tell whether this log may still grow: its run goes on, or the last words are still on their way to the file."""
    collecting = container.output is not None and not container.output.done()
    return container.log == log and (container.running or collecting)


def _was_replaced(stream: BinaryIO, log: Path) -> bool:
    """Tell whether a full log was put aside and a new one begun."""
    try:
        return os.fstat(stream.fileno()).st_ino != log.stat().st_ino
    except OSError:
        return False


def _following(stream: BinaryIO, log: Path) -> BinaryIO:
    """Open the file that came after one that was read to its end: while a slow client read, there may have been two."""
    with contextlib.suppress(FileNotFoundError):
        older = _rotated(log).open("rb")
        if not _are_same(older, stream):
            return older
        older.close()
    return log.open("rb")


def _are_same(one: BinaryIO, other: BinaryIO) -> bool:
    return os.path.sameopenfile(one.fileno(), other.fileno())


def _rotated(log: Path) -> Path:
    return log.with_name(f"{log.name}.1")


def _lines(stream: BinaryIO, tail: int | None) -> Iterator[list[bytes]]:
    """Yield entries from where the last `tail` lines begin, or from the file's beginning."""
    stream.seek(0)
    _seek_tail(stream, tail)
    unfinished = b""
    while data := stream.read(_BLOCK):
        *entries, unfinished = (unfinished + data).split(b"\n")
        yield entries


def _count(stream: BinaryIO, most: int) -> int:
    """Return the number of lines of a log, or `most` when there are more; the stream is at its beginning again."""
    count = 0
    for entries in _lines(stream, None):
        count += len(entries)
        if count >= most:
            break
    stream.seek(0)
    return min(count, most)


def _seek_tail(stream: BinaryIO, lines: int | None) -> None:
    """Go to where the last `lines` lines begin, looking from the end: logs are long and tails short."""
    if lines is None:
        return
    position = end = stream.seek(0, os.SEEK_END)
    # The file ends with a newline; the one before the first wanted line is one more.
    missing = lines + 1
    while position > 0 and missing > 0:
        size = min(_BLOCK, position)
        position -= size
        stream.seek(position)
        block = stream.read(size)
        found = block.count(b"\n")
        if found >= missing:
            cut = len(block)
            for _ in range(missing):
                cut = block.rindex(b"\n", 0, cut)
            stream.seek(min(position + cut + 1, end))
            return
        missing -= found
    stream.seek(0 if lines else end)


def _shown(entries: list[bytes], options: Options) -> Iterator[bytes]:
    """Yield the text of log entries: `TIME STREAM F|P TEXT`, where P says that the line goes on in the next entry."""
    since = options.since.encode()
    for entry in entries:
        time, _, rest = entry.partition(b" ")
        stream, _, rest = rest.partition(b" ")
        tag, _, text = rest.partition(b" ")
        if time < since or stream.decode() not in options.streams:
            continue
        if options.timestamps:
            yield time + b" "
        yield text if tag == b"P" else text + b"\n"


def _since(moment: str, seconds: str) -> str:
    """Return the earliest time that is wanted as log entries write it, which sorts like the time itself."""
    if moment:
        begin = datetime.datetime.fromisoformat(moment)
    elif seconds:
        begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=int(seconds))
    else:
        return ""
    return f"{begin.astimezone(datetime.UTC):{_TIME}}000Z"

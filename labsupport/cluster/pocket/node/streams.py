"""One interface to the streams inside a SPDY or a WebSocket connection: exec and port-forward don't care which it is."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from labsupport.cluster.pocket.node import tasks

CHUNK = 32 * 1024
# Chunks that may wait for a slow program; then nothing more is read, and TCP slows the client down.
_WAITING = 64
# A client that vanishes while nothing is read from it is noticed by writing to it.
HEARTBEAT = 2.0
# The API server itself is the peer when its client speaks WebSocket. While nothing is read, it can't tell us that this
# client has left, and kubectl gives up after a minute without an answer: by then nobody is there any more.
BLOCKED_LIMIT = 60.0
# How long the last words to a client of whom nothing more is heard may take.
_LAST_WORDS = 2.0
# Sends data of a stream; True ends this side of it.
Send = Callable[[bytes, bool], Awaitable[None]]


class BadFrame(ConnectionError):
    """The peer sent what the protocol does not allow."""


class Stream:
    """A two-way stream of bytes; each side ends its own direction."""

    def __init__(self, headers: dict[str, str], send: Send, blocked_limit: float | None = None) -> None:
        """Make a stream. `blocked_limit`: seconds that received bytes may wait to be read; None for as long as it takes."""
        self.headers = headers
        self._send, self._blocked_limit = send, blocked_limit
        self._chunks: deque[bytes] = deque()
        self._readable, self._room = asyncio.Event(), asyncio.Event()
        self._ended = self._broken = self._closed = False

    @property
    def kind(self) -> str:
        """What the stream carries: stdin, stdout, stderr, error, resize, data."""
        return self.headers.get("streamtype", "")

    async def read(self) -> bytes:
        """Return the next bytes, or b"" when the peer ended its side. Raises ConnectionResetError when it vanished."""
        while not self._chunks:
            if self._broken:
                raise ConnectionResetError("the stream's peer is gone")
            if self._ended:
                return b""
            self._readable.clear()
            await self._readable.wait()
        self._room.set()
        return self._chunks.popleft()

    async def write(self, data: bytes) -> None:
        """Send bytes, waiting while the connection is full. Raises ConnectionResetError when the peer is gone."""
        for start in range(0, len(data), CHUNK):
            if self._broken or self._closed:
                raise ConnectionResetError("the stream is closed")
            await self._send(data[start : start + CHUNK], False)

    async def close(self) -> None:
        """End this side."""
        if not self._closed and not self._broken:
            self._closed = True
            await self._send(b"", True)

    async def end_with(self, data: bytes) -> None:
        """Send last words, as far as the peer can still hear them, whatever became of the stream."""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                await self._send(data, False)
                await self._send(b"", True)
        self._closed = True

    async def feed(self, data: bytes) -> None:
        """Called by the connection with received bytes; waits while too many are unread. Raises BadFrame in the end."""
        while len(self._chunks) >= _WAITING and not self._ended:
            self._room.clear()
            try:
                async with asyncio.timeout(self._blocked_limit):
                    await self._room.wait()
            except TimeoutError:
                raise BadFrame("nobody takes what the client sends") from None
        if data and not self._ended:
            self._chunks.append(data)
            self._readable.set()

    def end(self, broken: bool = False) -> None:
        """Called by the connection when the peer ended its side, or when nothing can be sent either (broken)."""
        self._ended = True
        self._broken = self._broken or broken
        self._readable.set()
        self._room.set()

    def discard(self) -> None:
        """Forget what was received and throw away what still comes."""
        self.end()
        self._chunks.clear()


class Framing(Protocol):
    """The protocol of a connection: how it reads frames, says that it lives, and says goodbye."""

    def open_streams(self) -> list[Stream]: ...

    async def receive(self) -> None:
        """Handle frames until the peer ends the connection."""

    def send_heartbeat(self) -> None: ...

    def send_goodbye(self) -> None: ...


class Connection:
    """Runs a protocol over one TCP connection; `gone` is done as soon as the peer has left."""

    def __init__(self, framing: Framing, writer: asyncio.StreamWriter) -> None:
        self.framing, self._writer = framing, writer
        self.gone: asyncio.Task[None] = tasks.start(self._receive(), "a stream's connection")
        self._heartbeat = tasks.start(self._beat(), "a stream's heartbeat")

    async def close(self, limit: float | None = None) -> None:
        """Say goodbye, wait for the peer to leave (with a limit in seconds where it has got nothing), and end the connection.

        The peer leaves when it has read all that we sent, and it may be slow: what is still on its way when a connection
        is closed is lost, and the peer would take what it has for all. One that has vanished has left, too.
        """
        for stream in self.framing.open_streams():
            stream.discard()
        self._heartbeat.cancel()
        try:
            with contextlib.suppress(OSError):
                self.framing.send_goodbye()
            await asyncio.wait({self.gone}, timeout=limit)
        finally:
            self.gone.cancel()
            self._writer.close()

    async def _receive(self) -> None:
        try:
            with contextlib.suppress(OSError, EOFError):
                await self.framing.receive()
        finally:
            for stream in self.framing.open_streams():
                stream.end(broken=True)

    async def _beat(self) -> None:
        with contextlib.suppress(OSError):
            while not self.gone.done():
                await asyncio.sleep(HEARTBEAT)
                self.framing.send_heartbeat()
                if self._writer.is_closing():
                    self.gone.cancel()

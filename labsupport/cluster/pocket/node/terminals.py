"""The descriptors of a program that a client talks to: three pipes, or one pseudo-terminal."""

import asyncio
import contextlib
import fcntl
import json
import os
import struct
import termios
from dataclasses import dataclass
from typing import Any

from labsupport.cluster.pocket.node import tasks
from labsupport.cluster.pocket.node.streams import Stream

_READ = 64 * 1024
# A child may keep the output open when the program has ended: a second of silence then is the end.
_SILENCE = 1.0
_USUAL_SIZE = 24, 80
_SIZE_LIMIT = 0.2

Copy = asyncio.Task[None]


@dataclass(frozen=True)
class Copies:
    """The running copies between a program and its client."""

    inputs: list[Copy]
    outputs: list[Copy]


class Pipes:
    """A pipe for each of stdin, stdout and stderr; without a client's stdin the program reads an empty one.

    Pipes of our own, because Process.wait() of some Python versions also waits for asyncio's pipes, which children of
    the program may keep open.
    """

    def __init__(self, with_stdin: bool = True) -> None:
        stdin, self._stdin = os.pipe()
        self._stdout, stdout = os.pipe()
        self._stderr, stderr = os.pipe()
        self.inner: dict[str, Any] = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
        self._transports: list[asyncio.BaseTransport] = []
        if not with_stdin:
            os.close(self._stdin)
            self._stdin = -1

    def __enter__(self) -> "Pipes":
        return self

    def __exit__(self, *_: object) -> None:
        self.close_inner()
        for transport in self._transports:
            transport.close()
        for descriptor in (self._stdin, self._stdout, self._stderr):
            if descriptor >= 0:
                os.close(descriptor)

    def close_inner(self) -> None:
        """Close the program's ends: it has its own copies, and ours would hide its end."""
        for descriptor in set(self.inner.values()):
            os.close(descriptor)
        self.inner = {}

    async def prepare(self, streams: dict[str, Stream]) -> None:
        """Do what must be done before the program starts."""

    async def connect(self, streams: dict[str, Stream], ended: asyncio.Event) -> Copies:
        """Start to copy between the streams and the program, which sets `ended` when it has."""
        inputs, outputs = [], []
        if self._stdin >= 0:
            writer = await self._writer(self._take("_stdin"))
            inputs.append(tasks.start(_copy_in(streams["stdin"], writer), "the input of an exec"))
        for name in ("stdout", "stderr"):
            reader = await self._reader(self._take(f"_{name}"))
            outputs.append(tasks.start(_copy_out(reader, streams.get(name), ended), "the output of an exec"))
        return Copies(inputs, outputs)

    def _take(self, name: str) -> int:
        """Return a descriptor that a transport will close from now on."""
        descriptor: int = getattr(self, name)
        setattr(self, name, -1)
        return descriptor

    async def _reader(self, descriptor: int) -> asyncio.StreamReader:
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: _UntilTheEnd(reader), os.fdopen(descriptor, "rb", buffering=0)
        )
        self._transports.append(transport)
        return reader

    async def _writer(self, descriptor: int) -> asyncio.StreamWriter:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, os.fdopen(descriptor, "wb", buffering=0)
        )
        self._transports.append(transport)
        return asyncio.StreamWriter(transport, protocol, None, loop)


class Terminal(Pipes):
    """A pseudo-terminal: the program sees its inner end, we are the keyboard and the screen."""

    def __init__(self) -> None:
        self._outer, inner = os.openpty()
        self._resize(*_USUAL_SIZE)
        self.inner = {"terminal": inner}
        self._stdin = self._stdout = self._stderr = -1
        self._transports = []

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        # What still runs in the session gets SIGHUP, as when a window is closed.
        os.close(self._outer)

    async def prepare(self, streams: dict[str, Stream]) -> None:
        # kubectl tells its size at once, other clients may never do; a program that draws looks once, at its start.
        if "resize" in streams:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SIZE_LIMIT):
                    self._take_size(await streams["resize"].read())

    async def connect(self, streams: dict[str, Stream], ended: asyncio.Event) -> Copies:
        inputs = []
        if "stdin" in streams:
            writer = await self._writer(os.dup(self._outer))
            inputs.append(tasks.start(_copy_in(streams["stdin"], writer, closes=False), "the input of an exec"))
        if "resize" in streams:
            inputs.append(tasks.start(self._follow_size(streams["resize"]), "the size of a terminal"))
        reader = await self._reader(os.dup(self._outer))
        return Copies(inputs, [tasks.start(_copy_out(reader, streams.get("stdout"), ended), "the output of an exec")])

    async def _follow_size(self, sizes: Stream) -> None:
        with contextlib.suppress(ConnectionError):
            while text := await sizes.read():
                self._take_size(text)

    def _take_size(self, text: bytes) -> None:
        """Read messages such as {"Width": 80, "Height": 24}, one a line; the last one counts."""
        with contextlib.suppress(ValueError, KeyError, TypeError, IndexError, struct.error):
            size = json.loads(text.splitlines()[-1])
            self._resize(size["Height"], size["Width"])

    def _resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._outer, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class _UntilTheEnd(asyncio.StreamReaderProtocol):
    """A terminal without a program left answers EIO; that is its end, and what was read before it counts."""

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(None)


async def _copy_in(source: Stream, target: asyncio.StreamWriter, closes: bool = True) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read():
            target.write(data)
            await target.drain()
    if closes:
        target.close()
    # The program has closed its stdin, and the client need not know.
    source.discard()


async def _copy_out(source: asyncio.StreamReader, target: Stream | None, ended: asyncio.Event) -> None:
    while True:
        try:
            async with asyncio.timeout(_SILENCE):
                data = await source.read(_READ)
        except TimeoutError:
            if ended.is_set():
                return
            continue
        if not data:
            return
        if target is not None:
            await target.write(data)

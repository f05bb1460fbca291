"""A load on a server: clients that each send the next request when the last one is answered, and what came of it.

A closed loop: slow answers slow the clients down, so its latencies are those of so many clients, not of so many requests
a second. It writes prepared bytes and looks for no more of an answer than its end, so that it costs less than the server.
"""

import asyncio
import contextlib
import functools
import time
from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import numpy as np

HEAD_END = b"\r\n\r\n"
LENGTH = b"\r\ncontent-length:"
RECONNECT_S = 0.01
PATIENCE_S = 30.0


@dataclass
class Load:
    """What came of a load. `statuses`: answers by HTTP status; `lost`: requests never answered, also for want of their
    headers; `refused`: connections that were not accepted; `latencies_s`, `ends_s`: of each answer, the latter on the clock
    of `begin_s`."""

    begin_s: float
    seconds: float = 0.0
    lost: int = 0
    refused: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies_s: "array[float]" = field(default_factory=lambda: array("d"))
    ends_s: "array[float]" = field(default_factory=lambda: array("d"))

    @property
    def failed(self) -> int:
        """How many requests got no answer, or another one than 200."""
        return self.lost + sum(count for status, count in self.statuses.items() if status != 200)

    @property
    def per_s(self) -> float:
        """Good answers a second."""
        return self.statuses[200] / self.seconds

    def quantile_ms(self, q: float) -> float:
        """Return the quantile of the latency in milliseconds; NaN without answers."""
        return float(np.quantile(np.asarray(self.latencies_s), q) * 1000) if self.latencies_s else float("nan")


async def put(
    url: str,
    body: bytes,
    *,
    clients: int,
    seconds: float,
    headers: Mapping[str, str] | Callable[[], Mapping[str, str]] | None = None,
    answered: Callable[[int, bytes], None] | None = None,
    into: Load | None = None,
    stop: asyncio.Event | None = None,
    think_s: float = 0.0,
) -> Load:
    """POST `body` to `url` by so many `clients` for some `seconds`, and return what came of it.

    A connection that the server closes between two requests is opened again. `headers`: further ones, or what returns
    them before each request, for those that change. `answered` is told each status and body.
    `into`: the Load to fill, for those who look at it meanwhile; `stop`: ends it before its time; `think_s`: how long a
    client waits from an answer to its next request. At the end, requests that are under way are waited for, 30 seconds at most.
    """
    where = urlsplit(url)
    usual = {"Host": where.netloc, "Content-Type": "application/json", "Content-Length": str(len(body))}

    @functools.cache
    def written(further: tuple[tuple[str, str], ...]) -> bytes:
        said = usual | dict(further)
        head = f"POST {where.path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in said.items())
        return head.encode() + b"\r\n" + body

    def changing(say: Callable[[], Mapping[str, str]]) -> bytes:
        return written(tuple(say().items()))

    fixed = written(()) if callable(headers) else written(tuple((headers or {}).items()))
    request = functools.partial(changing, headers) if callable(headers) else lambda: fixed
    load = into or Load(time.perf_counter())
    end = load.begin_s + seconds
    loop = asyncio.get_running_loop()

    def over() -> bool:
        return time.perf_counter() >= end or (stop is not None and stop.is_set())

    async def client() -> None:
        while not over():
            closed: asyncio.Future[None] = loop.create_future()
            try:
                make = functools.partial(_Client, request, over, load, closed, answered, think_s)
                transport, _ = await loop.create_connection(make, where.hostname or "", where.port or 80)
            except OSError:
                load.refused += 1
                await asyncio.sleep(RECONNECT_S)
                continue
            try:
                await asyncio.shield(closed)
            finally:
                # At the end of our patience: `connection_lost` counts a request that is under way.
                transport.abort()
                await closed

    asking = asyncio.gather(*(client() for _ in range(clients)))
    stopped = asyncio.ensure_future((stop or asyncio.Event()).wait())
    try:
        ends: set[asyncio.Future[Any]] = {asking, stopped}
        await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({asking}, timeout=PATIENCE_S)
    finally:
        stopped.cancel()
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
    load.seconds = time.perf_counter() - load.begin_s
    return load


def run(url: str, body: bytes, *, clients: int, seconds: float, headers: Mapping[str, str] | None = None) -> Load:
    """Do as `put` does, from a program without an event loop."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(put(url, body, clients=clients, seconds=seconds, headers=headers))


class _Client(asyncio.Protocol):
    """One connection that sends a request, waits for the whole answer, and sends the next."""

    def __init__(
        self,
        request: Callable[[], bytes],
        over: Callable[[], bool],
        load: Load,
        closed: "asyncio.Future[None]",
        answered: Callable[[int, bytes], None] | None,
        think_s: float,
    ) -> None:
        self._request, self._over, self._load, self._closed, self._answered = request, over, load, closed, answered
        self._think_s = think_s
        self._buffer = b""
        self._sent: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        try:
            self._transport.write(self._request())
        except Exception:
            # Whatever kept the headers from being had, such as a token's file that is being replaced: the client goes on.
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        cut = self._buffer.find(HEAD_END)
        if cut < 0:
            return
        head = self._buffer[: cut + 2].lower()
        # With the line's begin: `inference-header-content-length` ends in the same words.
        at = head.find(LENGTH)
        size = int(head[at + len(LENGTH) : head.find(b"\r\n", at + 2)]) if at >= 0 else 0
        if len(self._buffer) < cut + 4 + size:
            return
        body, self._buffer = self._buffer[cut + 4 :], b""
        now, status = time.perf_counter(), int(head[9:12])
        assert self._sent is not None
        self._load.statuses[status] += 1
        self._load.latencies_s.append(now - self._sent)
        self._load.ends_s.append(now - self._load.begin_s)
        self._sent = None
        if self._answered:
            self._answered(status, body)
        if self._over() or b"\r\nconnection: close" in head:
            self._transport.close()
        elif self._think_s:
            asyncio.get_running_loop().call_later(self._think_s, self._go_on)
        else:
            self._send()

    def _go_on(self) -> None:
        if self._over():
            self._transport.close()
        elif not self._transport.is_closing():
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        self._load.lost += self._sent is not None
        if not self._closed.done():
            self._closed.set_result(None)


__all__ = ["Load", "put", "run"]

"""SPDY/3.1, the server's side of what Kubernetes uses of it: the API server speaks it to a kubelet.

https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/ ; Go's peer knows no flow control, TCP does it.
"""

import asyncio
import struct
import zlib

from labsupport.cluster.pocket.node.streams import BadFrame, Stream

SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9
FIN = 1
_VERSION = 0x8003
_CANCEL = 5
_LONGEST_HEADERS = 64 * 1024

# Section 2.6.10.1: words that headers are likely to hold, each with its length, and a tail without.
_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow"
    " authorization cache-control connection content-base content-encoding content-language content-length"
    " content-location content-md5 content-range content-type date etag expect expires from host if-match"
    " if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma"
    " proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade"
    " user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie"
    " keep-alive origin"
)
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden"
    "404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,"
    "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
_NUMBER = struct.Struct(">I")
DICTIONARY = (
    b"".join(_NUMBER.pack(len(word)) + word.replace("_", " ").encode() for word in _WORDS.split()) + _TAIL.encode()
)


class HeaderCodec:
    """Compresses and expands header blocks; each direction of a connection is one zlib stream."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(zdict=DICTIONARY)
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)

    def pack(self, headers: dict[str, str]) -> bytes:
        fields = [part.encode() for pair in headers.items() for part in pair]
        block = _NUMBER.pack(len(headers)) + b"".join(_NUMBER.pack(len(field)) + field for field in fields)
        return self._deflate.compress(block) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def unpack(self, compressed: bytes) -> dict[str, str]:
        """Return the headers, names in lower case. Raises BadFrame."""
        try:
            block = self._inflate.decompress(compressed, _LONGEST_HEADERS)
            if self._inflate.unconsumed_tail:
                raise BadFrame("a header block is too long")
            (count,), position, fields = _NUMBER.unpack_from(block), _NUMBER.size, []
            for _ in range(2 * count):
                (length,) = _NUMBER.unpack_from(block, position)
                position += _NUMBER.size + length
                if position > len(block):
                    raise BadFrame("a header is longer than its block")
                fields.append(block[position - length : position].decode())
        except (zlib.error, struct.error, UnicodeDecodeError) as error:
            raise BadFrame(f"a header block can't be read: {error}") from error
        return {name.lower(): value for name, value in zip(fields[::2], fields[1::2], strict=True)}


def control_frame(kind: int, payload: bytes, flags: int = 0) -> bytes:
    return struct.pack(">HHI", _VERSION, kind, flags << 24 | len(payload)) + payload


def data_frame(stream: int, payload: bytes, flags: int = 0) -> bytes:
    return struct.pack(">II", stream, flags << 24 | len(payload)) + payload


class Spdy:
    """One SPDY connection, on which the peer opens streams."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, blocked_limit: float | None = None
    ) -> None:
        self._reader, self._writer, self._blocked_limit = reader, writer, blocked_limit
        self._codec = HeaderCodec()
        self._streams: dict[int, Stream] = {}
        self._opened: asyncio.Queue[Stream | None] = asyncio.Queue()
        self._last = self._pings = 0

    async def accept(self) -> Stream | None:
        """Return the next stream that the peer opens, or None when it is gone."""
        return await self._opened.get()

    def open_streams(self) -> list[Stream]:
        return list(self._streams.values())

    def forget(self, stream: Stream) -> None:
        """End both directions of a stream whose work is done; later frames of it are thrown away."""
        for number, known in list(self._streams.items()):
            if known is stream:
                del self._streams[number]
                stream.end(broken=True)
                self._send_control(RST_STREAM, struct.pack(">II", number, _CANCEL))

    async def receive(self) -> None:
        try:
            while True:
                first, second = struct.unpack(">II", await self._reader.readexactly(8))
                flags, payload = second >> 24, await self._reader.readexactly(second & 0xFFFFFF)
                if not first >> 31:
                    await self._take_data(first, payload, flags)
                elif first >> 16 != _VERSION:
                    raise BadFrame(f"a frame of another SPDY version: {first >> 16 & 0x7FFF}")
                elif (kind := first & 0xFFFF) == GOAWAY:
                    return
                else:
                    self._take_control(kind, payload, flags)
        finally:
            self._opened.put_nowait(None)

    def send_heartbeat(self) -> None:
        # The server's pings have even numbers, the client's odd ones.
        self._pings += 2
        self._send_control(PING, _NUMBER.pack(self._pings))

    def send_goodbye(self) -> None:
        self._send_control(GOAWAY, struct.pack(">II", self._last, 0))

    async def _take_data(self, number: int, payload: bytes, flags: int) -> None:
        if stream := self._streams.get(number):
            await stream.feed(payload)
            if flags & FIN:
                stream.end()

    def _take_control(self, kind: int, payload: bytes, flags: int) -> None:
        if kind == SYN_STREAM:
            # Stream, associated stream, priority and slot; then the headers.
            if len(payload) < 10:
                raise BadFrame("a stream without headers")
            self._open(_number(payload), self._codec.unpack(payload[10:]), flags)
        elif kind == RST_STREAM:
            if stream := self._streams.pop(_number(payload), None):
                stream.end(broken=True)
        elif kind == PING and _number(payload) % 2:
            self._send_control(PING, payload)
        elif kind == HEADERS:
            # Read only to keep step with the compression.
            self._codec.unpack(payload[4:])

    def _open(self, number: int, headers: dict[str, str], flags: int) -> None:
        async def send(data: bytes, last: bool) -> None:
            self._writer.write(data_frame(number, data, FIN if last else 0))
            await self._writer.drain()

        self._last = number
        stream = self._streams[number] = Stream(headers, send, self._blocked_limit)
        if flags & FIN:
            stream.end()
        self._send_control(SYN_REPLY, _NUMBER.pack(number) + self._codec.pack({}))
        self._opened.put_nowait(stream)

    def _send_control(self, kind: int, payload: bytes) -> None:
        # Not drained: few bytes, and the reader must not wait for a peer that is slow to take our data.
        self._writer.write(control_frame(kind, payload))


def _number(payload: bytes) -> int:
    if len(payload) < 4:
        raise BadFrame("a frame without its number")
    return int(_NUMBER.unpack_from(payload)[0] & 0x7FFFFFFF)

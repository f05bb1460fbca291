"""WebSocket (RFC 6455), the server's side, with Kubernetes' channels in it: a message's first byte names its stream."""

import asyncio
import base64
import hashlib
import struct
from dataclasses import dataclass

from labsupport.cluster.pocket.node.streams import BadFrame, Stream

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_LONGEST_MESSAGE = 64 * 1024 * 1024
# v5 only: a message 255, N says that the peer has ended stream N.
_END_OF_STREAM = 255
_NORMAL_CLOSURE = struct.pack(">H", 1000)


@dataclass(frozen=True)
class Frame:
    """One frame, unmasked; `final` when it ends its message."""

    opcode: int
    payload: bytes
    final: bool = True


def accept_key(key: str) -> str:
    """Return what the server answers to the client's key (section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()


def encode(frame: Frame, mask: bytes = b"") -> bytes:
    """Return a frame's bytes; a client masks them, a server does not (section 5.2)."""
    length, masked = len(frame.payload), 0x80 if mask else 0
    head = bytes([frame.opcode | (0x80 if frame.final else 0)])
    if length < 126:
        head += bytes([length | masked])
    elif length < 65536:
        head += struct.pack(">BH", 126 | masked, length)
    else:
        head += struct.pack(">BQ", 127 | masked, length)
    return head + mask + (_masked(frame.payload, mask) if mask else frame.payload)


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    """Read one frame. Raises BadFrame, or IncompleteReadError when the peer is gone."""
    first, second = await reader.readexactly(2)
    length = second & 0x7F
    if length > 125:
        length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8), "big")
    if length > _LONGEST_MESSAGE:
        raise BadFrame(f"a message of {length} bytes is too long")
    mask = await reader.readexactly(4) if second & 0x80 else b""
    payload = await reader.readexactly(length)
    return Frame(first & 0x0F, _masked(payload, mask) if mask else payload, bool(first & 0x80))


def _masked(payload: bytes, mask: bytes) -> bytes:
    """Combine bytes with the repeated mask; as two large numbers, which is quick."""
    length = len(payload)
    repeated = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(length, "big")


class WebSocket:
    """One WebSocket connection whose streams are known from the start: the channels 0, 1, 2 ... are `kinds`."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        protocol: str,
        kinds: list[str],
        blocked_limit: float | None = None,
    ) -> None:
        self._reader, self._writer, self._blocked_limit = reader, writer, blocked_limit
        self._has_half_close = protocol.startswith("v5.")
        self.streams = [self._stream(channel, kind) for channel, kind in enumerate(kinds)]

    def open_streams(self) -> list[Stream]:
        return self.streams

    async def receive(self) -> None:
        message = b""
        while True:
            frame = await read_frame(self._reader)
            if frame.opcode == CLOSE:
                return
            if frame.opcode == PING:
                self._writer.write(encode(Frame(PONG, frame.payload)))
            elif frame.opcode in (CONTINUATION, TEXT, BINARY):
                message += frame.payload
                if len(message) > _LONGEST_MESSAGE:
                    raise BadFrame("a message is too long")
                if frame.final:
                    await self._take(message)
                    message = b""

    def send_heartbeat(self) -> None:
        self._writer.write(encode(Frame(PING, b"")))

    def send_goodbye(self) -> None:
        self._writer.write(encode(Frame(CLOSE, _NORMAL_CLOSURE)))

    async def _take(self, message: bytes) -> None:
        if not message:
            return
        channel, data = message[0], message[1:]
        if channel == _END_OF_STREAM and self._has_half_close and data and data[0] < len(self.streams):
            self.streams[data[0]].end()
        elif channel < len(self.streams):
            await self.streams[channel].feed(data)

    def _stream(self, channel: int, kind: str) -> Stream:
        async def send(data: bytes, last: bool) -> None:
            # The server's streams end with the connection: there is no message for it that clients understand.
            if not last:
                self._writer.write(encode(Frame(BINARY, bytes([channel]) + data)))
                await self._writer.drain()

        return Stream({"streamtype": kind}, send, self._blocked_limit)

"""SPDY/3.1: what one side writes the other reads, in whatever pieces it arrives; nonsense ends the connection."""

import asyncio
import hashlib
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labsupport.cluster.pocket.node import spdy
from labsupport.cluster.pocket.node.spdy import HeaderCodec, Spdy, control_frame, data_frame
from labsupport.cluster.pocket.node.streams import BadFrame, Connection

HEADERS = st.dictionaries(
    st.text(st.characters(codec="ascii", min_codepoint=33, exclude_characters="\x7f"), min_size=1).map(str.lower),
    st.text(max_size=200),
    max_size=20,
)


class Wire:
    """Stands for a StreamWriter: keeps what is written."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written += data

    async def drain(self) -> None:
        await asyncio.sleep(0)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


def writer() -> Any:
    return Wire()


def frames(data: bytes) -> list[tuple[int, int, bytes]]:
    """Return (kind, or minus the stream's number for data; flags; payload) of each frame."""
    found = []
    while data:
        first, second = struct.unpack_from(">II", data)
        length = second & 0xFFFFFF
        assert len(data) >= 8 + length
        kind = first & 0xFFFF if first >> 31 else -first
        found.append((kind, second >> 24, bytes(data[8 : 8 + length])))
        data = data[8 + length :]
    return found


def syn_stream(number: int, headers: dict[str, str], codec: HeaderCodec, flags: int = 0) -> bytes:
    return control_frame(spdy.SYN_STREAM, struct.pack(">IIH", number, 0, 0) + codec.pack(headers), flags)


async def fed(*data: bytes, then_end: bool = True) -> tuple[Spdy, Connection, Wire]:
    reader, wire = asyncio.StreamReader(), writer()
    connection_framing = Spdy(reader, wire)
    connection = Connection(connection_framing, wire)
    for part in data:
        reader.feed_data(part)
        await asyncio.sleep(0)
    if then_end:
        reader.feed_eof()
    return connection_framing, connection, wire


@given(st.lists(HEADERS, min_size=1, max_size=5))
def test_header_blocks_of_a_connection_are_read_as_they_were_written(blocks: list[dict[str, str]]) -> None:
    writer, reader = HeaderCodec(), HeaderCodec()
    for headers in blocks:
        assert reader.unpack(writer.pack(headers)) == headers


def test_dictionary_is_the_one_of_the_specification() -> None:
    assert len(spdy.DICTIONARY) == 1423
    # The digest of the bytes in the API server's own library, moby/spdystream 0.5.1, spdy/dictionary.go.
    assert (
        hashlib.sha256(spdy.DICTIONARY).hexdigest()
        == "51d27341373f923f3cd88e1eb7162aeaa3723d7585ff2399201dc06498407f02"
    )


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=10), st.lists(st.integers(1, 50), max_size=30), st.data())
@settings(max_examples=50)
def test_stream_delivers_all_bytes_in_order_however_they_are_cut(
    parts: list[bytes], cuts: list[int], data: st.DataObject
) -> None:
    sent = syn_stream(1, {"streamType": "stdin"}, HeaderCodec()) + b"".join(data_frame(1, part) for part in parts)
    sent += data_frame(1, b"", spdy.FIN)
    pieces, position = [], 0
    for cut in cuts:
        pieces.append(sent[position : position + cut])
        position += cut
    pieces.append(sent[position:])

    async def read_all() -> tuple[str, bytes]:
        framing, connection, _ = await fed(*pieces, then_end=False)
        stream = await framing.accept()
        assert stream is not None
        received = b""
        while chunk := await stream.read():
            received += chunk
        connection.gone.cancel()
        return stream.kind, received

    assert asyncio.run(read_all()) == ("stdin", b"".join(parts))


@given(st.binary(max_size=400))
@settings(max_examples=200)
def test_nonsense_ends_the_connection_and_raises_nothing(noise: bytes) -> None:
    async def survive() -> None:
        framing, connection, _ = await fed(noise)
        async with asyncio.timeout(5):
            await connection.gone
        assert connection.gone.exception() is None
        while (stream := await framing.accept()) is not None:
            # The peer has vanished, in mid-stream or not.
            try:
                while await stream.read():
                    pass
            except ConnectionResetError:
                pass

    asyncio.run(survive())


def test_own_pings_are_not_echoed_and_the_peers_are() -> None:
    async def answers() -> list[tuple[int, int, bytes]]:
        pings = [control_frame(spdy.PING, struct.pack(">I", number)) for number in (1, 2, 3)]
        _, connection, wire = await fed(*pings)
        await connection.gone
        return frames(bytes(wire.written))

    assert asyncio.run(answers()) == [(spdy.PING, 0, struct.pack(">I", number)) for number in (1, 3)]


def test_each_stream_is_replied_to_and_written_to_by_its_number() -> None:
    async def answers() -> list[tuple[int, int, bytes]]:
        codec = HeaderCodec()
        opened = syn_stream(5, {"streamtype": "stdout"}, codec) + syn_stream(7, {"streamtype": "error"}, codec)
        framing, connection, wire = await fed(opened, then_end=False)
        first, second = await framing.accept(), await framing.accept()
        assert first is not None and second is not None
        await second.write(b"b")
        await first.write(b"a")
        await first.close()
        connection.gone.cancel()
        return frames(bytes(wire.written))

    replies = asyncio.run(answers())
    assert [kind for kind, _, _ in replies] == [spdy.SYN_REPLY, spdy.SYN_REPLY, -7, -5, -5]
    assert replies[2:] == [(-7, 0, b"b"), (-5, 0, b"a"), (-5, spdy.FIN, b"")]


def test_reset_stream_can_neither_be_read_nor_written() -> None:
    async def use() -> None:
        opened = syn_stream(1, {"streamtype": "data"}, HeaderCodec())
        framing, connection, _ = await fed(opened, control_frame(spdy.RST_STREAM, struct.pack(">II", 1, 5)))
        stream = await framing.accept()
        await connection.gone
        assert stream is not None
        with pytest.raises(ConnectionResetError):
            await stream.read()
        with pytest.raises(ConnectionResetError):
            await stream.write(b"x")

    asyncio.run(use())


def test_slow_reader_stops_the_connection_instead_of_filling_memory() -> None:
    async def use() -> None:
        parts = [data_frame(1, bytes([number % 256]) * 1000) for number in range(1000)]
        opened = syn_stream(1, {"streamtype": "stdin"}, HeaderCodec())
        framing, connection, _ = await fed(opened, *parts)
        stream = await framing.accept()
        assert stream is not None
        for _ in range(50):
            await asyncio.sleep(0)
        assert not connection.gone.done()
        received = 0
        with pytest.raises(ConnectionResetError):
            while chunk := await stream.read():
                received += len(chunk)
        assert received == 1_000_000

    asyncio.run(use())


def test_bomb_of_compressed_headers_is_refused() -> None:
    with pytest.raises(BadFrame, match="too long"):
        HeaderCodec().unpack(HeaderCodec().pack({"streamtype": "a" * 1_000_000}))

"""WebSocket frames and Kubernetes' channels in them."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.cluster.pocket.node import websocket
from labsupport.cluster.pocket.node.streams import BadFrame, Connection
from labsupport.cluster.pocket.node.websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, Frame, WebSocket, encode

MASKS = st.one_of(st.just(b""), st.binary(min_size=4, max_size=4))
KINDS = ["stdin", "stdout", "stderr", "error", "resize"]
MASK = b"\x01\x02\x03\x04"


class Wire:
    """Stands for a StreamWriter: keeps what is written."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    async def drain(self) -> None:
        await asyncio.sleep(0)

    def is_closing(self) -> bool:
        return False


def writer() -> Any:
    return Wire()


async def read_all(data: bytes) -> list[Frame]:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    found = []
    while not reader.at_eof():
        found.append(await websocket.read_frame(reader))
    return found


async def received(protocol: str, *messages: Frame) -> tuple[WebSocket, Connection, Wire]:
    reader, wire = asyncio.StreamReader(), writer()
    framing = WebSocket(reader, wire, protocol, KINDS)
    connection = Connection(framing, wire)
    for message in messages:
        reader.feed_data(encode(message, MASK))
    reader.feed_eof()
    await connection.gone
    return framing, connection, wire


@given(
    st.lists(
        st.tuples(
            st.builds(
                Frame, st.sampled_from([CONTINUATION, BINARY, PING, CLOSE]), st.binary(max_size=300), st.booleans()
            ),
            MASKS,
        ),
        max_size=8,
    )
)
def test_frames_are_read_as_they_were_written(frames: list[tuple[Frame, bytes]]) -> None:
    data = b"".join(encode(frame, mask) for frame, mask in frames)
    assert asyncio.run(read_all(data)) == [frame for frame, _ in frames]


@pytest.mark.parametrize("length", [0, 125, 126, 65535, 65536, 1_000_000])
def test_frames_of_every_length_class_are_read(length: int) -> None:
    frame = Frame(BINARY, bytes(length))
    assert asyncio.run(read_all(encode(frame, MASK))) == [frame]


def test_answer_to_the_key_is_that_of_the_standard() -> None:
    # RFC 6455, section 1.3.
    assert websocket.accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@given(st.lists(st.tuples(st.integers(0, 4), st.binary(min_size=1, max_size=50)), max_size=20), st.integers(1, 7))
def test_messages_reach_their_channels_whole_or_in_fragments(messages: list[tuple[int, bytes]], size: int) -> None:
    async def use() -> list[bytes]:
        frames = []
        for channel, data in messages:
            message = bytes([channel]) + data
            pieces = [message[start : start + size] for start in range(0, len(message), size)]
            for number, piece in enumerate(pieces):
                frames.append(Frame(CONTINUATION if number else BINARY, piece, number == len(pieces) - 1))
                # Control frames may stand between fragments.
                frames.append(Frame(PING, b"?"))
        framing, _, wire = await received("v4.channel.k8s.io", *frames)
        pongs = encode(Frame(PONG, b"?")) * sum(frame.opcode == PING for frame in frames)
        assert wire.written == pongs
        got = []
        for stream in framing.streams:
            data = b""
            try:
                while chunk := await stream.read():
                    data += chunk
            except ConnectionResetError:
                pass
            got.append(data)
        return got

    expected = [b"".join(data for channel, data in messages if channel == wanted) for wanted in range(5)]
    assert asyncio.run(use()) == expected


def test_end_of_stdin_is_told_in_v5_and_is_data_of_nobody_in_v4() -> None:
    async def ended(protocol: str) -> bool:
        reader = asyncio.StreamReader()
        framing = WebSocket(reader, writer(), protocol, KINDS)
        connection = Connection(framing, writer())
        reader.feed_data(encode(Frame(BINARY, b"\xff\x00"), MASK))
        try:
            async with asyncio.timeout(0.05):
                return await framing.streams[0].read() == b""
        except TimeoutError:
            return False
        finally:
            connection.gone.cancel()

    assert asyncio.run(ended("v5.channel.k8s.io"))
    assert not asyncio.run(ended("v4.channel.k8s.io"))


@given(st.binary(max_size=200))
def test_nonsense_ends_the_connection_and_raises_nothing(noise: bytes) -> None:
    async def survive() -> None:
        reader = asyncio.StreamReader()
        connection = Connection(WebSocket(reader, writer(), "v5.channel.k8s.io", KINDS), writer())
        reader.feed_data(noise)
        reader.feed_eof()
        async with asyncio.timeout(5):
            await connection.gone
        assert connection.gone.exception() is None

    asyncio.run(survive())


def test_message_that_would_fill_memory_is_refused() -> None:
    reader = encode(Frame(BINARY, b""))[:1] + bytes([127]) + (1 << 40).to_bytes(8, "big")
    with pytest.raises(BadFrame, match="too long"):
        asyncio.run(read_all(reader))

"""Carry bytes between two connections, each direction until its own end."""

import asyncio
import contextlib

from labsupport.cluster.pocket.node import tasks

_READ = 128 * 1024

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def relay(one: Ends, other: Ends) -> None:
    """Copy both ways until both sides have ended; one that breaks off breaks the other off, too."""
    (one_reader, one_writer), (other_reader, other_writer) = one, other
    try:
        await tasks.together(_copy(one_reader, other_writer), _copy(other_reader, one_writer))
    except (OSError, asyncio.CancelledError):
        # Nobody waits for a connection's task, so a cancelled one (the agent ends) simply ends.
        one_writer.transport.abort()
        other_writer.transport.abort()
    finally:
        one_writer.close()
        other_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_READ):
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()

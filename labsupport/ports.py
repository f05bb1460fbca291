"""Ports of 127.0.0.1 for programs that have to be told theirs: what is free now is still free when the program takes it."""

import random
import socket
from collections.abc import Collection

from labsupport.errors import LabsError

HOST = "127.0.0.1"
# Below the kernel's own outgoing ports (from 32768; 49152 on macOS) and the NodePorts (30000 to 32767): of those, a connection
# of any program may take one in the second between its choice and its program's start.
RANGE = range(20000, 29900)


def free(taken: Collection[int] = ()) -> int:
    """Return a port, none of `taken`, that nobody listens on. Raises LabsError when there is none."""
    for port in random.SystemRandom().sample(RANGE, len(RANGE)):
        if port not in taken and is_free(port):
            return port
    raise LabsError(f"No port from {RANGE.start} to {RANGE.stop - 1} of {HOST} is free; end what listens there.")


def is_free(port: int) -> bool:
    """Tell whether this port can be listened on."""
    with socket.socket() as listener:
        # What Go's and asyncio's listeners set: an old connection in TIME_WAIT does not occupy the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(1)
        except OSError:
            return False
        return True

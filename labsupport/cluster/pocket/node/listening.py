"""Find containers that listen where nobody looks for them: on another address than their pod's own."""

import asyncio
import contextlib
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from labsupport.cluster.pocket.node import launch
from labsupport.cluster.pocket.node.node import Node

_PERIOD = 3.0
# The state LISTEN in /proc/net/tcp.
_LISTENING = "0A"


@dataclass(frozen=True)
class Socket:
    """A listening TCP socket of this machine."""

    address: str
    port: int
    inode: int


async def watch(node: Node) -> None:
    """Send an event for each such socket, once; for ever."""
    known: set[int] = set()
    while True:
        await asyncio.sleep(_PERIOD)
        found = {socket.inode: socket for socket in listening()}
        if new := set(found) - known:
            _tell(node, {inode: found[inode] for inode in new})
        known = set(found)


def listening(folder: Path = Path("/proc/net")) -> list[Socket]:
    """Return all listening TCP sockets of this machine."""
    found = []
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (folder / name).read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == _LISTENING:
                    address, _, port = words[1].partition(":")
                    found.append(Socket(_address(address), int(port, 16), int(words[9])))
    return found


def _address(text: str) -> str:
    # Four bytes at a time, each group with its last byte first (on the processors that we run on).
    groups = [bytes.fromhex(text[start : start + 8])[::-1] for start in range(0, len(text), 8)]
    address = ipaddress.ip_address(b"".join(groups))
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _tell(node: Node, sockets: dict[int, Socket]) -> None:
    sessions = launch.processes_of_sessions()
    for pod in node.pods.all():
        for container in pod.containers.values():
            for inode in _inodes(sessions.get(container.session or 0, [])) & set(sockets):
                socket = sockets[inode]
                if socket.address == pod.loopback:
                    continue
                words = (
                    f"Container {container.name} listens on {socket.address}:{socket.port}, where no Service and no "
                    f"probe looks: they use the pod's own address. Pass the host as an argument: {_advice(socket)}"
                )
                node.events.of_container(pod, container, "Warning", "ListensElsewhere", words)


def _advice(socket: Socket) -> str:
    if socket.address in ("127.0.0.1", "::1"):
        return "0.0.0.0, as in any container"
    return "0.0.0.0, which this node replaces in command, args and env by the pod's address"


def _inodes(processes: list[int]) -> set[int]:
    found = set()
    for process in processes:
        with contextlib.suppress(OSError):
            for entry in Path(f"/proc/{process}/fd").iterdir():
                with contextlib.suppress(OSError):
                    target = str(entry.readlink())
                    if target.startswith("socket:["):
                        found.add(int(target[8:-1]))
    return found

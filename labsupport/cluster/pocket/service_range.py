"""Give each pocket cluster a range of its own for the addresses of its Services, so that several can run at once."""

import ipaddress
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path

from labsupport.cluster.pocket.layout import Layout, write_atomically
from labsupport.errors import LabsError

# 512 ranges of 4096 addresses, all of them in the layout's SERVICE_RANGE.
_ALL = tuple(ipaddress.IPv4Network("127.64.0.0/11").subnets(new_prefix=20))
# What clusters had before each got a range of its own; one that was kept since then still has it.
SHARED = ipaddress.IPv4Network("127.96.0.0/16")


def of(place: Layout) -> ipaddress.IPv4Network:
    """Return the range of a cluster: the one that it got at its first start, or would try first at that."""
    try:
        return ipaddress.IPv4Network(_file(place).read_text().strip())
    except (OSError, ValueError):
        return SHARED if place.etcd.exists() else next(_candidates(place))


def api_address(place: Layout) -> str:
    """Return the address of the Service `kubernetes`: Kubernetes takes the first of the range."""
    return str(of(place)[1])


def reserve(place: Layout) -> socket.socket:
    """Take a range that no other running pocket cluster of this machine has, and remember it.

    The reservation holds as long as a process has the returned socket open: an abstract Unix socket, whose name the kernel
    gives back even when that process is killed. A cluster with objects stays on its range, which their addresses are of;
    raises LabsError when another one has taken that meanwhile.
    """
    bound = place.etcd.exists()
    for candidate in [of(place)] if bound else _candidates(place):
        reservation = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            reservation.bind(f"\0labs-pocket/{candidate}")
        except OSError:
            reservation.close()
            continue
        write_atomically(_file(place), f"{candidate}\n".encode())
        return reservation
    if bound:
        raise LabsError(
            f"Another pocket cluster uses the addresses of this one's Services ({of(place)}). Stop that one, "
            "or delete what this one stores and begin anew: labs cluster reset"
        )
    raise LabsError(f"All {len(_ALL)} ranges of addresses for Services are in use. Stop some pocket clusters.")


def _candidates(place: Layout) -> Iterator[ipaddress.IPv4Network]:
    """All ranges, beginning at one that the folder's name decides, so that a cluster mostly keeps its addresses."""
    first = zlib.crc32(str(place.folder).encode())
    return (_ALL[(first + step) % len(_ALL)] for step in range(len(_ALL)))


def _file(place: Layout) -> Path:
    return place.folder / "service-range"

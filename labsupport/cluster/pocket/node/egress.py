"""The API server's way to pods and Services: it asks for a connection by HTTP CONNECT on a Unix socket.

Their addresses mean something only on the node, so the API server (webhooks, `kubectl proxy`, logs) is configured to go
through the node: an egress selector, as in clusters whose control plane is not on the pods' network.
"""

import asyncio
import ipaddress
import logging

from labsupport.cluster.pocket.layout import POD_RANGE, SERVICE_RANGE, to_loopback
from labsupport.cluster.pocket.node import relay
from labsupport.cluster.pocket.node.http import answer, head
from labsupport.cluster.pocket.node.node import Node
from labsupport.cluster.pocket.node.proxy import Proxy

_PODS, _SERVICES = ipaddress.ip_network(POD_RANGE), ipaddress.ip_network(SERVICE_RANGE)
log = logging.getLogger("egress")


async def serve(node: Node, proxy: Proxy) -> asyncio.Server:
    """Listen on the socket until the returned server is closed."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            host, port = await _read_connect(reader)
            other = await asyncio.open_connection(*_destination(node, proxy, host, port))
        except (OSError, EOFError, ValueError) as error:
            log.info("no connection for the API server: %s", error)
            writer.write(answer(502, str(error), close=True))
            writer.close()
            return
        writer.write(head(200, {}))
        await relay.relay((reader, writer), other)

    node.layout.egress_socket.unlink(missing_ok=True)
    return await asyncio.start_unix_server(connected, node.layout.egress_socket)


async def _read_connect(reader: asyncio.StreamReader) -> tuple[str, int]:
    """Return host and port of `CONNECT HOST:PORT HTTP/1.1`. Raises ValueError for anything else."""
    words = (await reader.readline()).decode("latin-1").split()
    if len(words) != 3 or words[0] != "CONNECT":
        raise ValueError("expected CONNECT HOST:PORT HTTP/1.1")
    while (await reader.readline()).strip():
        pass
    host, _, port = words[1].rpartition(":")
    return host.strip("[]"), int(port)


def _destination(node: Node, proxy: Proxy, host: str, port: int) -> tuple[str, int]:
    """Return where to connect to. Raises OSError for all but the node itself, its pods and the Services."""
    if host in ("localhost", "127.0.0.1") and port == node.layout.ports().kubelet:
        return "127.0.0.1", port
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise OSError(f"{host} is no address of this cluster") from None
    if address in _PODS:
        return to_loopback(host), port
    if address in _SERVICES:
        backend = proxy.choose(host, port)
        if backend is None:
            raise OSError(f"no endpoints available behind {host}:{port}")
        return backend
    raise OSError(f"{host} is neither this node nor one of its pods or Services")

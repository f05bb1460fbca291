"""`kubectl port-forward`: connections to a port of a pod, carried by streams."""

import asyncio
import contextlib
import os
import struct

from labsupport.cluster.pocket.node import tasks
from labsupport.cluster.pocket.node.exec import negotiate, upgrade_to_spdy, upgrade_to_websocket
from labsupport.cluster.pocket.node.http import Refusal, Request
from labsupport.cluster.pocket.node.pod import Pod
from labsupport.cluster.pocket.node.spdy import Spdy
from labsupport.cluster.pocket.node.streams import Connection, Stream

SPDY_PROTOCOLS = ("portforward.k8s.io",)
WEBSOCKET_PROTOCOLS = ("v4.channel.k8s.io",)
_READ = 64 * 1024


async def serve(request: Request, pod: Pod) -> None:
    """Answer /portForward: by SPDY any number of connections, by WebSocket one for each port that was asked for."""
    if request.headers.get("upgrade", "").lower() == "websocket":
        await _serve_websocket(request, pod)
    else:
        await _serve_spdy(request, pod)


async def forward(pod: Pod, port: int, data: Stream, error: Stream) -> None:
    """Carry one connection between the stream `data` and the pod; what goes wrong is told by the stream `error`."""
    try:
        reader, writer = await asyncio.open_connection(pod.loopback, port)
    except OSError as problem:
        await error.write(_refused(pod, port, problem).encode())
        await error.close()
        await data.close()
        return
    upload = tasks.start(_upload(data, writer), f"the upload to {pod.name}:{port}")
    try:
        # The pod's side ends the connection; that the client's side has ended is only told to the pod.
        while received := await reader.read(_READ):
            await data.write(received)
    except ConnectionError:
        pass
    finally:
        await tasks.end(upload)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await data.close()
            await error.close()


async def _upload(data: Stream, writer: asyncio.StreamWriter) -> None:
    try:
        while sent := await data.read():
            writer.write(sent)
            await writer.drain()
        writer.write_eof()
    except ConnectionError:
        # The client has dropped the connection: the pod shall know, and our reader ends.
        writer.transport.abort()
    except OSError:
        pass


async def _serve_spdy(request: Request, pod: Pod) -> None:
    spdy = upgrade_to_spdy(request, negotiate(request, "x-stream-protocol-version", SPDY_PROTOCOLS))
    connection = Connection(spdy, request.writer)
    # A connection is a pair of streams with the same request id.
    waiting: dict[str, dict[str, Stream]] = {}
    running: set[asyncio.Task[None]] = set()
    try:
        while stream := await spdy.accept():
            number = stream.headers.get("requestid", "")
            pair = waiting.setdefault(number, {})
            pair[stream.kind] = stream
            if {"data", "error"} <= pair.keys():
                del waiting[number]
                task = tasks.start(_forward_and_forget(spdy, pod, pair), f"a connection to {pod.name}")
                running.add(task)
                task.add_done_callback(running.discard)
    finally:
        await tasks.end(*running)
        await connection.close()


async def _forward_and_forget(spdy: Spdy, pod: Pod, pair: dict[str, Stream]) -> None:
    port = pair["data"].headers.get("port", "")
    try:
        if not _is_port(port):
            await pair["error"].write(f"{port!r} is no port".encode())
            return
        with contextlib.suppress(ConnectionError):
            await forward(pod, int(port), pair["data"], pair["error"])
    finally:
        for stream in pair.values():
            spdy.forget(stream)


async def _serve_websocket(request: Request, pod: Pod) -> None:
    # The API server passes the client's "ports" on as "port".
    values = request.query.get("port", []) + request.query.get("ports", [])
    asked = [port for value in values for port in value.split(",")]
    if not asked or not all(_is_port(port) for port in asked):
        raise Refusal(400, 'query parameter "port" must name the ports to forward')
    ports = [int(port) for port in asked]
    protocol = negotiate(request, "sec-websocket-protocol", WEBSOCKET_PROTOCOLS)
    websocket = upgrade_to_websocket(request, protocol, ["data", "error"] * len(ports))
    connection = Connection(websocket, request.writer)
    streams = websocket.streams
    running: set[asyncio.Task[None]] = set()
    try:
        for port, data, error in zip(ports, streams[::2], streams[1::2], strict=True):
            # Each channel begins with its port.
            await data.write(struct.pack("<H", port))
            await error.write(struct.pack("<H", port))
            running.add(tasks.start(forward(pod, port, data, error), f"the connection to {pod.name}:{port}"))
        # There is no half close here: when the pods' sides have ended, the connection does.
        left = set(running)
        while left and not connection.gone.done():
            done, _ = await asyncio.wait({connection.gone, *left}, return_when=asyncio.FIRST_COMPLETED)
            left -= done
    finally:
        await tasks.end(*running)
        await connection.close()


def _refused(pod: Pod, port: int, problem: OSError) -> str:
    why = os.strerror(problem.errno).lower() if problem.errno else str(problem)
    return (
        f"failed to execute portforward in network namespace of pod {pod.namespace}/{pod.name}: failed to connect to "
        f"localhost:{port} inside namespace: dial tcp {pod.loopback}:{port}: connect: {why}"
    )


def _is_port(text: str) -> bool:
    return text.isdigit() and 0 < int(text) < 65536

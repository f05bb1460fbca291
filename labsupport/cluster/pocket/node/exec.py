"""`kubectl exec` and `kubectl cp`: run a program beside a container's own and join its streams to the client's."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from labsupport.cluster.pocket.node import rewriting, streams, tasks
from labsupport.cluster.pocket.node.http import Refusal, Request
from labsupport.cluster.pocket.node.launch import launch, terminate_session
from labsupport.cluster.pocket.node.node import Node
from labsupport.cluster.pocket.node.pod import Container, Pod
from labsupport.cluster.pocket.node.spdy import Spdy
from labsupport.cluster.pocket.node.streams import Connection, Stream
from labsupport.cluster.pocket.node.terminals import Pipes, Terminal
from labsupport.cluster.pocket.node.websocket import WebSocket, accept_key

SPDY_PROTOCOLS = ("v4.channel.k8s.io",)
WEBSOCKET_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_CHANNELS = ["stdin", "stdout", "stderr", "error", "resize"]
# Seconds in which a client must open its streams, and in which it shall leave when it did not.
_STREAM_LIMIT, _FAREWELL = 30.0, 2.0

Streams = dict[str, Stream]
Status = dict[str, Any]


async def serve(request: Request, node: Node, pod: Pod, container: Container) -> None:
    """Answer /exec: the command's output goes to the streams, its end as a Status to the stream `error`."""
    command = request.query.get("command", [])
    wanted = {"stdin": request.flag("input", "stdin"), "stdout": request.flag("output", "stdout")}
    terminal = request.flag("tty")
    wanted |= {"stderr": request.flag("error", "stderr") and not terminal, "resize": terminal, "error": True}
    if not command or not any(wanted[kind] for kind in ("stdin", "stdout", "stderr")):
        raise Refusal(400, "you must specify a command and at least 1 of stdin, stdout, stderr")
    if not container.running:
        raise Refusal(500, f'container not found ("{container.name}")')
    connection, opened = await open_streams(request, {kind for kind, asked in wanted.items() if asked})
    told = False
    try:
        status = await run(node, pod, container, command, opened, connection.gone, terminal)
        for kind in ("stdout", "stderr"):
            if kind in opened:
                await opened[kind].close()
        told = True
        await opened["error"].write(json.dumps(status).encode())
        await opened["error"].close()
    except BaseException as error:
        if not told:
            # To clients, an end without a word is a success.
            await opened["error"].end_with(json.dumps(_broken_off(error)).encode())
        if not isinstance(error, ConnectionError):
            raise
    finally:
        await connection.close()


async def open_streams(request: Request, wanted: set[str]) -> tuple[Connection, Streams]:
    """Switch to WebSocket or SPDY, whichever the client asks for, and return the streams of the wanted kinds."""
    if request.headers.get("upgrade", "").lower() == "websocket":
        protocol = negotiate(request, "sec-websocket-protocol", WEBSOCKET_PROTOCOLS)
        websocket = upgrade_to_websocket(request, protocol, _CHANNELS)
        connection = Connection(websocket, request.writer)
        opened = {stream.kind: stream for stream in websocket.streams if stream.kind in wanted}
        return connection, opened
    spdy = upgrade_to_spdy(request, negotiate(request, "x-stream-protocol-version", SPDY_PROTOCOLS))
    connection = Connection(spdy, request.writer)
    opened = {}
    try:
        async with asyncio.timeout(_STREAM_LIMIT):
            while wanted - opened.keys():
                if (stream := await spdy.accept()) is None:
                    raise ConnectionResetError("the client left before it opened its streams")
                opened[stream.kind] = stream
    except (TimeoutError, ConnectionError):
        await connection.close(_FAREWELL)
        raise
    return connection, opened


def negotiate(request: Request, header: str, known: tuple[str, ...]) -> str:
    """Return the first protocol that both sides know. Raises Refusal when there is none."""
    offered = request.offered(header)
    for protocol in known:
        if protocol in offered:
            return protocol
    raise Refusal(403, f"unable to upgrade: client supports {offered}, server accepts {list(known)}")


def upgrade_to_websocket(request: Request, protocol: str, kinds: list[str]) -> WebSocket:
    request.switch_protocols(
        Upgrade="websocket",
        Connection="Upgrade",
        Sec_WebSocket_Accept=accept_key(request.headers.get("sec-websocket-key", "")),
        Sec_WebSocket_Protocol=protocol,
    )
    return WebSocket(request.reader, request.writer, protocol, kinds, _blocked_limit(request))


def upgrade_to_spdy(request: Request, protocol: str) -> Spdy:
    request.switch_protocols(Upgrade="SPDY/3.1", Connection="Upgrade", X_Stream_Protocol_Version=protocol)
    return Spdy(request.reader, request.writer, _blocked_limit(request))


def _blocked_limit(request: Request) -> float | None:
    """Return how long received bytes may wait, in seconds; None where the peer is the client itself.

    What the API server passes on as it is has this header, and ends when the client does, which our heartbeat notices.
    """
    return None if "x-forwarded-for" in request.headers else streams.BLOCKED_LIMIT


async def run(
    node: Node,
    pod: Pod,
    container: Container,
    command: list[str],
    opened: Streams,
    gone: "asyncio.Task[None]",
    terminal: bool = False,
) -> Status:
    """Run a command to its end and return how it ended. When the client leaves first, its processes are killed.

    Raises ConnectionResetError when the client has left.
    """
    environment = {**container.environment, "TERM": "xterm"} if terminal else container.environment
    arguments = _inside(command, container.mounts, pod.loopback)
    with Terminal() if terminal else Pipes("stdin" in opened) as ends:
        await ends.prepare(opened)
        try:
            process = await launch(arguments, environment, container.working_folder, **ends.inner)
        except OSError as error:
            return _not_started(command[0], error)
        finally:
            ends.close_inner()
        node.usage.join(process.pid, container)
        exit_code = tasks.start(process.wait(), "an exec")
        ended = asyncio.Event()
        copies = await ends.connect(opened, ended)
        try:
            await asyncio.wait({exit_code, gone}, return_when=asyncio.FIRST_COMPLETED)
            ended.set()
            if not exit_code.done():
                raise ConnectionResetError("nothing more is heard of the client")
            await asyncio.gather(*copies.outputs)
            return _ended(exit_code.result())
        finally:
            if not exit_code.done() or gone.done():
                terminate_session(process.pid)
            for copy in (*copies.inputs, *copies.outputs):
                copy.cancel()
            await asyncio.gather(*copies.inputs, *copies.outputs, exit_code, return_exceptions=True)
            node.usage.leave(process.pid)


def _inside(command: list[str], mounts: dict[str, Path], loopback: str) -> list[str]:
    """Return a command as the container would see it: paths under its mounts are on the machine's own paths.

    `kubectl cp` packs a path with tar and unpacks by the name that it asked for, so tar must keep that name.
    """
    arguments = [rewriting.rewrite(argument, mounts, loopback) for argument in command]
    if command[:2] == ["tar", "cf"] and arguments != command:
        real = re.sub(r"([\\.*^$\[\],])", r"\\\1", arguments[-1].strip("/"))
        asked = re.sub(r"([\\&,])", r"\\\1", command[-1].strip("/"))
        arguments[3:3] = ["--absolute-names", f"--transform=flags=r;s,^/*{real},{asked},"]
    return arguments


def _ended(code: int) -> Status:
    """Return the Status from which a client takes its exit code."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    # As a shell says it: 128 + the number of the signal.
    shown = 128 - code if code < 0 else code
    return {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {shown}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(shown)}]},
    }


def _broken_off(error: BaseException) -> Status:
    why = "the node agent ends" if isinstance(error, asyncio.CancelledError) else str(error) or repr(error)
    return {
        "metadata": {},
        "status": "Failure",
        "reason": "InternalError",
        "code": 500,
        "message": f"the command was broken off: {why}",
    }


def _not_started(program: str, error: OSError) -> Status:
    why = {
        FileNotFoundError: "no such file or directory" if "/" in program else "executable file not found in $PATH",
        PermissionError: "permission denied",
    }.get(type(error), error.strerror or str(error))
    return {
        "metadata": {},
        "status": "Failure",
        "reason": "InternalError",
        "code": 500,
        "message": "error executing command in container: failed to exec in container: failed to start exec: "
        f'OCI runtime exec failed: exec failed: unable to start container process: exec: "{program}": {why}',
    }

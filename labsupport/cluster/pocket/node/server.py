"""The kubelet's own HTTPS port, where the API server asks for logs, exec, port-forward and metrics."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Coroutine
from typing import Any

from labsupport.cluster.pocket.layout import CONTEXT, Layout
from labsupport.cluster.pocket.node import exec, logs, metrics, portforward, tasks
from labsupport.cluster.pocket.node.http import Refusal, Request, answer, read_request
from labsupport.cluster.pocket.node.node import Node
from labsupport.cluster.pocket.node.pod import Container, Pod

# Who may ask, by the names of a certificate's authority and of its holder.
_API_SERVER = (f"{CONTEXT}-ca", "kube-apiserver-kubelet-client")
_FRONT_PROXY = (f"{CONTEXT}-front-ca", "front-proxy-client")
# How long a client may take to read the rest of an answer, in seconds: as long as it lives; one that vanishes is noticed.
_PATIENCE = 24 * 3600.0
log = logging.getLogger("server")


class Server:
    """The listening port and the connections on it."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._listener: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        place = self._node.layout
        self._listener = await asyncio.start_server(
            self._connected,
            "127.0.0.1",
            place.ports().kubelet,
            ssl=_identity(place),
            ssl_shutdown_timeout=_PATIENCE,
        )

    def close(self) -> None:
        """Stop listening and end every connection; what they had started is ended, too."""
        if self._listener is not None:
            self._listener.close()
        for connection in self._connections:
            connection.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while await self._answer_next(reader, writer):
                pass
        except (OSError, EOFError, asyncio.CancelledError):
            # The client left in the middle of something, or the agent ends.
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer_next(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; tell whether the connection can take another one."""
        try:
            request = await read_request(reader, writer)
            if request is None:
                return False
            log.debug("%s %s", request.method, request.path)
            body = await self._answer(request)
            if body is None:
                return False
            writer.write(answer(200, body))
        except Refusal as refusal:
            # An upgrade that is refused leaves no connection to go on with.
            writer.write(answer(refusal.status, refusal.message, close=True))
            await writer.drain()
            return False
        await writer.drain()
        return True

    async def _answer(self, request: Request) -> Any:
        """Return the body of the answer, or None when the answer took the whole connection."""
        parts = request.path.strip("/").split("/")
        if parts[0] == "apis":
            _require(request, _FRONT_PROXY)
            return metrics.answer(request, self._node)
        _require(request, _API_SERVER)
        match parts:
            case ["healthz"]:
                return "ok"
            case ["pods"]:
                pods = [pod.object for pod in self._node.pods.all()]
                return {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": pods}
            case ["containerLogs", namespace, name, container]:
                pod = self._pod(namespace, name)
                await _until_gone(request, logs.serve(request, pod, _container(pod, container)))
            case ["exec", namespace, name, container] | ["exec", namespace, name, _, container]:
                pod = self._pod(namespace, name)
                await exec.serve(request, self._node, pod, _container(pod, container))
            case ["portForward", namespace, name] | ["portForward", namespace, name, _]:
                await portforward.serve(request, self._pod(namespace, name))
            case ["attach", *_]:
                raise Refusal(501, "this node can't attach to a running container; use kubectl exec or kubectl logs")
            case _:
                raise Refusal(404, f"404 page not found: {request.path}")
        return None

    def _pod(self, namespace: str, name: str) -> Pod:
        pod = self._node.pods.find(namespace, name)
        if pod is None:
            raise Refusal(404, f'pod "{name}" not found')
        return pod


async def serve(node: Node) -> Server:
    """Listen on the kubelet's port until the returned server is closed."""
    server = Server(node)
    await server.listen()
    return server


def _identity(place: Layout) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place.certificate("kubelet"), place.key("kubelet"))
    context.load_verify_locations(place.certificate("ca"))
    context.load_verify_locations(place.certificate("front-ca"))
    # Optional, so that a client without one is told so: 401 is clearer than a broken connection.
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _require(request: Request, who: tuple[str, str]) -> None:
    """Raise Refusal unless the client has shown this certificate."""
    certificate = request.writer.get_extra_info("peercert")
    if not certificate:
        raise Refusal(401, "Unauthorized")
    shown = _common_name(certificate["issuer"]), _common_name(certificate["subject"])
    if shown != who:
        raise Refusal(403, f"Forbidden: {shown[1]} may not ask for {request.path}")


def _common_name(name: tuple[tuple[tuple[str, str], ...], ...]) -> str:
    return next((value for part in name for key, value in part if key == "commonName"), "")


def _container(pod: Pod, name: str) -> Container:
    container = pod.containers.get(name)
    if container is None:
        raise Refusal(404, f'container not found ("{name}")')
    return container


async def _leave(request: Request) -> None:
    with contextlib.suppress(OSError):
        await request.reader.read(1)


async def _until_gone(request: Request, work: Coroutine[Any, Any, None]) -> None:
    """Do some work, but only as long as the client is there: it sends nothing more, so what comes next is its end."""
    working, leaving = asyncio.create_task(work), asyncio.create_task(_leave(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await tasks.end(working, leaving)
    if not working.cancelled():
        working.result()

"""The server as one ASGI callable: paths to answers, limits before work, and nothing between the socket and the model.

No framework: a request costs 50 microseconds here, of which a routing table and a dependency graph would be most.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import asdict
from time import perf_counter
from typing import Any
from urllib.parse import quote

import orjson
from prometheus_client import CollectorRegistry

from labsupport import __version__
from labsupport.serving import front, protocol
from labsupport.serving.batching import Busy
from labsupport.serving.metrics import ServerMetrics
from labsupport.serving.models import Model, Served
from labsupport.serving.online import FeatureServer, NoFeatures
from labsupport.serving.protocol import NoAnswer, ProtocolError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

log = logging.getLogger(__name__)

MOST_BYTES = 8 * 2**20
# A body that comes slower than this is given up: its client would hold a connection for ever.
BODY_TIMEOUT_S = 10.0
JSON: Header = (b"content-type", b"application/json")
TEXT: Header = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
BINARY: Header = (b"content-type", b"application/octet-stream")
RETRY: Header = (b"retry-after", b"1")
CLOSE: Header = (b"connection", b"close")
LENGTH = b"inference-header-content-length"
ACTIONS = {
    "/v2/health/live": "live", "/v2/health/ready": "ready", "/v2": "server", "/v2/": "server", "/metrics": "metrics",
    "/predict": "predict",
}  # fmt: skip
OUTCOMES = {
    400: "invalid",
    404: "invalid",
    408: "invalid",
    413: "too_large",
    415: "invalid",
    422: "invalid",
    429: "busy",
    500: "error",
    503: "no_features",
}


class Refused(Exception):
    """The request is answered by this status and sentence."""

    def __init__(self, status: int, text: str, *headers: Header) -> None:
        super().__init__(text)
        self.status, self.headers = status, headers


class App:
    """Serve one model. `draining`: set before the end: readiness says no, and connections are closed one by one.

    `reload_s`: how often the source is asked for another version, in seconds; `most_bytes`: of a request's body; `features`: where
    the values of entities are looked up, for a model that is asked by their names.
    """

    def __init__(
        self,
        model: Model,
        metrics: ServerMetrics,
        *,
        reload_s: float = 5.0,
        most_bytes: int = MOST_BYTES,
        features: FeatureServer | None = None,
    ) -> None:
        self.model = model
        self.draining = False
        self._metrics = metrics
        self._reload_s = reload_s
        self.most_bytes = most_bytes
        self._features = features
        # `path` is decoded by the server, so the names are compared as they are.
        self._infer = f"/v2/models/{model.name}/infer"

    @property
    def registry(self) -> CollectorRegistry:
        """Where the metrics of /metrics are kept, for those who stand in front of it."""
        return self._metrics.registry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the ASGI interface."""
        kind = scope["type"]
        if kind == "lifespan":
            await self._live(receive, send)
        elif kind == "websocket":
            await send({"type": "websocket.close"})
        elif scope["path"] == self._infer and scope["method"] == "POST":
            await self._timed(self._answer_infer, self.model.current, scope, receive, send)
        else:
            await self._route(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path, served = scope["method"], scope["path"], self.model.current
        try:
            action = self._action(path, served)
            if action in ("infer", "predict"):
                _require(method, "POST")
                answer = self._answer_infer if action == "infer" else self._answer_people
                await self._timed(answer, served, scope, receive, send)
            elif action == "metrics":
                _require(method, "GET", "HEAD")
                if self._features is not None:
                    await self._features.look()
                await self._send(send, 200, self._metrics.page(), (TEXT,))
            else:
                _require(method, "GET", "HEAD")
                status, said = self._state(action, served)
                await self._json(send, status, said)
        except Refused as refused:
            await self._refuse(send, refused)

    def _action(self, path: str, served: Served) -> str:
        """Return what is asked for; raises Refused for a path that means nothing here, another model or version."""
        if path in ACTIONS:
            return ACTIONS[path]
        match path.strip("/").split("/"):
            case ["v2", "models", name, *rest]:
                if name != self.model.name:
                    raise Refused(404, f"no model of that name is served here; this is {self.model.name!r}")
                match rest:
                    case ["versions", number, *rest]:
                        if number != served.version:
                            raise Refused(404, f"that version is not served now; it is {served.version!r}")
                match rest:
                    case []:
                        return "metadata"
                    case ["ready" | "infer" as action]:
                        return action
                raise Refused(404, "a model has metadata, /ready and /infer")
        model = quote(self.model.name)
        raise Refused(404, f"nothing is at this path; the model is at /v2/models/{model}, health at /v2/health/ready")

    def _state(self, action: str, served: Served) -> tuple[int, dict[str, Any]]:
        """Return status and JSON of what needs no computing."""
        if action == "live":
            return 200, {"live": True}
        if action == "ready":
            return (200 if self._ready else 503), {"name": self.model.name, "ready": self._ready}
        if action == "metadata":
            return 200, self._metadata(served)
        return 200, {
            "name": "labsupport.serving",
            "version": __version__,
            "extensions": ["binary_tensor_data"],
        }

    @property
    def _ready(self) -> bool:
        return not self.draining

    def _metadata(self, served: Served) -> dict[str, Any]:
        session = served.session
        parameters: dict[str, Any] = {"batches": session.batches}
        if session.card is not None:
            parameters["card"] = asdict(session.card)
        if self.model.problem is not None:
            parameters["problem"] = self.model.problem
        return {
            "name": self.model.name,
            "versions": [served.version],
            "platform": "onnxruntime_onnx",
            "inputs": [tensor.described() for tensor in session.inputs.values()],
            "outputs": [tensor.described() for tensor in session.outputs.values()],
            "parameters": parameters,
        }

    async def _timed(
        self,
        answer: Callable[[Served, Scope, Receive], Awaitable[tuple[bytes, tuple[Header, ...]]]],
        served: Served,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer a question to the model; whatever happens, there is an answer, and it is counted."""
        begin = perf_counter()
        status = 200
        try:
            body, headers = await answer(served, scope, receive)
            await self._send(send, 200, body, headers)
        except Refused as refused:
            status = refused.status
            await self._refuse(send, refused)
        except ProtocolError as error:
            status = error.status
            await self._json(send, status, {"error": str(error)})
        except Busy:
            status = 429
            await self._refuse(send, Refused(429, "too many requests wait already; come back in a second", RETRY))
        except NoAnswer as error:
            status = 500
            log.error("%s version %s: %s", self.model.name, served.version, error)
            await self._json(send, 500, {"error": str(error)})
        except Exception:
            status = 500
            log.exception("%s version %s failed on a request", self.model.name, served.version)
            await self._json(send, 500, {"error": "the model failed on this request; the server's log says why"})
        outcome = "ok" if status == 200 else OUTCOMES[status]
        self._metrics.predictions.record(self.model.name, served.version, outcome, perf_counter() - begin)

    async def _answer_infer(self, served: Served, scope: Scope, receive: Receive) -> tuple[bytes, tuple[Header, ...]]:
        body, header_length = await self._body(scope["headers"], receive)
        session = served.session
        request = protocol.decode(body, header_length, session.inputs, session.outputs)
        results = await served.batcher.submit(request.inputs, request.rows)
        protocol.require_finite(results)
        answer, length = protocol.encode(self.model.name, served.version, request, results, session.outputs)
        return answer, ((JSON,) if length is None else (BINARY, (LENGTH, b"%d" % length)))

    async def _answer_people(self, served: Served, scope: Scope, receive: Receive) -> tuple[bytes, tuple[Header, ...]]:
        card = served.session.card
        if served.front is None or card is None:
            raise Refused(404, "this model's columns have no names, so it is asked by /v2 only")
        body, _ = await self._body(scope["headers"], receive)
        asked = served.front.check(protocol.loads(body))
        said: dict[str, Any] = {}
        if served.front.looks_up:
            asked, age_s = await self._look_up(asked)
            said["features_age_s"] = round(age_s, 3)
        question = front.computed(served.front, card, asked)
        (name,) = served.session.inputs
        results = await served.batcher.submit({name: question.row}, 1)
        protocol.require_finite(results)
        answer = served.front.answer(card, results) | said
        answer |= {"doubts": question.doubts, "model": self.model.name, "version": served.version}
        return orjson.dumps(answer), (JSON,)

    async def _look_up(self, asked: dict[str, Any]) -> tuple[dict[str, Any], float]:
        """Return the values of the entity that a question names, and their age; raises ProtocolError without values to use."""
        if self._features is None:
            raise NoFeatures("this server knows no feature server: it is started with --features")
        found = await self._features.row(*asked.values())
        return dict(found.values), self._features.age_s(found)

    async def _body(self, headers: Iterable[Header], receive: Receive) -> tuple[bytes, int | None]:
        """Return a request's body and the bytes of JSON in it, as its header says; raises Refused for too large ones."""
        header_length = None
        for name, value in headers:
            if name == b"content-length" and int(value) > self.most_bytes:
                raise self._too_large()
            if name == LENGTH:
                if not value.isdigit() or len(value) > 12:
                    raise Refused(400, "Inference-Header-Content-Length is a number of bytes")
                header_length = int(value)
            elif name == b"content-encoding" and value != b"identity":
                raise Refused(415, "bodies are taken as they are, not compressed", CLOSE)
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                return await self._read(receive), header_length
        except TimeoutError:
            raise Refused(408, f"the body was not complete after {BODY_TIMEOUT_S:g} seconds", CLOSE) from None

    async def _read(self, receive: Receive) -> bytes:
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self.most_bytes:
                raise self._too_large()
            more = message.get("more_body", False)
        return b"".join(parts)

    def _too_large(self) -> Refused:
        return Refused(413, f"a body has at most {self.most_bytes} bytes: send fewer rows at once", CLOSE)

    async def _refuse(self, send: Send, refused: Refused) -> None:
        await self._json(send, refused.status, {"error": str(refused)}, *refused.headers)

    async def _json(self, send: Send, status: int, answer: dict[str, Any], *headers: Header) -> None:
        await self._send(send, status, orjson.dumps(answer), (JSON, *headers))

    async def _send(self, send: Send, status: int, body: bytes, headers: tuple[Header, ...]) -> None:
        said = [*headers, (b"content-length", b"%d" % len(body))]
        if self.draining:
            # Clients that keep their connection are told to find another pod, before this one is gone.
            said.append(CLOSE)
        await send({"type": "http.response.start", "status": status, "headers": said})
        await send({"type": "http.response.body", "body": body})

    async def _live(self, receive: Receive, send: Send) -> None:
        """Follow the model's source from the server's start to its end; the ASGI lifespan."""
        following = None
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                following = asyncio.create_task(self.model.follow(self._reload_s))
                await send({"type": "lifespan.startup.complete"})
            else:
                if following:
                    following.cancel()
                    # Not awaited itself: a cancellation of ours would be taken for its own.
                    await asyncio.wait({following})
                if self._features is not None:
                    await self._features.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _require(method: str, *allowed: str) -> None:
    if method not in allowed:
        raise Refused(405, f"this path takes {' and '.join(allowed)}", (b"allow", ", ".join(allowed).encode()))

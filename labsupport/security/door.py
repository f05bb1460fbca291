"""Who comes in, and how often: an ASGI callable in front of a server that asks for a token before anything is read.

The order is that of cost: a token is compared in microseconds, a body is parsed in milliseconds. So whoever may not ask
makes the server do next to nothing.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson
from prometheus_client import CollectorRegistry, Counter

from labsupport.security.limiter import Limiter, retry_after
from labsupport.security.tokens import Tokens, client_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Kubernetes' probes and Prometheus have no token; who may reach these paths at all is the network's matter.
OPEN = frozenset({"/v2/health/live", "/v2/health/ready", "/metrics"})
# All who come without a valid token share this bucket: guessing is slow, however many guess.
STRANGERS = "strangers"
SCHEME = b"bearer "
# So much of a body that is too large is read and forgotten, and so long.
DISCARDED_BYTES, DISCARDED_S = 4 * 2**20, 2.0


class Door:
    """Pass on to `app` what has a token and keeps to the limit. Counts, by the token's name, who came and who was refused."""

    def __init__(
        self, app: App, tokens: Tokens, limiter: Limiter | None, registry: CollectorRegistry, most_bytes: int
    ) -> None:
        """`most_bytes`: of a body whose length is said before it comes; the server behind sees to the others."""
        self._app, self._tokens, self._limiter, self._most_bytes = app, tokens, limiter, most_bytes
        self._asked = Counter(
            "door_requests", "Requests by the name of their token and what became of them.", ["token", "outcome"],
            registry=registry,
        )  # fmt: skip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or pass on one request; the ASGI interface."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Kubernetes' probes come each second, so that a change is seen also when nobody asks.
        self._tokens.refresh()
        if scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        name = self._tokens.name_of(_presented(scope))
        wait_s = self._limiter.wait_s(client_of(name) if name else STRANGERS) if self._limiter else 0.0
        if wait_s:
            self._asked.labels(name or STRANGERS, "limited").inc()
            seconds = retry_after(wait_s)
            said = f"that is more often than this server takes from one client; come back after {seconds} s"
            await _refuse(send, 429, said, (b"retry-after", seconds.encode()))
        elif name is None:
            self._asked.labels(STRANGERS, "refused").inc()
            said = "a token is needed: the header Authorization: Bearer TOKEN, with one that is valid now"
            await _refuse(send, 401, said, (b"www-authenticate", b"Bearer"))
        elif _length(scope) > self._most_bytes:
            self._asked.labels(name, "too large").inc()
            await _discard(receive)
            said = f"a body has at most {self._most_bytes} bytes: send fewer rows at once"
            await _refuse(send, 413, said, (b"connection", b"close"))
        else:
            self._asked.labels(name, "let in").inc()
            await self._app(scope, receive, send)


def _presented(scope: Scope) -> bytes:
    """Return the token of a request's one header Authorization; nothing for none, two, or another scheme."""
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(given) != 1 or given[0][: len(SCHEME)].lower() != SCHEME:
        return b""
    return bytes(given[0][len(SCHEME) :].strip())


def _length(scope: Scope) -> int:
    """Return how many bytes a body is said to have; 0 where nothing is said."""
    said = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(said) if said.isdigit() else 0


async def _discard(receive: Receive) -> None:
    """Let a body come, up to a limit, and forget it: who is cut off while sending may never see the answer."""
    left = DISCARDED_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARDED_S):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body"):
                    return


async def _refuse(send: Send, status: int, said: str, *headers: tuple[bytes, bytes]) -> None:
    body = orjson.dumps({"error": said})
    own = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body})

"""Talk to the API server: single requests, and watches that never end."""

import asyncio
import inspect
import json
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import aiohttp

from labsupport.cluster.pocket.layout import Layout

Json = dict[str, Any]
# Called with ("SYNC", the list of all objects) after each list, then with one change and its object at a time.
OnChange = Callable[[str, Any], Awaitable[None] | None]
PatchKind = Literal["merge-patch", "strategic-merge-patch"]

_TIME_LIMIT = 30.0
# The API server ends a watch after this many seconds; the next one goes on where it ended.
_WATCH_SECONDS = 300
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 2.0
log = logging.getLogger("api")


class ApiError(Exception):
    """The API server refused a request: its status code and its own sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Api:
    """A connection to the API server with the node's certificate."""

    def __init__(self, layout: Layout) -> None:
        context = ssl.create_default_context(cafile=str(layout.certificate("ca")))
        context.load_cert_chain(layout.certificate("node"), layout.key("node"))
        self._base = f"https://127.0.0.1:{layout.ports().apiserver}"
        # No limit: every watch keeps a connection of its own. trust_env stays off, so that no proxy comes between.
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        self._session = aiohttp.ClientSession(connector=connector, headers={"User-Agent": "labs-pocket-node"})

    async def close(self) -> None:
        await self._session.close()

    async def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        content_type: str = "application/json",
        accept_status: tuple[int, ...] = (),
    ) -> Json:
        """Send one request and return the answer's object.

        Raises ApiError for a status of 400 and above, unless it is in `accept_status` (the answer is then a Status).
        """
        data = None if body is None else json.dumps(body)
        limit = aiohttp.ClientTimeout(total=_TIME_LIMIT)
        headers = {"Content-Type": content_type}
        async with self._session.request(
            method, self._base + path, data=data, headers=headers, timeout=limit
        ) as response:
            text = await response.read()
            try:
                answer: Json = json.loads(text)
            except ValueError:
                answer = {"kind": "Status", "message": text.decode(errors="replace")[:500]}
            if response.status >= 400 and response.status not in accept_status:
                raise ApiError(response.status, answer.get("message") or f"{method} {path}: status {response.status}")
            return answer

    async def get(self, path: str) -> Json:
        return await self.request("GET", path)

    async def patch(self, path: str, body: Json, kind: PatchKind = "merge-patch") -> Json:
        return await self.request("PATCH", path, body, content_type=f"application/{kind}+json")

    async def watch(self, path: str, on_change: OnChange) -> None:
        """List, then watch, for ever; after an error it lists again, so a change may be told twice but never missed."""
        pause = _FIRST_PAUSE
        while True:
            try:
                listed = await self.get(path)
                await _tell(on_change, "SYNC", listed.get("items") or [])
                pause = _FIRST_PAUSE
                version = listed["metadata"]["resourceVersion"]
                while True:
                    version = await self._watch_once(path, version, on_change)
            except (ApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
                log.info("watch of %s: %r; listing again", path, error)
            except Exception:
                # Whoever follows something rests on it for ever, whatever the answer was.
                log.exception("watch of %s; listing again", path)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _watch_once(self, path: str, version: str, on_change: OnChange) -> str:
        """Follow changes after `version` until the server ends the watch; return the last version seen."""
        separator = "&" if "?" in path else "?"
        options = f"watch=1&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={_WATCH_SECONDS}"
        limit = aiohttp.ClientTimeout(total=None, sock_read=_WATCH_SECONDS + 30)
        async with self._session.get(f"{self._base}{path}{separator}{options}", timeout=limit) as response:
            if response.status != 200:
                raise ApiError(response.status, (await response.text())[:500])
            unfinished = b""
            async for chunk in response.content.iter_any():
                # Objects may be longer than a line that aiohttp would read.
                *lines, unfinished = (unfinished + chunk).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    changed = event["object"]
                    if event["type"] == "ERROR":
                        raise ApiError(changed.get("code", 410), changed.get("message", "the watch was ended"))
                    version = changed["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        await _tell(on_change, event["type"], changed)
        return version


async def _tell(on_change: OnChange, kind: str, changed: Any) -> None:
    """Hand a change on; an error of the one who is told must not end the watch."""
    try:
        result = on_change(kind, changed)
        if inspect.isawaitable(result):
            await result
    except Exception:
        log.exception("a change (%s) could not be handled", kind)

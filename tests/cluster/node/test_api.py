"""Requests raise the API server's own words; a watch tells each change and begins again after any error."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from labsupport.cluster.pocket import certificates
from labsupport.cluster.pocket.layout import Layout
from labsupport.cluster.pocket.node.api import Api, ApiError

Handler = Callable[[web.Request], Any]


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = Layout(tmp_path_factory.mktemp("api") / "pocket")
    layout.make()
    certificates.make(layout)
    return layout


@asynccontextmanager
async def api_server(layout: Layout, handler: Handler) -> AsyncIterator[Api]:
    """Serve with the API server's certificate at its port, to clients that have one of the same authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(layout.certificate("ca")))
    context.load_cert_chain(layout.certificate("apiserver"), layout.key("apiserver"))
    context.verify_mode = ssl.CERT_REQUIRED
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", layout.ports().apiserver, ssl_context=context).start()
    api = Api(layout)
    try:
        yield api
    finally:
        await api.close()
        await runner.cleanup()


def pod(name: str, version: int) -> dict:
    return {"metadata": {"name": name, "resourceVersion": str(version)}, "note": "x" * 200_000}


def event(kind: str, item: dict) -> bytes:
    return json.dumps({"type": kind, "object": item}).encode() + b"\n"


class Pods:
    """An API server that lists one pod and then plays the given watches, one a request."""

    def __init__(self, *watches: list[bytes]) -> None:
        self.watches = list(watches)
        self.lists = 0
        self.versions: list[str] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            self.lists += 1
            return web.json_response({"items": [pod("a", 1)], "metadata": {"resourceVersion": str(10 * self.lists)}})
        self.versions.append(request.query["resourceVersion"])
        response = web.StreamResponse()
        await response.prepare(request)
        for data in self.watches.pop(0) if self.watches else []:
            await response.write(data)
        if not self.watches:
            await asyncio.sleep(60)
        return response


def watched(layout: Layout, server: Pods, until: int) -> list[tuple[str, Any]]:
    """Return the first changes that a watch tells."""
    told: list[tuple[str, Any]] = []
    enough = asyncio.Event()

    def on_change(kind: str, changed: Any) -> None:
        told.append((kind, [one["metadata"]["name"] for one in (changed if kind == "SYNC" else [changed])]))
        if len(told) >= until:
            enough.set()

    async def scenario() -> None:
        async with api_server(layout, server) as api:
            watching = asyncio.create_task(api.watch("/api/v1/pods?fieldSelector=x", on_change))
            async with asyncio.timeout(20):
                await enough.wait()
            watching.cancel()

    asyncio.run(scenario())
    return told


def test_answer_of_the_server_is_the_error(layout: Layout) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"kind": "Status", "message": 'pods "x" not found'}, status=404)

    async def scenario() -> None:
        async with api_server(layout, refuse) as api:
            with pytest.raises(ApiError, match='pods "x" not found') as refused:
                await api.get("/api/v1/namespaces/default/pods/x")
            assert refused.value.status == 404
            answer = await api.request("DELETE", "/api/v1/namespaces/default/pods/x", accept_status=(404,))
            assert answer["kind"] == "Status"

    asyncio.run(scenario())


def test_patch_says_its_kind(layout: Layout) -> None:
    async def mirror(request: web.Request) -> web.Response:
        return web.json_response({"type": request.content_type, "body": await request.json()})

    async def scenario() -> None:
        async with api_server(layout, mirror) as api:
            answer = await api.patch("/x", {"a": None}, "strategic-merge-patch")
            assert answer == {"type": "application/strategic-merge-patch+json", "body": {"a": None}}

    asyncio.run(scenario())


def test_changes_are_told_in_whatever_pieces_they_come(layout: Layout) -> None:
    stream = event("ADDED", pod("b", 11)) + event("BOOKMARK", pod("", 12)) + event("DELETED", pod("b", 13))
    pieces = [stream[start : start + 70_001] for start in range(0, len(stream), 70_001)]
    assert watched(layout, Pods(pieces), 3) == [("SYNC", ["a"]), ("ADDED", ["b"]), ("DELETED", ["b"])]


def test_watch_that_ends_goes_on_where_it_was(layout: Layout) -> None:
    server = Pods([event("ADDED", pod("b", 11)), event("BOOKMARK", pod("", 15))], [event("MODIFIED", pod("b", 16))])
    assert [kind for kind, _ in watched(layout, server, 3)] == ["SYNC", "ADDED", "MODIFIED"]
    assert server.lists == 1 and server.versions == ["10", "15"]


def test_watch_that_is_too_old_begins_with_a_list(layout: Layout) -> None:
    gone = {"code": 410, "message": "too old resource version", "metadata": {}}
    server = Pods([event("ERROR", gone)], [event("ADDED", pod("b", 21))])
    assert [kind for kind, _ in watched(layout, server, 3)] == ["SYNC", "SYNC", "ADDED"]
    assert server.versions == ["10", "20"]


def test_error_of_the_one_who_is_told_does_not_end_the_watch(layout: Layout) -> None:
    seen: list[str] = []

    async def scenario() -> None:
        enough = asyncio.Event()

        def fail(kind: str, changed: Any) -> None:
            seen.append(kind)
            if len(seen) == 2:
                enough.set()
            raise RuntimeError("no")

        async with api_server(layout, Pods([event("ADDED", pod("b", 11))])) as api:
            watching = asyncio.create_task(api.watch("/api/v1/pods", fail))
            async with asyncio.timeout(20):
                await enough.wait()
            watching.cancel()

    asyncio.run(scenario())
    assert seen == ["SYNC", "ADDED"]


def test_without_a_certificate_of_the_cluster_nobody_answers(layout: Layout, tmp_path: Path) -> None:
    stranger = Layout(tmp_path / "other")
    stranger.make()
    certificates.make(stranger)
    (stranger.folder / "ports.json").write_text((layout.folder / "ports.json").read_text())

    async def scenario() -> None:
        async with api_server(layout, Pods()):
            api = Api(stranger)
            with pytest.raises(OSError, match="certificate"):
                await api.get("/api/v1/pods")
            await api.close()

    layout.ports()
    asyncio.run(scenario())

"""Run what a container's manifest asks for at the edges of its life (postStart, preStop), and in its probes."""

import asyncio
import os
from functools import partial

import aiohttp

from labsupport.cluster.pocket.node import launch, output, rewriting, tasks
from labsupport.cluster.pocket.node.api import Json
from labsupport.cluster.pocket.node.pod import Container, Pod

# What is kept of a program's output or a page, as by the kubelet.
_LONGEST_OUTPUT = 10 * 1024
_EXEC_LIMIT = 600.0
# How many seconds a program's words may take to come when it has ended: who it started may hold its streams open.
_LAST_WORDS = 1.0


class HookFailed(Exception):
    """A hook did not do what it should; the text says what it said."""


async def run(pod: Pod, container: Container, hook: Json) -> None:
    """Run a lifecycle handler (exec, httpGet, sleep) to its end. Raises HookFailed."""
    if "sleep" in hook:
        await asyncio.sleep(hook["sleep"]["seconds"])
    elif "exec" in hook:
        words = hook["exec"].get("command") or []
        try:
            code, said = await run_inside(pod, container, words, _EXEC_LIMIT)
        except OSError as error:
            raise HookFailed(f"command '{' '.join(words)}' can't be run: {error.strerror}") from error
        if code:
            raise HookFailed(f"command '{' '.join(words)}' exited with {code}: {said}")
    elif "httpGet" in hook:
        try:
            await fetch(pod, container, hook["httpGet"], _EXEC_LIMIT)
        except (OSError, TimeoutError, ValueError, aiohttp.ClientError) as error:
            raise HookFailed(str(error)) from error


async def run_inside(pod: Pod, container: Container, words: list[str], limit: float) -> tuple[int, str]:
    """Run a program as in the container; return its exit code and output. Raises OSError and TimeoutError."""
    argv = [rewriting.rewrite(word, container.mounts, pod.loopback) for word in words]
    # A pipe and no file: a full disk is no fault of the program that is asked.
    inner, outer = os.pipe()
    try:
        process = await launch.launch(argv, container.environment, container.working_folder, stdout=outer, stderr=outer)
    except BaseException:
        os.close(inner)
        raise
    finally:
        os.close(outer)
    said = bytearray()
    reading = tasks.start(output.drain(inner, partial(_keep_beginning, said)), f"what {argv[0]} says")
    try:
        try:
            async with asyncio.timeout(limit):
                code = await process.wait()
        finally:
            launch.terminate_session(process.pid)
        await asyncio.wait([reading], timeout=_LAST_WORDS)
    finally:
        await tasks.end(reading)
    return code if code >= 0 else 128 - code, said.decode(errors="replace")


def _keep_beginning(kept: bytearray, data: bytes) -> None:
    kept += data[: _LONGEST_OUTPUT - len(kept)]


async def fetch(pod: Pod, container: Container, get: Json, limit: float) -> tuple[int, str]:
    """Return the status and the beginning of the page that an httpGet names. Raises OSError, TimeoutError, ValueError."""
    address, port = get.get("host") or pod.loopback, port_of(container, get["port"])
    scheme, path = get.get("scheme", "HTTP").lower(), get.get("path") or "/"
    headers = {"User-Agent": "kube-probe/1.36", "Accept": "*/*", "Host": f"{get.get('host') or pod.address}:{port}"}
    headers |= {header["name"]: header["value"] for header in get.get("httpHeaders") or []}
    # The kubelet doesn't verify the pod's certificate either: it asks whether the pod answers, not who it is.
    connector = aiohttp.TCPConnector(ssl=False, force_close=True)
    timeout = aiohttp.ClientTimeout(total=limit)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        url = f"{scheme}://{address}:{port}/{path.removeprefix('/')}"
        async with session.get(url, headers=headers, allow_redirects=False) as response:
            text = await response.content.read(_LONGEST_OUTPUT)
            return response.status, text.decode(errors="replace")


def port_of(container: Container, port: int | str) -> int:
    """Return a port by its number or its name in the container's ports. Raises ValueError."""
    if isinstance(port, int) or port.isdigit():
        return int(port)
    for candidate in container.spec.get("ports") or []:
        if candidate.get("name") == port:
            return int(candidate["containerPort"])
    raise ValueError(f"couldn't find port: {port} in container {container.name}")

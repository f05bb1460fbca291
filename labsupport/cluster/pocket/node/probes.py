"""Probe containers: startup, readiness and liveness, by exec, httpGet or tcpSocket."""

import asyncio

import aiohttp

from labsupport.cluster.pocket.node import containers, hooks, tasks
from labsupport.cluster.pocket.node.api import Json
from labsupport.cluster.pocket.node.node import Node
from labsupport.cluster.pocket.node.pod import Container, Pod
from labsupport.cluster.pocket.node.restarts import policy_of

STARTUP, READINESS, LIVENESS = "startup", "readiness", "liveness"
# A container that was never ready is asked this often in its first minute, so that a rollout takes no longer than its
# programs need; what fails is counted only once in a period.
_EAGER, _EAGER_SECONDS = 0.15, 60.0


class Unhealthy(Exception):
    """A probe failed; the text is what the kubelet would say."""


async def watch(pod: Pod, container: Container, node: Node) -> None:
    """Probe a container until it is killed or this task is cancelled."""
    spec = container.spec
    if (probe := spec.get("startupProbe")) and not await _until_started(pod, container, probe, node):
        return
    container.started = True
    container.ready = "readinessProbe" not in spec
    pod.changed.set()
    kinds = [(kind, spec[f"{kind}Probe"]) for kind in (READINESS, LIVENESS) if f"{kind}Probe" in spec]
    await tasks.together(*(_repeat(pod, container, kind, probe, node) for kind, probe in kinds))


async def _until_started(pod: Pod, container: Container, probe: Json, node: Node) -> bool:
    await asyncio.sleep(probe.get("initialDelaySeconds", 0))
    failures, due = 0, _now()
    period, eager_until = probe.get("periodSeconds", 10), due + _EAGER_SECONDS
    while True:
        problem = await _ask(pod, container, probe)
        if problem is None:
            return True
        if _now() >= due:
            failures, due = failures + 1, due + period
            node.events.of_container(pod, container, "Warning", "Unhealthy", f"Startup probe failed: {problem}")
            if failures >= probe.get("failureThreshold", 3):
                await _end(pod, container, STARTUP, probe, node)
                return False
        await asyncio.sleep(min(_EAGER, period) if _now() < eager_until else period)


async def _repeat(pod: Pod, container: Container, kind: str, probe: Json, node: Node) -> None:
    """Ask every period for ever, and act when the threshold of failures or successes is reached."""
    period = probe.get("periodSeconds", 10)
    await asyncio.sleep(probe.get("initialDelaySeconds", 0))
    failures = successes = 0
    due = _now()
    eager_until = due + _EAGER_SECONDS if kind == READINESS else due
    # A container that is being ended is no longer asked whether it lives.
    while kind == READINESS or not container.stopping.is_set():
        problem = await _ask(pod, container, probe)
        successes = successes + 1 if problem is None else 0
        if problem is None:
            failures = 0
            if kind == READINESS and not container.ready and successes >= probe.get("successThreshold", 1):
                container.ready, eager_until = True, due
                pod.changed.set()
        elif _now() >= min(due, eager_until):
            failures += 1
            due = _now() + period
            message = f"{kind.capitalize()} probe failed: {problem}"
            node.events.of_container(pod, container, "Warning", "Unhealthy", message)
            if failures >= probe.get("failureThreshold", 3):
                if kind == LIVENESS:
                    return await _end(pod, container, kind, probe, node)
                if container.ready:
                    container.ready = False
                    pod.changed.set()
        await asyncio.sleep(min(_EAGER, period) if _now() < eager_until else period)


def _now() -> float:
    # The clock that also wakes us.
    return asyncio.get_running_loop().time()


async def _end(pod: Pod, container: Container, kind: str, probe: Json, node: Node) -> None:
    grace = probe.get("terminationGracePeriodSeconds", pod.grace_period)
    back = policy_of(pod, container) != "Never"
    why = f"Container {container.name} failed {kind} probe{', will be restarted' if back else ''}"
    await containers.stop(pod, container, grace, node, why, restart=back)


async def _ask(pod: Pod, container: Container, probe: Json) -> str | None:
    """Return None for a healthy container, else what is wrong."""
    limit = probe.get("timeoutSeconds", 1)
    try:
        if "exec" in probe:
            await _by_exec(pod, container, probe["exec"].get("command") or [], limit)
        elif "httpGet" in probe:
            await _by_http(pod, container, probe["httpGet"], limit)
        else:
            # grpc, too: that something listens is all that this node can see of it.
            await _by_connection(pod, container, probe.get("tcpSocket") or probe["grpc"], limit)
    except (Unhealthy, ValueError) as error:
        return str(error)
    return None


async def _by_exec(pod: Pod, container: Container, words: list[str], limit: float) -> None:
    try:
        code, said = await hooks.run_inside(pod, container, words, limit)
    except TimeoutError as error:
        raise Unhealthy(f'command timed out: "{" ".join(words)}" timed out after {limit}s') from error
    except OSError as error:
        raise Unhealthy(f'exec: "{words[0]}": {(error.strerror or str(error)).lower()}') from error
    if code:
        raise Unhealthy(said)


async def _by_http(pod: Pod, container: Container, get: Json, limit: float) -> None:
    port, host = hooks.port_of(container, get["port"]), get.get("host") or pod.address
    url = f"{get.get('scheme', 'HTTP').lower()}://{host}:{port}/{(get.get('path') or '/').removeprefix('/')}"
    try:
        status, _ = await hooks.fetch(pod, container, get, limit)
    except TimeoutError as error:
        said = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        raise Unhealthy(f'Get "{url}": {said}') from error
    except OSError as error:
        raise Unhealthy(f'Get "{url}": {_dial(host, port, error)}') from error
    except aiohttp.ClientError as error:
        raise Unhealthy(f'Get "{url}": {error or "EOF"}') from error
    if not 200 <= status < 400:
        raise Unhealthy(f"HTTP probe failed with statuscode: {status}")


async def _by_connection(pod: Pod, container: Container, target: Json, limit: float) -> None:
    port, host = hooks.port_of(container, target["port"]), target.get("host")
    try:
        async with asyncio.timeout(limit):
            _, writer = await asyncio.open_connection(host or pod.loopback, port)
        writer.close()
    except TimeoutError as error:
        raise Unhealthy(f"dial tcp {host or pod.address}:{port}: i/o timeout") from error
    except OSError as error:
        raise Unhealthy(_dial(host or pod.address, port, error)) from error


def _dial(host: str, port: int, error: OSError) -> str:
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    reason = (
        "connection refused" if isinstance(cause, ConnectionRefusedError) else (cause.strerror or str(cause)).lower()
    )
    return f"dial tcp {host}:{port}: connect: {reason}"

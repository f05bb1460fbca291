"""The life of one pod: volumes, init containers in order, the main containers, and the end of the sidecars."""

import asyncio
import contextlib
import logging
import time

import aiohttp

from labsupport.cluster.pocket.node import clock, containers, hooks, images, limits, probes, status, tasks, volumes
from labsupport.cluster.pocket.node.api import ApiError
from labsupport.cluster.pocket.node.containers import CannotStart
from labsupport.cluster.pocket.node.images import Image, ImageError
from labsupport.cluster.pocket.node.node import Node
from labsupport.cluster.pocket.node.pod import INIT, MAIN, SIDECAR, Container, Pod
from labsupport.cluster.pocket.node.restarts import BackOff, is_due, policy_of

# Between two looks for a volume, an image or a variable that is missing.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
log = logging.getLogger("life")


async def live(pod: Pod, node: Node) -> None:
    """Run a pod until its containers have ended for good, and say so; `stop` ends it earlier."""
    pod.changed.set()
    beside: list[asyncio.Task[None]] = []
    try:
        limits.tell(pod, node)
        beside.append(tasks.start(_end_at_deadline(pod, node), f"the deadline of {pod.namespace}/{pod.name}"))
        if mounted := await _mount(pod, node):
            beside.append(tasks.start(volumes.follow(pod, node), f"the volumes of {pod.namespace}/{pod.name}"))
        if mounted and await _initialize(pod, node):
            await tasks.together(*(_keep(pod, container, node) for container in pod.of_kind(MAIN)))
        await _stop_sidecars(pod, node, pod.grace_period)
        if not pod.terminating:
            pod.ended = "Failed" if pod.reason else status.final_phase(pod)
            pod.changed.set()
    except Exception as error:
        await _fail(pod, node, error)
    finally:
        await tasks.end(*beside)


async def _fail(pod: Pod, node: Node, error: Exception) -> None:
    """Give a pod up with which the agent can't cope; nothing of it runs on unattended."""
    log.error("%s/%s failed", pod.namespace, pod.name, exc_info=error)
    pod.reason, pod.message = "NodeAgentFailed", f"the node agent failed: {error!r}"
    node.events.of_pod(pod, "Warning", "FailedSync", pod.message)
    pod.stopping.set()
    await tasks.end(*(task for container in pod.of_kind(SIDECAR) if (task := container.life)))
    for container in pod.containers.values():
        if container.process is not None:
            containers.kill(container)
            await containers.wait(pod, container)
    pod.ended = "Failed"
    pod.changed.set()


async def stop(pod: Pod, node: Node, grace: float) -> None:
    """End a pod's containers within `grace` seconds: the main ones, then the sidecars in reverse order."""
    pod.stopping.set()
    begun = time.monotonic()
    ends = [_stop(pod, container, node, grace) for container in pod.of_kind(MAIN, INIT)]
    # Each is ended, whatever becomes of the others.
    for failed in await asyncio.gather(*ends, return_exceptions=True):
        if isinstance(failed, Exception):
            log.error("%s/%s: a container could not be stopped", pod.namespace, pod.name, exc_info=failed)
    await _stop_sidecars(pod, node, max(0.0, grace - (time.monotonic() - begun)))


async def _stop(pod: Pod, container: Container, node: Node, grace: float) -> None:
    container.stopping.set()
    await containers.stop(pod, container, grace, node)


async def _stop_sidecars(pod: Pod, node: Node, grace: float) -> None:
    begun = time.monotonic()
    for container in reversed(pod.of_kind(SIDECAR)):
        container.stopping.set()
        await containers.stop(pod, container, max(0.0, grace - (time.monotonic() - begun)), node)
    if lives := [task for container in pod.of_kind(SIDECAR) if (task := container.life)]:
        await asyncio.wait(lives)


async def _mount(pod: Pod, node: Node) -> bool:
    """Make the pod's volumes, again and again until nothing is missing. Returns False when the pod ends before."""
    pause = _FIRST_PAUSE
    while not pod.stopping.is_set():
        try:
            await volumes.set_up(pod, node)
            pod.volumes_ready = True
            pod.changed.set()
            return True
        except (volumes.MountFailed, aiohttp.ClientError, TimeoutError) as error:
            if isinstance(error, volumes.MountFailed):
                node.events.of_pod(pod, "Warning", "FailedMount", str(error))
        await _rest(pod.stopping, pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return False


async def _initialize(pod: Pod, node: Node) -> bool:
    """Run the init containers one after another. Returns False when one failed for good or the pod ends."""
    for container in pod.of_kind(INIT, SIDECAR):
        if pod.stopping.is_set():
            return False
        if container.kind == SIDECAR:
            container.life = tasks.start(_keep(pod, container, node), f"sidecar {pod.name}/{container.name}")
            while not container.started and not pod.stopping.is_set():
                if container.life.done():
                    # Only an error ends it before it is told to end.
                    await container.life
                await _rest(pod.stopping, 0.05)
        else:
            await _keep(pod, container, node)
            if container.exit_code != 0:
                return False
    if pod.stopping.is_set():
        return False
    pod.initialized = True
    pod.changed.set()
    return True


async def _keep(pod: Pod, container: Container, node: Node) -> None:
    """Start a container, and again whenever it ended and its restart policy wants it back."""
    policy, back_off = policy_of(pod, container), BackOff()
    # What succeeded before the agent was restarted is not done twice.
    if container.exit_code is not None and not is_due(policy, container.exit_code):
        return
    while not container.stopping.is_set():
        begun = time.monotonic()
        code = await _run(pod, container, node)
        pod.changed.set()
        back, container.comes_back = container.comes_back, False
        if code is None or container.stopping.is_set() or not (back or is_due(policy, code)):
            return
        pause = back_off.after(time.monotonic() - begun)
        if pause:
            name = f"container={container.name} pod={pod.name}_{pod.namespace}({pod.uid})"
            container.wait_for("CrashLoopBackOff", f"back-off {pause:.0f}s restarting failed {name}")
            pod.changed.set()
            words = (
                f"Back-off restarting failed container {container.name} in pod {pod.name}_{pod.namespace}({pod.uid})"
            )
            node.events.of_container(pod, container, "Warning", "BackOff", words)
            await _rest(container.stopping, pause)
            if container.stopping.is_set():
                return
        if "terminated" in container.state:
            container.last_state = container.state
        container.restart_count += 1


async def _run(pod: Pod, container: Container, node: Node) -> int | None:
    """Run a container once. Returns its exit code, or None when it is stopped before it could start."""
    pause = _FIRST_PAUSE
    while not container.stopping.is_set():
        try:
            # Each time: the manifest may name another image by now.
            image = await _pull(pod, container, node)
            if image is None:
                return None
            await containers.start(pod, container, image, node)
            if container.stopping.is_set():
                # It was told to end while it was being prepared.
                containers.kill(container)
            return await _attend(pod, container, node)
        except CannotStart as error:
            node.events.of_container(pod, container, "Warning", "Failed", f"Error: {error.message}")
            container.wait_for(error.reason, error.message)
            if error.reason == "RunContainerError":
                # It was made, but its program could not be started; nothing will change that but a new manifest.
                ended = containers.terminated(container, 128, "StartError", error.message)
                pod.changed.set()
                await _rest(container.stopping, 0.3)
                container.state = {"terminated": ended}
                return 128
        except (ApiError, aiohttp.ClientError, TimeoutError) as error:
            log.info("%s/%s: %r; trying again", pod.namespace, pod.name, error)
        pod.changed.set()
        await _rest(container.stopping, pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return None


async def _attend(pod: Pod, container: Container, node: Node) -> int:
    """Be there while a container runs: its postStart hook and its probes."""
    pod.changed.set()
    attention = tasks.start(_watch(pod, container, node), f"the watch of {pod.name}/{container.name}")
    try:
        return await containers.wait(pod, container)
    finally:
        await tasks.end(attention)


async def _watch(pod: Pod, container: Container, node: Node) -> None:
    try:
        if hook := container.spec.get("lifecycle", {}).get("postStart"):
            await hooks.run(pod, container, hook)
        await probes.watch(pod, container, node)
    except (hooks.HookFailed, TimeoutError) as error:
        node.events.of_container(pod, container, "Warning", "FailedPostStartHook", f"PostStartHook failed: {error}")
        await containers.stop(pod, container, pod.grace_period, node, "FailedPostStartHook")


async def _pull(pod: Pod, container: Container, node: Node) -> Image | None:
    """Find the container's image, with the kubelet's words for each try. Returns None when the pod ends before."""
    pause = 4 * _FIRST_PAUSE
    while not container.stopping.is_set():
        name, policy = container.spec["image"], container.spec.get("imagePullPolicy", "IfNotPresent")
        try:
            image = images.find(name, policy)
            words = f'Container image "{name}" already present on machine and can be accessed by the pod'
            node.events.of_container(pod, container, "Normal", "Pulled", words)
            return image
        except ImageError as error:
            message = error.message
            if error.reason == "ErrImagePull":
                node.events.of_container(pod, container, "Normal", "Pulling", f'Pulling image "{name}"')
                message = f'Failed to pull image "{name}": {error.message}'
            reason = "InspectFailed" if error.reason == "InvalidImageName" else "Failed"
            node.events.of_container(pod, container, "Warning", reason, message)
            node.events.of_container(pod, container, "Warning", "Failed", f"Error: {error.reason}")
            container.wait_for(error.reason, error.message)
            pod.changed.set()
            await _rest_while_it_names(name, container, pause)
            if container.spec["image"] != name:
                continue
            if error.reason == "ErrImagePull" and not container.stopping.is_set():
                words = f'Back-off pulling image "{name}"'
                node.events.of_container(pod, container, "Normal", "BackOff", words)
                node.events.of_container(pod, container, "Warning", "Failed", "Error: ImagePullBackOff")
                container.wait_for("ImagePullBackOff", f"{words}: ErrImagePull: {error.message}")
                pod.changed.set()
                await _rest_while_it_names(name, container, 2 * pause)
            pause = min(2 * pause, 6 * _LONGEST_PAUSE)
    return None


async def _end_at_deadline(pod: Pod, node: Node) -> None:
    limit = pod.spec.get("activeDeadlineSeconds")
    if limit is None:
        return
    await asyncio.sleep(max(0.0, limit - (time.time() - clock.seconds(pod.start_time))))
    words = "Pod was active on the node longer than the specified deadline"
    pod.reason, pod.message = "DeadlineExceeded", words
    node.events.of_pod(pod, "Normal", "DeadlineExceeded", words)
    await stop(pod, node, pod.grace_period)


async def _rest_while_it_names(image: str, container: Container, seconds: float) -> None:
    """Wait, but not longer than until the container is told to end, or its manifest names another image."""
    until = time.monotonic() + seconds
    while (
        container.spec["image"] == image and not container.stopping.is_set() and (left := until - time.monotonic()) > 0
    ):
        await _rest(container.stopping, min(left, _FIRST_PAUSE))


async def _rest(stopping: asyncio.Event, seconds: float) -> None:
    """Wait, but not longer than until the event is set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()

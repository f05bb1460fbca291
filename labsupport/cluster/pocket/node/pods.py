"""All pods of this node: follow the API server's list of them, give each an address and a life, and take it away."""

import asyncio
import ipaddress
import logging
import random
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp

from labsupport.cluster.pocket import layout as places
from labsupport.cluster.pocket.layout import APISERVER_ADDRESS, NODE_NAME
from labsupport.cluster.pocket.node import containers, life, recovery, status, tasks, volumes
from labsupport.cluster.pocket.node.api import ApiError, Json
from labsupport.cluster.pocket.node.node import Node
from labsupport.cluster.pocket.node.pod import INIT, Pod
from labsupport.files import remove_folder

PATH = f"/api/v1/pods?fieldSelector=spec.nodeName%3D{NODE_NAME}"
# A pod that was deleted by force still gets a moment to end.
_FORCED_GRACE = 1.0
_PAUSE = 0.5
# After an error of the disk.
_SOON = 5.0
log = logging.getLogger("pods")


class Pods:
    """Gives each pod of the API server's list a life and takes it away; the node's registry has those that there are.

    `on_ending` is called when a pod begins to end: from then on it shall get no new connections.
    """

    def __init__(self, node: Node, on_ending: Callable[[], None]) -> None:
        self._node, self._on_ending = node, on_ending
        self._tasks: set[asyncio.Task[None]] = set()
        # What the disk did not let the agent do, by the pods' uids: the newest that the API server said of each.
        self._again: dict[str, Json] = {}
        # Far from other clusters' pods, and not soon again: a late client must not meet a stranger.
        self._last_address = random.randrange(1, 60_000)

    async def follow(self) -> None:
        """Follow the API server's list of this node's pods for ever."""
        await self._node.api.watch(PATH, self._on_change)

    async def end_all(self, grace: float) -> None:
        """End all containers because the agent ends; the API server keeps the pods."""
        # Silently: what a container says when it is interrupted is not how its work ended.
        for task in self._tasks:
            task.cancel()
        pods = self._node.pods.all()
        for pod in pods:
            for container in pod.containers.values():
                containers.kill_if_deaf(container)
        await asyncio.gather(*(life.stop(pod, self._node, grace) for pod in pods), return_exceptions=True)

    async def _on_change(self, kind: str, changed: Any) -> None:
        registry = self._node.pods
        if kind == "SYNC":
            listed = {item["metadata"]["uid"]: item for item in changed}
            for uid in self._again.keys() - listed.keys():
                del self._again[uid]
            for pod in registry.all():
                if pod.uid not in listed:
                    self._end(pod, _FORCED_GRACE)
            for item in listed.values():
                self._look_at(item)
            if not registry.recovered.is_set():
                recovery.remove_other_folders(self._node.layout.pods, set(listed))
                # Before the node says Ready, nobody may read from old words that a pod is.
                sent = (status.send(pod, self._node.api) for pod in registry.all() if not pod.ended)
                await asyncio.gather(*sent, return_exceptions=True)
                registry.recovered.set()
        elif kind == "DELETED":
            self._again.pop(changed["metadata"]["uid"], None)
            if found := registry.get(changed["metadata"]["uid"]):
                self._end(found, _FORCED_GRACE)
        else:
            self._look_at(changed)

    def _look_at(self, item: Json) -> None:
        """Compare what the API server says of a pod with what is known of it, and take the next step.

        A pod with which the agent can't cope must not keep the others from theirs.
        """
        uid = item["metadata"]["uid"]
        self._again.pop(uid, None)
        try:
            self._take_step(item)
        except Exception as error:
            if isinstance(error, OSError):
                # A full disk, say: it will have room again.
                self._again[uid] = item
                self._start_task(self._look_again(uid, item), f"another look at {item['metadata']['name']}")
            log.exception("pod %s can't be dealt with", item["metadata"]["name"])
            words = f"the node agent failed: {error!r}"
            self._node.events.of_object({**item, "apiVersion": "v1", "kind": "Pod"}, "Warning", "FailedSync", words)

    async def _look_again(self, uid: str, item: Json) -> None:
        await asyncio.sleep(_SOON)
        if self._again.get(uid) is item:
            self._look_at(item)

    def _take_step(self, item: Json) -> None:
        metadata = item["metadata"]
        pod = self._node.pods.get(metadata["uid"])
        deleted = metadata.get("deletionTimestamp") is not None
        if pod is None:
            pod = self._new(item)
            self._start_task(self._report(pod), f"the reports of {pod.namespace}/{pod.name}")
            if not deleted and not pod.ended:
                pod.life = self._start_task(life.live(pod, self._node), f"the life of {pod.namespace}/{pod.name}")
        else:
            before, pod.object = pod.object, item
            _note_changes(pod, before, self._node, self._start_task)
        if deleted:
            self._end(pod, float(metadata.get("deletionGracePeriodSeconds") or _FORCED_GRACE))

    def _new(self, item: Json) -> Pod:
        folder = self._node.layout.pods / item["metadata"]["uid"]
        folder.mkdir(parents=True, exist_ok=True)
        reservation, address = self._reserve_address()
        pod = Pod(item, folder, address, reservation=reservation)
        self._node.pods.add(pod)
        recovery.restore(pod)
        return pod

    def _reserve_address(self) -> tuple[socket.socket, str]:
        """Take the next address that no pod of any pocket cluster on this machine has.

        An abstract Unix socket of that name is the reservation: the kernel gives it back even when the agent is killed.
        """
        network = ipaddress.ip_network(places.POD_RANGE)
        while True:
            self._last_address = self._last_address % (network.num_addresses - 2) + 1
            address = str(network[self._last_address])
            if address == APISERVER_ADDRESS:
                continue
            reservation = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                reservation.bind(f"\0labs-pocket/{address}")
                return reservation, address
            except OSError:
                reservation.close()

    def _end(self, pod: Pod, grace: float) -> None:
        """Begin to end a pod, or shorten the time that an ending one has left."""
        name = f"{pod.namespace}/{pod.name}"
        if pod.terminating:
            if grace < pod.grace:
                pod.grace = grace
                self._start_task(_hurry(pod, grace), f"the hurry of {name}")
            return
        pod.terminating, pod.grace = True, grace
        self._on_ending()
        self._start_task(self._finish(pod), f"the end of {name}")

    async def _finish(self, pod: Pod) -> None:
        try:
            await life.stop(pod, self._node, pod.grace)
            if pod.life is not None:
                await asyncio.wait([pod.life])
            pod.ended = pod.ended or status.final_phase(pod)
        except Exception:
            log.exception("%s/%s could not be ended as it should; it is killed", pod.namespace, pod.name)
            for container in pod.containers.values():
                containers.kill(container)
        # Not when the agent ends, which cancels this: the API server then keeps the pod.
        await self._delete(pod)
        self._node.pods.remove(pod)
        pod.gone.set()
        pod.changed.set()
        if pod.reservation is not None:
            pod.reservation.close()
        await asyncio.to_thread(remove_folder, pod.folder)

    async def _delete(self, pod: Pod) -> None:
        """Tell the API server how the pod ended, then that nothing of it is left, so that it may forget it."""
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod.uid}}
        while True:
            try:
                await self._send(pod)
                await self._node.api.request("DELETE", pod.path, body, accept_status=(404, 409))
                return
            except (ApiError, aiohttp.ClientError, TimeoutError) as error:
                log.info("deletion of %s/%s: %r; trying again", pod.namespace, pod.name, error)
                await asyncio.sleep(_PAUSE)

    async def _report(self, pod: Pod) -> None:
        """Tell the API server of each change of a pod until it is gone."""
        while True:
            await pod.changed.wait()
            pod.changed.clear()
            if pod.gone.is_set():
                return
            try:
                await self._send(pod)
            except (ApiError, aiohttp.ClientError, TimeoutError) as error:
                log.info("status of %s/%s: %r; trying again", pod.namespace, pod.name, error)
                await asyncio.sleep(_PAUSE)
                pod.changed.set()

    async def _send(self, pod: Pod) -> None:
        """Tell the API server how a pod is. Raises what may pass: ApiError, ClientError, TimeoutError."""
        try:
            await status.send(pod, self._node.api)
        except (ApiError, aiohttp.ClientError, TimeoutError):
            raise
        except Exception:
            log.exception("%s/%s has no status", pod.namespace, pod.name)

    def _start_task(self, work: Coroutine[Any, Any, None], what: str) -> asyncio.Task[None]:
        task = tasks.start(work, what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _note_changes(
    pod: Pod, before: Json, node: Node, start_task: Callable[[Coroutine[Any, Any, None], str], object]
) -> None:
    """Pass on what may change in a running pod: labels and annotations, images, deadlines are read where they matter."""
    if pod.spec.get("ephemeralContainers") != before["spec"].get("ephemeralContainers"):
        node.events.of_pod(pod, "Warning", "Failed", f"Error: {status.NO_EPHEMERAL_CONTAINERS}")
        pod.changed.set()
    for key in ("labels", "annotations"):
        if before["metadata"].get(key) != pod.object["metadata"].get(key):
            start_task(volumes.refresh_fields(pod, node), f"the fields of {pod.name}")
            break
    if pod.spec.get("readinessGates"):
        # Whoever opens a gate says so in a condition of the pod.
        pod.changed.set()
    for spec in [*(pod.spec.get("initContainers") or []), *pod.spec["containers"]]:
        container = pod.containers.get(spec["name"])
        if container is None or container.spec["image"] == spec["image"]:
            continue
        container.spec = spec
        if container.kind == INIT:
            # One that runs is not disturbed; one that waits for its image finds the new one.
            continue
        words = f"Container {container.name} definition changed, will be restarted"
        ending = containers.stop(pod, container, pod.grace_period, node, words, restart=True)
        start_task(ending, f"the restart of {pod.name}")


async def _hurry(pod: Pod, grace: float) -> None:
    await asyncio.sleep(grace)
    for container in pod.containers.values():
        containers.kill(container)

"""Tell what happens to pods as events, with the kubelet's own reasons; the same event again counts up."""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict

import aiohttp

from labsupport.cluster.pocket.layout import NODE_NAME
from labsupport.cluster.pocket.node.api import Api, ApiError, Json
from labsupport.cluster.pocket.node.pod import Container, Pod

_LONGEST_MESSAGE = 1024
# Events of which the next equal one is remembered, and of those waiting to be sent: more are dropped.
_REMEMBERED, _WAITING = 1000, 1000
_NODE_NAMESPACE = "default"
log = logging.getLogger("events")


class Events:
    """Queues events and sends them one after another, so that nobody waits for them."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._waiting: asyncio.Queue[Json] = asyncio.Queue(_WAITING)
        self._sent: OrderedDict[tuple[str, ...], Json] = OrderedDict()

    def of_pod(self, pod: Pod, kind: str, reason: str, message: str) -> None:
        """Tell of a pod; `kind` is Normal or Warning."""
        self._add(_reference(pod), kind, reason, message)

    def of_container(self, pod: Pod, container: Container, kind: str, reason: str, message: str) -> None:
        """Tell of one container of a pod."""
        group = "containers" if container.kind == "main" else "initContainers"
        self._add({**_reference(pod), "fieldPath": f"spec.{group}{{{container.name}}}"}, kind, reason, message)

    def of_object(self, item: Json, kind: str, reason: str, message: str) -> None:
        """Tell of any other object, such as a PersistentVolumeClaim."""
        metadata = item["metadata"]
        reference = {"apiVersion": item.get("apiVersion", "v1"), "kind": item["kind"]}
        reference |= {key: metadata[key] for key in ("namespace", "name", "uid") if key in metadata}
        self._add(reference, kind, reason, message)

    async def run(self) -> None:
        """Send for ever what is queued."""
        while True:
            event = await self._waiting.get()
            try:
                await self._send(event)
            except ApiError as error:
                # A namespace that is going away takes no more events.
                log.debug("%s: %s", event["reason"], error)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                log.info("event %s is lost: %r", event["reason"], error)
            except Exception:
                # What is said of an object may be odd; that must not end who says it.
                log.exception("event %s is lost", event["reason"])

    def _add(self, reference: Json, kind: str, reason: str, message: str) -> None:
        now = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}"
        namespace = reference.get("namespace", _NODE_NAMESPACE)
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{reference['name']}.{time.time_ns():x}", "namespace": namespace},
            "involvedObject": reference,
            "type": kind,
            "reason": reason,
            "message": message[:_LONGEST_MESSAGE],
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": "kubelet", "host": NODE_NAME},
            "reportingComponent": "kubelet",
            "reportingInstance": NODE_NAME,
        }
        with contextlib.suppress(asyncio.QueueFull):
            self._waiting.put_nowait(event)

    async def _send(self, event: Json) -> None:
        reference = event["involvedObject"]
        key = (reference.get("uid", ""), reference.get("fieldPath", ""), event["reason"], event["message"])
        path = f"/api/v1/namespaces/{event['metadata']['namespace']}/events"
        if known := self._sent.get(key):
            known["count"] += 1
            change = {"count": known["count"], "lastTimestamp": event["lastTimestamp"]}
            try:
                await self._api.patch(f"{path}/{known['metadata']['name']}", change)
                return
            except ApiError as error:
                if error.status != 404:
                    raise
        self._sent[key] = await self._api.request("POST", path, event)
        self._sent.move_to_end(key)
        while len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)


def _reference(pod: Pod) -> Json:
    version = pod.object["metadata"].get("resourceVersion", "")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": pod.namespace,
        "name": pod.name,
        "uid": pod.uid,
        "resourceVersion": version,
    }

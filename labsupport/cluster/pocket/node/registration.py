"""Make this machine a Node: register it, keep its lease, and say that it is ready."""

import asyncio
import logging
import os
import platform
import time
from typing import Any

import aiohttp

from labsupport.cluster import versions
from labsupport.cluster.pocket.layout import NODE_NAME
from labsupport.cluster.pocket.node import capacity, containers, fields
from labsupport.cluster.pocket.node.api import ApiError, Json
from labsupport.cluster.pocket.node.node import Node

PATH = f"/api/v1/nodes/{NODE_NAME}"
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
# The controller manager takes a node for dead when its lease was not renewed for 40 s.
_LEASE_SECONDS, _RENEWAL = 40, 10.0
_STATUS_PERIOD = 60.0
_PAUSE = 0.3
_CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)
# Events of a node carry its name as uid, and so `kubectl describe node` looks for them.
_REFERENCE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE_NAME, "uid": NODE_NAME}}
log = logging.getLogger("registration")


async def register(node: Node) -> None:
    """Make the Node object, not ready yet; tries until the API server takes it."""
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    names = {"hostname": NODE_NAME, "os": "linux", "arch": architecture}
    labels = {f"kubernetes.io/{key}": value for key, value in names.items()}
    body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE_NAME, "labels": labels}, "spec": {}}
    while True:
        try:
            await node.api.request("POST", "/api/v1/nodes", body, accept_status=(409,))
            return
        except (ApiError, aiohttp.ClientError, TimeoutError) as error:
            log.info("registration: %r; trying again", error)
            await asyncio.sleep(_PAUSE)


async def keep_alive(node: Node) -> None:
    """Say Ready as soon as old pods are known to be not ready, then renew lease and status for ever."""
    await node.pods.recovered.wait()
    told = 0.0
    while True:
        try:
            if time.monotonic() - told > _STATUS_PERIOD or not told:
                uid = await _say_ready(node)
                if not told:
                    node.events.of_object(
                        _REFERENCE, "Normal", "NodeReady", f"Node {NODE_NAME} status is now: NodeReady"
                    )
                told = time.monotonic()
            await _renew_lease(node, uid)
            await asyncio.sleep(_RENEWAL)
        except (ApiError, aiohttp.ClientError, TimeoutError) as error:
            log.info("heartbeat: %r; trying again", error)
            if isinstance(error, ApiError) and error.status == 404:
                await register(node)
                told = 0.0
            await asyncio.sleep(_PAUSE)


async def follow_capacity(node: Node) -> None:
    """Offer to pods what an administrator adds to the Node's capacity, such as nvidia.com/gpu; for ever."""

    async def look(kind: str, changed: Any) -> None:
        for item in changed if kind == "SYNC" else [changed]:
            status = item.get("status") or {}
            own, offered = capacity.of_machine(), status.get("allocatable") or {}
            added = {key: value for key, value in (status.get("capacity") or {}).items() if key not in own}
            # A merge patch removes what is None.
            removed = {key: None for key in offered if key not in own and key not in added}
            if any(offered.get(key) != value for key, value in added.items()) or removed:
                await node.api.patch(f"{PATH}/status", {"status": {"allocatable": {**added, **removed}}})

    await node.api.watch(f"/api/v1/nodes?fieldSelector=metadata.name%3D{NODE_NAME}", look)


async def _say_ready(node: Node) -> str:
    """Send the Node's status. What others added to its capacity stays, for a patch names only its own keys."""
    before = {
        condition["type"]: condition for condition in (await node.api.get(PATH))["status"].get("conditions") or []
    }
    now = containers.now()
    conditions = []
    for kind, value, reason, message in _CONDITIONS:
        known = before.get(kind)
        since = known["lastTransitionTime"] if known and known["status"] == value else now
        times = {"lastHeartbeatTime": now, "lastTransitionTime": since}
        conditions.append({"type": kind, "status": value, "reason": reason, "message": message, **times})
    status = {
        "capacity": capacity.of_machine(),
        "allocatable": capacity.of_machine(),
        "conditions": conditions,
        "addresses": [
            {"type": "InternalIP", "address": fields.HOST_ADDRESS},
            {"type": "Hostname", "address": NODE_NAME},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": node.layout.ports().kubelet}},
        "nodeInfo": _information(),
    }
    answer = await node.api.patch(f"{PATH}/status", {"status": status}, "strategic-merge-patch")
    return str(answer["metadata"]["uid"])


async def _renew_lease(node: Node, uid: str) -> None:
    now = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}.000000Z"
    spec = {"holderIdentity": NODE_NAME, "leaseDurationSeconds": _LEASE_SECONDS, "renewTime": now}
    try:
        await node.api.patch(f"{_LEASES}/{NODE_NAME}", {"spec": spec})
    except ApiError as error:
        if error.status != 404:
            raise
        owner = {"apiVersion": "v1", "kind": "Node", "name": NODE_NAME, "uid": uid}
        body = {"metadata": {"name": NODE_NAME, "ownerReferences": [owner]}, "spec": spec}
        await node.api.request("POST", _LEASES, body)


def _information() -> Json:
    return {
        "kubeletVersion": f"v{versions.KUBERNETES}",
        "kubeProxyVersion": "",
        "containerRuntimeVersion": "process://1",
        "osImage": platform.freedesktop_os_release().get("PRETTY_NAME", "Linux"),
        "operatingSystem": "linux",
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
        "kernelVersion": os.uname().release,
        "machineID": "",
        "systemUUID": "",
        "bootID": "",
    }

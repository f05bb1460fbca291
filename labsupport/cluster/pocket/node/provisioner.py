"""Make a volume for each claim of the StorageClass `standard`: a folder, kept until the claim is deleted."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

from labsupport.cluster.pocket.layout import NODE_NAME
from labsupport.cluster.pocket.node import tasks
from labsupport.cluster.pocket.node.api import ApiError, Json
from labsupport.cluster.pocket.node.node import Node
from labsupport.files import remove_folder

# As in bootstrap.yaml.
PROVISIONER = "labs-pocket.local/folder"
_CLAIMS, _VOLUMES = "/api/v1/persistentvolumeclaims", "/api/v1/persistentvolumes"
_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
_WANTED_FROM = "volume.kubernetes.io/storage-provisioner"
_SELECTED_NODE = "volume.kubernetes.io/selected-node"
# After an error.
_PAUSE = 2.0
log = logging.getLogger("provisioner")


async def run(node: Node) -> None:
    """Follow claims and volumes for ever."""
    claims, volumes = _Follower(_provide, node), _Follower(_reclaim, node)
    await tasks.together(
        node.api.watch(_CLAIMS, claims.on_change),
        node.api.watch(_VOLUMES, volumes.on_change),
        claims.look_again(),
        volumes.look_again(),
    )


class _Follower:
    """Does what each object needs, and what did not work once more: a disk may have room again, a server may answer again."""

    def __init__(self, do: Callable[[Json, Node], Awaitable[None]], node: Node) -> None:
        self._do, self._node = do, node
        # What is not done, by uid: the newest that the API server said of each.
        self._left: dict[str, Json] = {}

    async def on_change(self, kind: str, changed: Any) -> None:
        """Take a list, or a change of one object."""
        if kind == "SYNC":
            self._left.clear()
        for item in changed if kind == "SYNC" else [changed]:
            self._left.pop(item["metadata"]["uid"], None)
            if kind != "DELETED":
                await self._try(item)

    async def look_again(self) -> None:
        """Try for ever what has failed."""
        while True:
            await asyncio.sleep(_PAUSE)
            for item in list(self._left.values()):
                await self._try(item)

    async def _try(self, item: Json) -> None:
        uid = item["metadata"]["uid"]
        self._left[uid] = item
        try:
            await self._do(item, self._node)
        except (ApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.info("%s: %r; trying again", item["metadata"]["name"], error)
            return
        if self._left.get(uid) is item:
            del self._left[uid]


def volume_for(claim: Json, folder: Path) -> Json:
    """Return the PersistentVolume that a claim gets: as large as it asks for, bound to it, on this node."""
    metadata, spec = claim["metadata"], claim["spec"]
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE_NAME]}
    owner = {key: metadata[key] for key in ("namespace", "name", "uid", "resourceVersion")}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"pvc-{metadata['uid']}", "annotations": {_PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "volumeMode": "Filesystem",
            "storageClassName": spec["storageClassName"],
            "persistentVolumeReclaimPolicy": "Delete",
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **owner},
            "hostPath": {"path": str(folder), "type": "DirectoryOrCreate"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }


async def _provide(claim: Json, node: Node) -> None:
    metadata, spec = claim["metadata"], claim["spec"]
    annotations = metadata.get("annotations") or {}
    ours = annotations.get(_WANTED_FROM) == PROVISIONER and annotations.get(_SELECTED_NODE) == NODE_NAME
    if not ours or spec.get("volumeName") or metadata.get("deletionTimestamp"):
        return
    item = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **claim}
    if spec.get("volumeMode") == "Block":
        node.events.of_object(item, "Warning", "ProvisioningFailed", "this node has folders only, no block devices")
        return
    words = f'External provisioner is provisioning volume for claim "{metadata["namespace"]}/{metadata["name"]}"'
    node.events.of_object(item, "Normal", "Provisioning", words)
    folder = node.layout.volumes / f"pvc-{metadata['uid']}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        words = f'failed to provision volume with StorageClass "{spec["storageClassName"]}": {error.strerror}'
        node.events.of_object(item, "Warning", "ProvisioningFailed", words)
        raise
    volume = volume_for(claim, folder)
    await node.api.request("POST", _VOLUMES, volume, accept_status=(409,))
    words = f"Successfully provisioned volume {volume['metadata']['name']}"
    node.events.of_object(item, "Normal", "ProvisioningSucceeded", words)


async def _reclaim(volume: Json, node: Node) -> None:
    """Delete the folder of a volume whose claim is gone; with the policy Retain it stays."""
    metadata, spec = volume["metadata"], volume["spec"]
    if (metadata.get("annotations") or {}).get(_PROVISIONED_BY) != PROVISIONER:
        return
    released = volume.get("status", {}).get("phase") in ("Released", "Failed")
    if not released or spec.get("persistentVolumeReclaimPolicy") != "Delete":
        return
    folder = node.layout.volumes / metadata["name"]
    log.info("the claim of %s is gone, its folder goes too", metadata["name"])
    await asyncio.to_thread(remove_folder, folder)
    await node.api.request("DELETE", f"{_VOLUMES}/{metadata['name']}", accept_status=(404,))

"""Make a volume for each claim of the StorageClass `standard`: a folder, kept until the claim is deleted."""

import asyncio
import logging
from pathlib import Path
from typing import Any

from labsupport.cluster.pocket.layout import NODE_NAME
from labsupport.cluster.pocket.node import tasks
from labsupport.cluster.pocket.node.api import Json
from labsupport.cluster.pocket.node.node import Node
from labsupport.files import remove_folder

# As in bootstrap.yaml.
PROVISIONER = "labs-pocket.local/folder"
_CLAIMS, _VOLUMES = "/api/v1/persistentvolumeclaims", "/api/v1/persistentvolumes"
_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
_WANTED_FROM = "volume.kubernetes.io/storage-provisioner"
_SELECTED_NODE = "volume.kubernetes.io/selected-node"
log = logging.getLogger("provisioner")


async def run(node: Node) -> None:
    """Follow claims and volumes for ever."""

    async def each(kind: str, changed: Any, look: Any) -> None:
        for item in changed if kind == "SYNC" else [] if kind == "DELETED" else [changed]:
            await look(item, node)

    await tasks.together(
        node.api.watch(_CLAIMS, lambda kind, changed: each(kind, changed, _provide)),
        node.api.watch(_VOLUMES, lambda kind, changed: each(kind, changed, _reclaim)),
    )


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
    folder.mkdir(parents=True, exist_ok=True)
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

"""A claim gets a volume of its own size, bound to it and to this node."""

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace as Some
from typing import Any

import pytest

from labsupport.cluster.pocket.node import provisioner
from labsupport.cluster.pocket.node.api import ApiError
from labsupport.cluster.pocket.node.provisioner import PROVISIONER, volume_for


def claim() -> dict[str, Any]:
    spec = {
        "resources": {"requests": {"storage": "1Gi"}},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "standard",
    }
    wanted = {
        "volume.kubernetes.io/storage-provisioner": PROVISIONER,
        "volume.kubernetes.io/selected-node": "pocket",
    }
    metadata = {"namespace": "shop", "name": "models", "uid": "u", "resourceVersion": "7", "annotations": wanted}
    return {"metadata": metadata, "spec": spec}


def test_volume_fits_its_claim() -> None:
    volume = volume_for(claim(), Path("/volumes/pvc-u"))
    assert volume["metadata"]["name"] == "pvc-u"
    assert volume["spec"]["capacity"] == {"storage": "1Gi"}
    assert volume["spec"]["claimRef"]["name"] == "models" and volume["spec"]["claimRef"]["uid"] == "u"
    assert volume["spec"]["hostPath"]["path"] == "/volumes/pvc-u"
    (term,) = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == ["pocket"]


class Agent:
    """As much of a node as the provisioner needs: one claim in an API server that refuses until it is told not to."""

    def __init__(self, folder: Path) -> None:
        self.layout = Some(volumes=folder)
        self.api = self
        self.refuses = False
        self.asked: list[str] = []
        self.made: list[str] = []
        self.told: list[str] = []
        self.events = Some(of_object=lambda item, kind, reason, message: self.told.append(f"{reason}: {message}"))

    async def watch(self, path: str, on_change: Callable[..., Any]) -> None:
        if path.endswith("claims"):
            await on_change("SYNC", [claim()])
        await asyncio.Event().wait()

    async def request(self, method: str, path: str, body: dict, accept_status: object) -> None:
        self.asked.append(method)
        if self.refuses:
            raise ApiError(500, "etcdserver: request timed out")
        self.made.append(body["metadata"]["name"])


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.005)


def test_a_claim_that_came_while_the_disk_was_full_gets_its_volume_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, mkdir = [True], Path.mkdir

    def refuse(self: Path, *arguments: Any, **options: Any) -> None:
        if full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        mkdir(self, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(provisioner, "_PAUSE", 0.01)

    async def scenario() -> None:
        agent = Agent(tmp_path)
        following = asyncio.create_task(provisioner.run(agent))  # type: ignore[arg-type]
        failed = 'ProvisioningFailed: failed to provision volume with StorageClass "standard": No space left on device'
        await until(lambda: agent.told.count(failed) >= 2)
        assert agent.made == []
        full.clear()
        await until(lambda: agent.made == ["pvc-u"])
        assert agent.told[-1] == "ProvisioningSucceeded: Successfully provisioned volume pvc-u"
        await asyncio.sleep(0.05)
        assert agent.made == ["pvc-u"]
        following.cancel()

    asyncio.run(scenario())


def test_a_claim_gets_its_volume_though_the_api_server_refused_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provisioner, "_PAUSE", 0.01)

    async def scenario() -> None:
        agent = Agent(tmp_path)
        agent.refuses = True
        following = asyncio.create_task(provisioner.run(agent))  # type: ignore[arg-type]
        await until(lambda: len(agent.asked) >= 2)
        agent.refuses = False
        await until(lambda: agent.made == ["pvc-u"])
        following.cancel()

    asyncio.run(scenario())

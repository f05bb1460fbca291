"""All pods of this node: follow the API server's list of them, give each an address and a life, and take it away."""

import asyncio
import logging
import random
import shutil
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from labsupport.cluster.pocket import layout as places
from labsupport.cluster.pocket.layout import APISERVER_ADDRESS, NODE_NAME
from labsupport.cluster.pocket.node import life, status
from labsupport.cluster.pocket.node.api import Json
from labsupport.cluster.pocket.node.containers import INIT, MAIN, SIDECAR, Container

if TYPE_CHECKING:
    from labsupport.cluster.pocket.node.agent import Node

PATH = f"/api/v1/pods?fieldSelector=spec.nodeName%3D{NODE_NAME}"
ENDED = ("Succeeded", "Failed")
# A pod that was deleted by force still gets a moment to end.
_FORCED_GRACE = 1.0
log = logging.getLogger("pods")


@dataclass(eq=False)
class Pod:
    """A pod of this node: the API server's object, and what the agent knows of it."""

    object: Json
    folder: Path
    address: str
    containers: dict[str, Container] = field(default_factory=dict)
    volumes: dict[str, Path] = field(default_factory=dict)
    terminating: bool = False
    initialized: bool = False
    volumes_ready: bool = False
    # Succeeded or Failed, when its life is over, and why.
    ended: str = ""
    reason: str = ""
    message: str = ""
    start_time: str = ""
    # Set at each change that the API server should know.
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    # Set when it is to end: every wait of its life stops then.
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    life: asyncio.Task[None] | None = None
    reservation: socket.socket | None = None

    @property
    def namespace(self) -> str:
        return str(self.object["metadata"]["namespace"])

    @property
    def name(self) -> str:
        return str(self.object["metadata"]["name"])

    @property
    def uid(self) -> str:
        return str(self.object["metadata"]["uid"])

    @property
    def spec(self) -> Json:
        return dict(self.object["spec"])

    @property
    def path(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"

    @property
    def loopback(self) -> str:
        """The address on which its containers listen: the loopback twin of the one that the API server knows."""
        return places.to_loopback(self.address)

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def of_kind(self, *kinds: str) -> list[Container]:
        return [container for container in self.containers.values() if container.kind in kinds]


class Pods:
    """The pods of this node by their uid."""

    def __init__(self) -> None:
        self._pods: dict[str, Pod] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        # Far from other clusters' pods, and not soon again: a late client must not meet a stranger.
        self._last_address = random.randrange(1, 60_000)
        # Set when the pods that were there before this agent are known, and known to be not ready.
        self.recovered = asyncio.Event()

    def find(self, namespace: str, name: str) -> Pod | None:
        for pod in self._pods.values():
            if (pod.namespace, pod.name) == (namespace, name):
                return pod
        return None

    def all(self) -> list[Pod]:
        return list(self._pods.values())

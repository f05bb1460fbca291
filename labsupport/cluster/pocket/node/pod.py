"""What the agent knows of one pod and of its containers, and the registry of all pods of this node."""

import asyncio
import socket
from dataclasses import dataclass, field
from pathlib import Path

from labsupport.cluster.pocket import layout as places
from labsupport.cluster.pocket.node.api import Json
from labsupport.cluster.pocket.node.images import Image

# The kinds of containers.
MAIN, INIT, SIDECAR = "main", "init", "sidecar"


@dataclass(eq=False)
class Container:
    """A container of a pod through all its restarts."""

    name: str
    spec: Json
    folder: Path
    kind: str = MAIN
    working_folder: Path = Path()
    argv: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    mounts: dict[str, Path] = field(default_factory=dict)
    restart_count: int = 0
    process: asyncio.subprocess.Process | None = None
    session: int | None = None
    output: asyncio.Task[None] | None = None
    log: Path | None = None
    previous_log: Path | None = None
    image_id: str = ""
    # What it was started from last.
    image: Image = Image("")
    identity: str = ""
    ready: bool = False
    started: bool = False
    # As the API has them: {"waiting": {...}}, {"running": {...}} or {"terminated": {...}}.
    state: Json = field(default_factory=dict)
    last_state: Json = field(default_factory=dict)
    # Why the agent killed it (OOMKilled), when that was not its own end.
    killed_because: str = ""
    # Whoever ended it wants it back, whatever its exit code.
    comes_back: bool = False
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    # The task that keeps a sidecar running.
    life: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    @property
    def exit_code(self) -> int | None:
        code = self.state.get("terminated", {}).get("exitCode")
        return None if code is None else int(code)

    def wait_for(self, reason: str, message: str = "") -> None:
        """Say why the container is not running; the end of an earlier run becomes its last state."""
        if "terminated" in self.state:
            self.last_state = self.state
        self.state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}


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
    # Held while a status is sent: of two on their way at once the older one might arrive last, and stay.
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)
    # Set when it is to end: every wait of its life stops then.
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    life: asyncio.Task[None] | None = None
    reservation: socket.socket | None = None
    # The seconds that it was given to end.
    grace: float = 0.0
    gone: asyncio.Event = field(default_factory=asyncio.Event)

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
    def grace_period(self) -> float:
        """The seconds that its containers get to end when nobody says otherwise."""
        return float(self.spec.get("terminationGracePeriodSeconds", 30))

    def of_kind(self, *kinds: str) -> list[Container]:
        return [container for container in self.containers.values() if container.kind in kinds]


class Registry:
    """The pods of this node by their uid."""

    def __init__(self) -> None:
        self._pods: dict[str, Pod] = {}
        # Set when the pods that were there before this agent are known, and known to be not ready.
        self.recovered = asyncio.Event()

    def get(self, uid: str) -> Pod | None:
        return self._pods.get(uid)

    def find(self, namespace: str, name: str) -> Pod | None:
        for pod in self._pods.values():
            if (pod.namespace, pod.name) == (namespace, name):
                return pod
        return None

    def all(self) -> list[Pod]:
        return list(self._pods.values())

    def add(self, pod: Pod) -> None:
        self._pods[pod.uid] = pod

    def remove(self, pod: Pod) -> None:
        self._pods.pop(pod.uid, None)

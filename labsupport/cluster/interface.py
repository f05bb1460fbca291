"""What every cluster can do, whatever it runs on."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from labsupport.cluster import kubectl
from labsupport.cluster.kubectl import Access

if TYPE_CHECKING:
    import subprocess

    import kubernetes

Report = Callable[[str], None]


@dataclass(frozen=True)
class Status:
    """What is known of a cluster: whether it can be used, a sentence, and one line for each of its programs."""

    ready: bool
    sentence: str
    programs: dict[str, str] = field(default_factory=dict)
    limits: tuple[str, ...] = ()


class Cluster(Protocol):
    """A Kubernetes cluster that the labs may use, whatever it runs on."""

    name: str

    @property
    def access(self) -> Access:
        """The kubeconfig and context to reach it with."""

    def up(self, report: Report | None = None) -> None:
        """Start it where that is needed and wait until pods can run; `report` is told each step."""

    def down(self, keep: bool = False) -> bool:
        """Stop it and delete what it stored, or keep that for the next start; returns whether there was one."""

    def status(self) -> Status:
        """Look at it."""

    def logs(self, program: str | None = None) -> list[Path]:
        """Return the log files of its own programs."""

    def kubectl(
        self, *arguments: str, stdin: str | bytes | None = None, timeout: float = 60.0, check: bool = True
    ) -> kubectl.Result:
        """Run kubectl against it; raises LabsError when that fails, unless check=False."""

    def get(self, *arguments: str, timeout: float = 60.0) -> dict[str, Any]:
        """Return what `kubectl get ARGUMENTS -o json` finds; raises LabsError when that fails."""

    def start_kubectl(self, *arguments: str, **options: object) -> "subprocess.Popen[bytes]":
        """Start a kubectl that stays (port-forward, logs -f); the caller ends it."""

    def client(self) -> "kubernetes.client.ApiClient":
        """Return the official Python client's connection to it."""

    def reach(self, service: str, port: int, namespace: str = "default") -> AbstractContextManager[str]:
        """Return a context with a base URL (http://ADDRESS:PORT) at which this machine reaches a Service."""

    def image_advice(self, image: str) -> str | None:
        """Return what to do when a pod's image can't be had there, or None when the cluster knows nothing better."""
